/* Streams between a service and a real cell (fake engine): credit both ways, ends, and the bounds
 * of memory towards a cell that does not read. Numbers and credit frame by frame:
 * host_frames_test.c. */
#include <sys/socket.h>

#include "sandbox/host/cell_inner.h"
#include "sandbox/host/cell_stream.h"
#include "tests/unit/host_cells.h"

struct heard {
    int data, writable, closed;
    struct buf bytes, why;
    bool ok;
    struct cell_stream *s;
    size_t give_back;    /* credit for each DATA */
    struct heard *other; /* when told of room, it writes all it may, and asks for the other's */
};

static void on_data(struct cell_stream *s, const char *bytes, size_t len, void *arg)
{
    struct heard *h = arg;
    h->data++;
    buf_add(&h->bytes, bytes, len);
    cell_stream_window(s, (uint32_t)h->give_back);
}

static void on_writable(struct cell_stream *s, void *arg)
{
    struct heard *h = arg;
    static const char bytes[FRAME_STREAM_WINDOW];
    const size_t room = cell_stream_room(s);
    assert_true(room > 0);
    h->writable++;
    if (h->other) {
        cell_stream_write(s, bytes, room);
        assert_int_equal(cell_stream_room(h->other->s), 0);
    }
}

static void on_closed(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg)
{
    struct heard *h = arg;
    (void)s;
    h->closed++;
    h->ok = ok;
    h->s = NULL;
    buf_add(&h->why, text, len);
}

static const struct cell_stream_events events = {
    .data = on_data, .writable = on_writable, .closed = on_closed};

static void open_one(struct seen *s, struct heard *h, uint32_t window)
{
    struct err e = {0};
    memset(h, 0, sizeof *h);
    h->s = cell_stream_open(s->c, "test", window, &events, h, &e);
    if (!h->s)
        fail_msg("cell_stream_open: %s", e.msg);
}

static void free_heard(struct heard *h)
{
    buf_free(&h->bytes);
    buf_free(&h->why);
}

/* A cell whose script has begun and waits (`note a` says so). */
static void start(struct world *w, struct seen *s, const char *script)
{
    char text[4096];
    snprintf(text, sizeof text, "note a 1\n%s", script);
    fork_ready(w, s);
    invoke(s, text);
    run_until(w, &s->notes, 1, "the script's note");
}

static void both_ways_and_a_good_end(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard h;
    /* The first OPEN, then WINDOW for us: DATA comes, CLOSE comes; 68656c6c6f is hello. */
    start(w, &s,
          "listen 1\nframe 9 2 68656c6c6f\nframe 10 2 05000000\nlisten 2\nframe 11 2 01000000\n"
          "print done");
    open_one(&s, &h, 5);
    assert_int_equal(cell_stream_number(h.s), 2);
    assert_int_equal(cell_stream_room(h.s), 0);
    run_until(w, &h.writable, 1, "room");
    assert_int_equal(cell_stream_room(h.s), 5);
    cell_stream_write(h.s, "world", 5);
    assert_int_equal(cell_stream_room(h.s), 0);
    cell_stream_close(h.s, true, "fine");
    run_until(w, &s.gone, 1, "the end");
    assert_null(s.g.breach);
    assert_string_equal(text_of(&h.bytes), "hello");
    assert_int_equal(h.closed, 0); /* we closed it: nothing more is told */
    assert_string_equal(text_of(&s.out),
                        "stream open 2 5\nstream data 2 5 world\nstream close 2 1 fine\ndone\n");
    free_heard(&h);
    forget(&s);
}

static void the_cell_closes_and_is_answered(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard h;
    start(w, &s, "listen 1\nframe 11 2 000000006e6f\nlisten 1");
    open_one(&s, &h, 0);
    run_until(w, &s.gone, 1, "the end");
    assert_null(s.g.breach);
    assert_int_equal(h.closed, 1);
    assert_false(h.ok);
    assert_string_equal(text_of(&h.why), "no");
    assert_string_equal(text_of(&s.out), "stream open 2 0\nstream close 2 1 \n");
    free_heard(&h);
    forget(&s);
}

/* However a run ends, each of its streams is told once. */
static void a_run_that_ends_closes_its_streams(void **state)
{
    static const char *const scripts[] = {"value 1", "exit 3", "segv", "frame 9 2 00\nspin",
                                          "spin"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct seen s;
        struct heard h[3];
        char script[100];
        snprintf(script, sizeof script, "listen 3\n%s", scripts[i]);
        start(w, &s, script);
        for (int k = 0; k < 3; k++)
            open_one(&s, &h[k], 0);
        if (i == 4)
            cell_kill(s.c);
        run_until(w, &s.gone, 1, scripts[i]);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(h[k].closed, 1);
            assert_false(h[k].ok);
            assert_string_equal(text_of(&h[k].why), "the job's run is over");
            free_heard(&h[k]);
        }
        assert_int_equal(s.g.breach != NULL, i == 3);
        forget(&s);
    }
}

static void no_stream_without_a_running_script(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard h = {0};
    struct err e = {0};
    fork_ready(w, &s);
    assert_null(cell_stream_open(s.c, "test", 0, &events, &h, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "the end");
    forget(&s);
}

static void a_cell_has_so_many_streams(void **state)
{
    struct world *w = *state;
    struct seen s;
    static struct heard h[FRAME_STREAMS_MAX];
    struct err e = {0};
    start(w, &s, "listen 1000");
    for (unsigned i = 0; i < FRAME_STREAMS_MAX; i++)
        open_one(&s, &h[i], 0);
    assert_null(cell_stream_open(s.c, "test", 0, &events, &h[0], &e));
    assert_int_equal(e.code, ERR_LIMIT);
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "the end");
    for (unsigned i = 0; i < FRAME_STREAMS_MAX; i++) {
        assert_int_equal(h[i].closed, 1);
        free_heard(&h[i]);
    }
    forget(&s);
}

/* 64 streams with full credit, and a cell that reads none of it: what is taken is bounded, and
 * the room comes back to all of them when it reads again. */
static void a_deaf_cell_costs_bounded_memory(void **state)
{
    struct world *w = *state;
    struct seen s;
    static struct heard h[FRAME_STREAMS_MAX];
    static char bytes[FRAME_STREAM_WINDOW];
    char script[4096] = "listen 64\n";
    for (unsigned i = 1; i <= FRAME_STREAMS_MAX; i++) /* WINDOW of 256 kB for each */
        snprintf(script + strlen(script), sizeof script - strlen(script), "frame 10 %u 00000400\n",
                 2 * i);
    strcat(script, "spin");
    start(w, &s, script);
    int *windows = &h[FRAME_STREAMS_MAX - 1].writable;
    for (unsigned i = 0; i < FRAME_STREAMS_MAX; i++) {
        open_one(&s, &h[i], 0);
        assert_int_equal(cell_stream_room(h[i].s), 0);
    }
    run_until(w, windows, 1, "credit of the last one");
    size_t taken = 0;
    for (unsigned i = 0; i < FRAME_STREAMS_MAX; i++) {
        size_t room = cell_stream_room(h[i].s);
        cell_stream_write(h[i].s, bytes, room);
        taken += room;
    }
    assert_true(taken >= FRAME_STREAM_WINDOW); /* what waits, and what lies in the socket */
    assert_true(taken <= 4 * FRAME_STREAM_WINDOW);
    assert_int_equal(cell_stream_room(h[0].s), 0);
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "the end");
    for (unsigned i = 0; i < FRAME_STREAMS_MAX; i++) {
        assert_int_equal(h[i].closed, 1);
        free_heard(&h[i]);
    }
    forget(&s);
}

/* More than waits at once goes through to a cell that reads. */
static void much_goes_through(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard h;
    static char bytes[FRAME_STREAM_WINDOW];
    size_t sent = 0;
    start(w, &s, "listen 1\nframe 10 2 00000400\nlisten 100000\nprint never");
    open_one(&s, &h, 0);
    for (int round = 1; sent < FRAME_STREAM_WINDOW; round++) {
        size_t room = cell_stream_room(h.s);
        if (room == 0) {
            int seen_before = h.writable;
            run_until(w, &h.writable, seen_before + 1, "room");
            continue;
        }
        room = room < 60000 ? room : 60000;
        cell_stream_write(h.s, bytes, room);
        sent += room;
    }
    assert_int_equal(cell_stream_room(h.s), 0); /* the credit is used up */
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "the end");
    assert_int_equal(h.closed, 1);
    free_heard(&h);
    forget(&s);
}

/* What is written while frames of the cell are read is gathered, and may fill the bound of what
 * waits; then the socket takes all of it at once, and never tells that it takes more. */
static void room_comes_back_when_all_that_was_gathered_goes_at_once(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard first, second;
    const int wide = FRAME_STREAM_WINDOW; /* the kernel doubles it */
    start(w, &s, "listen 2\nframe 10 4 00000400\nframe 10 2 00000400\nlisten 100000\nprint never");
    assert_int_equal(setsockopt(s.c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &wide, sizeof wide), 0);
    open_one(&s, &first, 0);
    open_one(&s, &second, 0);
    first.other = &second;
    assert_int_equal(cell_stream_room(first.s), 0);
    assert_int_equal(cell_stream_room(second.s), 0);
    run_until(w, &first.writable, 1, "room of the first");
    run_until(w, &second.writable, 2, "room of the second, again");
    assert_true(cell_stream_room(second.s) > 0);
    cell_kill(s.c);
    run_until(w, &s.gone, 1, "the end");
    free_heard(&first);
    free_heard(&second);
    forget(&s);
}

static void credit_that_is_given_back_lets_more_come(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct heard h;
    start(w, &s,
          "listen 1\nframe 9 2 6161616161\nlisten 1\nframe 9 2 6262626262\nlisten 1\n"
          "frame 9 2 6363636363\nlisten 1\nframe 9 2 646464646464\nspin");
    open_one(&s, &h, 5);
    h.give_back = 5;
    run_until(w, &s.gone, 1, "the end");
    assert_string_equal(s.g.breach, "DATA beyond its credit");
    assert_string_equal(text_of(&h.bytes), "aaaaabbbbbccccc");
    assert_int_equal(h.closed, 1);
    free_heard(&h);
    forget(&s);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(both_ways_and_a_good_end),
        T(the_cell_closes_and_is_answered),
        T(a_run_that_ends_closes_its_streams),
        T(no_stream_without_a_running_script),
        T(a_cell_has_so_many_streams),
        T(a_deaf_cell_costs_bounded_memory),
        T(much_goes_through),
        T(room_comes_back_when_all_that_was_gathered_goes_at_once),
        T(credit_that_is_given_back_lets_more_come),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
