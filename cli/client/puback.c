#include "cli/client/puback.h"

#include <stdio.h>
#include <string.h>

#include "base/jv.h"

#define PUBACK_TIMEOUT_MS 5000

/* What a full stream says, and what that means to who submits. */
static const struct {
    const char *words, *advice;
} full[] = {
    {"maximum messages per subject exceeded", "the tenant has as many jobs of this class queued as "
                                              "it may (nats.max_queued_a_tenant); submit "
                                              "again when some have run"},
    {"maximum messages exceeded",
     "the queue is full (nats.max_queued): submit again later, and look whether workers run "
     "(isolane workers)"},
    {"maximum bytes exceeded",
     "the queue is full (nats.max_queued_mb): submit again later, and look whether workers run "
     "(isolane workers)"},
    {"resource limits exceeded",
     "the server's limits for this account are used up: its operator can raise them"},
    {"insufficient", "the server has no room left (max_file_store, or its disk)"},
};

/* {"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}} */
static int server_refused(const struct jv *error, struct err *e)
{
    const struct jv *text = jv_type(error) == JV_OBJECT ? jv_get(error, "description") : NULL;
    const char *description = text ? jv_string(text, NULL) : NULL;
    if (!description)
        description = "no reason given";
    for (size_t i = 0; i < sizeof full / sizeof *full; i++)
        if (strstr(description, full[i].words))
            return err_set(e, ERR_LIMIT, "the server refused the job: %.200s: %s", description,
                           full[i].advice);
    return err_set(e, ERR_UNAVAILABLE, "the server refused the job: %.300s", description);
}

int puback_read(const struct link_msg *m, struct puback *p, struct err *e)
{
    struct jv *doc = NULL;
    int rc = jv_parse(m->data, m->len, &doc, e);
    if (rc)
        return err_wrap(e, "the server's answer to the job");
    const struct jv *error = jv_type(doc) == JV_OBJECT ? jv_get(doc, "error") : NULL;
    const struct jv *seq = jv_type(doc) == JV_OBJECT ? jv_get(doc, "seq") : NULL;
    if (error) {
        rc = server_refused(error, e);
    } else if (!seq || !jv_int(seq, &p->seq) || p->seq < 1) {
        rc = err_set(e, ERR_PROTOCOL, "the answer to the job comes from no JetStream: %.*s",
                     (int)(m->len < 200 ? m->len : 200), m->data);
    } else {
        const struct jv *stream = jv_get(doc, "stream");
        snprintf(p->stream, sizeof p->stream, "%s",
                 stream && jv_string(stream, NULL) ? jv_string(stream, NULL) : "");
        p->duplicate = jv_get(doc, "duplicate") && jv_is_true(jv_get(doc, "duplicate"));
    }
    jv_free(doc);
    return rc;
}

int puback_publish(struct client *c, const char *what, const char *subject, const char *data,
                   size_t len, struct puback *p, struct err *e)
{
    struct link_msg *m = NULL;
    int rc = link_request_wait(c->link, subject, NULL, 0, data, len, PUBACK_TIMEOUT_MS, &m, e);
    if (rc == ERR_UNAVAILABLE && link_is_up(c->link))
        return err_set(e, rc, "nobody takes %s at %s: is a worker running?", what,
                       link_url(c->link));
    if (!rc)
        rc = puback_read(m, p, e);
    link_msg_free(m);
    return rc ? err_wrap(e, "%s is not stored", what) : 0;
}
