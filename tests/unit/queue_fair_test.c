/* Jobs of several tenants out of a real JetStream: whose come when. */
#include "tests/unit/queue_intake.h"

#include "queue/stream/consumer.h"

static void name_tenants(struct config *c, int n)
{
    c->tenants = mem_grow(c->tenants, (size_t)n * sizeof *c->tenants);
    for (int i = 0; i < n; i++) {
        c->tenants[i] = (struct tenant){.weight = 1};
        snprintf(c->tenants[i].name, sizeof c->tenants[i].name, "t%d", i);
    }
    c->tenant_count = n;
}

static int set_up_tenants(void **state)
{
    set_up(state);
    struct fixture *f = *state;
    permissions_free(&f->config->tenants[0].permissions);
    name_tenants(f->config, 3);
    return 0;
}

static void open_ready(struct fixture *f, int want)
{
    open_intake(f, want);
    assert_int_equal(f->failed, 0);
}

static int came(const struct fixture *f, const char *subject)
{
    int n = 0;
    for (int i = 0; i < f->job_count; i++)
        n += !strcmp(f->jobs[i]->subject, subject);
    return n;
}

static void ack_first(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        ack(f, i);
    f->job_count -= n;
    memmove(f->jobs, f->jobs + n, (size_t)f->job_count * sizeof f->jobs[0]);
}

static bool consumer_there(struct fixture *f, const char *name)
{
    char subject[SUBJECT_MAX];
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.ISOLANE_JOBS.%s", name);
    struct jv *doc = ask(f, subject, "", NULL);
    bool there = !jv_get(doc, "error");
    jv_free(doc);
    return there;
}

/* ---- a crowd ---- */

static void test_a_crowd_delays_nobody_else(void **state)
{
    struct fixture *f = *state;
    open_ready(f, 30);
    publish(f, "t0", CLASS_NORMAL, 5000);
    UNTIL(f, f->job_count >= 23); /* all it may hold, but the quarter that is asked for in one */
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, came(f, "isolane.jobs.t1.normal") == 1);
    assert_true(f->job_count <= 31); /* nothing of the crowd had to be done before */
}

static void test_the_crowd_makes_room_for_others(void **state)
{
    struct fixture *f = *state;
    open_ready(f, 32);
    publish(f, "t0", CLASS_NORMAL, 2000);
    UNTIL(f, f->job_count >= 24);
    publish(f, "t1", CLASS_NORMAL, 2000);
    UNTIL(f, came(f, "isolane.jobs.t1.normal") >= 12); /* half of what one may hold */
    for (int i = 0; i < 20; i++) {
        ack_first(f, 8);
        UNTIL(f, f->job_count >= 16);
    }
    UNTIL(f, came(f, "isolane.jobs.t0.normal") >= 12 && came(f, "isolane.jobs.t1.normal") >= 12);
    assert_true(f->job_count <= 34); /* 16 for each, and what came before they were two */
}

static void test_together_they_hold_a_bounded_number(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "t%d", i);
        if (i == 0)
            open_ready(f, 30);
        publish(f, name, CLASS_LOW, 500);
        UNTIL(f, came(f, "isolane.jobs.t0.low") >= 22);
    }
    UNTIL(f, came(f, "isolane.jobs.t2.low") >= 5);
    turn_for(f, 300);
    print_message("# held in all: %d\n", f->job_count);
    assert_true(f->job_count <= 2 * 30 + 30);
}

/* ---- who has a consumer ---- */

static void test_unknown_tenants_are_found(void **state)
{
    struct fixture *f = *state;
    open_ready(f, 8);
    publish(f, "stranger", CLASS_NORMAL, 2);
    publish(f, "no%name", CLASS_HIGH, 1);
    UNTIL(f, f->job_count == 3);
    assert_true(consumer_there(f, "worker_normal_stranger"));
    assert_false(consumer_there(f, "worker_low_stranger"));
    assert_int_equal(f->failed, 0);
}

static void test_many_tenants_get_consumers_with_their_jobs(void **state)
{
    struct fixture *f = *state;
    name_tenants(f->config, 1000);
    open_ready(f, 8);
    assert_false(consumer_there(f, "worker_normal_t7"));
    publish(f, "t7", CLASS_NORMAL, 1);
    publish(f, "t999", CLASS_HIGH, 1);
    UNTIL(f, f->job_count == 2);
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
        open_ready(f, 8);
        assert_int_equal(consumer_there(f, "worker_normal"), i % 2 == 0);
        assert_int_equal(consumer_there(f, "worker_normal_t1"), i % 2 == 1);
        publish(f, "t1", CLASS_NORMAL, 1);
        UNTIL(f, f->job_count == 1);
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
    open_ready(f, 8);
    struct intake *old = f->intake;
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, f->job_count == 1);
    use_class(f, false);
    begin_intake(f, 8);
    turn_for(f, 2500); /* more than two looks; twice the ack_wait, too */
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
    UNTIL(f, f->job_count == 1);
}

static void test_jobs_of_a_dead_worker_are_taken_over(void **state)
{
    struct fixture *f = *state;
    use_class(f, true);
    open_ready(f, 8);
    publish(f, "t1", CLASS_NORMAL, 1);
    UNTIL(f, f->job_count == 1);
    intake_close(f->intake); /* no ack, no hand-back */
    forget(f);
    use_class(f, false);
    begin_intake(f, 8);
    UNTIL(f, f->job_count == 1);
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

#define WITH_TENANTS(t) cmocka_unit_test_setup_teardown(t, set_up_tenants, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        WITH_TENANTS(test_a_crowd_delays_nobody_else),
        WITH_TENANTS(test_the_crowd_makes_room_for_others),
        WITH_TENANTS(test_together_they_hold_a_bounded_number),
        WITH_TENANTS(test_unknown_tenants_are_found),
        WITH_TENANTS(test_many_tenants_get_consumers_with_their_jobs),
        WITH_TENANTS(test_consumers_nobody_uses_are_replaced),
        WITH_TENANTS(test_jobs_in_other_hands_keep_their_consumer),
        WITH_TENANTS(test_jobs_of_a_dead_worker_are_taken_over),
    };
    log_set_level(LOG_OFF);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, stop_library);
}
