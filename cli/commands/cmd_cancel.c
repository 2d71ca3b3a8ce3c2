/* cancel: tells the workers to end a job. Every worker answers what it knows; the one that holds
 * the job knows best, so answers are collected for a moment and the best one counts. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/client/puback.h"

#define ANSWER_TIMEOUT_MS 3000 /* for the first answer */
#define BETTER_MS         300  /* for a better one, when the first said "unknown" */
#define INBOX_RANDOM      12

struct collection {
    struct buf best; /* an answer as it came */
    int rank;        /* of best */
    bool nobody;     /* the server says that no one listens */
};

/* What a worker may say, worst first. */
static const char *const states[] = {"",       "error",   "unknown",   "done",
                                     "queued", "running", "cancelling"};
enum { RANK_ERROR = 1, RANK_UNKNOWN, RANK_DONE, RANK_CANCELLING = 6 };

static int rank_of(const struct link_msg *m)
{
    struct jv *doc = NULL;
    int rank = 0;
    if (jv_parse(m->data, m->len, &doc, NULL))
        return 0;
    if (jv_type(doc) == JV_OBJECT) {
        const struct jv *state = jv_get(doc, "state");
        const char *text = state ? jv_string(state, NULL) : NULL;
        for (int i = RANK_UNKNOWN; text && i < (int)ARRAY_LEN(states); i++)
            if (!strcmp(text, states[i]))
                rank = i;
        if (!rank && jv_get(doc, "error"))
            rank = RANK_ERROR;
    }
    jv_free(doc);
    return rank;
}

static void on_answer(struct link_msg *m, void *arg)
{
    struct collection *k = arg;
    if (m->status == 503) {
        k->nobody = true;
        return;
    }
    int rank = m->status ? 0 : rank_of(m);
    if (rank <= k->rank)
        return;
    k->rank = rank;
    buf_clear(&k->best);
    buf_add(&k->best, m->data, m->len);
}

static void on_tick(uv_timer_t *t)
{
    (void)t; /* wakes the loop so that collect() looks at its clock */
}

static void collect(struct client *c, struct collection *k)
{
    int64_t began = clock_mono_us(), first = 0;
    uv_timer_t tick;
    uv_timer_init(&c->loop, &tick);
    uv_timer_start(&tick, on_tick, 20, 20);
    for (;;) {
        int64_t now = clock_mono_us();
        if (k->rank && !first)
            first = now;
        if (k->nobody || c->closed || k->rank > RANK_UNKNOWN)
            break;
        if (first ? now - first > BETTER_MS * 1000 : now - began > ANSWER_TIMEOUT_MS * 1000)
            break;
        uv_run(&c->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT); /* tick stands on our stack: it must be gone before we are */
}

static int ask(struct client *c, const char *id, const char *tenant, struct collection *k,
               struct err *e)
{
    char inbox[64], subject[SUBJECT_MAX], text[INBOX_RANDOM * 2 + 1];
    uint8_t random[INBOX_RANDOM];
    struct link_sub *sub = NULL;
    struct buf body = {0};
    struct jsonw w;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, text);
    snprintf(inbox, sizeof inbox, "_INBOX.isolane.%s", text);
    jsonw_init(&w, &body);
    jsonw_object(&w);
    if (tenant)
        jsonw_kstr(&w, "tenant", tenant);
    jsonw_object_end(&w);
    subject_cancel(&c->subjects, id, subject);
    int rc = link_subscribe(c->link, inbox, NULL, 0, on_answer, k, &sub, e);
    if (!rc)
        rc = link_publish(c->link, subject, inbox, NULL, 0, body.data, body.len, e);
    if (!rc)
        collect(c, k);
    link_unsubscribe(sub);
    buf_free(&body);
    if (!rc && !k->rank)
        rc = err_set(e, ERR_UNAVAILABLE, "no worker answers at %s: is one running?",
                     link_url(c->link));
    return rc;
}

static const char *explain(int rank)
{
    if (rank == RANK_CANCELLING)
        return "is being cancelled";
    if (rank == RANK_DONE)
        return "is done already";
    return "is not with any worker now; if it comes to one soon it is cancelled there";
}

/* EXIT_JOB_OK only when the job ends because of us. */
static int print(const struct collection *k, const char *id, bool json)
{
    int code = k->rank == RANK_CANCELLING ? EXIT_JOB_OK : EXIT_JOB_NOT_OK;
    if (json) {
        printf("%s\n", k->best.data);
        return out_finish(code);
    }
    if (k->rank == RANK_ERROR) {
        struct jv *doc = NULL;
        const char *text = NULL;
        if (!jv_parse(k->best.data, k->best.len, &doc, NULL))
            text = jv_string(jv_get(doc, "error"), NULL);
        say("the worker answers: %s", text ? text : "an error");
        jv_free(doc);
        return EXIT_OURS;
    }
    printf("job %s %s\n", id, explain(k->rank));
    return out_finish(code);
}

/* Of a batch or (batch NULL) of the whole tenant: one record that all workers hold to. */
static int cancel_many(struct client *c, const char *tenant, const char *batch, bool json)
{
    char subject[SUBJECT_MAX];
    struct puback p = {0};
    struct err e = {0};
    subject_cancels(&c->subjects, tenant, batch, subject);
    if (puback_publish(c, "the cancel", subject, "", 0, &p, &e))
        return fail(&e);
    if (json)
        printf("{\"tenant\":\"%s\",\"batch\":%s%s%s,\"state\":\"cancelling\"}\n", tenant,
               batch ? "\"" : "", batch ? batch : "null", batch ? "\"" : "");
    else
        printf("every job of %s %s that was published before now is being cancelled\n",
               batch ? "batch" : "tenant", batch ? batch : tenant);
    return out_finish(EXIT_JOB_OK);
}

/* What the options mean together; *one: a job is named. */
static int check(const struct command *self, const struct options *o, const char *tenant,
                 const char *batch, bool yes, bool *one)
{
    *one = o->arg_count == 1;
    if (*one && batch)
        return fail_usage(self, "found a job's ID and --batch; allowed: one of them");
    if (batch && !batch_id_valid(batch, strlen(batch)))
        return fail_usage(self, "--batch: found '%.100s'; allowed: 1 to %d of A-Z a-z 0-9 _ -",
                          batch, BATCH_ID_MAX);
    if (!*one && !batch && !tenant)
        return fail_usage(self, "ID is missing; allowed: an ID, --batch ID or --tenant T --yes");
    if (!*one && !batch && !yes)
        return fail_usage(self, "this cancels all jobs of tenant '%.100s': say --yes too", tenant);
    return check_names(self, *one ? o->args[0] : NULL, tenant);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    const char *tenant = NULL, *batch = NULL;
    bool json = false, yes = false, one = false;
    struct options o = {.command = self};
    struct collection k = {0};
    struct err e = {0};
    struct client c;
    options_add(&o,
                (const struct option_row[]){
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &tenant,
                     .arg = "T",
                     .help = "the job's tenant (needed when several have that id)"},
                    {.name = "batch",
                     .type = OPTION_TEXT,
                     .to = &batch,
                     .arg = "ID",
                     .help = "every job of that batch (of tenant default unless --tenant)"},
                    {.name = "yes",
                     .type = OPTION_FLAG,
                     .to = &yes,
                     .help = "with --tenant alone: every job of that tenant"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &json,
                     .help = "print the worker's answer as it is"},
                },
                4);
    options_add_settings(&o, &settings, true);
    int code = options_parse(&o, argc, argv, 0, 1, "ID");
    if (code == OPTIONS_GO)
        code = check(self, &o, tenant, batch, yes, &one);
    if (code != OPTIONS_GO)
        return code;
    if (client_open(&c, &settings, &e) || (one && ask(&c, o.args[0], tenant, &k, &e)))
        code = fail(&e);
    else if (!one)
        code = cancel_many(&c, tenant ? tenant : "default", batch, json);
    else
        code = print(&k, o.args[0], json);
    client_close(&c);
    buf_free(&k.best);
    return code;
}

const struct command command_cancel = {
    .name = "cancel",
    .summary = "cancel a job, a batch, or all jobs of a tenant",
    .usage = "ID | --batch ID | --tenant T --yes [options]",
    .about =
        "The job ends with outcome `cancelled` and what it has printed so far. With --batch, or "
        "with\n"
        "--tenant alone, that is every job which was published before the cancel, wherever it is.",
    .exits =
        "0 the job is being cancelled, 1 it is done or not known, 2 usage or input, 3 our failure",
    .example = "  isolane cancel build-7\n"
               "  isolane cancel --batch nightly-12 --tenant ci",
    .run = run,
};
