/* record, fit, row: what a result looks like, how it is made to fit, and its way through columns.
 */
#include "tests/unit/results_sample.h"

#include "base/jv.h"
#include "base/utf8.h"
#include "results/fit.h"
#include "results/row.h"

static void the_json_object_has_every_member_in_order(void **state)
{
    (void)state;
    struct result *r = sample_result("job-1");
    r->seq = 5;
    memcpy(r->prev, ZEROS, 65);
    struct buf b = {0};
    result_encode(r, &b);
    assert_string_equal(
        b.data,
        "{\"id\":\"job-1\",\"tenant\":\"ci\",\"class\":\"normal\",\"state\":\"done\",\"outcome\":"
        "\"threw\","
        "\"value\":{\"n\":1.50},\"stdout\":\"hello\\n\\\"w\xc3\xb6rld\\\"\\u0000end\",\"stderr\":"
        "\"oops\","
        "\"truncated\":true"
        ","
        "\"error\":{\"name\":\"TypeError\",\"message\":\"x is not a function\","
        "\"stack\":\"TypeError: x\\n    at script.mjs:3:7\",\"line\":3,\"column\":7},"
        "\"limit\":{\"name\":\"cpu_ms\",\"value\":100,\"used\":103},"
        "\"usage\":{\"cpu_ms\":1.234,\"wall_ms\":45006.789,\"heap_peak_bytes\":3456789,"
        "\"memory_peak_bytes\":12345678,\"egress\":{\"requests\":2}},\"attempts\":2,"
        "\"tries\":[{\"attempt\":1,\"outcome\":\"crashed\"}],"
        "\"artifacts\":[{\"name\":\"a\",\"size\":1}],"
        "\"published_at\":\"2026-11-18T11:06:40.000001Z\",\"started_at\":\"2026-11-18T11:06:40."
        "100000Z\","
        "\"finished_at\":\"2026-11-18T11:06:41.999999Z\",\"worker\":\"w1\",\"engine\":\"v8 "
        "14.6.202.34\",\"profile\":\"default\",\"engine_flags\":\"--single-threaded\","
        "\"reuse\":{\"mode\":\"script\",\"call\":3},\"language\":\"typescript\",\"transform\":{"
        "\"cached\":true},"
        "\"script_sha256\":\"21a0270b7f66a1e4c25933f13a1e5a1bbb4757578072930c8189131f9c6aaae1\","
        "\"input_sha256\":\"c96c6d5be8d08a12e7b5cdc1b207fa6b2430974c86803d8891675e76fd992c20\","
        "\"signed_by\":\"2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\","
        "\"permissions\":[\"eval\",\"net:api.example.com\"],"
        "\"jail\":[\"userns\",\"seccomp\"],"
        "\"attestation\":{\"set\":"
        "\"6ee0eb490ff832101cf82a3d387c35f29e4230be786978f7acf9e811febf6723\",\"at\":\"2026-11-"
        "18T11:06:40.000002Z\"},"
        "\"seq\":5,\"prev\":\"" ZEROS "\"}");
    buf_free(&b);
    result_free(r);
}

static void what_is_not_there_is_null(void **state)
{
    (void)state;
    struct result *r = bare_result("x");
    struct buf b = {0};
    result_encode(r, &b);
    assert_string_equal(
        b.data,
        "{\"id\":\"x\",\"tenant\":\"default\",\"class\":\"low\",\"state\":\"done\",\"outcome\":"
        "\"invalid\","
        "\"value\":null,\"stdout\":\"\",\"stderr\":\"\","
        "\"truncated\":false,"
        "\"error\":null,\"limit\":null,\"usage\":{\"cpu_ms\":0.000,\"wall_ms\":0.000,\"heap_peak_"
        "bytes\":0,"
        "\"memory_peak_bytes\":0,\"egress\":null},\"attempts\":0,\"tries\":[],\"artifacts\":[],"
        "\"published_at\":"
        "null,\"started_at\":"
        "null,"
        "\"finished_at\":null,\"worker\":null,\"engine\":null,\"profile\":null,\"engine_flags\":"
        "null,\"reuse\":null,\"language\":null,\"transform\":null,\"script_sha256\":null,"
        "\"input_sha256\":null,\"signed_by\":null,\"permissions\":[],\"jail\":[],\"attestation\":"
        "null,"
        "\"seq\":0,\"prev\":\"\"}");
    r->has_error = true;
    r->error_name = mem_strdup("E");
    buf_clear(&b);
    result_encode(r, &b);
    assert_non_null(
        strstr(b.data, "\"error\":{\"name\":\"E\",\"message\":null,\"stack\":null,\"line\":null,"
                       "\"column\":null},"));
    buf_free(&b);
    result_free(r);
    result_free(NULL);
}

static void the_table_of_names_is_what_is_written(void **state)
{
    (void)state;
    struct result *r = sample_result("a");
    struct buf b = {0};
    result_encode(r, &b);
    struct jv *v;
    assert_int_equal(jv_parse(b.data, b.len, &v, NULL), 0);
    assert_int_equal(jv_count(v), RESULT_MEMBERS);
    size_t last = 0;
    for (int i = 0; i < RESULT_MEMBERS; i++) {
        const char *p;
        size_t len;
        assert_true(jv_raw_member(b.data, b.len, result_members[i], &p, &len));
        assert_true((size_t)(p - b.data) > last); /* in order */
        last = (size_t)(p - b.data);
    }
    jv_free(v);
    buf_free(&b);
    result_free(r);
}

/* ---- fit ---- */

static size_t fitted_size(struct result *r, size_t max, struct buf *out)
{
    r->seq = 123456789;
    memcpy(r->prev, ZEROS, 65);
    result_fit(r, max, out);
    assert_true(jv_check(out->data, out->len));
    return envelope_size(out->len);
}

static void set_output(struct result *r, size_t out_len, size_t err_len)
{
    free(r->out);
    free(r->err_out);
    r->out = mem_alloc(out_len + 1);
    r->err_out = mem_alloc(err_len + 1);
    for (size_t i = 0; i + 2 < out_len; i += 3)
        memcpy(r->out + i, "\xe2\x82\xac", 3);
    memset(r->err_out, 'e', err_len);
    r->out_len = out_len / 3 * 3;
    r->out_total = r->out_len;
    r->err_out_len = r->err_out_total = err_len;
}

static void what_fits_is_left_alone(void **state)
{
    (void)state;
    struct buf b = {0}, plain = {0};
    struct result *r = sample_result("a");
    size_t n = fitted_size(r, 1 << 20, &b);
    statement_encode(r, &plain);
    assert_string_equal(b.data, plain.data);
    assert_int_equal(n, envelope_size(plain.len));
    assert_false(r->out_cut);
    buf_free(&b);
    buf_free(&plain);
    result_free(r);
}

static void output_is_halved_at_characters_until_it_fits(void **state)
{
    (void)state;
    for (size_t max = FIT_MIN; max < 400000; max = max * 5 / 4) {
        struct buf b = {0};
        struct result *r = sample_result("a");
        set_output(r, 300000, 100000);
        uint64_t out_total = r->out_total;
        assert_in_range(fitted_size(r, max, &b), max / 4, max);
        assert_int_equal(utf8_valid_prefix(r->out, r->out_len), r->out_len);
        assert_non_null(strstr(b.data, "\"truncated\":true"));
        assert_int_equal(r->out_total, out_total);
        assert_int_equal(r->outcome, OUTCOME_THREW); /* output alone does not change the outcome */
        assert_string_equal(r->value, "{\"n\":1.50}");
        assert_string_equal(r->error_name, "TypeError");
        buf_free(&b);
        result_free(r);
    }
}

static void the_longer_stream_is_cut_first(void **state)
{
    (void)state;
    struct buf b = {0};
    struct result *r = sample_result("a");
    set_output(r, 300000, 3000);
    fitted_size(r, 100000, &b);
    assert_int_equal(r->err_out_len, 3000);
    assert_false(r->err_out_cut);
    assert_true(r->out_cut);
    assert_true(r->out_len > 20000);
    buf_free(&b);
    result_free(r);
}

static void a_value_that_cannot_fit_is_dropped_and_said_so(void **state)
{
    (void)state;
    struct buf b = {0};
    struct result *r = sample_result("a");
    r->outcome = OUTCOME_OK;
    r->has_error = false;
    free(r->value);
    r->value = mem_alloc(200003);
    memset(r->value, '1', 200002);
    r->value[0] = r->value[200001] = '"';
    r->value_len = 200002;
    assert_in_range(fitted_size(r, 100000, &b), 1, 100000);
    assert_null(r->value);
    assert_int_equal(r->outcome, OUTCOME_OUTPUT_EXCEEDED);
    assert_string_equal(r->error_name, "OutputTooLarge");
    assert_non_null(strstr(r->error_message, "200002 bytes"));
    assert_non_null(strstr(r->error_message, "100000"));
    assert_int_equal(r->out_len, 18); /* what could stay has stayed */
    assert_non_null(strstr(b.data, "\"value\":null"));
    buf_free(&b);
    result_free(r);
}

static void a_value_that_fits_alone_is_kept_and_the_output_cut(void **state)
{
    (void)state;
    struct buf b = {0};
    struct result *r = sample_result("a");
    set_output(r, 300000, 0);
    free(r->value);
    r->value = mem_alloc(50003);
    memset(r->value, '1', 50002);
    r->value[0] = r->value[50001] = '"';
    r->value_len = 50002;
    assert_in_range(fitted_size(r, 100000, &b), 1, 100000);
    assert_int_equal(r->value_len, 50002);
    assert_true(r->out_cut);
    buf_free(&b);
    result_free(r);
}

static char *filled(char c, size_t n)
{
    char *s = mem_alloc(n + 1);
    memset(s, c, n);
    return s;
}

static void the_smallest_bound_is_kept_with_everything_too_long(void **state)
{
    (void)state;
    struct buf b = {0};
    char id[129];
    memset(id, 'i', 128);
    id[128] = 0;
    struct result *r = sample_result(id);
    set_output(r, 300000, 300000);
    free(r->error_name);
    free(r->error_message);
    free(r->error_stack);
    r->error_name = filled(1, RESULT_TEXT_MAX); /* control characters: six times as long in JSON */
    r->error_message = filled(1, RESULT_TEXT_MAX);
    r->error_stack = filled(1, RESULT_TEXT_MAX);
    assert_in_range(fitted_size(r, 0, &b), 1, FIT_MIN);
    assert_true(strlen(r->error_message) >= 200);
    buf_free(&b);
    result_free(r);
}

static void mending_takes_out_a_value_that_is_not_json(void **state)
{
    (void)state;
    static const char *const bad[] = {"1,\"outcome\":\"ok\"", "{\"a\":1}}", "undefined", "\"\xff\"",
                                      " "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct result *r = sample_result("a");
        r->outcome = OUTCOME_OK;
        free(r->value);
        r->value = mem_strdup(bad[i]);
        r->value_len = strlen(bad[i]);
        result_mend(r);
        assert_null(r->value);
        assert_int_equal(r->outcome, OUTCOME_CRASHED);
        assert_string_equal(r->error_name, "BadValue");
        result_free(r);
    }
    struct result *r = sample_result("a"); /* a lone surrogate is JSON */
    free(r->value);
    r->value = mem_strdup("\"\\ud800\"");
    r->value_len = 8;
    result_mend(r);
    assert_string_equal(r->value, "\"\\ud800\"");
    result_free(r);
}

static void mending_cuts_error_texts_and_names_nameless_errors(void **state)
{
    (void)state;
    struct result *r = bare_result("a");
    r->has_error = true;
    r->error_message = filled('m', RESULT_TEXT_MAX + 5);
    result_mend(r);
    assert_string_equal(r->error_name, "Error");
    assert_int_equal(strlen(r->error_message), RESULT_TEXT_MAX);
    result_free(r);
}

/* ---- row ---- */

static void check_round_trip(struct result *r)
{
    struct store_row row = {.result = r, .envelope = "envelope", .envelope_len = 8, .hash = ZEROS};
    struct cell cells[COLUMNS];
    struct row_scratch scratch;
    struct row_view v;
    struct err e = {0};
    struct buf before = {0}, after = {0};
    r->seq = 9;
    memcpy(r->prev, ZEROS, 65);
    row_cells(&row, cells, &scratch);
    if (row_view(cells, &v, &e))
        fail_msg("%s", e.msg);
    result_encode(r, &before);
    result_encode(v.row.result, &after);
    assert_string_equal(before.data, after.data);
    assert_int_equal(v.result.stream_seq, r->stream_seq);
    assert_int_equal(v.row.envelope_len, 8);
    row_view_free(&v);
    buf_free(&before);
    buf_free(&after);
    result_free(r);
}

static void columns_give_the_same_result_back(void **state)
{
    (void)state;
    check_round_trip(sample_result("a"));
    check_round_trip(bare_result("a"));
    struct result *r = sample_result("a");
    r->out_cut = true;        /* cut although the totals do not say it */
    r->cpu_us = 999999999999; /* 11 days: exact to the microsecond */
    r->started_at_us = 1;
    free(r->value);
    r->value = mem_strdup("null"); /* null is a value, though it reads like none */
    r->value_len = 4;
    check_round_trip(r);
    for (int o = 0; o < OUTCOMES; o++) {
        r = sample_result("a");
        r->outcome = (enum outcome)o;
        r->cpu_us = 1000003 * o + 7;
        check_round_trip(r);
    }
}

static void cells_that_no_worker_writes_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        enum column c;
        struct cell cell;
    } t[] = {
        {COL_SEQ, {.type = CELL_INT, .i = -1}},
        {COL_SEQ, {.type = CELL_TEXT, .p = "1", .len = 1}},
        {COL_ID, {.type = CELL_NULL}},
        {COL_OUTCOME, {.type = CELL_TEXT, .p = "fine", .len = 4}},
        {COL_CPU_MS, {.type = CELL_REAL, .d = -1}},
        {COL_CPU_MS, {.type = CELL_TEXT, .p = "1", .len = 1}},
        {COL_WALL_MS, {.type = CELL_REAL, .d = 1e300}},
        {COL_STARTED_AT, {.type = CELL_TEXT, .p = "yesterday", .len = 9}},
        {COL_STARTED_AT, {.type = CELL_TEXT, .p = "2026-13-41T00:00:00.000000Z", .len = 27}},
        {COL_SCRIPT_SHA256, {.type = CELL_TEXT, .p = "short", .len = 5}},
        {COL_JAIL, {.type = CELL_TEXT, .p = "{}", .len = 2}},
        {COL_JAIL, {.type = CELL_TEXT, .p = "[1]", .len = 3}},
        {COL_STDOUT_TRUNCATED, {.type = CELL_INT, .i = 2}},
        {COL_STDERR_TRUNCATED, {.type = CELL_INT, .i = 0}}, /* but 1000 bytes are 4 */
        {COL_ERROR_LINE, {.type = CELL_INT, .i = (int64_t)1 << 40}},
        {COL_ERROR_NAME, {.type = CELL_NULL}}, /* but it has a message */
        {COL_ENVELOPE, {.type = CELL_TEXT, .p = "x", .len = 1}},
    };
    struct result *r = sample_result("a");
    struct store_row row = {.result = r, .envelope = "envelope", .envelope_len = 8, .hash = ZEROS};
    struct row_scratch scratch;
    memcpy(r->prev, ZEROS, 65);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cell cells[COLUMNS];
        struct row_view v;
        struct err e = {0};
        row_cells(&row, cells, &scratch);
        cells[t[i].c] = t[i].cell;
        assert_int_equal(row_view(cells, &v, &e), ERR_CORRUPT);
        if (!strstr(e.msg, schema_columns[t[i].c]))
            fail_msg("%zu: %s", i, e.msg);
        row_view_free(&v);
    }
    result_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_object_has_every_member_in_order),
        cmocka_unit_test(what_is_not_there_is_null),
        cmocka_unit_test(the_table_of_names_is_what_is_written),
        cmocka_unit_test(what_fits_is_left_alone),
        cmocka_unit_test(output_is_halved_at_characters_until_it_fits),
        cmocka_unit_test(the_longer_stream_is_cut_first),
        cmocka_unit_test(a_value_that_cannot_fit_is_dropped_and_said_so),
        cmocka_unit_test(a_value_that_fits_alone_is_kept_and_the_output_cut),
        cmocka_unit_test(the_smallest_bound_is_kept_with_everything_too_long),
        cmocka_unit_test(mending_takes_out_a_value_that_is_not_json),
        cmocka_unit_test(mending_cuts_error_texts_and_names_nameless_errors),
        cmocka_unit_test(columns_give_the_same_result_back),
        cmocka_unit_test(cells_that_no_worker_writes_are_refused_by_name),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
