/* Cells that stay: keys, order, bounds, age, memory. The cells themselves are stood in for; what
 * they do is tested in host_reuse_test.c and tests/e2e/reuse.test.mjs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "executor/cells/pool.h"

/* ---- what stands in for pool and cells ---- */

struct cell {
    int id;
    bool killed, dropped, resting, may_rest, full;
    const struct cell_events *ev;
    void *arg;
};

static void fake_hand(struct cell *c, const struct cell_events *ev, void *arg, bool resting)
{
    c->ev = ev;
    c->arg = arg;
    c->resting = resting;
}

static uint64_t resident_mb; /* of each */
static int64_t now_us = 1000000;

#define pool_hand(c, ev, arg, r) fake_hand(c, ev, arg, r)
#define pool_may_rest(c)         ((c)->may_rest)
#define pool_first_bytes(c)      ((void)(c), (uint64_t)0)
#define pool_drop(c)             ((c)->dropped = true)
#define cell_kill(c)             ((c)->killed = true)
#define cell_pid(c)              ((c)->id)
#define cell_takes_more(c)       (!(c)->full)
#define cell_go_on(c)            ((void)(c), now_us - 7)
#define clock_mono_us()          (now_us)
#define open(path, flags)        ((void)(path), 0)
#define close(fd)                ((void)(fd))
#define read(fd, to, cap)                                                                          \
    ((void)(fd), snprintf(to, cap, "0 %llu 0", (unsigned long long)resident_mb << 8))
#include "executor/cells/warm.c"
#undef open
#undef close
#undef read

/* ---- one worker with two tenants ---- */

static struct tenant tenants[2] = {{.name = "a"}, {.name = "b"}};
static struct config config = {
    .tenants = tenants,
    .tenant_count = 2,
    .warm = {.cells = 4,
             .tenant_cells = 3,
             .memory_mb = 100,
             .idle_s = 10,
             .max_age_s = 60,
             .max_calls = 5},
};
static const struct cell_events job_events = {0};
static uv_loop_t loop;
static struct warm *w;
static struct cell cells[16];

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    resident_mb = 1;
    memset(cells, 0, sizeof cells);
    for (int i = 0; i < 16; i++)
        cells[i] = (struct cell){.id = i, .may_rest = true};
    if (crypto_init(&e) || uv_loop_init(&loop))
        return -1;
    w = warm_open(&loop, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    warm_close(w);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static struct warm_key key(int n)
{
    struct warm_key k = {{0}};
    k.v[0] = (uint8_t)n;
    return k;
}

static struct warm_cell *enter(int k, int tenant, int cell)
{
    const struct warm_key of = key(k);
    return warm_enter(w, &of, &tenants[tenant], PROFILE_DEFAULT, &cells[cell]);
}

static struct warm_cell *take(int k)
{
    const struct warm_key of = key(k);
    return warm_take(w, &of, &job_events, NULL);
}

static void a_cell_serves_its_key_alone_the_hottest_first(void **state)
{
    (void)state;
    struct warm_cell *x = enter(1, 0, 1), *y = enter(1, 0, 2);
    assert_null(take(1)); /* both have a job */
    assert_int_equal(warm_idle(w), 0);
    warm_done(x, true);
    warm_done(y, true);
    assert_true(cells[1].resting && cells[2].resting && !cells[1].killed);
    assert_int_equal(warm_idle(w), 1u << PROFILE_DEFAULT);
    assert_null(take(2));
    assert_ptr_equal(take(1), y);
    assert_false(cells[2].resting);
    assert_ptr_equal(cells[2].ev, &job_events);
    assert_int_equal(warm_call(y), 2);
    assert_ptr_equal(take(1), x);
    assert_int_equal(warm_stats(w).idle, 0);
    warm_done(x, false);
    assert_true(cells[1].killed && cells[1].dropped);
    assert_int_equal(warm_stats(w).cells, 1);
    warm_done(y, true);
}

static void numbers_of_invocations_grow_and_are_not_to_be_guessed(void **state)
{
    (void)state;
    struct warm_cell *x = enter(1, 0, 1);
    uint64_t last = 0, steps[200];
    for (int i = 0; i < 200; i++) {
        uint64_t n = warm_invocation(x);
        assert_true(n > last);
        steps[i] = n - last;
        for (int k = 0; k < i; k++)
            assert_true(steps[k] != steps[i]);
        last = n;
    }
    warm_done(x, true);
}

static void the_one_that_was_idle_longest_goes_for_a_new_one(void **state)
{
    (void)state;
    struct warm_cell *x[3];
    for (int i = 0; i < 3; i++)
        x[i] = enter(i, 0, i);
    assert_null(enter(9, 0, 9)); /* the tenant has its three, and all are busy */
    warm_done(x[1], true);
    warm_done(x[0], true);
    struct warm_cell *y = enter(9, 0, 9);
    assert_non_null(y);
    assert_true(cells[1].killed && !cells[0].killed);
    struct warm_cell *z = enter(8, 1, 8); /* the other tenant: four in all */
    assert_non_null(z);
    assert_false(cells[0].killed);
    struct warm_cell *v = enter(7, 1, 7);
    assert_non_null(v);
    assert_true(cells[0].killed); /* over the worker's bound: whose it is does not matter */
    warm_done(x[2], true);
    warm_done(y, true);
    warm_done(z, true);
    warm_done(v, true);
    assert_int_equal(warm_stats(w).cells, 4);
}

static void age_calls_idleness_and_a_zygote_that_went_end_it(void **state)
{
    (void)state;
    struct warm_cell *x = enter(1, 0, 1);
    for (int call = 1; call < 5; call++) {
        warm_done(x, true);
        assert_ptr_equal(take(1), x);
    }
    warm_done(x, true); /* its fifth was the last */
    assert_true(cells[1].killed);
    x = enter(1, 0, 2);
    now_us += 61 * INT64_C(1000000);
    warm_done(x, true);
    assert_true(cells[2].killed);
    x = enter(1, 0, 3);
    cells[3].may_rest = false;
    warm_done(x, true);
    assert_true(cells[3].killed);
    warm_done(enter(1, 0, 4), true);
    now_us += 9 * INT64_C(1000000);
    on_timer(&w->timer);
    assert_false(cells[4].killed);
    now_us += 2 * INT64_C(1000000);
    on_timer(&w->timer);
    assert_true(cells[4].killed);
    assert_int_equal(warm_stats(w).cells, 0);
}

static void over_the_bound_of_memory_the_idle_go(void **state)
{
    (void)state;
    struct warm_cell *busy = enter(1, 0, 1);
    warm_done(enter(2, 0, 2), true);
    warm_done(enter(3, 0, 3), true);
    resident_mb = 33;
    on_timer(&w->timer);
    assert_int_equal(warm_stats(w).cells, 3);
    resident_mb = 40; /* 120 in all, 100 allowed */
    on_timer(&w->timer);
    assert_true(cells[2].killed && !cells[3].killed && !cells[1].killed);
    resident_mb = 90;
    on_timer(&w->timer);
    assert_true(cells[3].killed && !cells[1].killed);
    warm_done(busy, true);
}

static void one_that_dies_idle_is_forgotten(void **state)
{
    (void)state;
    struct cell_gone gone = {0};
    warm_done(enter(1, 0, 1), true);
    cells[1].ev->gone(&cells[1], &gone, cells[1].arg);
    assert_int_equal(warm_stats(w).cells, 0);
    assert_null(take(1));
}

static void key_of(const struct job *j, const char *env, size_t len, struct warm_key *out)
{
    struct buf granted = {0};
    permissions_json(&j->permissions, &granted);
    warm_key_of(j, &granted, env, len, out);
    buf_free(&granted);
}

static void what_makes_a_key(void **state)
{
    (void)state;
    struct job base = {
        .tenant = "a", .name = "s.mjs", .script_sha256 = "00", .reuse = REUSE_SCRIPT};
    struct warm_key k, other, again;
    base.limits.v[LIMIT_HEAP_MB] = 64;
    key_of(&base, "{}", 2, &k);
    key_of(&base, "{}", 2, &again);
    assert_memory_equal(&k, &again, sizeof k);
    struct job j[] = {base, base, base, base, base, base, base};
    strcpy(j[0].tenant, "b");
    strcpy(j[1].name, "t.mjs");
    strcpy(j[2].script_sha256, "01");
    j[3].reuse = REUSE_TENANT;
    j[4].limits.v[LIMIT_HEAP_MB] = 65;
    j[5].permissions.flag[PERMISSION_EVAL] = true;
    j[6].profile = PROFILE_JITLESS;
    for (size_t i = 0; i < ARRAY_LEN(j); i++) {
        key_of(&j[i], "{}", 2, &other);
        assert_memory_not_equal(&k, &other, sizeof k);
    }
    key_of(&base, "{\"A\":\"1\"}", 9, &other);
    assert_memory_not_equal(&k, &other, sizeof k);
    /* In the tenant's process the code is nobody's business. */
    base.reuse = j[2].reuse = REUSE_TENANT;
    key_of(&base, "{}", 2, &k);
    key_of(&j[2], "{\"A\":\"1\"}", 9, &other);
    assert_memory_equal(&k, &other, sizeof k);
}

/* ---- lines ---- */

struct waiting {
    struct warm_waiter w;
    int begun, returned; /* the how manieth */
    int64_t at_us;
};

static int told;

static void on_begins(int64_t started_us, void *arg)
{
    struct waiting *x = arg;
    x->begun = ++told;
    x->at_us = started_us;
}

static void on_returned(void *arg)
{
    ((struct waiting *)arg)->returned = ++told;
}

static struct waiting *wait_in(struct warm_cell *x, struct waiting *one)
{
    *one = (struct waiting){
        .w = {.ev = &job_events, .begins = on_begins, .returned = on_returned, .arg = one}};
    list_init(&one->w.node);
    warm_line_up(x, &one->w);
    return one;
}

/* A cell whose jobs take no time, with one. */
static struct warm_cell *quick_cell(int k, int cell)
{
    struct warm_cell *x = enter(k, 0, cell);
    told = 0;
    for (int i = 0; i < 3; i++) {
        warm_done(x, true);
        x = take(k);
    }
    while (x->group->mean_us >= LINE_US)
        x->group->mean_us /= 2;
    x->calls = 1;
    warm_began(x);
    return x;
}

static struct warm_cell *line(int k)
{
    const struct warm_key of = key(k);
    return warm_line(w, &of);
}

static void a_line_is_of_its_key_and_bounded_the_shortest_first(void **state)
{
    (void)state;
    struct waiting all[2 * LINED_MAX];
    struct warm_cell *x = quick_cell(1, 1), *y = quick_cell(1, 2);
    int n = 0;
    assert_int_equal(warm_room(w), 1u << PROFILE_DEFAULT);
    assert_null(line(2));
    config.warm.max_calls = 100;
    while (line(1)) {
        struct warm_cell *at = line(1);
        assert_true(at->lined <= x->lined && at->lined <= y->lined);
        wait_in(at, &all[n++]);
    }
    assert_int_equal(n, 2 * LINED_MAX);
    assert_int_equal(warm_room(w), 0);
    warm_done(x, false);
    warm_done(y, false);
    config.warm.max_calls = 5;
    for (int i = 0; i < n; i++)
        assert_true(all[i].returned && !all[i].begun);
}

static void those_in_line_begin_in_order(void **state)
{
    (void)state;
    struct waiting a, b;
    struct warm_cell *x = quick_cell(1, 1);
    wait_in(x, &a);
    wait_in(x, &b);
    warm_done(x, true);
    assert_int_equal(a.begun, 1);
    assert_int_equal(a.at_us, now_us - 7);
    assert_int_equal(warm_call(x), 2);
    assert_ptr_equal(cells[1].arg, &a);
    assert_false(cells[1].resting);
    warm_done(x, true);
    assert_int_equal(b.begun, 2);
    warm_done(x, true);
    assert_true(cells[1].resting);
    assert_int_equal(a.returned + b.returned, 0);
    assert_int_equal(warm_room(w), 0);
}

static void a_line_that_breaks_goes_back_in_order_and_its_cell_ends(void **state)
{
    (void)state;
    struct waiting a, b;
    for (int why = 0; why < 5; why++) {
        struct warm_cell *x = quick_cell(1, 1 + why);
        wait_in(x, &a);
        wait_in(x, &b);
        assert_true(warm_has_line(x));
        if (why == 0)
            warm_break_line(x);
        else if (why == 1)
            warm_talks(x);
        else if (why == 2)
            x->born_us = now_us - 61000000; /* max_age_s */
        else if (why == 3)
            cells[1 + why].may_rest = false;
        warm_done(x, why != 4);
        assert_int_equal(b.returned, 1); /* the last first: each goes in front */
        assert_int_equal(a.returned, 2);
        assert_int_equal(a.begun + b.begun, 0);
        assert_true(cells[1 + why].killed);
        assert_int_equal(warm_stats(w).cells, 0);
    }
}

static void slow_or_talking_or_nearly_spent_cells_have_no_line(void **state)
{
    (void)state;
    struct waiting a, b;
    struct warm_cell *x = quick_cell(1, 1);
    x->calls = 4; /* of 5 */
    wait_in(x, &a);
    assert_null(line(1));
    warm_done(x, true);
    now_us += 50000; /* the mean is over it now */
    warm_done(x, true);
    x = quick_cell(2, 2);
    assert_ptr_equal(line(2), x);
    cells[2].full = true;
    assert_null(line(2));
    cells[2].full = false;
    warm_talks(x);
    assert_null(line(2));
    assert_int_equal(warm_room(w), 0);
    warm_done(x, true);
    assert_false(cells[2].killed); /* nobody waited */
    x = quick_cell(3, 3);
    struct warm_cell *y = quick_cell(3, 4);
    assert_int_equal(warm_room(w), 1u << PROFILE_DEFAULT);
    now_us += 50000;
    warm_done(x, true);
    assert_null(line(3));
    assert_int_equal(warm_room(w), 0);
    wait_in(y, &b);
    warm_done(y, true);
    assert_true(b.begun > 0); /* was there before */
    warm_done(y, true);
}

static void behind_a_failure_there_is_no_line_for_a_while(void **state)
{
    (void)state;
    struct warm_cell *x = quick_cell(1, 1), *y = quick_cell(1, 2);
    assert_non_null(line(1));
    warm_done(x, false);
    assert_null(line(1));
    assert_int_equal(warm_room(w), 0);
    config.warm.max_calls = 100;
    int well = 0;
    for (; !line(1) && well < 100; well++) {
        warm_done(y, true);
        y = take(1);
    }
    config.warm.max_calls = 5;
    assert_true(well > 1 && well < 100);
    warm_done(y, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cell_serves_its_key_alone_the_hottest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(numbers_of_invocations_grow_and_are_not_to_be_guessed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_that_was_idle_longest_goes_for_a_new_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(age_calls_idleness_and_a_zygote_that_went_end_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(over_the_bound_of_memory_the_idle_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_dies_idle_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_is_of_its_key_and_bounded_the_shortest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(those_in_line_begin_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_breaks_goes_back_in_order_and_its_cell_ends,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_or_talking_or_nearly_spent_cells_have_no_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(behind_a_failure_there_is_no_line_for_a_while, set_up,
                                        tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("executor_warm", tests, NULL, NULL);
}
