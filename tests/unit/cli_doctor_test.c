/* doctor's findings, and the little runner behind them. */
#include "tests/unit/cli_run.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/probe.h"

static char folder[64] = "/tmp/isolane-doctor-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    setenv("HOME", folder, 1);
    unsetenv("ISOLANE_CONFIG");
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    forget_said();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") || system(command);
}

static struct findings *examine(struct config *c)
{
    struct findings *f = mem_alloc(sizeof *f);
    doctor_examine(c, f);
    return f;
}

static struct config *defaults(void)
{
    struct config *c = NULL;
    assert_int_equal(config_load(NULL, &c, NULL), 0);
    return c;
}

static const struct finding *find(const struct findings *f, const char *check)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->v[i].check, check))
            return &f->v[i];
    fail_msg("no finding '%s'", check);
    return NULL;
}

static void everything_is_looked_at(void **state)
{
    (void)state;
    static const char *const checks[] = {
        "kernel",      "jail userns", "jail seccomp", "engine",     "nats-server", "sqlite",
        "data folder", "free space",  "clock",        "open files", "huge pages",  "jail landlock",
        "jail cgroup", "disk sync",   "timer",        "own cgroup"};
    struct config *c = defaults();
    struct findings *f = examine(c);
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        assert_true(strlen(find(f, checks[i])->detail) > 0);
    for (int i = 0; i < f->n; i++) /* what can't be had comes with what to do */
        if (f->v[i].state == FINDING_BAD && !*f->v[i].remedy)
            fail_msg("%s has no remedy", f->v[i].check);
    free(f);
    config_free(c);
}

static void an_engine_that_is_missing_is_bad(void **state)
{
    (void)state;
    struct config *c = defaults();
    setenv("ISOLANE_ENGINE_DIR", folder, 1);
    struct findings *f = examine(c);
    assert_int_equal(find(f, "engine")->state, FINDING_BAD);
    assert_false(doctor_ready(f));
    free(f);
    EXPECT(1, &command_doctor, "doctor", "A worker cannot start here: see what is missing.\n",
           NULL);
    EXPECT(1, &command_doctor, "doctor --json",
           "{\"ready\":false,\"checks\":[{\"check\":\"kernel\"", NULL);
    unsetenv("ISOLANE_ENGINE_DIR");
    config_free(c);
}

static void a_server_that_is_missing_is_a_warning(void **state)
{
    (void)state;
    struct config *c = defaults();
    assert_int_equal(config_set(c, "nats_server", "/nowhere/nats-server", "test", NULL), 0);
    struct findings *f = examine(c);
    assert_int_equal(find(f, "nats-server")->state, FINDING_WARN);
    assert_non_null(strstr(find(f, "nats-server")->remedy, "install"));
    free(f);
    /* One too old for polling. */
    assert_int_equal(
        fs_write_file("old", "#!/bin/sh\necho nats-server: v2.8.4\n", 35, 0700, false, NULL), 0);
    char path[100];
    snprintf(path, sizeof path, "%s/old", folder);
    assert_int_equal(config_set(c, "nats_server", path, "test", NULL), 0);
    f = examine(c);
    assert_int_equal(find(f, "nats-server")->state, FINDING_WARN);
    assert_non_null(strstr(find(f, "nats-server")->detail, "v2.8.4"));
    free(f);
    config_free(c);
}

static void the_data_folder_must_be_writable(void **state)
{
    (void)state;
    struct config *c = defaults();
    assert_int_equal(config_set(c, "data_dir", "/proc/isolane/data", "test", NULL), 0);
    struct findings *f = examine(c);
    if (geteuid()) /* to root everything looks writable */
        assert_int_equal(find(f, "data folder")->state, FINDING_BAD);
    free(f);
    assert_int_equal(config_set(c, "data_dir", "not/yet/there", "test", NULL), 0);
    f = examine(c);
    assert_int_equal(find(f, "data folder")->state, FINDING_OK);
    assert_non_null(
        strstr(find(f, "data folder")->detail, "not/yet/there (made at the first start)"));
    assert_int_equal(access("not", F_OK), -1); /* looking makes nothing */
    free(f);
    config_free(c);
}

static void limits_follow_the_configuration(void **state)
{
    (void)state;
    struct config *c = defaults();
    c->pool = 256;
    c->max_running = 1000000;
    struct findings *f = examine(c);
    assert_int_equal(find(f, "open files")->state, FINDING_BAD);
    assert_non_null(strstr(find(f, "open files")->remedy, "ulimit -n"));
    free(f);
    config_free(c);
}

/* ---- the runner ---- */

static int probe(const char *script, int timeout_ms, char *out, size_t cap, struct err *e)
{
    char sh[] = "/bin/sh", dash_c[] = "-c", text[256];
    snprintf(text, sizeof text, "%s", script);
    char *const argv[] = {sh, dash_c, text, NULL};
    return probe_line(argv, timeout_ms, out, cap, e);
}

static void a_probe_gives_the_first_line(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(probe("echo one; echo two; echo no >&2", 5000, out, sizeof out, NULL), 0);
    assert_string_equal(out, "one");
    assert_int_equal(probe("yes 0123456789abcdef | head -c 300000", 5000, out, sizeof out, NULL),
                     0);
    assert_string_equal(out, "0123456789abcde");
    assert_int_equal(probe("cat; echo end", 5000, out, sizeof out, NULL), 0); /* no stdin */
    assert_string_equal(out, "end");
}

static void a_probe_that_fails_says_how(void **state)
{
    (void)state;
    char out[16];
    struct err e;
    int64_t began = clock_mono_us();
    assert_int_equal(probe("exit 7", 5000, out, sizeof out, &e), ERR_UNAVAILABLE);
    assert_string_equal(e.msg, "/bin/sh ended with status 7");
    assert_int_equal(probe("kill -9 $$", 5000, out, sizeof out, &e), ERR_UNAVAILABLE);
    assert_string_equal(e.msg, "/bin/sh was ended by signal 9");
    assert_int_equal(probe("exec sleep 30", 100, out, sizeof out, &e), ERR_TIMEOUT);
    assert_true(clock_mono_us() - began < 20000000);
    char none[] = "/nowhere/program";
    char *const argv[] = {none, NULL};
    assert_int_equal(probe_line(argv, 100, out, sizeof out, &e), ERR_UNAVAILABLE);
    assert_string_equal(e.msg, "cannot run /nowhere/program: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_looked_at),
        cmocka_unit_test(an_engine_that_is_missing_is_bad),
        cmocka_unit_test(a_server_that_is_missing_is_a_warning),
        cmocka_unit_test(the_data_folder_must_be_writable),
        cmocka_unit_test(limits_follow_the_configuration),
        cmocka_unit_test(a_probe_gives_the_first_line),
        cmocka_unit_test(a_probe_that_fails_says_how),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
