#include "executor/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "executor/environment.h"
#include "executor/pool.h"
#include "executor/services/service.h"

#define LATE_MS      5  /* older than this: a long job, its output is sent as it comes */
#define TICK_MS      50 /* what a cell holds back of its output is asked for so often */
#define LOST_MAX     5  /* runs lost with their zygote before the job ends `internal` */
#define UTF8_LONGEST 4  /* bytes of a character */

struct stream {
    struct buf kept; /* masked */
    struct mask_stream masking;
    uint64_t live; /* bytes told as live */
};

struct attempt {
    enum attempt_state state;
    struct backlog_entry entry;
    struct job *job;
    struct attempt_facts facts;
    const struct attempt_owner *owner;
    void *arg;
    int number, lost;
    int64_t deadline_us;             /* real time, 0: none */
    int64_t backoff_ms, due_mono_us; /* PARKED */
    enum outcome last_outcome;
    /* of the present run */
    struct secrets *secrets;
    struct cell *cell;
    struct pool_origin origin;
    uv_timer_t timer;
    int64_t started_real_us, started_us;
    int64_t deadline_mono_us; /* the deadline on the clock that does not jump, 0: none */
    bool late, stopped_late;
    struct stream streams[2]; /* FRAME_STDOUT - 1, FRAME_STDERR - 1 */
};

struct attempt *attempt_new(uv_loop_t *loop, struct job *job, const struct attempt_facts *facts,
                            const struct attempt_owner *owner, void *arg)
{
    struct attempt *a = mem_alloc(sizeof *a);
    a->state = facts->start_in_ms > 0 ? ATTEMPT_PARKED : ATTEMPT_WAITING;
    a->job = job;
    a->facts = *facts;
    a->number = facts->used;
    a->deadline_us = job_deadline_us(job, facts->published_at_us);
    a->owner = owner;
    a->arg = arg;
    a->entry.cls = job->cls;
    list_init(&a->entry.node);
    uv_timer_init(loop, &a->timer);
    a->timer.data = a;
    return a;
}

/* The one place where an attempt changes its state. */
static void move(struct attempt *a, enum attempt_state to)
{
    static const bool legal[4][4] = {
        [ATTEMPT_WAITING] = {[ATTEMPT_RUNNING] = true, [ATTEMPT_RECORDING] = true},
        [ATTEMPT_RUNNING] =
            {[ATTEMPT_WAITING] = true, [ATTEMPT_PARKED] = true, [ATTEMPT_RECORDING] = true},
        [ATTEMPT_PARKED] = {[ATTEMPT_WAITING] = true, [ATTEMPT_RECORDING] = true},
    };
    CHECK(legal[a->state][to]);
    a->state = to;
}

static struct result *result_base(const struct attempt *a)
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
        struct buf granted = {0};
        permissions_json(&j->permissions, &granted);
        r->permissions = buf_take(&granted, NULL);
        r->profile = profile_table[j->profile].name;
    }
    r->published_at_us = a->facts.published_at_us;
    r->started_at_us = a->started_real_us;
    r->finished_at_us = clock_real_us();
    r->stream_seq = a->facts.stream_seq;
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

struct result *attempt_result_without_run(const struct attempt *a, enum outcome o,
                                          const struct err *why)
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

void attempt_record(struct attempt *a)
{
    uv_timer_stop(&a->timer); /* of a wait */
    move(a, ATTEMPT_RECORDING);
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
static uint64_t printed(const struct stream *s, uint64_t told)
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

static struct result *make_result(struct attempt *a, const struct verdict *v,
                                  const struct cell_done *d, const struct cell_gone *g,
                                  int64_t cpu_us, int64_t wall_us)
{
    struct result *r = result_base(a);
    struct stream *out = &a->streams[FRAME_STDOUT - 1], *err = &a->streams[FRAME_STDERR - 1];
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
    if (a->secrets)
        mask_result(secrets_mask(a->secrets), r);
    return r;
}

/* ---- output ---- */

/* Bytes at the end that begin a character which is not whole yet: 0 to 3. */
static size_t unfinished(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && n < UTF8_LONGEST - 1 && ((unsigned char)text[len - 1 - n] & 0xc0) == 0x80)
        n++;
    if (n == len || (unsigned char)text[len - 1 - n] < 0xc0)
        return 0;
    unsigned char first = (unsigned char)text[len - 1 - n];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    return n + 1 < whole ? n + 1 : 0;
}

/* What was not told yet, in whole characters: offsets count bytes, so none may be repaired. */
static void tell(struct attempt *a, int stream, bool live)
{
    struct stream *s = &a->streams[stream - 1];
    const char *text = s->kept.data + s->live;
    size_t len = s->kept.len - s->live;
    if (len)
        len -= unfinished(text, len);
    if (len && a->owner->output(a, stream, s->live, text, len, live, a->arg))
        s->live += len;
}

static void keep(struct attempt *a, int stream, const char *text, size_t len)
{
    struct stream *s = &a->streams[stream - 1];
    size_t budget = (size_t)a->job->limits.v[LIMIT_OUTPUT_KB] * 1024;
    size_t used = a->streams[0].kept.len + a->streams[1].kept.len;
    if (len > budget - used) { /* an honest cell stops by itself: this one is ended */
        len = budget - used;
        cell_stop(a->cell, STOP_OUTPUT);
    }
    if (len == 0)
        return;
    buf_add(&s->kept, text, len);
    tell(a, stream, a->late);
}

/* What was held back because it could have been the beginning of a secret. */
static void end_output(struct attempt *a)
{
    for (int i = 0; a->secrets && i < 2; i++) {
        struct buf b = {.secret = true};
        mask_end(secrets_mask(a->secrets), &a->streams[i].masking, &b);
        keep(a, i + 1, b.data, b.len);
        buf_free(&b);
    }
}

/* ---- a run ends ---- */

static void close_secrets(struct attempt *a)
{
    for (int i = 0; i < 2; i++)
        mask_stream_free(&a->streams[i].masking);
    if (a->secrets != a->facts.secrets)
        secrets_free(a->secrets);
    a->secrets = NULL;
}

static void forget_run(struct attempt *a)
{
    close_secrets(a);
    uv_timer_stop(&a->timer);
    pool_drop(a->cell);
    a->cell = NULL;
}

static void run_again(struct attempt *a, enum attempt_state to)
{
    forget_run(a);
    for (int i = 0; i < 2; i++) {
        buf_clear(&a->streams[i].kept);
        a->streams[i].live = 0;
    }
    move(a, to);
    a->owner->ended(a, NULL, a->arg);
}

/* Whether there is another attempt behind this run; then it is noted, and how long to wait. */
static bool plan_retry(struct attempt *a, const struct result *r)
{
    const struct retry_policy *p = &a->job->retry;
    if (a->number >= p->max_attempts)
        return false;
    uint32_t random;
    crypto_random(&random, sizeof random);
    a->backoff_ms = retry_delay_ms(p, a->number, (double)random / 4294967296.0);
    if (a->deadline_us && r->finished_at_us + a->backoff_ms * 1000 >= a->deadline_us)
        return false; /* it could not start any more */
    const struct one_try one = {
        .attempt = a->number,
        .outcome = r->outcome,
        .error_name = r->has_error ? r->error_name : NULL,
        .error_message = r->error_message,
        .started_at_us = r->started_at_us,
        .finished_at_us = r->finished_at_us,
        .worker = a->facts.worker,
        .cpu_us = r->cpu_us,
        .wall_us = r->wall_us,
    };
    tries_add(&a->facts.tries, &one);
    a->last_outcome = r->outcome;
    return true;
}

static void end_run(struct attempt *a, const struct cell_done *d, const struct cell_gone *g)
{
    /* What the watch saw is earlier than what the loop hears of, and a killed script has ended by
     * then: the kernel takes its time to clear up behind it. */
    int64_t ended_us = d ? d->ended_at_us : g->ended_at_us;
    int64_t wall_us = (ended_us ? ended_us : clock_mono_us()) - a->started_us;
    int64_t cpu_us = d ? d->cpu_us : g->cpu_us;
    struct verdict v;
    end_output(a);
    verdict_reach(d, g, &a->job->limits, cpu_us, wall_us, &v);
    if (v.outcome == OUTCOME_CANCELLED && a->stopped_late) {
        v.name = "DeadlineExceeded";
        snprintf(v.message, sizeof v.message, "the job's deadline passed while it ran");
    }
    if (v.lost && ++a->lost <= LOST_MAX) {
        a->number--; /* this run does not count */
        run_again(a, ATTEMPT_WAITING);
        return;
    }
    bool may_repeat = retry_wants(&a->job->retry, v.outcome);
    struct result *r = make_result(a, &v, d, g, cpu_us, wall_us);
    if (may_repeat && plan_retry(a, r)) {
        log_info("attempt", "job %s: attempt %d of %d: %s, again in %lld ms", a->job->id, a->number,
                 a->job->retry.max_attempts, outcome_name(v.outcome), (long long)a->backoff_ms);
        result_free(r);
        a->lost = 0;
        run_again(a, ATTEMPT_PARKED);
        return;
    }
    if (may_repeat)
        r->state = "dead";
    forget_run(a);
    move(a, ATTEMPT_RECORDING);
    a->owner->ended(a, r, a->arg);
}

/* ---- live output (budgets: sandbox/host/watch.c) ---- */

static void on_timer(uv_timer_t *t)
{
    struct attempt *a = t->data;
    if (!a->late) {
        a->late = true;
        fault(F_JOB_RUNNING);
    }
    for (int i = 0; i < 2; i++)
        tell(a, i + 1, true);
    cell_flush(a->cell);
    int64_t next_ms = TICK_MS;
    if (a->deadline_mono_us) {
        int64_t left_ms = (a->deadline_mono_us - clock_mono_us() + 999) / 1000;
        if (left_ms <= 0 && !a->stopped_late) {
            a->stopped_late = true;
            cell_stop(a->cell, STOP_CANCEL);
        } else if (left_ms > 0 && left_ms < next_ms) {
            next_ms = left_ms;
        }
    }
    uv_timer_start(t, on_timer, (uint64_t)next_ms, 0);
}

/* ---- what the cell tells ---- */

static void on_output(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    struct stream *s = &a->streams[stream - 1];
    struct buf b = {.secret = true};
    if (!a->secrets) {
        keep(a, stream, text, len);
        return;
    }
    mask_feed(secrets_mask(a->secrets), &s->masking, text, len, &b);
    keep(a, stream, b.data, b.len);
    buf_free(&b);
}

/* A refusal reaches the script as {"name": …, "message": …}: its promise is rejected with an error
 * of that class. */
static void answer(struct cell *c, uint64_t call_id, const struct err *refused, struct buf *reply)
{
    struct err e = {0};
    if (refused) {
        struct jsonw w;
        buf_clear(reply);
        jsonw_init(&w, reply);
        jsonw_object(&w);
        jsonw_kstr(&w, "name", service_error_name(refused->code));
        jsonw_kstr(&w, "message", refused->msg);
        jsonw_object_end(&w);
    } else if (!reply->len) {
        buf_adds(reply, "null");
    }
    if (cell_reply(c, call_id, !refused, reply->data, reply->len, &e))
        log_debug("attempt", "cannot answer a host call: %s", e.msg);
}

/* The name of a call and what a service quotes are the cell's own words. */
static void log_refusal(const struct attempt *a, const struct err *why)
{
    struct buf b = {0};
    if (a->secrets)
        mask_text(secrets_mask(a->secrets), why->msg, strlen(why->msg), &b);
    log_debug("attempt", "job %s: %s", a->job->id, a->secrets ? b.data : why->msg);
    buf_free(&b);
}

static void on_call(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    struct attempt *a = arg;
    struct service_call call = {
        .attempt = a,
        .call_id = call_id,
        .json = json,
        .len = len,
        .owner = a->owner,
        .owner_arg = a->arg,
    };
    struct err e = {0};
    struct buf reply = {.max = FRAME_REPLY_MAX, .secret = true};
    const struct service *s = service_find(name, name_len);
    int rc;
    if (!s)
        rc = err_set(&e, ERR_NOT_FOUND, "there is no host service '%.*s'", (int)name_len, name);
    else if (len > s->argument_max)
        rc = err_set(&e, ERR_LIMIT, "%s: the argument is %zu bytes; allowed: at most %zu", s->name,
                     len, s->argument_max);
    else
        rc = s->handle(&call, &reply, &e);
    if (!rc && reply.full)
        rc = err_set(&e, ERR_LIMIT, "%s: the answer is longer than %u bytes", s->name,
                     FRAME_REPLY_MAX);
    if (rc)
        log_refusal(a, &e);
    if (call_id)
        answer(c, call_id, rc ? &e : NULL, &reply);
    buf_free(&reply);
}

static void on_done(struct cell *c, const struct cell_done *d, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    fault(F_RESULT_FRAMED);
    end_run(a, d, NULL);
}

static void on_gone(struct cell *c, const struct cell_gone *g, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    end_run(a, NULL, g);
}

const struct cell_events attempt_cell_events = {
    .output = on_output,
    .call = on_call,
    .done = on_done,
    .gone = on_gone,
};

/* ---- the executor's side ---- */

static uint32_t frame_permissions(const struct permissions *p)
{
    return (p->flag[PERMISSION_EVAL] ? FRAME_ALLOW_EVAL : 0u) |
           (p->flag[PERMISSION_WASM] ? FRAME_ALLOW_WASM : 0u) |
           (p->flag[PERMISSION_SAB] ? FRAME_ALLOW_SAB : 0u);
}

int attempt_open_secrets(struct attempt *a, const struct seal_key *key, const struct tenant *t,
                         struct err *e)
{
    CHECK(a->state == ATTEMPT_WAITING);
    close_secrets(a); /* of a start that found its cell dead */
    a->secrets = a->facts.secrets;
    return a->secrets ? 0 : secrets_open(key, t, a->job, &a->secrets, e);
}

int attempt_start(struct attempt *a, struct cell *c, struct err *e)
{
    const struct job *j = a->job;
    const int64_t *limit = j->limits.v;
    struct buf env = {0}, grants = {0};
    environment_of(j, &env);
    if (a->secrets)
        secrets_grants(a->secrets, &grants);
    struct cell_invocation inv = {
        .id = 1,
        .source = j->source == JOB_MODULE ? FRAME_MODULE : FRAME_SCRIPT,
        .attempt = (uint32_t)a->number + 1,
        .clock_us = (uint32_t)j->permissions.clock_us,
        .permissions = frame_permissions(&j->permissions),
        .heap_bytes = (uint64_t)limit[LIMIT_HEAP_MB] << 20,
        .memory_bytes = (uint64_t)limit[LIMIT_MEMORY_MB] << 20,
        .output_bytes = (uint64_t)limit[LIMIT_OUTPUT_KB] << 10,
        .value_bytes = (uint64_t)limit[LIMIT_OUTPUT_KB] << 10,
        .cpu_us = limit[LIMIT_CPU_MS] * 1000,
        .wall_us = limit[LIMIT_WALL_MS] * 1000,
        .job_id = j->id,
        .tenant = j->tenant,
        .name = j->name,
        .script = j->script,
        .script_len = j->script_len,
        .input = j->input,
        .input_len = j->input_len,
        .env = env.data,
        .env_len = env.len,
        .grants = grants.data,
        .grants_len = grants.len,
        .parents = j->parents,
        .parents_len = j->parents_len,
    };
    int rc = cell_invoke(c, &inv, e);
    buf_free(&env);
    buf_free(&grants);
    if (rc)
        return rc;
    move(a, ATTEMPT_RUNNING);
    a->cell = c;
    pool_origin(c, &a->origin);
    a->number++;
    a->started_us = clock_mono_us();
    a->started_real_us = clock_real_us();
    a->late = a->stopped_late = false;
    a->deadline_mono_us =
        a->deadline_us ? a->started_us + (a->deadline_us - a->started_real_us) : 0;
    for (int i = 0; i < 2; i++)
        a->streams[i].kept.max = (size_t)limit[LIMIT_OUTPUT_KB] << 10;
    uv_timer_start(&a->timer, on_timer, LATE_MS, 0);
    fault(F_JOB_DISPATCHED);
    return 0;
}

static void on_due(uv_timer_t *t)
{
    struct attempt *a = t->data;
    /* A loop's timer counts from the turn's beginning and can be early by what the turn took. */
    int64_t left_us = a->due_mono_us - clock_mono_us();
    if (left_us > 0) {
        uv_timer_start(t, on_due, (uint64_t)(left_us + 999) / 1000, 0);
        return;
    }
    move(a, ATTEMPT_WAITING);
    a->owner->due(a, a->arg);
}

void attempt_park(struct attempt *a, int64_t delay_ms)
{
    CHECK(a->state == ATTEMPT_PARKED);
    a->due_mono_us = clock_mono_us() + delay_ms * 1000;
    uv_timer_start(&a->timer, on_due, (uint64_t)(delay_ms > 0 ? delay_ms : 0), 0);
}

int64_t attempt_backoff_ms(const struct attempt *a)
{
    return a->backoff_ms;
}

bool attempt_has_clock(const struct attempt *a)
{
    return uv_is_active((const uv_handle_t *)&a->timer);
}

int64_t attempt_due_in_ms(const struct attempt *a)
{
    int64_t left_us = a->due_mono_us - clock_mono_us();
    return left_us > 0 ? left_us / 1000 : 0;
}

const struct tries *attempt_tries(const struct attempt *a)
{
    return &a->facts.tries;
}

enum outcome attempt_last_outcome(const struct attempt *a)
{
    return a->last_outcome;
}

bool attempt_is_late(const struct attempt *a)
{
    return a->deadline_us && clock_real_us() >= a->deadline_us;
}

void attempt_cancel(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_RUNNING);
    cell_stop(a->cell, STOP_CANCEL);
}

void attempt_abandon(struct attempt *a)
{
    CHECK(a->state == ATTEMPT_RUNNING);
    cell_kill(a->cell);
    forget_run(a);
    move(a, ATTEMPT_WAITING);
}

enum attempt_state attempt_state(const struct attempt *a)
{
    return a->state;
}

struct job *attempt_job(const struct attempt *a)
{
    return a->job;
}

void *attempt_tag(const struct attempt *a)
{
    return a->facts.tag;
}

int attempt_number(const struct attempt *a)
{
    return a->number;
}

int64_t attempt_started_us(const struct attempt *a)
{
    return a->started_real_us;
}

const struct pool_origin *attempt_origin(const struct attempt *a)
{
    return &a->origin;
}

const struct secrets *attempt_secrets(const struct attempt *a)
{
    return a->secrets;
}

const char *attempt_output(const struct attempt *a, int stream, size_t *len)
{
    const struct buf *kept = &a->streams[stream - 1].kept;
    *len = kept->len - unfinished(kept->data, kept->len);
    return kept->data ? kept->data : "";
}

struct backlog_entry *attempt_entry(struct attempt *a)
{
    return &a->entry;
}

struct attempt *attempt_of_entry(struct backlog_entry *x)
{
    return CONTAINER_OF(x, struct attempt, entry);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void attempt_free(struct attempt *a)
{
    if (!a)
        return;
    CHECK(a->state != ATTEMPT_RUNNING);
    close_secrets(a);
    secrets_free(a->facts.secrets);
    job_free(a->job);
    tries_free(&a->facts.tries);
    for (int i = 0; i < 2; i++)
        buf_free(&a->streams[i].kept);
    uv_close((uv_handle_t *)&a->timer, on_closed);
}
