/* The handshake of a WebSocket and its frames, byte by byte. Servers that lie in every way stand in
 * tests/e2e/websocket.test.mjs; any bytes at all are the fuzz targets' (egress/ws_*_fuzz.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "egress/ws_accept.h"
#include "egress/ws_frames.h"
#include "egress/ws_head.h"

/* ---- handshake ---- */

#define FINE                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, "           \
    "Upgrade\r\n"                                                                                  \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void test_accept(void **state)
{
    (void)state;
    char out[WS_ACCEPT_LEN + 1];
    ws_accept("dGhlIHNhbXBsZSBub25jZQ==", out); /* RFC 6455 section 1.3 */
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void test_request(void **state)
{
    (void)state;
    struct ws_head h, other;
    struct buf b = {0};
    struct err e;
    const struct http_field fields[] = {{"X-A", "1"}, {"Origin", "https://me"}};
    ws_head_init(&h);
    ws_head_init(&other);
    assert_string_not_equal(h.key, other.key);
    assert_int_equal(strlen(h.key), WS_KEY_LEN);
    memcpy(h.key, "dGhlIHNhbXBsZSBub25jZQ==", WS_KEY_LEN);
    ws_head_request(&h, "/a?b", "host:81", NULL, 0, &b);
    assert_string_equal(b.data, "GET /a?b HTTP/1.1\r\nHost: host:81\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                "Origin: null\r\nUser-Agent: Isolane\r\n\r\n");
    assert_int_equal(ws_head_offer(&h, "chat", 4, &e), 0);
    assert_int_equal(ws_head_offer(&h, "b.2", 3, &e), 0);
    assert_int_equal(ws_head_offer(&h, "CHAT", 4, &e), ERR_INVALID);
    assert_string_equal(e.msg, "protocols: found 'CHAT' twice");
    assert_int_equal(ws_head_offer(&h, "a b", 3, &e), ERR_INVALID);
    assert_int_equal(ws_head_offer(&h, "", 0, &e), ERR_INVALID);
    buf_clear(&b);
    ws_head_request(&h, "/", "h", fields, 2, &b);
    assert_non_null(strstr(b.data, "\r\nSec-WebSocket-Protocol: chat, b.2\r\nX-A: 1\r\n"
                                   "Origin: https://me\r\nUser-Agent"));
    assert_null(strstr(b.data, "Origin: null"));
    assert_int_equal(ws_head_field_check("sec-WebSocket-Extensions", 24, "x", 1, &e), ERR_INVALID);
    assert_int_equal(ws_head_field_check("authorization", 13, "x\r\ny", 4, &e), ERR_INVALID);
    assert_int_equal(ws_head_field_check("authorization", 13, "x", 1, &e), 0);
    buf_free(&b);
    ws_head_free(&h);
    ws_head_free(&other);
}

static int respond(const char *text, const char *offer, size_t step, size_t *at, struct ws_head *h,
                   struct err *e)
{
    const size_t len = strlen(text);
    size_t taken = 0;
    int rc = 0;
    ws_head_init(h);
    memcpy(h->key, "dGhlIHNhbXBsZSBub25jZQ==", WS_KEY_LEN);
    if (offer)
        assert_int_equal(ws_head_offer(h, offer, strlen(offer), e), 0);
    for (*at = 0; rc == 0 && *at < len; *at += taken)
        rc = ws_head_take(h, text + *at, step < len - *at ? step : len - *at, &taken, e);
    ws_head_free(h);
    return rc;
}

static void test_response(void **state)
{
    (void)state;
    static const struct {
        const char *text, *offer, *says;
    } bad[] = {
        {"HTTP/1.1 404 Not Found\r\n\r\n", NULL, "found '404 Not Found'; allowed: 101"},
        {"HTTP/1.0 101 Yes\r\n\r\n", NULL, "allowed: 101"},
        {"ICY 200 OK\r\n", NULL, "found 'I"},
        {FINE "Upgrade: websocket\r\n\r\n", NULL, "Upgrade: found 'websocket'"},
        {FINE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", NULL, "Accept: found"},
        {FINE "no colon\r\n\r\n", NULL, "found 'no colon'; allowed: lines of headers"},
        {FINE "bad name: x\r\n\r\n", NULL, "allowed: lines of headers"},
        {FINE "Sec-WebSocket-Extensions: x-y\r\n\r\n", NULL, "found 'x-y'; allowed: none"},
        {FINE "Sec-WebSocket-Protocol: chat\r\n\r\n", NULL, "allowed: one of those offered"},
        {FINE "Sec-WebSocket-Protocol: Chat\r\n\r\n", "chat", "found 'Chat'"},
        {FINE "\r\n", "chat", "Sec-WebSocket-Protocol: found none"},
        {"HTTP/1.1 101 x\r\nConnection: upgrade\r\n\r\n", NULL, "found no Upgrade: websocket"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", NULL, "found no Connection: Upgrade"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", NULL,
         "found no Sec-WebSocket-Accept"},
    };
    struct ws_head h;
    struct err e;
    size_t at;
    for (size_t step = 1; step < 300; step += 37) {
        assert_int_equal(respond(FINE "\r\n\x81\x02hi", NULL, step, &at, &h, &e), 1);
        assert_int_equal(at, strlen(FINE "\r\n"));
        assert_int_equal(h.chosen, -1);
        assert_int_equal(
            respond(FINE "Sec-WebSocket-Protocol: chat\r\n\r\n", "chat", step, &at, &h, &e), 1);
        assert_int_equal(h.chosen, 0);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            assert_int_equal(respond(bad[i].text, bad[i].offer, step, &at, &h, &e), ERR_PROTOCOL);
            if (!strstr(e.msg, bad[i].says))
                fail_msg("%s: %s", bad[i].text, e.msg);
        }
    }
    assert_int_equal(respond(FINE, NULL, 7, &at, &h, &e), 0); /* not whole */
    struct buf large = {0};
    buf_adds(&large, FINE);
    while (large.len <= WS_HEAD_MAX)
        buf_adds(&large, "x: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
    assert_int_equal(respond(large.data, NULL, 1000, &at, &h, &e), ERR_LIMIT);
    buf_free(&large);
}

/* ---- frames ---- */

struct seen {
    struct buf told; /* "t:…" or "b:…" a part, "." its message's end */
    bool full;
};

static bool has_room(void *arg)
{
    return !((struct seen *)arg)->full;
}

static void on_data(void *arg, enum ws_kind kind, bool last, const char *p, size_t n)
{
    struct seen *s = arg;
    buf_adds(&s->told, kind == WS_TEXT ? "t:" : "b:");
    buf_add(&s->told, p, n);
    buf_adds(&s->told, last ? "." : "+");
}

static const struct ws_frames_events events = {.room = has_room, .data = on_data};

static int feed(struct ws_frames *f, const char *p, size_t n, size_t step, struct err *e)
{
    int rc = 0;
    for (size_t at = 0, taken = 0; !rc && at < n; at += taken)
        rc = ws_frames_read(f, p + at, step < n - at ? step : n - at, 5000, &taken, e);
    return rc;
}

/* What goes out, without the mask, as "opcode:payload ". */
static char *sent(struct ws_frames *f)
{
    struct buf b = {0};
    const char *p;
    size_t n = ws_frames_out(f, &p), whole = n;
    while (n) {
        const unsigned char *u = (const unsigned char *)p;
        size_t head = 2, len = u[1] & 0x7f;
        assert_true(u[1] & 0x80); /* a client masks (section 5.3) */
        if (len == 126) {
            len = (size_t)u[2] << 8 | u[3];
            head = 4;
        } else if (len == 127) {
            len = (size_t)u[7] << 16 | (size_t)u[8] << 8 | u[9];
            head = 10;
        }
        buf_addf(&b, "%02x:", u[0]);
        for (size_t i = 0; i < len; i++)
            buf_addc(&b, (char)(u[head + 4 + i] ^ u[head + i % 4]));
        buf_addc(&b, ' ');
        p += head + 4 + len;
        n -= head + 4 + len;
    }
    ws_frames_sent(f, whole);
    return buf_take(&b, NULL);
}

static void assert_sent(struct ws_frames *f, const char *text)
{
    char *s = sent(f);
    assert_string_equal(s, text);
    free(s);
}

static void test_reading(void **state)
{
    (void)state;
    static const char in[] = "\x81\x02hi\x01\x02"
                             "a\xe2"
                             "\x89\x01p"
                             "\x00\x02\x82\xac"
                             "\x80\x00"
                             "\x82\x00\x8a\x00";
    for (size_t step = 1; step < 30; step += 3) {
        struct seen s = {0};
        struct err e;
        struct ws_frames *f = ws_frames_new(100, &events, &s);
        assert_int_equal(feed(f, in, sizeof in - 1, step, &e), 0);
        buf_addc(&s.told, 0);
        if (step > sizeof in)
            assert_string_equal(s.told.data, "t:hi.t:a\xe2+t:\x82\xac+t:.b:.");
        assert_sent(f, "8a:p ");
        buf_free(&s.told);
        ws_frames_free(f);
    }
}

static void test_room(void **state)
{
    (void)state;
    struct seen s = {.full = true};
    struct err e;
    size_t taken = 0;
    struct ws_frames *f = ws_frames_new(100, &events, &s);
    assert_int_equal(ws_frames_read(f, "\x81\x02hi", 4, 1, &taken, &e), 0);
    assert_int_equal(taken, 0);
    s.full = false;
    assert_int_equal(ws_frames_read(f, "\x81\x02hi", 4, 1, &taken, &e), 0);
    assert_int_equal(taken, 4);
    assert_memory_equal(s.told.data, "t:hi.", 5);
    buf_free(&s.told);
    ws_frames_free(f);
}

static void test_writing(void **state)
{
    (void)state;
    struct seen s = {0};
    struct err e;
    char big[5000], expected[5100];
    memset(big, 'x', sizeof big);
    struct ws_frames *f = ws_frames_new(100, &events, &s);
    ws_frames_write(f, WS_TEXT, true, true, "hi", 2);
    ws_frames_write(f, WS_BINARY, true, false, "a", 1);
    ws_frames_write(f, WS_BINARY, false, true, NULL, 0);
    assert_sent(f, "81:hi 02:a 80: ");
    /* Behind much that waits, of several pings the last one is answered, before the next frame. */
    ws_frames_write(f, WS_BINARY, true, true, big, sizeof big);
    assert_int_equal(feed(f,
                          "\x89\x01"
                          "1\x89\x01"
                          "2",
                          6, 6, &e),
                     0);
    ws_frames_write(f, WS_TEXT, true, true, "z", 1);
    snprintf(expected, sizeof expected, "82:%.5000s 8a:2 81:z ", big);
    assert_sent(f, expected);
    ws_frames_close(f, 3000, "bye", 3);
    ws_frames_close(f, 1000, "", 0);
    assert_true(ws_frames_close_written(f) && !ws_frames_close_sent(f));
    assert_sent(f, "88:\x0b\xb8"
                   "bye ");
    assert_true(ws_frames_close_sent(f));
    ws_frames_free(f);
}

static void test_close(void **state)
{
    (void)state;
    struct seen s = {0};
    struct err e;
    int code;
    const char *reason;
    size_t len, taken;
    struct ws_frames *f = ws_frames_new(100, &events, &s);
    assert_int_equal(ws_frames_read(f,
                                    "\x88\x05\x0f\xa0"
                                    "bye\x81\x02no",
                                    11, 1, &taken, &e),
                     0);
    assert_true(ws_frames_close_came(f, &code, &reason, &len));
    assert_int_equal(code, 4000);
    assert_memory_equal(reason, "bye", len);
    assert_sent(f, "88:\x0f\xa0 ");
    assert_int_equal(s.told.len, 0); /* nothing counts behind a Close */
    ws_frames_free(f);
}

static void test_broken(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        int code, close;
        const char *says;
    } bad[] = {
        {"\x81\x81\0\0\0\0x", 7, ERR_PROTOCOL, 1002, "masked"},
        {"\xc1\x00", 2, ERR_PROTOCOL, 1002, "extension"},
        {"\x83\x00", 2, ERR_PROTOCOL, 1002, "unknown kind"},
        {"\x80\x00", 2, ERR_PROTOCOL, 1002, "part of no message"},
        {"\x01\x00\x81\x00", 4, ERR_PROTOCOL, 1002, "inside another"},
        {"\x09\x00", 2, ERR_PROTOCOL, 1002, "malformed"},
        {"\x89\x7e\x00\x7e", 4, ERR_PROTOCOL, 1002, "malformed"},
        {"\x82\x7e\x00\x05", 4, ERR_PROTOCOL, 1002, "malformed"},
        {"\x81\x04\xff\xff\xff\xff", 6, ERR_PROTOCOL, 1007, "UTF-8"},
        {"\x01\x02\xe2\x82\x80\x00", 6, ERR_PROTOCOL, 1007, "UTF-8"},
        {"\x81\x02\xe2\x82", 4, ERR_PROTOCOL, 1007, "UTF-8"},
        {"\x88\x01\x03", 3, ERR_PROTOCOL, 1002, "code that is none"},
        {"\x88\x02\x03\xed", 4, ERR_PROTOCOL, 1002, "code that is none"},
        {"\x88\x03\x03\xe8\xff", 5, ERR_PROTOCOL, 1007, "reason is no UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct seen s = {0};
        struct err e = {0};
        char expected[8] = "88:";
        struct ws_frames *f = ws_frames_new(100, &events, &s);
        int rc = feed(f, bad[i].in, bad[i].n, 3, &e);
        if (rc != bad[i].code || !strstr(e.msg, bad[i].says))
            fail_msg("%zu: %d %s", i, rc, e.msg);
        expected[3] = (char)(bad[i].close >> 8);
        expected[4] = (char)bad[i].close;
        expected[5] = ' ';
        assert_sent(f, expected);
        buf_free(&s.told);
        ws_frames_free(f);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct seen s = {0};
    struct err e = {0};
    struct ws_frames *f = ws_frames_new(100, &events, &s);
    assert_int_equal(feed(f, "\x82\x65x", 3, 2, &e), ERR_LIMIT);
    assert_sent(f, "88:\x03\xf1 ");
    ws_frames_free(f);
    /* Of many frames that bring nothing, a thousand are fine, and then a hundred a second. */
    f = ws_frames_new(100, &events, &s);
    size_t taken;
    int rc = 0, n = 0;
    for (; !rc && n < 5000; n++)
        rc = ws_frames_read(f, "\x8a\x00", 2, n < 1000 ? 7000 : 8000, &taken, &e);
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(n, WS_IDLE_FRAMES + WS_IDLE_FRAMES_S + 1);
    assert_sent(f, "88:\x03\xf0 ");
    ws_frames_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),   cmocka_unit_test(test_request),
        cmocka_unit_test(test_response), cmocka_unit_test(test_reading),
        cmocka_unit_test(test_room),     cmocka_unit_test(test_writing),
        cmocka_unit_test(test_close),    cmocka_unit_test(test_broken),
        cmocka_unit_test(test_bounds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
