/* result: fetches, or waits for, the results of jobs. One job is a block of lines, several are a
 * table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/client/outputs.h"
#include "cli/print/present.h"
#include "cli/print/show.h"

#define IDS_MAX 1000

struct ask {
    struct settings settings;
    const char *tenant;
    char **ids;
    int count;
    int64_t wait_s; /* -1: do not wait; 0: as long as it takes; for all of them together */
    int64_t until_us;
    enum presentation how;
    struct summary *summary; /* several, for people; else NULL */
    int code;                /* the worst so far */
    const char *artifacts;   /* folder for what the results name, NULL: none */
    struct client *client;
};

static void note_code(struct ask *q, int code)
{
    if (code > q->code)
        q->code = code;
}

/* ---- one answer ---- */

static void fetch_artifacts(struct ask *q, const char *envelope, size_t len)
{
    struct buf object = {0};
    struct err e = {0};
    int rc = present_result_object(envelope, len, &object, &e);
    if (!rc)
        rc = outputs_fetch(q->client, object.data, object.len, q->artifacts, &e);
    if (rc)
        note_code(q, fail(&e));
    buf_free(&object);
}

static void take_result(struct ask *q, const char *envelope, size_t len)
{
    struct buf object = {0};
    struct err e = {0};
    if (q->artifacts)
        fetch_artifacts(q, envelope, len);
    if (!q->summary) {
        note_code(q, present_envelope(envelope, len, q->how));
        return;
    }
    int rc = present_result_object(envelope, len, &object, &e);
    if (!rc)
        rc = summary_add(q->summary, NULL, object.data, object.len, &e);
    if (rc)
        note_code(q, fail(&e));
    else if (!result_is_ok(object.data, object.len))
        note_code(q, EXIT_JOB_NOT_OK);
    buf_free(&object);
}

static void take_state(struct ask *q, const char *id, const char *json, size_t len)
{
    struct jv *doc = NULL;
    const char *state = NULL;
    if (!q->summary) {
        note_code(q, present_state(json, len, q->how));
        return;
    }
    if (!jv_parse(json, len, &doc, NULL) && jv_get(doc, "state"))
        state = jv_string(jv_get(doc, "state"), NULL);
    summary_add_state(q->summary, id, state ? state : "unknown");
    note_code(q, EXIT_JOB_NOT_OK);
    jv_free(doc);
}

/* No worker answers and the stream has no result: all that can be said is "unknown". */
static void take_unknown(struct ask *q, const char *id, const struct err *why)
{
    struct buf b = {0};
    struct jsonw w;
    say("%s", why->msg);
    note_code(q, EXIT_JOB_NOT_OK);
    if (q->how == PRESENT_BLOCK && !q->summary)
        return;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", id);
    jsonw_kstr(&w, "state", "unknown");
    jsonw_object_end(&w);
    take_state(q, id, b.data, b.len);
    buf_free(&b);
}

/* ---- asking and waiting ---- */

/* False: it makes no sense to ask for more. */
static bool ask_once(struct client *c, struct ask *q, const char *id)
{
    struct answer a;
    struct buf keep = {0};
    struct err e = {0};
    struct question question = {.tenant = q->tenant, .id = id};
    bool go_on = true;
    if (lookup_wait(c, &question, &a, &keep, &e)) {
        note_code(q, fail(&e));
        go_on = false;
    } else if (a.kind == ANSWER_RESULT) {
        take_result(q, a.text, a.len);
    } else if (a.kind == ANSWER_STATE) {
        take_state(q, id, a.text, a.len);
    } else if (a.why.code == ERR_NOT_FOUND) {
        take_unknown(q, id, &a.why);
    } else {
        note_code(q, fail(&a.why));
        go_on = a.why.code != ERR_UNAVAILABLE;
    }
    buf_free(&keep);
    return go_on;
}

static bool wait_for(struct ask *q, struct waiting *w, const char *id)
{
    struct buf envelope = {0};
    struct err e = {0};
    int64_t left_us = q->until_us - clock_mono_us();
    int64_t timeout_ms = q->wait_s == 0 ? 0 : left_us > 1000 ? left_us / 1000 : 1;
    int rc = waiting_run(w, timeout_ms, &envelope, &e);
    if (!rc) {
        take_result(q, envelope.data, envelope.len);
    } else if (rc == ERR_TIMEOUT) {
        say("waited %lld s; job '%s' has no result yet, its state is %s", (long long)q->wait_s, id,
            waiting_state(w));
        if (q->summary)
            summary_add_state(q->summary, id, waiting_state(w));
        note_code(q, EXIT_JOB_NOT_OK);
    } else {
        note_code(q, fail(&e));
    }
    buf_free(&envelope);
    return !rc || rc == ERR_TIMEOUT;
}

static void wait_for_all(struct client *c, struct ask *q)
{
    struct waiting **w = mem_alloc((size_t)q->count * sizeof *w);
    struct err e = {0};
    int rc = 0;
    q->until_us = clock_mono_us() + q->wait_s * 1000000;
    for (int i = 0; i < q->count && !rc; i++)
        rc = waiting_new(c, q->tenant, q->ids[i], &w[i], &e);
    if (rc)
        note_code(q, fail(&e));
    for (int i = 0; i < q->count && !rc; i++)
        if (!wait_for(q, w[i], q->ids[i]))
            break;
    for (int i = 0; i < q->count; i++)
        waiting_free(w[i]);
    free(w);
}

static int fetch(struct ask *q)
{
    struct client c;
    struct err e = {0};
    if (client_open(&c, &q->settings, &e)) {
        client_close(&c);
        return fail(&e);
    }
    q->client = &c;
    if (q->count > 1 && q->how == PRESENT_BLOCK)
        q->summary = summary_new();
    if (q->wait_s >= 0)
        wait_for_all(&c, q);
    else
        for (int i = 0; i < q->count && ask_once(&c, q, q->ids[i]); i++)
            ;
    client_close(&c);
    if (q->summary)
        summary_print(q->summary, stdout);
    summary_free(q->summary);
    return out_finish(q->code);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct ask q = {.wait_s = -1};
    struct options o = {.command = self};
    bool json = false, envelope = false;
    options_add(&o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &q.tenant,
                     .arg = "T",
                     .help = "the job's tenant (needed when several have that id)"},
                    {.name = "wait",
                     .type = OPTION_INT,
                     .to = &q.wait_s,
                     .arg = "S",
                     .optional = true,
                     .min = 1,
                     .max = WAIT_MAX_S,
                     .help = "wait for it, at most S seconds when given"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &json,
                     .help = "print the result object as one line of JSON"},
                    {.name = "envelope",
                     .type = OPTION_FLAG,
                     .to = &envelope,
                     .help = "print the signed envelope (DSSE JSON), as `verify` reads it"},
                    {.name = "artifacts",
                     .type = OPTION_TEXT,
                     .to = &q.artifacts,
                     .arg = "DIR",
                     .help = "write the artifacts that it names below DIR; of one job"},
                },
                5);
    options_add_settings(&o, &q.settings, true);
    int code = options_parse(&o, argc, argv, 1, IDS_MAX, "ID");
    if (code != OPTIONS_GO)
        return code;
    if (json && envelope)
        return fail_usage(self, "found --json and --envelope; allowed: one of them");
    if (q.artifacts && o.arg_count > 1)
        return fail_usage(self, "--artifacts: found %d ids; allowed: one", o.arg_count);
    for (int i = 0; i < o.arg_count && code == OPTIONS_GO; i++)
        code = check_names(self, o.args[i], q.tenant);
    if (code != OPTIONS_GO)
        return code;
    q.ids = o.args;
    q.count = o.arg_count;
    q.how = envelope ? PRESENT_ENVELOPE : json ? PRESENT_JSON : PRESENT_BLOCK;
    return fetch(&q);
}

const struct command command_result = {
    .name = "result",
    .summary = "fetch results of jobs, or wait for them",
    .usage = "ID… [options]",
    .about = "Asks the workers; where none answers, the results stream. A job without a result\n"
             "yet prints its state instead (queued, running, unknown) and exits 1.\n"
             "Several ids are a table, or with --json and --envelope a line each.",
    .exits =
        "0 all jobs ok, 1 a job not ok, or without result yet, 2 usage or input, 3 our failure",
    .example = "  isolane result build-7 --wait=30\n"
               "  isolane result 42 --json | jq .value\n"
               "  isolane result 42 --artifacts out/\n"
               "  isolane result 42 --envelope | isolane verify -",
    .run = run,
};
