#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fault_armed = -1;
static _Atomic int left;
static enum { DO_KILL, DO_STOP, DO_ERROR } action;

static const char *const names[F_POINTS] = {
    [F_JOB_RECEIVED] = "job_received",         [F_JOB_DECODED] = "job_decoded",
    [F_JOB_DISPATCHED] = "job_dispatched",     [F_JOB_RUNNING] = "job_running",
    [F_RESULT_FRAMED] = "result_framed",       [F_RESULT_SIGNED] = "result_signed",
    [F_RESULT_COMMITTED] = "result_committed", [F_RESULT_PUBLISHED] = "result_published",
    [F_JOB_ACKED] = "job_acked",               [F_ZYGOTE_FORKED] = "zygote_forked",
};

static _Noreturn void misspelt(const char *spec)
{
    fprintf(stderr, "isolane: ISOLANE_FAULT: found '%s'; allowed: <point>[@n][=kill|stop|error]\n",
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
    const char *p = spec + len;
    int count = 1;
    if (*p == '@')
        count = (int)strtol(p + 1, (char **)&p, 10);
    if (*p == '=') {
        const char *a = p + 1;
        if (!strcmp(a, "stop"))
            action = DO_STOP;
        else if (!strcmp(a, "error"))
            action = DO_ERROR;
        else if (strcmp(a, "kill") != 0)
            misspelt(spec);
    }
    if (fault_armed < 0 || count < 1)
        misspelt(spec);
    atomic_store(&left, count);
}

bool fault_hit(enum fault_point p)
{
    (void)p;
    if (atomic_fetch_sub(&left, 1) != 1)
        return false;
    if (action == DO_ERROR)
        return true;
    raise(action == DO_KILL ? SIGKILL : SIGSTOP);
    return false;
}
