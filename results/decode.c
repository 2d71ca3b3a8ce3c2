#include "results/decode.h"
#include "base/mem.h"
#include "link/subjects.h"

#include <stdlib.h>
#include <string.h>

/* How this works: the object's members become the cells of a row, and the row becomes a record by
 * the same code that reads databases, with all its checks. Then the record is encoded again: that
 * must be the text. So a member that this code does not know, or reads wrongly, cannot slip
 * through.
 *
 * The value is the script's own JSON, which a parser may refuse (lone surrogates): it is cut out
 * before parsing and passed on as text. */

struct reader {
    const char *json;
    size_t len;
    const struct jv *doc;
    struct cell *cells;
    char **copies;
};

static struct cell text_of(const struct jv *v)
{
    struct cell c = {.type = CELL_TEXT};
    c.p = jv_string(v, &c.len);
    return c.p ? c : (struct cell){.type = CELL_NULL};
}

static void text(struct reader *r, enum column c, const char *name)
{
    r->cells[c] = text_of(jv_get(r->doc, name));
}

static void raw(struct reader *r, enum column c, const char *name)
{
    struct cell cell = {.type = CELL_TEXT};
    if (!jv_raw_member(r->json, r->len, name, &cell.p, &cell.len))
        return;
    cell.p = *r->copies++ = mem_copy(cell.p, cell.len); /* a NUL behind */
    r->cells[c] = cell;
}

static struct cell integer_of(const struct jv *v)
{
    struct cell c = {.type = CELL_INT};
    return jv_int(v, &c.i) ? c : (struct cell){.type = CELL_NULL};
}

static void error_cells(struct reader *r)
{
    const struct jv *error = jv_get(r->doc, "error");
    if (jv_type(error) != JV_OBJECT)
        return;
    r->cells[COL_ERROR_NAME] = text_of(jv_get(error, "name"));
    r->cells[COL_ERROR_MESSAGE] = text_of(jv_get(error, "message"));
    r->cells[COL_ERROR_STACK] = text_of(jv_get(error, "stack"));
    r->cells[COL_ERROR_LINE] = integer_of(jv_get(error, "line"));
    r->cells[COL_ERROR_COLUMN] = integer_of(jv_get(error, "column"));
}

static void usage_cells(struct reader *r)
{
    const struct jv *usage = jv_get(r->doc, "usage");
    r->cells[COL_CPU_MS] =
        (struct cell){.type = CELL_REAL, .d = jv_number(jv_get(usage, "cpu_ms"))};
    r->cells[COL_WALL_MS] =
        (struct cell){.type = CELL_REAL, .d = jv_number(jv_get(usage, "wall_ms"))};
    r->cells[COL_HEAP_PEAK_BYTES] = integer_of(jv_get(usage, "heap_peak_bytes"));
    r->cells[COL_MEMORY_PEAK_BYTES] = integer_of(jv_get(usage, "memory_peak_bytes"));
}

static void output_cells(struct reader *r)
{
    static const struct cell no = {.type = CELL_INT};
    text(r, COL_STDOUT, "stdout");
    text(r, COL_STDERR, "stderr");
    r->cells[COL_STDOUT_TRUNCATED] = no;
    r->cells[COL_STDOUT_TRUNCATED].i = jv_is_true(jv_get(r->doc, "truncated"));
    r->cells[COL_STDERR_TRUNCATED] = no;
    r->cells[COL_STDOUT_BYTES] = no;
    r->cells[COL_STDOUT_BYTES].i = (int64_t)r->cells[COL_STDOUT].len;
    r->cells[COL_STDERR_BYTES] = no;
    r->cells[COL_STDERR_BYTES].i = (int64_t)r->cells[COL_STDERR].len;
}

static void second_form_cells(struct reader *r)
{
    const struct jv *limit = jv_get(r->doc, "limit"), *held = jv_get(r->doc, "attestation");
    text(r, COL_PROFILE, "profile");
    text(r, COL_ENGINE_FLAGS, "engine_flags");
    text(r, COL_SIGNED_BY, "signed_by");
    raw(r, COL_PERMISSIONS, "permissions");
    raw(r, COL_TRIES, "tries");
    if (jv_type(limit) == JV_OBJECT) {
        r->cells[COL_LIMIT_NAME] = text_of(jv_get(limit, "name"));
        r->cells[COL_LIMIT_VALUE] = integer_of(jv_get(limit, "value"));
        r->cells[COL_LIMIT_USED] = integer_of(jv_get(limit, "used"));
    }
    if (jv_type(held) == JV_OBJECT) {
        r->cells[COL_ATTESTATION_SET] = text_of(jv_get(held, "set"));
        r->cells[COL_ATTESTATION_AT] = text_of(jv_get(held, "at"));
    }
}

static void third_form_cells(struct reader *r)
{
    const struct jv *reuse = jv_get(r->doc, "reuse");
    r->cells[COL_FORM].i = RESULT_FORM_THIRD;
    if (jv_type(reuse) == JV_OBJECT) {
        r->cells[COL_REUSE_MODE] = text_of(jv_get(reuse, "mode"));
        r->cells[COL_REUSE_CALL] = integer_of(jv_get(reuse, "call"));
    }
}

/* A member of `usage`, as text. */
static void egress_cell(struct reader *r)
{
    struct reader usage = *r;
    if (jv_type(jv_get(jv_get(r->doc, "usage"), "egress")) != JV_OBJECT ||
        !jv_raw_member(r->json, r->len, "usage", &usage.json, &usage.len))
        return;
    raw(&usage, COL_EGRESS, "egress");
    r->copies = usage.copies;
}

static void read_members(struct reader *r)
{
    bool second = jv_get(r->doc, "limit") != NULL;
    text(r, COL_ID, "id");
    text(r, COL_TENANT, "tenant");
    text(r, COL_CLASS, "class");
    text(r, COL_STATE, "state");
    text(r, COL_OUTCOME, "outcome");
    raw(r, COL_VALUE, "value");
    if (r->cells[COL_VALUE].len == 4 && !memcmp(r->cells[COL_VALUE].p, "null", 4))
        r->cells[COL_VALUE] = (struct cell){.type = CELL_NULL};
    output_cells(r);
    error_cells(r);
    usage_cells(r);
    r->cells[COL_ATTEMPTS] = integer_of(jv_get(r->doc, "attempts"));
    text(r, COL_PUBLISHED_AT, "published_at");
    text(r, COL_STARTED_AT, "started_at");
    text(r, COL_FINISHED_AT, "finished_at");
    text(r, COL_WORKER, "worker");
    text(r, COL_ENGINE, "engine");
    text(r, COL_SCRIPT_SHA256, "script_sha256");
    text(r, COL_INPUT_SHA256, "input_sha256");
    raw(r, COL_JAIL, "jail");
    r->cells[COL_SEQ] = integer_of(jv_get(r->doc, "seq"));
    text(r, COL_PREV, "prev");
    r->cells[COL_FORM] = (struct cell){.type = CELL_INT, .i = second ? 2 : 1};
    if (second)
        second_form_cells(r);
    if (jv_get(r->doc, "reuse"))
        third_form_cells(r);
    if (jv_get(r->doc, "artifacts")) {
        r->cells[COL_FORM].i = RESULT_FORM_FOURTH;
        raw(r, COL_ARTIFACTS, "artifacts");
    }
    if (jv_get(r->doc, "language")) {
        r->cells[COL_FORM].i = RESULT_FORM_FIFTH;
        text(r, COL_LANGUAGE, "language");
        if (jv_type(jv_get(r->doc, "transform")) == JV_OBJECT)
            raw(r, COL_TRANSFORM, "transform");
    }
    if (jv_get(jv_get(r->doc, "usage"), "egress")) {
        r->cells[COL_FORM].i = RESULT_FORM;
        egress_cell(r);
    }
}

/* Parses the object with null in place of its value. */
static int parse(const char *json, size_t len, struct jv **doc, struct err *e)
{
    struct buf b = {0};
    const char *value;
    size_t value_len;
    if (!jv_check(json, len) || *json != '{')
        return err_set(e, ERR_INVALID, "found what is no JSON object");
    if (!jv_raw_member(json, len, "value", &value, &value_len))
        return err_set(e, ERR_INVALID, "value: missing");
    buf_add(&b, json, (size_t)(value - json));
    buf_adds(&b, "null");
    buf_add(&b, value + value_len, (size_t)(json + len - value) - value_len);
    int rc = jv_parse(b.data, b.len, doc, e);
    buf_free(&b);
    return rc;
}

const char *result_difference(const struct buf *a, const struct buf *b)
{
    for (int i = 0; i < RESULT_MEMBERS; i++) {
        const char *va, *vb;
        size_t la, lb;
        bool in_a = jv_raw_member(a->data, a->len, result_members[i], &va, &la);
        bool in_b = jv_raw_member(b->data, b->len, result_members[i], &vb, &lb);
        if (!in_a && !in_b) /* of a later form */
            continue;
        if (in_a != in_b || la != lb || memcmp(va, vb, la) != 0)
            return result_members[i];
    }
    return "(a member unknown to this program)";
}

static int compare(const char *json, size_t len, const struct result *r, struct err *e)
{
    struct buf again = {0}, given = {0};
    int rc = 0;
    result_encode(r, &again);
    if (again.len != len || memcmp(again.data, json, len) != 0) {
        buf_add(&given, json, len);
        rc = err_set(e, ERR_INVALID,
                     "%s: holds what this program does not write (a newer worker's?)",
                     result_difference(&given, &again));
    }
    buf_free(&given);
    buf_free(&again);
    return rc;
}

int result_decode(const char *json, size_t len, const char *hash, const char *envelope,
                  size_t envelope_len, struct decoded *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    int rc = parse(json, len, &out->doc, e);
    if (rc)
        return rc;
    struct reader r = {json, len, out->doc, out->cells, out->copies};
    read_members(&r);
    out->cells[COL_HASH] = (struct cell){.type = CELL_TEXT, .p = hash, .len = strlen(hash)};
    out->cells[COL_ENVELOPE] = (struct cell){.type = CELL_BLOB, .p = envelope, .len = envelope_len};
    rc = row_view(out->cells, &out->view, e);
    if (!rc)
        rc = compare(json, len, &out->view.result, e);
    const struct result *v = &out->view.result;
    if (!rc && (!job_id_valid(v->id, strlen(v->id)) || !tenant_name_valid(v->tenant)))
        rc = err_set(e, ERR_INVALID, "id, tenant: found what cannot be one");
    if (rc && e)
        e->code = ERR_INVALID;
    return rc ? ERR_INVALID : 0;
}

void decoded_free(struct decoded *d)
{
    row_view_free(&d->view);
    jv_free(d->doc);
    d->doc = NULL;
    for (size_t i = 0; i < ARRAY_LEN(d->copies); i++) {
        free(d->copies[i]);
        d->copies[i] = NULL;
    }
}
