/* Cells that were taken over, as processes: floods, silence, tricks with the socket, lies before
 * READY. An honest cell of the same zygote runs beside each and must end right; when all is over no
 * descriptor and no memory may be missing. Scripts in the fake engine's language
 * (tests/zygote/fake_enemy.c); what single frames may hold: host_frames_test.c,
 * host_hostile_test.c. */
#include "tests/unit/host_cells.h"

#include <malloc.h>

/* Zygotes of one kind for all tests of a group. */
struct place {
    struct world jailed,
        bare; /* bare: jail off, where a cell can fork, shut down, pass descriptors */
};

/* Hex of a DONE frame, and of its payload alone, with a value or an error name of `extra`. */
static char done_raw[512], done_body[512];

static const char *hex_of(const void *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        sprintf(out + 2 * i, "%02x", ((const unsigned char *)bytes)[i]);
    return out;
}

static const char *done_with(int end, size_t value, size_t name)
{
    const struct frame_done d = {
        .end = (uint32_t)end, .value_len = (uint32_t)value, .name_len = (uint32_t)name};
    return hex_of(&d, sizeof d, done_body);
}

static void make_done(void)
{
    const struct {
        struct frame head;
        struct frame_done body;
    } f = {{.len = sizeof(struct frame_done), .type = FRAME_DONE, .id = INVOCATION},
           {.end = FRAME_END_OK}};
    hex_of(&f, sizeof f, done_raw);
}

/* A script in which %s stands for done_raw. */
static const char *with_done(const char *script)
{
    static char text[2048];
    snprintf(text, sizeof text, script, done_raw);
    return text;
}

static void open_place(struct world *w, enum jail_mode jail, const char *flags)
{
    struct err e = {0};
    open_world(w);
    if (start_zygote(w, jail, flags, &e))
        fail_msg("zygote_start: %s", e.msg);
    run_until(w, &w->up, 1, "UP");
}

static int open_places(void **state)
{
    struct place *p = mem_alloc(sizeof *p);
    make_done();
    open_place(&p->jailed, JAIL_REQUIRE, NULL);
    open_place(&p->bare, JAIL_OFF, NULL);
    *state = p;
    return 0;
}

static int close_places(void **state)
{
    struct place *p = *state;
    close_world(&p->jailed);
    close_world(&p->bare);
    free(p);
    return 0;
}

/* Runs the enemy beside an honest cell. `what`: words of the breach, NULL: there is none. */
static void beside(struct world *w, const char *script, const char *what, struct seen *enemy)
{
    struct seen honest;
    fork_ready(w, &honest);
    fork_ready(w, enemy);
    enemy->answer = true;
    invoke(&honest, "print a\nsleep 5\nprint b\nvalue 1");
    invoke(enemy, script);
    run_until(w, &honest.gone, 1, "the honest cell's end");
    run_until(w, &enemy->gone, 1, script);
    assert_int_equal(honest.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&honest.out), "a\nb\n");
    assert_null(honest.g.breach);
    if (!what != !enemy->g.breach || (what && !strstr(enemy->g.breach, what)))
        fail_msg("breach is '%s', not '%s': %s", enemy->g.breach, what, script);
    assert_int_equal(w->gone, 0);
    forget(&honest);
}

static void breaks(struct world *w, const char *script, const char *what)
{
    struct seen s;
    beside(w, script, what, &s);
    assert_int_equal(s.done, 0);
    /* Or it found its socket closed before it was killed: then it ends with 99. */
    assert_true(s.g.reaped && (WIFSIGNALED(s.g.status) ? WTERMSIG(s.g.status) == SIGKILL
                                                       : WEXITSTATUS(s.g.status) == 99));
    forget(&s);
}

/* ---- floods ---- */

static void storms_of_what_is_not_allowed(void **state)
{
    struct place *p = *state;
    char done_of_another[600];
    snprintf(done_of_another, sizeof done_of_another, "storm 0 12 8 %s",
             done_with(FRAME_END_OK, 0, 0));
    breaks(&p->jailed, "storm 0 1 0", "not allowed in this state");    /* READY */
    breaks(&p->jailed, "storm 0 2 7 00", "only the other side");       /* INVOKE */
    breaks(&p->jailed, "storm 0 9 1 00", "not open");                  /* DATA */
    breaks(&p->jailed, "storm 0 10 1 ffffffff", "never was");          /* WINDOW */
    breaks(&p->jailed, "storm 0 11 1 00000000", "never was");          /* CLOSE */
    breaks(&p->jailed, "storm 0 8 1 000000000100000061", "not above"); /* OPEN, likewise */
    breaks(&p->jailed, done_of_another, "another invocation");         /* DONE of another's */
}

static void storms_of_what_is_allowed_do_not_stop_the_others(void **state)
{
    static const char *const storms[] = {
        "storm 0 6 7 0100000061", /* NOTE */
        "storm 0 3 7 0161",       /* OUTPUT of one byte: credit is waited for */
        "frame 8 1 000000000100000061\nstorm 0 10 1 ffffffff", /* WINDOW of a refused stream */
        "frame 8 1 000000000100000061\nstorm 0 11 1 00000000", /* CLOSE, likewise */
        "storm 0 5 1 0100000061", /* CALL, answered at once, number used again */
        "spin",
    };
    struct place *p = *state;
    struct world *w = &p->jailed;
    for (size_t i = 0; i < ARRAY_LEN(storms); i++) {
        struct seen enemy, honest;
        fork_ready(w, &enemy);
        enemy.answer = true;
        invoke(&enemy, storms[i]);
        run_for_ms(w, 10);
        for (int job = 0; job < 3; job++) { /* forked, run and reaped while the storm goes on */
            fork_ready(w, &honest);
            invoke(&honest, "print a\nvalue 1");
            run_until(w, &honest.gone, 1, "the honest cell's end");
            assert_int_equal(honest.d.end, FRAME_END_OK);
            forget(&honest);
        }
        if (enemy.gone && !strstr(storms[i], " 3 7 ") && !strstr(storms[i], " 5 1 "))
            fail_msg("%s ended by itself: %s", storms[i], enemy.g.breach ? enemy.g.breach : "?");
        if (!enemy.gone)
            cell_kill(enemy.c);
        run_until(w, &enemy.gone, 1, storms[i]);
        forget(&enemy);
    }
}

static void storms_without_reading_the_answers_are_bounded(void **state)
{
    struct place *p = *state;
    struct seen s;
    /* 40 kB come back for each call, 39 bytes for each stream: what nobody reads is ended. */
    beside(&p->jailed, "bulk 255 1 60\nbulk 255 300 60\nbulk 255 600 60\nspin", "does not read",
           &s);
    assert_true(s.calls > 200 && s.calls < 400);
    forget(&s);
    beside(&p->jailed, "opens 0", "does not read", &s);
    forget(&s);
}

/* ---- what does not come whole ---- */

static void truncated_at_every_byte(void **state)
{
    struct place *p = *state;
    for (size_t n = 0; n < strlen(done_raw); n += 2) {
        char script[512];
        struct seen s;
        snprintf(script, sizeof script, "raw %.*s\nexit 0", (int)n, done_raw);
        run_script(&p->jailed, &s, script);
        assert_int_equal(s.done, 0); /* ended with status 0, and said nothing */
        assert_null(s.g.breach);
        assert_true(s.g.reaped && WIFEXITED(s.g.status) && WEXITSTATUS(s.g.status) == 0);
        forget(&s);
    }
}

static void a_byte_at_a_time_is_fine(void **state)
{
    struct place *p = *state;
    struct seen s;
    beside(&p->jailed,
           with_done("dribble 0400000003000000070000000000000001616263\ndribble %s\nexit 0"), NULL,
           &s);
    assert_int_equal(s.done, 1);
    assert_string_equal(text_of(&s.out), "abc");
    forget(&s);
}

static void a_frame_that_never_ends_costs_what_has_come(void **state)
{
    struct place *p = *state;
    struct seen s;
    fork_ready(&p->jailed, &s);
    /* DONE of all that the invocation allows, of which a kilobyte comes. */
    invoke(&s, "raw 40000100"
               "0c00"
               "0000"
               "0700000000000000\nflood 1\nspin");
    run_for_ms(&p->jailed, 30);
    assert_int_equal(s.done + s.gone, 0); /* its wall-clock budget will end it */
    cell_kill(s.c);
    run_until(&p->jailed, &s.gone, 1, "the cell's end");
    forget(&s);
}

/* ---- ends ---- */

static void only_the_first_done_counts(void **state)
{
    struct place *p = *state;
    const char *const more[] = {with_done("raw %s"), "frame 3 7 0161", "raw ffffffffff",
                                "storm 0 6 7 0100000061"};
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        char script[1024];
        struct seen s;
        snprintf(script, sizeof script, "print a\nraw %s\n%s\nspin", done_raw, more[i]);
        beside(&p->jailed, script, NULL, &s);
        assert_int_equal(s.done, 1);
        assert_int_equal(s.notes, 0);
        forget(&s);
    }
}

static void ends_without_a_word(void **state)
{
    struct place *p = *state;
    static const char *const ways[] = {"exit 0", "exit 3", "abort", "segv", "print a\nexit 0"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct seen s;
        beside(&p->jailed, ways[i], NULL, &s);
        assert_int_equal(s.done, 0);
        assert_true(s.g.reaped && !s.g.with_zygote);
        forget(&s);
    }
}

static void texts_that_are_none(void **state)
{
    struct place *p = *state;
    struct seen s;
    char script[1024];
    snprintf(script, sizeof script, "frame 12 7 %sff\nspin", done_with(FRAME_END_OK, 1, 0));
    beside(&p->jailed, script, NULL, &s);
    assert_int_equal(s.d.end, FRAME_END_THREW);
    assert_string_equal(text_of(&s.name), "TypeError");
    forget(&s);
    snprintf(script, sizeof script, "frame 12 7 %sfffe\nspin", done_with(FRAME_END_THREW, 0, 2));
    beside(&p->jailed, script, NULL, &s);
    assert_string_equal(text_of(&s.name), "\xef\xbf\xbd\xef\xbf\xbd");
    forget(&s);
}

/* ---- tricks with the socket, without a filter ---- */

static void hanging_up(void **state)
{
    struct place *p = *state;
    static const char *const ways[] = {"close\nspin", "shut 1\nspin", "shut 2\nspin"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        breaks(&p->bare, ways[i], NULL);
    /* It does not want to hear: we may not write, and nothing comes of that. */
    struct seen s;
    beside(&p->bare, with_done("shut 0\nstorm 20 6 7 0100000061\nraw %s\nspin"), NULL, &s);
    assert_int_equal(s.done, 1);
    forget(&s);
}

static void descriptors_come_to_nothing(void **state)
{
    struct place *p = *state;
    int before = open_fds();
    breaks(&p->bare, "descriptors 1\nspin", "it sent descriptors");
    breaks(&p->bare, "descriptors 200\nspin", "it sent descriptors");
    breaks(&p->bare, "print a\nsleep 1\ndescriptors 3\nspin", "it sent descriptors");
    assert_int_equal(open_fds(), before);
}

static void heirs_of_the_socket(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *script, *breach;
    } ways[] = {{"heir hold\nexit 0", NULL},
                {"heir flood\nexit 0", "another process"},
                {"heir flood\nspin", "another process"},
                {"heir talk\nexit 0", "another process"}};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct seen s;
        beside(&p->bare, ways[i].script, ways[i].breach, &s);
        assert_int_equal(s.done, 0);
        forget(&s);
    }
}

/* ---- before READY ---- */

static void gone_with(const char *flags, const char *breach)
{
    struct world w;
    struct seen s;
    open_place(&w, JAIL_REQUIRE, flags);
    fork_one(&w, &s);
    run_until(&w, &s.gone, 1, flags);
    if (!s.g.breach || !strstr(s.g.breach, breach))
        fail_msg("%s: breach is '%s'", flags, s.g.breach ? s.g.breach : "none");
    assert_int_equal(w.gone, 0);
    close_world(&w);
}

static void frames_before_the_job(void **state)
{
    (void)state;
    gone_with("--before=02000000030000000700000000000000"
              "0161",
              "not allowed in this state");
    gone_with(with_done("--before=%s"), "not allowed in this state");
    gone_with("--before=ffffffffffffffffffffffffffffffff", "unknown type");
    gone_with("--before=00000000010000000100000000000000", "READY with a number");
    /* READY, and more before the job has come. */
    gone_with("--before=00000000010000000000000000000000"
              "00000000010000000000000000000000",
              "not allowed in this state");
}

/* ---- memory ---- */

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd; /* zeros under AddressSanitizer, which finds leaks by itself */
}

static void a_cell_that_never_reads_its_job(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    struct err e = {0};
    open_place(&w, JAIL_REQUIRE, "--deaf");
    fork_ready(&w, &s);
    struct cell_invocation inv = invocation("");
    inv.input_len = 70u << 20;
    inv.input = mem_alloc(inv.input_len);
    size_t before = in_use();
    assert_int_equal(cell_invoke(s.c, &inv, &e), 0);
    run_for_ms(&w, 20);
    assert_true(in_use() < before + ((size_t)160 << 20)); /* one copy, in a buffer that doubles */
    cell_terminate(s.c);
    cell_kill(s.c); /* as the wall-clock budget does it */
    run_until(&w, &s.gone, 1, "the cell's end");
    assert_true(in_use() < before + ((size_t)1 << 20));
    free((void *)(uintptr_t)inv.input);
    close_world(&w);
}

static void nothing_is_left_of_200_enemies(void **state)
{
    static const char *const ways[] = {"storm 0 1 0",
                                       "storm 3000 6 7 0100000061\nexit 0",
                                       "bulk 30 1 60\nraw ffffffffffffffffffffffffffffffff\nspin",
                                       "raw 00001000"
                                       "0c00"
                                       "0000"
                                       "0700000000000000\nflood 500\nexit 0",
                                       "print a\nsegv",
                                       "descriptors 5\nspin",
                                       "heir hold\nexit 0",
                                       "close\nspin"};
    struct place *p = *state;
    struct seen s;
    size_t memory = 0;
    int fds = 0;
    for (int i = 0; i < 208; i++) {
        if (i == 8) { /* every way once: what the library keeps for itself is there */
            fds = open_fds();
            memory = in_use();
        }
        fork_ready(&p->bare, &s);
        s.answer = true;
        invoke(&s, ways[(size_t)i % ARRAY_LEN(ways)]);
        run_until(&p->bare, &s.gone, 1, ways[(size_t)i % ARRAY_LEN(ways)]);
        forget(&s);
    }
    print_message("# memory in use: %zu bytes after 8, %zu after 208 enemies\n", memory, in_use());
    assert_int_equal(open_fds(), fds);
    assert_true(in_use() < memory + 64 * 1024);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(storms_of_what_is_not_allowed),
        T(storms_of_what_is_allowed_do_not_stop_the_others),
        T(storms_without_reading_the_answers_are_bounded),
        T(truncated_at_every_byte),
        T(a_byte_at_a_time_is_fine),
        T(a_frame_that_never_ends_costs_what_has_come),
        T(only_the_first_done_counts),
        T(ends_without_a_word),
        T(texts_that_are_none),
        T(hanging_up),
        T(descriptors_come_to_nothing),
        T(heirs_of_the_socket),
        T(frames_before_the_job),
        T(a_cell_that_never_reads_its_job),
        T(nothing_is_left_of_200_enemies),
    };
    unsetenv("ISOLANE_ENGINE_DIR");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_places, close_places);
}
