/* How this works
 *
 * protocol.c keeps the account of numbers and credit, also of streams that we have closed and the
 * cell has not. Here is what the others, those in use, mean to a service. A callback may close any
 * of them: lists are walked from their head again after each. */
#include "sandbox/host/cell_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "sandbox/host/cell_inner.h"

struct cell_stream {
    struct list node;
    struct cell *c;
    uint64_t id;
    const struct cell_stream_events *ev;
    void *arg;
    size_t wants; /* room that its service waits for; 0: it does not */
};

static unsigned all_streams;

static void drop(struct cell_stream *s)
{
    list_remove(&s->node);
    all_streams--;
    free(s);
}

static bool is_live(const struct cell *c)
{
    return c->p.state == CELL_RUNNING && c->fd >= 0;
}

struct cell_stream *cell_stream_open(struct cell *c, const char *kind, uint32_t window,
                                     const struct cell_stream_events *ev, void *arg, struct err *e)
{
    CHECK(ev->closed && (ev->data || window == 0));
    if (!is_live(c)) {
        err_set(e, ERR_UNAVAILABLE, "the cell does not run any more");
        return NULL;
    }
    if (all_streams >= CELL_STREAMS_ALL_MAX) {
        err_set(e, ERR_LIMIT,
                "too many streams are open in this worker: at most %d; try again later",
                CELL_STREAMS_ALL_MAX);
        return NULL;
    }
    uint64_t id = protocol_open(&c->p, window);
    if (!id) {
        err_set(e, ERR_LIMIT, "too many streams are open in this job: at most %u",
                FRAME_STREAMS_MAX);
        return NULL;
    }
    struct cell_stream *s = mem_alloc(sizeof *s);
    *s = (struct cell_stream){.c = c, .id = id, .ev = ev, .arg = arg};
    list_push_back(&c->streams, &s->node);
    all_streams++;
    char payload[sizeof(struct frame_open) + FRAME_CALL_NAME_MAX];
    const struct frame_open head = {.window = window, .kind_len = (uint32_t)strlen(kind)};
    CHECK(head.kind_len >= 1 && head.kind_len <= FRAME_CALL_NAME_MAX);
    memcpy(payload, &head, sizeof head);
    memcpy(payload + sizeof head, kind, head.kind_len);
    cell_send_bytes(c, FRAME_OPEN, id, payload, sizeof head + head.kind_len);
    return s;
}

uint64_t cell_stream_number(const struct cell_stream *s)
{
    return s->id;
}

static size_t room(const struct cell_stream *s)
{
    const struct cell *c = s->c;
    size_t waiting = c->out.len - c->out_at;
    if (!is_live(c) || waiting >= CELL_DATA_MAX)
        return 0;
    size_t credit = protocol_room(&c->p, s->id);
    return credit < CELL_DATA_MAX - waiting ? credit : CELL_DATA_MAX - waiting;
}

size_t cell_stream_room(struct cell_stream *s)
{
    size_t n = room(s);
    s->wants = n == 0;
    return n;
}

bool cell_stream_has_room(struct cell_stream *s, size_t n)
{
    const bool has = room(s) >= n;
    CHECK(n <= CELL_STREAM_PIECE_MAX);
    s->wants = has ? 0 : n;
    return has;
}

static bool is_awaited(const struct cell_stream *s)
{
    return s->wants && room(s) >= s->wants;
}

void cell_stream_write(struct cell_stream *s, const char *bytes, size_t len)
{
    if (!is_live(s->c))
        return; /* `closed` follows */
    protocol_sent(&s->c->p, s->id, (uint32_t)len);
    while (len > 0) {
        size_t n = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;
        cell_send_bytes(s->c, FRAME_DATA, s->id, bytes, n);
        bytes += n;
        len -= n;
    }
}

void cell_stream_window(struct cell_stream *s, uint32_t bytes)
{
    if (!is_live(s->c) || bytes == 0)
        return;
    protocol_give(&s->c->p, s->id, bytes);
    cell_send_small(s->c, FRAME_WINDOW, s->id, bytes, NULL, 0);
}

void cell_stream_close(struct cell_stream *s, bool ok, const char *text)
{
    if (!s)
        return;
    if (is_live(s->c)) {
        size_t len = text ? strlen(text) : 0;
        if (len > CELL_STREAM_TEXT_MAX)
            len = utf8_cut(text, len, CELL_STREAM_TEXT_MAX);
        protocol_close(&s->c->p, s->id);
        cell_send_small(s->c, FRAME_CLOSE, s->id, ok, text, len);
    }
    drop(s);
}

/* ---- what the cell does ---- */

static struct cell_stream *find(const struct cell *c, uint64_t id)
{
    LIST_FOREACH(it, &c->streams)
    {
        struct cell_stream *s = LIST_ENTRY(it, struct cell_stream, node);
        if (s->id == id)
            return s;
    }
    CHECK(!"protocol.c knows of a stream in use that there is not");
    return NULL;
}

static void tell_closed(struct cell_stream *s, bool ok, const char *text, size_t len)
{
    list_remove(&s->node); /* first, so that a callback that ends all does not meet it */
    s->ev->closed(s, ok, text, len, s->arg);
    drop(s);
}

static void tell_writable(struct cell_stream *s)
{
    s->wants = 0;
    if (s->ev->writable)
        s->ev->writable(s, s->arg);
}

void cell_stream_said(struct cell *c, enum said said, const struct saying *told)
{
    struct cell_stream *s = find(c, told->id);
    if (said == SAID_DATA) {
        s->ev->data(s, told->text, told->len, s->arg);
    } else if (said == SAID_WINDOW) {
        if (is_awaited(s))
            tell_writable(s);
    } else {
        cell_send_small(c, FRAME_CLOSE, s->id, 1, NULL, 0);
        tell_closed(s, told->ok, told->text, told->len);
    }
}

static struct cell_stream *waiting_one(const struct cell *c)
{
    LIST_FOREACH(it, &c->streams)
    {
        struct cell_stream *s = LIST_ENTRY(it, struct cell_stream, node);
        if (is_awaited(s))
            return s;
    }
    return NULL;
}

void cell_stream_writable(struct cell *c)
{
    struct cell_stream *s;
    while ((s = waiting_one(c))) {
        list_remove(&s->node); /* to the end, so that each has its turn */
        list_push_back(&c->streams, &s->node);
        tell_writable(s);
    }
}

void cell_stream_end_all(struct cell *c)
{
    static const char over[] = "the job's run is over";
    while (!list_empty(&c->streams)) {
        struct cell_stream *s = LIST_ENTRY(c->streams.next, struct cell_stream, node);
        if (is_live(c))
            protocol_close(&c->p, s->id); /* frames that had been sent before may still come */
        tell_closed(s, false, over, sizeof over - 1);
    }
}
