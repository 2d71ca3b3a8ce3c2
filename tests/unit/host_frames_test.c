/* Every frame that a cell can send, in every state, without processes: type × direction × length ×
 * flags × number, against what sandbox/frame.h says in words; and the same bytes cut everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox/host/protocol.h"

#define INVOCATION 7
#define VALUE_MAX  1000

struct side {
    struct protocol p;
    struct inbox in;
    int frames, breaches, dones;
    const char *why;
};

static int on_frame(const struct frame *f, const char *payload, void *arg)
{
    struct side *s = arg;
    struct saying said;
    s->frames++;
    enum said what = protocol_take(&s->p, &s->in, f, payload, &said, &s->why);
    s->breaches += what == SAID_BREACH;
    s->dones += what == SAID_DONE;
    return what == SAID_BREACH;
}

/* False: a breach. */
static bool feed(struct side *s, const void *bytes, size_t len)
{
    char *exact = mem_copy(bytes, len);
    int rc = inbox_feed(&s->in, exact, len, on_frame, s, &s->why);
    free(exact);
    if (rc < 0)
        s->breaches++;
    if (s->breaches)
        assert_non_null(s->why);
    return s->breaches == 0;
}

static void bring_to(struct side *s, enum cell_state state)
{
    static const struct frame ready = {.type = FRAME_READY};
    struct {
        struct frame head;
        struct frame_done body;
    } done = {{.len = sizeof(struct frame_done), .type = FRAME_DONE, .id = INVOCATION},
              {.end = FRAME_END_OK}};
    memset(s, 0, sizeof *s);
    protocol_init(&s->p, &s->in);
    if (state >= CELL_READY)
        assert_true(feed(s, &ready, sizeof ready));
    if (state >= CELL_RUNNING)
        protocol_invoke(&s->p, &s->in, INVOCATION, VALUE_MAX, false);
    if (state >= CELL_DONE)
        assert_true(feed(s, &done, sizeof done));
    assert_int_equal(s->p.state, state);
}

static void drop(struct side *s)
{
    protocol_free(&s->p);
    inbox_free(&s->in);
}

/* As the table at the head of frame.h has it. */
static bool allowed_in(unsigned type, enum cell_state state)
{
    switch (type) {
    case FRAME_READY:
        return state == CELL_STARTING;
    case FRAME_DENIED:
        return state <= CELL_RUNNING;
    case FRAME_OUTPUT:
    case FRAME_CALL:
    case FRAME_NOTE:
    case FRAME_OPEN:
    case FRAME_DATA:
    case FRAME_WINDOW:
    case FRAME_CLOSE:
    case FRAME_DONE:
        return state == CELL_RUNNING;
    case FRAME_CODE: /* and only where it was asked for: host_code_test.c */
    default:
        return false; /* the other side's, and those that are none */
    }
}

static bool header_is_legal(const struct frame *f, enum cell_state state)
{
    if (!allowed_in(f->type, state) || f->flags)
        return false;
    const struct frame_rule *r = &frame_table[f->type];
    uint32_t most = r->max;
    if (f->type == FRAME_DONE) /* the invocation's own bound */
        most = (uint32_t)(sizeof(struct frame_done) + VALUE_MAX + 3 * FRAME_TEXT_MAX);
    return f->len >= r->min && f->len <= most;
}

static const uint16_t types[] = {0,  1,  2,  3,  4,  5,  6,   7,      8,     9,
                                 10, 11, 12, 13, 14, 15, 255, 0x7fff, 0xffff};
static const enum cell_state states[] = {CELL_STARTING, CELL_READY, CELL_RUNNING, CELL_DONE};

/* Headers alone: what is wrong is found before a byte of payload is kept. */
static void headers_in_every_state(void **state)
{
    (void)state;
    int tried = 0, legal = 0;
    for (size_t s = 0; s < ARRAY_LEN(states); s++)
        for (size_t t = 0; t < ARRAY_LEN(types); t++) {
            const struct frame_rule *r = &frame_table[types[t] < FRAME_TYPES ? types[t] : 0];
            const uint32_t lens[] = {0,          1,           r->min - 1,      r->min,
                                     r->max,     r->max + 1,  FRAME_VALUE_MAX, FRAME_INVOKE_MAX,
                                     0x7fffffff, 0x80000000u, 0xfffffff0u,     0xffffffffu};
            static const uint16_t flags[] = {0, 1, 0x8000, 0xffff};
            for (size_t l = 0; l < ARRAY_LEN(lens); l++)
                for (size_t g = 0; g < ARRAY_LEN(flags); g++) {
                    struct side x;
                    const struct frame f = {
                        .len = lens[l], .type = types[t], .flags = flags[g], .id = INVOCATION};
                    bool good = header_is_legal(&f, states[s]);
                    bring_to(&x, states[s]);
                    /* READY is whole with its header, and has no number. */
                    struct frame sent = f;
                    sent.id = f.type == FRAME_READY ? 0 : f.id;
                    if (feed(&x, &sent, sizeof sent) != good)
                        fail_msg("type %u, length %u, flags %u in state %d: %s", f.type, f.len,
                                 f.flags, (int)states[s], good ? x.why : "was let through");
                    assert_true(x.in.held.cap <= 4096); /* no memory for what is claimed */
                    drop(&x);
                    tried++;
                    legal += good;
                }
        }
    print_message("# %d headers, %d of them legal\n", tried, legal);
    assert_true(legal > 10);
}

/* The least payload of each type that means something; *id is what its number may be. */
static size_t least(uint16_t type, char payload[128], uint64_t *id)
{
    const struct frame_call call = {.name_len = 1};
    const struct frame_open open = {.kind_len = 1};
    const struct frame_done done = {.end = FRAME_END_OK};
    *id = INVOCATION;
    memset(payload, 0, 128);
    switch (type) {
    case FRAME_READY:
        *id = 0;
        return 0;
    case FRAME_OUTPUT:
        payload[0] = FRAME_STDOUT;
        return 2;
    case FRAME_CALL:
        *id = 3;
        memcpy(payload, &call, sizeof call);
        payload[sizeof call] = 'a';
        return sizeof call + 1;
    case FRAME_NOTE:
        memcpy(payload, &call, sizeof call);
        payload[sizeof call] = 'a';
        return sizeof call + 1;
    case FRAME_OPEN:
        *id = 3;
        memcpy(payload, &open, sizeof open);
        payload[sizeof open] = 'a';
        return sizeof open + 1;
    case FRAME_DONE:
        memcpy(payload, &done, sizeof done);
        return sizeof done;
    default:
        return 4; /* DENIED */
    }
}

static size_t whole(uint16_t type, uint64_t id, char out[256])
{
    char payload[128];
    uint64_t own;
    size_t len = least(type, payload, &own);
    const struct frame f = {.len = (uint32_t)len, .type = type, .id = id == UINT64_MAX ? own : id};
    memcpy(out, &f, sizeof f);
    memcpy(out + sizeof f, payload, len);
    return sizeof f + len;
}

#define RIGHT_NUMBER UINT64_MAX

static void numbers_of_others(void **state)
{
    (void)state;
    static const uint16_t of_invocation[] = {FRAME_OUTPUT, FRAME_NOTE, FRAME_DONE};
    static const uint64_t wrong[] = {
        0, 1, INVOCATION - 1, INVOCATION + 1, UINT64_C(1) << 32 | 7, UINT64_MAX - 1};
    char bytes[256];
    struct side x;
    for (size_t t = 0; t < ARRAY_LEN(of_invocation); t++)
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
            bring_to(&x, CELL_RUNNING);
            assert_false(feed(&x, bytes, whole(of_invocation[t], wrong[i], bytes)));
            assert_int_equal(x.dones, 0);
            drop(&x);
        }
    static const uint16_t of_own[] = {FRAME_CALL, FRAME_OPEN, FRAME_WINDOW, FRAME_CLOSE,
                                      FRAME_DATA};
    for (size_t t = 0; t < ARRAY_LEN(of_own); t++) {
        bring_to(&x, CELL_RUNNING);
        assert_false(feed(&x, bytes, whole(of_own[t], 0, bytes)));
        drop(&x);
    }
    bring_to(&x, CELL_STARTING);
    assert_false(feed(&x, bytes, whole(FRAME_READY, 1, bytes)));
    drop(&x);
}

static const uint16_t legal[] = {FRAME_OUTPUT, FRAME_CALL, FRAME_NOTE,
                                 FRAME_OPEN,   FRAME_DONE, FRAME_DENIED};

/* In pieces of every size, and in two parts cut at every byte: the same is understood. */
static void cut_everywhere(void **state)
{
    (void)state;
    char bytes[256];
    for (size_t t = 0; t < ARRAY_LEN(legal); t++) {
        size_t len = whole(legal[t], RIGHT_NUMBER, bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            struct side x;
            bring_to(&x, CELL_RUNNING);
            int before = x.frames;
            assert_true(feed(&x, bytes, cut));
            assert_int_equal(x.frames - before, cut == len); /* nothing before it is whole */
            assert_true(feed(&x, bytes + cut, len - cut));
            assert_int_equal(x.frames - before, 1);
            drop(&x);
            bring_to(&x, CELL_RUNNING);
            for (size_t at = 0; cut > 0 && at < len; at += cut)
                assert_true(feed(&x, bytes + at, len - at < cut ? len - at : cut));
            assert_int_equal(x.frames - before, cut > 0);
            drop(&x);
        }
    }
}

static void everything_twice(void **state)
{
    (void)state;
    /* What a second one of the same is: fine, or a breach. */
    static const struct {
        uint16_t type;
        bool fine;
    } again[] = {{FRAME_OUTPUT, true}, {FRAME_NOTE, true},  {FRAME_DENIED, true},
                 {FRAME_CALL, false},  {FRAME_OPEN, false}, {FRAME_DONE, false}};
    for (size_t i = 0; i < ARRAY_LEN(again); i++) {
        char bytes[256];
        struct side x;
        size_t len = whole(again[i].type, RIGHT_NUMBER, bytes);
        bring_to(&x, CELL_RUNNING);
        assert_true(feed(&x, bytes, len));
        assert_int_equal(feed(&x, bytes, len), again[i].fine);
        assert_int_equal(x.dones, again[i].type == FRAME_DONE);
        drop(&x);
    }
}

static void credit_is_counted_to_the_byte(void **state)
{
    (void)state;
    struct side x;
    char *bytes = mem_alloc(sizeof(struct frame) + 1 + FRAME_OUTPUT_MAX);
    struct frame f = {.len = 1 + FRAME_OUTPUT_MAX, .type = FRAME_OUTPUT, .id = INVOCATION};
    bring_to(&x, CELL_RUNNING);
    uint32_t left = FRAME_OUTPUT_WINDOW;
    while (left > 0) {
        f.len = left < 1 + FRAME_OUTPUT_MAX ? left : 1 + FRAME_OUTPUT_MAX;
        memcpy(bytes, &f, sizeof f);
        bytes[sizeof f] = FRAME_STDERR;
        assert_true(feed(&x, bytes, sizeof f + f.len));
        left -= f.len;
    }
    f.len = 2;
    memcpy(bytes, &f, sizeof f);
    assert_false(feed(&x, bytes, sizeof f + 2));
    assert_string_equal(x.why, "OUTPUT beyond its credit");
    drop(&x);
    free(bytes);
}

/* ---- streams of ours ---- */

/* A frame of a stream into a running cell's protocol. */
static bool say(struct side *x, uint16_t type, uint64_t id, const void *payload, size_t len)
{
    char *bytes = mem_alloc(sizeof(struct frame) + len);
    const struct frame f = {.len = (uint32_t)len, .type = type, .id = id};
    memcpy(bytes, &f, sizeof f);
    memcpy(bytes + sizeof f, payload, len);
    bool fine = feed(x, bytes, sizeof f + len);
    free(bytes);
    return fine;
}

static bool say_word(struct side *x, uint16_t type, uint64_t id, uint32_t word)
{
    return say(x, type, id, &word, sizeof word);
}

static void breach_is(struct side *x, const char *why)
{
    assert_int_equal(x->breaches, 1);
    assert_string_equal(x->why, why);
    drop(x);
}

static void data_of_a_stream_needs_credit_to_the_byte(void **state)
{
    (void)state;
    static const char bytes[200];
    struct side x;
    bring_to(&x, CELL_RUNNING);
    uint64_t id = protocol_open(&x.p, 150);
    assert_int_equal(id, 2);
    assert_true(say(&x, FRAME_DATA, id, bytes, 100));
    assert_true(say(&x, FRAME_DATA, id, bytes, 50));
    protocol_give(&x.p, id, 7);
    assert_true(say(&x, FRAME_DATA, id, bytes, 7));
    assert_false(say(&x, FRAME_DATA, id, bytes, 1));
    breach_is(&x, "DATA beyond its credit");

    bring_to(&x, CELL_RUNNING); /* of another stream's credit */
    protocol_open(&x.p, 0);
    protocol_open(&x.p, 100);
    assert_true(say(&x, FRAME_DATA, 4, bytes, 100));
    assert_false(say(&x, FRAME_DATA, 2, bytes, 1));
    breach_is(&x, "DATA beyond its credit");
}

static void credit_for_us_is_bounded(void **state)
{
    (void)state;
    struct side x;
    bring_to(&x, CELL_RUNNING);
    uint64_t id = protocol_open(&x.p, 0);
    assert_int_equal(protocol_room(&x.p, id), 0);
    assert_true(say_word(&x, FRAME_WINDOW, id, FRAME_STREAM_WINDOW));
    protocol_sent(&x.p, id, 1000);
    assert_true(say_word(&x, FRAME_WINDOW, id, 1000));
    assert_int_equal(protocol_room(&x.p, id), FRAME_STREAM_WINDOW);
    assert_false(say_word(&x, FRAME_WINDOW, id, 1));
    breach_is(&x, "WINDOW with more credit than a stream may have");
    bring_to(&x, CELL_RUNNING);
    id = protocol_open(&x.p, 0);
    assert_false(say_word(&x, FRAME_WINDOW, id, UINT32_MAX));
    breach_is(&x, "WINDOW with more credit than a stream may have");
}

/* What crosses our CLOSE is dropped, within its credit, until the cell's CLOSE; then the number is
 * dead. */
static void a_stream_is_over_when_both_have_closed(void **state)
{
    (void)state;
    static const char bytes[100];
    struct side x;
    for (int last = 0; last < 4; last++) {
        bring_to(&x, CELL_RUNNING);
        uint64_t id = protocol_open(&x.p, 100);
        assert_true(say_word(&x, FRAME_WINDOW, id, 5));
        protocol_close(&x.p, id);
        assert_true(say(&x, FRAME_DATA, id, bytes, 99));
        assert_true(say_word(&x, FRAME_WINDOW, id, 5));
        if (last == 3) {
            assert_false(say(&x, FRAME_DATA, id, bytes, 2));
            breach_is(&x, "DATA beyond its credit");
            continue;
        }
        assert_true(say_word(&x, FRAME_CLOSE, id, 1));
        assert_int_equal(x.p.streams, 0);
        if (last == 0)
            assert_false(say(&x, FRAME_DATA, id, bytes, 1));
        else
            assert_false(say_word(&x, last == 1 ? FRAME_WINDOW : FRAME_CLOSE, id, 1));
        breach_is(&x, last == 0 ? "DATA on a stream that is not open"
                                : "WINDOW or CLOSE of a stream that the cell had closed");
    }
}

static void the_cell_closes_first(void **state)
{
    (void)state;
    struct side x;
    bring_to(&x, CELL_RUNNING);
    uint64_t id = protocol_open(&x.p, 100);
    assert_true(say(&x, FRAME_CLOSE, id, "\0\0\0\0no\xff", 7));
    assert_string_equal(x.p.text.data, "no\xef\xbf\xbd"); /* shown to people: made valid */
    assert_false(say(&x, FRAME_DATA, id, "x", 1));
    breach_is(&x, "DATA on a stream that is not open");
}

static void numbers_of_streams(void **state)
{
    (void)state;
    static const uint16_t kinds[] = {FRAME_DATA, FRAME_WINDOW, FRAME_CLOSE};
    static const uint64_t wrong[] = {0, 1, 3, 4, 6, UINT64_C(1) << 32 | 2, UINT64_MAX};
    struct side x;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
            bring_to(&x, CELL_RUNNING);
            protocol_open(&x.p, 100);
            assert_false(say_word(&x, kinds[k], wrong[i], 1));
            drop(&x);
        }
    char open[16] = {0, 0, 0, 0, 1, 0, 0, 0, 'a'};
    bring_to(&x, CELL_RUNNING);
    assert_false(say(&x, FRAME_OPEN, 2, open, 9));
    breach_is(&x, "OPEN with a number of the supervisor's");
}

static void as_many_streams_as_there_may_be(void **state)
{
    (void)state;
    struct side x;
    bring_to(&x, CELL_RUNNING);
    for (unsigned i = 1; i <= FRAME_STREAMS_MAX; i++)
        assert_int_equal(protocol_open(&x.p, 0), 2 * i);
    assert_int_equal(protocol_open(&x.p, 0), 0);
    protocol_close(&x.p, 2);
    assert_int_equal(protocol_open(&x.p, 0), 0); /* the cell has not closed it */
    assert_true(say_word(&x, FRAME_CLOSE, 2, 1));
    assert_int_equal(protocol_open(&x.p, 0), 2 * (FRAME_STREAMS_MAX + 1));
    drop(&x);
}

static void a_row_of_frames_behind_done_is_dropped(void **state)
{
    (void)state;
    char bytes[1024];
    struct side x;
    size_t len = whole(FRAME_DONE, RIGHT_NUMBER, bytes);
    for (size_t i = 0; i < ARRAY_LEN(legal); i++)
        len += whole(legal[i], RIGHT_NUMBER, bytes + len);
    bring_to(&x, CELL_RUNNING);
    assert_false(feed(&x, bytes, len));
    assert_int_equal(x.dones, 1); /* on_frame() of cell.c stops there: the breach is never seen */
    drop(&x);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(headers_in_every_state),
        T(numbers_of_others),
        T(cut_everywhere),
        T(everything_twice),
        T(credit_is_counted_to_the_byte),
        T(data_of_a_stream_needs_credit_to_the_byte),
        T(credit_for_us_is_bounded),
        T(a_stream_is_over_when_both_have_closed),
        T(the_cell_closes_first),
        T(numbers_of_streams),
        T(as_many_streams_as_there_may_be),
        T(a_row_of_frames_behind_done_is_dropped),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
