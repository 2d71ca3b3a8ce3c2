#include "executor/cluster/worker_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"

static const char *const state_names[WORKER_STATES] = {"starting", "taking", "draining", "stuck"};

const char *worker_state_name(enum worker_state s)
{
    return state_names[s];
}

/* The members that are texts and numbers, in their order. */
#define TEXT(m)                                                                                    \
    {                                                                                              \
#m, offsetof(struct worker_entry, m), sizeof((struct worker_entry *)0)->m                  \
    }
static const struct {
    const char *name;
    size_t at, size;
} texts[] = {TEXT(worker),  TEXT(instance), TEXT(host),  TEXT(process),
             TEXT(version), TEXT(engine),   TEXT(keyid), TEXT(key)};

#define NUMBER(m)                                                                                  \
    {                                                                                              \
#m, offsetof(struct worker_entry, m)                                                       \
    }
static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    NUMBER(pid),         NUMBER(heartbeat_ms), NUMBER(running),        NUMBER(waiting),
    NUMBER(max_running), NUMBER(cells_ready),  NUMBER(cells_starting), NUMBER(cells_taken),
    NUMBER(done)};
/* Not in the entries of workers that are older. */
static const struct {
    const char *name;
    size_t at;
} later_numbers[] = {NUMBER(code_hits), NUMBER(code_misses), NUMBER(code_kb), NUMBER(branches),
                     NUMBER(branch_jobs)};

static const struct {
    const char *name;
    size_t at;
} times[] = {{"started_at", offsetof(struct worker_entry, started_at_us)},
             {"heartbeat_at", offsetof(struct worker_entry, beat_at_us)}};

void worker_entry_write(const struct worker_entry *w, struct buf *out)
{
    const char *base = (const char *)w;
    struct jsonw j;
    char stamp[CLOCK_RFC3339_LEN];
    jsonw_init(&j, out);
    jsonw_object(&j);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        jsonw_kstr(&j, texts[i].name, base[texts[i].at] ? base + texts[i].at : NULL);
    jsonw_kstr(&j, "state", state_names[w->state]);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        clock_rfc3339(*(const int64_t *)(const void *)(base + times[i].at), stamp);
        jsonw_kstr(&j, times[i].name, stamp);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        jsonw_kint(&j, numbers[i].name, *(const int64_t *)(const void *)(base + numbers[i].at));
    for (size_t i = 0; i < ARRAY_LEN(later_numbers); i++)
        jsonw_kint(&j, later_numbers[i].name,
                   *(const int64_t *)(const void *)(base + later_numbers[i].at));
    jsonw_name(&j, "jail");
    if (*w->jail)
        jsonw_raw(&j, w->jail, strlen(w->jail));
    else
        jsonw_null(&j);
    jsonw_object_end(&j);
}

/* ---- reading ---- */

static int read_texts(const struct jv *doc, char *base, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct jv *v = jv_get(doc, texts[i].name);
        size_t len = 0;
        const char *s = jv_string(v, &len);
        if (jv_type(v) == JV_NULL)
            continue;
        if (!s || len >= texts[i].size || strlen(s) != len)
            return err_set(e, ERR_INVALID, "%s: found %s; allowed: a string of at most %zu bytes",
                           texts[i].name, s ? "a longer one" : jv_type_name(v), texts[i].size - 1);
        memcpy(base + texts[i].at, s, len + 1);
    }
    return 0;
}

static int read_numbers(const struct jv *doc, char *base, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t v = 0;
        if (!jv_int(jv_get(doc, numbers[i].name), &v) || v < 0)
            return err_set(e, ERR_INVALID, "%s: found %s; allowed: a whole number from 0",
                           numbers[i].name, jv_type_name(jv_get(doc, numbers[i].name)));
        *(int64_t *)(void *)(base + numbers[i].at) = v;
    }
    for (size_t i = 0; i < ARRAY_LEN(later_numbers); i++) {
        const struct jv *given = jv_get(doc, later_numbers[i].name);
        int64_t v = 0;
        if (given && (!jv_int(given, &v) || v < 0))
            return err_set(e, ERR_INVALID, "%s: found %s; allowed: a whole number from 0",
                           later_numbers[i].name, jv_type_name(given));
        *(int64_t *)(void *)(base + later_numbers[i].at) = v;
    }
    return 0;
}

static int read_times(const struct jv *doc, char *base, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        int64_t us = 0;
        if (!clock_parse_rfc3339(jv_string(jv_get(doc, times[i].name), NULL), &us))
            return err_set(e, ERR_INVALID, "%s: allowed: a time as in 2026-11-21T10:00:00.000000Z",
                           times[i].name);
        *(int64_t *)(void *)(base + times[i].at) = us;
    }
    return 0;
}

static int read_state(const struct jv *doc, struct worker_entry *out, struct err *e)
{
    const char *name = jv_string(jv_get(doc, "state"), NULL);
    for (int s = 0; name && s < WORKER_STATES; s++)
        if (!strcmp(name, state_names[s])) {
            out->state = (enum worker_state)s;
            return 0;
        }
    return err_set(e, ERR_INVALID,
                   "state: found '%.32s'; allowed: starting, taking, draining, stuck",
                   name ? name : "");
}

static int read_jail(const struct jv *doc, struct worker_entry *out, struct err *e)
{
    const struct jv *jail = jv_get(doc, "jail");
    struct buf b = {0};
    int rc = 0;
    if (jv_type(jail) == JV_NULL)
        return 0;
    jv_dump(jail, &b);
    if (jv_type(jail) != JV_ARRAY || b.len >= sizeof out->jail)
        rc = err_set(e, ERR_INVALID, "jail: found %s; allowed: an array of at most %zu bytes",
                     jv_type_name(jail), sizeof out->jail - 1);
    else
        memcpy(out->jail, b.data, b.len + 1);
    buf_free(&b);
    return rc;
}

int worker_entry_read(const char *json, size_t len, struct worker_entry *out, struct err *e)
{
    struct jv *doc = NULL;
    memset(out, 0, sizeof *out);
    if (len > WORKER_ENTRY_MAX)
        return err_set(e, ERR_INVALID, "entry: found %zu bytes; allowed: at most %d", len,
                       WORKER_ENTRY_MAX);
    int rc = jv_parse(json, len, &doc, e);
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "entry: found %s; allowed: an object", jv_type_name(doc));
    if (!rc)
        rc = read_texts(doc, (char *)out, e);
    if (!rc)
        rc = read_numbers(doc, (char *)out, e);
    if (!rc)
        rc = read_times(doc, (char *)out, e);
    if (!rc)
        rc = read_state(doc, out, e);
    if (!rc)
        rc = read_jail(doc, out, e);
    jv_free(doc);
    return rc;
}

/* ---- which process ---- */

/* Field 22 of /proc/<pid>/stat: ticks since the boot. 0: no such process. */
static unsigned long long start_time(long pid)
{
    char path[64], *text = NULL, *at;
    size_t len;
    unsigned long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (fs_read_file(path, 4096, &text, &len, NULL))
        return 0;
    at = strrchr(text, ')'); /* the name in front of it may hold anything */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    /* A zombie is gone: it has no hands any more. */
    const char *state = strrchr(text, ')');
    if (at && state && state[1] && state[2] != 'Z' && state[2] != 'X')
        ticks = strtoull(at + 1, NULL, 10);
    free(text);
    return ticks;
}

/* "<boot id>/<pid namespace>/": false when the machine does not tell. */
static bool here(char out[WORKER_PROCESS_MAX])
{
    char *boot = NULL, space[64];
    size_t len;
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    if (n <= 0 || fs_read_file("/proc/sys/kernel/random/boot_id", 64, &boot, &len, NULL))
        return false;
    space[n] = 0;
    boot[strcspn(boot, "\n")] = 0;
    int wrote = snprintf(out, WORKER_PROCESS_MAX, "%s/%s/", boot, space);
    free(boot);
    return wrote > 0 && wrote < WORKER_PROCESS_MAX - 48; /* room for the two numbers */
}

void worker_process_self(char out[WORKER_PROCESS_MAX])
{
    char place[WORKER_PROCESS_MAX];
    unsigned long long ticks = start_time((long)getpid());
    out[0] = 0;
    if (ticks && here(place))
        snprintf(out, WORKER_PROCESS_MAX, "%s%ld/%llu", place, (long)getpid(), ticks);
}

bool worker_process_local(const char *process)
{
    char place[WORKER_PROCESS_MAX];
    return here(place) && !strncmp(process, place, strlen(place));
}

bool worker_process_gone(const char *process)
{
    char place[WORKER_PROCESS_MAX], *end;
    if (!here(place) || strncmp(process, place, strlen(place)) != 0)
        return false;
    long pid = strtol(process + strlen(place), &end, 10);
    if (pid < 1 || *end != '/')
        return false;
    return start_time(pid) != strtoull(end + 1, NULL, 10);
}
