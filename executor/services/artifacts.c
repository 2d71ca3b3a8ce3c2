/* artifacts: files beyond the size of a message (docs/protocol.md, Artifacts).
 *
 *   artifact.list     {}                              → [{name, size, sha256}]: what the job reads
 *   artifact.get      {"name"}                        → {"stream"}: its bytes
 *   artifact.put      {"name", "type"?, "size"?}      → {"stream"}: takes its bytes; the
 *                                                       script closes it well, then asks
 *   artifact.put_end  {"name"}                        → {name, size, sha256, type, object}
 *
 * A job may read what its message names; to put it needs the permission `artifacts`. What a run has
 * put stands in the result that it makes; of a run that makes none it is removed. Each run has
 * names of its own in the store, so that one that is thought to be dead cannot write over
 * another's.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "config/config.h"
#include "executor/attempt/secrets.h"
#include "executor/services/artifacts_inner.h"

static const char key; /* of what is kept */

/* ---- a run ---- */

static void end_run(void *state)
{
    struct run_artifacts *r = state;
    while (!list_empty(&r->moves))
        move_drop(move_of(r->moves.next));
    for (int i = 0; i < r->outputs && !r->keep; i++)
        if (*r->output[i].sha256)
            artifact_remove(r->store, r->job->tenant, r->output[i].object);
}

static struct run_artifacts *run_of(const struct service_call *c)
{
    struct run_artifacts *r = service_state(c->run, &key, sizeof *r, end_run);
    uint8_t random[8];
    if (r->job)
        return r;
    r->store = c->world->artifacts;
    r->job = attempt_job(c->attempt);
    r->cell = c->cell;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, r->run);
    r->left = r->job->limits.v[LIMIT_ARTIFACTS_MB] << 20;
    r->most_each = c->world->config->nats.artifact_max_mb << 20;
    list_init(&r->moves);
    return r;
}

/* ---- arguments ---- */

static int read_argument(const struct service_call *c, const char *who, struct jv **doc,
                         struct err *e)
{
    if (!c->call_id)
        return err_set(e, ERR_INVALID, "%s: found a note; allowed: a call", who);
    int rc = jv_parse(c->json, c->len, doc, e);
    if (!rc && jv_type(*doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "%s: found %s; allowed: an object", who, jv_type_name(*doc));
    return rc;
}

/* A name and a type stand in the result, which shows no secret. */
static bool tells_secret(const struct service_call *c, const char *text)
{
    const struct secrets *s = attempt_secrets(c->attempt);
    struct buf b = {0};
    bool told = s && mask_text(secrets_mask(s), text, strlen(text), &b);
    buf_free(&b);
    return told;
}

static int read_name(const struct jv *doc, const char *who, const char **name, struct err *e)
{
    size_t len = 0;
    *name = jv_string(jv_get(doc, "name"), &len);
    if (!*name || !artifact_name_valid(*name, len))
        return err_set(e, ERR_INVALID,
                       "%s: found no name of an artifact; allowed: " ARTIFACT_NAME_ALLOWED, who);
    return 0;
}

static int read_type(const struct jv *doc, const char **type, struct err *e)
{
    const struct jv *v = jv_get(doc, "type");
    size_t len = 0;
    *type = v ? jv_string(v, &len) : "";
    bool plain = *type && len <= ARTIFACT_TYPE_MAX;
    for (size_t i = 0; plain && i < len; i++)
        plain = (*type)[i] >= 0x20 && (*type)[i] < 0x7f;
    if (!plain)
        return err_set(e, ERR_INVALID,
                       "artifacts.put: type: allowed: at most %d characters of printable ASCII",
                       ARTIFACT_TYPE_MAX);
    return 0;
}

/* ---- reading ---- */

static int list(const struct service_call *c, struct buf *reply, struct err *e)
{
    (void)e;
    const struct job *j = attempt_job(c->attempt);
    struct jsonw w;
    jsonw_init(&w, reply);
    jsonw_array(&w);
    for (int i = 0; i < j->artifact_count; i++) {
        jsonw_object(&w);
        jsonw_kstr(&w, "name", j->artifacts[i].name);
        jsonw_kint(&w, "size", j->artifacts[i].size);
        jsonw_kstr(&w, "sha256", j->artifacts[i].sha256);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    return 0;
}

static int get(const struct service_call *c, struct buf *reply, struct err *e)
{
    (void)reply;
    struct jv *doc = NULL;
    const char *name = NULL;
    int rc = read_argument(c, "artifacts.get", &doc, e);
    if (!rc)
        rc = read_name(doc, "artifacts.get", &name, e);
    const struct job_artifact *a = rc ? NULL : job_artifact(attempt_job(c->attempt), name);
    if (!rc && !a)
        rc = err_set(e, ERR_NOT_FOUND,
                     "artifacts.get: found '%s', which is not among the job's artifacts", name);
    if (!rc) {
        move_in(run_of(c), a, c);
        rc = SERVICE_LATER;
    }
    jv_free(doc);
    return rc;
}

/* ---- putting ---- */

static int may_put(const struct service_call *c, const struct run_artifacts *r, const char *name,
                   int64_t size, struct err *e)
{
    const struct job *j = r->job;
    if (!j->permissions.flag[PERMISSION_ARTIFACTS])
        return err_set(e, ERR_DENIED,
                       "artifacts.put: the job has no permission to put artifacts "
                       "(permissions.artifacts)");
    for (int i = 0; i < r->outputs; i++)
        if (!r->output[i].failed && !strcmp(r->output[i].name, name))
            return err_set(e, ERR_CONFLICT, "artifacts.put: this run has put '%s' already", name);
    if (r->outputs == ARTIFACTS_MAX)
        return err_set(e, ERR_LIMIT, "artifacts.put: found one more; allowed: at most %d in a run",
                       ARTIFACTS_MAX);
    if (size > r->left)
        return err_set(e, ERR_LIMIT,
                       "artifacts.put: found %" PRId64 " bytes; allowed: %" PRId64
                       " more (limits.artifacts_mb is %" PRId64 ")",
                       size, r->left, j->limits.v[LIMIT_ARTIFACTS_MB]);
    if (size > r->most_each)
        return err_set(e, ERR_LIMIT,
                       "artifacts.put: found %" PRId64 " bytes; allowed: at most %" PRId64
                       " (nats.artifact_max_mb)",
                       size, r->most_each);
    (void)c;
    return 0;
}

static int put(const struct service_call *c, struct buf *reply, struct err *e)
{
    (void)reply;
    struct jv *doc = NULL;
    const char *name = NULL, *type = NULL;
    int64_t size = 0;
    int rc = read_argument(c, "artifacts.put", &doc, e);
    if (!rc)
        rc = read_name(doc, "artifacts.put", &name, e);
    if (!rc)
        rc = read_type(doc, &type, e);
    if (!rc && (tells_secret(c, name) || tells_secret(c, type)))
        rc = err_set(e, ERR_INVALID, "artifacts.put: found a secret in name or type");
    if (!rc && jv_get(doc, "size") && (!jv_int(jv_get(doc, "size"), &size) || size < 0))
        rc = err_set(e, ERR_INVALID, "artifacts.put: size: allowed: a number of bytes");
    struct run_artifacts *r = rc ? NULL : run_of(c);
    if (!rc)
        rc = may_put(c, r, name, size, e);
    if (!rc) {
        struct output *o = &r->output[r->outputs++];
        strcpy(o->name, name);
        strcpy(o->type, type);
        artifact_object_name(r->store, r->job->id, r->run, name, o->object);
        move_out(r, o, c);
        rc = SERVICE_LATER;
    }
    jv_free(doc);
    return rc;
}

static void write_output(struct jsonw *w, const struct output *o)
{
    jsonw_object(w);
    jsonw_kstr(w, "name", o->name);
    jsonw_kint(w, "size", (int64_t)o->size);
    jsonw_kstr(w, "sha256", o->sha256);
    jsonw_kstr(w, "type", *o->type ? o->type : NULL);
    jsonw_kstr(w, "object", o->object);
    jsonw_object_end(w);
}

static void answer_with(struct service_pending *p, const struct output *o)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    write_output(&w, o);
    service_answer(p, b.data, b.len);
    buf_free(&b);
}

void output_done(struct run_artifacts *r, struct output *o)
{
    struct service_pending *p = o->waiter;
    (void)r;
    o->waiter = NULL;
    if (p && o->failed)
        service_refuse(p, &o->why);
    else if (p)
        answer_with(p, o);
}

static void forget_waiter(void *arg)
{
    struct output *o = arg;
    o->waiter = NULL;
}

static int put_end(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct jv *doc = NULL;
    const char *name = NULL;
    struct output *o = NULL;
    int rc = read_argument(c, "artifacts.put", &doc, e);
    if (!rc)
        rc = read_name(doc, "artifacts.put", &name, e);
    struct run_artifacts *r = rc ? NULL : service_state_find(c->run, &key);
    for (int i = r ? r->outputs - 1 : -1; i >= 0 && !o; i--)
        if (!strcmp(r->output[i].name, name))
            o = &r->output[i];
    if (!rc && (!o || o->waiter)) {
        rc = err_set(e, ERR_NOT_FOUND, "artifacts.put: '%s' is not being put", name);
    } else if (!rc && o->failed) {
        *e = o->why;
        rc = e->code;
    } else if (!rc && *o->sha256) {
        struct jsonw w;
        jsonw_init(&w, reply);
        write_output(&w, o);
    } else if (!rc) {
        o->waiter = service_later(c, forget_waiter, o);
        rc = SERVICE_LATER;
    }
    jv_free(doc);
    return rc;
}

/* ---- results ---- */

void artifacts_json(const struct service_run *run, struct buf *out)
{
    const struct run_artifacts *r = service_state_find(run, &key);
    struct jsonw w;
    int n = 0;
    for (int i = 0; r && i < r->outputs; i++)
        n += *r->output[i].sha256 != '\0';
    if (!n)
        return;
    jsonw_init(&w, out);
    jsonw_array(&w);
    for (int i = 0; i < r->outputs; i++)
        if (*r->output[i].sha256)
            write_output(&w, &r->output[i]);
    jsonw_array_end(&w);
}

void artifacts_keep(struct service_run *run)
{
    struct run_artifacts *r = service_state_find(run, &key);
    if (r)
        r->keep = true;
}

const struct service service_artifact_list = {
    .name = "artifact.list", .argument_max = 64, .handle = list};
const struct service service_artifact_get = {
    .name = "artifact.get", .argument_max = 1024, .handle = get};
const struct service service_artifact_put = {
    .name = "artifact.put", .argument_max = 1024, .handle = put};
const struct service service_artifact_put_end = {
    .name = "artifact.put_end", .argument_max = 1024, .handle = put_end};
