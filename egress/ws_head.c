#include "egress/ws_head.h"

#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "egress/ws_accept.h"

#define LINE_SHOWN 100

void ws_head_init(struct ws_head *h)
{
    uint8_t nonce[16];
    *h = (struct ws_head){.chosen = -1, .in.secret = true};
    crypto_random(nonce, sizeof nonce);
    crypto_base64(nonce, sizeof nonce, h->key, sizeof h->key);
}

void ws_head_free(struct ws_head *h)
{
    buf_free(&h->in);
}

/* ---- the request ---- */

int ws_head_offer(struct ws_head *h, const char *protocol, size_t len, struct err *e)
{
    const int shown = (int)(len < LINE_SHOWN ? len : LINE_SHOWN);
    if (len > WS_PROTOCOL_MAX || !http_token(protocol, len))
        return err_set(e, ERR_INVALID,
                       "protocols: found '%.*s'; allowed: tokens of up to %d letters", shown,
                       protocol, WS_PROTOCOL_MAX);
    for (int i = 0; i < h->protocol_count; i++)
        if (strlen(h->protocols[i]) == len && !strncasecmp(h->protocols[i], protocol, len))
            return err_set(e, ERR_INVALID, "protocols: found '%.*s' twice", shown, protocol);
    if (h->protocol_count == WS_PROTOCOLS_MAX)
        return err_set(e, ERR_LIMIT, "protocols: found more than %d; allowed: up to that many",
                       WS_PROTOCOLS_MAX);
    memcpy(h->protocols[h->protocol_count], protocol, len);
    h->protocols[h->protocol_count++][len] = 0;
    return 0;
}

int ws_head_field_check(const char *name, size_t name_len, const char *value, size_t value_len,
                        struct err *e)
{
    static const char ours[] = "sec-websocket-";
    int rc = http_field_check(name, name_len, value, value_len, e);
    if (!rc && name_len >= sizeof ours - 1 && !strncasecmp(name, ours, sizeof ours - 1))
        rc = err_set(e, ERR_INVALID,
                     "headers: found '%.*s', which the worker writes itself; allowed: other names",
                     (int)name_len, name);
    return rc;
}

void ws_head_request(const struct ws_head *h, const char *path, const char *authority,
                     const struct http_field *fields, int field_count, struct buf *out)
{
    bool origin = false, agent = false;
    buf_addf(out,
             "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
             path, authority, h->key);
    for (int i = 0; i < h->protocol_count; i++)
        buf_addf(out, "%s%s", i ? ", " : "Sec-WebSocket-Protocol: ", h->protocols[i]);
    if (h->protocol_count)
        buf_adds(out, "\r\n");
    for (int i = 0; i < field_count; i++) {
        origin = origin || !strcasecmp(fields[i].name, "origin");
        agent = agent || !strcasecmp(fields[i].name, "user-agent");
        buf_addf(out, "%s: %s\r\n", fields[i].name, fields[i].value);
    }
    if (!origin)
        buf_adds(out, "Origin: null\r\n");
    if (!agent)
        buf_adds(out, "User-Agent: Isolane\r\n");
    buf_adds(out, "\r\n");
}

/* ---- the response ---- */

struct text {
    const char *p;
    size_t n;
};

static bool is(struct text t, const char *word)
{
    return t.n == strlen(word) && !strncasecmp(t.p, word, t.n);
}

static struct text trimmed(struct text t)
{
    while (t.n && (*t.p == ' ' || *t.p == '\t'))
        t.p++, t.n--;
    while (t.n && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
        t.n--;
    return t;
}

/* The next item of a list with commas; false at its end. */
static bool next_item(struct text *rest, struct text *item)
{
    if (!rest->p)
        return false;
    const char *comma = memchr(rest->p, ',', rest->n);
    const size_t n = comma ? (size_t)(comma - rest->p) : rest->n;
    *item = trimmed((struct text){rest->p, n});
    *rest = comma ? (struct text){comma + 1, rest->n - n - 1} : (struct text){0};
    return true;
}

static bool has_word(struct text list, const char *word)
{
    struct text item;
    while (next_item(&list, &item))
        if (is(item, word))
            return true;
    return false;
}

static int printable(struct text t, char out[LINE_SHOWN + 1])
{
    size_t n = t.n < LINE_SHOWN ? t.n : LINE_SHOWN;
    for (size_t i = 0; i < n; i++)
        out[i] = t.p[i];
    for (size_t i = 0; i < n; i++)
        if (out[i] < 0x20 || out[i] > 0x7e)
            out[i] = '?';
    out[n] = 0;
    return (int)n;
}

static int wrong(struct err *e, const char *what, struct text found, const char *allowed)
{
    char shown[LINE_SHOWN + 1];
    printable(found, shown);
    return err_set(e, ERR_PROTOCOL, "%s: found '%s'; allowed: %s", what, shown, allowed);
}

/* "HTTP/1.1 101 Switching Protocols" */
static int read_status(struct text line, struct err *e)
{
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) || line.p[8] != ' ' ||
        (line.n > 12 && line.p[12] != ' '))
        return wrong(e, "the response to a WebSocket's request", line, "HTTP/1.1 101");
    if (memcmp(line.p + 9, "101", 3) || line.p[7] != '1')
        return wrong(e, "the status of a WebSocket's response",
                     (struct text){line.p + 9, line.n - 9}, "101");
    return 0;
}

struct seen {
    bool upgrade, connection, accept, protocol;
};

static int read_protocol(struct ws_head *h, struct seen *s, struct text value, struct err *e)
{
    if (s->protocol)
        return wrong(e, "Sec-WebSocket-Protocol", value, "one such header");
    s->protocol = true;
    for (int i = 0; i < h->protocol_count; i++)
        if (value.n == strlen(h->protocols[i]) && !memcmp(value.p, h->protocols[i], value.n))
            h->chosen = i;
    return h->chosen < 0 ? wrong(e, "Sec-WebSocket-Protocol", value, "one of those offered") : 0;
}

static int read_field(struct ws_head *h, struct seen *s, struct text name, struct text value,
                      struct err *e)
{
    char accept[WS_ACCEPT_LEN + 1];
    if (is(name, "upgrade")) {
        if (s->upgrade || !is(value, "websocket"))
            return wrong(e, "Upgrade", value, "websocket");
        s->upgrade = true;
    } else if (is(name, "connection")) {
        s->connection = s->connection || has_word(value, "upgrade");
    } else if (is(name, "sec-websocket-accept")) {
        ws_accept(h->key, accept);
        if (s->accept || value.n != WS_ACCEPT_LEN || memcmp(value.p, accept, WS_ACCEPT_LEN) != 0)
            return wrong(e, "Sec-WebSocket-Accept", value, "the one that the request's key makes");
        s->accept = true;
    } else if (is(name, "sec-websocket-protocol")) {
        return read_protocol(h, s, value, e);
    } else if (is(name, "sec-websocket-extensions") && value.n) {
        return wrong(e, "Sec-WebSocket-Extensions", value, "none: none was offered");
    }
    return 0;
}

static int read_head(struct ws_head *h, size_t len, struct err *e)
{
    struct seen s = {0};
    struct text rest = {h->in.data, len};
    bool first = true;
    int rc = 0;
    while (rest.n && !rc) {
        const char *end = memmem(rest.p, rest.n, "\r\n", 2);
        struct text line = {rest.p, end ? (size_t)(end - rest.p) : rest.n};
        rest.p += end ? line.n + 2 : line.n;
        rest.n -= end ? line.n + 2 : line.n;
        if (first) {
            first = false;
            rc = read_status(line, e);
            continue;
        }
        const char *colon = memchr(line.p, ':', line.n);
        if (!colon || memchr(line.p, 0, line.n) || memchr(line.p, '\r', line.n) ||
            memchr(line.p, '\n', line.n) || !http_token(line.p, (size_t)(colon - line.p)))
            return wrong(e, "the response to a WebSocket's request", line, "lines of headers");
        struct text name = {line.p, (size_t)(colon - line.p)};
        struct text value = trimmed((struct text){colon + 1, line.n - name.n - 1});
        rc = read_field(h, &s, name, value, e);
    }
    if (!rc && (!s.upgrade || !s.connection || !s.accept))
        rc = err_set(e, ERR_PROTOCOL,
                     "the response to a WebSocket's request: found no %s; allowed: one",
                     !s.upgrade      ? "Upgrade: websocket"
                     : !s.connection ? "Connection: Upgrade"
                                     : "Sec-WebSocket-Accept");
    if (!rc && h->protocol_count && !s.protocol)
        rc = err_set(e, ERR_PROTOCOL,
                     "Sec-WebSocket-Protocol: found none; allowed: one of those offered");
    return rc;
}

int ws_head_take(struct ws_head *h, const char *p, size_t n, size_t *taken, struct err *e)
{
    const size_t before = h->in.len, look = before < 3 ? 0 : before - 3;
    const size_t room = WS_HEAD_MAX > before ? WS_HEAD_MAX - before : 0;
    buf_add(&h->in, p, n < room ? n : room);
    const char *end =
        h->in.len > look ? memmem(h->in.data + look, h->in.len - look, "\r\n\r\n", 4) : NULL;
    *taken = n;
    if (!end && n > room)
        return err_set(e, ERR_LIMIT,
                       "the response to a WebSocket's request: found a head of more than %u bytes; "
                       "allowed: up to that many",
                       WS_HEAD_MAX);
    /* Not before a line is whole, and then at once: who speaks another protocol may never end. */
    const char *line = h->in.len ? memmem(h->in.data, h->in.len, "\r\n", 2) : NULL;
    if (!end) {
        const size_t known = h->in.len < 7 ? h->in.len : 7;
        if (memcmp(h->in.data ? h->in.data : "", "HTTP/1.", known) != 0)
            return wrong(e, "the response to a WebSocket's request",
                         (struct text){h->in.data, h->in.len}, "HTTP/1.1 101");
        return line ? read_status((struct text){h->in.data, (size_t)(line - h->in.data)}, e) : 0;
    }
    const size_t whole = (size_t)(end - h->in.data) + 4;
    *taken = whole - before;
    int rc = read_head(h, whole - 4, e);
    return rc ? rc : 1;
}
