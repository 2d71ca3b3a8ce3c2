/* How this works
 *
 * job_decode() always makes a job: first what is known without the payload (tenant, class, an id to
 * answer on), then field by field out of the payload. The first fault is kept and the rest still
 * read as far as it can be, so that the result `invalid` carries the publisher's own id and hashes.
 */
#include "queue/job/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/spare.h"
#include "base/text.h"
#include "base/utf8.h"
#include "queue/job/decoding.h"
#include "queue/job/signature.h"

#define ENV_NAME_MAX 128

static _Thread_local struct spare spare; /* of jobs that are freed */

void fault_at(struct decoding *d, const char *fmt, ...)
{
    if (d->rc)
        return;
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->rc = err_set(d->e, ERR_INVALID, "%s", text);
}

const char *in_line(const char *s, size_t len, char out[FOUND_TEXT])
{
    size_t n = utf8_cut(s, len, FOUND_MAX);
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i];
    strcpy(out + n, n < len ? "…" : "");
    return out;
}

const char *shown(const struct jv *v, char out[FOUND_TEXT])
{
    struct buf b = {0};
    struct jsonw w;
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (jv_type(v) == JV_ARRAY || jv_type(v) == JV_OBJECT)
        return strcpy(out, jv_type_name(v));
    if (jv_type(v) == JV_NUMBER) {
        snprintf(out, FOUND_MAX, "%.15g", jv_number(v));
        return out;
    }
    jsonw_init(&w, &b);
    if (s) /* enough of it for a cut to be seen */
        jsonw_string(&w, s, utf8_cut(s, len, 2 * FOUND_MAX));
    else
        jv_dump(v, &b);
    in_line(b.data, b.len, out);
    buf_free(&b);
    return out;
}

/* ---- one function a field ---- */

static void read_id(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s || !job_id_valid(s, len))
        fault_at(d,
                 "id: found %s; allowed: 1 to %d of the characters A-Z a-z 0-9 _ . : = @ + -, no "
                 "'.' at the ends or twice in a row",
                 shown(v, found), JOB_ID_MAX);
    else if (job_id_is_sequence(s))
        fault_at(d, "id: found %s; ids of digits alone are reserved for stream sequences",
                 shown(v, found));
    else {
        memcpy(d->job->id, s, len + 1);
        d->id_given = true;
    }
}

static void read_script(struct decoding *d, const struct jv *v)
{
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s) {
        fault_at(d, "script: found %s; allowed: a string", jv_type_name(v));
        return;
    }
    if (len == 0)
        fault_at(d, "script: found an empty text; allowed: 1 to %" PRId64 " bytes",
                 d->config->job_max_kb * 1024);
    free(d->job->script);
    d->job->script = mem_copy(s, len);
    d->job->script_len = len;
    crypto_sha256_hex(s, len, d->job->script_sha256);
}

static void read_type(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    if (s && !strcmp(s, "module"))
        d->job->source = JOB_MODULE;
    else if (s && !strcmp(s, "script"))
        d->job->source = JOB_SCRIPT;
    else
        fault_at(d, "type: found %s; allowed: \"module\", \"script\"", shown(v, found));
}

static void read_name(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    bool plain = s && len > 0 && len <= JOB_NAME_MAX;
    for (size_t i = 0; plain && i < len; i++)
        plain = (unsigned char)s[i] >= 0x20 && s[i] != 0x7f;
    if (!plain)
        fault_at(d, "name: found %s; allowed: 1 to %d bytes without control characters",
                 shown(v, found), JOB_NAME_MAX);
    else
        memcpy(d->job->name, s, len + 1);
}

static void read_input(struct decoding *d, const struct jv *v)
{
    const char *raw;
    size_t len;
    free(d->job->input);
    if (jv_raw_member(d->text, d->len, "input", &raw, &len)) {
        d->job->input = mem_copy(raw, len);
        d->job->input_len = len;
        return;
    }
    struct buf b = {0}; /* the name was written with escapes */
    jv_dump(v, &b);
    d->job->input = buf_take(&b, &d->job->input_len);
}

static int check_variable(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    char found[FOUND_TEXT], shown_name[FOUND_TEXT];
    size_t len = strlen(name);
    bool plain = len > 0 && len <= ENV_NAME_MAX;
    for (size_t i = 0; plain && i < len; i++)
        plain = (unsigned char)name[i] > 0x20 && name[i] != 0x7f && name[i] != '=';
    if (!plain)
        fault_at(d,
                 "env: found a name of %zu bytes; allowed: 1 to %d bytes without blanks, control "
                 "characters and '='",
                 len, ENV_NAME_MAX);
    else if (!jv_string(v, NULL))
        fault_at(d, "env.%s: found %s; allowed: a string", in_line(name, len, shown_name),
                 shown(v, found));
    return 0;
}

static void read_env(struct decoding *d, const struct jv *v)
{
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "env: found %s; allowed: an object of strings", jv_type_name(v));
        return;
    }
    if (jv_count(v) > JOB_ENV_MAX)
        fault_at(d, "env: found %zu variables; allowed: at most %d", jv_count(v), JOB_ENV_MAX);
    jv_each(v, check_variable, d);
    struct buf b = {0};
    jv_dump(v, &b);
    free(d->job->env);
    d->job->env = buf_take(&b, &d->job->env_len);
}

static int read_limit(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    char found[FOUND_TEXT];
    int i = limit_by_name(name);
    if (i < 0) {
        struct nearest n = {.word = name};
        for (int k = 0; k < LIMITS; k++)
            nearest_try(&n, limit_table[k].name);
        fault_at(d,
                 "limits: unknown field '%s'; allowed: cpu_ms, wall_ms, heap_mb, memory_mb, "
                 "output_kb%s%s%s",
                 in_line(name, strlen(name), found), n.best ? "; did you mean '" : "",
                 n.best ? n.best : "", n.best ? "'?" : "");
        return 0;
    }
    int64_t most = d->tenant ? d->tenant->ceilings.v[i] : limit_table[i].ceiling;
    int64_t value = 0;
    if (!jv_int(v, &value) || value < limit_table[i].min)
        fault_at(d, "limits.%s: found %s; allowed: a whole number from %" PRId64 " to %" PRId64,
                 name, shown(v, found), limit_table[i].min, most);
    else
        d->job->limits.v[i] = value;
    return 0;
}

static void read_limits(struct decoding *d, const struct jv *v)
{
    if (jv_type(v) != JV_OBJECT)
        fault_at(d, "limits: found %s; allowed: an object", jv_type_name(v));
    else
        jv_each(v, read_limit, d);
}

static void read_reuse(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    int i = s ? reuse_by_name(s) : -1;
    if (i < 0)
        fault_at(d, "reuse: found %s; allowed: " REUSE_ALLOWED, shown(v, found));
    else
        d->job->reuse = (enum reuse)i;
}

static const struct field {
    const char *name;
    void (*read)(struct decoding *d, const struct jv *v);
} fields[] = {
    {"id", read_id},
    {"script", read_script},
    {"files", read_files},
    {"main", read_main},
    {"language", read_language},
    {"check", read_check},
    {"typescript", read_typescript},
    {"type", read_type},
    {"name", read_name},
    {"input", read_input},
    {"env", read_env},
    {"limits", read_limits},
    {"max_attempts", read_attempts},
    {"backoff", read_backoff},
    {"retry_on", read_retry_on},
    {"not_before", read_not_before},
    {"deadline", read_deadline},
    {"ttl_ms", read_ttl},
    {"after", read_after},
    {"on_failure", read_on_failure},
    {"concurrency_key", read_concurrency_key},
    {"concurrency_limit", read_concurrency_limit},
    {"reuse", read_reuse},
    {"profile", read_profile},
    {"permissions", read_permissions},
    {"secrets", read_secrets},
    {"emitted", read_emitted},
    {"artifacts", read_artifacts},
};

static int read_field(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    struct nearest n = {.word = name};
    char found[FOUND_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (*name == *fields[i].name && !strcmp(name, fields[i].name)) {
            fields[i].read(d, v);
            return 0;
        }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        nearest_try(&n, fields[i].name);
    if (n.best)
        fault_at(d, "unknown field '%s'; did you mean '%s'?", in_line(name, strlen(name), found),
                 n.best);
    else
        fault_at(
            d,
            "unknown field '%s'; allowed: id, script, files, main, language, check, typescript, "
            "type, name, input, "
            "env, limits, max_attempts, backoff, retry_on, not_before, deadline, ttl_ms, after, "
            "on_failure, concurrency_key, concurrency_limit, reuse, profile, permissions, "
            "secrets, emitted, artifacts",
            in_line(name, strlen(name), found));
    return 0;
}

/* ---- the whole ---- */

static void begin(struct job *j, const struct job_origin *o)
{
    text_copy(j->tenant, sizeof j->tenant, o->tenant);
    j->cls = o->cls;
    retry_default(&j->retry);
    if (o->carried_id && job_id_valid(o->carried_id, strlen(o->carried_id)))
        text_copy(j->id, sizeof j->id, o->carried_id);
    else if (o->msg_id && job_id_valid(o->msg_id, strlen(o->msg_id)) &&
             !job_id_is_sequence(o->msg_id))
        text_copy(j->id, sizeof j->id, o->msg_id);
    else
        text_add_u64(j->id, j->id + sizeof j->id, o->stream_seq);
}

/* A message that is not parsed (too large) or that the parser refuses (a name given twice): as long
 * as it is JSON its id is found by a scan, so that the publisher finds the answer. */
static void find_id(struct decoding *d)
{
    const char *raw;
    size_t len;
    if (!jv_check(d->text, d->len) || !jv_raw_member(d->text, d->len, "id", &raw, &len) ||
        len < 3 || raw[0] != '"' || !job_id_valid(raw + 1, len - 2))
        return;
    char id[JOB_ID_MAX + 1];
    memcpy(id, raw + 1, len - 2);
    id[len - 2] = 0;
    if (!job_id_is_sequence(id))
        memcpy(d->job->id, id, len - 1);
}

static void read_payload(struct decoding *d)
{
    struct jv *doc = NULL;
    struct err why;
    if (d->len == 0) {
        fault_at(d, "job: found an empty message; allowed: a JSON object with \"script\"");
        return;
    }
    if (jv_parse(d->text, d->len, &doc, &why)) { /* invalid UTF-8 is no JSON either */
        size_t good = utf8_valid_prefix(d->text, d->len);
        if (good < d->len) {
            fault_at(d, "job: found invalid UTF-8 at byte %zu; allowed: JSON text in UTF-8", good);
            return;
        }
        fault_at(d, "job: %s", why.msg);
        find_id(d);
        return;
    }
    if (jv_type(doc) != JV_OBJECT) {
        fault_at(d, "job: found %s; allowed: an object with \"script\"", jv_type_name(doc));
    } else {
        jv_each(doc, read_field, d);
        if (!jv_get(doc, "script") && !jv_get(doc, "files"))
            fault_at(d, "script: missing; allowed: a string with the script's text, or files");
        settle_files(d, doc);
        settle_language(d);
    }
    jv_free(doc);
}

/* Fills what the payload left open. */
static void complete(struct job *j)
{
    if (!j->script)
        j->script = mem_strdup("");
    if (!j->input) {
        j->input = mem_strdup("null");
        j->input_len = 4;
    }
    if (!j->env) {
        j->env = mem_strdup("{}");
        j->env_len = 2;
    }
    if (!*j->name)
        strcpy(j->name, j->language == JOB_TYPESCRIPT ? "script.ts"
                        : j->language == JOB_TSX      ? "script.tsx"
                        : j->source == JOB_MODULE     ? "script.mjs"
                                                      : "script.js");
    crypto_sha256_hex(j->input, j->input_len, j->input_sha256);
}

static bool needs_signature(const struct decoding *d, const struct job_origin *o)
{
    return d->tenant && d->tenant->job_key_count > 0 && !o->local;
}

/* The id that the headers gave is forgotten: only what is signed counts. */
static bool holds_signature(struct decoding *d, const struct job_origin *o)
{
    struct err why;
    d->job->id[0] = 0;
    if (!signature_check(d->tenant, o->signature, o->signatures, d->text, d->len, d->job->signed_by,
                         &why))
        return true;
    fault_at(d, "%s", why.msg);
    return false;
}

int job_decode(const struct config *c, const struct job_origin *o, const char *data, size_t len,
               struct job **out, struct err *e)
{
    struct err own; /* e may be NULL */
    struct decoding d = {
        .config = c,
        .tenant = config_tenant(c, o->tenant),
        .text = data,
        .len = len,
        .job = spare_alloc(&spare, sizeof *d.job),
        .e = e ? e : &own,
    };
    begin(d.job, o);
    *out = d.job;
    if (needs_signature(&d, o) && !holds_signature(&d, o)) {
        snprintf(d.job->id, sizeof d.job->id, "%" PRIu64, o->stream_seq);
    } else if (len > (size_t)c->job_max_kb * 1024) {
        find_id(&d);
        fault_at(&d, "job: found %zu bytes; allowed: at most %" PRId64 " (job_max_kb)", len,
                 c->job_max_kb * 1024);
    } else {
        read_payload(&d);
    }
    if (needs_signature(&d, o) && !*d.job->id) {
        fault_at(&d, "id: missing; a signed job carries its id, so that it cannot be sent again "
                     "under another");
        snprintf(d.job->id, sizeof d.job->id, "%" PRIu64, o->stream_seq);
    }
    if (!d.tenant)
        fault_at(&d, "tenant: found '%s', which this worker's configuration does not name",
                 o->tenant);
    check_times(&d);
    check_after(&d);
    check_concurrency(&d);
    complete(d.job);
    if (d.tenant && !d.rc)
        d.rc = limits_resolve(&d.job->limits, &d.tenant->defaults, &d.tenant->ceilings,
                              d.tenant->name, &d.job->limits, d.e);
    check_artifacts(&d);
    resolve_rights(&d);
    grant_secrets(&d);
    return d.rc;
}

void job_free(struct job *j)
{
    if (!j)
        return;
    free(j->script);
    free(j->files);
    free_archive(j);
    free(j->typescript);
    free(j->input);
    free(j->env);
    free_after(j);
    free(j->parents);
    permissions_free(&j->permissions);
    sealed_secrets_free(&j->secrets);
    free_artifacts(j);
    spare_free(&spare, j);
}

static void encode_limits(struct jsonw *w, const struct limits *l)
{
    bool any = false;
    for (int i = 0; i < LIMITS; i++)
        any |= l->v[i] != 0;
    if (!any)
        return;
    jsonw_name(w, "limits");
    jsonw_object(w);
    for (int i = 0; i < LIMITS; i++)
        if (l->v[i])
            jsonw_kint(w, limit_table[i].name, l->v[i]);
    jsonw_object_end(w);
}

void job_write_permissions(struct jsonw *w, const struct permissions_asked *p)
{
    jsonw_name(w, "permissions");
    jsonw_object(w);
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        if (p->flag_given[f])
            jsonw_kbool(w, permission_flag_names[f], p->v.flag[f]);
    if (p->clock_given)
        jsonw_kint(w, "clock_us", p->v.clock_us);
    for (int l = 0; l < PERMISSION_LISTS; l++) {
        if (!p->list_given[l])
            continue;
        jsonw_name(w, permission_list_names[l]);
        jsonw_array(w);
        for (int i = 0; i < p->v.list[l].n; i++)
            jsonw_str(w, p->v.list[l].v[i]);
        jsonw_array_end(w);
    }
    jsonw_object_end(w);
}

static void encode_secrets(struct jsonw *w, const struct sealed_secrets *list)
{
    jsonw_name(w, "secrets");
    jsonw_object(w);
    for (int i = 0; i < list->n; i++) {
        jsonw_name(w, list->v[i].name);
        jsonw_array(w);
        for (int k = 0; k < list->v[i].n; k++)
            jsonw_str(w, list->v[i].text[k]);
        jsonw_array_end(w);
    }
    jsonw_object_end(w);
}

static void encode_script(struct jsonw *w, const struct job_request *r)
{
    if (r->source == JOB_SCRIPT)
        jsonw_kstr(w, "type", "script");
    if (r->name)
        jsonw_kstr(w, "name", r->name);
    jsonw_name(w, "script");
    jsonw_string(w, r->script, r->script_len);
}

void job_encode(const struct job_request *r, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    if (r->id)
        jsonw_kstr(&w, "id", r->id);
    if (r->archive)
        encode_archive(&w, r);
    else if (r->files)
        encode_files(&w, r);
    else
        encode_script(&w, r);
    encode_typescript(&w, r);
    if (r->input) {
        jsonw_name(&w, "input");
        jsonw_raw(&w, r->input, strlen(r->input));
    }
    if (r->env) {
        jsonw_name(&w, "env");
        jsonw_raw(&w, r->env, strlen(r->env));
    }
    encode_limits(&w, &r->limits);
    if (r->retry)
        encode_retry(&w, r->retry);
    if (r->permissions)
        job_write_permissions(&w, r->permissions);
    if (r->profile)
        jsonw_kstr(&w, "profile", r->profile);
    if (r->reuse)
        jsonw_kstr(&w, "reuse", r->reuse);
    if (r->secrets && r->secrets->n > 0)
        encode_secrets(&w, r->secrets);
    if (r->artifact_count > 0)
        encode_artifacts(&w, r);
    jsonw_object_end(&w);
}
