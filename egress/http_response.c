/* What libcurl hands over of a response: lines of its head, parts of its body. Stored, not told. */
#include <string.h>

#include "egress/http_inner.h"

void http_over_head(struct http_exchange *x)
{
    err_set(&x->p.why, ERR_LIMIT,
            "net: %.200s: the response's headers have more than %u bytes or %d fields",
            x->p.d.target.host.text, HTTP_FIELDS_SIZE_MAX, HTTP_FIELDS_MAX);
}

static void new_head(struct http_exchange *x, const char *line, size_t n)
{
    const char *blank = memchr(line, ' ', n);
    buf_clear(&x->head);
    x->field_count = 0;
    x->last_was_field = false;
    x->http2 = n > 6 && line[5] == '2';
    x->status = 0;
    const char *p = blank ? blank + 1 : line + n, *end = line + n;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        x->status = x->status < 1000 ? x->status * 10 + (*p - '0') : x->status;
    p += p < end;
    size_t len = (size_t)(end - p) < HTTP_REASON_MAX ? (size_t)(end - p) : HTTP_REASON_MAX;
    memcpy(x->reason, p, len);
    x->reason[len] = 0;
}

static void take_field(struct http_exchange *x, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    const char *v = colon ? colon + 1 : NULL, *end = line + n;
    x->last_was_field = false;
    if (!colon || memchr(line, 0, n) || !http_token(line, (size_t)(colon - line)))
        return; /* no field: nobody needs it */
    for (const char *p = line; p < colon; p++)
        buf_addc(&x->head, (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p));
    buf_addc(&x->head, 0);
    while (v < end && (*v == ' ' || *v == '\t'))
        v++;
    buf_add(&x->head, v, (size_t)(end - v));
    buf_addc(&x->head, 0);
    x->field_count++;
    x->last_was_field = true;
}

/* RFC 9112 5.2: a line that begins with a blank belongs to the field before it. */
static void take_fold(struct http_exchange *x, const char *line, size_t n)
{
    if (!x->last_was_field || memchr(line, 0, n))
        return;
    x->head.data[x->head.len - 1] = ' ';
    while (n && (*line == ' ' || *line == '\t'))
        line++, n--;
    buf_add(&x->head, line, n);
    buf_addc(&x->head, 0);
}

size_t http_on_header(char *p, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    const size_t whole = size * count;
    size_t n = whole;
    x->moved_ms = uv_now(x->p.client->loop);
    if (x->head_whole)
        return whole; /* trailers */
    while (n && (p[n - 1] == '\r' || p[n - 1] == '\n' || p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    if (n > 5 && !memcmp(p, "HTTP/", 5)) {
        new_head(x, p, n);
    } else if (!n && whole && (p[0] == '\r' || p[0] == '\n')) {
        x->head_whole = x->status >= 200; /* 1xx: another one follows */
        if (x->head_whole)
            http_mark(&x->p);
    } else if (p[0] == ' ' || p[0] == '\t') {
        take_fold(x, p, n);
    } else {
        take_field(x, p, n);
    }
    if (x->head.len > HTTP_FIELDS_SIZE_MAX || x->field_count > HTTP_FIELDS_MAX) {
        http_over_head(x);
        return 0;
    }
    return whole;
}

size_t http_on_body(char *p, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    const size_t n = size * count;
    if (x->in.len >= HTTP_ROOM) {
        x->in_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if ((int64_t)n > x->body_max - x->received) {
        err_set(&x->p.why, ERR_LIMIT, "net: %.200s: the response's body has more than %lld bytes",
                x->p.d.target.host.text, (long long)x->body_max);
        return 0;
    }
    x->received += (int64_t)n;
    x->moved_ms = uv_now(x->p.client->loop);
    buf_add(&x->in, p, n);
    http_mark(&x->p);
    return n;
}
