/* Zygotes of one source each: when one is started, for whom, how many, and which one gives way. The
 * pools are stood in for; what such zygotes do is tested in host_keep_test.c and
 * tests/e2e/codes.test.mjs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "executor/cells/pool.h"

/* ---- what stands in for pools ---- */

struct pool {
    struct pool_events ev;
    void *arg;
    int ready, taken;
};

static int opened, closed;
static int64_t time_us = 1000000;
static struct pool *last;

static struct pool *fake_open(const struct pool_options *o, const struct pool_events *ev, void *arg)
{
    struct pool *p = mem_alloc(sizeof *p);
    p->ev = *ev;
    p->arg = arg;
    assert_true(o->keep_fd > 0 && o->keep_mb > 0 && !o->few_cells);
    close(o->keep_fd);
    opened++;
    return last = p;
}

static void fake_close(struct pool *p)
{
    closed++;
    free(p);
}

static struct cell *fake_take(struct pool *p)
{
    if (!p->ready)
        return NULL;
    p->ready--;
    return (struct cell *)(void *)p;
}

#define pool_open(loop, o, ev, arg) ((void)(loop), fake_open(o, ev, arg))
#define pool_close(p)               fake_close(p)
#define pool_take(p, ev, arg)       ((void)(ev), (void)(arg), fake_take(p))
#define pool_stats(p)               ((struct pool_stats){.taken = (p)->taken})
#define pool_refill(p, a, b, c)     ((void)(a), (void)(b), (void)(c), (p)->ready++)
#define clock_mono_us()             time_us
#include "executor/cells/branches.c" /* NOLINT */
#undef clock_mono_us

/* ---- a world ---- */

#define TENANTS 3
#define LARGE   ((size_t)70000)

static struct config *config;
static uv_loop_t loop;
static struct branches *b;

static void on_nothing(void *arg)
{
    (void)arg;
}

static void on_bad(const struct err *why, void *arg)
{
    (void)arg;
    fail_msg("%s", why->msg);
}

static int set_up(void **state)
{
    (void)state;
    static const char text[] =
        "source_zygotes: 4\ntenants:\n  - name: a\n  - name: b\n  - name: c\n";
    static const struct branches_events ev = {.ready = on_nothing, .unsafe = on_bad};
    static const struct engine_paths paths;
    char path[] = "/tmp/isolane-branches.XXXXXX";
    struct err e = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1 || crypto_init(&e) ||
        config_load(path, &config, &e))
        return -1;
    close(fd);
    unlink(path);
    opened = closed = 0;
    uv_loop_init(&loop);
    const struct pool_options o = {.config = config, .paths = &paths};
    b = branches_open(&loop, &o, &ev, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    branches_close(b);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(opened, closed);
    config_free(config);
    return 0;
}

/* One job; true when it had a cell with its source. */
static bool job(int tenant, char source, size_t len)
{
    static char text[100000];
    const struct tenant *t = &config->tenants[tenant];
    struct job j = {.source = JOB_MODULE};
    memset(text, source, len);
    snprintf(j.tenant, sizeof j.tenant, "%s", t->name);
    snprintf(j.name, sizeof j.name, "a.mjs");
    j.script = text;
    j.script_len = len;
    crypto_sha256_hex(text, len, j.script_sha256);
    return branches_take(b, &j, t, NULL, NULL) != NULL;
}

static void often(int tenant, char source)
{
    for (int i = 0; i < OFTEN; i++)
        assert_false(job(tenant, source, LARGE));
}

static void one_that_comes_often_gets_a_zygote(void **state)
{
    (void)state;
    for (int i = 0; i < OFTEN - 1; i++)
        job(0, 'x', LARGE);
    assert_int_equal(opened, 0);
    assert_false(job(0, 'x', LARGE)); /* it starts; the job takes an ordinary cell */
    assert_int_equal(opened, 1);
    assert_false(job(0, 'x', LARGE));
    branches_refill(b, 0);
    assert_true(job(0, 'x', LARGE));
    assert_false(job(0, 'x', LARGE)); /* no cell is ready */
    branches_refill(b, 0);
    assert_false(job(1, 'x', LARGE)); /* the same source of another tenant */
    assert_false(job(0, 'x', LARGE + 1));
    assert_true(job(0, 'x', LARGE));
    assert_int_equal(opened, 1);
    assert_int_equal(branches_stats(b).taken, 2);
}

static void small_and_rare_ones_do_not(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        job(0, 's', LEAST_BYTES - 1);
    for (int i = 0; i < 100; i++, time_us += LATELY_US / (OFTEN - 1) + 1)
        job(0, 'r', LARGE);
    assert_int_equal(opened, 0);
}

static void a_tenant_has_half_and_its_own_gives_way(void **state)
{
    (void)state;
    often(0, '1');
    often(0, '2');
    assert_int_equal(opened, 2);
    often(0, '3'); /* of four, and the two are not idle long enough */
    assert_int_equal(opened, 2);
    often(1, '1');
    often(1, '2'); /* the others' places are not touched */
    assert_int_equal(opened, 4);
    assert_int_equal(closed, 0);
    time_us += HELD_US / 2;
    job(0, '2', LARGE);
    time_us += HELD_US / 2 + 1;
    often(0, '3');
    assert_int_equal(opened, 5);
    assert_int_equal(closed, 1);
    branches_refill(b, 0);
    assert_true(job(0, '2', LARGE)); /* the one used last is there */
    assert_true(job(0, '3', LARGE));
    assert_true(job(1, '1', LARGE));
    assert_true(job(1, '2', LARGE));
    often(2, '1'); /* all places are taken, all in use */
    assert_int_equal(opened, 5);
    time_us += HELD_US + 1;
    often(2, '1');
    assert_int_equal(opened, 6);
}

static void one_with_jobs_in_its_cells_does_not_go(void **state)
{
    (void)state;
    often(0, '1');
    last->taken = 1;
    often(0, '2');
    last->taken = 1;
    time_us += 10 * HELD_US;
    often(0, '3');
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 0);
}

static void a_source_that_fails_is_not_tried_again(void **state)
{
    (void)state;
    const struct err why = {.code = ERR_UNAVAILABLE, .msg = "cannot be compiled"};
    often(0, 'f');
    last->ev.failed(&why, last->arg);
    assert_false(job(0, 'f', LARGE));
    uv_run(&loop, UV_RUN_NOWAIT); /* the timer closes it */
    usleep(2000);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(closed, 1);
    often(0, 'f');
    often(0, 'f');
    assert_int_equal(opened, 1);
}

static void one_that_nobody_uses_goes(void **state)
{
    (void)state;
    often(0, 'i');
    time_us += (config->profile_idle_s + 1) * 1000000;
    on_timer(&b->timer);
    assert_int_equal(closed, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(one_that_comes_often_gets_a_zygote),      T(small_and_rare_ones_do_not),
        T(a_tenant_has_half_and_its_own_gives_way), T(one_with_jobs_in_its_cells_does_not_go),
        T(a_source_that_fails_is_not_tried_again),  T(one_that_nobody_uses_goes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("executor_branches", tests, NULL, NULL);
}
