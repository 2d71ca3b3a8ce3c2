#include "executor/services/websocket_ask.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "egress/url.h"
#include "egress/ws_frames.h"

/* ---- the call ---- */

static int read_url(const struct jv *doc, struct websocket_ask *out, struct err *e)
{
    size_t len = 0;
    const char *s = jv_string(jv_get(doc, "url"), &len);
    if (!s || len > EGRESS_URL_MAX)
        return err_set(e, ERR_INVALID,
                       "websocket: url: found %s; allowed: a text of up to %d bytes",
                       s ? "a longer one" : "none", EGRESS_URL_MAX);
    for (size_t i = 0; i < len; i++)
        if (s[i] < 0x21 || s[i] > 0x7e)
            return err_set(e, ERR_INVALID,
                           "websocket: url: found a character that is not printable ASCII; "
                           "allowed: a serialised URL");
    buf_add(&out->url, s, len);
    return 0;
}

static int read_protocols(const struct jv *doc, struct websocket_ask *out, struct err *e)
{
    const struct jv *list = jv_get(doc, "protocols");
    if (jv_type(list) == JV_NULL)
        return 0;
    if (jv_type(list) != JV_ARRAY)
        return err_set(e, ERR_INVALID, "websocket: protocols: allowed: a list of texts");
    for (size_t i = 0; i < jv_count(list); i++) {
        size_t len = 0;
        const char *s = jv_string(jv_at(list, i), &len);
        int rc = ws_head_offer(&out->offer, s ? s : "", len, e);
        if (rc)
            return err_wrap(e, "websocket");
    }
    return 0;
}

int websocket_ask_read(const char *json, size_t len, struct websocket_ask *out, struct err *e)
{
    struct jv *doc = NULL;
    memset(out, 0, sizeof *out);
    out->url.secret = out->fields.texts.secret = true;
    ws_head_init(&out->offer);
    int rc = jv_parse(json, len, &doc, e);
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "websocket: found %s; allowed: an object", jv_type_name(doc));
    if (!rc)
        rc = read_url(doc, out, e);
    if (!rc)
        rc = read_protocols(doc, out, e);
    if (!rc && jv_type(jv_get(doc, "headers")) != JV_NULL)
        rc = fetch_fields_read(jv_get(doc, "headers"), "websocket", ws_head_field_check,
                               &out->fields, e);
    const struct jv *tag = jv_get(doc, "tag");
    if (!rc && jv_type(tag) != JV_NULL && (!jv_int(tag, &out->tag) || out->tag < 1))
        rc = err_set(e, ERR_INVALID, "websocket: tag: allowed: a number from 1");
    jv_free(doc);
    return rc;
}

void websocket_ask_free(struct websocket_ask *a)
{
    buf_free(&a->url);
    ws_head_free(&a->offer);
    fetch_fields_free(&a->fields);
}

/* ---- records ---- */

static bool is_sendable(int code)
{
    return code == 1000 || (code >= 3000 && code <= 4999);
}

static int check_close(const struct ws_records *r, struct err *e)
{
    const unsigned char *c = (const unsigned char *)r->close;
    const size_t n = r->close_len;
    if (n == 1 || (n >= 2 && !is_sendable(c[0] << 8 | c[1])) ||
        (n > 2 && utf8_valid_prefix(r->close + 2, n - 2) != n - 2))
        return err_set(e, ERR_INVALID,
                       "websocket: found a Close that is none; allowed: a code of 1000, or from "
                       "3000 to 4999, and a reason of up to %d bytes of UTF-8",
                       WS_REASON_MAX);
    return 0;
}

static int take_head(struct ws_records *r, struct err *e)
{
    const unsigned char *h = (const unsigned char *)r->head;
    const int kind = h[0];
    r->left = (uint64_t)h[4] | (uint64_t)h[5] << 8 | (uint64_t)h[6] << 16 | (uint64_t)h[7] << 24;
    r->more = !h[1];
    if ((kind != WS_RECORD_TEXT && kind != WS_RECORD_BINARY && kind != WS_RECORD_CLOSE) ||
        h[1] > 1 || h[2] || h[3] || (r->message && kind != r->message) ||
        (kind == WS_RECORD_CLOSE && (r->more || r->left > sizeof r->close)))
        return err_set(e, ERR_INVALID, "websocket: found a record that is none");
    r->whole = true;
    r->close_len = 0;
    return 0;
}

static int take_close(struct ws_records *r, const char *p, size_t n, struct ws_found *found,
                      struct err *e)
{
    memcpy(r->close + r->close_len, p, n);
    r->close_len += n;
    if (r->left)
        return 0;
    *found = (struct ws_found){.kind = WS_RECORD_CLOSE, .p = r->close, .n = r->close_len};
    return check_close(r, e);
}

int ws_records_take(struct ws_records *r, const char **p, size_t *n, struct ws_found *found,
                    struct err *e)
{
    *found = (struct ws_found){0};
    while (!r->whole && *n) {
        r->head[r->have++] = *(*p)++;
        --*n;
        if (r->have == WS_RECORD_HEAD) {
            int rc = take_head(r, e);
            if (rc)
                return rc;
        }
    }
    if (!r->whole || (!*n && r->left))
        return 0;
    const size_t take = *n < r->left ? *n : (size_t)r->left;
    const char *part = *p;
    const int kind = r->head[0];
    *p += take;
    *n -= take;
    r->left -= take;
    if (!r->left) {
        r->whole = false;
        r->have = 0;
    }
    if (kind == WS_RECORD_CLOSE)
        return take_close(r, part, take, found, e);
    const bool last = !r->left && !r->more;
    *found =
        (struct ws_found){.kind = kind, .first = !r->message, .last = last, .p = part, .n = take};
    r->message = last ? 0 : kind;
    return 0;
}

void ws_record_head(int kind, bool last, size_t len, char out[WS_RECORD_HEAD])
{
    out[0] = (char)kind;
    out[1] = (char)last;
    out[2] = out[3] = 0;
    for (int i = 0; i < 4; i++)
        out[4 + i] = (char)(len >> 8 * i);
}
