/* logs: what a job printed.
 *
 * How following works: live chunks come over core NATS, which may drop them; a worker that runs the
 * job tells what was printed from any place on (results.get with output and from); the result has
 * everything that is kept. So: print what continues (tail.h), and when there is a hole, at the
 * beginning and after a lost connection ask for what is behind the last byte printed. What was
 * printed is always a prefix, in order, without gap or repeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/print/present.h"
#include "cli/print/show.h"
#include "cli/client/tail.h"

#define OFFSET_MAX ((int64_t)1 << 40)

struct logs {
    struct tail tail;
    struct settings settings;
    const char *tenant, *id;
    bool follow, json, progress;
    int64_t attempt, from_out, from_err;
    struct client *client;
    struct lookup *lookup; /* under way, or NULL */
    bool again;            /* to be asked again when it is answered */
};

static void print_json(const struct logs *l, int stream, uint64_t offset, const char *text,
                       size_t len)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "stream", tail_stream_names[stream]);
    jsonw_kint(&w, "attempt", l->tail.attempt);
    jsonw_kint(&w, "offset", (int64_t)offset);
    jsonw_name(&w, "data");
    jsonw_string(&w, text, len);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static void on_piece(struct tail *t, int stream, uint64_t offset, const char *text, size_t len)
{
    struct logs *l = CONTAINER_OF(t, struct logs, tail);
    FILE *to = stream == TAIL_OUT || l->json ? stdout : stderr;
    if (l->json)
        print_json(l, stream, offset, text, len);
    else
        fwrite(text, 1, len, to);
    fflush(to);
}

/* A job that runs again prints from the beginning. */
static void on_begins(struct tail *t)
{
    const struct logs *l = CONTAINER_OF(t, struct logs, tail);
    say("attempt %lld of job %s begins", (long long)t->attempt, l->id);
}

/* ---- live ---- */

static void ask(struct logs *l);

static void on_answer(const struct answer *a, void *arg)
{
    struct logs *l = arg;
    uint64_t before = l->tail.shown[TAIL_OUT] + l->tail.shown[TAIL_ERR];
    int64_t attempt = l->tail.attempt;
    bool again = l->again;
    l->lookup = NULL;
    l->again = false;
    if (a->kind != ANSWER_STATE) /* the result is what `waiting` brings */
        return;
    again |= tail_answer(&l->tail, a->text, a->len);
    /* A chunk may overtake the answer: what it brought is then asked for anew. An answer that
     * brings nothing is not asked for at once again. */
    bool moved =
        l->tail.shown[TAIL_OUT] + l->tail.shown[TAIL_ERR] != before || l->tail.attempt != attempt;
    if (again || (moved && tail_has_gap(&l->tail)))
        ask(l);
}

static void ask(struct logs *l)
{
    struct question q = {.tenant = l->tenant, .id = l->id, .output = true, .from = l->tail.shown};
    struct err e = {0};
    if (l->lookup)
        l->again = true;
    else /* where it cannot be asked, the result brings the rest */
        lookup_start(l->client, &q, on_answer, l, &l->lookup, &e);
}

static void on_chunk(struct link_msg *m, void *arg)
{
    struct logs *l = arg;
    if (m->status)
        return;
    tail_message(&l->tail, m->data, m->len);
    if (tail_has_gap(&l->tail) && !l->lookup)
        ask(l);
}

static void on_reconnected(void *arg)
{
    ask(arg);
}

static void on_progress(struct link_msg *m, void *arg)
{
    const struct logs *l = arg;
    struct jv *doc = NULL;
    if (m->status || jv_parse(m->data, m->len, &doc, NULL))
        return;
    const struct jv *fraction = jv_type(doc) == JV_OBJECT ? jv_get(doc, "fraction") : NULL;
    const char *text = fraction ? jv_string(jv_get(doc, "text"), NULL) : NULL;
    if (text && l->json) {
        printf("{\"progress\":%.*s}\n", (int)m->len, m->data);
        fflush(stdout);
    } else if (text) {
        say("progress %.0f %%%s%s", jv_number(fraction) * 100, *text ? ": " : "", text);
    }
    jv_free(doc);
}

/* ---- the result ---- */

/* Says what a reader of the output alone would miss: that it was cut. */
static void tell_cut(const struct jv *doc)
{
    const struct jv *cut = jv_get(doc, "truncated");
    if (cut && jv_is_true(cut))
        say("the output was cut: the job printed more than is kept");
}

static int finish(struct logs *l, const char *envelope, size_t len)
{
    struct buf object = {0}, plain = {0};
    struct jv *doc = NULL;
    struct err e = {0};
    int code = EXIT_OURS;
    if (present_result_object(envelope, len, &object, &e) ||
        result_without_value(object.data, object.len, &plain, &e) ||
        jv_parse(plain.data, plain.len, &doc, &e)) {
        code = fail(&e);
    } else {
        tail_result(&l->tail, doc);
        tell_cut(doc);
        code = result_is_ok(object.data, object.len) ? EXIT_JOB_OK : EXIT_JOB_NOT_OK;
        code = out_finish(code);
    }
    jv_free(doc);
    buf_free(&plain);
    buf_free(&object);
    return code;
}

static int follow(struct client *c, struct logs *l)
{
    char subject[SUBJECT_MAX];
    struct link_sub *output = NULL, *progress = NULL;
    struct waiting *w = NULL;
    struct buf envelope = {0};
    struct err e = {0};
    const char *tenant = l->tenant ? l->tenant : "*";
    subject_logs(&c->subjects, tenant, l->id, subject);
    int rc = link_subscribe(c->link, subject, NULL, 0, on_chunk, l, &output, &e);
    subject_progress(&c->subjects, tenant, l->id, subject);
    if (!rc && l->progress)
        rc = link_subscribe(c->link, subject, NULL, 0, on_progress, l, &progress, &e);
    if (!rc)
        rc = waiting_new(c, l->tenant, l->id, &w, &e);
    if (!rc) {
        l->client = c;
        c->reconnected = on_reconnected;
        c->reconnected_arg = l;
        ask(l);
        rc = waiting_run(w, 0, &envelope, &e);
        c->reconnected = NULL;
    }
    link_unsubscribe(output);
    link_unsubscribe(progress);
    int code = rc ? fail(&e) : finish(l, envelope.data, envelope.len);
    lookup_drop(l->lookup);
    waiting_free(w);
    buf_free(&envelope);
    return code;
}

static int once(struct client *c, struct logs *l)
{
    struct question q = {.tenant = l->tenant, .id = l->id};
    struct answer a;
    struct buf keep = {0};
    struct err e = {0};
    int code;
    if (lookup_wait(c, &q, &a, &keep, &e)) {
        code = fail(&e);
    } else if (a.kind == ANSWER_RESULT) {
        code = finish(l, a.text, a.len);
    } else if (a.kind == ANSWER_STATE) {
        say("job %s has no result yet; -f follows it while it runs", l->id);
        code = EXIT_JOB_NOT_OK;
    } else {
        code = a.why.code == ERR_NOT_FOUND ? EXIT_JOB_NOT_OK : EXIT_OURS;
        say("%s", a.why.msg);
    }
    buf_free(&keep);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct logs l = {.tail = {.piece = on_piece, .begins = on_begins}};
    struct options o = {.command = self};
    struct client c;
    struct err e = {0};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "follow",
                     .letter = 'f',
                     .type = OPTION_FLAG,
                     .to = &l.follow,
                     .help = "print while the job runs, until it ends"},
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &l.tenant,
                     .arg = "T",
                     .help = "the job's tenant (needed when several have that id)"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &l.json,
                     .help = "print {\"stream\",\"attempt\",\"offset\",\"data\"}, one a line"},
                    {.name = "progress",
                     .type = OPTION_FLAG,
                     .to = &l.progress,
                     .help = "with -f, tell its progress too, on stderr"},
                    {.name = "from-offset",
                     .type = OPTION_INT,
                     .to = &l.from_out,
                     .arg = "N",
                     .max = OFFSET_MAX,
                     .help = "go on behind the first N bytes of stdout"},
                    {.name = "from-stderr",
                     .type = OPTION_INT,
                     .to = &l.from_err,
                     .arg = "N",
                     .max = OFFSET_MAX,
                     .help = "likewise of stderr"},
                    {.name = "attempt",
                     .type = OPTION_INT,
                     .to = &l.attempt,
                     .arg = "K",
                     .min = 1,
                     .max = 1000,
                     .help = "the offsets are of this attempt; a later one is printed whole"},
                },
                7);
    options_add_settings(&o, &l.settings, true);
    int code = options_parse(&o, argc, argv, 1, 1, "ID");
    if (code == OPTIONS_GO) {
        l.id = o.args[0];
        l.tail.attempt = l.attempt;
        l.tail.shown[TAIL_OUT] = (uint64_t)l.from_out;
        l.tail.shown[TAIL_ERR] = (uint64_t)l.from_err;
        code = check_names(self, l.id, l.tenant);
    }
    if (code == OPTIONS_GO) {
        if (client_open(&c, &l.settings, &e))
            code = fail(&e);
        else
            code = l.follow ? follow(&c, &l) : once(&c, &l);
        client_close(&c);
    }
    return code;
}

const struct command command_logs = {
    .name = "logs",
    .summary = "print the output of a job, while it runs with -f",
    .usage = "ID [options]",
    .about =
        "The job's stdout goes to stdout, its stderr to stderr, byte for byte as it is kept. With\n"
        "-f also of a job that still waits, through all its attempts, with neither gap nor repeat\n"
        "when the connection was lost or chunks were.",
    .exits = "0 job ok, 1 job not ok, or no result yet, 2 usage or input, 3 our failure",
    .example = "  isolane logs 42 -f --progress\n"
               "  isolane logs 42 -f --from-offset \"$(stat -c %s out.txt)\" >> out.txt",
    .run = run,
};
