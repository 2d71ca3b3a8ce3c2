/* Bytes → frames → what they say, without any process: every way of cutting the stream, and the
 * bounds that a live supervisor cannot be brought to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox/host/protocol.h"

struct heard {
    struct protocol p;
    struct inbox in;
    struct buf log; /* a letter for each saying, and the text of OUTPUT */
    const char *why;
    bool give_credit;
};

static int on_frame(const struct frame *f, const char *payload, void *arg)
{
    struct heard *h = arg;
    struct saying s;
    enum said said = protocol_take(&h->p, &h->in, f, payload, &s, &h->why);
    if (said == SAID_BREACH)
        return 1;
    buf_addc(&h->log, "nroCskDx"[said]);
    if (said == SAID_OUTPUT)
        buf_add(&h->log, s.text, s.len);
    if (said == SAID_OUTPUT && h->give_credit)
        protocol_credit_due(&h->p);
    return 0;
}

static void begin(struct heard *h)
{
    memset(h, 0, sizeof *h);
    h->give_credit = true;
    protocol_init(&h->p, &h->in);
}

static void end(struct heard *h)
{
    inbox_free(&h->in);
    protocol_free(&h->p);
    buf_free(&h->log);
}

static void add(struct buf *b, enum frame_type type, uint64_t id, const void *payload, size_t len)
{
    struct frame f = {.len = (uint32_t)len, .type = (uint16_t)type, .id = id};
    buf_add(b, &f, sizeof f);
    buf_add(b, payload, len);
}

static void add_done(struct buf *b, const char *value)
{
    struct buf p = {0};
    struct frame_done d = {.end = FRAME_END_OK, .value_len = (uint32_t)strlen(value)};
    buf_add(&p, &d, sizeof d);
    buf_adds(&p, value);
    add(b, FRAME_DONE, 7, p.data, p.len);
    buf_free(&p);
}

/* READY, then (invoked) two lines, a call and DONE. */
static void add_life(struct buf *b)
{
    add(b, FRAME_OUTPUT, 7, "\1abc", 4);
    add(b, FRAME_OUTPUT, 7, "\2de", 3);
    add(b, FRAME_CALL, 1, "\2\0\0\0kv{}", 8);
    add_done(b, "[1]");
}

static int feed(struct heard *h, const char *bytes, size_t len)
{
    return inbox_feed(&h->in, bytes, len, on_frame, h, &h->why);
}

static void make_ready_and_invoke(struct heard *h)
{
    struct buf b = {0};
    add(&b, FRAME_READY, 0, "", 0);
    assert_int_equal(feed(h, b.data, b.len), 0);
    buf_free(&b);
    protocol_invoke(&h->p, &h->in, 7, 1000, false);
}

static void the_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct buf b = {0};
    add_life(&b);
    for (size_t piece = 1; piece <= b.len; piece++) {
        struct heard h;
        begin(&h);
        make_ready_and_invoke(&h);
        for (size_t at = 0; at < b.len; at += piece) {
            size_t n = b.len - at < piece ? b.len - at : piece;
            /* A copy of its own size: reading past it shows under the address sanitizer. */
            char *copy = malloc(n);
            memcpy(copy, b.data + at, n);
            assert_int_equal(feed(&h, copy, n), 0);
            free(copy);
        }
        assert_string_equal(h.log.data, "roabcodeCD");
        assert_int_equal(h.p.state, CELL_DONE);
        end(&h);
    }
    buf_free(&b);
}

static void a_header_alone_takes_no_memory(void **state)
{
    (void)state;
    struct heard h;
    begin(&h);
    make_ready_and_invoke(&h);
    struct frame f = {.len = FRAME_OUTPUT_MAX, .type = FRAME_OUTPUT, .id = 7};
    assert_int_equal(feed(&h, (const char *)&f, sizeof f), 0);
    assert_true(h.in.held.cap < 4096);
    end(&h);
}

static void output_beyond_its_credit_is_a_breach(void **state)
{
    (void)state;
    struct heard h;
    struct buf b = {0};
    char *text = mem_alloc(FRAME_OUTPUT_MAX + 1);
    text[0] = FRAME_STDOUT;
    begin(&h);
    make_ready_and_invoke(&h);
    h.give_credit = false;
    add(&b, FRAME_OUTPUT, 7, text, FRAME_OUTPUT_MAX);
    for (size_t sent = 0; sent + FRAME_OUTPUT_MAX <= FRAME_OUTPUT_WINDOW; sent += FRAME_OUTPUT_MAX)
        assert_int_equal(feed(&h, b.data, b.len), 0);
    assert_int_equal(feed(&h, b.data, b.len), 1);
    assert_non_null(strstr(h.why, "credit"));
    free(text);
    buf_free(&b);
    end(&h);
}

static void credit_comes_back_when_half_is_used(void **state)
{
    (void)state;
    struct heard h;
    begin(&h);
    make_ready_and_invoke(&h);
    h.p.consumed = FRAME_OUTPUT_WINDOW / 2 - 1;
    h.p.credit = FRAME_OUTPUT_WINDOW - h.p.consumed;
    assert_int_equal(protocol_credit_due(&h.p), 0);
    h.p.consumed++;
    h.p.credit--;
    assert_int_equal(protocol_credit_due(&h.p), FRAME_OUTPUT_WINDOW / 2);
    assert_int_equal(h.p.credit, FRAME_OUTPUT_WINDOW);
    end(&h);
}

static void nothing_but_ready_or_denied_comes_first(void **state)
{
    (void)state;
    for (int type = FRAME_READY + 1; type < FRAME_TYPES; type++) {
        struct heard h;
        struct buf b = {0};
        char payload[256] = {1};
        begin(&h);
        add(&b, (enum frame_type)type, 7, payload, frame_table[type].min);
        assert_int_equal(feed(&h, b.data, b.len), type == FRAME_DENIED ? 0 : -1);
        buf_free(&b);
        end(&h);
    }
}

static void every_type_has_its_bounds(void **state)
{
    (void)state;
    const char *why;
    for (uint16_t type = FRAME_READY; type < FRAME_TYPES; type++) {
        const struct frame_rule *r = &frame_table[type];
        struct frame f = {.len = r->min, .type = type};
        assert_non_null(r->name);
        assert_true(r->from_cell || r->from_host);
        assert_int_equal(frame_check(&f, r->from_cell, &why), 0);
        f.len = r->max;
        assert_int_equal(frame_check(&f, r->from_cell, &why), 0);
        f.len = r->max + 1;
        assert_int_equal(frame_check(&f, r->from_cell, &why), -1);
        f.len = r->min - 1; /* 0 - 1 is above every max */
        assert_int_equal(frame_check(&f, r->from_cell, &why), -1);
    }
}

static void a_value_may_be_as_large_as_the_invocation_says(void **state)
{
    (void)state;
    for (size_t len = 999; len <= 1001; len++) {
        struct heard h;
        struct buf b = {0};
        char value[1002];
        memset(value, '1', len);
        value[len] = '\0';
        begin(&h);
        make_ready_and_invoke(&h);
        add_done(&b, value);
        int rc = feed(&h, b.data, b.len);
        assert_int_equal(rc == 0, len <= 1000);
        buf_free(&b);
        end(&h);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(the_stream_may_be_cut_anywhere),
        T(a_header_alone_takes_no_memory),
        T(output_beyond_its_credit_is_a_breach),
        T(credit_comes_back_when_half_is_used),
        T(nothing_but_ready_or_denied_comes_first),
        T(every_type_has_its_bounds),
        T(a_value_may_be_as_large_as_the_invocation_says),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
