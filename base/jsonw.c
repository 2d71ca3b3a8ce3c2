#include "base/jsonw.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void jsonw_init(struct jsonw *w, struct buf *out)
{
    *w = (struct jsonw){.out = out};
}

/* Whether a comma is due before the next value. */
static bool comma_due(struct jsonw *w)
{
    bool due = !w->after_name && w->has[w->depth];
    if (!w->after_name)
        w->has[w->depth] = true;
    w->after_name = false;
    return due;
}

static void comma(struct jsonw *w)
{
    if (comma_due(w))
        buf_addc(w->out, ',');
}

/* `"text"` with a comma in front where one is due and `behind` behind, in one piece: most of what
 * is written are names and short plain strings. */
static void add_quoted(struct jsonw *w, const char *text, size_t len, const char *behind)
{
    struct buf *out = w->out;
    bool due = comma_due(w);
    size_t tail = strlen(behind), whole = due + 1 + len + 1 + tail;
    if (out->full)
        return;
    buf_reserve(out, whole);
    if (out->full)
        return;
    char *p = out->data + out->len;
    if (due)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, text, len);
    p += len;
    *p++ = '"';
    memcpy(p, behind, tail);
    p[tail] = 0;
    out->len += whole;
}

static void open(struct jsonw *w, char c)
{
    comma(w);
    CHECK(w->depth + 1 < JSONW_DEPTH);
    w->has[++w->depth] = false;
    buf_addc(w->out, c);
}

static void close(struct jsonw *w, char c)
{
    CHECK(w->depth > 0);
    w->depth--;
    buf_addc(w->out, c);
}

void jsonw_object(struct jsonw *w)
{
    open(w, '{');
}

void jsonw_object_end(struct jsonw *w)
{
    close(w, '}');
}

void jsonw_array(struct jsonw *w)
{
    open(w, '[');
}

void jsonw_array_end(struct jsonw *w)
{
    close(w, ']');
}

void jsonw_name(struct jsonw *w, const char *name)
{
    add_quoted(w, name, strlen(name), ":");
    w->after_name = true;
}

/* Each byte of a word in one: which of them is zero, and which is below 0x20. Above the first byte
 * that is found a borrow may find others: the answer is for "is there any". */
#define EACH(byte) (0x0101010101010101u * (byte))

static uint64_t any_zero(uint64_t w)
{
    return (w - EACH(0x01)) & ~w & EACH(0x80);
}

/* Whether none of eight bytes has to be looked at by itself. */
static bool plain_word(uint64_t w)
{
    uint64_t control = (w - EACH(0x20)) & ~w & EACH(0x80);
    return !(control | any_zero(w ^ EACH('"')) | any_zero(w ^ EACH('\\')) |
             any_zero(w ^ EACH(0x7f)) | any_zero(w ^ EACH(0xe2)));
}

static bool plain(const char *s)
{
    uint64_t w;
    memcpy(&w, s, sizeof w);
    return plain_word(w);
}

/* Whether it is ASCII that stands in JSON as it is. */
static bool all_plain(const char *s, size_t len)
{
    uint64_t w, high = 0, rest = EACH(' ');
    size_t i = 0;
    for (; len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, s + i, sizeof w);
        high |= w;
        if (!plain_word(w))
            return false;
    }
    memcpy(&rest, s + i, len - i);
    return plain_word(rest) && ((high | rest) & EACH(0x80)) == 0;
}

/* The escape that the character at s needs, NULL: none. *skip: its bytes. u: room for one. */
static const char *escape_of(const char *s, size_t left, char u[8], size_t *skip)
{
    unsigned char c = (unsigned char)*s;
    unsigned code = c;
    *skip = 1;
    if (c == '"')
        return "\\\"";
    if (c == '\\')
        return "\\\\";
    if (c == '\n')
        return "\\n";
    if (c == '\r')
        return "\\r";
    if (c == '\t')
        return "\\t";
    if (c == 0xe2 && left >= 3 && (unsigned char)s[1] == 0x80 &&
        ((unsigned char)s[2] | 1) == 0xa9) {
        code = 0x2000 | ((unsigned char)s[2] & 0x3f);
        *skip = 3;
    } else if (c >= 0x20 && c != 0x7f) {
        return NULL;
    }
    snprintf(u, 8, "\\u%04x", code);
    return u;
}

static void add_escaped(struct buf *out, const char *s, size_t len)
{
    size_t from = 0, i = 0;
    while (i < len) {
        char u[8];
        size_t skip;
        if (len - i >= 8 && plain(s + i)) {
            i += 8;
            continue;
        }
        for (size_t end = len - i < 8 ? len : i + 8; i < end; i += skip) {
            const char *esc = escape_of(s + i, len - i, u, &skip);
            if (!esc)
                continue;
            buf_add(out, s + from, i - from);
            buf_adds(out, esc);
            from = i + skip;
        }
    }
    buf_add(out, s + from, len - from);
}

void jsonw_text_name(struct jsonw *w, const char *s, size_t len)
{
    jsonw_string(w, s, len);
    buf_addc(w->out, ':');
    w->after_name = true;
}

void jsonw_string(struct jsonw *w, const char *s, size_t len)
{
    if (len == 0 || all_plain(s, len)) {
        add_quoted(w, len ? s : "", len, ""); /* s may be NULL */
        return;
    }
    comma(w);
    buf_addc(w->out, '"');
    if (utf8_valid_prefix(s, len) == len) {
        add_escaped(w->out, s, len);
    } else {
        struct buf fixed = {0};
        utf8_add_repaired(&fixed, s, len);
        add_escaped(w->out, fixed.data, fixed.len);
        buf_free(&fixed);
    }
    buf_addc(w->out, '"');
}

void jsonw_str(struct jsonw *w, const char *s)
{
    if (s)
        jsonw_string(w, s, strlen(s));
    else
        jsonw_null(w);
}

/* Writes v in front of `end`, at least `least` digits; how many they are. */
static size_t digits_before(char *end, uint64_t v, size_t least)
{
    size_t n = 0;
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
    } while (++n < least || v);
    return n;
}

void jsonw_int(struct jsonw *w, int64_t v)
{
    char text[24];
    comma(w);
    size_t n = digits_before(text + sizeof text, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
    if (v < 0)
        text[sizeof text - ++n] = '-';
    buf_add(w->out, text + sizeof text - n, n);
}

void jsonw_bool(struct jsonw *w, bool v)
{
    comma(w);
    buf_adds(w->out, v ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
    comma(w);
    buf_adds(w->out, "null");
}

void jsonw_ms(struct jsonw *w, int64_t us)
{
    char text[28];
    uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    comma(w);
    size_t n = digits_before(text + sizeof text, size % 1000, 3);
    text[sizeof text - ++n] = '.';
    n += digits_before(text + sizeof text - n, size / 1000, 1);
    if (us < 0)
        text[sizeof text - ++n] = '-';
    buf_add(w->out, text + sizeof text - n, n);
}

void jsonw_raw(struct jsonw *w, const char *json, size_t len)
{
    comma(w);
    buf_add(w->out, json, len);
}

void jsonw_kstr(struct jsonw *w, const char *name, const char *s)
{
    jsonw_name(w, name);
    jsonw_str(w, s);
}

void jsonw_kint(struct jsonw *w, const char *name, int64_t v)
{
    jsonw_name(w, name);
    jsonw_int(w, v);
}

void jsonw_kbool(struct jsonw *w, const char *name, bool v)
{
    jsonw_name(w, name);
    jsonw_bool(w, v);
}

void jsonw_kms(struct jsonw *w, const char *name, int64_t us)
{
    jsonw_name(w, name);
    jsonw_ms(w, us);
}
