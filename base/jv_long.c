/* Long strings of a JSON text, taken out before jansson reads it: it goes over a string byte by
 * byte, 8 ns each, and a job is mostly one long string, its script.
 *
 * How this works: outside of strings a quote always begins one, so the strings of any text are
 * found without its grammar. A value of LONG bytes and more that is a good string (escapes, UTF-8,
 * surrogates in pairs) is decoded here and leaves "" behind; everything else stays for jansson,
 * which says whether the text is good. What it gives has its strings in the order of the text, so
 * the n-th is the one that was the n-th before. */
#include <stdlib.h>
#include <string.h>

#include "base/jv_inner.h"
#include "base/mem.h"
#include "base/utf8.h"

#define LONG 24 /* bytes between the quotes, as written */

/* Four hexadecimal digits, known to be some. */
static unsigned code_unit(const char *p)
{
    unsigned u = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        u = u << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return u;
}

static void add_utf8(struct buf *out, unsigned c)
{
    if (c < 0x80) {
        buf_addc(out, (char)c);
        return;
    }
    if (c >= 0x10000) {
        buf_addc(out, (char)(0xf0 | c >> 18));
        buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
    } else if (c >= 0x800) {
        buf_addc(out, (char)(0xe0 | c >> 12));
    }
    buf_addc(out, (char)(c < 0x800 ? 0xc0 | c >> 6 : 0x80 | (c >> 6 & 0x3f)));
    buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* \uXXXX at p, with its second half where it is a surrogate; the bytes read, 0: no pair. */
static size_t add_escaped_unit(struct buf *out, const char *p, size_t left)
{
    unsigned u = code_unit(p + 2);
    if (u < 0xd800 || u > 0xdfff) {
        add_utf8(out, u);
        return 6;
    }
    if (u >= 0xdc00 || left < 12 || p[6] != '\\' || p[7] != 'u')
        return 0;
    unsigned low = code_unit(p + 8);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    add_utf8(out, 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
    return 12;
}

/* The inside of a string whose escapes are well formed. False: a surrogate alone. */
static bool decode(struct buf *out, const char *p, size_t len)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    for (size_t i = 0; i < len;) {
        const char *slash = memchr(p + i, '\\', len - i);
        size_t plain = slash ? (size_t)(slash - p) - i : len - i;
        buf_add(out, p + i, plain);
        i += plain;
        if (!slash)
            break;
        if (p[i + 1] == 'u') {
            size_t n = add_escaped_unit(out, p + i, len - i);
            if (n == 0)
                return false;
            i += n;
        } else {
            buf_addc(out, values[strchr(names, p[i + 1]) - names]);
            i += 2;
        }
    }
    return true;
}

static bool take(struct jv_short *s, const char *p, size_t len, size_t ordinal)
{
    size_t from = s->said.len;
    if (utf8_valid_prefix(p, len) != len)
        return false;
    buf_reserve(&s->said, len);
    if (!decode(&s->said, p, len)) {
        s->said.len = from;
        return false;
    }
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->longs = mem_grow(s->longs, s->cap * sizeof *s->longs);
    }
    s->longs[s->count++] = (struct jv_long){.ordinal = ordinal, .from = from, .to = s->said.len};
    return true;
}

bool jv_shorten(const char *text, size_t len, struct jv_short *s)
{
    size_t done = 0, at = 0, ordinal = 0; /* text before `done` stands in s->text already */
    *s = (struct jv_short){0};
    while (len - at >= LONG) {
        const char *quote = memchr(text + at, '"', len - at);
        if (!quote)
            break;
        size_t open = (size_t)(quote - text), behind = jv_string_skip(text, len, open);
        size_t next = jv_space_skip(text, len, behind);
        at = behind;
        if (next < len && text[next] == ':')
            continue; /* a member's name */
        if (behind - open >= LONG + 2 && jv_string_check(text, len, open) == behind &&
            take(s, text + open + 1, behind - open - 2, ordinal)) {
            buf_add(&s->text, text + done, open - done);
            buf_add(&s->text, "\"\"", 2);
            done = behind;
        }
        ordinal++;
    }
    if (s->count == 0)
        return false;
    buf_add(&s->text, text + done, len - done);
    return !s->text.full && !s->said.full;
}

void jv_short_free(struct jv_short *s)
{
    buf_free(&s->text);
    buf_free(&s->said);
    free(s->longs);
}
