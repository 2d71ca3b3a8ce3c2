/* Logins and TLS against real servers: what lets us in, and the words when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "link/link.h"
#include "link/nkey.h"
#include "tests/unit/nats_server.h"

#define WAIT_MS  5000
#define PIECES   8
#define PAUSE_MS 25

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    struct nats_config c;
    struct err e;
    char path[256], cert[256], key[256];
    struct link *link, *other; /* open ones: closed by tear_down() when a test fails */
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    nats_server_init(&f->server);
    f->server.no_jetstream = true;
    uv_loop_init(&f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    link_close(f->link, 100);
    link_close(f->other, 100);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    nats_server_remove(&f->server);
    free(f);
    return 0;
}

static void start(struct fixture *f, const char *conf)
{
    nats_server_conf(&f->server, conf);
    nats_server_start(&f->server);
    if (!f->c.url)
        f->c.url = f->server.url;
}

static struct link *try_open(struct fixture *f)
{
    struct link *l = NULL;
    memset(&f->e, 0, sizeof f->e);
    link_open(&f->loop, &f->c, "test", WAIT_MS, NULL, NULL, &l, &f->e);
    return l;
}

static void on_echo(struct link_msg *m, void *arg)
{
    ++*(int *)arg;
    (void)m;
}

static void close_link(struct fixture *f)
{
    struct link *l = f->link;
    f->link = NULL;
    link_close(l, 1000);
}

/* Let in, and messages flow. */
static void assert_works(struct fixture *f)
{
    struct link *l = f->link = try_open(f);
    struct link_sub *sub = NULL;
    int got = 0;
    if (!l)
        fail_msg("%s", f->e.msg);
    assert_null(strchr(link_url(l), '@'));
    assert_int_equal(link_subscribe(l, "x", NULL, 0, on_echo, &got, &sub, NULL), 0);
    assert_int_equal(link_publish(l, "x", NULL, NULL, 0, "1", 1, NULL), 0);
    assert_int_equal(link_flush(l, WAIT_MS, &f->e), 0);
    assert_int_equal(got, 1);
    close_link(f);
}

static void assert_refused(struct fixture *f, int code, const char *words)
{
    struct link *l = try_open(f);
    assert_null(l);
    if (f->e.code != code || !strstr(f->e.msg, words))
        fail_msg("found %d \"%s\", not %d \"…%s…\"", f->e.code, f->e.msg, code, words);
    assert_null(strstr(f->e.msg, "s3cret"));
}

static char *write_file(struct fixture *f, const char *name, const char *text)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->server.dir, name);
    assert_int_equal(fs_write_file(f->path, text, strlen(text), 0600, false, NULL), 0);
    return f->path;
}

/* ---- user, token ---- */

static void test_user_and_password(void **state)
{
    struct fixture *f = *state;
    char url[128];
    start(f, "authorization { user: joe, password: \"s3cret\" }\n");
    f->c.user = "joe";
    f->c.password = "s3cret";
    assert_works(f);
    f->c.password = "other";
    assert_refused(f, ERR_DENIED, "check nats.user and nats.password");
    f->c.user = f->c.password = NULL;
    assert_refused(f, ERR_DENIED, "wants a login");
    snprintf(url, sizeof url, "nats://joe:s3cret@127.0.0.1:%d", f->server.port);
    f->c.url = url;
    assert_works(f);
    snprintf(url, sizeof url, "nats://joe:s3cret2@127.0.0.1:%d", f->server.port);
    assert_refused(f, ERR_DENIED, "the user and password in nats.url");
}

static void test_token(void **state)
{
    struct fixture *f = *state;
    start(f, "authorization { token: \"s3cret\" }\n");
    f->c.token = "s3cret";
    assert_works(f);
    f->c.token = "other";
    assert_refused(f, ERR_DENIED, "check nats.token");
}

static void test_a_subject_that_is_not_ours(void **state)
{
    struct fixture *f = *state;
    struct link_msg *m = NULL;
    start(f, "authorization { users: [ { user: joe, password: \"s3cret\", permissions: {\n"
             "  publish: { deny: \"forbidden\" } } } ] }\n");
    f->c.user = "joe";
    f->c.password = "s3cret";
    struct link *l = f->link = try_open(f);
    assert_non_null(l);
    assert_int_equal(link_request_wait(l, "forbidden", NULL, 0, "", 0, 300, &m, &f->e),
                     ERR_TIMEOUT);
    assert_non_null(strstr(f->e.msg, "the server said: Permissions Violation"));
    assert_true(link_is_up(l));
}

/* ---- nkey, credentials ---- */

static void test_nkey(void **state)
{
    struct fixture *f = *state;
    uint8_t seed[ED25519_SEED], pub[ED25519_PUBLIC], sec[ED25519_SECRET];
    char conf[256], public[NKEY_PUBLIC_TEXT], text[NKEY_SEED_TEXT];
    crypto_random(seed, sizeof seed);
    crypto_ed25519_from_seed(seed, pub, sec);
    nkey_public_text(NKEY_USER, pub, public);
    nkey_seed_text(NKEY_USER, seed, text);
    snprintf(conf, sizeof conf, "authorization { users: [ { nkey: %s } ] }\n", public);
    start(f, conf);
    f->c.nkey_seed_file = write_file(f, "seed", text);
    assert_works(f);
    seed[0] ^= 1;
    nkey_seed_text(NKEY_USER, seed, text);
    write_file(f, "seed", text);
    assert_refused(f, ERR_DENIED, "check nats.nkey_seed_file");
    write_file(f, "seed", "nothing of the kind");
    assert_refused(f, ERR_INVALID, "nats.nkey_seed_file: ");
    f->c.nkey_seed_file = "/nonexistent/seed";
    assert_refused(f, ERR_NOT_FOUND, "nats.nkey_seed_file: ");
}

/* The library cannot send one signature in 256; nobody should notice. */
static void test_every_login_succeeds(void **state)
{
    struct fixture *f = *state;
    uint8_t seed[ED25519_SEED] = {1}, pub[ED25519_PUBLIC], sec[ED25519_SECRET];
    char conf[256], public[NKEY_PUBLIC_TEXT], text[NKEY_SEED_TEXT];
    crypto_ed25519_from_seed(seed, pub, sec);
    nkey_public_text(NKEY_USER, pub, public);
    nkey_seed_text(NKEY_USER, seed, text);
    snprintf(conf, sizeof conf, "authorization { users: [ { nkey: %s } ] }\n", public);
    start(f, conf);
    f->c.nkey_seed_file = write_file(f, "seed", text);
    for (int i = 0; i < 400; i++) {
        f->link = try_open(f);
        if (!f->link)
            fail_msg("%s", f->e.msg);
        close_link(f);
        uv_run(&f->loop, UV_RUN_DEFAULT);
    }
}

struct identity {
    uint8_t pub[ED25519_PUBLIC], sec[ED25519_SECRET], seed[ED25519_SEED];
    char name[NKEY_PUBLIC_TEXT];
};

static struct identity identity_of(enum nkey_kind kind)
{
    struct identity i;
    crypto_random(i.seed, sizeof i.seed);
    crypto_ed25519_from_seed(i.seed, i.pub, i.sec);
    nkey_public_text(kind, i.pub, i.name);
    return i;
}

static void base64url(const void *p, size_t len, struct buf *out)
{
    char text[4096];
    crypto_base64(p, len, text, sizeof text);
    for (char *c = text; *c && *c != '='; c++)
        buf_addc(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
}

/* A token as nats-server's operator mode wants it. */
static char *make_jwt(const struct identity *issuer, const struct identity *subject,
                      const char *nats)
{
    static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
    struct buf b = {0}, claims = {0};
    uint8_t sig[ED25519_SIG];
    buf_addf(
        &claims,
        "{\"jti\":\"x\",\"iat\":%lld,\"iss\":\"%s\",\"name\":\"test\",\"sub\":\"%s\",\"nats\":%s}",
        (long long)time(NULL), issuer->name, subject->name, nats);
    base64url(head, sizeof head - 1, &b);
    buf_addc(&b, '.');
    base64url(claims.data, claims.len, &b);
    crypto_ed25519_sign(issuer->sec, b.data, b.len, sig);
    buf_addc(&b, '.');
    base64url(sig, sizeof sig, &b);
    buf_free(&claims);
    return b.data;
}

static char *make_creds(const char *jwt, const struct identity *user)
{
    char seed[NKEY_SEED_TEXT];
    struct buf b = {0};
    nkey_seed_text(NKEY_USER, user->seed, seed);
    buf_addf(&b,
             "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
             "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
             jwt, seed);
    return b.data;
}

static void test_credentials_file(void **state)
{
    struct fixture *f = *state;
    struct identity op = identity_of(NKEY_OPERATOR), acc = identity_of(NKEY_ACCOUNT),
                    user = identity_of(NKEY_USER), other = identity_of(NKEY_USER);
    char *op_jwt = make_jwt(&op, &op, "{\"type\":\"operator\",\"version\":2}");
    char *acc_jwt = make_jwt(&op, &acc,
                             "{\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,"
                             "\"exports\":-1,\"wildcards\":true,\"conn\":-1,\"leaf\":-1},"
                             "\"type\":\"account\",\"version\":2}");
    char *user_jwt = make_jwt(
        &acc, &user, "{\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2}");
    char *creds = make_creds(user_jwt, &user), *wrong = make_creds(user_jwt, &other);
    struct buf conf = {0};
    buf_addf(&conf, "operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s }\n", op_jwt,
             acc.name, acc_jwt);
    start(f, conf.data);
    f->c.creds_file = write_file(f, "user.creds", creds);
    assert_works(f);
    write_file(f, "user.creds", wrong);
    assert_refused(f, ERR_DENIED, "check nats.creds_file");
    write_file(f, "user.creds", user_jwt); /* no seed */
    assert_refused(f, ERR_INVALID, "nats.creds_file: ");
    write_file(f, "user.creds", strstr(creds, "-----BEGIN USER"));
    assert_refused(f, ERR_INVALID, "no user JWT in it");
    f->c.creds_file = NULL;
    assert_refused(f, ERR_DENIED, "wants a login");
    f->c.creds_file = "/nonexistent/user.creds";
    assert_refused(f, ERR_NOT_FOUND, "nats.creds_file: ");
    buf_free(&conf);
    free(op_jwt);
    free(acc_jwt);
    free(user_jwt);
    free(creds);
    free(wrong);
}

/* ---- TLS ---- */

static void openssl(struct fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void openssl(struct fixture *f, const char *fmt, ...)
{
    char command[1024];
    int n = snprintf(command, sizeof command, "cd %s && openssl ", f->server.dir);
    va_list ap;
    va_start(ap, fmt);
    n += vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
    va_end(ap);
    snprintf(command + n, sizeof command - (size_t)n, " 2>> openssl.log");
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void make_certificate(struct fixture *f, const char *name, const char *san)
{
    openssl(
        f,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s.key -out %s.csr "
        "-subj /CN=%s -addext subjectAltName=%s",
        name, name, name, san);
    openssl(
        f,
        "x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -days 2 -copy_extensions copy -out %s.pem",
        name, name);
}

static void make_authority(struct fixture *f, const char *name)
{
    openssl(f,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s.key -out "
            "%s.pem "
            "-subj /CN=%s -days 2",
            name, name, name);
}

static char *in_dir(struct fixture *f, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", f->server.dir, name);
    return out;
}

static void start_tls(struct fixture *f, const char *more)
{
    char conf[1024];
    make_authority(f, "ca");
    make_certificate(f, "server", "IP:127.0.0.1");
    snprintf(conf, sizeof conf,
             "tls { cert_file: \"%s/server.pem\", key_file: \"%s/server.key\" %s }\n",
             f->server.dir, f->server.dir, more);
    start(f, conf);
}

static void test_tls(void **state)
{
    struct fixture *f = *state;
    char url[64], ca[256], none[256];
    start_tls(f, "");
    f->c.tls_ca_file = in_dir(f, "ca.pem", ca);
    assert_works(f); /* nats:// with an authority: TLS is meant */
    snprintf(url, sizeof url, "tls://127.0.0.1:%d", f->server.port);
    f->c.url = url;
    assert_works(f);
    f->c.tls_ca_file = NULL;
    assert_refused(f, ERR_UNAVAILABLE,
                   "TLS with NATS at tls://127.0.0.1:"); /* signed by a stranger */
    assert_non_null(strstr(f->e.msg, "check nats.tls_ca_file"));
    make_authority(f, "stranger");
    f->c.tls_ca_file = in_dir(f, "stranger.pem", ca);
    assert_refused(f, ERR_UNAVAILABLE, "TLS with NATS");
    f->c.tls_ca_file = in_dir(f, "none.pem", none);
    assert_refused(f, ERR_NOT_FOUND, "nats.tls_ca_file: ");
}

static void test_tls_for_another_host(void **state)
{
    struct fixture *f = *state;
    char conf[1024], url[64], ca[256];
    make_authority(f, "ca");
    make_certificate(f, "server", "DNS:nats.example");
    snprintf(conf, sizeof conf,
             "tls { cert_file: \"%s/server.pem\", key_file: \"%s/server.key\" }\n", f->server.dir,
             f->server.dir);
    start(f, conf);
    snprintf(url, sizeof url, "tls://localhost:%d", f->server.port);
    f->c.url = url;
    f->c.tls_ca_file = in_dir(f, "ca.pem", ca);
    assert_refused(f, ERR_UNAVAILABLE, "for which host name");
}

static void test_no_tls_there(void **state)
{
    struct fixture *f = *state;
    start(f, "");
    f->c.tls = true;
    assert_refused(f, ERR_UNAVAILABLE, "offers no TLS");
}

static void test_client_certificate(void **state)
{
    struct fixture *f = *state;
    char more[300], ca[256];
    snprintf(more, sizeof more, ", ca_file: \"%s/ca.pem\", verify: true", f->server.dir);
    start_tls(f, more);
    make_certificate(f, "client", "DNS:client");
    f->c.tls_ca_file = in_dir(f, "ca.pem", ca);
    assert_refused(f, ERR_UNAVAILABLE, "NATS at nats://127.0.0.1:"); /* without one */
    f->c.tls_cert_file = in_dir(f, "client.pem", f->cert);
    assert_refused(f, ERR_INVALID, "give both or none");
    f->c.tls_key_file = in_dir(f, "client.key", f->key);
    assert_works(f);
    f->c.tls_key_file = in_dir(f, "server.key", f->key); /* of another certificate */
    assert_refused(f, ERR_INVALID, "nats.tls_cert_file, nats.tls_key_file: ");
}

/* Large messages over TLS, both ways. */
static void test_tls_carries_much(void **state)
{
    struct fixture *f = *state;
    char ca[256];
    start_tls(f, "");
    f->c.tls_ca_file = in_dir(f, "ca.pem", ca);
    struct link *l = f->link = try_open(f), *other = f->other = try_open(f);
    struct link_sub *sub = NULL;
    int got = 0;
    assert_non_null(l);
    assert_non_null(other);
    assert_int_equal(link_subscribe(l, "x", NULL, 0, on_echo, &got, &sub, NULL), 0);
    assert_int_equal(link_flush(l, WAIT_MS, NULL), 0);
    char *data = mem_alloc(1 << 20);
    for (int i = 0; i < 40; i++)
        assert_int_equal(link_publish(other, "x", NULL, NULL, 0, data, 1 << 20, NULL), 0);
    f->other = NULL;
    link_close(other, WAIT_MS);
    free(data);
    int64_t until = clock_mono_us() + 10000000;
    while (got < 40 && clock_mono_us() < until)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(got, 40);
}

/* ---- a proxy that hands records on in pieces ---- */

struct proxy {
    int listener, port, server_port;
    atomic_bool slow, stop;
    pthread_t thread;
};

static int connect_to(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* What comes from the server is sent on byte by byte at its beginning, with pauses. */
static bool pass(struct proxy *p, int from, int to, bool to_client)
{
    char data[65536];
    ssize_t n = recv(from, data, sizeof data, 0);
    if (n <= 0)
        return false;
    ssize_t at = 0;
    if (to_client && p->slow)
        for (; at < n && at < PIECES; at++) {
            (void)!write(to, data + at, 1);
            usleep(PAUSE_MS * 1000);
        }
    return at == n || write(to, data + at, (size_t)(n - at)) == n - at;
}

static void *run_proxy(void *arg)
{
    struct proxy *p = arg;
    struct pollfd fds[2] = {{.fd = accept(p->listener, NULL, NULL), .events = POLLIN},
                            {.fd = connect_to(p->server_port), .events = POLLIN}};
    bool ok = true;
    while (ok && !p->stop) {
        poll(fds, 2, 50);
        if (fds[0].revents)
            ok = pass(p, fds[0].fd, fds[1].fd, false);
        if (ok && fds[1].revents)
            ok = pass(p, fds[1].fd, fds[0].fd, true);
    }
    close(fds[0].fd);
    close(fds[1].fd);
    return NULL;
}

static void proxy_start(struct proxy *p, int server_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->server_port = server_port;
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(p->listener, 1), 0);
    getsockname(p->listener, (struct sockaddr *)&a, &size);
    p->port = ntohs(a.sin_port);
    pthread_create(&p->thread, NULL, run_proxy, p);
}

static void on_turn(uv_timer_t *t)
{
    ++*(int *)t->data;
}

/* A record that comes in pieces must not hold the loop up: the library would wait for its rest. */
static void test_records_in_pieces_do_not_stop_the_loop(void **state)
{
    struct fixture *f = *state;
    /* Static: the proxy's thread and the loop outlive a test that fails. */
    static struct proxy p;
    static uv_timer_t turn;
    static int turns;
    char url[64], ca[256];
    int got = 0, best = 0;
    struct link_sub *sub = NULL;
    start_tls(f, "");
    proxy_start(&p, f->server.port);
    snprintf(url, sizeof url, "tls://127.0.0.1:%d", p.port);
    f->c.url = url;
    f->c.tls_ca_file = in_dir(f, "ca.pem", ca);
    struct link *l = f->link = try_open(f);
    assert_non_null(l);
    assert_int_equal(link_subscribe(l, "x", NULL, 0, on_echo, &got, &sub, NULL), 0);
    assert_int_equal(link_flush(l, WAIT_MS, NULL), 0);
    p.slow = true;
    uv_timer_init(&f->loop, &turn);
    turn.data = &turns;
    uv_timer_start(&turn, on_turn, 2, 2);
    uv_unref((uv_handle_t *)&turn);
    for (int i = 1; i <= 3; i++) {
        int64_t until = clock_mono_us() + WAIT_MS * 1000ll;
        turns = 0;
        assert_int_equal(link_publish(l, "x", NULL, NULL, 0, "hello", 5, NULL), 0);
        while (got < i && clock_mono_us() < until)
            uv_run(&f->loop, UV_RUN_ONCE);
        best = turns > best ? turns : best;
    }
    uv_close((uv_handle_t *)&turn, NULL);
    p.stop = true;
    close_link(f);
    pthread_join(p.thread, NULL);
    close(p.listener);
    assert_int_equal(got, 3);
    /* A record takes PIECES pauses to come. Held up, the loop turns only before its first byte. */
    assert_true(best >= PIECES);
}

static int stop_library(void **state)
{
    (void)state;
    link_library_stop();
    return 0;
}

#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_user_and_password),
        T(test_token),
        T(test_a_subject_that_is_not_ours),
        T(test_nkey),
        T(test_every_login_succeeds),
        T(test_credentials_file),
        T(test_tls),
        T(test_tls_for_another_host),
        T(test_no_tls_there),
        T(test_client_certificate),
        T(test_tls_carries_much),
        T(test_records_in_pieces_do_not_stop_the_loop),
    };
    log_set_level(LOG_OFF);
    crypto_init(NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
