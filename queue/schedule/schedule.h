/* A schedule as it is stored (bucket ISOLANE_SCHEDULES, key <tenant>.<name>) and what is due of it
 * at a moment: docs/protocol.md "Schedules". Pure functions, any thread; untrusted input (fuzz
 * target schedule_fuzz.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"
#include "link/subjects.h"
#include "queue/schedule/cron.h"

#define SCHEDULE_NAME_MAX   64
#define SCHEDULE_VALUE_MAX  (512 * 1024) /* bytes of one value, the job included */
#define SCHEDULE_JITTER_MAX 3600000      /* ms */
#define SCHEDULE_CATCH_UP   100          /* missed ticks that policy `all` starts, the newest */
#define SCHEDULE_LATE_MS    60000        /* a tick this late is a missed one */
#define SCHEDULE_ERROR_MAX  400
#define SCHEDULE_KEY_MAX    (TENANT_NAME_MAX + 1 + SCHEDULE_NAME_MAX)
#define SCHEDULE_NO_TICK    ((int64_t)-1)
#define SCHEDULES_MAX       2000 /* of a cluster */

enum schedule_missed { MISSED_ONCE, MISSED_SKIP, MISSED_ALL, MISSED_POLICIES };
extern const char *const schedule_missed_names[]; /* "once", "skip", "all", NULL */

struct schedule {
    char tenant[TENANT_NAME_MAX + 1];
    char name[SCHEDULE_NAME_MAX + 1];
    char cron_text[CRON_TEXT_MAX + 1], zone_name[ZONE_NAME_MAX + 1];
    struct cron cron;
    struct zone *zone; /* owned */
    enum job_class cls;
    enum schedule_missed missed;
    bool paused;
    int64_t jitter_ms;         /* each tick is put off by 0 to this, the same on every worker */
    int64_t created_at_us;     /* what @every counts from, unless `from` is set */
    int64_t since_us;          /* ticks up to here do not count: when made, when resumed */
    int64_t from_us, until_us; /* ticks outside do not count; 0: open */
    int64_t last_tick_s;       /* the newest that was started or passed over; SCHEDULE_NO_TICK */
    char error[SCHEDULE_ERROR_MAX]; /* what a worker said against it, "": nothing */
    char *job;                      /* the job object's text; owned; NULL after drop */
    size_t job_len;
};

/* 1 to 64 of A-Z a-z 0-9 _ . -, no '.' at the ends or twice in a row. */
bool schedule_name_valid(const char *name);
void schedule_key(const char *tenant, const char *name, char out[SCHEDULE_KEY_MAX + 1]);

/* Reads one entry. Members created_at and since that are missing are stored_at_us. ERR_INVALID:
 * field, found, allowed. *out is to be cleared in any case. */
int schedule_read(const char *key, const char *value, size_t len, int64_t stored_at_us,
                  struct schedule *out, struct err *e);
void schedule_write(const struct schedule *s, struct buf *out);
void schedule_drop_job(struct schedule *s); /* what is left is small: what is due needs no job */
void schedule_clear(struct schedule *s);

/* Whether workers of this configuration can start its job: the tenant is known and takes unsigned
 * jobs, and the job is a good one. ERR_INVALID. */
int schedule_check_job(const struct schedule *s, const struct config *c, struct err *e);

/* "<name>:20261121T100000Z", the id of that tick's job. */
void schedule_tick_id(const struct schedule *s, int64_t tick_s, char out[JOB_ID_MAX + 1]);
/* The job's message: its object with that id. */
void schedule_message(const struct schedule *s, const char *id, struct buf *out);

/* ---- what is due ---- */

enum schedule_step {
    STEP_WAIT,   /* nothing before at_us */
    STEP_START,  /* start the job of tick_s */
    STEP_PASS_BY /* ticks up to tick_s are not started, by policy */
};

struct schedule_due {
    enum schedule_step step;
    int64_t tick_s;
    bool missed;   /* STEP_START: tick_s is later than late_ms */
    int64_t at_us; /* STEP_WAIT: INT64_MAX: never */
};

/* late_ms: SCHEDULE_LATE_MS, or less where the stream's duplicate window is short. Bounded work
 * however long nobody looked. */
void schedule_due(const struct schedule *s, int64_t now_us, int64_t late_ms,
                  struct schedule_due *out);

/* The first tick after after_s that counts, whether paused or not; SCHEDULE_NO_TICK: none. */
int64_t schedule_next(const struct schedule *s, int64_t after_s);
