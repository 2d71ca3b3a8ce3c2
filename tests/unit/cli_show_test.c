/* Results, tables and the progress line as people see them, on a pipe and on a terminal. */
#include <fcntl.h>
#include <locale.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/print/format.h"
#include "cli/print/progress.h"
#include "cli/print/show.h"
#include "cli/print/table.h"
#include <cmocka.h>

#define RESULT(outcome, value, error)                                                              \
    "{\"id\":\"job-1\",\"tenant\":\"ci\",\"class\":\"normal\",\"state\":\"done\",\"outcome\":"     \
    "\"" outcome "\",\"value\":" value                                                             \
    ",\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"\",\"truncated\":true,\"error\":" error             \
    ",\"usage\":{\"cpu_ms\":2.9,\"wall_ms\":3.125,\"heap_peak_bytes\":1572864,"                    \
    "\"memory_peak_bytes\":512},\"attempts\":2,\"published_at\":\"2026-11-21T08:57:00.000001Z\","  \
    "\"started_at\":null,\"finished_at\":\"2026-11-21T08:57:00.000009Z\",\"worker\":\"w\","        \
    "\"engine\":\"v8 14.6\",\"script_sha256\":null,\"input_sha256\":null,\"jail\":[],\"seq\":17,"  \
    "\"prev\":\"00\"}"

#define THROWN                                                                                     \
    "{\"name\":\"TypeError\",\"message\":\"x is not a function\",\"stack\":\"TypeError: x is not " \
    "a "                                                                                           \
    "function\\n    at f (a.mjs:3:7)\\n    at a.mjs:9:1\",\"line\":3,\"column\":7}"

static const char ok_json[] = RESULT("ok", "{\"sum\": 2}", "null");
static const char threw_json[] = RESULT("threw", "null", THROWN);

/* What `write` prints into a FILE that is no terminal. */
static char *printed(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *f = tmpfile();
    write(f);
    len = (size_t)ftell(f);
    rewind(f);
    text = calloc(1, len + 1);
    assert_int_equal(fread(text, 1, len, f), len);
    fclose(f);
    return text;
}

/* The same on a terminal of that many columns. */
static char *on_terminal(unsigned short columns, void (*write)(FILE *out))
{
    int master, slave;
    struct winsize w = {.ws_row = 24, .ws_col = columns};
    struct buf b = {0};
    char chunk[4096];
    ssize_t n;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &w), 0);
    FILE *f = fdopen(slave, "w");
    setvbuf(f, NULL, _IONBF, 0);
    write(f);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(master, chunk, sizeof chunk)) > 0)
        buf_add(&b, chunk, (size_t)n);
    fclose(f);
    close(master);
    buf_adds(&b, "");
    return buf_take(&b, NULL);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:\n%s", part, text);
}

/* ---- figures and text ---- */

static void figures_are_readable(void **state)
{
    (void)state;
    static const struct {
        double ms;
        const char *text;
    } times[] = {{0, "0.00 ms"},     {0.914, "0.91 ms"},   {9.999, "10.0 ms"},
                 {12.34, "12.3 ms"}, {999.4, "999 ms"},    {999.6, "1.00 s"},
                 {12345, "12.3 s"},  {59999, "1 min 0 s"}, {123456, "2 min 3 s"}};
    static const struct {
        double bytes;
        const char *text;
    } sizes[] = {{0, "0 B"}, {1023, "1023 B"}, {1536, "1.5 KiB"}, {3221225472.0, "3.0 GiB"}};
    char out[FIGURE_MAX];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        figure_ms(times[i].ms, out);
        assert_string_equal(out, times[i].text);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        figure_bytes(sizes[i].bytes, out);
        assert_string_equal(out, sizes[i].text);
    }
}

static void shown_text_does_no_harm(void **state)
{
    (void)state;
    static const char bad[] = "a\033[2Jb\r\nc\td\xff\xc2\x9b"
                              "e\0f";
    struct buf b = {0};
    text_add_shown(&b, bad, sizeof bad - 1, 2);
    assert_string_equal(b.data, "  a\xef\xbf\xbd[2Jb\n  c\td\xef\xbf\xbd\xef\xbf\xbd"
                                "e\xef\xbf\xbd"
                                "f\n");
    buf_clear(&b);
    text_add_one_line(&b, bad, sizeof bad - 1);
    assert_string_equal(b.data, "a [2Jb  c d\xef\xbf\xbd e f");
    buf_clear(&b);
    text_add_one_line(&b, "", 0);
    assert_string_equal(b.data, "");
    buf_free(&b);
}

static void first_lines_are_cut_between_characters(void **state)
{
    (void)state;
    struct buf b = {0};
    text_add_first_line(&b, "\n  häuser\nzwei", 15, 10);
    assert_string_equal(b.data, "häuser");
    buf_clear(&b);
    text_add_first_line(&b, "äöüäöü", 12, 4);
    assert_string_equal(b.data, "äöü…");
    buf_clear(&b);
    text_add_first_line(&b, "abcd  \n", 7, 4);
    assert_string_equal(b.data, "abcd");
    buf_free(&b);
}

/* ---- one result ---- */

static void write_ok(FILE *f)
{
    assert_int_equal(show_result(ok_json, sizeof ok_json - 1, f, NULL), 0);
}

static void write_threw(FILE *f)
{
    assert_int_equal(show_result(threw_json, sizeof threw_json - 1, f, NULL), 0);
}

static void a_result_is_a_block(void **state)
{
    (void)state;
    char *t = printed(write_ok);
    assert_string_equal(t, "job       job-1 (tenant ci, class normal)\n"
                           "outcome   ok\n"
                           "value     {\"sum\": 2}\n"
                           "stdout    8 B\n"
                           "    one\n"
                           "    two\n"
                           "truncated the job printed more than is kept\n"
                           "usage     cpu 2.90 ms, wall 3.12 ms, heap 1.5 MiB, memory 512 B\n"
                           "published 2026-11-21T08:57:00.000001Z\n"
                           "started   never\n"
                           "finished  2026-11-21T08:57:00.000009Z\n"
                           "attempts  2\n"
                           "worker    w, seq 17, v8 14.6\n");
    free(t);
    t = printed(write_threw);
    has(t, "outcome   threw\n"
           "error     TypeError: x is not a function (line 3, column 7)\n"
           "    at f (a.mjs:3:7)\n    at a.mjs:9:1\n");
    lacks(t, "value");
    free(t);
}

static void colours_are_for_terminals(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    char *t = on_terminal(80, write_threw);
    has(t, "\033[31mthrew\033[0m");
    free(t);
    setenv("NO_COLOR", "1", 1);
    t = on_terminal(80, write_threw);
    lacks(t, "\033");
    free(t);
    unsetenv("NO_COLOR");
    t = printed(write_threw);
    lacks(t, "\033");
    free(t);
}

static void a_line_sums_it_up(FILE *f)
{
    assert_int_equal(show_line(ok_json, sizeof ok_json - 1, f, NULL), 0);
    fputc('|', f);
    assert_int_equal(show_line(threw_json, sizeof threw_json - 1, f, NULL), 0);
}

static void one_line_is_enough_for_run(void **state)
{
    (void)state;
    char *t = printed(a_line_sums_it_up);
    assert_string_equal(t,
                        "ok in 3.12 ms (cpu 2.90 ms)|threw in 3.12 ms (cpu 2.90 ms): TypeError: x "
                        "is not a function");
    free(t);
}

/* JSON.stringify() writes these, jansson does not read them. */
static void any_value_is_shown_as_it_stands(void **state)
{
    (void)state;
    static const char *const values[] = {"\"\\ud800\"", "1e999", "{\"a\":1,\"a\":2}",
                                         "\"a\\u0000b\""};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf b = {0};
        FILE *f = tmpfile();
        char line[8192] = "";
        const char *cut = strstr(ok_json, "{\"sum\": 2}");
        buf_add(&b, ok_json, (size_t)(cut - ok_json));
        buf_adds(&b, values[i]);
        buf_adds(&b, cut + strlen("{\"sum\": 2}"));
        assert_true(result_is_ok(b.data, b.len));
        assert_int_equal(show_result(b.data, b.len, f, NULL), 0);
        rewind(f);
        assert_true(fread(line, 1, sizeof line - 1, f) > 0);
        has(line, values[i]);
        fclose(f);
        buf_free(&b);
    }
}

static void what_is_no_result_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "{", "[]", "{}", "{\"id\":\"a\"}", "{\"id\":1,\"outcome\":2}", "\"ok\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        assert_int_equal(show_result(wrong[i], strlen(wrong[i]), stdout, &e), ERR_INVALID);
        assert_non_null(strstr(e.msg, "allowed: a result object"));
        assert_int_equal(show_line(wrong[i], strlen(wrong[i]), stdout, &e), ERR_INVALID);
        assert_false(result_is_ok(wrong[i], strlen(wrong[i])));
    }
    assert_false(result_is_ok(threw_json, sizeof threw_json - 1));
}

/* Nothing but id and outcome: results of other versions must not crash us. */
static void a_bare_result_is_shown(void **state)
{
    (void)state;
    static const char bare[] = "{\"id\":\"a\",\"outcome\":\"odd\",\"usage\":7,\"truncated\":[],"
                               "\"stdout\":\"x\",\"error\":\"e\"}";
    FILE *f = tmpfile();
    assert_int_equal(show_result(bare, sizeof bare - 1, f, NULL), 0);
    fclose(f);
}

/* ---- many ---- */

static void write_summary(FILE *f)
{
    struct summary *s = summary_new();
    struct err e;
    assert_int_equal(summary_add(s, NULL, ok_json, sizeof ok_json - 1, &e), 0);
    assert_int_equal(summary_add(s, "examples/a-very-long-folder-name/with/scripts/cpu_hog.mjs",
                                 threw_json, sizeof threw_json - 1, &e),
                     0);
    assert_int_equal(summary_add(s, "bad", "{", 1, &e), ERR_INVALID);
    assert_int_equal(summary_count(s), 3);
    assert_int_equal(summary_not_ok(s), 2);
    summary_print(s, f);
    summary_free(s);
}

static void many_results_are_a_table(void **state)
{
    (void)state;
    char *t = printed(write_summary);
    has(t, "job-1 ");
    has(t, "{\"sum\": 2}\n");
    has(t, "…me/with/scripts/cpu_hog.mjs");
    has(t, "TypeError: x is not a function\n");
    has(t, "\n\n3 jobs: 1 ok, 1 threw, 1 unreadable; cpu 5.80 ms in all\n");
    lacks(t, "\033");
    free(t);
}

static void lines_fit_the_terminal(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    char *t = on_terminal(80, write_summary);
    has(t, "\033[32mok");
    char *save = NULL;
    for (char *line = strtok_r(t, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        size_t columns = 0;
        for (char *p = line; *p; p++) {
            if (*p == '\033')
                p = strchr(p, 'm');
            else
                columns += ((unsigned char)*p & 0xc0) != 0x80;
        }
        if (columns > 80)
            fail_msg("%zu columns in: %s", columns, line);
    }
    free(t);
}

static void an_empty_batch_is_no_table(FILE *f)
{
    struct summary *s = summary_new();
    summary_print(s, f);
    summary_free(s);
}

static void nothing_is_said_shortly(void **state)
{
    (void)state;
    char *t = printed(an_empty_batch_is_no_table);
    assert_string_equal(t, "0 jobs; cpu 0.00 ms in all\n");
    free(t);
}

/* ---- progress ---- */

static void draw_progress(FILE *f)
{
    int keep = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    struct progress *p = progress_new(4);
    progress_update(p, 4, 1, 0);
    progress_update(p, 4, 2, 2);
    progress_hide(p);
    progress_free(p);
    progress_free(NULL);
    dup2(keep, STDERR_FILENO);
    close(keep);
}

static void progress_is_drawn_on_a_terminal_alone(void **state)
{
    (void)state;
    char *t = on_terminal(60, draw_progress);
    has(t, " 1/4  ok 1");
    has(t, "█");
    has(t, " 4/4  ok 2  \033[31mfailed 2\033[0m");
    assert_string_equal(t + strlen(t) - 4, "\r\033[K"); /* gone at the end */
    free(t);
    t = printed(draw_progress);
    assert_string_equal(t, "");
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_readable),
        cmocka_unit_test(shown_text_does_no_harm),
        cmocka_unit_test(first_lines_are_cut_between_characters),
        cmocka_unit_test(a_result_is_a_block),
        cmocka_unit_test(colours_are_for_terminals),
        cmocka_unit_test(one_line_is_enough_for_run),
        cmocka_unit_test(any_value_is_shown_as_it_stands),
        cmocka_unit_test(what_is_no_result_is_refused),
        cmocka_unit_test(a_bare_result_is_shown),
        cmocka_unit_test(many_results_are_a_table),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(nothing_is_said_shortly),
        cmocka_unit_test(progress_is_drawn_on_a_terminal_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    setlocale(LC_CTYPE, "C.UTF-8"); /* as main() does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
