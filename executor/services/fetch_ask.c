#include "executor/services/fetch_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "egress/url.h"

/* UTF-8 up to U+00FF to bytes, with a NUL behind them. False: a character beyond. */
static bool bytes_of_text(const char *s, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80) {
            if ((c != 0xc2 && c != 0xc3) || i + 1 >= n)
                return false;
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)s[++i] & 0x3f));
        }
        buf_addc(out, (char)c);
    }
    buf_addc(out, 0);
    return true;
}

void fetch_text_of_bytes(const char *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x80) {
            buf_addc(out, (char)c);
        } else {
            buf_addc(out, (char)(0xc0 | c >> 6));
            buf_addc(out, (char)(0x80 | (c & 0x3f)));
        }
    }
}

static int read_url(const struct jv *doc, struct fetch_ask *out, struct err *e)
{
    size_t len = 0;
    const char *s = jv_string(jv_get(doc, "url"), &len);
    if (!s || len > EGRESS_URL_MAX)
        return err_set(e, ERR_INVALID, "fetch: url: found %s; allowed: a text of up to %d bytes",
                       s ? "a longer one" : "none", EGRESS_URL_MAX);
    buf_add(&out->url, s, len);
    return 0;
}

static int read_method(const struct jv *doc, struct fetch_ask *out, struct err *e)
{
    size_t len = 0;
    const char *s = jv_string(jv_get(doc, "method"), &len);
    int rc = s ? http_method_check(s, len, e)
               : err_set(e, ERR_INVALID, "method: found none; allowed: a text");
    if (!rc)
        memcpy(out->method, s, len + 1);
    return rc ? err_wrap(e, "fetch") : 0;
}

int fetch_fields_read(const struct jv *list, const char *where, fetch_field_check check,
                      struct fetch_fields *out, struct err *e)
{
    size_t n = jv_type(list) == JV_ARRAY ? jv_count(list) : 1;
    if (n % 2 || n / 2 > HTTP_FIELDS_MAX)
        return err_set(e, ERR_INVALID,
                       "%s: headers: allowed: names and values in turn, up to %d of them", where,
                       HTTP_FIELDS_MAX);
    size_t at[2 * HTTP_FIELDS_MAX];
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *s = jv_string(jv_at(list, i), &len);
        at[i] = out->texts.len;
        if (!s || !bytes_of_text(s, len, &out->texts))
            return err_set(e, ERR_INVALID, "%s: headers[%zu]: allowed: a text up to U+00FF", where,
                           i);
        if (out->texts.len > HTTP_FIELDS_SIZE_MAX)
            return err_set(e, ERR_LIMIT,
                           "%s: headers: found more than %u bytes; allowed: up to that many", where,
                           HTTP_FIELDS_SIZE_MAX);
    }
    for (size_t i = 0; i < n; i += 2) {
        const char *name = out->texts.data + at[i], *value = out->texts.data + at[i + 1];
        size_t end = i + 2 < n ? at[i + 2] : out->texts.len;
        int rc = check(name, at[i + 1] - at[i] - 1, value, end - at[i + 1] - 1, e);
        if (rc)
            return err_wrap(e, "%s", where);
        out->list[out->count++] = (struct http_field){.name = name, .value = value};
    }
    return 0;
}

void fetch_fields_free(struct fetch_fields *f)
{
    buf_free(&f->texts);
}

static int read_data(const char *text, size_t len, struct fetch_ask *out, struct err *e)
{
    char *bytes = mem_alloc(FETCH_INLINE_MAX);
    size_t n = 0;
    bool fine = crypto_unbase64(text, len, bytes, FETCH_INLINE_MAX, &n);
    buf_add(&out->body, bytes, fine ? n : 0);
    crypto_wipe(bytes, FETCH_INLINE_MAX);
    free(bytes);
    out->body_length = (int64_t)n;
    return fine ? 0
                : err_set(e, ERR_INVALID, "fetch: body.data: allowed: base64 of up to %u bytes",
                          FETCH_INLINE_MAX);
}

static int read_body(const struct jv *doc, struct fetch_ask *out, struct err *e)
{
    const struct jv *body = jv_get(doc, "body");
    size_t len = 0;
    if (jv_type(body) == JV_NULL)
        return 0;
    out->has_body = true;
    const char *data = jv_type(body) == JV_OBJECT ? jv_string(jv_get(body, "data"), &len) : NULL;
    if (data)
        return read_data(data, len, out, e);
    if (jv_type(body) != JV_OBJECT || !jv_int(jv_get(body, "stream"), &out->body_stream) ||
        !jv_int(jv_get(body, "length"), &out->body_length) || out->body_stream < 1 ||
        out->body_length < HTTP_LENGTH_OPEN)
        return err_set(e, ERR_INVALID,
                       "fetch: body: allowed: {\"data\"} or {\"stream\", "
                       "\"length\"}");
    return 0;
}

static int read_number(const struct jv *doc, const char *name, int64_t *out, struct err *e)
{
    const struct jv *v = jv_get(doc, name);
    if (jv_type(v) == JV_NULL || (jv_int(v, out) && *out > 0))
        return 0;
    return err_set(e, ERR_INVALID, "fetch: %s: allowed: a number from 1", name);
}

int fetch_ask_read(const char *json, size_t len, struct fetch_ask *out, struct err *e)
{
    struct jv *doc = NULL;
    *out = (struct fetch_ask){.url.secret = true, .fields.texts.secret = true, .body.secret = true};
    int rc = jv_parse(json, len, &doc, e);
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "fetch: found %s; allowed: an object", jv_type_name(doc));
    if (!rc)
        rc = read_url(doc, out, e);
    if (!rc)
        rc = read_method(doc, out, e);
    if (!rc)
        rc = fetch_fields_read(jv_get(doc, "headers"), "fetch", http_field_check, &out->fields, e);
    if (!rc)
        rc = read_body(doc, out, e);
    if (!rc)
        rc = read_number(doc, "from", &out->from, e);
    if (!rc)
        rc = read_number(doc, "tag", &out->tag, e);
    jv_free(doc);
    return rc;
}

void fetch_ask_free(struct fetch_ask *a)
{
    buf_free(&a->url);
    fetch_fields_free(&a->fields);
    buf_free(&a->body);
}
