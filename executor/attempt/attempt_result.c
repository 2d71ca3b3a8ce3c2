/* What becomes of a run: the result, made from the job, the verdict and what the cell said. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "executor/attempt/attempt_inner.h"
#include "executor/sources/toolchain.h"
#include "executor/services/artifacts.h"
#include "executor/services/net_run.h"

#define UTF8_LONGEST 4 /* bytes of a character */

static struct result *result_base(struct attempt *a)
{
    const struct job *j = a->job;
    struct result *r = result_new();
    r->id = mem_strdup(j->id);
    r->tenant = mem_strdup(j->tenant);
    r->cls = job_class_name(j->cls);
    r->state = "done";
    r->attempts = a->number;
    if (a->facts.tries.n > 0) {
        struct buf tries = {0};
        tries_write(&a->facts.tries, &tries);
        r->tries = buf_take(&tries, NULL);
    }
    if (a->number > 0) {
        if (!a->granted.data)
            permissions_json(&j->permissions, &a->granted);
        r->permissions = buf_take(&a->granted, NULL);
        r->profile = profile_table[j->profile].name;
    }
    if (a->number > 0 && j->reuse != REUSE_NONE) {
        r->reuse = reuse_names[j->reuse];
        r->reuse_call = a->call;
    }
    r->published_at_us = a->facts.published_at_us;
    r->started_at_us = a->started_real_us;
    r->finished_at_us = clock_real_us();
    r->stream_seq = a->facts.stream_seq;
    r->language = job_language_names[j->language];
    r->transform = toolchain_report(a);
    memcpy(r->script_sha256, j->script_sha256, sizeof r->script_sha256);
    memcpy(r->input_sha256, j->input_sha256, sizeof r->input_sha256);
    memcpy(r->signed_by, j->signed_by, sizeof r->signed_by);
    return r;
}

static void set_error(struct result *r, const char *name, const char *message)
{
    r->has_error = true;
    r->error_name = mem_strdup(name);
    r->error_message = mem_strdup(message);
}

struct result *attempt_result_without_run(struct attempt *a, enum outcome o, const struct err *why)
{
    struct result *r = result_base(a);
    r->outcome = o;
    if (o == OUTCOME_INVALID)
        set_error(r, "InvalidJob", why->msg);
    else if (o == OUTCOME_INTERNAL)
        set_error(r, "InternalError", why->msg);
    else if (attempt_is_late(a))
        set_error(r, "DeadlineExceeded", "the job's deadline passed before it could start");
    else
        set_error(r, "Cancelled", "the job was cancelled before it ran");
    return r;
}

/* cut: the budget ended the text, perhaps inside a character, which then goes. */
static void take_text(char **to, size_t *to_len, struct buf *from, bool cut)
{
    struct buf fixed = {0};
    size_t valid = utf8_valid_prefix(from->data ? from->data : "", from->len);
    if (cut && valid < from->len && from->len - valid < UTF8_LONGEST) {
        from->len = valid;
        from->data[valid] = '\0';
    }
    if (valid == from->len) {
        *to = buf_take(from, to_len);
        return;
    }
    utf8_add_repaired(&fixed, from->data, from->len);
    *to = buf_take(&fixed, to_len);
    buf_clear(from);
}

/* Where the script was when it was stopped, if the cell could tell. */
static void take_place(struct result *r, const struct cell_done *d)
{
    struct buf b = {0};
    size_t len;
    if (d->stack_len) {
        buf_addf(&b, "%s: %s\n%.*s", r->error_name, r->error_message, (int)d->stack_len, d->stack);
        r->error_stack = buf_take(&b, &len);
    }
    r->error_line = d->line;
    r->error_column = d->column;
}

static void take_cell_error(struct result *r, const struct cell_done *d)
{
    r->has_error = true;
    r->error_name = mem_copy(d->name, d->name_len);
    r->error_message = mem_copy(d->message, d->message_len);
    if (d->stack_len)
        r->error_stack = mem_copy(d->stack, d->stack_len);
    r->error_line = d->line;
    r->error_column = d->column;
}

/* What was printed: bytes kept, those over the cap, and not those that a mask took away. */
static uint64_t printed(const struct attempt_stream *s, uint64_t told)
{
    uint64_t masked = s->masking.taken - s->masking.given;
    told = told > masked ? told - masked : 0;
    return told > s->kept.len ? told : s->kept.len;
}

static void mask_string(const struct mask *m, char **text)
{
    struct buf b = {0};
    if (*text && mask_text(m, *text, strlen(*text), &b)) {
        crypto_wipe(*text, strlen(*text));
        free(*text);
        *text = buf_take(&b, NULL);
    }
    buf_free(&b);
}

/* Everything in a result that a cell may have worded. */
static void mask_result(const struct mask *m, struct result *r)
{
    struct buf b = {0};
    mask_string(m, &r->error_name);
    mask_string(m, &r->error_message);
    mask_string(m, &r->error_stack);
    if (r->value && mask_json(m, r->value, r->value_len, &b)) {
        crypto_wipe(r->value, r->value_len);
        free(r->value);
        r->value = buf_take(&b, &r->value_len);
    }
    buf_free(&b);
}

struct result *attempt_make_result(struct attempt *a, const struct verdict *v,
                                   const struct cell_done *d, const struct cell_gone *g,
                                   int64_t cpu_us, int64_t wall_us)
{
    struct result *r = result_base(a);
    struct attempt_stream *out = &a->streams[FRAME_STDOUT - 1],
                          *err = &a->streams[FRAME_STDERR - 1];
    uint64_t out_total = printed(out, d ? d->stdout_total : 0);
    uint64_t err_total = printed(err, d ? d->stderr_total : 0);
    r->outcome = v->outcome;
    r->cpu_us = cpu_us < 0 ? 0 : cpu_us;
    r->wall_us = wall_us;
    r->out_total = out_total;
    r->err_out_total = err_total;
    take_text(&r->out, &r->out_len, &out->kept, out_total > out->kept.len);
    take_text(&r->err_out, &r->err_out_len, &err->kept, err_total > err->kept.len);
    if (d) {
        r->heap_peak = d->heap_peak;
        r->memory_peak = d->memory_peak;
    } else {
        r->memory_peak = g->memory_peak;
    }
    if (v->limit != LIMITS) {
        r->limit_name = limit_table[v->limit].name;
        r->limit_value = a->job->limits.v[v->limit];
        r->limit_used = v->used;
    }
    if (v->own_error)
        set_error(r, v->name, v->message);
    if (v->own_error && d)
        take_place(r, d);
    else if (!v->own_error && v->outcome != OUTCOME_OK)
        take_cell_error(r, d);
    if (v->outcome == OUTCOME_OK && d->value_len) {
        r->value = mem_copy(d->value, d->value_len);
        r->value_len = d->value_len;
    }
    struct buf artifacts = {0};
    artifacts_json(&a->services, &artifacts);
    r->artifacts = artifacts.len ? buf_take(&artifacts, NULL) : NULL;
    struct buf egress = {0};
    net_run_json(&a->services, &egress);
    r->egress = egress.len ? buf_take(&egress, NULL) : NULL;
    if (a->secrets)
        mask_result(secrets_mask(a->secrets), r);
    return r;
}
