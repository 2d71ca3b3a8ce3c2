/* Jobs whose time has not come: they lie in the stream ISOLANE_LATER, where they delay nobody and
 * use up no delivery, until a worker moves them (back) to the jobs stream. All workers share one
 * consumer, so whichever is there moves what is due. Loop thread only.
 *
 * A job goes there by later_put(), with headers that say what the jobs stream said of it: its id,
 * class, time of publishing. Moving it back is publishing it again under a Nats-Msg-Id made of its
 * place there: a mover that dies behind that, before it acks, changes nothing. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "link/js.h"
#include "link/link.h"
#include "link/subjects.h"
#include "queue/stream/intake.h"

#define LATER_DUE_HEADER     "Isolane-Due"      /* milliseconds since 1970 */
#define LATER_CLASS_HEADER   "Isolane-Class"    /* high, normal, low */
#define LATER_ATTEMPT_HEADER "Isolane-Attempts" /* used up so far; absent: none */
#define LATER_ID_HEADER      "Isolane-Id"       /* the job's id, whatever its payload says */

struct later_job {
    const char *tenant, *id;
    enum job_class cls;
    int64_t due_us; /* real time */
    int attempts;
    const struct delivery *delivery;
};

/* Asks the stream to keep the job; cb as js_publish()'s. */
int later_put(struct link *l, const struct subjects *s, const struct later_job *j, js_stored cb,
              void *arg, struct err *e);

/* Publishes to the jobs stream what lies in ISOLANE_LATER, as its mover does when it is due: doing
 * so twice makes one job. m carries the job and its headers. ERR_INVALID: no worker has put it
 * there. */
int later_publish(struct link *l, const struct subjects *s, const struct link_msg *m,
                  const char *subject, uint64_t seq, js_stored cb, void *arg, struct err *e);

struct later;

struct later_events {
    void (*gone)(void *arg); /* the stream or its consumer is not there (any more) */
};

/* Begins at once; the stream and its consumer may come later. */
int later_open(uv_loop_t *loop, struct link *l, const struct subjects *s,
               const struct later_events *ev, void *arg, struct later **out, struct err *e);
void later_resume(struct later *m); /* after a loss of the connection */
void later_stop(struct later *m);   /* asks for no more; what is under way is still moved */
void later_close(struct later *m);  /* NULL is fine */
