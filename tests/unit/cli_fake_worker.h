/* What clients see of a worker, played by a thread with a connection of its own: the streams,
 * answers to results.get and cancel, live output, signed results. What it does with a job or a
 * question is written in the job's id, so that each test says what it wants:
 *
 *   submit  ok-*        a result with outcome ok          threw-*   one with outcome threw
 *           mute-*      nothing ever
 *   get     running-*   state running                     refused-* an error
 *           soon-*      state running, and the result published a moment later
 *           live-*      the same with live output before it (fake_play_live())
 *           joined-*    state running, with what was printed so far; then as soon-*
 *           ok-*, threw-*, digits   a result                  else      state unknown
 *   cancel  running-*   "unknown" at once and "cancelling" a moment later, as from two workers
 *           ok-*        done                              else      unknown */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "link/link.h"
#include "link/subjects.h"
#include "tests/unit/nats_server.h"
#include "tests/unit/results_sample.h"

struct fake_worker {
    const char *url;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t later;
    struct link *link;
    struct subjects subjects;
    struct sign_key key;
    uint64_t jobs, seq;
    char prev[65];
    char due[JOB_ID_MAX + 1], due_reply[256]; /* what `later` is to do */
    pthread_barrier_t ready;
};

static inline void fake_fatal(const struct err *e)
{
    fprintf(stderr, "fake worker: %s\n", e->msg);
    abort();
}

static inline void fake_api(struct fake_worker *f, const char *subject, const char *body)
{
    struct link_msg *m = NULL;
    struct err e = {0};
    if (link_request_wait(f->link, subject, NULL, 0, body, strlen(body), 5000, &m, &e))
        fake_fatal(&e);
    if (strstr(m->data, "\"error\"")) {
        fprintf(stderr, "fake worker: %s\n", m->data);
        abort();
    }
    link_msg_free(m);
}

static inline void fake_streams(struct fake_worker *f)
{
    fake_api(
        f, "$JS.API.STREAM.CREATE.ISOLANE_JOBS",
        "{\"name\":\"ISOLANE_JOBS\",\"subjects\":[\"isolane.jobs.*.*\"],\"storage\":\"memory\"}");
    fake_api(f, "$JS.API.STREAM.CREATE.ISOLANE_RESULTS",
             "{\"name\":\"ISOLANE_RESULTS\",\"subjects\":[\"isolane.results.*.>\"],\"storage\":"
             "\"memory\",\"allow_direct\":true}");
    /* One job fits, the next is refused. */
    fake_api(f, "$JS.API.STREAM.CREATE.FULL_JOBS",
             "{\"name\":\"FULL_JOBS\",\"subjects\":[\"full.jobs.*.*\"],\"storage\":\"memory\","
             "\"max_msgs\":1,\"discard\":\"new\"}");
    /* A results stream without any worker. */
    fake_api(f, "$JS.API.STREAM.CREATE.QUIET_RESULTS",
             "{\"name\":\"QUIET_RESULTS\",\"subjects\":[\"quiet.results.*.>\"],\"storage\":"
             "\"memory\",\"allow_direct\":true}");
}

static inline void fake_publish(struct fake_worker *f, const char *subject, const void *data,
                                size_t len)
{
    struct err e = {0};
    if (link_publish(f->link, subject, NULL, NULL, 0, data, len, &e))
        fake_fatal(&e);
}

static inline void fake_answer(struct fake_worker *f, const char *to, const char *text)
{
    if (to)
        fake_publish(f, to, text, strlen(text));
}

static inline void fake_result(struct fake_worker *f, const char *subject, const char *tenant,
                               const char *id)
{
    struct signed_row row;
    struct result *r = sample_result(id);
    free(r->tenant);
    r->tenant = mem_strdup(tenant);
    free(r->out);
    r->out = mem_strdup("one\ntwo\nthree\n");
    r->out_len = r->out_total = strlen(r->out);
    if (strncmp(id, "threw-", 6)) {
        r->outcome = OUTCOME_OK;
        r->has_error = false;
    }
    sign_next(&row, r, &f->key, &f->seq, f->prev);
    fake_publish(f, subject, row.envelope.data, row.envelope.len);
    signed_row_free(&row);
}

static inline bool starts(const char *id, const char *with)
{
    return !strncmp(id, with, strlen(with));
}

static inline void fake_on_job(struct link_msg *m, void *arg)
{
    struct fake_worker *f = arg;
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1], subject[SUBJECT_MAX];
    enum job_class class;
    const char *given = link_msg_header(m, "Nats-Msg-Id");
    f->jobs++;
    snprintf(id, sizeof id, "%s", given ? given : "");
    if (!given)
        snprintf(id, sizeof id, "%llu", (unsigned long long)f->jobs);
    if (starts(id, "mute-") ||
        !subject_parse_job(&f->subjects, m->subject, tenant, sizeof tenant, &class))
        return;
    subject_result(&f->subjects, tenant, id, subject);
    fake_result(f, subject, tenant, id);
}

/* Live output as a worker sends it: a chunk twice, one lost in between, then the result. */
static inline void fake_play_live(struct fake_worker *f, const char *id)
{
    static const char *const chunks[] = {
        "{\"stream\":\"stdout\",\"attempt\":1,\"offset\":0,\"data\":\"cut off\"}",
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":0,\"data\":\"one\\n\"}",
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":0,\"data\":\"one\\n\"}",
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":2,\"data\":\"e\\nt\"}",
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":8,\"data\":\"three\\n\"}",
        "{\"stream\":\"stderr\",\"attempt\":2,\"offset\":2,\"data\":\"p\"}",
        "not json",
        "{\"stream\":\"stdout\",\"attempt\":1,\"offset\":0,\"data\":\"late\"}",
    };
    char subject[SUBJECT_MAX];
    subject_logs(&f->subjects, "default", id, subject);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++)
        fake_publish(f, subject, chunks[i], strlen(chunks[i]));
}

static inline void fake_on_later(uv_timer_t *t)
{
    struct fake_worker *f = t->data;
    char subject[SUBJECT_MAX];
    if (*f->due_reply) {
        fake_answer(f, f->due_reply, "{\"id\":\"running-1\",\"state\":\"cancelling\"}");
        *f->due_reply = 0;
        return;
    }
    if (starts(f->due, "live-"))
        fake_play_live(f, f->due);
    subject_result(&f->subjects, "default", f->due, subject);
    fake_result(f, subject, "default", f->due);
}

/* A job that ran before anyone looked: what was printed so far comes with the answer, and live
 * chunks around it. */
static inline void fake_joined(struct fake_worker *f, const char *id, const char *reply)
{
    static const char before[] =
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":4,\"data\":\"tw\"}";
    static const char after[] =
        "{\"stream\":\"stdout\",\"attempt\":2,\"offset\":6,\"data\":\"o\\n\"}";
    char subject[SUBJECT_MAX];
    subject_logs(&f->subjects, "default", id, subject);
    fake_publish(f, subject, before, sizeof before - 1);
    fake_answer(f, reply,
                "{\"state\":\"running\",\"attempt\":2,\"stdout\":\"one\\ntw\","
                "\"stderr\":\"oo\"}");
    fake_publish(f, subject, after, sizeof after - 1);
}

static inline void fake_on_get(struct link_msg *m, void *arg)
{
    struct fake_worker *f = arg;
    char id[JOB_ID_MAX + 1] = "", text[512];
    sscanf(m->data, "{\"id\":\"%128[^\"]", id);
    if (starts(id, "joined-") && strstr(m->data, "\"output\":true")) {
        fake_joined(f, id, m->reply);
    } else if (starts(id, "refused-")) {
        fake_answer(f, m->reply, "{\"error\":\"id: several tenants have it\"}");
    } else if (starts(id, "running-") || starts(id, "soon-") || starts(id, "live-") ||
               starts(id, "joined-")) {
        snprintf(text, sizeof text,
                 "{\"id\":\"%s\",\"state\":\"running\",\"attempt\":2,"
                 "\"started_at\":\"2026-11-21T08:57:00.000001Z\"}",
                 id);
        fake_answer(f, m->reply, text);
        if (!starts(id, "running-")) {
            strcpy(f->due, id);
            uv_timer_start(&f->later, fake_on_later, 100, 0);
        }
    } else if (starts(id, "ok-") || starts(id, "threw-") || job_id_is_sequence(id)) {
        fake_result(f, m->reply, "default", id); /* any envelope of that id will do */
    } else {
        snprintf(text, sizeof text, "{\"id\":\"%s\",\"state\":\"unknown\"}", id);
        fake_answer(f, m->reply, text);
    }
}

static inline void fake_on_cancel(struct link_msg *m, void *arg)
{
    struct fake_worker *f = arg;
    const char *id = subject_parse_cancel(&f->subjects, m->subject);
    char text[512];
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"state\":\"%s\"}", id,
             starts(id, "ok-") ? "done" : "unknown");
    fake_answer(f, m->reply, text);
    if (starts(id, "running-")) {
        snprintf(f->due_reply, sizeof f->due_reply, "%s", m->reply);
        uv_timer_start(&f->later, fake_on_later, 50, 0);
    }
}

static inline void fake_on_stop(uv_async_t *a)
{
    struct fake_worker *f = a->data;
    uv_close((uv_handle_t *)&f->stop, NULL);
    uv_close((uv_handle_t *)&f->later, NULL);
    uv_stop(&f->loop);
}

static inline void fake_nothing(void *arg)
{
    (void)arg;
}

static inline void fake_why(const char *why, void *arg)
{
    (void)why;
    (void)arg;
}

static inline void fake_subscribe(struct fake_worker *f, const char *subject, link_handler h)
{
    struct link_sub *sub;
    struct err e = {0};
    if (link_subscribe(f->link, subject, NULL, 0, h, f, &sub, &e))
        fake_fatal(&e);
}

static inline void *fake_run(void *arg)
{
    static const struct link_events events = {fake_nothing, fake_why, fake_why};
    struct fake_worker *f = arg;
    char url[64], prefix[] = "isolane", streams[] = "ISOLANE", subject[SUBJECT_MAX];
    struct nats_config c = {.url = url, .prefix = prefix, .stream_prefix = streams};
    struct err e = {0};
    snprintf(url, sizeof url, "%s", f->url);
    uv_loop_init(&f->loop);
    uv_async_init(&f->loop, &f->stop, fake_on_stop);
    uv_timer_init(&f->loop, &f->later);
    f->stop.data = f->later.data = f;
    if (subjects_init(&f->subjects, &c, &e) ||
        link_open(&f->loop, &c, "fake worker", 5000, &events, f, &f->link, &e))
        fake_fatal(&e);
    fake_streams(f);
    subject_results_get(&f->subjects, subject);
    fake_subscribe(f, subject, fake_on_get);
    subject_cancel(&f->subjects, ">", subject);
    fake_subscribe(f, subject, fake_on_cancel);
    fake_subscribe(f, "isolane.jobs.*.*", fake_on_job);
    fake_result(f, "quiet.results.default.stored", "default", "stored");
    if (link_flush(f->link, 5000, &e))
        fake_fatal(&e);
    pthread_barrier_wait(&f->ready);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    link_close(f->link, 1000);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    uv_loop_close(&f->loop);
    return NULL;
}

/* Returns when it answers. f must be zeroed, with url and key set. */
static inline void fake_worker_start(struct fake_worker *f)
{
    memcpy(f->prev, ZEROS, sizeof f->prev);
    pthread_barrier_init(&f->ready, NULL, 2);
    if (pthread_create(&f->thread, NULL, fake_run, f))
        abort();
    pthread_barrier_wait(&f->ready);
}

static inline void fake_worker_stop(struct fake_worker *f)
{
    uv_async_send(&f->stop);
    pthread_join(f->thread, NULL);
    pthread_barrier_destroy(&f->ready);
}
