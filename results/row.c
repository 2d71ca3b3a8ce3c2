#include "results/row.h"
#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- result → cells ---- */

static struct cell integer(int64_t v)
{
    return (struct cell){.type = CELL_INT, .i = v};
}

static struct cell integer_or_null(int64_t v)
{
    return v ? integer(v) : (struct cell){.type = CELL_NULL};
}

static struct cell milliseconds(int64_t us)
{
    return (struct cell){.type = CELL_REAL, .d = (double)us / 1000.0};
}

static struct cell text(const char *s, size_t len)
{
    return s ? (struct cell){.type = CELL_TEXT, .p = s, .len = len}
             : (struct cell){.type = CELL_NULL};
}

static struct cell string(const char *s)
{
    return text(s, s ? strlen(s) : 0);
}

static struct cell string_or_null(const char *s)
{
    return string(*s ? s : NULL);
}

static struct cell stamp(int64_t us, char out[ROW_STAMP])
{
    if (us)
        clock_rfc3339(us, out);
    return string(us ? out : NULL);
}

static struct cell jail(const struct result *r, char out[ROW_JAIL])
{
    struct buf b = {.max = ROW_JAIL - 1};
    struct jsonw w;
    jsonw_init(&w, &b);
    result_write_jail(r, &w);
    CHECK(!b.full);
    memcpy(out, b.data, b.len + 1);
    size_t len = b.len;
    buf_free(&b);
    return text(out, len);
}

static void error_cells(const struct result *r, struct cell *out)
{
    if (!r->has_error)
        return; /* all null */
    out[COL_ERROR_NAME] = string(r->error_name ? r->error_name : "");
    out[COL_ERROR_MESSAGE] = string(r->error_message);
    out[COL_ERROR_STACK] = string(r->error_stack);
    out[COL_ERROR_LINE] = integer_or_null(r->error_line);
    out[COL_ERROR_COLUMN] = integer_or_null(r->error_column);
}

static void second_form_cells(const struct result *r, struct cell *out, struct row_scratch *scratch)
{
    out[COL_FORM] = integer(r->form);
    out[COL_LIMIT_NAME] = string(r->limit_name);
    if (r->limit_name) {
        out[COL_LIMIT_VALUE] = integer(r->limit_value);
        out[COL_LIMIT_USED] = integer(r->limit_used);
    }
    out[COL_PROFILE] = string(r->profile);
    out[COL_ENGINE_FLAGS] = string(r->engine_flags);
    out[COL_SIGNED_BY] = string_or_null(r->signed_by);
    out[COL_PERMISSIONS] = string(r->permissions);
    out[COL_TRIES] = string(r->tries);
    out[COL_ARTIFACTS] = string(r->artifacts);
    out[COL_LANGUAGE] = string(r->language);
    out[COL_TRANSFORM] = string(r->transform);
    out[COL_EGRESS] = string(r->egress);
    out[COL_REUSE_MODE] = string(r->reuse);
    if (r->reuse)
        out[COL_REUSE_CALL] = integer(r->reuse_call);
    out[COL_ATTESTATION_SET] = string_or_null(r->attest_set);
    out[COL_ATTESTATION_AT] = stamp(r->attested_at_us, scratch->attested);
}

void row_cells(const struct store_row *row, struct cell out[COLUMNS], struct row_scratch *scratch)
{
    const struct result *r = row->result;
    memset(out, 0, sizeof out[0] * COLUMNS);
    out[COL_SEQ] = integer((int64_t)r->seq);
    out[COL_ID] = string(r->id);
    out[COL_TENANT] = string(r->tenant);
    out[COL_CLASS] = string(r->cls);
    out[COL_STATE] = string(r->state);
    out[COL_OUTCOME] = string(outcome_name(r->outcome));
    out[COL_VALUE] = text(r->value_len ? r->value : NULL, r->value_len);
    out[COL_STDOUT] = text(r->out ? r->out : "", r->out_len);
    out[COL_STDERR] = text(r->err_out ? r->err_out : "", r->err_out_len);
    out[COL_STDOUT_TRUNCATED] = integer(r->out_cut || r->out_total > r->out_len);
    out[COL_STDERR_TRUNCATED] = integer(r->err_out_cut || r->err_out_total > r->err_out_len);
    out[COL_STDOUT_BYTES] = integer((int64_t)r->out_total);
    out[COL_STDERR_BYTES] = integer((int64_t)r->err_out_total);
    error_cells(r, out);
    out[COL_CPU_MS] = milliseconds(r->cpu_us);
    out[COL_WALL_MS] = milliseconds(r->wall_us);
    out[COL_HEAP_PEAK_BYTES] = integer((int64_t)r->heap_peak);
    out[COL_MEMORY_PEAK_BYTES] = integer((int64_t)r->memory_peak);
    out[COL_ATTEMPTS] = integer(r->attempts);
    out[COL_PUBLISHED_AT] = stamp(r->published_at_us, scratch->published);
    out[COL_STARTED_AT] = stamp(r->started_at_us, scratch->started);
    out[COL_FINISHED_AT] = stamp(r->finished_at_us, scratch->finished);
    out[COL_WORKER] = string(r->worker);
    out[COL_ENGINE] = string(r->engine);
    out[COL_SCRIPT_SHA256] = string_or_null(r->script_sha256);
    out[COL_INPUT_SHA256] = string_or_null(r->input_sha256);
    out[COL_JAIL] = jail(r, scratch->jail);
    out[COL_STREAM_SEQ] = integer_or_null((int64_t)r->stream_seq);
    out[COL_PREV] = string(r->prev);
    out[COL_HASH] = string(row->hash);
    out[COL_ENVELOPE] =
        (struct cell){.type = CELL_BLOB, .p = row->envelope, .len = row->envelope_len};
    second_form_cells(r, out, scratch);
}

/* ---- cells → result ---- */

/* Walks the cells; the first column that is wrong stays in `bad`. */
struct reader {
    const struct cell *in;
    int bad; /* enum column, -1: none */
};

static void wrong(struct reader *rd, enum column c)
{
    if (rd->bad < 0)
        rd->bad = (int)c;
}

static int64_t get_int(struct reader *rd, enum column c)
{
    const struct cell *cell = &rd->in[c];
    if (cell->type == CELL_NULL)
        return 0;
    if (cell->type != CELL_INT || cell->i < 0)
        wrong(rd, c);
    return cell->i;
}

static uint32_t get_u32(struct reader *rd, enum column c)
{
    int64_t v = get_int(rd, c);
    if (v < 0 || v > UINT32_MAX)
        wrong(rd, c);
    return (uint32_t)v;
}

static int64_t get_us(struct reader *rd, enum column c)
{
    const struct cell *cell = &rd->in[c];
    if (cell->type == CELL_REAL && cell->d >= 0 && cell->d < 1e15)
        return (int64_t)llround(cell->d * 1000.0);
    wrong(rd, c);
    return 0;
}

/* The record's strings are its own elsewhere, hence not const; nobody writes to or frees these. */
static char *get_text(struct reader *rd, enum column c, size_t *len)
{
    const struct cell *cell = &rd->in[c];
    if (cell->type != CELL_TEXT && cell->type != CELL_NULL)
        wrong(rd, c);
    if (len)
        *len = cell->type == CELL_TEXT ? cell->len : 0;
    return cell->type == CELL_TEXT ? (char *)(uintptr_t)cell->p : NULL;
}

static const char *get_needed(struct reader *rd, enum column c)
{
    const char *s = get_text(rd, c, NULL);
    if (!s)
        wrong(rd, c);
    return s ? s : "";
}

static void get_hex(struct reader *rd, enum column c, char out[65])
{
    size_t len;
    const char *s = get_text(rd, c, &len);
    if (s && (len != 64 || strspn(s, "0123456789abcdef") != 64))
        wrong(rd, c);
    else if (s)
        memcpy(out, s, 65);
}

/* "2026-11-21T08:57:00.123456Z" → µs; anything that clock_rfc3339() would write otherwise is wrong.
 */
static int64_t get_stamp(struct reader *rd, enum column c)
{
    const char *s = get_text(rd, c, NULL);
    int64_t at = 0;
    if (s && !clock_parse_rfc3339(s, &at))
        wrong(rd, c);
    return at;
}

static void get_outcome(struct reader *rd, struct result *r)
{
    const char *name = get_needed(rd, COL_OUTCOME);
    for (int o = 0; o < OUTCOMES; o++)
        if (!strcmp(outcome_name((enum outcome)o), name)) {
            r->outcome = (enum outcome)o;
            return;
        }
    wrong(rd, COL_OUTCOME);
}

static void get_jail(struct reader *rd, struct row_view *out)
{
    size_t len;
    const char *s = get_text(rd, COL_JAIL, &len);
    if (!s || jv_parse(s, len, &out->jail, NULL) || jv_type(out->jail) != JV_ARRAY ||
        jv_count(out->jail) >= ARRAY_LEN(out->jail_names)) {
        wrong(rd, COL_JAIL);
        return;
    }
    for (size_t i = 0; i < jv_count(out->jail); i++) {
        out->jail_names[i] = jv_string(jv_at(out->jail, i), NULL);
        if (!out->jail_names[i]) {
            wrong(rd, COL_JAIL);
            return;
        }
        out->result.jail |= 1u << i;
    }
    out->result.jail_names = out->jail_names;
}

static void get_error(struct reader *rd, struct result *r)
{
    r->error_name = get_text(rd, COL_ERROR_NAME, NULL);
    r->error_message = get_text(rd, COL_ERROR_MESSAGE, NULL);
    r->error_stack = get_text(rd, COL_ERROR_STACK, NULL);
    r->error_line = get_u32(rd, COL_ERROR_LINE);
    r->error_column = get_u32(rd, COL_ERROR_COLUMN);
    r->has_error = r->error_name != NULL;
    if (!r->has_error && (r->error_message || r->error_stack || r->error_line || r->error_column))
        wrong(rd, COL_ERROR_NAME);
}

static void get_output(struct reader *rd, struct result *r)
{
    r->out = get_text(rd, COL_STDOUT, &r->out_len);
    r->err_out = get_text(rd, COL_STDERR, &r->err_out_len);
    int64_t cut = get_int(rd, COL_STDOUT_TRUNCATED), err_cut = get_int(rd, COL_STDERR_TRUNCATED);
    r->out_total = (uint64_t)get_int(rd, COL_STDOUT_BYTES);
    r->err_out_total = (uint64_t)get_int(rd, COL_STDERR_BYTES);
    r->out_cut = cut == 1;
    r->err_out_cut = err_cut == 1;
    if (cut > 1 || (!cut && r->out_total > r->out_len))
        wrong(rd, COL_STDOUT_TRUNCATED);
    if (err_cut > 1 || (!err_cut && r->err_out_total > r->err_out_len))
        wrong(rd, COL_STDERR_TRUNCATED);
}

/* Rows of the first form have none of these; one that has is not ours. */
static void get_second_form(struct reader *rd, struct result *r)
{
    r->form = (int)get_u32(rd, COL_FORM);
    if (r->form < RESULT_FORM_FIRST || r->form > RESULT_FORM)
        wrong(rd, COL_FORM);
    r->limit_name = get_text(rd, COL_LIMIT_NAME, NULL);
    r->limit_value = get_int(rd, COL_LIMIT_VALUE);
    r->limit_used = get_int(rd, COL_LIMIT_USED);
    r->profile = get_text(rd, COL_PROFILE, NULL);
    r->engine_flags = get_text(rd, COL_ENGINE_FLAGS, NULL);
    get_hex(rd, COL_SIGNED_BY, r->signed_by);
    size_t len;
    r->permissions = get_text(rd, COL_PERMISSIONS, &len);
    if (r->permissions && !jv_check_inner(r->permissions, len))
        wrong(rd, COL_PERMISSIONS);
    r->tries = get_text(rd, COL_TRIES, &len);
    if (r->tries && !jv_check_inner(r->tries, len))
        wrong(rd, COL_TRIES);
    r->artifacts = get_text(rd, COL_ARTIFACTS, &len);
    if (r->artifacts && (r->form <= RESULT_FORM_THIRD || !jv_check_inner(r->artifacts, len)))
        wrong(rd, COL_ARTIFACTS);
    r->language = get_text(rd, COL_LANGUAGE, NULL);
    if (r->language && r->form <= RESULT_FORM_FOURTH)
        wrong(rd, COL_LANGUAGE);
    r->transform = get_text(rd, COL_TRANSFORM, &len);
    if (r->transform && (r->form <= RESULT_FORM_FOURTH || !jv_check_inner(r->transform, len)))
        wrong(rd, COL_TRANSFORM);
    r->egress = get_text(rd, COL_EGRESS, &len);
    if (r->egress && (r->form <= RESULT_FORM_FIFTH || !jv_check_inner(r->egress, len)))
        wrong(rd, COL_EGRESS);
    r->reuse = get_text(rd, COL_REUSE_MODE, NULL);
    r->reuse_call = get_int(rd, COL_REUSE_CALL);
    get_hex(rd, COL_ATTESTATION_SET, r->attest_set);
    r->attested_at_us = get_stamp(rd, COL_ATTESTATION_AT);
}

int row_view(const struct cell in[COLUMNS], struct row_view *out, struct err *e)
{
    struct reader rd = {in, -1};
    *out = (struct row_view){.row = {.result = &out->result}};
    struct result *r = &out->result;
    r->seq = (uint64_t)get_int(&rd, COL_SEQ);
    r->id = (char *)(uintptr_t)get_needed(&rd, COL_ID);
    r->tenant = (char *)(uintptr_t)get_needed(&rd, COL_TENANT);
    r->cls = get_needed(&rd, COL_CLASS);
    r->state = get_needed(&rd, COL_STATE);
    get_outcome(&rd, r);
    r->value = get_text(&rd, COL_VALUE, &r->value_len);
    get_output(&rd, r);
    get_error(&rd, r);
    r->cpu_us = get_us(&rd, COL_CPU_MS);
    r->wall_us = get_us(&rd, COL_WALL_MS);
    r->heap_peak = (uint64_t)get_int(&rd, COL_HEAP_PEAK_BYTES);
    r->memory_peak = (uint64_t)get_int(&rd, COL_MEMORY_PEAK_BYTES);
    r->attempts = (int)get_u32(&rd, COL_ATTEMPTS);
    r->published_at_us = get_stamp(&rd, COL_PUBLISHED_AT);
    r->started_at_us = get_stamp(&rd, COL_STARTED_AT);
    r->finished_at_us = get_stamp(&rd, COL_FINISHED_AT);
    r->worker = get_text(&rd, COL_WORKER, NULL);
    r->engine = get_text(&rd, COL_ENGINE, NULL);
    get_hex(&rd, COL_SCRIPT_SHA256, r->script_sha256);
    get_hex(&rd, COL_INPUT_SHA256, r->input_sha256);
    get_jail(&rd, out);
    get_second_form(&rd, r);
    r->stream_seq = (uint64_t)get_int(&rd, COL_STREAM_SEQ);
    get_hex(&rd, COL_PREV, r->prev);
    out->row.hash = get_needed(&rd, COL_HASH);
    if (in[COL_ENVELOPE].type != CELL_BLOB)
        wrong(&rd, COL_ENVELOPE);
    out->row.envelope = in[COL_ENVELOPE].p;
    out->row.envelope_len = in[COL_ENVELOPE].len;
    if (rd.bad >= 0)
        return err_set(e, ERR_CORRUPT, "row %llu: column %s holds what no worker writes",
                       (unsigned long long)r->seq, schema_columns[rd.bad]);
    return 0;
}

void row_view_free(struct row_view *v)
{
    jv_free(v->jail);
    v->jail = NULL;
}
