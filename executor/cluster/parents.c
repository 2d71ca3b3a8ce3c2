#include "executor/cluster/parents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "results/envelope.h"

struct parents *parents_new(const struct job *j)
{
    struct parents *p = mem_alloc(sizeof *p);
    p->n = j->after_count;
    for (int i = 0; i < p->n; i++)
        p->v[i].id = j->after[i];
    return p;
}

void parents_free(struct parents *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n; i++)
        free(p->v[i].value);
    free(p);
}

static bool read_outcome(const struct buf *result, char outcome[24])
{
    const char *text;
    size_t len;
    if (!jv_raw_member(result->data, result->len, "outcome", &text, &len) || len < 3 ||
        len - 2 >= 24 || text[0] != '"')
        return false;
    memcpy(outcome, text + 1, len - 2);
    outcome[len - 2] = 0;
    return true;
}

bool parents_outcome(const char *envelope, size_t len, char outcome[24])
{
    struct buf result = {0};
    bool good = !envelope_result(envelope, len, &result, NULL) && read_outcome(&result, outcome);
    buf_free(&result);
    return good;
}

void parents_take(struct parents *p, int i, const char *envelope, size_t len)
{
    struct parent *one = &p->v[i];
    struct buf result = {0};
    const char *value = "null";
    size_t value_len = 4;
    CHECK(i < p->n && !one->known);
    one->known = true;
    if (envelope_result(envelope, len, &result, NULL) || !read_outcome(&result, one->outcome)) {
        snprintf(one->outcome, sizeof one->outcome, "internal");
        buf_free(&result);
        return;
    }
    one->ok = !strcmp(one->outcome, "ok");
    jv_raw_member(result.data, result.len, "value", &value, &value_len);
    if (value_len > PARENT_VALUE_MAX || p->bytes + value_len > PARENTS_VALUES_MAX) {
        one->truncated = true;
    } else if (value_len != 4 || memcmp(value, "null", 4) != 0) {
        one->value = mem_copy(value, value_len);
        one->value_len = value_len;
        p->bytes += value_len;
    }
    buf_free(&result);
}

static enum parents_say failed(const struct parent *one, enum on_failure how,
                               struct parents_end *end)
{
    end->outcome = how == ON_FAILURE_FAIL ? OUTCOME_THREW : OUTCOME_CANCELLED;
    end->name = "ParentFailed";
    snprintf(end->text, sizeof end->text, "job '%s', which this one waited for, ended %s", one->id,
             one->outcome);
    return PARENTS_END;
}

enum parents_say parents_judge(const struct parents *p, enum on_failure on_failure, bool late,
                               struct parents_end *end)
{
    const struct parent *missing = NULL;
    int known = 0;
    for (int i = 0; i < p->n; i++) {
        const struct parent *one = &p->v[i];
        known += one->known;
        if (!one->known && !missing)
            missing = one;
        if (one->known && !one->ok && on_failure != ON_FAILURE_RUN)
            return failed(one, on_failure, end);
    }
    if (!missing)
        return PARENTS_READY;
    if (!late)
        return PARENTS_WAIT;
    end->outcome = on_failure == ON_FAILURE_FAIL ? OUTCOME_THREW : OUTCOME_CANCELLED;
    end->name = "ParentMissing";
    snprintf(end->text, sizeof end->text,
             "the job waited as long as it may (nats.after_wait_s, or its deadline); %d of %d jobs "
             "before it have a result, '%s' has none (not published, or it waits for this one?)",
             known, p->n, missing->id);
    return PARENTS_END;
}

void parents_json(const struct parents *p, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    for (int i = 0; i < p->n; i++) {
        const struct parent *one = &p->v[i];
        jsonw_name(&w, one->id);
        jsonw_object(&w);
        jsonw_kstr(&w, "outcome", one->outcome);
        jsonw_name(&w, "value");
        if (one->value)
            jsonw_raw(&w, one->value, one->value_len);
        else
            jsonw_null(&w);
        if (one->truncated)
            jsonw_kbool(&w, "truncated", true);
        jsonw_object_end(&w);
    }
    jsonw_object_end(&w);
}
