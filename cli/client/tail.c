#include "cli/client/tail.h"

#include <string.h>

#include "base/jv.h"

const char *const tail_stream_names[TAIL_STREAMS] = {"stdout", "stderr"};

static bool whole_number(const struct jv *doc, const char *name, int64_t *out)
{
    const struct jv *v = jv_get(doc, name);
    return v && jv_int(v, out) && *out >= 0;
}

/* False: it is of an attempt that is over. */
static bool take_attempt(struct tail *t, int64_t attempt)
{
    if (attempt <= t->attempt)
        return attempt == t->attempt;
    bool first = t->attempt == 0;
    t->attempt = attempt;
    if (first)
        return true;
    memset(t->shown, 0, sizeof t->shown);
    memset(t->wanted, 0, sizeof t->wanted);
    t->begins(t);
    return true;
}

static void take(struct tail *t, int stream, uint64_t offset, const char *text, size_t len)
{
    uint64_t end = offset + len, shown = t->shown[stream];
    if (end > t->wanted[stream])
        t->wanted[stream] = end;
    if (offset > shown || end <= shown)
        return;
    t->shown[stream] = end;
    t->piece(t, stream, shown, text + (shown - offset), (size_t)(end - shown));
}

void tail_message(struct tail *t, const char *json, size_t len)
{
    struct jv *doc = NULL;
    if (jv_parse(json, len, &doc, NULL))
        return;
    if (jv_type(doc) == JV_OBJECT) {
        int64_t attempt, offset;
        size_t text_len = 0;
        const char *name = jv_string(jv_get(doc, "stream"), NULL);
        const char *text = jv_string(jv_get(doc, "data"), &text_len);
        if (name && text && whole_number(doc, "attempt", &attempt) &&
            whole_number(doc, "offset", &offset) && take_attempt(t, attempt))
            take(t, strcmp(name, tail_stream_names[TAIL_ERR]) ? TAIL_OUT : TAIL_ERR,
                 (uint64_t)offset, text, text_len);
    }
    jv_free(doc);
}

bool tail_answer(struct tail *t, const char *json, size_t len)
{
    struct jv *doc = NULL;
    int64_t attempt = 0;
    bool more = false;
    if (jv_parse(json, len, &doc, NULL))
        return false;
    if (jv_type(doc) == JV_OBJECT && jv_get(doc, tail_stream_names[TAIL_OUT]) &&
        whole_number(doc, "attempt", &attempt) && take_attempt(t, attempt)) {
        const struct jv *from = jv_get(doc, "from");
        for (int i = 0; i < TAIL_STREAMS; i++) {
            int64_t offset = 0;
            size_t text_len = 0;
            const char *text = jv_string(jv_get(doc, tail_stream_names[i]), &text_len);
            if (jv_type(from) == JV_OBJECT)
                whole_number(from, tail_stream_names[i], &offset);
            if (text)
                take(t, i, (uint64_t)offset, text, text_len);
        }
        more = jv_is_true(jv_get(doc, "more"));
    }
    jv_free(doc);
    return more;
}

bool tail_has_gap(const struct tail *t)
{
    for (int i = 0; i < TAIL_STREAMS; i++)
        if (t->wanted[i] > t->shown[i])
            return true;
    return false;
}

void tail_result(struct tail *t, const struct jv *result)
{
    int64_t attempts = 0;
    if (whole_number(result, "attempts", &attempts) && attempts > 0)
        take_attempt(t, attempts);
    for (int i = 0; i < TAIL_STREAMS; i++) {
        size_t len = 0;
        const char *text = jv_string(jv_get(result, tail_stream_names[i]), &len);
        if (text)
            take(t, i, 0, text, len);
    }
}
