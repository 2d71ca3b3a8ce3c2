/* The clocks of cells, on processes of our own: how they are stopped, and by what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/host/watch.h"

#define WAIT_US INT64_C(20000000)

/* What the child's handlers saw, shared with it. */
struct shown {
    volatile int64_t first_stop_cpu_us, flush_cpu_us;
    volatile int stops, flushes, ready;
};

static struct shown *shown;

static int64_t own_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void on_stop(int sig)
{
    (void)sig;
    if (shown->stops++ == 0)
        shown->first_stop_cpu_us = own_cpu_us();
}

static void on_stop_end(int sig)
{
    on_stop(sig);
    _exit(0);
}

/* As on a machine that gives it no processor from here on. */
static void on_stop_starve_end(int sig)
{
    on_stop(sig);
    raise(SIGSTOP);
    _exit(0);
}

static void on_flush(int sig)
{
    (void)sig;
    shown->flushes++;
    shown->flush_cpu_us = own_cpu_us();
}

static void spin(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

static void *spin_thread(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    spin();
    return arg;
}

static void spin_twice(void)
{
    pthread_t t;
    if (pthread_create(&t, NULL, spin_thread, NULL))
        _exit(9);
    spin();
}

static void rest(void)
{
    for (;;)
        pause();
}

/* ---- a watched child ---- */

struct child {
    struct watch *w;
    struct watched x;
    int status;
};

static void begin(struct child *c, void (*stop)(int), void (*work)(void), int64_t cpu_us,
                  int64_t wall_us)
{
    struct err e = {0};
    memset(c, 0, sizeof *c);
    memset(shown, 0, sizeof *shown);
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGUSR1, stop);
        signal(SIGUSR2, on_flush);
        shown->ready = 1;
        if (read(go[0], &byte, 1) != 1)
            _exit(8);
        work();
    }
    while (!shown->ready)
        usleep(1000);
    list_init(&c->x.node);
    c->x.pid = pid;
    c->x.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    c->x.cpu_limit_us = cpu_us;
    c->x.wall_limit_us = wall_us;
    c->x.cpu_at_start_us = watch_process_cpu_us(pid, c->x.pidfd);
    assert_true(c->x.cpu_at_start_us >= 0);
    assert_int_equal(watch_new(&c->w, &e), 0); /* behind the fork: it makes a thread */
    watch_begin(c->w, &c->x);
    assert_int_equal(write(go[1], "", 1), 1);
    close(go[0]);
    close(go[1]);
}

/* Waits for the child's end, which something must bring about. */
static void await_end(struct child *c)
{
    int64_t t0 = clock_mono_us();
    while (waitpid(c->x.pid, &c->status, WNOHANG) == 0) {
        assert_true(clock_mono_us() - t0 < WAIT_US);
        usleep(1000);
    }
}

static void end(struct child *c)
{
    watch_end(c->w, &c->x);
    close(c->x.pidfd);
    watch_free(c->w);
}

static void a_process_that_computes_is_asked_when_its_time_is_used(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop_end, spin, 40000, 0);
    await_end(&c);
    assert_true(WIFEXITED(c.status));
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_CPU);
    assert_false(c.x.report.killed);
    assert_true(shown->first_stop_cpu_us - c.x.cpu_at_start_us >= 40000); /* all of it */
    assert_true(shown->flushes >= 1);
    assert_true(shown->flush_cpu_us <= shown->first_stop_cpu_us);
}

static void time_of_all_threads_counts(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop_end, spin_twice, 60000, 0);
    await_end(&c);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_CPU);
    /* The thread that was asked had some of the time, the process had all of it. */
    assert_true(shown->first_stop_cpu_us - c.x.cpu_at_start_us >= 60000);
}

static void a_process_that_sleeps_is_asked_when_its_time_is_over(void **state)
{
    (void)state;
    struct child c;
    int64_t t0 = clock_mono_us();
    begin(&c, on_stop_end, rest, 1000000, 30000);
    await_end(&c);
    assert_true(clock_mono_us() - t0 >= 30000);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_WALL);
    assert_true(shown->flushes >= 1); /* what it held back was asked for before */
}

static void who_does_not_end_is_killed(void **state)
{
    (void)state;
    static const struct {
        int64_t cpu_us, wall_us;
        enum stop_reason why;
    } rows[] = {{20000, 0, STOP_CPU}, {0, 20000, STOP_WALL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct child c;
        begin(&c, on_stop, spin, rows[i].cpu_us, rows[i].wall_us);
        await_end(&c);
        assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
        end(&c);
        assert_int_equal(c.x.report.stopped, rows[i].why);
        assert_true(c.x.report.killed);
        assert_true(c.x.report.ended_at_us > c.x.started_us);
        assert_true(c.x.report.killed_cpu_us > 0);
        assert_true(shown->stops >= 1);
    }
}

static void a_deaf_process_is_killed(void **state)
{
    (void)state;
    struct child c;
    begin(&c, SIG_IGN, spin, 20000, 0);
    await_end(&c);
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_CPU);
}

static void a_stopped_process_is_killed(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop_end, rest, 0, 60000);
    kill(c.x.pid, SIGSTOP);
    await_end(&c);
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_WALL);
}

static void a_request_is_repeated_and_the_first_reason_stays(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop, rest, 0, 0);
    watch_stop(c.w, &c.x, STOP_CANCEL);
    watch_stop(c.w, &c.x, STOP_OUTPUT);
    await_end(&c);
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_CANCEL);
    assert_true(shown->stops >= 2);
}

static void a_run_that_is_over_is_left_alone(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop_end, spin, 0, 30000);
    watch_end(c.w, &c.x);
    watch_end(c.w, &c.x);
    watch_stop(c.w, &c.x, STOP_CANCEL);
    usleep(60000);
    assert_int_equal(waitpid(c.x.pid, &c.status, WNOHANG), 0);
    assert_int_equal(c.x.report.stopped, STOP_NONE);
    kill(c.x.pid, SIGKILL);
    await_end(&c);
    end(&c);
}

/* Its place in the script would be lost, and it uses up nothing meanwhile. */
static void who_has_no_processor_to_end_with_is_waited_for(void **state)
{
    (void)state;
    struct child c;
    int64_t t0 = clock_mono_us();
    begin(&c, on_stop_starve_end, spin, 30000, 0);
    while (shown->stops == 0) {
        assert_true(clock_mono_us() - t0 < WAIT_US);
        usleep(1000);
    }
    usleep(300000);
    kill(c.x.pid, SIGCONT);
    await_end(&c);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_CPU);
    assert_true(WIFEXITED(c.status));
    begin(&c, on_stop_starve_end, spin, 30000, 0); /* but not for ever */
    await_end(&c);
    end(&c);
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
}

/* A cell that sleeps on its last millisecond of CPU time must not lose that to our looks. */
static void looks_do_not_use_up_what_is_left(void **state)
{
    (void)state;
    struct child c;
    begin(&c, on_stop_end, rest, 3000, 400000);
    await_end(&c);
    end(&c);
    assert_int_equal(c.x.report.stopped, STOP_WALL);
    assert_true(shown->flushes < 50);
}

static int share(void **state)
{
    (void)state;
    shown = mmap(NULL, sizeof *shown, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shown == MAP_FAILED ? -1 : 0;
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_process_that_computes_is_asked_when_its_time_is_used),
        T(time_of_all_threads_counts),
        T(a_process_that_sleeps_is_asked_when_its_time_is_over),
        T(who_does_not_end_is_killed),
        T(a_deaf_process_is_killed),
        T(a_stopped_process_is_killed),
        T(a_request_is_repeated_and_the_first_reason_stays),
        T(a_run_that_is_over_is_left_alone),
        T(who_has_no_processor_to_end_with_is_waited_for),
        T(looks_do_not_use_up_what_is_left),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, share, NULL);
}
