/* Fuzz target: what a cell may send, as noise. The first byte says how the stream is cut into
 * reads, the rest is the stream. An invocation is given as soon as READY has come, and the next
 * when DONE says that the cell stays, so that all states are reached; every other one may be
 * re-used. Every text that is handed on is looked at: reading past it shows under the sanitizer. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "sandbox/host/protocol.h"

#define VALUE_MAX 4096

struct life {
    struct protocol p;
    struct inbox in;
    uint64_t opened; /* number of the last stream of ours */
    const char *why;
    bool second_open, closed;
    uint64_t invocation;
    unsigned seen; /* so that the compiler does not drop the looking */
};

static void look_at(struct life *l, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        l->seen += (unsigned char)text[i];
}

static void look_at_utf8(struct life *l, const char *text, size_t len)
{
    CHECK(utf8_valid_prefix(text, len) == len);
    look_at(l, text, len);
}

/* What a service may do with its streams: three are open at the start, with little, no and full
 * credit; the second is closed by us at the cell's first call. */
static void open_streams(struct life *l)
{
    static const uint32_t windows[] = {100, 0, FRAME_STREAM_WINDOW};
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        l->opened = protocol_open(&l->p, windows[i]);
    l->second_open = true;
}

static void use_stream(struct life *l, enum said said, const struct saying *s)
{
    if (said == SAID_DATA) {
        CHECK(s->len >= 1 && s->len <= FRAME_DATA_MAX);
        if (s->id != 2) /* who gives none back */
            protocol_give(&l->p, s->id, (uint32_t)s->len);
    }
    if (said == SAID_WINDOW && s->id != 2) {
        uint32_t room = protocol_room(&l->p, s->id);
        CHECK(room <= FRAME_STREAM_WINDOW);
        protocol_sent(&l->p, s->id, room / 2);
    }
    if (said == SAID_CLOSE)
        look_at_utf8(l, s->text, s->len);
}

static int on_frame(const struct frame *f, const char *payload, void *arg)
{
    struct life *l = arg;
    struct saying s;
    enum said said = protocol_take(&l->p, &l->in, f, payload, &s, &l->why);
    if (said == SAID_BREACH) {
        CHECK(l->why);
        return 1;
    }
    if (said == SAID_READY)
        protocol_invoke(&l->p, &l->in, ++l->invocation, VALUE_MAX, true);
    if (said == SAID_READY)
        open_streams(l);
    if (said == SAID_CODE)
        look_at(l, s.text, s.len);
    CHECK(l->p.streams <= FRAME_STREAMS_MAX);
    if (said == SAID_CALL && !l->closed && l->second_open) {
        l->closed = true;
        protocol_close(&l->p, 4);
    }
    if (said == SAID_CLOSE && s.id == 4)
        l->second_open = false;
    use_stream(l, said, &s);
    if (said == SAID_CALL && s.id)
        CHECK(l->p.calls <= FRAME_CALLS_MAX && ((s.id & 1) || protocol_answered(&l->p, s.id)));
    if (said == SAID_OUTPUT) {
        CHECK(s.len <= FRAME_OUTPUT_MAX);
        protocol_credit_due(&l->p);
    }
    look_at(l, s.text, s.text ? s.len : 0);
    look_at(l, s.name, s.name ? s.name_len : 0);
    if (said == SAID_DONE) {
        CHECK(s.done.value_len <= VALUE_MAX);
        look_at_utf8(l, s.done.value, s.done.value_len);
        look_at_utf8(l, s.done.name, s.done.name_len);
        look_at_utf8(l, s.done.message, s.done.message_len);
        look_at_utf8(l, s.done.stack, s.done.stack_len);
        CHECK(s.done.stays == (l->p.state == CELL_READY));
        if (!s.done.stays)
            return 1;
        l->invocation++;
        protocol_invoke(&l->p, &l->in, l->invocation, VALUE_MAX, l->invocation % 2);
        if (l->invocation % 2 == 0) /* of that one nothing but code is wanted */
            protocol_expect_code(&l->p, &l->in);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct life l;
    if (size == 0)
        return 0;
    memset(&l, 0, sizeof l);
    protocol_init(&l.p, &l.in);
    size_t piece = (size_t)data[0] + 1, at = 1;
    int rc = 0;
    while (rc == 0 && at < size) {
        size_t n = size - at < piece ? size - at : piece;
        char *copy = mem_copy(data + at, n);
        rc = inbox_feed(&l.in, copy, n, on_frame, &l, &l.why);
        free(copy);
        at += n;
    }
    CHECK(rc >= 0 || l.why);
    inbox_free(&l.in);
    protocol_free(&l.p);
    return 0;
}
