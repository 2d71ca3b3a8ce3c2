/* Schedules ticking against a real nats-server, by a clock that the test sets: several workers, one
 * start a tick; missed ones; a tick whose worker died behind its publish, found early and found
 * late; entries that are bad. */
#include <time.h>

#include "base/clock.h"
#include "base/jv.h"
#include "executor/cluster/schedules.h"
#include "link/js.h"
#include "link/kv.h"
#include "queue/schedule/schedule.h"
#include "queue/schedule/schedule_bucket.h"
#include "tests/unit/executor_nats.h"

#define US     ((int64_t)1000000)
#define SCRIPT "\"job\":{\"script\":\"export default 1\"}"

static struct config *config;
static struct subjects subjects;
static struct kv *kv;
static int64_t now_s;

static int64_t test_clock(void)
{
    return now_s * US;
}

static int64_t instant(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (int64_t)timegm(&tm);
}

/* ---- the server's side ---- */

struct answer {
    int done;
    int64_t number;
    int code;
    struct schedule s;
};

static void on_stream(const struct jv *doc, const struct err *why, void *arg)
{
    struct answer *a = arg;
    a->done = 1;
    a->code = why ? why->code : 0;
    jv_int(jv_get(jv_get(doc, "state"), "messages"), &a->number);
}

/* How many messages the jobs stream has. */
static int64_t jobs(void)
{
    struct answer a = {0};
    assert_int_equal(js_ask(nats, "STREAM.INFO.ISOLANE_JOBS", NULL, on_stream, &a, NULL), 0);
    run_until(&a.done);
    return a.number;
}

static void ask(const char *verb, const char *body)
{
    struct answer a = {0};
    struct err e = {0};
    assert_int_equal(js_ask(nats, verb, body, on_stream, &a, &e), 0);
    run_until(&a.done);
    assert_int_equal(a.code, 0);
}

static void on_put(uint64_t revision, const struct err *why, void *arg)
{
    struct answer *a = arg;
    a->done = 1;
    a->code = why ? why->code : 0;
    a->number = (int64_t)revision;
}

static void put(const char *key, const char *value)
{
    struct answer a = {0};
    assert_int_equal(kv_put(kv, key, value, strlen(value), KV_ANY, on_put, &a, NULL), 0);
    run_until(&a.done);
    assert_int_equal(a.code, 0);
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    (void)duplicate;
    on_put(seq, why, arg);
}

static void publish(const char *subject, const char *msg_id, const char *data)
{
    struct answer a = {0};
    struct link_header h = {"Nats-Msg-Id", msg_id};
    assert_int_equal(js_publish(nats, subject, &h, msg_id ? 1 : 0, data, strlen(data), JS_ANY,
                                on_stored, &a, NULL),
                     0);
    run_until(&a.done);
    assert_int_equal(a.code, 0);
}

static void on_got(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct answer *a = arg;
    a->done = 1;
    a->code = why ? why->code : 0;
    if (entry)
        a->code =
            schedule_read(entry->key, entry->value, entry->len, entry->stored_at_us, &a->s, NULL);
}

/* Waits until the schedule's last_tick is that one. */
static void wait_tick(const char *key, const char *tick)
{
    int64_t last = SCHEDULE_NO_TICK;
    for (int i = 0; i < 3000 && last != instant(tick); i++) {
        struct answer a = {0};
        assert_int_equal(kv_get(kv, key, on_got, &a, NULL), 0);
        run_until(&a.done);
        if (!a.code)
            last = a.s.last_tick_s;
        schedule_clear(&a.s);
        usleep(5000);
    }
    assert_int_equal(last, instant(tick));
}

static int open_all(void **state)
{
    struct err e = {0};
    (void)state;
    unsetenv("ISOLANE_CONFIG");
    if (start_nats() || config_load(NULL, &config, &e) ||
        config_set(config, "nats.url", server.url, "test", &e) ||
        subjects_init(&subjects, &config->nats, &e) || connect_nats(&config->nats))
        return -1;
    kv = schedule_bucket(&loop, nats, config, &subjects);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    kv_free(kv);
    stop_nats();
    config_free(config);
    return 0;
}

static void on_made(const struct err *why, void *arg)
{
    struct answer *a = arg;
    a->done = 1;
    a->code = why ? why->code : 0;
}

/* Empty streams and bucket before each test. window_ms: the jobs stream's duplicate window. */
static int begin_with(int window_ms)
{
    struct answer a = {0};
    char text[512];
    static bool there;
    if (there) {
        ask("STREAM.DELETE.ISOLANE_JOBS", NULL);
        ask("STREAM.DELETE.ISOLANE_RESULTS", NULL);
        ask("STREAM.DELETE.ISOLANE_LATER", NULL);
        ask("STREAM.DELETE.KV_ISOLANE_SCHEDULES", NULL);
    }
    there = true;
    snprintf(text, sizeof text,
             "{\"name\":\"ISOLANE_JOBS\",\"subjects\":[\"isolane.jobs.*.*\"],\"retention\":"
             "\"workqueue\",\"storage\":\"file\",\"duplicate_window\":%d000000}",
             window_ms);
    ask("STREAM.CREATE.ISOLANE_JOBS", text);
    ask("STREAM.CREATE.ISOLANE_RESULTS",
        "{\"name\":\"ISOLANE_RESULTS\",\"subjects\":[\"isolane.results.*.>\"],\"storage\":\"file\","
        "\"allow_direct\":true}");
    ask("STREAM.CREATE.ISOLANE_LATER",
        "{\"name\":\"ISOLANE_LATER\",\"subjects\":[\"isolane.later.*.>\"],\"retention\":"
        "\"workqueue\",\"storage\":\"file\",\"allow_direct\":true}");
    kv_ensure(kv, on_made, &a);
    run_until(&a.done);
    assert_int_equal(a.code, 0);
    now_s = instant("2026-11-21T10:00:00Z");
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    return begin_with(120000);
}

/* The window is over at once: as if what was published had been published long ago. */
static int fresh_without_window(void **state)
{
    (void)state;
    return begin_with(100);
}

static struct schedules *worker(void)
{
    struct schedules_options o = {
        .loop = &loop, .config = config, .subjects = &subjects, .link = nats, .now_us = test_clock};
    return schedules_open(&o);
}

static void stop(struct schedules *s)
{
    schedules_close(s);
    uv_run(&loop, UV_RUN_NOWAIT);
}

#define MINUTELY(more)                                                                             \
    "{\"cron\":\"* * * * *\",\"created_at\":\"2026-11-21T10:00:00Z\",\"since\":"                   \
    "\"2026-11-21T10:00:00Z\"," more SCRIPT "}"

/* ---- tests ---- */

static void three_workers(void **state)
{
    struct schedules *w[3];
    char tick[32];
    (void)state;
    put("default.a", MINUTELY(""));
    put("default.b", MINUTELY("\"class\":\"low\","));
    for (int i = 0; i < 3; i++)
        w[i] = worker();
    for (int m = 1; m <= 5; m++) {
        now_s += 60;
        snprintf(tick, sizeof tick, "2026-11-21T10:%02d:00Z", m);
        put("default.nudge", MINUTELY("\"paused\":true,")); /* the clock was set: look now */
        wait_tick("default.a", tick);
        wait_tick("default.b", tick);
    }
    for (int i = 0; i < 3; i++)
        stop(w[i]);
    assert_int_equal(jobs(), 10);
}

static void missed_ticks(void **state)
{
    (void)state;
    now_s = instant("2026-11-21T10:30:10Z");
    put("default.once", MINUTELY(""));
    put("default.skip", MINUTELY("\"missed\":\"skip\","));
    put("default.all", MINUTELY("\"missed\":\"all\","));
    struct schedules *a = worker(), *b = worker();
    wait_tick("default.once", "2026-11-21T10:30:00Z");
    wait_tick("default.skip", "2026-11-21T10:30:00Z");
    wait_tick("default.all", "2026-11-21T10:30:00Z");
    stop(a);
    stop(b);
    /* 10:30 in time for each; of those before, one, none, 29. */
    assert_int_equal(jobs(), 3 + 1 + 0 + 29);
}

/* Its worker died between the two steps, and another finds it at once: the stream knows it. */
static void died_between(void **state)
{
    (void)state;
    now_s = instant("2026-11-21T10:01:05Z");
    publish("isolane.jobs.default.normal", "default/a:20261121T100100Z",
            "{\"id\":\"a:20261121T100100Z\",\"script\":\"1\"}");
    put("default.a", MINUTELY(""));
    struct schedules *w = worker();
    wait_tick("default.a", "2026-11-21T10:01:00Z");
    stop(w);
    assert_int_equal(jobs(), 1);
}

/* … and another finds it when the window is over, the job still in the queue. */
static void found_late_in_queue(void **state)
{
    (void)state;
    publish("isolane.jobs.default.normal", NULL, "{\"script\":\"1\"}");
    publish("isolane.jobs.default.normal", "default/a:20261121T100100Z",
            "{\"id\":\"a:20261121T100100Z\",\"script\":\"1\"}");
    publish("isolane.jobs.default.normal", "default/other", "{\"script\":\"1\"}");
    usleep(400000); /* longer than the window */
    now_s = instant("2026-11-21T10:02:01Z");
    put("default.a", MINUTELY(""));
    struct schedules *w = worker();
    wait_tick("default.a", "2026-11-21T10:02:00Z");
    stop(w);
    assert_int_equal(jobs(), 3 + 1); /* 10:02 */
}

/* … or the job done and its result there. */
static void found_late_as_result(void **state)
{
    (void)state;
    publish("isolane.results.default.a:20261121T100100Z", NULL, "{}");
    now_s = instant("2026-11-21T10:02:01Z");
    put("default.a", MINUTELY(""));
    struct schedules *w = worker();
    wait_tick("default.a", "2026-11-21T10:02:00Z");
    stop(w);
    assert_int_equal(jobs(), 1);
}

/* … or the job waiting for its next attempt. */
static void found_late_waiting(void **state)
{
    (void)state;
    publish("isolane.later.default.a:20261121T100100Z", NULL, "{}");
    now_s = instant("2026-11-21T10:02:01Z");
    put("default.a", MINUTELY(""));
    struct schedules *w = worker();
    wait_tick("default.a", "2026-11-21T10:02:00Z");
    stop(w);
    assert_int_equal(jobs(), 1);
}

static void clock_jumps(void **state)
{
    (void)state;
    put("default.a", MINUTELY("\"missed\":\"all\","));
    struct schedules *w = worker();
    now_s = instant("2026-11-21T10:03:00Z");
    put("default.nudge", MINUTELY("\"paused\":true,"));
    wait_tick("default.a", "2026-11-21T10:03:00Z");
    assert_int_equal(jobs(), 3);
    now_s = instant("2026-11-21T10:01:30Z"); /* back: 10:02 and 10:03 come again */
    for (int m = 2; m <= 4; m++) {
        now_s = instant("2026-11-21T10:00:00Z") + m * 60;
        put("default.nudge", MINUTELY("\"paused\":true,"));
    }
    wait_tick("default.a", "2026-11-21T10:04:00Z");
    stop(w);
    assert_int_equal(jobs(), 4);
}

static void bad_entries(void **state)
{
    struct answer a = {0};
    (void)state;
    put("default.text", "nonsense");
    put("default.cron", "{\"cron\":\"61 * * * *\"," SCRIPT "}");
    put("nokey", MINUTELY(""));
    put("stranger.a", MINUTELY(""));
    put("default.a", MINUTELY(""));
    struct schedules *w = worker();
    now_s = instant("2026-11-21T10:01:00Z");
    put("default.nudge", MINUTELY("\"paused\":true,"));
    wait_tick("default.a", "2026-11-21T10:01:00Z");
    for (int i = 0; i < 3000 && !*a.s.error; i++) {
        schedule_clear(&a.s);
        a = (struct answer){0};
        assert_int_equal(kv_get(kv, "stranger.a", on_got, &a, NULL), 0);
        run_until(&a.done);
    }
    stop(w);
    assert_non_null(strstr(a.s.error, "job: tenant: found 'stranger', which this worker"));
    schedule_clear(&a.s);
    assert_int_equal(jobs(), 1);
}

/* It ends in the middle of whatever it is doing: nothing is lost, nothing is freed twice. */
static void closed_at_any_moment(void **state)
{
    char key[32];
    (void)state;
    now_s = instant("2026-11-21T10:01:00Z");
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "default.s%d", i);
        put(key, MINUTELY(""));
    }
    for (int turns = 1; turns < 40; turns++) {
        struct schedules *w = worker();
        for (int i = 0; i < turns; i++) {
            uv_run(&loop, UV_RUN_NOWAIT);
            usleep(500);
        }
        schedules_close(w);
    }
    struct schedules *w = worker();
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "default.s%d", i);
        wait_tick(key, "2026-11-21T10:01:00Z");
    }
    stop(w);
    assert_int_equal(jobs(), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(three_workers, fresh),
        cmocka_unit_test_setup(missed_ticks, fresh),
        cmocka_unit_test_setup(died_between, fresh),
        cmocka_unit_test_setup(found_late_in_queue, fresh_without_window),
        cmocka_unit_test_setup(found_late_as_result, fresh_without_window),
        cmocka_unit_test_setup(found_late_waiting, fresh_without_window),
        cmocka_unit_test_setup(clock_jumps, fresh),
        cmocka_unit_test_setup(bad_entries, fresh),
        cmocka_unit_test_setup(closed_at_any_moment, fresh),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_all, close_all);
}
