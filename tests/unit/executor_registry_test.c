/* A worker's entry in the registry: written and read, claimed, refused, taken over, removed;
 * against a real nats-server. */
#include "base/clock.h"
#include "executor/cluster/registry.h"
#include "link/kv.h"
#include "tests/unit/executor_nats.h"

static int open_server(void **state)
{
    (void)state;
    return start_nats() ? -1 : connect_nats(&(struct nats_config){.url = server.url});
}

static int close_server(void **state)
{
    (void)state;
    stop_nats();
    return 0;
}

/* ---- a worker ---- */

struct one {
    struct registry *registry;
    int held, refused;
    struct err why;
    enum worker_state state;
    bool foreign; /* its entry says that it is of another machine */
};

static void fill(struct worker_entry *out, void *arg)
{
    struct one *w = arg;
    out->state = w->state;
    out->running = 3;
    snprintf(out->keyid, sizeof out->keyid, "%064d", 7);
    snprintf(out->jail, sizeof out->jail, "[\"userns\",\"seccomp\"]");
    if (w->foreign)
        snprintf(out->process, sizeof out->process, "elsewhere/1/1");
}

static void held(void *arg)
{
    ((struct one *)arg)->held++;
}

static void refused(const struct err *why, void *arg)
{
    struct one *w = arg;
    w->refused++;
    w->why = *why;
}

static void start(struct one *w, const char *name, int64_t heartbeat_ms)
{
    static const struct registry_events ev = {fill, held, refused};
    struct registry_options o = {
        .bucket = "T_WORKERS", .worker = name, .heartbeat_ms = heartbeat_ms, .replicas = 1};
    w->registry = registry_open(&loop, nats, &o, &ev, w);
}

static void stop(struct one *w)
{
    registry_close(w->registry);
    w->registry = NULL;
}

/* ---- what the bucket says ---- */

struct look {
    int done;
    bool there;
    uint64_t revision;
    struct worker_entry entry;
};

static void on_got(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct look *l = arg;
    struct err e = {0};
    l->done = 1;
    l->there = entry != NULL;
    if (!entry) {
        assert_int_equal(why->code, ERR_NOT_FOUND);
        return;
    }
    l->revision = entry->revision;
    if (worker_entry_read(entry->value, entry->len, &l->entry, &e))
        fail_msg("%s", e.msg);
}

static struct kv *bucket(void)
{
    struct kv_options o = {.bucket = "T_WORKERS"};
    return kv_new(&loop, nats, &o);
}

static struct look entry_of(const char *name)
{
    struct kv *kv = bucket();
    struct look l = {0};
    struct err e = {0};
    assert_int_equal(kv_get(kv, name, on_got, &l, &e), 0);
    run_until(&l.done);
    kv_free(kv);
    return l;
}

static void on_put(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision;
    assert_null(why);
    *(int *)arg = 1;
}

static void put(const char *name, const struct worker_entry *w)
{
    struct kv *kv = bucket();
    struct buf b = {0};
    struct err e = {0};
    int done = 0;
    worker_entry_write(w, &b);
    assert_int_equal(kv_put(kv, name, b.data, b.len, KV_ANY, on_put, &done, &e), 0);
    run_until(&done);
    buf_free(&b);
    kv_free(kv);
}

/* ---- the entry's text ---- */

static struct worker_entry sample(const char *name)
{
    struct worker_entry w = {.pid = 4711,
                             .state = WORKER_STUCK,
                             .heartbeat_ms = 100,
                             .started_at_us = 1700000000000001,
                             .beat_at_us = 1700000005000002,
                             .running = 1,
                             .waiting = 2,
                             .max_running = 3,
                             .cells_ready = 4,
                             .cells_starting = 5,
                             .cells_taken = 6,
                             .code_hits = 7,
                             .code_misses = 8,
                             .code_kb = 9,
                             .branches = 10,
                             .branch_jobs = 11,
                             .done = 7};
    snprintf(w.worker, sizeof w.worker, "%s", name);
    snprintf(w.instance, sizeof w.instance, "00112233445566778899aabbccddeeff");
    snprintf(w.host, sizeof w.host, "other-host");
    snprintf(w.process, sizeof w.process, "another boot/pid:[1]/4711/1");
    snprintf(w.version, sizeof w.version, "0.0.9");
    snprintf(w.engine, sizeof w.engine, "v8 1.2.3");
    snprintf(w.key, sizeof w.key, "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=");
    snprintf(w.jail, sizeof w.jail, "[\"userns\"]");
    return w;
}

static void an_entry_is_read_as_it_was_written(void **state)
{
    struct worker_entry w = sample("a.b"), again;
    struct buf b = {0};
    struct err e = {0};
    (void)state;
    worker_entry_write(&w, &b);
    assert_true(b.len < WORKER_ENTRY_MAX);
    if (worker_entry_read(b.data, b.len, &again, &e))
        fail_msg("%s", e.msg);
    assert_memory_equal(&w, &again, sizeof w);
    buf_free(&b);
}

static void what_is_no_entry_is_refused_by_field(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"stuck\"", "\"sleepy\"", "state: found 'sleepy'"},
        {"\"pid\":4711", "\"pid\":-1", "pid: found number"},
        {"\"done\":7", "\"done\":\"7\"", "done: found string"},
        {"\"other-host\"", "[]", "host: found array"},
        {"2023-11-14T22:13:20.000001Z", "yesterday", "started_at"},
        {"[\"userns\"]", "{}", "jail: found object"},
        {"00112233", "0011223300", "instance: found a longer one"},
    };
    struct worker_entry w = sample("a"), out;
    struct buf b = {0};
    (void)state;
    worker_entry_write(&w, &b);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf t = {0};
        struct err e = {0};
        char *at = strstr(b.data, cases[i].from);
        assert_non_null(at);
        buf_add(&t, b.data, (size_t)(at - b.data));
        buf_adds(&t, cases[i].to);
        buf_adds(&t, at + strlen(cases[i].from));
        assert_int_equal(worker_entry_read(t.data, t.len, &out, &e), ERR_INVALID);
        if (!strstr(e.msg, cases[i].says))
            fail_msg("'%s' does not say '%s'", e.msg, cases[i].says);
        buf_free(&t);
    }
    assert_int_equal(worker_entry_read("[]", 2, &out, NULL), ERR_INVALID);
    assert_int_equal(worker_entry_read("{", 1, &out, NULL), ERR_INVALID);
    buf_free(&b);
}

static void a_process_of_this_machine_is_known_to_be_gone(void **state)
{
    char mine[WORKER_PROCESS_MAX];
    int pipe_fd[2];
    char child[WORKER_PROCESS_MAX] = "";
    (void)state;
    worker_process_self(mine);
    assert_true(*mine);
    assert_true(worker_process_local(mine));
    assert_false(worker_process_gone(mine));
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        worker_process_self(child);
        _exit(write(pipe_fd[1], child, sizeof child) != sizeof child);
    }
    assert_int_equal(read(pipe_fd[0], child, sizeof child), sizeof child);
    waitpid(pid, NULL, 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    assert_true(worker_process_gone(child));
    mine[strlen(mine) - 1] ^= 1; /* the same pid, started at another time */
    assert_true(worker_process_gone(mine));
    assert_false(worker_process_gone("another boot/pid:[1]/1/1"));
    assert_false(worker_process_gone(""));
}

/* ---- the registry ---- */

static void a_name_is_claimed_renewed_and_given_back(void **state)
{
    struct one w = {.state = WORKER_STARTING};
    (void)state;
    start(&w, "first", 50);
    run_until(&w.held);
    struct look before = entry_of("first");
    assert_true(before.there);
    assert_string_equal(before.entry.instance, registry_instance(w.registry));
    assert_int_equal(before.entry.state, WORKER_STARTING);
    assert_int_equal(before.entry.running, 3);
    struct look now = before;
    while (now.revision < before.revision + 3) /* by heartbeats alone */
        now = entry_of("first");
    w.state = WORKER_TAKING;
    registry_tell(w.registry);
    while (now.entry.state != WORKER_TAKING)
        now = entry_of("first");
    stop(&w);
    while (entry_of("first").there)
        ;
    struct one next = {0};
    start(&next, "first", 50);
    run_until(&next.held);
    assert_int_equal(next.refused, 0);
    stop(&next);
}

static void a_second_of_that_name_is_refused_and_told_who_the_first_is(void **state)
{
    struct one a = {.foreign = true}, b = {0};
    (void)state;
    start(&a, "twice", 50);
    run_until(&a.held);
    start(&b, "twice", 50);
    run_until(&b.refused);
    assert_int_equal(b.why.code, ERR_EXISTS);
    assert_non_null(strstr(b.why.msg, "a worker named 'twice' is there already: pid "));
    assert_int_equal(b.held, 0);
    assert_int_equal(a.refused, 0);
    stop(&b);
    assert_true(entry_of("twice").there);
    stop(&a);
}

static void an_entry_of_a_process_that_is_gone_is_taken_over_at_once(void **state)
{
    struct worker_entry dead = sample("gone");
    struct one w = {0};
    (void)state;
    worker_process_self(dead.process);
    dead.process[strlen(dead.process) - 1] ^= 1;
    dead.heartbeat_ms = 300000;
    put("gone", &dead);
    start(&w, "gone", 50);
    run_until(&w.held); /* not after 15 minutes */
    stop(&w);
}

static void an_entry_that_is_not_renewed_is_taken_over(void **state)
{
    struct worker_entry silent = sample("silent");
    struct one w = {0};
    (void)state;
    put("silent", &silent);
    int64_t begun = clock_mono_us();
    start(&w, "silent", 50);
    run_until(&w.held);
    assert_true(clock_mono_us() - begun >= WORKER_SILENT * 100 * 1000);
    stop(&w);
}

static void a_worker_whose_name_was_taken_is_told(void **state)
{
    struct worker_entry thief = sample("stolen");
    struct one w = {0};
    (void)state;
    start(&w, "stolen", 50);
    run_until(&w.held);
    put("stolen", &thief);
    run_until(&w.refused);
    assert_non_null(strstr(w.why.msg, "was taken by another worker"));
    stop(&w);
    assert_true(entry_of("stolen").there); /* it is not ours to remove */
}

static void an_entry_that_ran_out_is_made_again(void **state)
{
    struct one w = {0};
    struct kv *kv = bucket();
    struct err e = {0};
    int done = 0;
    (void)state;
    start(&w, "expired", 50);
    run_until(&w.held);
    assert_int_equal(kv_delete(kv, "expired", KV_ANY, on_put, &done, &e), 0);
    run_until(&done);
    while (!entry_of("expired").there)
        ;
    assert_int_equal(w.refused, 0);
    kv_free(kv);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_entry_is_refused_by_field),
        cmocka_unit_test(a_process_of_this_machine_is_known_to_be_gone),
        cmocka_unit_test(a_name_is_claimed_renewed_and_given_back),
        cmocka_unit_test(a_second_of_that_name_is_refused_and_told_who_the_first_is),
        cmocka_unit_test(an_entry_of_a_process_that_is_gone_is_taken_over_at_once),
        cmocka_unit_test(an_entry_that_is_not_renewed_is_taken_over),
        cmocka_unit_test(a_worker_whose_name_was_taken_is_told),
        cmocka_unit_test(an_entry_that_ran_out_is_made_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_server, close_server);
}
