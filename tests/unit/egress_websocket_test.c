/* A WebSocket against a server of ours on loopback: what order its user is told things in. (What it
 * does with real and hostile servers: tests/e2e/websocket.test.mjs.) */
#include "tests/unit/egress_transfer.h"

#include "egress/websocket.h"
#include "egress/ws_accept.h"

/* ---- a server ---- */

/* Consents, and sends a message at once, in the same bytes; then reads to the end. */
static void *serve(void *arg)
{
    static const char key_field[] = "Sec-WebSocket-Key: ";
    char head[2048], out[512], accepted[WS_ACCEPT_LEN + 1];
    size_t n = 0;
    (void)arg;
    struct pollfd who = {.fd = listener, .events = POLLIN};
    if (poll(&who, 1, -1) != 1)
        abort();
    const int s = accept(listener, NULL, NULL);
    if (s < 0)
        abort();
    do {
        ssize_t got = recv(s, head + n, sizeof head - 1 - n, 0);
        if (got <= 0)
            abort();
        n += (size_t)got;
        head[n] = 0;
    } while (!strstr(head, "\r\n\r\n"));
    char *key = strstr(head, key_field);
    if (!key)
        abort();
    key += strlen(key_field);
    key[WS_KEY_LEN] = 0;
    ws_accept(key, accepted);
    const int len = snprintf(out, sizeof out,
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81\x02hi",
                             accepted);
    if (send(s, out, (size_t)len, MSG_NOSIGNAL) != len)
        abort();
    while (recv(s, head, sizeof head, 0) > 0)
        ;
    close(s);
    return NULL;
}

/* ---- a user ---- */

struct user {
    struct websocket *ws;
    bool room, leave_when_sent;
    char told[64]; /* a letter for each thing, in order */
};

static void tell(struct user *u, char what)
{
    const size_t n = strlen(u->told);
    assert_true(n < sizeof u->told - 1);
    u->told[n] = what;
    uv_stop(&loop); /* it may not wait for anything more */
}

static void on_ws_decided(void *arg, const struct egress_decision *d)
{
    assert_int_equal(d->verdict, EGRESS_ALLOWED);
    tell(arg, 'd');
}

static void on_ws_opened(void *arg, const char *protocol)
{
    assert_string_equal(protocol, "");
    tell(arg, 'o');
}

static bool has_room(void *arg)
{
    const struct user *u = arg;
    return u->room;
}

static void on_ws_data(void *arg, enum ws_kind kind, bool last, const char *p, size_t n)
{
    assert_true(kind == WS_TEXT && last && n == 2 && !memcmp(p, "hi", 2));
    tell(arg, 'm');
}

static void on_ws_sent(void *arg, size_t left)
{
    struct user *u = arg;
    assert_int_equal(left, 0);
    tell(u, 's');
    if (u->leave_when_sent)
        websocket_leave(u->ws);
}

static void on_ws_end(void *arg, const struct err *why, int code, const char *reason, size_t len)
{
    (void)code, (void)reason, (void)len;
    (void)arg;
    fail_msg("it ended: %s", why ? why->msg : "closed");
}

static const struct websocket_events ws_events = {.decided = on_ws_decided,
                                                  .opened = on_ws_opened,
                                                  .frames = {.room = has_room, .data = on_ws_data},
                                                  .sent = on_ws_sent,
                                                  .end = on_ws_end};

/* Open, with the server's message read and not taken. */
static void open_socket(struct user *u, pthread_t *thread)
{
    struct ws_head offer;
    char url[64];
    assert_int_equal(pthread_create(thread, NULL, serve, NULL), 0);
    snprintf(url, sizeof url, "ws://loop.test:%u/", listener_port);
    ws_head_init(&offer);
    const struct websocket_request r = {.policy = open_policy,
                                        .url = url,
                                        .url_len = strlen(url),
                                        .offer = &offer,
                                        .handshake_ms = 60000,
                                        .close_ms = 60000,
                                        .message_max = 1 << 20};
    u->ws = websocket_start(client, dns, &r, &ws_events, u);
    while (!strchr(u->told, 'o'))
        uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(u->told, "do");
}

static void what_was_sent_is_told_before_what_came(void **state)
{
    struct user u = {0};
    pthread_t thread;
    (void)state;
    open_socket(&u, &thread);
    assert_true(websocket_write(u.ws, WS_BINARY, true, true, "abc", 3));
    u.room = true;
    while (!strchr(u.told, 'm'))
        uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(u.told, "dosm");
    websocket_leave(u.ws);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void who_leaves_when_told_hears_no_more(void **state)
{
    struct user u = {.leave_when_sent = true};
    pthread_t thread;
    (void)state;
    open_socket(&u, &thread);
    assert_true(websocket_write(u.ws, WS_BINARY, true, true, "abc", 3));
    u.room = true;
    while (!strchr(u.told, 's'))
        uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_string_equal(u.told, "dos");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    alarm(60); /* what does not come ends the test */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sent_is_told_before_what_came, setup, teardown),
        cmocka_unit_test_setup_teardown(who_leaves_when_told_hears_no_more, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, dns_server_start, dns_server_stop);
}
