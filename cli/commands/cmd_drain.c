/* drain: asks one worker, by name, to take no more jobs and to end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/registered.h"

#define ANSWER_TIMEOUT_MS 5000
#define LOOK_EVERY_MS     200
#define TIMEOUT_MOST_S    86400
#define BLIND_US          30000000 /* without a connection */

static void on_tick(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

static void pause_ms(struct client *c, int ms)
{
    bool over = false;
    uv_timer_t t;
    uv_timer_init(&c->loop, &t);
    t.data = &over;
    uv_timer_start(&t, on_tick, (uint64_t)ms, 0);
    while (!over)
        uv_run(&c->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&t, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT);
}

/* The instance that drains, into `instance`. */
static int ask(struct client *c, const char *worker, int64_t timeout_s, char instance[33],
               struct err *e)
{
    char subject[SUBJECT_MAX];
    struct buf b = {0};
    struct jsonw w;
    struct link_msg *m = NULL;
    struct jv *doc = NULL;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    if (timeout_s >= 0)
        jsonw_kint(&w, "timeout_s", timeout_s);
    jsonw_object_end(&w);
    subject_drain(&c->subjects, worker, subject);
    int rc = link_request_wait(c->link, subject, NULL, 0, b.data, b.len, ANSWER_TIMEOUT_MS, &m, e);
    buf_free(&b);
    if (rc == ERR_UNAVAILABLE)
        return err_set(e, ERR_NOT_FOUND,
                       "no worker named '%s' answers at %s: `isolane workers` lists them", worker,
                       link_url(c->link));
    if (!rc)
        rc = jv_parse(m->data, m->len, &doc, e);
    const char *said = rc ? NULL : jv_string(jv_get(doc, "error"), NULL);
    const char *who = rc ? NULL : jv_string(jv_get(doc, "instance"), NULL);
    if (said)
        rc = err_set(e, ERR_INVALID, "worker %s: %.400s", worker, said);
    else if (!rc && !who)
        rc = err_set(e, ERR_PROTOCOL, "worker %s answers with what is no answer", worker);
    else if (!rc)
        snprintf(instance, 33, "%s", who);
    jv_free(doc);
    link_msg_free(m);
    return rc;
}

struct target {
    char instance[33];
    char process[WORKER_PROCESS_MAX]; /* "": not known */
};

/* Who has that name now: asked first, for one that is idle is gone at once. */
static void know(struct client *c, const char *worker, struct target *t)
{
    struct registered_list l = {0};
    if (!registered_read(c, worker, &l, NULL) && l.n) {
        snprintf(t->instance, sizeof t->instance, "%s", l.v[0].entry.instance);
        snprintf(t->process, sizeof t->process, "%s", l.v[0].entry.process);
    }
    registered_free(&l);
}

/* 1: it has ended; 0: not yet. */
static int look(struct client *c, const char *worker, struct target *t, struct err *e)
{
    struct registered_list l = {0};
    if (worker_process_gone(t->process))
        return 1;
    if (!link_is_up(c->link)) /* it may have been the one with the server: the process tells */
        return 0;
    int rc = registered_read(c, worker, &l, e);
    bool there = !rc && l.n && !strcmp(l.v[0].entry.instance, t->instance);
    if (there && l.v[0].silent)
        rc = err_set(e, ERR_UNAVAILABLE,
                     "worker %s fell silent while it drained: its jobs are delivered again after "
                     "nats.ack_wait_ms",
                     worker);
    registered_free(&l);
    if (rc)
        return link_is_up(c->link) ? rc : 0;
    return !there && !worker_process_local(t->process);
}

/* Until its process is gone, where that can be seen from here; else until its entry is gone, or is
 * another instance's: one that was started since. */
static int wait_for_end(struct client *c, const char *worker, struct target *t, int64_t for_ms,
                        struct err *e)
{
    int64_t now = clock_mono_us(), up_us = now;
    int64_t until = for_ms ? now + for_ms * 1000 : INT64_MAX;
    int rc;
    while ((rc = look(c, worker, t, e)) == 0) {
        now = clock_mono_us();
        if (link_is_up(c->link) || worker_process_local(t->process))
            up_us = now;
        if (now > until)
            return err_set(e, ERR_TIMEOUT, "worker %s still drains", worker);
        if (c->closed || now - up_us > BLIND_US)
            return err_set(e, ERR_UNAVAILABLE, "the connection to NATS is lost%s%s",
                           c->closed ? ": " : "", c->closed_why);
        pause_ms(c, LOOK_EVERY_MS);
    }
    return rc < 0 ? rc : 0;
}

static int drain(struct client *c, const char *worker, int64_t timeout_s, int64_t wait_s,
                 struct err *e)
{
    struct target t = {0};
    char instance[33];
    know(c, worker, &t);
    int rc = ask(c, worker, timeout_s, instance, e);
    if (rc)
        return rc;
    if (strcmp(instance, t.instance) != 0) { /* another was started in between */
        t.process[0] = 0;
        snprintf(t.instance, sizeof t.instance, "%s", instance);
    }
    if (wait_s < 0) {
        printf("worker %s drains\n", worker);
        return 0;
    }
    rc = wait_for_end(c, worker, &t, wait_s * 1000, e);
    if (!rc)
        printf("worker %s has drained and ended\n", worker);
    return rc;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct err e = {0}, why;
    struct client c;
    int64_t timeout_s = -1, wait_s = -1;
    options_add(&o,
                (const struct option_row[]){
                    {.name = "timeout",
                     .type = OPTION_INT,
                     .to = &timeout_s,
                     .arg = "S",
                     .min = 0,
                     .max = TIMEOUT_MOST_S,
                     .help = "jobs that run may end for so long (10), then they are handed back"},
                    {.name = "wait",
                     .type = OPTION_INT,
                     .to = &wait_s,
                     .arg = "S",
                     .optional = true,
                     .min = 1,
                     .max = TIMEOUT_MOST_S,
                     .implied = 0,
                     .help = "wait until it has ended, at most S seconds"},
                },
                2);
    options_add_settings(&o, &settings, true);
    int code = options_parse(&o, argc, argv, 0, 1, "WORKER");
    if (code != OPTIONS_GO)
        return code;
    if (client_open(&c, &settings, &e)) {
        code = fail(&e);
    } else if (o.arg_count && config_set(c.config, "worker", o.args[0], "WORKER", &why)) {
        code = fail_usage(self, "%s", why.msg);
    } else if (drain(&c, c.config->worker, timeout_s, wait_s, &e)) {
        fail(&e);
        code = e.code == ERR_NOT_FOUND || e.code == ERR_TIMEOUT ? EXIT_JOB_NOT_OK : EXIT_OURS;
    } else {
        code = out_finish(EXIT_JOB_OK);
    }
    client_close(&c);
    return code;
}

const struct command command_drain = {
    .name = "drain",
    .summary = "let a worker finish what it has, take no more, and end",
    .usage = "[WORKER] [options]",
    .about =
        "Without WORKER: the one that the configuration names. Its waiting jobs go back to the\n"
        "queue at once, those that run after the time limit; then it exits with code 0. SIGTERM "
        "does\n"
        "the same on its own machine.",
    .exits = "0 it drains (--wait: has ended), 1 no such worker, or it is late, 2 usage or input, "
             "3 our failure",
    .example = "  isolane drain build-3 --timeout 60 --wait",
    .run = run,
};
