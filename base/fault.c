#include "base/fault.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOW_NS 250000000

int fault_armed = -1;
static _Atomic int left;
static enum { DO_KILL, DO_STOP, DO_ERROR, DO_SLOW } action;

static const char *const names[F_POINTS] = {
    [F_JOB_RECEIVED] = "job_received",
    [F_JOB_DECODED] = "job_decoded",
    [F_JOB_DISPATCHED] = "job_dispatched",
    [F_JOB_RUNNING] = "job_running",
    [F_RESULT_FRAMED] = "result_framed",
    [F_RESULT_SIGNED] = "result_signed",
    [F_RESULT_STORING] = "result_storing",
    [F_RESULT_COMMITTED] = "result_committed",
    [F_RESULT_PUBLISHED] = "result_published",
    [F_JOB_ACKED] = "job_acked",
    [F_EVENT_STORED] = "event_stored",
    [F_JOB_LATER] = "job_later",
    [F_JOB_DUE] = "job_due",
    [F_JOB_BURIED] = "job_buried",
    [F_COPY_STORED] = "copy_stored",
    [F_WAIT_STORED] = "wait_stored",
    [F_HELD_PUT_BACK] = "held_put_back",
    [F_ZYGOTE_FORKED] = "zygote_forked",
    [F_SCHEDULE_PUBLISHED] = "schedule_published",
    [F_SCHEDULE_ADVANCED] = "schedule_advanced",
    [F_BATCH_COUNTED] = "batch_counted",
    [F_BATCH_COMMITTED] = "batch_committed",
    [F_BATCH_PUBLISHED] = "batch_published",
};

static _Noreturn void misspelt(const char *spec)
{
    fprintf(stderr,
            "isolane: ISOLANE_FAULT: found '%s'; allowed: <point>[@n][=kill|stop|error|slow]\n",
            spec);
    exit(3);
}

void fault_init(void)
{
    const char *spec = getenv("ISOLANE_FAULT");
    if (!spec || !*spec)
        return;
    size_t len = strcspn(spec, "@=");
    for (int i = 0; i < F_POINTS; i++)
        if (strlen(names[i]) == len && !strncmp(names[i], spec, len))
            fault_armed = i;
    char *p = (char *)(uintptr_t)spec + len;
    long count = 1;
    if (*p == '@')
        count = strtol(p + 1, &p, 10);
    action = DO_KILL;
    if (!strcmp(p, "=stop"))
        action = DO_STOP;
    else if (!strcmp(p, "=error"))
        action = DO_ERROR;
    else if (!strcmp(p, "=slow"))
        action = DO_SLOW;
    else if (*p && strcmp(p, "=kill") != 0)
        misspelt(spec);
    if (fault_armed < 0 || count < 1 || count > INT_MAX)
        misspelt(spec);
    atomic_store(&left, (int)count);
}

bool fault_hit(enum fault_point p)
{
    (void)p;
    if (action == DO_SLOW) {
        const struct timespec t = {.tv_nsec = SLOW_NS};
        if (atomic_load(&left) > 1)
            atomic_fetch_sub(&left, 1);
        else
            nanosleep(&t, NULL);
        return false;
    }
    if (atomic_load(&left) <= 0 || atomic_fetch_sub(&left, 1) != 1)
        return false;
    if (action == DO_ERROR)
        return true;
    raise(action == DO_KILL ? SIGKILL : SIGSTOP);
    return false;
}
