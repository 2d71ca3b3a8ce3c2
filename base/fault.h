/* Numbered fault points: places where a crash would hurt. A test sets ISOLANE_FAULT to
 * "<name>[@count][=kill|stop|error|slow]" and the process then does that at the count-th passing
 * (default 1st) of the named point: `kill` (default) is SIGKILL to itself, `stop` SIGSTOP, `error`
 * makes fault() return true so that the caller takes its failure branch, `slow` takes a quarter of
 * a second, then and each time after. Without the variable a point costs one load. Any thread. */
#pragma once

#include <stdbool.h>

enum fault_point {
    F_JOB_RECEIVED,     /* a message came from NATS, nothing done with it */
    F_JOB_DECODED,      /* validated, not in the backlog yet */
    F_JOB_DISPATCHED,   /* the invoke frame is written to a cell */
    F_JOB_RUNNING,      /* a job is older than a few milliseconds */
    F_RESULT_FRAMED,    /* the cell's done frame is read */
    F_RESULT_SIGNED,    /* envelope made, row not inserted */
    F_RESULT_STORING,   /* the committer is about to make rows durable: a slow disk */
    F_RESULT_COMMITTED, /* the row is durable, result not published */
    F_RESULT_PUBLISHED, /* the results stream has it, job not acked */
    F_JOB_ACKED,        /* the ack is handed to the client library */
    F_EVENT_STORED,     /* an attempt ended badly and the events stream knows, no wait begun */
    F_JOB_LATER,        /* ISOLANE_LATER has a job, its delivery is not acked */
    F_JOB_DUE,          /* the jobs stream has it back, its message in ISOLANE_LATER is not acked */
    F_JOB_BURIED,       /* a dead job's copy is stored, job not acked */
    F_COPY_STORED,      /* a job that waits for others: its copy is stored, its entry is not */
    F_WAIT_STORED,      /* … its entry too, the delivery not acked */
    F_HELD_PUT_BACK,    /* … it is in the jobs stream again, the copy not deleted */
    F_ZYGOTE_FORKED,    /* in the zygote, after a fork */
    F_SCHEDULE_PUBLISHED, /* a tick's job is in the queue, last_tick not stored */
    F_SCHEDULE_ADVANCED,  /* last_tick is stored */
    F_BATCH_COUNTED,      /* all jobs of a batch have results, its own is not made */
    F_BATCH_COMMITTED,    /* its row is durable, not published */
    F_BATCH_PUBLISHED,    /* the results stream has it, its record is not marked */
    F_POINTS
};

/* Reads ISOLANE_FAULT; call once at start, before threads. Unknown names end the process: a test
 * that misspells a point must not pass. */
void fault_init(void);

extern int fault_armed; /* a point's number, or -1 */
bool fault_hit(enum fault_point p);

static inline bool fault(enum fault_point p)
{
    return __builtin_expect(fault_armed == (int)p, 0) ? fault_hit(p) : false;
}
