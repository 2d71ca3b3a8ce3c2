#include "base/jsonw.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void jsonw_init(struct jsonw *w, struct buf *out)
{
    *w = (struct jsonw){.out = out};
}

static void comma(struct jsonw *w)
{
    if (w->after_name) {
        w->after_name = false;
        return;
    }
    if (w->has[w->depth])
        buf_addc(w->out, ',');
    w->has[w->depth] = true;
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
    comma(w);
    buf_addc(w->out, '"');
    buf_adds(w->out, name);
    buf_add(w->out, "\":", 2);
    w->after_name = true;
}

static void add_escaped(struct buf *out, const char *s, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *esc = NULL;
        char u[8];
        size_t skip = 1;
        if (c == '"') {
            esc = "\\\"";
        } else if (c == '\\') {
            esc = "\\\\";
        } else if (c == '\n') {
            esc = "\\n";
        } else if (c == '\r') {
            esc = "\\r";
        } else if (c == '\t') {
            esc = "\\t";
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(u, sizeof u, "\\u%04x", c);
            esc = u;
        } else if (c == 0xe2 && len - i >= 3 && (unsigned char)s[i + 1] == 0x80 &&
                   ((unsigned char)s[i + 2] | 1) == 0xa9) {
            snprintf(u, sizeof u, "\\u%04x", 0x2000 | ((unsigned char)s[i + 2] & 0x3f));
            esc = u;
            skip = 3;
        }
        if (!esc)
            continue;
        buf_add(out, s + from, i - from);
        buf_adds(out, esc);
        from = i + skip;
        i += skip - 1;
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
    comma(w);
    buf_addc(w->out, '"');
    if (len == 0) {
        /* s may be NULL */
    } else if (utf8_valid_prefix(s, len) == len) {
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

void jsonw_int(struct jsonw *w, int64_t v)
{
    comma(w);
    buf_addf(w->out, "%" PRId64, v);
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
    comma(w);
    uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    buf_addf(w->out, "%s%" PRIu64 ".%03u", us < 0 ? "-" : "", size / 1000, (unsigned)(size % 1000));
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
