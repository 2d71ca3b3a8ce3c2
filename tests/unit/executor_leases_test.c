/* Places of a key: taken, waited for, given on, lost; by two holders at a real nats-server. */
#include "executor/cluster/leases.h"
#include "link/kv.h"
#include "tests/unit/executor_nats.h"

static struct subjects subjects;
static struct config config = {
    .worker = "w", .nats = {.prefix = "t", .stream_prefix = "T", .replicas = 1, .lease_s = 4}};

static int open_server(void **state)
{
    struct err e = {0};
    (void)state;
    if (start_nats() || subjects_init(&subjects, &config.nats, &e))
        return -1;
    config.nats.url = server.url;
    return connect_nats(&config.nats);
}

static int close_server(void **state)
{
    (void)state;
    stop_nats();
    return 0;
}

struct owner {
    struct lease *lease;
    int got, waits, lost;
};

static void on_got(struct lease *x, void *arg)
{
    struct owner *o = arg;
    assert_true(lease_held(x));
    o->got++;
}

static void on_waits(struct lease *x, void *arg)
{
    struct owner *o = arg;
    assert_false(lease_held(x));
    o->waits++;
}

static void on_lost(struct lease *x, void *arg)
{
    struct owner *o = arg;
    assert_false(lease_held(x));
    o->lost++;
}

static const struct lease_events ev = {on_got, on_waits, on_lost};

static void want(struct leases *l, struct owner *o, const char *key, int limit)
{
    *o = (struct owner){0};
    o->lease = lease_ask(l, key, limit, &ev, o);
}

static void one_place_goes_round(void **state)
{
    (void)state;
    struct leases *a = leases_open(&loop, nats, &config, &subjects),
                  *b = leases_open(&loop, nats, &config, &subjects);
    struct owner first, second, third;
    want(a, &first, "job.t.round", 1);
    run_until(&first.got);
    want(b, &second, "job.t.round", 1);
    want(a, &third, "job.t.round", 1);
    run_until(&second.waits);
    run_until(&third.waits);
    assert_int_equal(second.got + third.got, 0);
    lease_release(first.lease);
    for (int i = 0; i < 2; i++) { /* each once, in whichever order */
        struct owner *next;
        while (!second.got && !third.got)
            uv_run(&loop, UV_RUN_ONCE);
        next = second.got ? &second : &third;
        assert_int_equal(second.got + third.got, 1);
        next->got = 0;
        lease_release(next->lease);
        if (i == 0)
            run_until(next == &second ? &third.got : &second.got);
    }
    leases_close(a);
    leases_close(b);
}

static void several_places(void **state)
{
    (void)state;
    struct leases *a = leases_open(&loop, nats, &config, &subjects),
                  *b = leases_open(&loop, nats, &config, &subjects);
    struct owner o[5];
    for (int i = 0; i < 5; i++)
        want(i % 2 ? a : b, &o[i], "job.t.several", 3);
    int got, waits;
    do {
        uv_run(&loop, UV_RUN_ONCE);
        got = waits = 0;
        for (int i = 0; i < 5; i++) {
            got += o[i].got;
            waits += o[i].waits && !o[i].got;
        }
        assert_true(got <= 3);
    } while (got < 3 || waits < 2);
    struct owner other;
    want(a, &other, "job.t.other", 1); /* keys know nothing of one another */
    run_until(&other.got);
    lease_release(other.lease);
    for (int i = 0; i < 5; i++)
        lease_release(o[i].lease);
    leases_close(a);
    leases_close(b);
}

static void on_done(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision;
    assert_null(why);
    *(int *)arg = 1;
}

/* Renewed for longer than its time; then its holder is gone without a word. */
static void a_place_expires_only_with_its_holder(void **state)
{
    (void)state;
    struct leases *a = leases_open(&loop, nats, &config, &subjects),
                  *b = leases_open(&loop, nats, &config, &subjects);
    struct owner first, second;
    want(a, &first, "job.t.dies", 1);
    run_until(&first.got);
    want(b, &second, "job.t.dies", 1);
    uint64_t until = uv_now(&loop) + 5000;
    while (uv_now(&loop) < until) {
        uv_run(&loop, UV_RUN_ONCE);
        assert_int_equal(second.got, 0);
    }
    assert_int_equal(first.lost, 0);
    /* As after a kill: the entry is there, and nobody renews it. */
    const struct kv_options o = {.bucket = subjects.leases_bucket, .history = 1, .replicas = 1};
    struct kv *kv = kv_new(&loop, nats, &o);
    struct err e = {0};
    int done = 0;
    assert_int_equal(kv_put(kv, "job.t.killed.0", "{}", 2, 0, on_done, &done, &e), 0);
    run_until(&done);
    struct owner fourth;
    want(b, &fourth, "job.t.killed", 1);
    run_until(&fourth.waits);
    run_until(&fourth.got);
    lease_release(first.lease);
    run_until(&second.got);
    lease_release(second.lease);
    lease_release(fourth.lease);
    kv_free(kv);
    leases_close(a);
    leases_close(b);
}

static void a_place_that_is_taken_away_is_lost(void **state)
{
    (void)state;
    struct leases *a = leases_open(&loop, nats, &config, &subjects);
    const struct kv_options o = {.bucket = subjects.leases_bucket, .history = 1, .replicas = 1};
    struct kv *kv = kv_new(&loop, nats, &o);
    struct owner first;
    struct err e = {0};
    int deleted = 0;
    want(a, &first, "job.t.taken", 1);
    run_until(&first.got);
    assert_int_equal(kv_delete(kv, "job.t.taken.0", KV_ANY, on_done, &deleted, &e), 0);
    run_until(&deleted);
    run_until(&first.lost);
    lease_release(first.lease);
    kv_free(kv);
    leases_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_place_goes_round),
        cmocka_unit_test(several_places),
        cmocka_unit_test(a_place_expires_only_with_its_holder),
        cmocka_unit_test(a_place_that_is_taken_away_is_lost),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_server, close_server);
}
