#include "results/record.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* How this works: result_write() is a flat list of the members in the order of the protocol's text.
 * What it writes is what gets signed, hashed and stored, so the same record must give the same
 * bytes every time: nothing here depends on locale, time or memory. */

const char *const result_members[RESULT_MEMBERS] = {
    "id",          "tenant",        "class",        "state",        "outcome",     "value",
    "stdout",      "stderr",        "truncated",    "error",        "limit",       "usage",
    "attempts",    "tries",         "artifacts",    "published_at", "started_at",  "finished_at",
    "worker",      "engine",        "profile",      "engine_flags", "reuse",       "language",
    "transform",   "script_sha256", "input_sha256", "signed_by",    "permissions", "jail",
    "attestation", "seq",           "prev",
};

struct result *result_new(void)
{
    struct result *r = mem_alloc(sizeof *r);
    r->form = RESULT_FORM;
    return r;
}

void result_free(struct result *r)
{
    if (!r)
        return;
    free(r->id);
    free(r->tenant);
    free(r->value);
    free(r->out);
    free(r->err_out);
    free(r->error_name);
    free(r->error_message);
    free(r->error_stack);
    free(r->worker);
    free(r->engine);
    free(r->engine_flags);
    free(r->permissions);
    free(r->tries);
    free(r->artifacts);
    free(r->transform);
    free(r->egress);
    free(r);
}

static bool truncated(const struct result *r)
{
    return r->out_cut || r->out_total > r->out_len || r->err_out_cut ||
           r->err_out_total > r->err_out_len;
}

static void write_position(struct jsonw *w, const char *name, uint32_t n)
{
    jsonw_name(w, name);
    if (n)
        jsonw_int(w, n);
    else
        jsonw_null(w);
}

static void write_error(const struct result *r, struct jsonw *w)
{
    jsonw_name(w, "error");
    if (!r->has_error) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    jsonw_kstr(w, "name", r->error_name);
    jsonw_kstr(w, "message", r->error_message);
    jsonw_kstr(w, "stack", r->error_stack);
    write_position(w, "line", r->error_line);
    write_position(w, "column", r->error_column);
    jsonw_object_end(w);
}

static void write_limit(const struct result *r, struct jsonw *w)
{
    jsonw_name(w, "limit");
    if (!r->limit_name) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    jsonw_kstr(w, "name", r->limit_name);
    jsonw_kint(w, "value", r->limit_value);
    jsonw_kint(w, "used", r->limit_used);
    jsonw_object_end(w);
}

/* A JSON object that is kept as text; NULL: null. */
static void write_object(struct jsonw *w, const char *name, const char *json)
{
    jsonw_name(w, name);
    if (json)
        jsonw_raw(w, json, strlen(json));
    else
        jsonw_null(w);
}

static void write_usage(const struct result *r, struct jsonw *w)
{
    jsonw_name(w, "usage");
    jsonw_object(w);
    jsonw_kms(w, "cpu_ms", r->cpu_us);
    jsonw_kms(w, "wall_ms", r->wall_us);
    jsonw_kint(w, "heap_peak_bytes", (int64_t)r->heap_peak);
    jsonw_kint(w, "memory_peak_bytes", (int64_t)r->memory_peak);
    if (r->form > RESULT_FORM_FIFTH)
        write_object(w, "egress", r->egress);
    jsonw_object_end(w);
}

static void write_time(struct jsonw *w, const char *name, int64_t us)
{
    char stamp[CLOCK_RFC3339_LEN];
    if (us)
        clock_rfc3339(us, stamp);
    jsonw_kstr(w, name, us ? stamp : NULL);
}

/* A JSON array that is kept as text; NULL: an empty one. */
static void write_array(struct jsonw *w, const char *name, const char *json)
{
    jsonw_name(w, name);
    jsonw_raw(w, json ? json : "[]", json ? strlen(json) : 2);
}

static void write_reuse(const struct result *r, struct jsonw *w)
{
    jsonw_name(w, "reuse");
    if (!r->reuse) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    jsonw_kstr(w, "mode", r->reuse);
    jsonw_kint(w, "call", r->reuse_call);
    jsonw_object_end(w);
}

static void write_language(const struct result *r, struct jsonw *w)
{
    jsonw_kstr(w, "language", r->language);
    write_object(w, "transform", r->transform);
}

static void write_attestation(const struct result *r, struct jsonw *w)
{
    jsonw_name(w, "attestation");
    if (!*r->attest_set) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    jsonw_kstr(w, "set", r->attest_set);
    write_time(w, "at", r->attested_at_us);
    jsonw_object_end(w);
}

void result_write_jail(const struct result *r, struct jsonw *w)
{
    jsonw_array(w);
    for (int i = 0; r->jail_names && r->jail_names[i]; i++)
        if (r->jail & (1u << i))
            jsonw_str(w, r->jail_names[i]);
    jsonw_array_end(w);
}

void result_write(const struct result *r, struct jsonw *w)
{
    bool second = r->form >= 2;
    jsonw_object(w);
    jsonw_kstr(w, "id", r->id);
    jsonw_kstr(w, "tenant", r->tenant);
    jsonw_kstr(w, "class", r->cls);
    jsonw_kstr(w, "state", r->state);
    jsonw_kstr(w, "outcome", outcome_name(r->outcome));
    jsonw_name(w, "value");
    if (r->value && r->value_len)
        jsonw_raw(w, r->value, r->value_len);
    else
        jsonw_null(w);
    jsonw_name(w, "stdout");
    jsonw_string(w, r->out, r->out_len);
    jsonw_name(w, "stderr");
    jsonw_string(w, r->err_out, r->err_out_len);
    jsonw_kbool(w, "truncated", truncated(r));
    write_error(r, w);
    if (second)
        write_limit(r, w);
    write_usage(r, w);
    jsonw_kint(w, "attempts", r->attempts);
    if (second)
        write_array(w, "tries", r->tries);
    if (r->form > RESULT_FORM_THIRD)
        write_array(w, "artifacts", r->artifacts);
    write_time(w, "published_at", r->published_at_us);
    write_time(w, "started_at", r->started_at_us);
    write_time(w, "finished_at", r->finished_at_us);
    jsonw_kstr(w, "worker", r->worker);
    jsonw_kstr(w, "engine", r->engine);
    if (second) {
        jsonw_kstr(w, "profile", r->profile);
        jsonw_kstr(w, "engine_flags", r->engine_flags);
    }
    if (r->form >= 3)
        write_reuse(r, w);
    if (r->form > RESULT_FORM_FOURTH)
        write_language(r, w);
    jsonw_kstr(w, "script_sha256", *r->script_sha256 ? r->script_sha256 : NULL);
    jsonw_kstr(w, "input_sha256", *r->input_sha256 ? r->input_sha256 : NULL);
    if (second) {
        jsonw_kstr(w, "signed_by", *r->signed_by ? r->signed_by : NULL);
        write_array(w, "permissions", r->permissions);
    }
    jsonw_name(w, "jail");
    result_write_jail(r, w);
    if (second)
        write_attestation(r, w);
    jsonw_kint(w, "seq", (int64_t)r->seq);
    jsonw_kstr(w, "prev", r->prev);
    jsonw_object_end(w);
}

void result_encode(const struct result *r, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    result_write(r, &w);
}
