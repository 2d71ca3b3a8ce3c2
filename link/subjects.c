#include "link/subjects.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const class_names[CLASSES] = {"high", "normal", "low"};

const char *job_class_name(enum job_class c)
{
    CHECK((unsigned)c < CLASSES);
    return class_names[c];
}

int job_class_by_name(const char *name)
{
    for (int i = 0; i < CLASSES; i++)
        if (!strcmp(name, class_names[i]))
            return i;
    return -1;
}

int subjects_init(struct subjects *s, const struct nats_config *c, struct err *e)
{
    int a = snprintf(s->prefix, sizeof s->prefix, "%s", c->prefix);
    int b = snprintf(s->jobs_stream, sizeof s->jobs_stream, "%s_JOBS", c->stream_prefix);
    int d = snprintf(s->results_stream, sizeof s->results_stream, "%s_RESULTS", c->stream_prefix);
    snprintf(s->events_stream, sizeof s->events_stream, "%s_EVENTS", c->stream_prefix);
    snprintf(s->dead_stream, sizeof s->dead_stream, "%s_DEAD", c->stream_prefix);
    snprintf(s->later_stream, sizeof s->later_stream, "%s_LATER", c->stream_prefix);
    snprintf(s->schedules_bucket, sizeof s->schedules_bucket, "%s_SCHEDULES", c->stream_prefix);
    snprintf(s->leases_bucket, sizeof s->leases_bucket, "%s_LEASES", c->stream_prefix);
    snprintf(s->artifacts, sizeof s->artifacts, "%s_ARTIFACTS_", c->stream_prefix);
    snprintf(s->kv, sizeof s->kv, "%s_KV_", c->stream_prefix);
    snprintf(s->workers_bucket, sizeof s->workers_bucket, "%s_WORKERS", c->stream_prefix);
    snprintf(s->groups_stream, sizeof s->groups_stream, "%s_GROUPS", c->stream_prefix);
    snprintf(s->held_stream, sizeof s->held_stream, "%s_HELD", c->stream_prefix);
    if (a >= (int)sizeof s->prefix)
        return err_set(e, ERR_INVALID, "nats.prefix: found %d characters; allowed: at most %zu", a,
                       sizeof s->prefix - 1);
    if (b >= (int)sizeof s->jobs_stream || d >= (int)sizeof s->results_stream)
        return err_set(e, ERR_INVALID,
                       "nats.stream_prefix: found %zu characters; allowed: at most %zu",
                       strlen(c->stream_prefix), sizeof s->results_stream - sizeof "_RESULTS");
    return 0;
}

static void put(char *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(char *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out, SUBJECT_MAX, fmt, ap);
    va_end(ap);
}

/* "<prefix>.<kind>.<tenant>.<id>": subjects that are made for every job. */
static void put_job(char *out, const struct subjects *s, const char *kind, const char *tenant,
                    const char *id)
{
    const char *const parts[] = {s->prefix, kind, tenant, id};
    const char *end = out + SUBJECT_MAX;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        out = text_add(i ? text_add(out, end, ".") : out, end, parts[i]);
}

void subject_kv_bucket(const struct subjects *s, const char *tenant, char *out, size_t cap)
{
    snprintf(out, cap, "%s%s", s->kv, tenant);
}

void subject_artifacts_bucket(const struct subjects *s, const char *tenant, char *out, size_t cap)
{
    snprintf(out, cap, "%s%s", s->artifacts, tenant);
}

void subject_job(const struct subjects *s, const char *tenant, enum job_class c, char *out)
{
    put(out, "%s.jobs.%s.%s", s->prefix, tenant, job_class_name(c));
}

void subject_job_class(const struct subjects *s, enum job_class c, char *out)
{
    subject_job(s, "*", c, out);
}

void subject_jobs_not_yet(const struct subjects *s, char *out)
{
    snprintf(out, SUBJECT_MAX, "%s.jobs-not-yet", s->prefix);
}

void subject_result(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put_job(out, s, "results", tenant, id);
}

/* Four tokens at the least: so "<prefix>.results.get" is not among them. */
void subject_results_all(const struct subjects *s, char *out)
{
    put(out, "%s.results.*.>", s->prefix);
}

void subject_checkpoint(const struct subjects *s, const char *keyid, uint64_t seq, char *out)
{
    put(out, "%s.results.=checkpoints.%.16s.%" PRIu64, s->prefix, keyid, seq);
}

void subject_results_get(const struct subjects *s, char *out)
{
    put(out, "%s.results.get", s->prefix);
}

void subject_cancel(const struct subjects *s, const char *id, char *out)
{
    put(out, "%s.cancel.%s", s->prefix, id);
}

void subject_logs(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put_job(out, s, "logs", tenant, id);
}

void subject_progress(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put_job(out, s, "progress", tenant, id);
}

void subject_drain(const struct subjects *s, const char *worker, char *out)
{
    put(out, "%s.workers.%s.drain", s->prefix, worker);
}

void subject_cancels(const struct subjects *s, const char *tenant, const char *batch, char *out)
{
    put(out, "%s.cancels.%s%s%s", s->prefix, tenant, batch ? "." : "", batch ? batch : "");
}

void subject_call(const struct subjects *s, const char *tenant, char *out)
{
    put(out, "%s.call.%s", s->prefix, tenant);
}

void subject_batch(const struct subjects *s, const char *tenant, const char *batch, char *out)
{
    put(out, "%s.batches.%s.%s", s->prefix, tenant, batch);
}

void subject_batches_running(const struct subjects *s, char *out)
{
    put(out, "%s.workers.batches", s->prefix);
}

void subject_held(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put(out, "%s.held.%s.%s", s->prefix, tenant, id);
}

void subject_waits(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put(out, "%s.waits.%s.%s", s->prefix, tenant, id);
}

void subject_event(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put_job(out, s, "events", tenant, id);
}

void subject_dead(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put(out, "%s.dead.%s.%s", s->prefix, tenant, id);
}

void subject_later(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put(out, "%s.later.%s.%s", s->prefix, tenant, id);
}

void subject_all_of(const struct subjects *s, const char *kind, const char *tenant, char *out)
{
    put(out, "%s.%s.%s.>", s->prefix, kind, tenant);
}

/* The newest message on a subject, without a body: ADR-31 of NATS, "last by subject". */
void subject_direct_get(const struct subjects *s, const char *tenant, const char *id, char *out)
{
    put(out, "$JS.API.DIRECT.GET.%s.%s.results.%s.%s", s->results_stream, s->prefix, tenant, id);
}

/* What stands behind "<prefix>.<kind>.", NULL when the subject does not begin so. */
static const char *behind(const struct subjects *s, const char *subject, const char *kind)
{
    size_t n = strlen(s->prefix), k = strlen(kind);
    if (strncmp(subject, s->prefix, n) != 0 || subject[n] != '.')
        return NULL;
    subject += n + 1;
    return strncmp(subject, kind, k) == 0 && subject[k] == '.' ? subject + k + 1 : NULL;
}

bool subject_parse_job(const struct subjects *s, const char *subject, char *tenant,
                       size_t tenant_cap, enum job_class *c)
{
    const char *rest = behind(s, subject, "jobs"), *dot = rest ? strchr(rest, '.') : NULL;
    if (!dot || (size_t)(dot - rest) >= tenant_cap)
        return false;
    int found = job_class_by_name(dot + 1);
    if (found < 0)
        return false;
    memcpy(tenant, rest, (size_t)(dot - rest));
    tenant[dot - rest] = 0;
    *c = (enum job_class)found;
    return tenant_name_valid(tenant);
}

bool subject_parse_id(const struct subjects *s, const char *kind, const char *subject, char *tenant,
                      size_t tenant_cap, const char **id)
{
    const char *rest = behind(s, subject, kind), *dot = rest ? strchr(rest, '.') : NULL;
    if (!dot || (size_t)(dot - rest) >= tenant_cap || !job_id_valid(dot + 1, strlen(dot + 1)))
        return false;
    memcpy(tenant, rest, (size_t)(dot - rest));
    tenant[dot - rest] = 0;
    *id = dot + 1;
    return tenant_name_valid(tenant);
}

const char *subject_parse_cancel(const struct subjects *s, const char *subject)
{
    const char *id = behind(s, subject, "cancel");
    return id && *id ? id : NULL;
}

bool job_id_valid(const char *id, size_t len)
{
    if (len < 1 || len > JOB_ID_MAX || id[0] == '.' || id[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)id[i]) && (!id[i] || !strchr("_.:=@+-", id[i])))
            return false;
        if (i && id[i] == '.' && id[i - 1] == '.')
            return false;
    }
    return true;
}

bool job_id_is_sequence(const char *id)
{
    return *id && id[strspn(id, "0123456789")] == 0;
}

/* "<tenant>[.<rest>]" → tenant and what stands behind its dot (NULL: nothing). */
static bool split_tenant(const char *text, char *tenant, size_t cap, const char **rest)
{
    size_t n = text ? strcspn(text, ".") : 0;
    if (n == 0 || n >= cap)
        return false;
    memcpy(tenant, text, n);
    tenant[n] = 0;
    *rest = text[n] ? text + n + 1 : NULL;
    return tenant_name_valid(tenant);
}

bool subject_parse_cancels(const struct subjects *s, const char *subject, char *tenant,
                           size_t tenant_cap, const char **batch)
{
    return split_tenant(behind(s, subject, "cancels"), tenant, tenant_cap, batch) &&
           (!*batch || batch_id_valid(*batch, strlen(*batch)));
}

bool subject_parse_call(const struct subjects *s, const char *subject, char *tenant,
                        size_t tenant_cap)
{
    const char *rest;
    return split_tenant(behind(s, subject, "call"), tenant, tenant_cap, &rest) && !rest;
}

bool subject_parse_waits(const struct subjects *s, const char *subject, char *tenant,
                         size_t tenant_cap, const char **id)
{
    return split_tenant(behind(s, subject, "waits"), tenant, tenant_cap, id) && *id &&
           job_id_valid(*id, strlen(*id));
}

bool batch_id_valid(const char *id, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '_' && id[i] != '-')
            return false;
    return len > 0 && len <= BATCH_ID_MAX;
}
