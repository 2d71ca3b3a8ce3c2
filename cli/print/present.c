#include "cli/print/present.h"

#include <stdio.h>
#include <string.h>

#include "base/jv.h"
#include "cli/print/show.h"
#include "results/envelope.h"

int present_result_object(const char *envelope, size_t len, struct buf *out, struct err *e)
{
    int rc = envelope_result(envelope, len, out, e);
    if (rc)
        err_wrap(e, "the answer is no result");
    return rc;
}

int present_envelope(const char *envelope, size_t len, enum presentation how)
{
    struct buf object = {0};
    struct err e = {0};
    int rc = present_result_object(envelope, len, &object, &e);
    if (!rc && how == PRESENT_BLOCK)
        rc = show_result(object.data, object.len, stdout, &e);
    if (rc) {
        buf_free(&object);
        return fail(&e);
    }
    if (how == PRESENT_JSON)
        printf("%.*s\n", (int)object.len, object.data);
    if (how == PRESENT_ENVELOPE)
        printf("%.*s\n", (int)len, envelope);
    bool ok = result_is_ok(object.data, object.len);
    buf_free(&object);
    return out_finish(ok ? EXIT_JOB_OK : EXIT_JOB_NOT_OK);
}

static const char *text(const struct jv *doc, const char *name)
{
    const struct jv *v = doc && jv_type(doc) == JV_OBJECT ? jv_get(doc, name) : NULL;
    const char *s = v ? jv_string(v, NULL) : NULL;
    return s ? s : "";
}

/* What a state means for who asks. */
static const char *explain(const char *state)
{
    if (!strcmp(state, "queued"))
        return " (it waits for its turn)";
    if (!strcmp(state, "retrying"))
        return " (it waits for its next attempt)";
    if (!strcmp(state, "delayed"))
        return " (its time has not come)";
    if (!strcmp(state, "unknown"))
        return " (no worker has it and there is no result: not published, or no worker took it "
               "yet)";
    return "";
}

int present_state(const char *json, size_t len, enum presentation how)
{
    struct jv *doc = NULL;
    struct err e;
    if (jv_parse(json, len, &doc, &e))
        return fail(&e);
    if (how == PRESENT_BLOCK) {
        const char *state = text(doc, "state"), *started = text(doc, "started_at");
        int64_t attempt = 0;
        bool has_attempt = jv_get(doc, "attempt") && jv_int(jv_get(doc, "attempt"), &attempt);
        printf("job %s is %s%s", text(doc, "id"), state, explain(state));
        if (has_attempt)
            printf(" (attempt %lld%s%s)", (long long)attempt, *started ? ", since " : "", started);
        printf("\n");
    } else {
        printf("%.*s\n", (int)len, json);
    }
    jv_free(doc);
    return out_finish(EXIT_JOB_NOT_OK);
}
