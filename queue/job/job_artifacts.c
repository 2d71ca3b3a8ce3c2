/* The field "artifacts": the files that a job reads, each by its name in the tenant's bucket, with
 * the size and the hash that it must have. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "link/obj.h"
#include "queue/job/decoding.h"

static void take_object(struct decoding *d, struct job_artifact *a, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s || strlen(s) != len || !obj_name_valid(s, len))
        fault_at(d,
                 "artifacts.%s.object: found %s; allowed: 1 to %d bytes of UTF-8 without control "
                 "characters",
                 a->name, shown(v, found), OBJ_NAME_MAX);
    else
        a->object = mem_strdup(s);
}

static void take_hash(struct decoding *d, struct job_artifact *a, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s || len != SHA256_HEX - 1 || strspn(s, "0123456789abcdef") != len)
        fault_at(d, "artifacts.%s.sha256: found %s; allowed: 64 digits of 0-9 a-f", a->name,
                 shown(v, found));
    else
        memcpy(a->sha256, s, len + 1);
}

struct reading {
    struct decoding *d;
    struct job_artifact *a;
    bool sized;
};

static int read_member(const char *name, const struct jv *v, void *arg)
{
    struct reading *r = arg;
    char found[FOUND_TEXT];
    if (!strcmp(name, "object"))
        take_object(r->d, r->a, v);
    else if (!strcmp(name, "sha256"))
        take_hash(r->d, r->a, v);
    else if (strcmp(name, "size"))
        fault_at(r->d, "artifacts.%s: unknown field '%s'; allowed: object, sha256, size",
                 r->a->name, in_line(name, strlen(name), found));
    else if (!jv_int(v, &r->a->size) || r->a->size < 0)
        fault_at(r->d, "artifacts.%s.size: found %s; allowed: a number of bytes", r->a->name,
                 shown(v, found));
    else
        r->sized = true;
    return 0;
}

static int read_artifact(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    struct job *j = d->job;
    char found[FOUND_TEXT];
    if (d->rc)
        return 0;
    if (!artifact_name_valid(name, strlen(name))) {
        fault_at(d, "artifacts: found the name '%s'; allowed: " ARTIFACT_NAME_ALLOWED,
                 in_line(name, strlen(name), found));
        return 0;
    }
    struct reading r = {.d = d, .a = &j->artifacts[j->artifact_count++]};
    r.a->name = mem_strdup(name);
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "artifacts.%s: found %s; allowed: {\"object\", \"sha256\", \"size\"}", name,
                 shown(v, found));
        return 0;
    }
    jv_each(v, read_member, &r);
    if (!d->rc && !*r.a->sha256)
        fault_at(d, "artifacts.%s.sha256: missing", name);
    if (!d->rc && !r.sized)
        fault_at(d, "artifacts.%s.size: missing", name);
    if (!r.a->object)
        r.a->object = mem_strdup(name);
    return 0;
}

void read_artifacts(struct decoding *d, const struct jv *v)
{
    size_t n = jv_count(v);
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "artifacts: found %s; allowed: an object of artifacts by name",
                 jv_type_name(v));
    } else if (n > ARTIFACTS_MAX) {
        fault_at(d, "artifacts: found %zu; allowed: at most %d", n, ARTIFACTS_MAX);
    } else if (n > 0) {
        d->job->artifacts = mem_alloc(n * sizeof *d->job->artifacts);
        jv_each(v, read_artifact, d);
    }
}

void check_artifacts(struct decoding *d)
{
    int64_t left = d->job->limits.v[LIMIT_ARTIFACTS_MB] << 20;
    for (int i = 0; i < d->job->artifact_count && !d->rc; i++) {
        const struct job_artifact *a = &d->job->artifacts[i];
        if (a->size > left)
            fault_at(d,
                     "artifacts.%s.size: found %" PRId64 "; allowed: %" PRId64
                     " bytes in all artifacts together (limits.artifacts_mb)",
                     a->name, a->size, d->job->limits.v[LIMIT_ARTIFACTS_MB] << 20);
        left -= a->size;
    }
}

void free_artifacts(struct job *j)
{
    for (int i = 0; i < j->artifact_count; i++) {
        free(j->artifacts[i].name);
        free(j->artifacts[i].object);
    }
    free(j->artifacts);
}

const struct job_artifact *job_artifact(const struct job *j, const char *name)
{
    for (int i = 0; i < j->artifact_count; i++)
        if (!strcmp(j->artifacts[i].name, name))
            return &j->artifacts[i];
    return NULL;
}

void encode_artifacts(struct jsonw *w, const struct job_request *r)
{
    jsonw_name(w, "artifacts");
    jsonw_object(w);
    for (int i = 0; i < r->artifact_count; i++) {
        const struct job_artifact *a = &r->artifacts[i];
        jsonw_name(w, a->name);
        jsonw_object(w);
        jsonw_kstr(w, "object", a->object);
        jsonw_kstr(w, "sha256", a->sha256);
        jsonw_kint(w, "size", a->size);
        jsonw_object_end(w);
    }
    jsonw_object_end(w);
}
