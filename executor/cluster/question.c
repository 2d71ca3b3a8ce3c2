#include "executor/cluster/question.h"

#include <string.h>

#include "base/jv.h"

static int read_name(const struct jv *v, const char *field, char *out, size_t cap,
                     bool (*valid)(const char *), struct err *e)
{
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!s)
        return err_set(e, ERR_INVALID, "%s: found %s; allowed: a string", field, jv_type_name(v));
    if (len >= cap || strlen(s) != len || !valid(s))
        return err_set(e, ERR_INVALID, "%s: found %zu characters that are no valid %s", field, len,
                       field);
    memcpy(out, s, len + 1);
    return 0;
}

static bool id_ok(const char *s)
{
    return job_id_valid(s, strlen(s));
}

static int read_from(const struct jv *v, int64_t from[2], struct err *e)
{
    static const char *const names[] = {"stdout", "stderr"};
    if (jv_type(v) != JV_OBJECT)
        return err_set(e, ERR_INVALID,
                       "from: found %s; allowed: an object {\"stdout\": n, \"stderr\": n}",
                       jv_type_name(v));
    for (int i = 0; i < 2; i++) {
        const struct jv *n = jv_get(v, names[i]);
        if (n && (!jv_int(n, &from[i]) || from[i] < 0))
            return err_set(e, ERR_INVALID, "from.%s: found %s; allowed: a whole number from 0",
                           names[i], jv_type_name(n));
    }
    return 0;
}

int question_read(const char *data, size_t len, bool need_id, struct question *q, struct err *e)
{
    memset(q, 0, sizeof *q);
    if (len > QUESTION_MAX)
        return err_set(e, ERR_INVALID, "request: found %zu bytes; allowed: at most %d", len,
                       QUESTION_MAX);
    if (len == 0 && !need_id)
        return 0;
    struct jv *doc = NULL;
    int rc = jv_parse(data, len, &doc, e);
    if (rc)
        return err_wrap(e, "request");
    if (jv_type(doc) != JV_OBJECT) {
        rc = err_set(e, ERR_INVALID, "request: found %s; allowed: an object {\"id\": …}",
                     jv_type_name(doc));
        goto out;
    }
    const struct jv *id = jv_get(doc, "id"), *tenant = jv_get(doc, "tenant"),
                    *output = jv_get(doc, "output"), *from = jv_get(doc, "from");
    if (id)
        rc = read_name(id, "id", q->id, sizeof q->id, id_ok, e);
    else if (need_id)
        rc = err_set(e, ERR_INVALID, "id: missing; allowed: the job's id as a string");
    if (!rc && tenant)
        rc = read_name(tenant, "tenant", q->tenant, sizeof q->tenant, tenant_name_valid, e);
    if (!rc && output && jv_type(output) != JV_BOOL)
        rc = err_set(e, ERR_INVALID, "output: found %s; allowed: true or false",
                     jv_type_name(output));
    if (!rc && from)
        rc = read_from(from, q->from, e);
    q->output = !rc && output && jv_is_true(output);
out:
    jv_free(doc);
    return rc;
}
