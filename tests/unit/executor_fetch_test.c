/* What a cell asks of the service `fetch`, read: requests that are fine, and what a hostile cell
 * may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "executor/services/fetch_ask.h"

static struct fetch_ask a;
static struct err e;

static int ask(const char *json)
{
    e = (struct err){0};
    return fetch_ask_read(json, strlen(json), &a, &e);
}

static int after(void **state)
{
    (void)state;
    fetch_ask_free(&a);
    return 0;
}

static void a_request_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        ask("{\"url\":\"http://a.test/\",\"method\":\"POST\",\"headers\":[\"x-a\",\"\xc3\xa4 b\","
            "\"x-b\",\"\"],\"body\":{\"data\":\"aGVsbG8=\"},\"from\":7,\"tag\":9}"),
        0);
    assert_string_equal(a.url.data, "http://a.test/");
    assert_string_equal(a.method, "POST");
    assert_int_equal(a.fields.count, 2);
    assert_string_equal(a.fields.list[0].name, "x-a");
    assert_string_equal(a.fields.list[0].value, "\xe4 b");
    assert_string_equal(a.fields.list[1].value, "");
    assert_true(a.has_body && a.body_length == 5 && !a.body_stream);
    assert_memory_equal(a.body.data, "hello", 5);
    assert_true(a.from == 7 && a.tag == 9);
}

static void a_body_may_be_a_stream_or_missing(void **state)
{
    (void)state;
    assert_int_equal(ask("{\"url\":\"u\",\"method\":\"GET\",\"headers\":[],"
                         "\"body\":{\"stream\":5,\"length\":-1}}"),
                     0);
    assert_true(a.has_body && a.body_stream == 5 && a.body_length == HTTP_LENGTH_OPEN);
    fetch_ask_free(&a);
    assert_int_equal(
        ask("{\"url\":\"u\",\"method\":\"GET\",\"headers\":[],\"body\":{\"data\":\"\"}}"), 0);
    assert_true(a.has_body && a.body_length == 0);
    fetch_ask_free(&a);
    assert_int_equal(ask("{\"url\":\"u\",\"method\":\"GET\",\"headers\":[],\"body\":null}"), 0);
    assert_false(a.has_body);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
#define REQUEST(rest) "{\"url\":\"u\",\"method\":\"GET\",\"headers\":[]," rest "}"
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"", ""},
        {"[]", "fetch: found array; allowed: an object"},
        {"{}", "fetch: url: found none"},
        {"{\"url\":5}", "fetch: url: found none"},
        {"{\"url\":\"u\"}", "fetch: method: found none"},
        {"{\"url\":\"u\",\"method\":\"CONNECT\"}", "method: found CONNECT"},
        {"{\"url\":\"u\",\"method\":\"G\\r\\nX\"}", "fetch: method: found"},
        {"{\"url\":\"u\",\"method\":\"G\\u0000\"}", "fetch: method: found"},
        {"{\"url\":\"u\",\"method\":\"GET\"}", "fetch: headers: allowed"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":{}}", "fetch: headers: allowed"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\"]}", "names and values in turn"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",5]}", "headers[1]"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",\"\xe4\xb8\xad\"]}", "up to U+00FF"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"Host\",\"b\"]}",
         "the worker writes itself"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",\"b\\r\\nHost: c\"]}",
         "control character"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",\"b\\u0000\"]}",
         "control character"},
        {"{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\\u0000b\",\"c\"]}", "found the name"},
        {REQUEST("\"body\":5"), "fetch: body: allowed"},
        {REQUEST("\"body\":{}"), "fetch: body: allowed"},
        {REQUEST("\"body\":{\"data\":\"*\"}"), "fetch: body.data"},
        {REQUEST("\"body\":{\"stream\":0,\"length\":1}"), "fetch: body: allowed"},
        {REQUEST("\"body\":{\"stream\":1,\"length\":-2}"), "fetch: body: allowed"},
        {REQUEST("\"body\":{\"stream\":1.5,\"length\":1}"), "fetch: body: allowed"},
        {REQUEST("\"from\":0"), "fetch: from"},
        {REQUEST("\"from\":\"1\""), "fetch: from"},
        {REQUEST("\"tag\":-1"), "fetch: tag"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (ask(cases[i].json) != ERR_INVALID || !strstr(e.msg, cases[i].words))
            fail_msg("%s: %s", cases[i].json, e.msg);
        fetch_ask_free(&a);
    }
}

static void bounds_hold(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_adds(&b, "{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",\"b\"");
    for (int i = 1; i < HTTP_FIELDS_MAX; i++)
        buf_adds(&b, ",\"a\",\"b\"");
    size_t whole = b.len;
    buf_adds(&b, "]}");
    assert_int_equal(ask(b.data), 0);
    assert_int_equal(a.fields.count, HTTP_FIELDS_MAX);
    fetch_ask_free(&a);
    b.len = whole;
    buf_adds(&b, ",\"a\",\"b\"]}");
    assert_int_equal(ask(b.data), ERR_INVALID);
    fetch_ask_free(&a);
    buf_clear(&b);
    buf_adds(&b, "{\"url\":\"u\",\"method\":\"GET\",\"headers\":[\"a\",\"");
    for (unsigned i = 0; i < HTTP_FIELDS_SIZE_MAX; i++)
        buf_addc(&b, 'x');
    buf_adds(&b, "\"]}");
    assert_int_equal(ask(b.data), ERR_LIMIT);
    fetch_ask_free(&a);
    buf_clear(&b);
    buf_adds(&b, "{\"method\":\"GET\",\"url\":\"");
    for (int i = 0; i < 9000; i++)
        buf_addc(&b, 'x');
    buf_adds(&b, "\"}");
    assert_int_equal(ask(b.data), ERR_INVALID);
    buf_free(&b);
}

static void bytes_become_characters(void **state)
{
    (void)state;
    struct buf b = {0};
    fetch_text_of_bytes("a\x7f\x80\xe4\xff", 5, &b);
    assert_string_equal(b.data, "a\x7f\xc2\x80\xc3\xa4\xc3\xbf");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_request_is_read, after),
        cmocka_unit_test_teardown(a_body_may_be_a_stream_or_missing, after),
        cmocka_unit_test_teardown(what_is_wrong_is_named, after),
        cmocka_unit_test_teardown(bounds_hold, after),
        cmocka_unit_test(bytes_become_characters),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
