/* How this works
 *
 * One list of watched runs under one lock, one thread that sleeps on a timerfd until the earliest
 * look. Setting the timer does not wake the thread, so a new run costs at most that one system call
 * and mostly none: its first look is as far away as its budgets allow, and the timer is only moved
 * when it was to fire later than that.
 *
 * Next look. CPU time passes no faster than wall time in a cell, which has one thread: the time
 * that is left can't be over earlier.
 *
 * The clock of another process lags behind by up to a tick of the kernel (4 ms at 250 Hz) while
 * that runs, unless it has just asked for its own. So near the end a look has two halves: SIGUSR2,
 * whose handler reads the clock (and sends what is held back of the output), and SYNC_US later the
 * reading. A cell whose clock then stands still sleeps: it is left alone, with a plain look every
 * IDLE_US. By that and a tick it may exceed its limit when it wakes up; and one that does not
 * handle the signal, by a tick.
 *
 * The kernel's scheduler. On a busy machine the thread may be woken up to 20 ms late, which is all
 * that a budget may be exceeded by. So it asks for real-time priority (it never computes, and root
 * or who has RLIMIT_RTPRIO gets it), else for a short slice, which lets it run sooner after waking
 * where the kernel knows slices for ordinary threads (Linux 6.12).
 */
#include "sandbox/host/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define TICK_US     50000 /* the longest time between two looks */
#define SHORTEST_US 100   /* and the shortest */
#define FAR_US      (INT64_C(1) << 50)
#define NEAR_US     12000 /* to the end of the CPU time: more than the clock may lag behind */
#define SYNC_US     150
#define IDLE_US     3000
#define ASLEEP_US   60  /* a clock that moved by less stood still: a signal costs that much */
#define REPEAT_US   500 /* between two requests to stop */

/* Kills. A cell ends by itself within some 4 ms of being asked; what has not by then never will. */
#define CPU_GRACE_US       7000   /* of CPU time … */
#define CPU_GRACE_SHARE    25     /* … or a 25th of the limit */
#define WALL_GRACE_US      10000  /* for wall_ms */
#define UNRUN_GRACE_US     14000  /* the same, for a cell that has had no CPU since it was asked */
#define ANY_GRACE_US       100000 /* whatever the reason … */
/* … but for cpu_ms: a cell that is given no processor takes nothing, and says where it was as soon
 * as it has one. Its clock may have lagged behind a little when it was asked. */
#define CPU_UNRUN_GRACE_US 1000000
#define UNRUN_US           1000 /* of CPU time since it was asked */

#define SLICE_NS 100000

struct watch {
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    struct list all;
    int timer;
    int64_t fires_at_us; /* 0: not set */
    bool quit;
};

int64_t watch_pid_cpu_us(int pid)
{
    /* CPUCLOCK_SCHED of a process, as clock_getcpuclockid(3) makes it; that asks the kernel once
     * more. */
    clockid_t id = (clockid_t)((~(unsigned)pid << 3) | 2u);
    struct timespec t;
    if (pid <= 0 || clock_gettime(id, &t))
        return -1;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t watch_process_cpu_us(int pid, int pidfd)
{
    int64_t us = watch_pid_cpu_us(pid);
    return us < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) ? -1 : us;
}

static void send_signal(const struct watched *x, int sig)
{
    syscall(SYS_pidfd_send_signal, x->pidfd, sig, NULL, 0);
}

/* ---- the timer ---- */

static void set_timer(struct watch *w, int64_t at_us)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000}};
    w->fires_at_us = at_us;
    CHECK(timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

static void fire_by(struct watch *w, int64_t at_us)
{
    if (w->fires_at_us == 0 || at_us < w->fires_at_us)
        set_timer(w, at_us);
}

/* ---- a look ---- */

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* CPU time of the run; of a process that is gone: what was seen last. */
static int64_t cpu_used(struct watched *x)
{
    int64_t us = watch_process_cpu_us(x->pid, x->pidfd);
    return us < 0 ? x->last_cpu_us : us - x->cpu_at_start_us;
}

static bool kill_due(const struct watched *x, int64_t now, int64_t cpu_us)
{
    int64_t since = now - x->asked_at_us;
    bool unrun = x->report.stopped == STOP_CPU && cpu_us - x->asked_cpu_us < UNRUN_US;
    if (since >= (unrun ? CPU_UNRUN_GRACE_US : ANY_GRACE_US))
        return true;
    if (x->report.stopped == STOP_CPU)
        return cpu_us - x->cpu_limit_us >= most(CPU_GRACE_US, x->cpu_limit_us / CPU_GRACE_SHARE);
    if (x->report.stopped == STOP_WALL)
        return since >= (cpu_us > x->asked_cpu_us ? WALL_GRACE_US : UNRUN_GRACE_US);
    return false;
}

static void ask(struct watched *x, enum stop_reason why, int64_t now, int64_t cpu_us)
{
    x->report.stopped = why;
    x->asked_at_us = now;
    x->asked_cpu_us = cpu_us;
    x->look_at_us = now + REPEAT_US;
    send_signal(x, SIGUSR1);
}

static void ask_again(struct watched *x, int64_t now, int64_t cpu_us)
{
    struct pollfd ended = {.fd = x->pidfd, .events = POLLIN};
    x->look_at_us = now + REPEAT_US;
    if (x->report.ended_at_us) {
        x->look_at_us = now + FAR_US;
    } else if (poll(&ended, 1, 0) > 0) {
        x->report.ended_at_us = now;
    } else if (kill_due(x, now, cpu_us)) {
        send_signal(x, SIGKILL);
        x->report.killed = true;
        x->report.ended_at_us = now;
        x->report.killed_cpu_us = cpu_us;
    } else {
        send_signal(x, SIGUSR1);
    }
}

/* True when the reading of this look can't be trusted and a better one comes in a moment. */
static bool wants_sync(struct watched *x, int64_t now, int64_t cpu_left, int64_t moved_us)
{
    if (x->synced) { /* this is the better one */
        x->synced = false;
        x->idle = moved_us < ASLEEP_US;
        return false;
    }
    if (cpu_left > NEAR_US || (x->idle && moved_us < ASLEEP_US))
        return false;
    x->synced = true;
    x->look_at_us = now + SYNC_US;
    send_signal(x, SIGUSR2);
    return true;
}

static void look_again(struct watched *x, int64_t now, int64_t cpu_left, int64_t wall_left)
{
    if (wall_left > WATCH_FLUSH_US) {
        wall_left -= WATCH_FLUSH_US;
    } else if (!x->flushed) {
        x->flushed = true;
        send_signal(x, SIGUSR2);
    }
    if (cpu_left > NEAR_US)
        cpu_left -= NEAR_US;
    else if (x->idle)
        cpu_left = most(cpu_left, IDLE_US);
    int64_t left = least(least(cpu_left, wall_left), TICK_US);
    x->look_at_us = now + most(left, SHORTEST_US);
}

static void look(struct watched *x, int64_t now)
{
    int64_t before_us = x->last_cpu_us, cpu_us = cpu_used(x), wall_us = now - x->started_us;
    int64_t cpu_left = x->cpu_limit_us ? x->cpu_limit_us - cpu_us : FAR_US;
    int64_t wall_left = x->wall_limit_us ? x->wall_limit_us - wall_us : FAR_US;
    x->last_cpu_us = cpu_us;
    if (x->report.stopped != STOP_NONE)
        ask_again(x, now, cpu_us);
    else if (cpu_left <= 0)
        ask(x, STOP_CPU, now, cpu_us);
    else if (wall_left <= 0)
        ask(x, STOP_WALL, now, cpu_us);
    else if (!wants_sync(x, now, cpu_left, cpu_us - before_us))
        look_again(x, now, cpu_left, wall_left);
}

static void look_at_all(struct watch *w)
{
    int64_t next = INT64_MAX;
    for (struct list *n = w->all.next; n != &w->all; n = n->next) {
        struct watched *x = LIST_ENTRY(n, struct watched, node);
        int64_t now = clock_mono_us();
        if (x->look_at_us <= now)
            look(x, now);
        next = least(next, x->look_at_us);
    }
    w->fires_at_us = 0;
    if (next != INT64_MAX)
        set_timer(w, next);
}

/* ---- the thread ---- */

/* struct sched_attr, whose header (linux/sched/types.h) clashes with glibc's sched.h. */
struct schedule {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

static void be_quick(void)
{
    const struct schedule real_time = {
        .size = sizeof real_time, .policy = SCHED_FIFO, .priority = 1};
    const struct schedule short_slice = {.size = sizeof short_slice, .runtime_ns = SLICE_NS};
    if (syscall(SYS_sched_setattr, 0, &real_time, 0))
        syscall(SYS_sched_setattr, 0, &short_slice, 0);
}

static void *run(void *arg)
{
    struct watch *w = arg;
    uint64_t fired;
    prctl(PR_SET_NAME, "watch");
    be_quick();
    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        pthread_mutex_unlock(&w->lock);
        ssize_t n = read(w->timer, &fired, sizeof fired);
        CHECK(n == sizeof fired || errno == EINTR);
        pthread_mutex_lock(&w->lock);
        look_at_all(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int start_thread(struct watch *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop thread's */
    int rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int watch_new(struct watch **out, struct err *e)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (timer < 0)
        return err_errno(e, "cannot make the timer of the cells' clocks");
    struct watch *w = mem_alloc(sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    list_init(&w->all);
    w->timer = timer;
    int rc = start_thread(w);
    if (rc) {
        errno = rc;
        close(timer);
        free(w);
        return err_errno(e, "cannot start the thread of the cells' clocks");
    }
    *out = w;
    return 0;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    CHECK(list_empty(&w->all));
    w->quit = true;
    set_timer(w, 1); /* long ago: at once */
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    close(w->timer);
    free(w);
}

/* ---- runs ---- */

void watch_begin(struct watch *w, struct watched *x)
{
    watch_begin_at(w, x, clock_mono_us());
}

/* After the start: when a budget comes near. */
static int64_t first_look_us(const struct watched *x)
{
    int64_t cpu_us = x->cpu_limit_us ? x->cpu_limit_us : FAR_US;
    int64_t wall_us = x->wall_limit_us ? x->wall_limit_us : FAR_US;
    int64_t near = least(cpu_us - NEAR_US, wall_us - WATCH_FLUSH_US);
    return least(most(least(near, TICK_US), WATCH_FIRST_US), least(cpu_us, wall_us));
}

void watch_begin_at(struct watch *w, struct watched *x, int64_t started_us)
{
    CHECK(!x->active);
    x->active = true;
    x->started_us = started_us;
    x->last_cpu_us = 0;
    x->flushed = x->synced = x->idle = false;
    memset(&x->report, 0, sizeof x->report);
    x->look_at_us = x->started_us + first_look_us(x);
    pthread_mutex_lock(&w->lock);
    list_push_back(&w->all, &x->node);
    fire_by(w, x->look_at_us);
    pthread_mutex_unlock(&w->lock);
}

void watch_stop(struct watch *w, struct watched *x, enum stop_reason why)
{
    if (!x->active)
        return;
    pthread_mutex_lock(&w->lock);
    if (x->report.stopped == STOP_NONE) {
        ask(x, why, clock_mono_us(), cpu_used(x));
        fire_by(w, x->look_at_us);
    }
    pthread_mutex_unlock(&w->lock);
}

void watch_end(struct watch *w, struct watched *x)
{
    if (!x->active)
        return;
    x->active = false;
    pthread_mutex_lock(&w->lock);
    list_remove(&x->node);
    pthread_mutex_unlock(&w->lock);
}
