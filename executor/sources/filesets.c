/* How this works
 *
 *   QUEUED ──turn──► READING ──all bytes──► UNPACKING ──► kept, waiters told
 *                      ▲  └─no answer─► PAUSED (timer)
 *                      └──────────────────┘
 *
 * One fetch for one object of one hash, however many wait for it; when nobody does any more it is
 * dropped (UNPACKING ends first). Waiters are told in a turn of their own. An attempt whose set
 * went away again before its cell was there is given its files at once the next time: so the bound
 * on what is kept never makes two jobs fetch in turns for ever. */
#include "executor/sources/filesets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/artifacts/artifact_store.h"
#include "executor/attempt/attempt_inner.h"
#include "queue/job/archive.h"

#define PAUSE_MS     500 /* doubled after each try that got no answer … */
#define PAUSE_MS_MAX 30000
#define ASKED_MAX    10 /* … which is about three minutes */

struct set_key {
    char tenant[TENANT_NAME_MAX + 1];
    char sha256[SHA256_HEX];
};

struct set {
    struct set_key key;
    struct archive files;
    struct list used; /* of filesets: most recent first */
    UT_hash_handle hh;
};

enum fetch_state { QUEUED, READING, PAUSED, UNPACKING };

struct fileset_fetch {
    struct filesets *owner; /* NULL: nobody wants it (UNPACKING) */
    enum fetch_state state;
    bool over;           /* those that wait are being told */
    struct list node;    /* of filesets.fetches, until it is over */
    struct list waiters; /* fileset_waiter */
    struct set_key key;
    char *object;
    uint64_t size;
    int tries;
    struct artifact_read *read;
    uv_timer_t timer; /* a pause; and `done` behind a failure, in a turn of its own */
    uv_work_t work;
    struct buf data; /* UNPACKING: the thread's */
    struct archive files;
    struct err why;
};

struct filesets {
    uv_loop_t *loop;
    const struct config *config;
    struct artifact_store *store;
    filesets_done done;
    void *arg;
    struct set *by_key;
    struct list used;
    size_t kept; /* bytes */
    struct list fetches;
    int under_way;
};

struct filesets *filesets_new(uv_loop_t *loop, const struct config *c, struct artifact_store *store,
                              filesets_done done, void *arg)
{
    struct filesets *f = mem_alloc(sizeof *f);
    f->loop = loop;
    f->config = c;
    f->store = store;
    f->done = done;
    f->arg = arg;
    list_init(&f->used);
    list_init(&f->fetches);
    return f;
}

/* ---- what is kept ---- */

static void key_of(const struct job *j, struct set_key *out)
{
    memset(out, 0, sizeof *out); /* it is hashed with what lies between */
    memcpy(out->tenant, j->tenant, strlen(j->tenant));
    memcpy(out->sha256, j->archive->sha256, sizeof out->sha256);
}

static size_t weight(const struct archive *a)
{
    return a->len + a->hashes_len;
}

static void drop_set(struct filesets *f, struct set *s)
{
    HASH_DEL(f->by_key, s);
    list_remove(&s->used);
    f->kept -= weight(&s->files);
    archive_free(&s->files);
    free(s);
}

static void keep(struct filesets *f, struct fileset_fetch *fetch)
{
    struct set *s;
    HASH_FIND(hh, f->by_key, &fetch->key, sizeof fetch->key, s);
    if (s)
        return; /* under another name */
    s = mem_alloc(sizeof *s);
    s->key = fetch->key;
    s->files = fetch->files;
    fetch->files = (struct archive){0};
    HASH_ADD(hh, f->by_key, key, sizeof s->key, s);
    list_push_front(&f->used, &s->used);
    f->kept += weight(&s->files);
    while (f->kept > FILESETS_KEPT_MAX && f->used.prev != &s->used)
        drop_set(f, LIST_ENTRY(f->used.prev, struct set, used));
}

bool filesets_take(struct filesets *f, struct attempt *a, int *rc, struct err *e)
{
    struct set_key key;
    struct set *s;
    key_of(a->job, &key);
    HASH_FIND(hh, f->by_key, &key, sizeof key, s);
    if (!s)
        return false;
    list_remove(&s->used);
    list_push_front(&f->used, &s->used);
    *rc = job_take_files(f->config, a->job, &s->files, e);
    return true;
}

/* ---- a fetch ends ---- */

static void start_next(struct filesets *f);

static void on_closed(uv_handle_t *h)
{
    struct fileset_fetch *x = h->data;
    buf_free(&x->data);
    archive_free(&x->files);
    free(x->object);
    free(x);
}

static void stop_reading(struct fileset_fetch *x)
{
    artifact_read_free(x->read);
    x->read = NULL;
}

/* Nobody waits for it any more. */
static void drop_fetch(struct fileset_fetch *x)
{
    struct filesets *f = x->owner;
    CHECK(list_empty(&x->waiters));
    stop_reading(x);
    list_remove(&x->node);
    if (x->state != QUEUED)
        f->under_way--;
    x->owner = NULL;
    if (x->state != UNPACKING)
        uv_close((uv_handle_t *)&x->timer, on_closed);
}

static void tell(struct fileset_fetch *x, const struct err *why)
{
    struct filesets *f = x->owner;
    struct list *node;
    x->over = true;
    list_remove(&x->node);
    while ((node = list_pop_front(&x->waiters))) {
        struct fileset_waiter *w = LIST_ENTRY(node, struct fileset_waiter, node);
        w->fetch = NULL;
        f->done(w->attempt, why, f->arg);
    }
    drop_fetch(x);
    start_next(f);
}

static void unpack(uv_work_t *w)
{
    struct fileset_fetch *x = CONTAINER_OF(w, struct fileset_fetch, work);
    archive_read(x->data.data, x->data.len, &x->files, &x->why);
    buf_free(&x->data);
}

static void on_unpacked(uv_work_t *w, int status)
{
    struct fileset_fetch *x = CONTAINER_OF(w, struct fileset_fetch, work);
    (void)status; /* it is never cancelled */
    if (!x->owner) {
        uv_close((uv_handle_t *)&x->timer, on_closed);
        return;
    }
    if (x->why.code) {
        err_wrap(&x->why, "files.artifact: the object '%s'", x->object);
        x->why.code = ERR_INVALID;
    } else {
        keep(x->owner, x);
    }
    x->state = READING; /* no thread has it */
    tell(x, x->why.code ? &x->why : NULL);
}

/* ---- on its way ---- */

static void start(struct fileset_fetch *x);

static void on_pause_over(uv_timer_t *t)
{
    start(t->data);
}

static void on_told(uv_timer_t *t)
{
    struct fileset_fetch *x = t->data;
    tell(x, &x->why);
}

static bool is_final(int code)
{
    return code == ERR_NOT_FOUND || code == ERR_CORRUPT || code == ERR_INVALID || code == ERR_LIMIT;
}

static void fail(struct fileset_fetch *x, const struct err *why)
{
    x->why = *why;
    stop_reading(x);
    buf_free(&x->data);
    x->state = PAUSED;
    if (is_final(why->code)) {
        err_wrap(&x->why, "files.artifact");
        x->why.code = ERR_INVALID;
    } else if (++x->tries < ASKED_MAX) {
        int64_t pause_ms = (int64_t)PAUSE_MS << (x->tries - 1);
        log_warn("filesets", "object '%s' of tenant %s: %s; asked again", x->object, x->key.tenant,
                 why->msg);
        uv_timer_start(&x->timer, on_pause_over,
                       (uint64_t)(pause_ms < PAUSE_MS_MAX ? pause_ms : PAUSE_MS_MAX), 0);
        return;
    } else {
        err_wrap(&x->why, "files.artifact: the object '%s' was asked for %d times", x->object,
                 ASKED_MAX);
    }
    uv_timer_start(&x->timer, on_told, 0, 0);
}

static void on_data(const char *data, size_t len, void *arg)
{
    struct fileset_fetch *x = arg;
    buf_add(&x->data, data, len);
}

static void on_read(const char *sha256, const struct err *why, void *arg)
{
    struct fileset_fetch *x = arg;
    struct err e = {0};
    if (!why && (x->data.len != x->size || strcmp(sha256, x->key.sha256))) {
        err_set(&e, ERR_CORRUPT,
                "the object '%s' has %zu bytes and the SHA-256 %s; the job names %" PRIu64
                " and %s",
                x->object, x->data.len, sha256, x->size, x->key.sha256);
        why = &e;
    }
    if (why) {
        fail(x, why);
        return;
    }
    stop_reading(x);
    x->state = UNPACKING;
    CHECK(!uv_queue_work(x->owner->loop, &x->work, unpack, on_unpacked));
}

static void start(struct fileset_fetch *x)
{
    static const struct artifact_read_events events = {on_data, on_read};
    struct err e = {0};
    x->state = READING;
    x->why = (struct err){0};
    x->data = (struct buf){.max = ARCHIVE_BYTES_MAX};
    if (!x->owner->store)
        err_set(&e, ERR_NOT_FOUND, "there are no artifacts here");
    else
        artifact_read_begin(x->owner->store, x->key.tenant, x->object, x->size, &events, x,
                            &x->read, &e);
    if (e.code)
        fail(x, &e);
}

static void start_next(struct filesets *f)
{
    LIST_FOREACH(n, &f->fetches)
    {
        struct fileset_fetch *x = LIST_ENTRY(n, struct fileset_fetch, node);
        if (f->under_way >= FILESETS_AT_ONCE)
            return;
        if (x->state != QUEUED)
            continue;
        f->under_way++;
        start(x);
    }
}

/* ---- those that wait ---- */

static struct fileset_fetch *fetch_of(struct filesets *f, const struct job *j)
{
    struct set_key key;
    key_of(j, &key);
    LIST_FOREACH(n, &f->fetches)
    {
        struct fileset_fetch *x = LIST_ENTRY(n, struct fileset_fetch, node);
        if (!memcmp(&x->key, &key, sizeof key) && !strcmp(x->object, j->archive->object) &&
            x->size == (uint64_t)j->archive->size)
            return x;
    }
    struct fileset_fetch *x = mem_alloc(sizeof *x);
    x->owner = f;
    x->key = key;
    x->object = mem_strdup(j->archive->object);
    x->size = (uint64_t)j->archive->size;
    list_init(&x->waiters);
    uv_timer_init(f->loop, &x->timer);
    x->timer.data = x;
    list_push_back(&f->fetches, &x->node);
    return x;
}

void filesets_fetch(struct filesets *f, struct attempt *a)
{
    struct fileset_waiter *w = &a->files;
    CHECK(!w->fetch && a->state == ATTEMPT_PARKED);
    w->attempt = a;
    w->fetch = fetch_of(f, a->job);
    list_push_back(&w->fetch->waiters, &w->node);
    start_next(f);
}

void filesets_forget(struct attempt *a)
{
    struct fileset_fetch *x = a->files.fetch;
    if (!x)
        return;
    struct filesets *f = x->owner;
    a->files.fetch = NULL;
    list_remove(&a->files.node);
    if (x->over || !list_empty(&x->waiters))
        return;
    drop_fetch(x);
    start_next(f);
}

bool filesets_is_waiting(const struct attempt *a)
{
    return a->files.fetch != NULL;
}

void filesets_free(struct filesets *f)
{
    if (!f)
        return;
    CHECK(list_empty(&f->fetches));
    while (!list_empty(&f->used))
        drop_set(f, LIST_ENTRY(f->used.next, struct set, used));
    free(f);
}
