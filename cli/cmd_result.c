/* result: fetches, or waits for, the result of one job. */
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/present.h"

struct ask {
    struct settings settings;
    const char *tenant, *id;
    int64_t wait_s; /* -1: do not wait; 0: as long as it takes */
    enum presentation how;
};

static int wait_for(struct client *c, const struct ask *q)
{
    struct waiting *w = NULL;
    struct buf envelope = {0};
    struct err e = {0};
    int code;
    int rc = waiting_new(c, q->tenant, q->id, &w, &e);
    if (!rc)
        rc = waiting_run(w, q->wait_s, &envelope, &e);
    if (!rc)
        code = present_envelope(envelope.data, envelope.len, q->how);
    else
        code = rc == ERR_TIMEOUT ? (say("%s", e.msg), EXIT_JOB_NOT_OK) : fail(&e);
    waiting_free(w);
    buf_free(&envelope);
    return code;
}

/* No worker answers and the stream has no result: all that can be said is "unknown". */
static int unknown(const struct ask *q, const struct err *why)
{
    struct buf b = {0};
    struct jsonw w;
    if (q->how == PRESENT_BLOCK) {
        say("%s", why->msg);
        return EXIT_JOB_NOT_OK;
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", q->id);
    jsonw_kstr(&w, "state", "unknown");
    jsonw_kstr(&w, "why", why->msg);
    jsonw_object_end(&w);
    int code = present_state(b.data, b.len, q->how);
    buf_free(&b);
    return code;
}

static int ask_once(struct client *c, const struct ask *q)
{
    struct answer a;
    struct buf keep = {0};
    struct err e = {0};
    int code;
    if (lookup_wait(c, q->tenant, q->id, &a, &keep, &e))
        code = fail(&e);
    else if (a.kind == ANSWER_RESULT)
        code = present_envelope(a.text, a.len, q->how);
    else if (a.kind == ANSWER_STATE)
        code = present_state(a.text, a.len, q->how);
    else
        code = a.why.code == ERR_NOT_FOUND ? unknown(q, &a.why) : fail(&a.why);
    buf_free(&keep);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct ask q = {.wait_s = -1};
    struct options o = {.command = self};
    bool json = false, envelope = false;
    struct err e = {0};
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
                },
                4);
    options_add_settings(&o, &q.settings, true);
    int code = options_parse(&o, argc, argv, 1, 1, "ID");
    if (code != OPTIONS_GO)
        return code;
    q.id = o.args[0];
    q.how = envelope ? PRESENT_ENVELOPE : json ? PRESENT_JSON : PRESENT_BLOCK;
    if (json && envelope)
        return fail_usage(self, "found --json and --envelope; allowed: one of them");
    code = check_names(self, q.id, q.tenant);
    if (code != OPTIONS_GO)
        return code;
    struct client c;
    if (client_open(&c, &q.settings, &e))
        code = fail(&e);
    else
        code = q.wait_s < 0 ? ask_once(&c, &q) : wait_for(&c, &q);
    client_close(&c);
    return code;
}

const struct command command_result = {
    .name = "result",
    .summary = "fetch the result of a job, or wait for it",
    .usage = "ID [options]",
    .about = "Asks the workers; where none answers, the results stream. A job without a result\n"
             "yet prints its state instead (queued, running, unknown) and exits 1.",
    .exits = "0 job ok, 1 job not ok, or no result yet, 2 usage, 3 our failure",
    .example = "  isolane result build-7 --wait=30\n"
               "  isolane result 42 --json | jq .value\n"
               "  isolane result 42 --envelope | isolane verify -",
    .run = run,
};
