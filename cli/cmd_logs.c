/* logs: what a job printed.
 *
 * How following works: live chunks come as {"stream","attempt","offset","data"} over core NATS,
 * which may drop them; the result has everything that is kept. For each stream we know how many
 * bytes are printed (`shown`). A chunk that begins there is printed; one that begins later leaves a
 * gap: that stream is then silent until the result comes and is printed from `shown` on. So what
 * was printed is always a prefix, in order, without gap or repeat.
 *
 * Who comes while the job runs asks its worker for what was printed so far. Chunks that arrive
 * before the answer wait in `early`, or the job's first words could be lost between two looks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/present.h"
#include "cli/show.h"

enum { OUT, ERR, STREAMS };
static const char *const stream_names[STREAMS] = {"stdout", "stderr"};

struct stream {
    uint64_t shown; /* bytes of this attempt's stream that are printed or were before our time */
    bool begun;     /* a chunk of this attempt was seen */
    bool lost;      /* a gap: silent until the result */
};

#define EARLY_MAX 1000 /* chunks; a job that prints more while we ask leaves a gap, see above */

struct logs {
    struct settings settings;
    const char *tenant, *id;
    bool follow, json;
    struct stream streams[STREAMS];
    int64_t attempt;
    bool joined; /* it is known where live output begins */
    bool result_seen;
    struct link_msg *early[EARLY_MAX];
    int early_count;
};

static void print(struct logs *l, int stream, uint64_t offset, const char *text, size_t len)
{
    if (!len)
        return;
    if (!l->json) {
        fwrite(text, 1, len, stream == OUT ? stdout : stderr);
        fflush(stream == OUT ? stdout : stderr);
        return;
    }
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "stream", stream_names[stream]);
    jsonw_kint(&w, "offset", (int64_t)offset);
    jsonw_name(&w, "data");
    jsonw_string(&w, text, len);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    fflush(stdout);
    buf_free(&b);
}

/* ---- live ---- */

/* A job whose cell crashed runs again and prints from the beginning. */
static void new_attempt(struct logs *l, int64_t attempt)
{
    if (l->attempt)
        say("attempt %lld of job %s begins", (long long)attempt, l->id);
    l->attempt = attempt;
    memset(l->streams, 0, sizeof l->streams);
}

static void take_chunk(struct logs *l, int stream, uint64_t offset, const char *text, size_t len)
{
    struct stream *s = &l->streams[stream];
    if (!s->begun && offset > 0) {
        say("job %s runs already: its first %llu bytes of %s are not shown here", l->id,
            (unsigned long long)offset, stream_names[stream]);
        s->shown = offset;
    }
    s->begun = true;
    if (offset > s->shown)
        s->lost = true;
    if (s->lost || offset + len <= s->shown)
        return;
    size_t known = (size_t)(s->shown - offset);
    print(l, stream, s->shown, text + known, len - known);
    s->shown = offset + len;
}

static void read_chunk(struct logs *l, const struct link_msg *m)
{
    struct jv *doc = NULL;
    if (jv_parse(m->data, m->len, &doc, NULL))
        return;
    if (jv_type(doc) == JV_OBJECT) {
        const struct jv *stream = jv_get(doc, "stream"), *data = jv_get(doc, "data");
        const char *name = stream ? jv_string(stream, NULL) : NULL;
        size_t len = 0;
        const char *text = data ? jv_string(data, &len) : NULL;
        int64_t offset = -1, attempt = 1;
        if (jv_get(doc, "attempt"))
            jv_int(jv_get(doc, "attempt"), &attempt);
        if (name && text && jv_get(doc, "offset") && jv_int(jv_get(doc, "offset"), &offset) &&
            offset >= 0 && attempt >= l->attempt) {
            if (attempt > l->attempt)
                new_attempt(l, attempt);
            take_chunk(l, !strcmp(name, stream_names[ERR]) ? ERR : OUT, (uint64_t)offset, text,
                       len);
        }
    }
    jv_free(doc);
}

static void on_chunk(struct link_msg *m, void *arg)
{
    struct logs *l = arg;
    if (m->status || l->result_seen)
        return;
    if (l->joined)
        read_chunk(l, m);
    else if (l->early_count < EARLY_MAX)
        l->early[l->early_count++] = link_msg_keep(m);
}

/* A worker's answer about a running job: what it has printed up to now. */
static void take_head(struct logs *l, const struct answer *a)
{
    struct jv *doc = NULL;
    int64_t attempt = 0;
    if (jv_parse(a->text, a->len, &doc, NULL))
        return;
    const struct jv *n = jv_type(doc) == JV_OBJECT ? jv_get(doc, "attempt") : NULL;
    if (n && jv_int(n, &attempt) && attempt > 0 && jv_get(doc, stream_names[OUT])) {
        l->attempt = attempt;
        for (int i = 0; i < STREAMS; i++) {
            size_t len = 0;
            const struct jv *v = jv_get(doc, stream_names[i]);
            const char *text = v ? jv_string(v, &len) : NULL;
            print(l, i, 0, text ? text : "", len);
            l->streams[i] = (struct stream){.shown = len, .begun = true};
        }
    }
    jv_free(doc);
}

static void join(struct logs *l, const struct answer *a)
{
    if (a->kind == ANSWER_STATE)
        take_head(l, a);
    l->joined = true;
    for (int i = 0; i < l->early_count; i++)
        read_chunk(l, l->early[i]);
}

static void logs_free(struct logs *l)
{
    for (int i = 0; i < l->early_count; i++)
        link_msg_free(l->early[i]);
    free(l);
}

/* ---- the result ---- */

static void print_rest(struct logs *l, const struct jv *doc)
{
    for (int i = 0; i < STREAMS; i++) {
        size_t len = 0;
        const struct jv *v = jv_get(doc, stream_names[i]);
        const char *text = v ? jv_string(v, &len) : NULL;
        uint64_t shown = l->streams[i].shown;
        if (text && len > shown)
            print(l, i, shown, text + shown, len - shown);
    }
}

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
    l->result_seen = true;
    if (present_result_object(envelope, len, &object, &e) ||
        result_without_value(object.data, object.len, &plain, &e) ||
        jv_parse(plain.data, plain.len, &doc, &e)) {
        code = fail(&e);
    } else {
        int64_t attempts = 0;
        if (l->attempt && jv_get(doc, "attempts") && jv_int(jv_get(doc, "attempts"), &attempts) &&
            attempts > l->attempt)
            new_attempt(l, attempts);
        print_rest(l, doc);
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
    struct question q = {.tenant = l->tenant, .id = l->id, .output = true};
    struct answer a;
    struct link_sub *sub = NULL;
    struct waiting *w = NULL;
    struct buf envelope = {0}, keep = {0};
    struct err e = {0};
    subject_logs(&c->subjects, l->tenant ? l->tenant : "*", l->id, subject);
    int rc = link_subscribe(c->link, subject, NULL, 0, on_chunk, l, &sub, &e);
    if (!rc)
        rc = waiting_new(c, l->tenant, l->id, &w, &e);
    if (!rc)
        rc = lookup_wait(c, &q, &a, &keep, &e);
    if (!rc) {
        join(l, &a);
        rc = waiting_run(w, 0, &envelope, &e);
    }
    int code = rc ? fail(&e) : finish(l, envelope.data, envelope.len);
    waiting_free(w);
    link_unsubscribe(sub);
    buf_free(&envelope);
    buf_free(&keep);
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
    struct logs *l = mem_alloc(sizeof *l);
    struct options o = {.command = self};
    struct client c;
    struct err e = {0};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "follow",
                     .letter = 'f',
                     .type = OPTION_FLAG,
                     .to = &l->follow,
                     .help = "print while the job runs, until it ends"},
                    {.name = "tenant",
                     .type = OPTION_TEXT,
                     .to = &l->tenant,
                     .arg = "T",
                     .help = "the job's tenant (needed when several have that id)"},
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &l->json,
                     .help = "print {\"stream\",\"offset\",\"data\"}, one a line"},
                },
                3);
    options_add_settings(&o, &l->settings, true);
    int code = options_parse(&o, argc, argv, 1, 1, "ID");
    if (code == OPTIONS_GO) {
        l->id = o.args[0];
        code = check_names(self, l->id, l->tenant);
    }
    if (code == OPTIONS_GO) {
        if (client_open(&c, &l->settings, &e))
            code = fail(&e);
        else
            code = l->follow ? follow(&c, l) : once(&c, l);
        client_close(&c);
    }
    logs_free(l);
    return code;
}

const struct command command_logs = {
    .name = "logs",
    .summary = "print the output of a job, while it runs with -f",
    .usage = "ID [options]",
    .about = "The job's stdout goes to stdout, its stderr to stderr, byte for byte as it is kept.",
    .exits = "0 job ok, 1 job not ok, or no result yet, 2 usage, 3 our failure",
    .example = "  isolane logs 42 -f",
    .run = run,
};
