/* Jobs of several tenants out of a real JetStream: whose come when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jv.h"
#include "base/log.h"
#include "link/link.h"
#include "queue/consumer.h"
#include "queue/intake.h"
#include "tests/unit/nats_server.h"

#define WAIT_MS 20000
#define KEPT    4096

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    uv_timer_t tick;
    struct config *config;
    struct subjects subjects;
    struct link *link;
    struct intake *intake;
    int ready, failed;
    struct delivery *jobs[KEPT];
    int count; /* came */
};

#define UNTIL(f, cond)                                                                             \
    do {                                                                                           \
        int64_t until_ = clock_mono_us() + WAIT_MS * 1000ll;                                       \
        while (!(cond) && clock_mono_us() < until_)                                                \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(cond);                                                                         \
    } while (0)

static void on_tick(uv_timer_t *t)
{
    (void)t;
}

static void on_job(struct delivery *d, void *arg)
{
    struct fixture *f = arg;
    assert_true(f->count < KEPT);
    f->jobs[f->count++] = d;
}

static void on_ready(void *arg)
{
    ((struct fixture *)arg)->ready++;
}

static void on_failed(const struct err *why, void *arg)
{
    print_message("# failed: %s\n", why->msg);
    ((struct fixture *)arg)->failed++;
}

static const struct link_events link_events = {0};
static const struct intake_events intake_events = {on_job, on_ready, on_failed};

static void name_tenants(struct config *c, int n)
{
    c->tenants = mem_grow(c->tenants, (size_t)n * sizeof *c->tenants);
    for (int i = 0; i < n; i++) {
        c->tenants[i] = (struct tenant){.weight = 1};
        snprintf(c->tenants[i].name, sizeof c->tenants[i].name, "t%d", i);
    }
    c->tenant_count = n;
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    struct err e = {0};
    nats_server_init(&f->server);
    nats_server_start(&f->server);
    if (config_load(NULL, &f->config, &e))
        fail_msg("%s", e.msg);
    free(f->config->nats.url);
    permissions_free(&f->config->tenants[0].permissions);
    f->config->nats.url = mem_strdup(f->server.url);
    f->config->nats.ack_wait_ms = 1000;
    name_tenants(f->config, 3);
    assert_int_equal(subjects_init(&f->subjects, &f->config->nats, &e), 0);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    uv_unref((uv_handle_t *)&f->tick);
    if (link_open(&f->loop, &f->config->nats, "test", 5000, &link_events, f, &f->link, &e))
        fail_msg("%s", e.msg);
    *state = f;
    return 0;
}

static void begin(struct fixture *f, int want)
{
    struct err e = {0};
    f->ready = 0;
    if (intake_open(&f->loop, f->link, f->config, &f->subjects, 0, &intake_events, f, &f->intake,
                    &e))
        fail_msg("%s", e.msg);
    intake_want(f->intake, want);
}

static void begin_ready(struct fixture *f, int want)
{
    begin(f, want);
    UNTIL(f, f->ready || f->failed);
    assert_int_equal(f->failed, 0);
}

static void give_all_up(struct fixture *f)
{
    for (int i = 0; i < f->count; i++)
        delivery_free(f->jobs[i]);
    f->count = 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    intake_close(f->intake);
    give_all_up(f);
    link_close(f->link, 2000);
    uv_close((uv_handle_t *)&f->tick, NULL);
    while (uv_run(&f->loop, UV_RUN_DEFAULT))
        ;
    uv_loop_close(&f->loop);
    config_free(f->config);
    nats_server_remove(&f->server);
    free(f);
    return 0;
}

static void publish(struct fixture *f, const char *tenant, enum job_class c, int count)
{
    char subject[SUBJECT_MAX];
    subject_job(&f->subjects, tenant, c, subject);
    for (int i = 0; i < count; i++)
        assert_int_equal(link_publish(f->link, subject, NULL, NULL, 0, "{}", 2, NULL), 0);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
}

static int came(const struct fixture *f, const char *subject)
{
    int n = 0;
    for (int i = 0; i < f->count; i++)
        n += !strcmp(f->jobs[i]->subject, subject);
    return n;
}

static void ack_first(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        intake_ack(f->intake, f->jobs[i]);
        delivery_free(f->jobs[i]);
    }
    f->count -= n;
    memmove(f->jobs, f->jobs + n, (size_t)f->count * sizeof f->jobs[0]);
}

static struct jv *ask(struct fixture *f, const char *subject, const char *body)
{
    struct link_msg *m = NULL;
    struct err e = {0};
    struct jv *doc = NULL;
    if (link_request_wait(f->link, subject, NULL, 0, body, strlen(body), WAIT_MS, &m, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(jv_parse(m->data, m->len, &doc, &e), 0);
    link_msg_free(m);
    return doc;
}

static bool consumer_there(struct fixture *f, const char *name)
{
    char subject[SUBJECT_MAX];
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.ISOLANE_JOBS.%s", name);
    struct jv *doc = ask(f, subject, "");
    bool there = !jv_get(doc, "error");
    jv_free(doc);
    return there;
}

/* ---- a crowd ---- */

static void test_a_crowd_delays_nobody_else(void **state)
{
    struct fixture *f = *state;
    begin_ready(f, 30);
    publish(f, "t0", CLASS_NORMAL, 5000);
    UNTIL(f, f->count >= 23); /* all it may hold, but the quarter that is asked for in one */
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, came(f, "isolane.jobs.t1.normal") == 1);
    assert_true(f->count <= 31); /* nothing of the crowd had to be done before */
}

static void test_the_crowd_makes_room_for_others(void **state)
{
    struct fixture *f = *state;
    begin_ready(f, 32);
    publish(f, "t0", CLASS_NORMAL, 2000);
    UNTIL(f, f->count >= 24);
    publish(f, "t1", CLASS_NORMAL, 2000);
    UNTIL(f, came(f, "isolane.jobs.t1.normal") >= 12); /* half of what one may hold */
    for (int i = 0; i < 20; i++) {
        ack_first(f, 8);
        UNTIL(f, f->count >= 16);
    }
    UNTIL(f, came(f, "isolane.jobs.t0.normal") >= 12 && came(f, "isolane.jobs.t1.normal") >= 12);
    assert_true(f->count <= 34); /* 16 for each, and what came before they were two */
}

static void test_together_they_hold_a_bounded_number(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "t%d", i);
        if (i == 0)
            begin_ready(f, 30);
        publish(f, name, CLASS_LOW, 500);
        UNTIL(f, came(f, "isolane.jobs.t0.low") >= 22);
    }
    UNTIL(f, came(f, "isolane.jobs.t2.low") >= 5);
    int64_t until = clock_mono_us() + 300000;
    while (clock_mono_us() < until)
        uv_run(&f->loop, UV_RUN_ONCE);
    print_message("# held in all: %d\n", f->count);
    assert_true(f->count <= 2 * 30 + 30);
}

/* ---- who has a consumer ---- */

static void test_unknown_tenants_are_found(void **state)
{
    struct fixture *f = *state;
    begin_ready(f, 8);
    publish(f, "stranger", CLASS_NORMAL, 2);
    publish(f, "no%name", CLASS_HIGH, 1);
    UNTIL(f, f->count == 3);
    assert_true(consumer_there(f, "worker_normal_stranger"));
    assert_false(consumer_there(f, "worker_low_stranger"));
    assert_int_equal(f->failed, 0);
}

static void test_many_tenants_get_consumers_with_their_jobs(void **state)
{
    struct fixture *f = *state;
    name_tenants(f->config, 1000);
    begin_ready(f, 8);
    assert_false(consumer_there(f, "worker_normal_t7"));
    publish(f, "t7", CLASS_NORMAL, 1);
    publish(f, "t999", CLASS_HIGH, 1);
    UNTIL(f, f->count == 2);
    assert_true(consumer_there(f, "worker_normal_t7"));
    assert_false(consumer_there(f, "worker_normal_t8"));
}

/* ---- from one kind to the other ---- */

static void use_class(struct fixture *f, bool by_class)
{
    f->config->nats.consumers = by_class ? CONSUMERS_BY_CLASS : CONSUMERS_BY_TENANT;
}

static void test_consumers_nobody_uses_are_replaced(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        use_class(f, i % 2 == 0);
        begin_ready(f, 8);
        assert_int_equal(consumer_there(f, "worker_normal"), i % 2 == 0);
        assert_int_equal(consumer_there(f, "worker_normal_t1"), i % 2 == 1);
        publish(f, "t1", CLASS_NORMAL, 1);
        UNTIL(f, f->count == 1);
        ack_first(f, 1);
        intake_stop(f->intake);
        assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
        intake_close(f->intake);
        f->intake = NULL;
    }
}

static void test_jobs_in_other_hands_keep_their_consumer(void **state)
{
    struct fixture *f = *state;
    use_class(f, true);
    begin_ready(f, 8);
    struct intake *old = f->intake;
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, f->count == 1);
    use_class(f, false);
    begin(f, 8);
    int64_t until = clock_mono_us() + 2500000; /* more than two looks; twice the ack_wait, too */
    while (clock_mono_us() < until)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->ready, 0);
    struct intake *newer = f->intake;
    f->intake = old;
    ack_first(f, 1);
    intake_stop(old);
    assert_int_equal(link_flush(f->link, WAIT_MS, NULL), 0);
    intake_close(old);
    f->intake = newer;
    UNTIL(f, f->ready == 1);
    assert_false(consumer_there(f, "worker_normal"));
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, f->count == 1);
}

static void test_jobs_of_a_dead_worker_are_taken_over(void **state)
{
    struct fixture *f = *state;
    use_class(f, true);
    begin_ready(f, 8);
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, f->count == 1);
    intake_close(f->intake); /* no ack, no hand-back */
    give_all_up(f);
    use_class(f, false);
    begin(f, 8);
    UNTIL(f, f->count == 1);
}

static void test_names(void **state)
{
    (void)state;
    struct subjects s = {.prefix = "a.b"};
    struct consumer c;
    char name[CONSUMER_NAME_MAX], filter[SUBJECT_MAX];
    assert_true(consumer_of_subject(&s, "a.b.jobs.web.low", &c));
    consumer_name(&c, name);
    consumer_filter(&c, &s, filter);
    assert_string_equal(name, "worker_low_web");
    assert_string_equal(filter, "a.b.jobs.web.low");
    assert_true(consumer_name_is_ours(name));
    assert_true(consumer_of_subject(&s, "a.b.jobs.*.high", &c));
    consumer_name(&c, name);
    assert_string_equal(name, "worker_high");
    assert_true(consumer_name_is_ours(name));
    assert_true(consumer_of_subject(&s, "a.b.jobs.w%b.high", &c));
    consumer_name(&c, name);
    assert_int_equal(strlen(name), strlen("worker_high_=") + 32);
    assert_null(strchr(name, '%'));
    const char *no[] = {"a.b.jobs.web",   "a.b.jobs..low",    "a.b.jobs.web.lower",
                        "a.jobs.web.low", "a.b.jobs.x.y.low", "a.b.jobs.>"};
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(consumer_of_subject(&s, no[i], &c));
    assert_false(consumer_name_is_ours("worker_"));
    assert_false(consumer_name_is_ours("worker_highest"));
    assert_false(consumer_name_is_ours("mine"));
}

#define WITH_SERVER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

static int stop_library(void **state)
{
    (void)state;
    link_library_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        WITH_SERVER(test_a_crowd_delays_nobody_else),
        WITH_SERVER(test_the_crowd_makes_room_for_others),
        WITH_SERVER(test_together_they_hold_a_bounded_number),
        WITH_SERVER(test_unknown_tenants_are_found),
        WITH_SERVER(test_many_tenants_get_consumers_with_their_jobs),
        WITH_SERVER(test_consumers_nobody_uses_are_replaced),
        WITH_SERVER(test_jobs_in_other_hands_keep_their_consumer),
        WITH_SERVER(test_jobs_of_a_dead_worker_are_taken_over),
    };
    log_set_level(LOG_OFF);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
