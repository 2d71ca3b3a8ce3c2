/* What a job prints, and how far it is, told while it runs. */
#include <stdio.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/utf8.h"
#include "executor/front/serve_inner.h"

#define PROGRESS_EVERY_US 100000             /* at most one progress message per job in this time */
#define LIVE_PIECE        ((size_t)16 << 10) /* bytes of output in a message */

static void publish_output(struct serve *s, const struct custody *c, int stream, int attempt,
                           uint64_t offset, const char *text, size_t len)
{
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "stream", stream == FRAME_STDOUT ? "stdout" : "stderr");
    jsonw_kint(&w, "attempt", attempt);
    jsonw_kint(&w, "offset", (int64_t)offset);
    jsonw_name(&w, "data");
    jsonw_string(&w, text, len);
    jsonw_object_end(&w);
    subject_logs(&s->subjects, c->tenant, c->id, subject);
    if (link_publish(s->link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("serve", "live output of %s: %s", c->id, e.msg);
    buf_free(&b);
}

void live_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                 void *arg)
{
    struct serve *s = arg;
    if (!s->config->live_logs)
        return;
    while (len > 0) {
        size_t n = utf8_cut(text, len, LIVE_PIECE);
        if (n == 0) /* no text at all */
            n = len < LIVE_PIECE ? len : LIVE_PIECE;
        publish_output(s, attempt_tag(a), stream, attempt_number(a), offset, text, n);
        offset += n;
        text += n;
        len -= n;
    }
}

void live_progress(struct attempt *a, double fraction, const char *text, void *arg)
{
    struct serve *s = arg;
    struct custody *c = attempt_tag(a);
    int64_t now = clock_mono_us();
    if (fraction < 1 && now - c->progress_at_us < PROGRESS_EVERY_US)
        return;
    c->progress_at_us = now;
    char subject[SUBJECT_MAX], when[CLOCK_RFC3339_LEN], number[32];
    struct buf b = {0};
    struct jsonw w;
    struct err e = {0};
    clock_rfc3339(clock_real_us(), when);
    int n = snprintf(number, sizeof number, "%.6g", fraction);
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_name(&w, "fraction");
    jsonw_raw(&w, number, (size_t)n);
    jsonw_kstr(&w, "text", text);
    jsonw_kstr(&w, "at", when);
    jsonw_object_end(&w);
    subject_progress(&s->subjects, c->tenant, c->id, subject);
    if (link_publish(s->link, subject, NULL, NULL, 0, b.data, b.len, &e))
        log_debug("serve", "progress of %s: %s", c->id, e.msg);
    buf_free(&b);
}
