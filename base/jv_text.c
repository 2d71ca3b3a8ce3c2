#include "base/jv.h"
#include "base/jv_inner.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* How this works: both functions walk the bytes once, without recursion. jv_check() remembers in
 * one bit per level whether it stands in an object or an array; jv_raw_member() only counts
 * brackets, because the text was checked before. */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

size_t jv_space_skip(const char *t, size_t len, size_t i)
{
    while (i < len && is_space(t[i]))
        i++;
    return i;
}

/* ---- jv_check ---- */

#define EACH_BYTE(b) ((uint64_t)(b)*0x0101010101010101u)
#define TOP_BITS     EACH_BYTE(0x80)

/* True when one of eight bytes is below n (1 to 128); bytes of 0x80 and more never are. */
static bool any_below(uint64_t w, unsigned n)
{
    return ((w - EACH_BYTE(n)) & ~w & TOP_BITS) != 0;
}

/* Over bytes of a string that mean nothing else, eight at a time; at most 7 of them stay. */
static size_t skip_plain(const char *t, size_t len, size_t i)
{
    uint64_t w;
    while (len - i >= sizeof w) {
        memcpy(&w, t + i, sizeof w);
        if (any_below(w, 0x20) || any_below(w ^ EACH_BYTE('"'), 1) ||
            any_below(w ^ EACH_BYTE('\\'), 1))
            break;
        i += sizeof w;
    }
    return i;
}

/* Each returns the offset behind what it read, 0 when that is malformed (nothing ends at offset 0).
 */

size_t jv_string_check(const char *t, size_t len, size_t i)
{
    for (i++; i < len && (i = skip_plain(t, len, i)) < len; i++) {
        if (t[i] == '"')
            return i + 1;
        if ((unsigned char)t[i] < 0x20)
            return 0;
        if (t[i] != '\\')
            continue;
        if (++i >= len || t[i] == 0 || !strchr("\"\\/bfnrtu", t[i]))
            return 0;
        if (t[i] != 'u')
            continue;
        for (int digit = 0; digit < 4; digit++)
            if (++i >= len || !is_hex(t[i]))
                return 0;
    }
    return 0;
}

static size_t check_digits(const char *t, size_t len, size_t i)
{
    size_t start = i;
    while (i < len && is_digit(t[i]))
        i++;
    return i > start ? i : 0;
}

static size_t check_number(const char *t, size_t len, size_t i)
{
    if (t[i] == '-')
        i++;
    if (i < len && t[i] == '0')
        i++;
    else if ((i = check_digits(t, len, i)) == 0)
        return 0;
    if (i < len && t[i] == '.' && (i = check_digits(t, len, i + 1)) == 0)
        return 0;
    if (i < len && (t[i] == 'e' || t[i] == 'E')) {
        i++;
        if (i < len && (t[i] == '+' || t[i] == '-'))
            i++;
        i = check_digits(t, len, i);
    }
    return i;
}

static size_t check_word(const char *t, size_t len, size_t i, const char *word)
{
    size_t n = strlen(word);
    return len - i >= n && !memcmp(t + i, word, n) ? i + n : 0;
}

/* A value that holds no other values; i < len. */
static size_t check_scalar(const char *t, size_t len, size_t i)
{
    switch (t[i]) {
    case '"':
        return jv_string_check(t, len, i);
    case 't':
        return check_word(t, len, i, "true");
    case 'f':
        return check_word(t, len, i, "false");
    case 'n':
        return check_word(t, len, i, "null");
    default:
        return t[i] == '-' || is_digit(t[i]) ? check_number(t, len, i) : 0;
    }
}

/* A member's name and colon, at a quote. */
static size_t check_name(const char *t, size_t len, size_t i)
{
    if (i >= len || t[i] != '"' || (i = jv_string_check(t, len, i)) == 0)
        return 0;
    i = jv_space_skip(t, len, i);
    return i < len && t[i] == ':' ? i + 1 : 0;
}

struct levels {
    uint64_t object[JV_DEPTH_MAX / 64]; /* one bit a level: it is an object */
    int depth, max;
};

static bool in_object(const struct levels *l)
{
    int top = l->depth - 1;
    return (l->object[top / 64] >> (top % 64)) & 1;
}

static bool enter(struct levels *l, bool object)
{
    if (l->depth == l->max)
        return false;
    uint64_t bit = (uint64_t)1 << (l->depth % 64);
    if (object)
        l->object[l->depth / 64] |= bit;
    else
        l->object[l->depth / 64] &= ~bit;
    l->depth++;
    return true;
}

/* Behind a value: closes what ends here. Gives the offset where the next value starts, len at the
 * end of the text, 0 when malformed. */
static size_t check_after_value(const char *t, size_t len, size_t i, struct levels *l)
{
    for (;;) {
        i = jv_space_skip(t, len, i);
        if (l->depth == 0)
            return i == len ? len : 0;
        if (i >= len)
            return 0;
        if (t[i] == ',') {
            i = jv_space_skip(t, len, i + 1);
            if (in_object(l) && (i = check_name(t, len, i)) == 0)
                return 0;
            i = jv_space_skip(t, len, i);
            return i < len ? i : 0; /* a value must follow */
        }
        if (t[i] != (in_object(l) ? '}' : ']'))
            return 0;
        l->depth--;
        i++;
    }
}

static bool check(const char *t, size_t len, int max_depth)
{
    struct levels l = {.max = max_depth};
    if (utf8_valid_prefix(t, len) != len)
        return false;
    size_t i = jv_space_skip(t, len, 0);
    if (i >= len)
        return false;
    for (;;) { /* t[i] starts a value */
        if (t[i] == '{' || t[i] == '[') {
            bool object = t[i] == '{';
            if (!enter(&l, object))
                return false;
            i = jv_space_skip(t, len, i + 1);
            if (i >= len)
                return false;
            if (t[i] != (object ? '}' : ']')) {
                if (object && (i = check_name(t, len, i)) == 0)
                    return false;
                i = jv_space_skip(t, len, i);
                if (i >= len)
                    return false;
                continue;
            }
        } else if ((i = check_scalar(t, len, i)) == 0) {
            return false;
        }
        i = check_after_value(t, len, i, &l);
        if (i == 0 || i == len)
            return i == len;
    }
}

bool jv_check(const char *t, size_t len)
{
    return check(t, len, JV_DEPTH_MAX);
}

bool jv_check_inner(const char *t, size_t len)
{
    return check(t, len, JV_INNER_DEPTH_MAX);
}

/* ---- jv_raw_member ---- */

/* Behind the closing quote, or len when there is none. That is the first quote with an even number
 * of backslashes in front: a script of a megabyte is gone over at memchr()'s speed. */
size_t jv_string_skip(const char *t, size_t len, size_t i)
{
    size_t from = i + 1;
    while (from < len) {
        const char *quote = memchr(t + from, '"', len - from);
        if (!quote)
            return len;
        size_t at = (size_t)(quote - t), first = at;
        while (first > from && t[first - 1] == '\\')
            first--;
        if ((at - first) % 2 == 0)
            return at + 1;
        from = at + 1;
    }
    return len;
}

static size_t skip_value(const char *t, size_t len, size_t i)
{
    int depth = 0;
    while (i < len) {
        char c = t[i];
        if (c == '"') {
            i = jv_string_skip(t, len, i);
            if (depth == 0)
                return i;
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return i;
            if (--depth == 0)
                return i + 1;
        } else if (depth == 0 && (c == ',' || is_space(c))) {
            return i;
        }
        i++;
    }
    return len;
}

bool jv_raw_member(const char *t, size_t len, const char *name, const char **value,
                   size_t *value_len)
{
    size_t want = strlen(name), i = jv_space_skip(t, len, 0);
    if (i >= len || t[i] != '{')
        return false;
    i = jv_space_skip(t, len, i + 1);
    while (i < len && t[i] == '"') {
        size_t start = i + 1, behind = jv_string_skip(t, len, i);
        bool match =
            behind > start + want && behind - start == want + 1 && !memcmp(t + start, name, want);
        i = jv_space_skip(t, len, behind);
        if (i >= len || t[i] != ':')
            return false;
        i = jv_space_skip(t, len, i + 1);
        size_t stop = skip_value(t, len, i);
        if (match) {
            *value = t + i;
            *value_len = stop - i;
            return stop > i;
        }
        i = jv_space_skip(t, len, stop);
        if (i >= len || t[i] != ',')
            return false;
        i = jv_space_skip(t, len, i + 1);
    }
    return false;
}
