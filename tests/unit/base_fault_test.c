/* fault, and the one line a log call writes: both seen from outside, in a child. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"

/* Passes F_RESULT_SIGNED and another point `times` times in a child; returns its wait status. Exit
 * code: how often fault() said true, plus 100 times the passing it said so at. */
static int run(const char *spec, int times)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        setenv("ISOLANE_FAULT", spec, 1);
        fault_init();
        int hits = 0, when = 0;
        for (int i = 1; i <= times; i++) {
            (void)fault(F_RESULT_COMMITTED);
            if (fault(F_RESULT_SIGNED)) {
                hits++;
                when = i;
            }
        }
        _exit(hits + when * 10);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return status;
}

static int exit_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void without_the_variable_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(exit_of(run("", 100)), 0);
}

static void kill_is_the_default(void **state)
{
    (void)state;
    int status = run("result_signed", 1);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = run("result_signed@3=kill", 3);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void the_count_says_which_passing(void **state)
{
    (void)state;
    assert_int_equal(exit_of(run("result_signed@3", 2)), 0);
    assert_int_equal(exit_of(run("result_signed@3=error", 9)), 31); /* once, at the third */
    assert_int_equal(exit_of(run("result_signed=error", 9)), 11);
}

static void stop_stops(void **state)
{
    (void)state;
    int status = run("result_signed=stop", 1);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void a_misspelt_point_ends_the_process(void **state)
{
    (void)state;
    static const char *const bad[] = {"result_sign",
                                      "result_signedx",
                                      "nonsense",
                                      "@2",
                                      "=kill",
                                      "result_signed@0",
                                      "result_signed@-1",
                                      "result_signed@x",
                                      "result_signed@2x",
                                      "result_signed=boom",
                                      "result_signed=",
                                      "result_signed@1=",
                                      "result_signed@",
                                      "result_signed@1=killx",
                                      "RESULT_SIGNED",
                                      "result_signed@99999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (exit_of(run(bad[i], 0)) != 3)
            fail_msg("taken: '%s'", bad[i]);
}

static void log_lines(enum log_level threshold, char *out, size_t cap)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        log_set_level(threshold);
        char big[5000];
        memset(big, 'z', sizeof big - 1);
        big[sizeof big - 1] = 0;
        log_debug("queue", "detail");
        log_warn("queue", "two\nlines and \x1b[31m colour, %d", 7);
        log_error("queue", "%s", big);
        _exit(0);
    }
    close(fd[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = 0;
    close(fd[0]);
    waitpid(pid, NULL, 0);
}

static void a_log_call_is_one_line_without_control_characters(void **state)
{
    (void)state;
    char out[4000];
    log_lines(LOG_WARN, out, sizeof out);
    assert_null(strstr(out, "detail"));
    char *end = strchr(out, '\n');
    assert_non_null(end);
    *end = 0;
    assert_non_null(strstr(out, " warn queue: two lines and  [31m colour, 7"));
    char *second = end + 1;
    end = strchr(second, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], 0); /* two lines in all, the long one cut but ended */
    assert_non_null(strstr(second, " error queue: zzzz"));
}

static void log_levels_are_known_by_name(void **state)
{
    (void)state;
    char out[4000];
    assert_int_equal(log_parse_level("debug"), LOG_DEBUG);
    assert_int_equal(log_parse_level("off"), LOG_OFF);
    assert_int_equal(log_parse_level("loud"), -1);
    log_lines(LOG_DEBUG, out, sizeof out);
    assert_non_null(strstr(out, " debug queue: detail\n"));
    log_lines(LOG_OFF, out, sizeof out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_variable_nothing_happens),
        cmocka_unit_test(kill_is_the_default),
        cmocka_unit_test(the_count_says_which_passing),
        cmocka_unit_test(stop_stops),
        cmocka_unit_test(a_misspelt_point_ends_the_process),
        cmocka_unit_test(a_log_call_is_one_line_without_control_characters),
        cmocka_unit_test(log_levels_are_known_by_name),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
