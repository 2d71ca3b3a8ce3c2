/* What a reader of output gives on, whatever order pieces come in (cli/client/tail.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/tail.h"

struct reader {
    struct tail tail;
    struct buf text[TAIL_STREAMS];
    int begun;
};

static void on_piece(struct tail *t, int stream, uint64_t offset, const char *text, size_t len)
{
    struct reader *r = CONTAINER_OF(t, struct reader, tail);
    assert_int_equal(offset + len, t->shown[stream]);
    buf_add(&r->text[stream], text, len);
}

static void on_begins(struct tail *t)
{
    struct reader *r = CONTAINER_OF(t, struct reader, tail);
    r->begun++;
    buf_clear(&r->text[TAIL_OUT]);
    buf_clear(&r->text[TAIL_ERR]);
}

static struct reader reader(void)
{
    return (struct reader){.tail = {.piece = on_piece, .begins = on_begins}};
}

static void say(struct reader *r, const char *message)
{
    tail_message(&r->tail, message, strlen(message));
}

static bool answer(struct reader *r, const char *text)
{
    return tail_answer(&r->tail, text, strlen(text));
}

static void result(struct reader *r, const char *text)
{
    struct jv *doc = NULL;
    assert_int_equal(jv_parse(text, strlen(text), &doc, NULL), 0);
    tail_result(&r->tail, doc);
    jv_free(doc);
}

static void expect(struct reader *r, const char *out, const char *err)
{
    buf_addc(&r->text[TAIL_OUT], '|');
    buf_addc(&r->text[TAIL_ERR], '|');
    assert_int_equal(strncmp(r->text[TAIL_OUT].data, out, r->text[TAIL_OUT].len - 1), 0);
    assert_int_equal(r->text[TAIL_OUT].len - 1, strlen(out));
    assert_int_equal(strncmp(r->text[TAIL_ERR].data, err, r->text[TAIL_ERR].len - 1), 0);
    assert_int_equal(r->text[TAIL_ERR].len - 1, strlen(err));
    buf_free(&r->text[TAIL_OUT]);
    buf_free(&r->text[TAIL_ERR]);
}

#define OUT(attempt, offset, data)                                                                 \
    "{\"stream\":\"stdout\",\"attempt\":" #attempt ",\"offset\":" #offset ",\"data\":\"" data "\"" \
    "}"

static void every_byte_once(void **state)
{
    struct reader r = reader();
    (void)state;
    say(&r, OUT(1, 0, "abc"));
    say(&r, OUT(1, 0, "abc"));
    say(&r, OUT(1, 1, "bcd"));
    say(&r, OUT(1, 4, "\xc3\xa9")); /* bytes count, not characters */
    say(&r, OUT(1, 6, "f"));
    assert_false(tail_has_gap(&r.tail));
    expect(&r,
           "abcd\xc3\xa9"
           "f",
           "");
}

static void a_gap_is_known_and_closed(void **state)
{
    struct reader r = reader();
    (void)state;
    say(&r, OUT(1, 0, "ab"));
    say(&r, OUT(1, 4, "ef"));
    assert_true(tail_has_gap(&r.tail));
    assert_true(answer(&r,
                       "{\"state\":\"running\",\"attempt\":1,\"stdout\":\"cd\",\"stderr\":\"x\","
                       "\"from\":{\"stdout\":2,\"stderr\":0},\"more\":true}"));
    assert_true(tail_has_gap(&r.tail)); /* of what came meanwhile */
    assert_false(answer(&r, "{\"state\":\"running\",\"attempt\":1,\"stdout\":\"efg\",\"stderr\":"
                            "\"\",\"from\":{\"stdout\":4,\"stderr\":1},\"more\":false}"));
    assert_false(tail_has_gap(&r.tail));
    expect(&r, "abcdefg", "x");
}

static void attempts_begin_anew_and_old_ones_are_over(void **state)
{
    struct reader r = reader();
    (void)state;
    say(&r, OUT(1, 0, "first"));
    assert_int_equal(r.begun, 0);
    say(&r, OUT(2, 3, "ond"));
    assert_int_equal(r.begun, 1);
    assert_true(tail_has_gap(&r.tail));
    say(&r, OUT(1, 5, "late"));
    result(&r, "{\"attempts\":2,\"stdout\":\"second\",\"stderr\":\"\"}");
    expect(&r, "second", "");
}

static void it_goes_on_behind_what_was_had(void **state)
{
    struct reader same = reader(), later = reader();
    (void)state;
    same.tail.shown[TAIL_OUT] = later.tail.shown[TAIL_OUT] = 2;
    later.tail.attempt = 1;
    result(&same, "{\"attempts\":2,\"stdout\":\"abcd\",\"stderr\":\"e\"}");
    result(&later, "{\"attempts\":2,\"stdout\":\"abcd\",\"stderr\":\"e\"}");
    expect(&same, "cd", "e");
    expect(&later, "abcd", "e"); /* another attempt than the offset was of */
}

static void what_is_no_piece_is_ignored(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{\"stream\":\"stdout\",\"attempt\":1,\"offset\":-1,\"data\":\"a\"}",
        "{\"stream\":\"stdout\",\"attempt\":1,\"offset\":0,\"data\":5}",
        "{\"stream\":\"stdout\",\"offset\":0,\"data\":\"a\"}",
        "{\"stream\":\"stdout\",\"attempt\":1.5,\"offset\":0,\"data\":\"a\"}",
    };
    struct reader r = reader();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        say(&r, wrong[i]);
        assert_false(answer(&r, wrong[i]));
    }
    assert_false(answer(&r, "{\"state\":\"queued\"}"));
    assert_int_equal(r.tail.attempt, 0);
    expect(&r, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_once),
        cmocka_unit_test(a_gap_is_known_and_closed),
        cmocka_unit_test(attempts_begin_anew_and_old_ones_are_over),
        cmocka_unit_test(it_goes_on_behind_what_was_had),
        cmocka_unit_test(what_is_no_piece_is_ignored),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
