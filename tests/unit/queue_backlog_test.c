/* Fairness: shares by weight, classes 8:4:1, ceilings, and nobody kept waiting by a crowd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/backlog.h"

#define TENANTS_HERE 4

struct fixture {
    struct tenant tenants[TENANTS_HERE];
    struct config config;
    struct backlog *backlog;
    struct backlog_entry *entries;
    int used;
};

#define ENTRIES 120000

static int set_up(void **state)
{
    static const char *const names[TENANTS_HERE] = {"a", "b", "c", "d"};
    struct fixture *f = mem_alloc(sizeof *f);
    for (int i = 0; i < TENANTS_HERE; i++) {
        strcpy(f->tenants[i].name, names[i]);
        f->tenants[i].weight = 1;
    }
    f->config.tenants = f->tenants;
    f->config.tenant_count = TENANTS_HERE;
    f->backlog = backlog_new(&f->config, 0);
    f->entries = mem_alloc(ENTRIES * sizeof *f->entries);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < f->used; i++)
        if (f->entries[i].queued)
            backlog_remove(f->backlog, &f->entries[i]);
    assert_int_equal(backlog_count(f->backlog), 0);
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_free(f->backlog);
    backlog_free(NULL);
    free(f->entries);
    free(f);
    return 0;
}

static struct backlog_entry *add(struct fixture *f, int tenant, enum job_class c)
{
    assert_true(f->used < ENTRIES);
    struct backlog_entry *x = &f->entries[f->used++];
    x->tenant = &f->tenants[tenant];
    x->cls = c;
    backlog_add(f->backlog, x);
    return x;
}

static void add_many(struct fixture *f, int tenant, enum job_class c, int count)
{
    for (int i = 0; i < count; i++)
        add(f, tenant, c);
}

/* The next, run to its end at once. */
static struct backlog_entry *run_one(struct fixture *f)
{
    struct backlog_entry *x = backlog_next(f->backlog, BACKLOG_ALL, 0);
    if (x) {
        assert_false(x->queued);
        backlog_ended(f->backlog, x->tenant);
    }
    return x;
}

static int tenant_of(struct fixture *f, const struct backlog_entry *x)
{
    return (int)(x->tenant - f->tenants);
}

static void test_first_in_first_out(void **state)
{
    struct fixture *f = *state;
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    struct backlog_entry *x = add(f, 0, CLASS_NORMAL), *y = add(f, 0, CLASS_NORMAL);
    assert_int_equal(backlog_count(f->backlog), 2);
    assert_ptr_equal(run_one(f), x);
    assert_ptr_equal(run_one(f), y);
    assert_null(run_one(f));
    assert_int_equal(backlog_count(f->backlog), 0);
}

static void test_a_lost_job_goes_in_front(void **state)
{
    struct fixture *f = *state;
    struct backlog_entry *x = add(f, 0, CLASS_NORMAL);
    add_many(f, 0, CLASS_NORMAL, 5);
    assert_ptr_equal(run_one(f), x);
    backlog_add_front(f->backlog, x);
    assert_ptr_equal(run_one(f), x);
}

static void test_a_cancelled_job_is_gone(void **state)
{
    struct fixture *f = *state;
    struct backlog_entry *x = add(f, 0, CLASS_NORMAL), *y = add(f, 1, CLASS_NORMAL),
                         *z = add(f, 0, CLASS_LOW);
    backlog_remove(f->backlog, x);
    assert_false(x->queued);
    assert_ptr_equal(run_one(f), y);
    assert_ptr_equal(run_one(f), z);
    assert_null(run_one(f));
}

static void test_tenants_take_turns(void **state)
{
    struct fixture *f = *state;
    add_many(f, 0, CLASS_NORMAL, 100);
    add_many(f, 1, CLASS_NORMAL, 100);
    for (int i = 0; i < 200; i++)
        assert_int_equal(tenant_of(f, run_one(f)), i % 2);
}

/* The figure that matters: how many jobs of a crowd run before one lone job of somebody else. */
static void test_a_crowd_delays_nobody(void **state)
{
    struct fixture *f = *state;
    add_many(f, 0, CLASS_NORMAL, 100000);
    int worst = 0;
    for (int round = 0; round < 1000; round++) {
        struct backlog_entry *lone = add(f, 1, CLASS_NORMAL);
        int before = 0;
        while (run_one(f) != lone)
            before++;
        worst = before > worst ? before : worst;
        run_one(f);
    }
    print_message("# 100000 jobs of another tenant: a lone job waits for at most %d of them\n",
                  worst);
    assert_true(worst <= 1);
}

static void test_a_crowd_of_tenants(void **state)
{
    struct fixture *f = *state;
    for (int t = 0; t < 3; t++)
        add_many(f, t, CLASS_NORMAL, 1000);
    for (int i = 0; i < 100; i++)
        run_one(f);
    struct backlog_entry *lone = add(f, 3, CLASS_NORMAL);
    int before = 0;
    while (run_one(f) != lone)
        before++;
    assert_true(before <= 3); /* one of each */
}

static void test_shares_by_weight(void **state)
{
    struct fixture *f = *state;
    int ran[TENANTS_HERE] = {0};
    f->tenants[0].weight = 5;
    f->tenants[1].weight = 2;
    for (int t = 0; t < 3; t++)
        add_many(f, t, CLASS_NORMAL, 1000);
    for (int i = 0; i < 800; i++)
        ran[tenant_of(f, run_one(f))]++;
    assert_int_equal(ran[0], 500);
    assert_int_equal(ran[1], 200);
    assert_int_equal(ran[2], 100);
}

/* Who had nothing to run for a while has not saved up turns. */
static void test_no_turns_are_saved_up(void **state)
{
    struct fixture *f = *state;
    f->tenants[0].weight = 4;
    add_many(f, 0, CLASS_NORMAL, 1);
    add_many(f, 1, CLASS_NORMAL, 50);
    for (int i = 0; i < 21; i++)
        run_one(f);
    add_many(f, 0, CLASS_NORMAL, 50);
    int of_a = 0;
    for (int i = 0; i < 10; i++)
        of_a += tenant_of(f, run_one(f)) == 0;
    assert_true(of_a <= 8);
}

static void test_classes_eight_to_four_to_one(void **state)
{
    struct fixture *f = *state;
    int ran[CLASSES] = {0};
    for (int c = 0; c < CLASSES; c++)
        add_many(f, 0, (enum job_class)c, 2000);
    for (int i = 0; i < 1300; i++)
        ran[run_one(f)->cls]++;
    assert_int_equal(ran[CLASS_HIGH], 800);
    assert_int_equal(ran[CLASS_NORMAL], 400);
    assert_int_equal(ran[CLASS_LOW], 100);
}

static void test_a_class_alone_gets_everything(void **state)
{
    struct fixture *f = *state;
    add_many(f, 0, CLASS_LOW, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(run_one(f)->cls, CLASS_LOW);
}

static void test_high_does_not_wait_for_long(void **state)
{
    struct fixture *f = *state;
    add_many(f, 0, CLASS_LOW, 1000);
    add_many(f, 0, CLASS_NORMAL, 1000);
    for (int i = 0; i < 123; i++)
        run_one(f);
    struct backlog_entry *x = add(f, 1, CLASS_HIGH);
    int before = 0;
    while (run_one(f) != x)
        before++;
    assert_true(before <= 5); /* the credits that normal and low have left */
}

/* ---- ceilings ---- */

static void test_no_more_than_the_ceiling_at_once(void **state)
{
    struct fixture *f = *state;
    f->tenants[0].max_running = 2;
    add_many(f, 0, CLASS_HIGH, 3);
    add_many(f, 0, CLASS_LOW, 3);
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_int_equal(backlog_count(f->backlog), 4);
    backlog_ended(f->backlog, &f->tenants[0]);
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_ended(f->backlog, &f->tenants[0]);
    backlog_ended(f->backlog, &f->tenants[0]);
}

static void test_what_waits_in_a_cell_does_not_run(void **state)
{
    struct fixture *f = *state;
    f->tenants[0].max_running = 2;
    add_many(f, 0, CLASS_HIGH, 8);
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    for (int i = 0; i < 3; i++) {
        assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
        backlog_lines_up(f->backlog, &f->tenants[0]);
    }
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0)); /* two run, three are in line */
    backlog_ended(f->backlog, &f->tenants[0]);
    backlog_leaves_line(f->backlog, &f->tenants[0], true);
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_leaves_line(f->backlog, &f->tenants[0], false);
    backlog_leaves_line(f->backlog, &f->tenants[0], false);
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_ended(f->backlog, &f->tenants[0]);
    assert_non_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_ended(f->backlog, &f->tenants[0]);
    backlog_ended(f->backlog, &f->tenants[0]);
}

static void test_a_tenant_at_its_ceiling_stops_nobody_else(void **state)
{
    struct fixture *f = *state;
    f->tenants[0].max_running = 1;
    add_many(f, 0, CLASS_HIGH, 100);
    assert_int_equal(tenant_of(f, backlog_next(f->backlog, BACKLOG_ALL, 0)), 0);
    add_many(f, 1, CLASS_LOW, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(tenant_of(f, run_one(f)), 1);
    assert_null(backlog_next(f->backlog, BACKLOG_ALL, 0));
    backlog_ended(f->backlog, &f->tenants[0]);
    assert_int_equal(tenant_of(f, run_one(f)), 0);
}

/* A thousand tenants, all at their ceiling, then free again. */
static void test_many_tenants(void **state)
{
    (void)state;
    int n = TENANTS_MAX;
    struct tenant *tenants = mem_alloc((size_t)n * sizeof *tenants);
    struct backlog_entry *x = mem_alloc((size_t)n * 2 * sizeof *x);
    struct config c = {.tenants = tenants, .tenant_count = n};
    struct backlog *b = backlog_new(&c, 0);
    for (int i = 0; i < 2 * n; i++) {
        tenants[i % n].weight = 1;
        tenants[i % n].max_running = 1;
        x[i].tenant = &tenants[i % n];
        x[i].cls = CLASS_NORMAL;
        backlog_add(b, &x[i]);
    }
    for (int i = 0; i < n; i++)
        assert_ptr_equal(backlog_next(b, BACKLOG_ALL, 0), &x[i]);
    assert_null(backlog_next(b, BACKLOG_ALL, 0));
    for (int i = n - 1; i >= 0; i--) {
        backlog_ended(b, &tenants[i]);
        assert_ptr_equal(backlog_next(b, BACKLOG_ALL, 0), &x[n + i]);
    }
    assert_int_equal(backlog_count(b), 0);
    backlog_free(b);
    free(x);
    free(tenants);
}

/* ---- profiles ---- */

enum { DEFAULT_ONLY = 1u << PROFILE_DEFAULT, JITLESS_ONLY = 1u << PROFILE_JITLESS };

static struct backlog_entry *add_as(struct fixture *f, int tenant, enum profile p)
{
    struct backlog_entry *x = &f->entries[f->used++];
    x->tenant = &f->tenants[tenant];
    x->cls = CLASS_NORMAL;
    x->profile = p;
    backlog_add(f->backlog, x);
    return x;
}

static struct backlog_entry *run_of(struct fixture *f, unsigned profiles)
{
    struct backlog_entry *x = backlog_next(f->backlog, profiles, 0);
    if (x)
        backlog_ended(f->backlog, x->tenant);
    return x;
}

static void test_a_profile_without_cells_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    struct backlog_entry *j1 = add_as(f, 0, PROFILE_JITLESS), *d1 = add_as(f, 0, PROFILE_DEFAULT);
    struct backlog_entry *j2 = add_as(f, 0, PROFILE_JITLESS), *d2 = add_as(f, 1, PROFILE_DEFAULT);
    assert_int_equal(backlog_count_of(f->backlog, PROFILE_JITLESS), 2);
    assert_ptr_equal(run_of(f, DEFAULT_ONLY), d1);
    assert_ptr_equal(run_of(f, DEFAULT_ONLY), d2);
    assert_null(run_of(f, DEFAULT_ONLY));
    assert_null(run_of(f, 0));
    assert_int_equal(backlog_count_of(f->backlog, PROFILE_DEFAULT), 0);
    assert_ptr_equal(run_of(f, JITLESS_ONLY), j1);
    assert_ptr_equal(run_of(f, BACKLOG_ALL), j2);
}

static void test_profiles_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct backlog_entry *x[6];
    for (int i = 0; i < 6; i++)
        x[i] = add_as(f, 0, i % 2 ? PROFILE_JITLESS : PROFILE_DEFAULT);
    assert_ptr_equal(run_one(f), x[0]);
    assert_ptr_equal(run_one(f), x[1]);
    backlog_add_front(f->backlog, x[1]);
    backlog_add_front(f->backlog, x[0]);
    for (int i = 0; i < 6; i++)
        assert_ptr_equal(run_one(f), x[i]);
}

static void test_ceilings_hold_over_profiles(void **state)
{
    struct fixture *f = *state;
    f->tenants[0].max_running = 1;
    add_as(f, 0, PROFILE_DEFAULT);
    struct backlog_entry *j = add_as(f, 0, PROFILE_JITLESS);
    assert_non_null(backlog_next(f->backlog, DEFAULT_ONLY, 0));
    assert_null(backlog_next(f->backlog, JITLESS_ONLY, 0));
    assert_ptr_equal(backlog_withdraw(f->backlog, PROFILE_JITLESS), j); /* it will not be run */
    assert_null(backlog_withdraw(f->backlog, PROFILE_JITLESS));
    backlog_ended(f->backlog, &f->tenants[0]);
}

/* Ceilings by time are made with the backlog. */
static void test_jobs_a_second(void **state)
{
    (void)state;
    struct tenant tenants[2] = {{.name = "a", .weight = 1, .jobs_per_s = 10, .jobs_burst = 2},
                                {.name = "b", .weight = 1}};
    const struct config c = {.tenants = tenants, .tenant_count = 2};
    struct backlog_entry x[8] = {0};
    struct backlog *b = backlog_new(&c, 0);
    for (int i = 0; i < 8; i++) {
        x[i].tenant = &tenants[i < 6 ? 0 : 1];
        backlog_add(b, &x[i]);
    }
    int of_a = 0, of_b = 0;
    struct backlog_entry *n;
    while ((n = backlog_next(b, BACKLOG_ALL, 0)))
        *(n->tenant == &tenants[0] ? &of_a : &of_b) += 1;
    assert_int_equal(of_a, 2); /* the burst */
    assert_int_equal(of_b, 2); /* held up by nobody */
    assert_int_equal(backlog_wake_us(b), 100000);
    assert_null(backlog_next(b, BACKLOG_ALL, 99999));
    assert_ptr_equal(backlog_next(b, BACKLOG_ALL, 100000), &x[2]);
    assert_null(backlog_next(b, BACKLOG_ALL, 100000));
    backlog_not_begun(b, &tenants[0]); /* gives its turn back */
    backlog_add_front(b, &x[2]);
    assert_ptr_equal(backlog_next(b, BACKLOG_ALL, 100000), &x[2]);
    assert_non_null(backlog_next(b, BACKLOG_ALL, 5000000));
    assert_non_null(backlog_next(b, BACKLOG_ALL, 5000000));
    assert_null(backlog_next(b, BACKLOG_ALL, 5000000)); /* no more is saved up */
    assert_ptr_equal(backlog_withdraw(b, PROFILE_DEFAULT), &x[5]);
    assert_null(backlog_next(b, BACKLOG_ALL, 5000000));
    assert_int_equal(backlog_wake_us(b), INT64_MAX); /* nobody waits */
    for (int i = 0; i < 7; i++)
        backlog_ended(b, &tenants[i < 5 ? 0 : 1]);
    backlog_free(b);
}

#define MINUTE ((int64_t)60000000)

static void test_cpu_seconds_an_hour(void **state)
{
    (void)state;
    struct tenant t = {.name = "a", .weight = 1, .cpu_s_per_hour = 10};
    const struct config c = {.tenants = &t, .tenant_count = 1};
    struct backlog_entry x[3] = {{.tenant = &t}, {.tenant = &t}, {.tenant = &t}};
    int64_t now = 200 * MINUTE;
    struct backlog *b = backlog_new(&c, now);
    for (int i = 0; i < 3; i++)
        backlog_add(b, &x[i]);
    backlog_used(b, &t, 50000000, now - 61 * MINUTE, now); /* too old to count */
    backlog_used(b, &t, 4000000, now - 59 * MINUTE, now);
    assert_non_null(backlog_next(b, BACKLOG_ALL, now));
    backlog_ended(b, &t);
    backlog_used(b, &t, 6000000, now, now);
    assert_null(backlog_next(b, BACKLOG_ALL, now));
    int64_t wake = backlog_wake_us(b);
    assert_true(wake > now && wake <= now + 2 * MINUTE); /* the first four seconds are over then */
    assert_null(backlog_next(b, BACKLOG_ALL, wake - 1));
    assert_non_null(backlog_next(b, BACKLOG_ALL, wake));
    backlog_ended(b, &t);
    backlog_used(b, &t, 4000000, wake, wake);
    assert_null(backlog_next(b, BACKLOG_ALL, wake));
    assert_true(backlog_wake_us(b) > now + 59 * MINUTE);
    assert_non_null(backlog_next(b, BACKLOG_ALL, wake + 500 * MINUTE));
    backlog_ended(b, &t);
    backlog_free(b);
}

#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_in_first_out),
        T(test_a_lost_job_goes_in_front),
        T(test_a_cancelled_job_is_gone),
        T(test_tenants_take_turns),
        T(test_a_crowd_delays_nobody),
        T(test_a_crowd_of_tenants),
        T(test_shares_by_weight),
        T(test_no_turns_are_saved_up),
        T(test_classes_eight_to_four_to_one),
        T(test_a_class_alone_gets_everything),
        T(test_high_does_not_wait_for_long),
        T(test_no_more_than_the_ceiling_at_once),
        T(test_what_waits_in_a_cell_does_not_run),
        T(test_a_tenant_at_its_ceiling_stops_nobody_else),
        T(test_a_profile_without_cells_holds_up_no_other),
        T(test_profiles_keep_their_order),
        T(test_ceilings_hold_over_profiles),
        cmocka_unit_test(test_many_tenants),
        cmocka_unit_test(test_jobs_a_second),
        cmocka_unit_test(test_cpu_seconds_an_hour),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
