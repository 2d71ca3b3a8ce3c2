/* What streams and consumers are made with: one JSON object each (docs/protocol.md "Streams and
 * consumers"). */
#include "queue/stream/streams_inner.h"

#define NS_PER_MS         ((int64_t)1000000)
#define MS_PER_HOUR       3600000
#define WORKERS_AT_ONCE   256 /* whose prefetch the consumers' bookkeeping is laid out for */
#define PULLS_WAITING_MAX 2048
#define EVENTS_OF_A_JOB   16
/* A mover that dies with a job in hand, or whose pull is void, delays it by this. */
#define MOVER_ACK_WAIT_MS 1000

static void jobs_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    jsonw_kstr(w, "name", s->subjects->jobs_stream);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    /* Class by class: a job with a class that does not exist is refused to its publisher, rather
     * than kept for a consumer that will never be. */
    for (int k = 0; k < CLASSES; k++) {
        subject_job_class(s->subjects, (enum job_class)k, subject);
        if (s->first_seq && s->op == CREATE)
            subject_jobs_not_yet(s->subjects, subject);
        jsonw_str(w, subject);
        if (s->first_seq && s->op == CREATE)
            break;
    }
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "workqueue");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_msgs", c->max_queued);
    jsonw_kint(w, "max_bytes", c->max_queued_mb << 20);
    if (c->max_queued_a_tenant) {
        jsonw_kint(w, "max_msgs_per_subject", c->max_queued_a_tenant);
        jsonw_kbool(w, "discard_new_per_subject", true);
    }
    jsonw_kint(w, "duplicate_window", c->duplicate_window_ms * NS_PER_MS);
    jsonw_kint(w, "num_replicas", c->replicas);
}

static void results_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    subject_results_all(s->subjects, subject);
    jsonw_kstr(w, "name", s->subjects->results_stream);
    jsonw_name(w, "subjects");
    jsonw_array(w);
    jsonw_str(w, subject);
    jsonw_array_end(w);
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "storage", "file");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_age", c->results_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "num_replicas", c->replicas);
    jsonw_kbool(w, "allow_direct", true);
}

/* What the three have in common: name, subjects isolane.<kind>.<tenant>.<id>, bounds. */
static void kept_config(const struct streams *s, struct jsonw *w, const char *kind)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX];
    subject_all_of(s->subjects, kind, "*", subject);
    jsonw_kstr(w, "name", streams_name(s, s->now));
    jsonw_name(w, "subjects");
    jsonw_array(w);
    jsonw_str(w, subject);
    jsonw_array_end(w);
    jsonw_kstr(w, "storage", "file");
    jsonw_kint(w, "num_replicas", c->replicas);
    jsonw_kbool(w, "allow_direct", true);
}

static void events_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "events");
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_msgs_per_subject", EVENTS_OF_A_JOB);
    jsonw_kint(w, "max_age", c->events_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "max_bytes", c->events_max_mb << 20);
}

static void dead_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "dead");
    jsonw_kstr(w, "retention", "limits");
    jsonw_kstr(w, "discard", "old");
    jsonw_kint(w, "max_msgs_per_subject", 1);
    jsonw_kint(w, "max_age", c->dead_max_age_hours * MS_PER_HOUR * NS_PER_MS);
    jsonw_kint(w, "max_bytes", c->dead_max_mb << 20);
}

/* As bounded as the queue that its jobs come from. */
static void later_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    kept_config(s, w, "later");
    jsonw_kstr(w, "retention", "workqueue");
    jsonw_kstr(w, "discard", "new");
    jsonw_kint(w, "max_msgs", c->max_queued);
    jsonw_kint(w, "max_bytes", c->max_queued_mb << 20);
    jsonw_kint(w, "duplicate_window", c->duplicate_window_ms * NS_PER_MS);
}

/* All that wait are handed out and handed back with a delay, over and over. */
static void mover_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    jsonw_kstr(w, "durable_name", MOVER_NAME);
    jsonw_kstr(w, "deliver_policy", "all");
    jsonw_kstr(w, "ack_policy", "explicit");
    jsonw_kint(w, "ack_wait", MOVER_ACK_WAIT_MS * NS_PER_MS);
    jsonw_kint(w, "max_deliver", -1);
    jsonw_kint(w, "max_ack_pending", c->max_queued);
    jsonw_kint(w, "max_waiting", PULLS_WAITING_MAX);
}

static void consumer_config(const struct streams *s, struct jsonw *w)
{
    const struct nats_config *c = &s->config->nats;
    char subject[SUBJECT_MAX], name[CONSUMER_NAME_MAX];
    consumer_name(streams_consumer(s), name);
    consumer_filter(streams_consumer(s), s->subjects, subject);
    jsonw_kstr(w, "durable_name", name);
    jsonw_kstr(w, "filter_subject", subject);
    jsonw_kstr(w, "deliver_policy", "all");
    jsonw_kstr(w, "ack_policy", "explicit");
    jsonw_kint(w, "ack_wait", c->ack_wait_ms * NS_PER_MS);
    jsonw_kint(w, "max_deliver", c->max_deliver);
    jsonw_kint(w, "max_ack_pending", c->prefetch * WORKERS_AT_ONCE);
    jsonw_kint(w, "max_waiting", PULLS_WAITING_MAX);
    if (streams_consumer(s)->idle_ms)
        jsonw_kint(w, "inactive_threshold", streams_consumer(s)->idle_ms * NS_PER_MS);
}

void streams_wanted(const struct streams *s, struct jsonw *w)
{
    static void (*const configs[FIRST_CONSUMER])(const struct streams *, struct jsonw *) = {
        [JOBS_STREAM] = jobs_config,     [RESULTS_STREAM] = results_config,
        [EVENTS_STREAM] = events_config, [DEAD_STREAM] = dead_config,
        [LATER_STREAM] = later_config,   [CONSUMER_MOVER] = mover_config,
    };
    jsonw_object(w);
    if (s->now < FIRST_CONSUMER)
        configs[s->now](s, w);
    else
        consumer_config(s, w);
    jsonw_object_end(w);
}
