#include "queue/stream/strays.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jv.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/js.h"

struct strays {
    struct link *link;
    const struct subjects *subjects;
    struct strays_events ev;
    void *arg;
    bool asking, freed;
};

static int tell(const char *subject, const struct jv *count, void *arg)
{
    struct strays *t = arg;
    struct consumer c;
    int64_t n = 0;
    if (jv_int(count, &n) && n > 0 && consumer_of_subject(t->subjects, subject, &c))
        t->ev.subject(&c, n, t->arg);
    return 0;
}

static void on_info(const struct jv *doc, const struct err *why, void *arg)
{
    struct strays *t = arg;
    t->asking = false;
    if (t->freed) {
        free(t);
        return;
    }
    const struct jv *found = why ? NULL : jv_get(jv_get(doc, "state"), "subjects");
    if (why)
        log_debug("queue", "subjects with jobs: %s", why->msg);
    else if (jv_type(found) == JV_OBJECT) /* an empty stream has no such member */
        jv_each(found, tell, t);
    if (!why)
        t->ev.looked(t->arg);
}

struct strays *strays_new(struct link *l, const struct subjects *s, const struct strays_events *ev,
                          void *arg)
{
    struct strays *t = mem_alloc(sizeof *t);
    t->link = l;
    t->subjects = s;
    t->ev = *ev;
    t->arg = arg;
    return t;
}

void strays_look(struct strays *t)
{
    char verb[128], body[SUBJECT_MAX];
    struct err e = {0};
    if (t->asking)
        return;
    snprintf(verb, sizeof verb, "STREAM.INFO.%s", t->subjects->jobs_stream);
    snprintf(body, sizeof body, "{\"subjects_filter\":\"%s.jobs.>\"}", t->subjects->prefix);
    t->asking = js_ask(t->link, verb, body, on_info, t, &e) == 0;
}

void strays_free(struct strays *t)
{
    if (!t)
        return;
    if (t->asking)
        t->freed = true;
    else
        free(t);
}
