#include "executor/local.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/executor.h"
#include "executor/folder.h"

#define SLOTS_MAX 64 /* `run`s at once on one data folder */

struct local {
    const struct local_options *o;
    const struct local_events *ev;
    void *arg;
    uv_loop_t loop;
    uv_signal_t on_int, on_term;
    struct executor *executor;
    struct artifact_store *artifacts;
    struct list jobs; /* struct held */
    int held;
    bool more, interrupted, ended;
    struct err why;
};

struct held {
    struct local *local;
    struct list node;
    struct attempt *attempt;
    char *label;
};

/* The first results file that no other `run` has: run.db, run-2.db, … */
static int claim_slot(const struct data_paths *p, char *db, char *name, size_t cap, int *lock,
                      struct err *e)
{
    for (int i = 1; i <= SLOTS_MAX; i++) {
        char lock_path[PATH_MAX], suffix[16] = "";
        if (i > 1)
            snprintf(suffix, sizeof suffix, "-%d", i);
        int rc = fs_path(lock_path, sizeof lock_path, e, "%s/run%s.lock", p->dir, suffix);
        if (!rc)
            rc = fs_path(db, PATH_MAX, e, "%s/run%s.db", p->dir, suffix);
        if (!rc)
            rc = folder_claim(p->dir, lock_path, lock, e);
        if (rc == ERR_CONFLICT)
            continue;
        snprintf(name, cap, "run%s", suffix);
        return rc;
    }
    return err_set(e, ERR_LIMIT, "data folder %s: %d runs are going on there already", p->dir,
                   SLOTS_MAX);
}

static void stop(struct local *l, const struct err *why)
{
    if (why && !l->why.code)
        l->why = *why;
    l->more = false;
    l->ended = true;
}

/* Given by who runs the script: no tenant's permission is asked for. */
static int give_rights(const struct local_options *o, struct job *job, struct attempt_facts *facts,
                       struct err *e)
{
    struct permission_entries *granted = &job->permissions.list[PERMISSION_SECRETS];
    for (int i = 0; i < o->secret_count; i++)
        permission_add(granted, o->secrets[i].name, strlen(o->secrets[i].name));
    if (o->artifacts_out)
        job->permissions.flag[PERMISSION_ARTIFACTS] = true;
    return secrets_of(o->secrets, o->secret_count, &facts->secrets, e);
}

static void take_job(struct local *l, const struct local_job *in)
{
    struct held *h = mem_alloc(sizeof *h);
    struct job *job = NULL;
    struct err e = {0};
    struct job_origin origin = {
        .tenant = l->o->tenant, .cls = CLASS_NORMAL, .msg_id = in->id, .local = true};
    struct attempt_facts facts = {.published_at_us = clock_real_us(), .tag = h};
    h->local = l;
    h->label = mem_strdup(in->label);
    list_push_back(&l->jobs, &h->node);
    l->held++;
    int rc = job_decode(l->o->config, &origin, in->message, in->len, &job, &e);
    if (!rc)
        rc = give_rights(l->o, job, &facts, &e);
    h->attempt = rc ? executor_refuse(l->executor, job, &facts, &e)
                    : executor_submit(l->executor, job, &facts);
}

/* Keeps the executor busy without reading all files at once. */
static void feed(struct local *l)
{
    int room = (int)l->o->config->max_running * 2;
    while (l->more && l->held < room) {
        struct local_job in = {0};
        struct err e = {0};
        if (l->ev->next(&in, &l->more, &e, l->arg)) {
            stop(l, &e);
            return;
        }
        if (l->more)
            take_job(l, &in);
    }
    if (!l->more)
        executor_last(l->executor);
    if (!l->more && l->held == 0)
        stop(l, NULL);
}

static void on_up(void *arg)
{
    (void)arg; /* jobs wait in the backlog until then */
}

static void on_failed(const struct err *why, void *arg)
{
    stop(arg, why);
}

static void on_unsafe(const struct err *why, void *arg)
{
    stop(arg, why);
}

static void on_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                      void *arg)
{
    (void)offset;
    struct local *l = arg;
    struct held *h = attempt_tag(a);
    if (!l->o->live_output)
        return;
    l->ev->output(h->label, stream, text, len, l->arg);
}

static void on_progress(struct attempt *a, double fraction, const char *text, void *arg)
{
    (void)a;
    (void)fraction;
    (void)text;
    (void)arg;
}

static void on_committed(struct attempt *a, const struct result *r, const char *envelope,
                         size_t len, void *arg)
{
    (void)envelope;
    (void)len;
    struct local *l = arg;
    struct held *h = attempt_tag(a);
    l->ev->result(h->label, r, l->arg);
    list_remove(&h->node);
    free(h->label);
    free(h);
    l->held--;
    if (!l->ended)
        feed(l);
}

/* Nothing queues behind us here: a result that cannot be written ends the run. */
static void on_stuck(const struct err *why, void *arg)
{
    stop(arg, why);
}

static void on_unstuck(void *arg)
{
    (void)arg;
}

static void on_signal(uv_signal_t *s, int sig)
{
    (void)sig;
    struct local *l = s->data;
    l->interrupted = true;
    l->more = false;
    LIST_FOREACH(n, &l->jobs)
    {
        struct held *h = LIST_ENTRY(n, struct held, node);
        if (h->attempt)
            executor_cancel(l->executor, h->attempt);
    }
    if (l->held == 0)
        stop(l, NULL);
}

static void forget(struct attempt *a, void *arg)
{
    (void)arg;
    struct held *h = attempt_tag(a);
    list_remove(&h->node);
    free(h->label);
    free(h);
}

static int run_batch(struct local *l, const char *db, const char *name, struct err *e)
{
    static const struct executor_events handlers = {
        .up = on_up,
        .failed = on_failed,
        .unsafe = on_unsafe,
        .output = on_output,
        .progress = on_progress,
        .committed = on_committed,
        .stuck = on_stuck,
        .unstuck = on_unstuck,
    };
    char worker[256];
    l->artifacts =
        artifact_store_files(&l->loop, l->o->artifacts, l->o->artifact_count, l->o->artifacts_out);
    snprintf(worker, sizeof worker, "%s/%s", l->o->config->worker, name);
    struct executor_options eo = {
        .config = l->o->config,
        .engine = l->o->engine,
        .worker = worker,
        .db_path = db,
        .key_path = l->o->paths->key,
        .pub_path = l->o->paths->pub,
        .paths = l->o->paths,
        .artifacts = l->artifacts,
        .profile = l->o->profile,
        .few_jobs = l->o->few_jobs,
        .eager_output = l->o->live_output,
    };
    int rc = executor_open(&l->loop, &eo, &handlers, l, &l->executor, e);
    if (rc) {
        artifact_store_free(l->artifacts);
        return rc;
    }
    uv_signal_start(&l->on_int, on_signal, SIGINT);
    uv_signal_start(&l->on_term, on_signal, SIGTERM);
    if (!l->ended)
        feed(l);
    while (!l->ended) /* no uv_stop(): before the first turn it would stop the last one, of the
                         closing */
        uv_run(&l->loop, UV_RUN_ONCE);
    executor_abandon(l->executor, forget, l);
    executor_close(l->executor);
    artifact_store_free(l->artifacts);
    if (l->why.code) {
        rc = l->why.code;
        if (e)
            *e = l->why;
    }
    return rc;
}

int local_run(const struct local_options *o, const struct local_events *ev, void *arg,
              bool *interrupted, struct err *e)
{
    struct local l = {.o = o, .ev = ev, .arg = arg, .more = true};
    char db[PATH_MAX], name[32];
    int lock = -1;
    int rc = claim_slot(o->paths, db, name, sizeof name, &lock, e);
    if (rc)
        return rc;
    list_init(&l.jobs);
    uv_loop_init(&l.loop);
    uv_signal_init(&l.loop, &l.on_int);
    uv_signal_init(&l.loop, &l.on_term);
    l.on_int.data = l.on_term.data = &l;
    rc = run_batch(&l, db, name, e);
    uv_close((uv_handle_t *)&l.on_int, NULL);
    uv_close((uv_handle_t *)&l.on_term, NULL);
    uv_run(&l.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&l.loop))
        log_debug("local", "handles left at the end");
    close(lock);
    *interrupted = l.interrupted;
    return rc;
}
