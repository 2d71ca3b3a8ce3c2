/* Dead letters: a job that used its last attempt leaves a copy of its message in ISOLANE_DEAD, with
 * headers that say how it ended. After its result, before the ack; the stream takes one for each
 * job and a second is refused, so a worker that died in between leaves exactly one. */
#include <string.h>

#include "base/fault.h"
#include "base/jv.h"
#include "base/log.h"
#include "base/utf8.h"
#include "executor/front/serve_inner.h"
#include "link/js.h"
#include "queue/dead.h"
#include "queue/job/signature.h"
#include "results/envelope.h"

#define ERROR_MAX 256 /* bytes of the error in a header */

/* A member that is a string without escapes, or a number: as text, cut. */
static void take(const struct buf *result, const char *name, char *out, size_t cap)
{
    const char *raw;
    size_t len;
    *out = 0;
    if (!jv_raw_member(result->data, result->len, name, &raw, &len))
        return;
    if (len >= 2 && raw[0] == '"') {
        raw++;
        len -= 2;
    }
    if (len >= cap)
        len = cap - 1;
    memcpy(out, raw, len);
    out[len] = 0;
}

bool dead_says(const char *envelope, size_t len)
{
    struct buf result = {0};
    char state[8] = "";
    if (envelope_result(envelope, len, &result, NULL) == 0)
        take(&result, "state", state, sizeof state);
    buf_free(&result);
    return !strcmp(state, "dead");
}

/* "Error: message", in one line of printable text: it stands in a header. */
static void take_error(const struct buf *result, char out[ERROR_MAX + 1])
{
    const char *raw;
    size_t len;
    struct jv *error = NULL;
    struct buf text = {0};
    *out = 0;
    if (jv_raw_member(result->data, result->len, "error", &raw, &len) &&
        !jv_parse(raw, len, &error, NULL) && jv_type(error) == JV_OBJECT) {
        const char *name = jv_string(jv_get(error, "name"), NULL);
        const char *message = jv_string(jv_get(error, "message"), NULL);
        buf_addf(&text, "%s: %s", name ? name : "Error", message ? message : "");
        size_t n = utf8_cut(text.data, text.len, ERROR_MAX);
        for (size_t i = 0; i < n; i++)
            out[i] =
                (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i];
        out[n] = 0;
    }
    jv_free(error);
    buf_free(&text);
}

static void on_buried(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct custody *c = arg;
    struct serve *s = c->serve;
    (void)seq;
    (void)duplicate;
    c->sent = false;
    if (s->closing)
        return;
    if (why && why->code != ERR_CONFLICT) { /* ERR_CONFLICT: it lies there already */
        log_warn("serve", "dead job %s: its copy is not stored yet: %s", c->id, why->msg);
        serve_try_again(s);
        return;
    }
    fault(F_JOB_BURIED);
    list_remove(&c->node);
    serve_settle(s, c);
}

void dead_bury(struct serve *s, struct custody *c)
{
    struct buf result = {0};
    struct err e = {0};
    const struct delivery *d = c->delivery;
    char subject[SUBJECT_MAX], outcome[32], attempts[16], worker[80], finished[40], cls[16],
        error[ERROR_MAX + 1];
    struct link_header headers[8];
    int n = 0;
    if (c->state != CUSTODY_BURYING) {
        c->state = CUSTODY_BURYING;
        list_push_back(&s->publishing, &c->node);
    }
    if (envelope_result(c->envelope, c->envelope_len, &result, NULL)) {
        list_remove(&c->node); /* our own envelope: cannot be */
        serve_settle(s, c);
        return;
    }
    take(&result, "outcome", outcome, sizeof outcome);
    take(&result, "attempts", attempts, sizeof attempts);
    take(&result, "worker", worker, sizeof worker);
    take(&result, "finished_at", finished, sizeof finished);
    take(&result, "class", cls, sizeof cls);
    take_error(&result, error);
    buf_free(&result);
    headers[n++] = (struct link_header){DEAD_OUTCOME_HEADER, outcome};
    headers[n++] = (struct link_header){DEAD_ATTEMPTS_HEADER, attempts};
    headers[n++] = (struct link_header){DEAD_WORKER_HEADER, worker};
    headers[n++] = (struct link_header){DEAD_FINISHED_HEADER, finished};
    headers[n++] = (struct link_header){DEAD_CLASS_HEADER, cls};
    if (*error)
        headers[n++] = (struct link_header){DEAD_ERROR_HEADER, error};
    if (d->signature)
        headers[n++] = (struct link_header){SIGNATURE_HEADER, d->signature};
    subject_dead(&s->subjects, c->tenant, c->id, subject);
    c->sent = true;
    if (js_publish(s->link, subject, headers, n, d->data, d->len, 0, on_buried, c, &e))
        on_buried(0, false, &e, c);
}
