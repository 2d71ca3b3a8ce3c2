#include "sandbox/host/protocol.h"

#include <string.h>

#include "base/jv.h"
#include "base/mem.h"
#include "base/utf8.h"

#define ALLOW(type) (1u << FRAME_##type)

/* Figures that a cell tells about itself are shown to people and added up: none of them is honestly
 * above a pebibyte. */
#define FIGURE_MAX (UINT64_C(1) << 50)

/* DENIED may come in every state: the filter holds from the seal on. */
static const uint32_t allowed[] = {
    [CELL_STARTING] = ALLOW(READY) | ALLOW(DENIED),
    [CELL_READY] = ALLOW(DENIED),
    [CELL_RUNNING] = ALLOW(OUTPUT) | ALLOW(CALL) | ALLOW(NOTE) | ALLOW(OPEN) | ALLOW(DATA) |
                     ALLOW(WINDOW) | ALLOW(CLOSE) | ALLOW(DONE) | ALLOW(DENIED),
    [CELL_DONE] = 0,
    [CELL_GONE] = 0,
};

static void move(struct protocol *p, struct inbox *in, enum cell_state to)
{
    bool back = p->state == CELL_RUNNING && to == CELL_READY;
    CHECK(back || (int)to == (int)p->state + 1);
    p->state = to;
    in->allowed = allowed[to];
}

void protocol_init(struct protocol *p, struct inbox *in)
{
    memset(p, 0, sizeof *p);
    p->state = CELL_STARTING;
    p->text.secret = true; /* both may have what a script says of a secret */
    in->held.secret = true;
    in->allowed = allowed[CELL_STARTING];
}

void protocol_free(struct protocol *p)
{
    buf_free(&p->text);
}

void protocol_invoke(struct protocol *p, struct inbox *in, uint64_t invocation,
                     uint64_t value_bytes, bool reuse)
{
    CHECK(invocation > p->invocation);
    move(p, in, CELL_RUNNING);
    p->invocation = invocation;
    p->reuse = reuse;
    p->value_max = value_bytes < FRAME_VALUE_MAX ? value_bytes : FRAME_VALUE_MAX;
    p->credit = FRAME_OUTPUT_WINDOW;
    p->consumed = 0;
    p->calls = 0; /* of the one before: they get no answer */
    p->streams = 0;
    buf_clear(&p->text);
    in->done_max = (uint32_t)(sizeof(struct frame_done) + p->value_max + 3 * FRAME_TEXT_MAX);
}

void protocol_expect_code(struct protocol *p, struct inbox *in)
{
    CHECK(p->state == CELL_RUNNING);
    in->allowed = ALLOW(CODE) | ALLOW(DONE) | ALLOW(DENIED);
}

/* Names end up in messages and log lines. */
static bool plain_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
        if (!ok)
            return false;
    }
    return len >= 1 && len <= FRAME_CALL_NAME_MAX;
}

static enum said take_output(struct protocol *p, const struct frame *f, const char *payload,
                             struct saying *out, const char **why)
{
    out->stream = (unsigned char)payload[0];
    out->text = payload + 1;
    out->len = f->len - 1;
    if (out->stream != FRAME_STDOUT && out->stream != FRAME_STDERR)
        *why = "OUTPUT for a stream that is neither stdout nor stderr";
    else if (f->len > p->credit)
        *why = "OUTPUT beyond its credit";
    else {
        p->credit -= f->len;
        p->consumed += f->len;
        return SAID_OUTPUT;
    }
    return SAID_BREACH;
}

static bool call_in_flight(const struct protocol *p, uint64_t id, uint32_t *at)
{
    for (uint32_t i = 0; i < p->calls; i++)
        if (p->call[i] == id) {
            *at = i;
            return true;
        }
    return false;
}

static enum said take_call(struct protocol *p, const struct frame *f, const char *payload,
                           struct saying *out, const char **why)
{
    struct frame_call head;
    uint32_t at;
    memcpy(&head, payload, sizeof head);
    size_t left = f->len - sizeof head;
    if (head.name_len > left || !plain_name(payload + sizeof head, head.name_len)) {
        *why = "a host call whose name is not 1 to 64 letters, digits, '_', '-', '.'";
        return SAID_BREACH;
    }
    out->name = payload + sizeof head;
    out->name_len = head.name_len;
    out->text = out->name + head.name_len;
    out->len = left - head.name_len;
    if (out->len > FRAME_CALL_MAX) {
        *why = "a host call with more JSON than is allowed";
        return SAID_BREACH;
    }
    if (f->type == FRAME_NOTE)
        return SAID_CALL;
    out->id = f->id;
    if (f->id == 0)
        *why = "a host call without a number";
    else if (call_in_flight(p, f->id, &at))
        *why = "a host call with the number of one that is in flight";
    else if (p->calls == FRAME_CALLS_MAX)
        *why = "too many host calls in flight";
    else {
        p->call[p->calls++] = f->id;
        return SAID_CALL;
    }
    return SAID_BREACH;
}

/* ---- streams ---- */

/* A cell's own: it may open one and is refused, since there is no kind for it. Until it has read
 * the CLOSE it may send WINDOW and CLOSE for that stream, but no DATA: it was never given credit
 * for any. */
static enum said take_open(struct protocol *p, const struct frame *f, const char *payload,
                           struct saying *out, const char **why)
{
    struct frame_open head;
    memcpy(&head, payload, sizeof head);
    if (f->id <= p->last_stream) {
        *why = "OPEN with a number that is not above the last stream's";
        return SAID_BREACH;
    }
    if (f->id % 2 == 0) {
        *why = "OPEN with a number of the supervisor's";
        return SAID_BREACH;
    }
    if (head.kind_len != f->len - sizeof head ||
        !plain_name(payload + sizeof head, head.kind_len)) {
        *why = "OPEN whose kind is not 1 to 64 letters, digits, '_', '-', '.'";
        return SAID_BREACH;
    }
    p->last_stream = f->id;
    out->id = f->id;
    out->name = payload + sizeof head;
    out->name_len = head.kind_len;
    return SAID_OPEN;
}

static struct protocol_stream *find_stream(const struct protocol *p, uint64_t id)
{
    for (uint32_t i = 0; i < p->streams; i++)
        if (p->stream[i].id == id)
            return (struct protocol_stream *)&p->stream[i];
    return NULL;
}

static struct protocol_stream *our_stream(const struct protocol *p, uint64_t id)
{
    struct protocol_stream *s = find_stream(p, id);
    CHECK(s && !s->closing);
    return s;
}

static void remove_stream(struct protocol *p, struct protocol_stream *s)
{
    *s = p->stream[--p->streams];
}

static enum said take_data(struct protocol_stream *s, const struct frame *f, const char *payload,
                           struct saying *out, const char **why)
{
    if (f->len > s->may_come) {
        *why = "DATA beyond its credit";
        return SAID_BREACH;
    }
    s->may_come -= f->len;
    out->text = payload;
    out->len = f->len;
    return s->closing ? SAID_NOTHING : SAID_DATA;
}

static enum said take_window(struct protocol_stream *s, const char *payload, const char **why)
{
    uint32_t more;
    memcpy(&more, payload, sizeof more);
    if (more > FRAME_STREAM_WINDOW - s->may_go) {
        *why = "WINDOW with more credit than a stream may have";
        return SAID_BREACH;
    }
    s->may_go += more;
    return s->closing ? SAID_NOTHING : SAID_WINDOW;
}

static enum said take_close(struct protocol *p, struct protocol_stream *s, const struct frame *f,
                            const char *payload, struct saying *out)
{
    uint32_t ok;
    bool known = s->closing;
    memcpy(&ok, payload, sizeof ok);
    remove_stream(p, s);
    if (known)
        return SAID_NOTHING;
    out->ok = ok != 0;
    buf_clear(&p->text);
    utf8_add_repaired(&p->text, payload + sizeof ok, f->len - sizeof ok);
    out->text = p->text.data ? p->text.data : "";
    out->len = p->text.len;
    return SAID_CLOSE;
}

static enum said take_stream(struct protocol *p, const struct frame *f, const char *payload,
                             struct saying *out, const char **why)
{
    if (f->type == FRAME_OPEN)
        return take_open(p, f, payload, out, why);
    struct protocol_stream *s = find_stream(p, f->id);
    out->id = f->id;
    if (s && f->type == FRAME_DATA)
        return take_data(s, f, payload, out, why);
    if (s && f->type == FRAME_WINDOW)
        return take_window(s, payload, why);
    if (s)
        return take_close(p, s, f, payload, out);
    if (f->type == FRAME_DATA)
        *why = "DATA on a stream that is not open";
    else if (f->id % 2 == 1 && f->id <= p->last_stream)
        return SAID_NOTHING;
    else if (f->id % 2 == 0 && f->id != 0 && f->id <= p->last_opened)
        *why = "WINDOW or CLOSE of a stream that the cell had closed";
    else
        *why = "WINDOW or CLOSE of a stream that never was";
    return SAID_BREACH;
}

uint64_t protocol_open(struct protocol *p, uint32_t window)
{
    CHECK(window <= FRAME_STREAM_WINDOW);
    if (p->streams == FRAME_STREAMS_MAX)
        return 0;
    p->last_opened += 2;
    p->stream[p->streams++] = (struct protocol_stream){.id = p->last_opened, .may_come = window};
    return p->last_opened;
}

uint32_t protocol_room(const struct protocol *p, uint64_t stream)
{
    return our_stream(p, stream)->may_go;
}

void protocol_sent(struct protocol *p, uint64_t stream, uint32_t bytes)
{
    struct protocol_stream *s = our_stream(p, stream);
    CHECK(bytes <= s->may_go);
    s->may_go -= bytes;
}

void protocol_give(struct protocol *p, uint64_t stream, uint32_t bytes)
{
    struct protocol_stream *s = our_stream(p, stream);
    CHECK(bytes <= FRAME_STREAM_WINDOW - s->may_come);
    s->may_come += bytes;
}

void protocol_close(struct protocol *p, uint64_t stream)
{
    our_stream(p, stream)->closing = true;
}

/* ---- DONE ---- */

static uint64_t figure(uint64_t v)
{
    return v < FIGURE_MAX ? v : FIGURE_MAX;
}

static bool done_fits(const struct protocol *p, const struct frame_done *d, size_t len,
                      const char **why)
{
    uint64_t sum = (uint64_t)d->value_len + d->name_len + d->message_len + d->stack_len;
    if (d->end < FRAME_END_OK || d->end > FRAME_END_INTERNAL)
        *why = "DONE with an unknown end";
    else if (sum != len - sizeof *d)
        *why = "DONE whose lengths do not add up to the frame's";
    else if (d->value_len > p->value_max)
        *why = "DONE with a value larger than the invocation allows";
    else if (d->stays > 1 || (d->stays && !p->reuse))
        *why = "DONE that stays without being asked to";
    else if (d->stays && d->end != FRAME_END_OK)
        *why = "DONE that stays behind an end that does not allow it";
    else if (d->value_len > 0 && d->end != FRAME_END_OK)
        *why = "DONE with a value and an error";
    else if (d->name_len > FRAME_TEXT_MAX || d->message_len > FRAME_TEXT_MAX ||
             d->stack_len > FRAME_TEXT_MAX)
        *why = "DONE with a text longer than is allowed";
    else
        return true;
    return false;
}

/* Texts are shown and signed: what is not UTF-8 in them becomes U+FFFD. All three go through one
 * buffer, so pointers are set when it has stopped growing. */
static void repair_texts(struct protocol *p, struct cell_done *d)
{
    struct {
        const char **text;
        size_t *len;
        size_t at;
    } texts[] = {{&d->name, &d->name_len, 0},
                 {&d->message, &d->message_len, 0},
                 {&d->stack, &d->stack_len, 0}};
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        good = good && utf8_valid_prefix(*texts[i].text, *texts[i].len) == *texts[i].len;
    if (good)
        return;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        texts[i].at = p->text.len;
        utf8_add_repaired(&p->text, *texts[i].text, *texts[i].len);
        *texts[i].len = p->text.len - texts[i].at;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i].text = p->text.data + texts[i].at;
}

/* jv_check_inner() takes all that JSON.stringify() writes but thousands of nested arrays: returning
 * those is the script's error and no breach. */
static void check_value(struct protocol *p, struct cell_done *d)
{
    if (d->value_len == 0 || jv_check_inner(d->value, d->value_len))
        return;
    buf_clear(&p->text);
    buf_addf(
        &p->text,
        "the value cannot be kept as a result: it must be one JSON text, at most %d levels deep",
        JV_INNER_DEPTH_MAX);
    d->end = FRAME_END_THREW;
    d->name = "TypeError";
    d->name_len = strlen(d->name);
    d->message = p->text.data;
    d->message_len = p->text.len;
    d->value_len = d->stack_len = 0;
}

static enum said take_done(struct protocol *p, struct inbox *in, const struct frame *f,
                           const char *payload, struct saying *out, const char **why)
{
    struct frame_done head;
    struct cell_done *d = &out->done;
    memcpy(&head, payload, sizeof head);
    if (!done_fits(p, &head, f->len, why))
        return SAID_BREACH;
    const char *at = payload + sizeof head;
    *d = (struct cell_done){
        .end = (int)head.end,
        .line = head.line,
        .column = head.column,
        .value = at,
        .value_len = head.value_len,
        .name = at + head.value_len,
        .name_len = head.name_len,
        .message = at + head.value_len + head.name_len,
        .message_len = head.message_len,
        .stack = at + head.value_len + head.name_len + head.message_len,
        .stack_len = head.stack_len,
        .heap_peak = figure(head.heap_peak),
        .memory_peak = figure(head.memory_peak),
        .stdout_total = figure(head.stdout_total),
        .stderr_total = figure(head.stderr_total),
        .over_bytes = figure(head.over_bytes),
        .stays = head.stays,
    };
    if (d->stays && in->behind > 0 && p->line == 0) {
        *why = "it said more behind a DONE that stays";
        return SAID_BREACH;
    }
    repair_texts(p, d);
    check_value(p, d);
    move(p, in, d->stays ? CELL_READY : CELL_DONE);
    return SAID_DONE;
}

/* ---- all of them ---- */

enum said protocol_take(struct protocol *p, struct inbox *in, const struct frame *f,
                        const char *payload, struct saying *out, const char **why)
{
    memset(out, 0, sizeof *out);
    bool of_invocation = f->type == FRAME_OUTPUT || f->type == FRAME_NOTE ||
                         f->type == FRAME_CODE || f->type == FRAME_DONE;
    if (of_invocation && f->id != p->invocation) {
        *why = "a frame of another invocation";
        return SAID_BREACH;
    }
    switch ((enum frame_type)f->type) {
    case FRAME_READY:
        if (f->id != 0) {
            *why = "READY with a number";
            return SAID_BREACH;
        }
        move(p, in, CELL_READY);
        return SAID_READY;
    case FRAME_OUTPUT:
        return take_output(p, f, payload, out, why);
    case FRAME_CALL:
    case FRAME_NOTE:
        return take_call(p, f, payload, out, why);
    case FRAME_OPEN:
    case FRAME_DATA:
    case FRAME_WINDOW:
    case FRAME_CLOSE:
        return take_stream(p, f, payload, out, why);
    case FRAME_CODE:
        in->allowed &= ~ALLOW(CODE);
        out->text = payload;
        out->len = f->len;
        return SAID_CODE;
    case FRAME_DONE:
        return take_done(p, in, f, payload, out, why);
    case FRAME_DENIED:
        memcpy(&out->syscall, payload, sizeof out->syscall);
        return SAID_DENIED;
    case FRAME_INVOKE:
    case FRAME_CREDIT:
    case FRAME_REPLY:
    case FRAME_TYPES:
        break;
    }
    CHECK(!"a frame that inbox_feed() should have stopped");
    return SAID_BREACH;
}

uint32_t protocol_credit_due(struct protocol *p)
{
    if (p->consumed < FRAME_OUTPUT_WINDOW / 2)
        return 0;
    uint32_t due = p->consumed;
    p->credit += due;
    p->consumed = 0;
    return due;
}

bool protocol_answered(struct protocol *p, uint64_t call_id)
{
    uint32_t at;
    if (!call_in_flight(p, call_id, &at))
        return false;
    p->call[at] = p->call[--p->calls];
    return true;
}
