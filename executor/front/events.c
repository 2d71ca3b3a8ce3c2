#include "executor/front/events.h"

#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "config/retry.h"

static void write_time(struct jsonw *w, const char *name, int64_t us)
{
    char text[CLOCK_RFC3339_LEN];
    clock_rfc3339(us, text);
    jsonw_kstr(w, name, text);
}

void event_write(const struct event *v, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", v->id);
    jsonw_kstr(&w, "tenant", v->tenant);
    jsonw_kstr(&w, "state", v->state);
    if (v->attempt)
        jsonw_kint(&w, "attempt", v->attempt);
    if (v->outcome)
        jsonw_kstr(&w, "outcome", v->outcome);
    write_time(&w, "at", clock_real_us());
    jsonw_kstr(&w, "worker", v->worker);
    if (v->retry_at_us)
        write_time(&w, "retry_at", v->retry_at_us);
    if (v->tries && v->tries->n > 0) {
        struct buf tries = {0};
        tries_write(v->tries, &tries);
        jsonw_name(&w, "tries");
        jsonw_raw(&w, tries.data, tries.len);
        buf_free(&tries);
    }
    jsonw_object_end(&w);
}

/* An attempt that was running when its worker died is not used up. */
static int used_by(const char *state, int64_t attempt)
{
    if (attempt < 1 || attempt > RETRY_ATTEMPTS_MAX)
        return 0;
    if (!strcmp(state, "retrying"))
        return (int)attempt;
    return !strcmp(state, "running") ? (int)attempt - 1 : 0;
}

bool event_read(const char *text, size_t len, struct event_past *out)
{
    struct jv *doc = NULL;
    int64_t attempt = 0;
    memset(out, 0, sizeof *out);
    if (jv_parse(text, len, &doc, NULL))
        return false;
    const char *state = jv_string(jv_get(doc, "state"), NULL);
    const char *retry_at = jv_string(jv_get(doc, "retry_at"), NULL);
    if (state && jv_int(jv_get(doc, "attempt"), &attempt))
        out->used = used_by(state, attempt);
    if (out->used > 0) {
        if (!retry_at || !clock_parse_time(retry_at, &out->retry_at_us))
            out->retry_at_us = 0;
        tries_restore(&out->tries, jv_get(doc, "tries"));
    }
    jv_free(doc);
    return out->used > 0;
}
