/* How this works
 *
 *   in    store ──data──► held ──room──► stream ──► script      (held: one chunk; then paused)
 *   out   script ──► stream ──► store                           (credit comes back with room)
 *
 * At most MOVES_MAX are under way in this worker, the others wait in the order in which they came:
 * so memory has a bound, whatever scripts do. One chunk and a batch of eight of the store's wait
 * for a script that reads slowly, eight chunks and a window for a store that writes slowly: 1.5 MB
 * each.
 *
 * What comes in is hashed on the way (by the store). Its last bytes are with the script before the
 * hash is known, so a stream that is wrong ends with an error instead of its end. */
#include "executor/services/artifacts_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"

#define MOVES_MAX  32
#define OUT_WINDOW FRAME_STREAM_WINDOW

struct artifact_move {
    struct list node;  /* of the run */
    struct list queue; /* while it waits for its turn */
    struct run_artifacts *run;
    const struct job_artifact *in; /* NULL: out */
    struct output *out;
    struct service_pending *opening; /* the call that is not answered yet */
    struct cell_stream *stream;
    uint64_t size; /* so far */
    bool under_way;
    /* in */
    struct artifact_read *read;
    struct buf held;
    bool all_read;
    struct err bad; /* told when what came before it is with the script */
    /* out */
    struct artifact_write *write;
    uint32_t owed; /* credit to give back with room */
};

static unsigned under_way;
static struct list waiting = {&waiting, &waiting};

static void start(struct artifact_move *m);

static void start_next(void)
{
    while (under_way < MOVES_MAX && !list_empty(&waiting)) {
        struct artifact_move *m =
            CONTAINER_OF(list_pop_front(&waiting), struct artifact_move, queue);
        start(m);
    }
}

struct artifact_move *move_of(struct list *node)
{
    return LIST_ENTRY(node, struct artifact_move, node);
}

/* Everything but the stream's end and the answer, which differ. */
static void release(struct artifact_move *m)
{
    bool was_under_way = m->under_way;
    list_remove(&m->node);
    list_remove(&m->queue);
    if (m->out)
        m->out->move = NULL;
    artifact_read_free(m->read);
    artifact_write_free(m->write);
    buf_free(&m->held);
    free(m);
    if (was_under_way) {
        under_way--;
        start_next();
    }
}

void move_drop(struct artifact_move *m)
{
    cell_stream_close(m->stream, false, NULL);
    release(m);
}

/* ---- to the script ---- */

static void end_in(struct artifact_move *m)
{
    if (m->bad.code)
        service_stream_refuse(m->stream, &m->bad);
    else
        cell_stream_close(m->stream, true, NULL);
    release(m);
}

/* False: m is no more. */
static bool pass_on(struct artifact_move *m)
{
    size_t room;
    while (m->held.len > 0 && (room = cell_stream_room(m->stream)) > 0) {
        size_t n = m->held.len < room ? m->held.len : room;
        cell_stream_write(m->stream, m->held.data, n);
        buf_consume(&m->held, n);
    }
    if (m->held.len == 0 && m->all_read) {
        end_in(m);
        return false;
    }
    return true;
}

static void on_room_of_script(struct cell_stream *s, void *arg)
{
    struct artifact_move *m = arg;
    (void)s;
    if (pass_on(m) && m->held.len == 0 && !m->all_read)
        artifact_read_pause(m->read, false);
}

static void on_script_left(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct artifact_move *m = arg;
    (void)s, (void)ok, (void)text, (void)len;
    m->stream = NULL;
    release(m);
}

static void on_read(const char *data, size_t len, void *arg)
{
    struct artifact_move *m = arg;
    m->size += len;
    buf_add(&m->held, data, len);
    pass_on(m);
    if (m->held.len > 0)
        artifact_read_pause(m->read, true);
}

static void on_read_end(const char *sha256, const struct err *why, void *arg)
{
    struct artifact_move *m = arg;
    if (why) {
        m->bad = *why;
        err_wrap(&m->bad, "artifacts.%s", m->in->name);
    } else if (strcmp(sha256, m->in->sha256)) {
        err_set(&m->bad, ERR_CORRUPT,
                "artifacts.%s: the object '%s' has the SHA-256 %s; the job names %s", m->in->name,
                m->in->object, sha256, m->in->sha256);
    }
    m->all_read = true;
    pass_on(m);
}

/* ---- from the script ---- */

static void fail_out(struct artifact_move *m, const struct err *why)
{
    struct run_artifacts *r = m->run;
    struct output *o = m->out;
    o->failed = true;
    o->why = *why;
    r->left += (int64_t)m->size;
    if (m->stream)
        service_stream_refuse(m->stream, why);
    release(m);
    output_done(r, o);
}

static void on_script_wrote(struct cell_stream *s, const char *bytes, size_t len, void *arg)
{
    struct artifact_move *m = arg;
    struct run_artifacts *r = m->run;
    struct err e = {0};
    m->size += len;
    r->left -= (int64_t)len;
    if (r->left < 0)
        err_set(&e, ERR_LIMIT,
                "artifacts.put: the job has put more than %" PRId64
                " MiB of artifacts; allowed: at most that (limits.artifacts_mb)",
                r->job->limits.v[LIMIT_ARTIFACTS_MB]);
    else if ((int64_t)m->size > r->most_each)
        err_set(&e, ERR_LIMIT,
                "artifacts.put: '%s' has more than %" PRId64
                " MiB; allowed: at most that (nats.artifact_max_mb)",
                m->out->name, r->most_each >> 20);
    if (e.code) {
        fail_out(m, &e);
        return;
    }
    if (artifact_write_add(m->write, bytes, len))
        cell_stream_window(s, (uint32_t)len);
    else
        m->owed += (uint32_t)len;
}

static void on_room_of_store(void *arg)
{
    struct artifact_move *m = arg;
    uint32_t owed = m->owed;
    m->owed = 0;
    if (m->stream)
        cell_stream_window(m->stream, owed);
}

static void on_script_ended(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct artifact_move *m = arg;
    struct err e = {0};
    (void)s;
    m->stream = NULL;
    if (ok) {
        artifact_write_end(m->write); /* m may be no more */
        return;
    }
    err_set(&e, ERR_UNAVAILABLE, "artifacts.put: '%s' was broken off: %.*s", m->out->name, (int)len,
            text);
    fail_out(m, &e);
}

static void on_written(const char *sha256, const struct err *why, void *arg)
{
    struct artifact_move *m = arg;
    struct run_artifacts *r = m->run;
    struct output *o = m->out;
    if (why) {
        fail_out(m, why);
        return;
    }
    memcpy(o->sha256, sha256, SHA256_HEX);
    o->size = m->size;
    release(m);
    output_done(r, o);
}

/* ---- both ---- */

static void on_cancelled(void *arg)
{
    struct artifact_move *m = arg;
    m->opening = NULL; /* its run ends: move_drop() follows */
}

static int open_both(struct artifact_move *m, struct err *e)
{
    static const struct cell_stream_events script_reads = {.writable = on_room_of_script,
                                                           .closed = on_script_left};
    static const struct cell_stream_events script_writes = {.data = on_script_wrote,
                                                            .closed = on_script_ended};
    static const struct artifact_read_events read_events = {on_read, on_read_end};
    static const struct artifact_write_events write_events = {on_room_of_store, on_written};
    struct run_artifacts *r = m->run;
    const char *tenant = r->job->tenant;
    m->stream = cell_stream_open(r->cell, "artifact", m->in ? 0 : OUT_WINDOW,
                                 m->in ? &script_reads : &script_writes, m, e);
    if (!m->stream)
        return e->code;
    int rc = m->in ? artifact_read_begin(r->store, tenant, m->in->object, (uint64_t)m->in->size,
                                         &read_events, m, &m->read, e)
                   : artifact_write_begin(r->store, tenant, m->out->object, &write_events, m,
                                          &m->write, e);
    if (rc) {
        cell_stream_close(m->stream, false, NULL);
        m->stream = NULL;
    }
    return rc;
}

static void start(struct artifact_move *m)
{
    struct err e = {0};
    struct service_pending *opening = m->opening;
    struct buf b = {0};
    struct jsonw w;
    m->opening = NULL;
    m->under_way = true;
    under_way++;
    if (open_both(m, &e)) {
        struct output *o = m->out;
        if (o) {
            o->failed = true;
            o->why = e;
        }
        service_refuse(opening, &e);
        release(m);
        return;
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kint(&w, "stream", (int64_t)cell_stream_number(m->stream));
    jsonw_object_end(&w);
    service_answer(opening, b.data, b.len);
    buf_free(&b);
}

static void begin(struct artifact_move *m, struct run_artifacts *r, const struct service_call *call)
{
    m->run = r;
    m->opening = service_later(call, on_cancelled, m);
    list_push_back(&r->moves, &m->node);
    list_push_back(&waiting, &m->queue);
}

void move_in(struct run_artifacts *r, const struct job_artifact *what,
             const struct service_call *call)
{
    struct artifact_move *m = mem_alloc(sizeof *m);
    m->in = what;
    begin(m, r, call);
    start_next();
}

void move_out(struct run_artifacts *r, struct output *to, const struct service_call *call)
{
    struct artifact_move *m = mem_alloc(sizeof *m);
    m->out = to;
    to->move = m;
    begin(m, r, call);
    start_next();
}
