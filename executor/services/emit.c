/* emit: the script publishes a follow-up job of its own tenant, if its permissions have `emit`.
 * Argument {"job": {…}, "class"?: "high" | "normal" | "low"}, answer {"id", "seq", "duplicate"}.
 *
 * How this works. The job is decoded as a worker that takes it would, so what is wrong is an error
 * of the script's. It is decoded against the rights of the job that emits it, not of the tenant,
 * and what comes out is written into it: a job cannot give others what it has not itself. Without
 * an id it gets "<id of the emitter>.e<number>": an attempt that is run again emits the same jobs
 * under the same ids, and they are run once. How many a job may emit, and how long a chain may get,
 * is bounded here; how many wait in all, by the tenant's bounds in the queue. */
#include "executor/services/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "executor/services/world.h"
#include "link/js.h"
#include "queue/job/job.h"

#define EMIT_MAX 100 /* jobs of one run */

static const char count_key; /* its address */

/* ---- reading ---- */

struct emitting {
    const struct jv *doc, *job;
    enum job_class cls;
    char id[JOB_ID_MAX + 1];
    struct job *decoded;
};

static int read_class(const struct jv *doc, enum job_class *cls, struct err *e)
{
    const struct jv *v = jv_get(doc, "class");
    const char *name = jv_string(v, NULL);
    int c = name ? job_class_by_name(name) : -1;
    if (!v)
        return 0;
    if (c < 0)
        return err_set(e, ERR_INVALID, "emit: class: allowed: high, normal, low");
    *cls = (enum job_class)c;
    return 0;
}

/* The nth job of an emitter, whatever the attempt; too long an id is told by its hash. */
static void make_id(const char *emitter, int nth, char out[JOB_ID_MAX + 1])
{
    char hash[SHA256_HEX];
    int n = snprintf(out, JOB_ID_MAX + 1, "%s.e%d", emitter, nth);
    if (n <= JOB_ID_MAX)
        return;
    crypto_sha256_hex(emitter, strlen(emitter), hash);
    snprintf(out, JOB_ID_MAX + 1, "%.32s.e%d", hash, nth);
}

/* The tenant as the emitted job sees it: with no more than its emitter has. */
static int decode(struct emitting *m, const struct service_call *c, const struct tenant *t,
                  struct err *e)
{
    const struct job *by = attempt_job(c->attempt);
    struct config config = *c->world->config;
    struct tenant tenant = *t;
    struct buf text = {0};
    tenant.permissions = by->permissions;
    tenant.profile = by->profile;
    config.tenants = &tenant;
    config.tenant_count = 1;
    config.tenants_by_name = NULL;
    const struct job_origin o = {
        .tenant = by->tenant, .cls = m->cls, .msg_id = m->id, .local = true};
    jv_dump(m->job, &text);
    int rc = job_decode(&config, &o, text.data, text.len, &m->decoded, e);
    buf_free(&text);
    if (rc) {
        struct err why = *e;
        return err_set(e, ERR_INVALID, "emit: %.400s", why.msg);
    }
    snprintf(m->id, sizeof m->id, "%s", m->decoded->id);
    return 0;
}

static int read_job(struct emitting *m, const struct service_call *c, int nth, struct err *e)
{
    const struct job *by = attempt_job(c->attempt);
    const struct tenant *t = config_tenant(c->world->config, by->tenant);
    if (!t || t->job_key_count > 0)
        return err_set(e, ERR_DENIED,
                       "emit: tenant '%s' takes only signed jobs (job_keys), and an emitted one "
                       "has no signature",
                       by->tenant);
    if (by->emit_depth >= EMIT_DEPTH_MAX)
        return err_set(e, ERR_LIMIT,
                       "emit: this job is the %dth of a chain of emitted ones; allowed: at most %d",
                       by->emit_depth, EMIT_DEPTH_MAX);
    m->job = jv_get(m->doc, "job");
    m->cls = by->cls;
    if (jv_type(m->job) != JV_OBJECT)
        return err_set(e, ERR_INVALID, "emit: found %s; allowed: a job, as an object",
                       jv_type_name(m->job));
    if (jv_get(m->job, "emitted"))
        return err_set(e, ERR_INVALID, "emit: emitted: written by the worker");
    int rc = read_class(m->doc, &m->cls, e);
    make_id(by->id, nth, m->id);
    return rc ? rc : decode(m, c, t, e);
}

/* ---- writing ---- */

static int copy_member(const char *name, const struct jv *v, void *arg)
{
    struct jsonw *w = arg;
    struct buf b = {0};
    if (!strcmp(name, "permissions") || !strcmp(name, "profile") || !strcmp(name, "id"))
        return 0;
    jv_dump(v, &b);
    jsonw_text_name(w, name, strlen(name));
    jsonw_raw(w, b.data, b.len);
    buf_free(&b);
    return 0;
}

static void write_job(const struct emitting *m, const struct job *by, struct buf *out)
{
    struct permissions_asked all = {.v = m->decoded->permissions, .clock_given = true};
    struct jsonw w;
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        all.flag_given[f] = true;
    for (int l = 0; l < PERMISSION_LISTS; l++)
        all.list_given[l] = true;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", m->id);
    jv_each(m->job, copy_member, &w);
    jsonw_kstr(&w, "profile", profile_table[m->decoded->profile].name);
    job_write_permissions(&w, &all);
    jsonw_name(&w, "emitted");
    jsonw_object(&w);
    jsonw_kstr(&w, "by", by->id);
    jsonw_kint(&w, "depth", by->emit_depth + 1);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
}

/* ---- publishing ---- */

struct sending {
    struct service_pending *pending; /* NULL: the run is over, nobody is told */
    char id[JOB_ID_MAX + 1];
};

static void on_cancel(void *arg)
{
    struct sending *s = arg;
    s->pending = NULL;
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct sending *s = arg;
    struct buf b = {0};
    struct jsonw w;
    struct err full;
    if (s->pending && why) {
        err_set(&full, strstr(why->msg, "maximum") ? ERR_LIMIT : why->code, "emit: %.300s",
                why->msg);
        service_refuse(s->pending, &full);
    } else if (s->pending) {
        jsonw_init(&w, &b);
        jsonw_object(&w);
        jsonw_kstr(&w, "id", s->id);
        jsonw_kint(&w, "seq", (int64_t)seq);
        jsonw_kbool(&w, "duplicate", duplicate);
        jsonw_object_end(&w);
        service_answer(s->pending, b.data, b.len);
        buf_free(&b);
    }
    free(s);
}

static int publish(const struct emitting *m, const struct service_call *c, struct err *e)
{
    const struct service_world *world = c->world;
    const struct job *by = attempt_job(c->attempt);
    char subject[SUBJECT_MAX], unique[TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1];
    struct buf message = {0};
    struct sending *s = mem_alloc(sizeof *s);
    snprintf(s->id, sizeof s->id, "%s", m->id);
    snprintf(unique, sizeof unique, "%s/%s", by->tenant, m->id);
    subject_job(world->subjects, by->tenant, m->cls, subject);
    write_job(m, by, &message);
    const struct link_header header = {"Nats-Msg-Id", unique};
    int64_t most = link_max_payload(world->link);
    int rc = 0;
    if (most > 0 && message.len > (size_t)most)
        rc = err_set(e, ERR_LIMIT, "emit: the job is %zu bytes; allowed: at most %" PRId64,
                     message.len, most);
    if (!rc)
        rc = js_publish(world->link, subject, &header, 1, message.data, message.len, JS_ANY,
                        on_stored, s, e);
    buf_free(&message);
    if (rc) {
        free(s);
        return rc;
    }
    s->pending = service_later(c, on_cancel, s);
    return SERVICE_LATER;
}

/* ---- the service ---- */

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct emitting m = {0};
    struct jv *doc = NULL;
    (void)reply;
    if (!attempt_job(c->attempt)->permissions.flag[PERMISSION_EMIT])
        return err_set(e, ERR_DENIED,
                       "emit: found permissions.emit: false; the job and its tenant need it");
    if (!c->world->link || !link_is_up(c->world->link))
        return err_set(e, ERR_UNAVAILABLE,
                       c->world->link ? "emit: the worker has no connection to NATS"
                                      : "emit: needs a queue, which 'isolane run' has not");
    if (!c->call_id)
        return err_set(e, ERR_INVALID, "emit: a call, not a note");
    int *count = service_state(c->run, &count_key, sizeof *count, NULL);
    if (*count >= EMIT_MAX)
        return err_set(e, ERR_LIMIT, "emit: %d jobs were emitted; allowed: at most %d", *count,
                       EMIT_MAX);
    int rc = jv_parse(c->json, c->len, &doc, e);
    m.doc = doc;
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "emit: found %s; allowed: an object", jv_type_name(doc));
    if (!rc)
        rc = read_job(&m, c, *count + 1, e);
    if (!rc) {
        rc = publish(&m, c, e);
        *count += rc == SERVICE_LATER;
    }
    job_free(m.decoded);
    jv_free(doc);
    return rc;
}

const struct service service_emit = {
    .name = "emit",
    .argument_max = FRAME_CALL_MAX,
    .handle = handle,
};
