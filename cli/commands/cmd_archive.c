/* archive: the results of a whole cluster, followed into one database. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "executor/cluster/worker_entry.h"
#include "link/follow.h"
#include "link/js.h"
#include "link/kv.h"
#include "results/archive.h"

/* How this works: messages of the results stream come in order; up to BATCH of them, or those of
 * COMMIT_MS, are one transaction together with the place in the stream that was reached. A crash
 * undoes both, so nothing is lost and nothing is there twice. */

#define BATCH      256
#define COMMIT_MS  50
#define LINES_MOST 100 /* of gaps in the summary */

struct archiving {
    struct client client;
    struct archive *archive;
    struct trust given, trust; /* by --trust; all */
    const char *db;
    bool learn, once, json;
    struct follow *follow;
    struct kv *kv;
    struct kv_watch *watch;
    uv_timer_t timer;
    uv_signal_t on_int, on_term;
    bool handles;
    char created[64]; /* the stream's birth */
    uint64_t position, first_seq, last_seq;
    int batch; /* messages in the open transaction, which is open with any */
    bool open, done, asked, known;
    struct err why; /* code 0: all is well */
};

static void stop_with(struct archiving *x, const struct err *why)
{
    if (!x->why.code)
        x->why = *why;
    x->done = true;
}

/* ---- transactions ---- */

static bool begin(struct archiving *x)
{
    struct err e = {0};
    if (!x->open && archive_begin(x->archive, &e)) {
        stop_with(x, &e);
        return false;
    }
    x->open = true;
    return true;
}

static void commit(struct archiving *x)
{
    struct err e = {0};
    if (!x->open || x->why.code)
        return;
    if (archive_commit(x->archive, x->client.subjects.results_stream, x->created, x->position, &e))
        stop_with(x, &e);
    x->open = false;
    x->batch = 0;
}

static void on_timer(uv_timer_t *t)
{
    commit(t->data);
}

/* ---- messages ---- */

static void tell(const struct archive_news *news, void *arg)
{
    (void)arg;
    if (*news->text)
        say("%s", news->text);
}

static void on_message(const struct follow_message *m, void *arg)
{
    struct archiving *x = arg;
    struct archive_message message = {
        .result_seq = m->seq, .subject = m->m->subject, .envelope = m->m->data, .len = m->m->len};
    struct archive_news news;
    struct err e = {0};
    if (x->done || !begin(x))
        return;
    if (archive_add(x->archive, &x->client.subjects, &x->trust, &message, &news, &e)) {
        stop_with(x, &e);
        return;
    }
    tell(&news, NULL);
    x->position = m->seq;
    if (++x->batch >= BATCH)
        commit(x);
    else if (!uv_is_active((uv_handle_t *)&x->timer))
        uv_timer_start(&x->timer, on_timer, COMMIT_MS, 0);
}

static void on_caught_up(void *arg)
{
    struct archiving *x = arg;
    commit(x);
    if (x->once)
        x->done = true;
}

static void on_failed(const struct err *why, void *arg)
{
    commit(arg);
    stop_with(arg, why);
}

/* ---- keys ---- */

static void retry(struct archiving *x, const char *keyid)
{
    struct err e = {0};
    if (begin(x) &&
        archive_retry(x->archive, &x->client.subjects, &x->trust, keyid, tell, NULL, &e))
        stop_with(x, &e);
    commit(x);
}

/* The key that a worker's entry names, when it is what its id says. */
static bool key_of(const struct worker_entry *w, struct sign_key *out)
{
    uint8_t pub[ED25519_PUBLIC];
    size_t len;
    if (!crypto_unbase64(w->key, strlen(w->key), pub, sizeof pub, &len) || len != sizeof pub)
        return false;
    sign_key_from_public(pub, out);
    return !strcmp(out->keyid, w->keyid);
}

static void on_worker(const struct kv_entry *entry, void *arg)
{
    struct archiving *x = arg;
    struct worker_entry w;
    struct sign_key k;
    struct err e = {0};
    if (x->done || entry->deleted || worker_entry_read(entry->value, entry->len, &w, NULL) ||
        !key_of(&w, &k) || trust_find(&x->trust, k.keyid))
        return;
    if (trust_add(&x->trust, &k, &e)) {
        stop_with(x, &e);
        return;
    }
    say("trusting key %s of worker %s on %s, seen for the first time", k.keyid, w.worker, w.host);
    if (x->follow)
        retry(x, k.keyid);
}

static void on_workers_current(void *arg)
{
    struct archiving *x = arg;
    x->known = true;
}

static void on_workers_failed(const struct err *why, void *arg)
{
    struct archiving *x = arg;
    x->known = true;
    say("no key is learnt from the registry: %s", why->msg);
}

static int load_keys(struct archiving *x, const struct option_list *paths, struct err *e)
{
    int rc = crypto_init(e);
    for (int i = 0; i < paths->n && !rc; i++)
        if ((rc = trust_add_path(&x->given, paths->v[i], e)))
            rc = err_of_option(e, "--trust");
    if (!rc)
        rc = archive_keys(x->archive, &x->trust, e);
    for (size_t i = 0; i < x->given.n && !rc; i++)
        rc = trust_add(&x->trust, &x->given.v[i], e);
    archive_set_given(x->archive, &x->given);
    if (!rc && !x->trust.n && !x->learn)
        rc = err_set(e, ERR_INVALID,
                     "--trust: no key is known; give the workers' worker.pub files, or a folder "
                     "with them, or --trust-new to take those of the registry");
    return rc;
}

/* ---- the stream ---- */

static void on_info(const struct jv *doc, const struct err *why, void *arg)
{
    struct archiving *x = arg;
    int64_t first = 0, last = 0;
    x->asked = true;
    if (!doc) {
        stop_with(x, why);
        return;
    }
    const char *created = jv_string(jv_get(doc, "created"), NULL);
    const struct jv *state = jv_get(doc, "state");
    jv_int(jv_get(state, "first_seq"), &first);
    jv_int(jv_get(state, "last_seq"), &last);
    snprintf(x->created, sizeof x->created, "%s", created ? created : "");
    x->first_seq = (uint64_t)first;
    x->last_seq = (uint64_t)last;
}

static void run_until(struct archiving *x, const bool *what)
{
    while (!*what && !x->done && !x->client.closed)
        uv_run(&x->client.loop, UV_RUN_ONCE);
}

static int find_place(struct archiving *x, struct err *e)
{
    const char *stream = x->client.subjects.results_stream;
    char verb[128];
    snprintf(verb, sizeof verb, "STREAM.INFO.%s", stream);
    int rc = js_ask(x->client.link, verb, NULL, on_info, x, e);
    if (rc)
        return rc;
    run_until(x, &x->asked);
    if (x->why.code) {
        *e = x->why;
        return e->code;
    }
    rc = archive_position(x->archive, stream, x->created, &x->position, e);
    if (!rc && x->position && x->first_seq > x->position + 1)
        say("%" PRIu64 " results left the stream before they were archived (messages %" PRIu64
            " to %" PRIu64 "): look for them in the workers' databases",
            x->first_seq - x->position - 1, x->position + 1, x->first_seq - 1);
    return rc;
}

static int learn_keys(struct archiving *x, struct err *e)
{
    static const struct kv_watch_events events = {on_worker, on_workers_current, on_workers_failed};
    struct kv_options o = {.bucket = x->client.subjects.workers_bucket};
    x->kv = kv_new(&x->client.loop, x->client.link, &o);
    int rc = kv_watch(x->kv, NULL, &events, x, &x->watch, e);
    if (!rc)
        run_until(x, &x->known);
    return rc;
}

static int start(struct archiving *x, struct err *e)
{
    static const struct follow_events events = {on_message, on_caught_up, on_failed};
    struct follow_options o = {
        .stream = x->client.subjects.results_stream, .from_seq = x->position + 1, .batch = BATCH};
    for (size_t i = 0; i < x->trust.n; i++) /* of what was kept until its key is known */
        retry(x, x->trust.v[i].keyid);
    return follow_open(&x->client.loop, x->client.link, &o, &events, x, &x->follow, e);
}

static void on_signal(uv_signal_t *s, int number)
{
    struct archiving *x = s->data;
    (void)number;
    commit(x);
    x->done = true;
}

static void open_handles(struct archiving *x)
{
    uv_timer_init(&x->client.loop, &x->timer);
    uv_signal_init(&x->client.loop, &x->on_int);
    uv_signal_init(&x->client.loop, &x->on_term);
    x->timer.data = x->on_int.data = x->on_term.data = x;
    uv_signal_start(&x->on_int, on_signal, SIGINT);
    uv_signal_start(&x->on_term, on_signal, SIGTERM);
    x->handles = true;
}

static void close_handles(struct archiving *x)
{
    if (!x->handles)
        return;
    follow_close(x->follow);
    kv_watch_free(x->watch);
    kv_free(x->kv);
    uv_close((uv_handle_t *)&x->timer, NULL);
    uv_close((uv_handle_t *)&x->on_int, NULL);
    uv_close((uv_handle_t *)&x->on_term, NULL);
}

static int follow(struct archiving *x, struct err *e)
{
    open_handles(x);
    int rc = find_place(x, e);
    if (!rc && x->learn)
        rc = learn_keys(x, e);
    if (!rc && !x->done)
        rc = start(x, e);
    if (!rc)
        run_until(x, &x->done);
    commit(x);
    if (!rc && x->client.closed)
        rc = err_set(e, ERR_UNAVAILABLE, "the connection is closed: %s", x->client.closed_why);
    if (!rc && x->why.code) {
        *e = x->why;
        rc = e->code;
    }
    return rc;
}

/* ---- the summary ---- */

struct summary {
    struct jsonw *w; /* NULL: for people */
    int gaps;
};

static int show_chain(const struct archive_chain *c, void *arg)
{
    struct summary *s = arg;
    if (!s->w) {
        printf("  %-24s %8" PRIu64 " results, seq %" PRIu64 " to %" PRIu64 ", key %.16s…%s\n",
               c->worker, c->results, c->first, c->last, c->chain,
               c->given ? "" : " (learnt from the registry)");
        return 0;
    }
    jsonw_object(s->w);
    jsonw_kstr(s->w, "worker", c->worker);
    jsonw_kstr(s->w, "chain", c->chain);
    jsonw_kbool(s->w, "given", c->given);
    jsonw_kint(s->w, "first", (int64_t)c->first);
    jsonw_kint(s->w, "last", (int64_t)c->last);
    jsonw_kint(s->w, "results", (int64_t)c->results);
    jsonw_kint(s->w, "missing", (int64_t)c->missing);
    jsonw_object_end(s->w);
    return 0;
}

static int show_gap(const struct archive_gap *g, void *arg)
{
    struct summary *s = arg;
    if (s->w) {
        jsonw_object(s->w);
        jsonw_kstr(s->w, "worker", g->worker);
        jsonw_kstr(s->w, "chain", g->chain);
        jsonw_kint(s->w, "first", (int64_t)g->first);
        jsonw_kint(s->w, "last", (int64_t)g->last);
        jsonw_kstr(s->w, "seen_at", g->at);
        jsonw_object_end(s->w);
    } else if (s->gaps < LINES_MOST) {
        printf("  gap: %s seq %" PRIu64 " to %" PRIu64 ", key %.16s…\n", g->worker, g->first,
               g->last, g->chain);
    }
    s->gaps++;
    return 0;
}

static int write_json(struct archiving *x, const struct archive_sums *sums, struct err *e)
{
    struct buf b = {0};
    struct jsonw w;
    struct summary s = {.w = &w};
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "db", x->db);
    jsonw_kint(&w, "position", (int64_t)x->position);
    jsonw_kint(&w, "results", (int64_t)sums->results);
    jsonw_kint(&w, "missing", (int64_t)sums->missing);
    jsonw_name(&w, "faults");
    jsonw_object(&w);
    for (int i = ARCHIVE_SECOND; i < ARCHIVE_ENDS; i++)
        jsonw_kint(&w, archive_end_names[i], (int64_t)sums->faults[i]);
    jsonw_object_end(&w);
    jsonw_name(&w, "chains");
    jsonw_array(&w);
    int rc = archive_each_chain(x->archive, show_chain, &s, e);
    jsonw_array_end(&w);
    jsonw_name(&w, "gaps");
    jsonw_array(&w);
    if (!rc)
        rc = archive_each_gap(x->archive, show_gap, &s, e);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    if (!rc)
        printf("%s\n", b.data);
    buf_free(&b);
    return rc;
}

static int write_text(struct archiving *x, const struct archive_sums *sums, struct err *e)
{
    struct summary s = {0};
    printf("%s: %" PRIu64 " results of %" PRIu64 " chains, up to message %" PRIu64 "\n", x->db,
           sums->results, sums->chains, x->position);
    int rc = archive_each_chain(x->archive, show_chain, &s, e);
    if (!rc)
        rc = archive_each_gap(x->archive, show_gap, &s, e);
    if (s.gaps > LINES_MOST)
        printf("  … and %d gaps more: SELECT * FROM gaps\n", s.gaps - LINES_MOST);
    for (int i = ARCHIVE_SECOND; i < ARCHIVE_ENDS; i++)
        if (sums->faults[i])
            printf("  %s: %" PRIu64 " (table faults)\n", archive_end_names[i], sums->faults[i]);
    return rc;
}

static int summarize(struct archiving *x)
{
    struct archive_sums sums;
    struct err e = {0};
    if (archive_sums(x->archive, &sums, &e) ||
        (x->json ? write_json(x, &sums, &e) : write_text(x, &sums, &e)))
        return fail(&e);
    return out_finish(sums.gaps || !archive_sums_sound(&sums) ? EXIT_JOB_NOT_OK : EXIT_JOB_OK);
}

static int archive(struct archiving *x, const struct settings *settings,
                   const struct option_list *paths)
{
    struct err e = {0};
    int rc = archive_open(x->db, ARCHIVE_WRITE, &x->archive, &e);
    if (!rc)
        rc = load_keys(x, paths, &e);
    if (!rc)
        rc = client_open(&x->client, settings, &e);
    if (!rc)
        rc = follow(x, &e);
    int code = rc ? fail(&e) : summarize(x);
    close_handles(x);
    client_close(&x->client);
    archive_close(x->archive);
    trust_free(&x->given);
    trust_free(&x->trust);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct option_list trust = {0};
    struct options o = {.command = self};
    struct archiving *x = mem_alloc(sizeof *x);
    const struct option_row rows[] = {
        {.name = "db",
         .type = OPTION_TEXT,
         .to = &x->db,
         .arg = "FILE",
         .help = "the archive; made when it is not there"},
        {.name = "trust",
         .type = OPTION_LIST,
         .to = &trust,
         .arg = "PATH",
         .help = "a worker.pub, or a folder of *.pub and *.pem; may be given several times"},
        {.name = "trust-new",
         .type = OPTION_FLAG,
         .to = &x->learn,
         .help = "also trust keys that the registry names, at first sight"},
        {.name = "once",
         .type = OPTION_FLAG,
         .to = &x->once,
         .help = "end when everything that is there is archived"},
        {.name = "json", .type = OPTION_FLAG, .to = &x->json, .help = "print the summary as JSON"},
    };
    options_add(&o, rows, ARRAY_LEN(rows));
    options_add_settings(&o, &settings, true);
    int code = options_parse(&o, argc, argv, 0, 0, "");
    if (code == OPTIONS_GO)
        code = x->db ? archive(x, &settings, &trust)
                     : fail_usage(self, "--db: missing; allowed: the archive's file");
    options_free(&o);
    free(x);
    return code;
}

const struct command command_archive = {
    .name = "archive",
    .summary = "follow the results of a whole cluster into one database",
    .usage = "--db FILE [--trust PATH …] [options]",
    .about =
        "Reads the results stream, checks every signature with the workers' keys and every "
        "worker's\n"
        "chain, and goes on until it is ended (SIGINT, SIGTERM); started again it goes on where "
        "it\n"
        "was. Gaps, forks and what else is wrong are said at once on stderr and in the summary. "
        "`ls`,\n"
        "`export`, `backup` and `verify --db` read the archive.",
    .exits =
        "0 all chains are whole, 1 there are gaps, forks or worse, 2 usage or input, 3 our failure",
    .example = "  isolane archive --db archive.db --trust keys/ --nats nats://127.0.0.1:4222\n"
               "  isolane archive --db archive.db --trust-new --once --json",
    .run = run,
};
