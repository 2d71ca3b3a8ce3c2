#include "cli/source/imports.h"

#include <ctype.h>
#include <string.h>

static bool of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t skip_space(const char *text, size_t len, size_t i)
{
    while (i < len && isspace((unsigned char)text[i]))
        i++;
    return i;
}

/* The word that ends before i, if it is one of ours: may a '(' stand behind it, must it? */
static bool keyword(const char *text, size_t i, size_t n, bool *may, bool *must)
{
    static const struct {
        const char *word;
        bool may, must;
    } words[] = {{"from", false, false}, {"import", true, false}, {"require", true, true}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (strlen(words[k].word) != n || memcmp(text + i, words[k].word, n) != 0)
            continue;
        *may = words[k].may;
        *must = words[k].must;
        return true;
    }
    return false;
}

/* A quoted text at i on one line. */
static bool quoted(const char *text, size_t len, size_t i, struct import_found *out)
{
    if (i >= len || (text[i] != '"' && text[i] != '\''))
        return false;
    size_t end = i + 1;
    while (end < len && text[end] != text[i] && text[end] != '\n' && text[end] != '\\')
        end++;
    if (end >= len || text[end] != text[i] || end == i + 1)
        return false;
    *out = (struct import_found){text + i + 1, end - i - 1};
    return true;
}

bool import_next(const char *text, size_t len, size_t *at, struct import_found *out)
{
    size_t i = *at;
    while (i < len) {
        size_t start = i;
        bool may = false, must = false;
        while (i < len && of_name(text[i]))
            i++;
        if (i == start) {
            i++;
            continue;
        }
        if ((start > 0 && text[start - 1] == '.') || !keyword(text, start, i - start, &may, &must))
            continue;
        size_t next = skip_space(text, len, i);
        bool open = next < len && text[next] == '(';
        if (open && may)
            next = skip_space(text, len, next + 1);
        if ((open && !may) || (must && !open) || !quoted(text, len, next, out))
            continue;
        *at = (size_t)(out->name - text) + out->len + 1;
        return true;
    }
    *at = len;
    return false;
}
