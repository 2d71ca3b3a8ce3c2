/* dead: what lies in ISOLANE_DEAD. Retrying is publishing the job's message again under a new id
 * (the old one has its result, for good) and then removing the copy: who is interrupted in between
 * and does it again gives the same job the same new id, so it is one job. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/print/format.h"
#include "cli/ids.h"
#include "cli/print/table.h"
#include "cli/signing.h"
#include "link/follow.h"
#include "queue/dead.h"

#define TIMEOUT_MS   5000
#define BATCH        64
#define LETTERS_MAX  1000000 /* of --all */
#define RETRY_SUFFIX ":retry-"

struct dead {
    struct settings settings;
    const char *tenant, *key_file;
    bool all, json;
    struct client client;
};

/* One copy: facts alone, the payload is fetched when it is needed. */
struct letter {
    char tenant[TENANT_NAME_MAX + 1], id[JOB_ID_MAX + 1], cls[8];
    uint64_t seq;
};

/* ---- reading ---- */

static const char *header(const struct link_msg *m, const char *name)
{
    const char *value = link_msg_header(m, name);
    return value ? value : "";
}

/* The copy of one job: kept, for link_msg_free(). */
static int fetch(struct dead *d, const char *tenant, const char *id, struct letter *out,
                 struct link_msg **kept, struct err *e)
{
    char dead[SUBJECT_MAX], subject[2 * SUBJECT_MAX];
    subject_dead(&d->client.subjects, tenant, id, dead);
    snprintf(subject, sizeof subject, "$JS.API.DIRECT.GET.%s.%s", d->client.subjects.dead_stream,
             dead);
    int rc = link_request_wait(d->client.link, subject, NULL, 0, "", 0, TIMEOUT_MS, kept, e);
    if (rc)
        return err_wrap(e, "cannot ask the stream %s", d->client.subjects.dead_stream);
    if ((*kept)->status) {
        int status = (*kept)->status;
        link_msg_free(*kept);
        *kept = NULL;
        if (status == 404)
            return err_set(e, ERR_NOT_FOUND, "no dead job '%s' of tenant '%s'", id, tenant);
        return err_set(e, ERR_PROTOCOL, "stream %s: status %d", d->client.subjects.dead_stream,
                       status);
    }
    snprintf(out->tenant, sizeof out->tenant, "%s", tenant);
    snprintf(out->id, sizeof out->id, "%s", id);
    snprintf(out->cls, sizeof out->cls, "%s", header(*kept, DEAD_CLASS_HEADER));
    out->seq = strtoull(header(*kept, "Nats-Sequence"), NULL, 10);
    return 0;
}

struct walk {
    struct dead *d;
    int (*each)(struct walk *w, const struct letter *l, const struct link_msg *m);
    void *arg;
    int count;
    bool ended;
    struct err why;
};

static void on_letter(const struct follow_message *f, void *arg)
{
    struct walk *w = arg;
    struct letter l = {.seq = f->seq};
    const char *id;
    if (!subject_parse_id(&w->d->client.subjects, "dead", f->m->subject, l.tenant, sizeof l.tenant,
                          &id))
        return;
    snprintf(l.id, sizeof l.id, "%s", id);
    snprintf(l.cls, sizeof l.cls, "%s", header(f->m, DEAD_CLASS_HEADER));
    w->count++;
    if (w->each(w, &l, f->m) || w->count == LETTERS_MAX)
        w->ended = true;
}

static void on_caught_up(void *arg)
{
    struct walk *w = arg;
    w->ended = true;
}

static void on_failed(const struct err *why, void *arg)
{
    struct walk *w = arg;
    w->why = *why;
    w->ended = true;
}

/* All that lie there now, of one tenant or of all. */
static int walk(struct walk *w, struct err *e)
{
    static const struct follow_events events = {
        .message = on_letter, .caught_up = on_caught_up, .failed = on_failed};
    struct client *c = &w->d->client;
    char filter[SUBJECT_MAX];
    struct follow *f = NULL;
    subject_all_of(&c->subjects, "dead", w->d->tenant ? w->d->tenant : "*", filter);
    const struct follow_options o = {
        .stream = c->subjects.dead_stream, .filter = filter, .batch = BATCH};
    int rc = follow_open(&c->loop, c->link, &o, &events, w, &f, e);
    while (!rc && !w->ended && !c->closed)
        uv_run(&c->loop, UV_RUN_ONCE);
    follow_close(f);
    if (!rc && c->closed)
        rc = err_set(e, ERR_UNAVAILABLE, "the connection to NATS was closed: %s", c->closed_why);
    if (!rc && w->why.code == ERR_NOT_FOUND) /* no worker has made it yet */
        return 0;
    if (!rc && w->why.code) {
        *e = w->why;
        rc = e->code;
    }
    return rc;
}

/* ---- ls ---- */

static void write_json(const struct letter *l, const struct link_msg *m)
{
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", l->id);
    jsonw_kstr(&w, "tenant", l->tenant);
    jsonw_kstr(&w, "class", l->cls);
    jsonw_kstr(&w, "outcome", header(m, DEAD_OUTCOME_HEADER));
    jsonw_kint(&w, "attempts", strtoll(header(m, DEAD_ATTEMPTS_HEADER), NULL, 10));
    jsonw_kstr(&w, "error", link_msg_header(m, DEAD_ERROR_HEADER));
    jsonw_kstr(&w, "worker", header(m, DEAD_WORKER_HEADER));
    jsonw_kstr(&w, "finished_at", header(m, DEAD_FINISHED_HEADER));
    jsonw_kint(&w, "bytes", (int64_t)m->len);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static int list_one(struct walk *w, const struct letter *l, const struct link_msg *m)
{
    char finished[20];
    if (w->d->json) {
        write_json(l, m);
        return 0;
    }
    snprintf(finished, sizeof finished, "%s", header(m, DEAD_FINISHED_HEADER));
    table_row(w->arg, (struct table_cell[]){{finished, COLOUR_DIM},
                                            {l->tenant, COLOUR_NONE},
                                            {l->id, COLOUR_NONE},
                                            {header(m, DEAD_OUTCOME_HEADER), COLOUR_RED},
                                            {header(m, DEAD_ATTEMPTS_HEADER), COLOUR_NONE},
                                            {header(m, DEAD_ERROR_HEADER), COLOUR_NONE}});
    return 0;
}

static int list(struct dead *d, struct err *e)
{
    static const struct table_column columns[] = {
        {.name = "finished (UTC)"},
        {.name = "tenant"},
        {.name = "id"},
        {.name = "outcome"},
        {.name = "attempts", .right = true},
        {.name = "error", .cut = true},
    };
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    struct walk w = {.d = d, .each = list_one, .arg = t};
    int rc = walk(&w, e);
    if (!rc && !d->json)
        table_print(t, stdout);
    table_free(t);
    return rc;
}

/* ---- show ---- */

static int show(struct dead *d, const char *id, struct err *e)
{
    struct letter l;
    struct link_msg *m = NULL;
    int rc = fetch(d, d->tenant ? d->tenant : "default", id, &l, &m, e);
    if (rc)
        return rc;
    if (!d->json) {
        static const char *const names[] = {
            DEAD_OUTCOME_HEADER,  DEAD_ATTEMPTS_HEADER, DEAD_ERROR_HEADER, DEAD_WORKER_HEADER,
            DEAD_FINISHED_HEADER, DEAD_CLASS_HEADER,    SIGNATURE_HEADER};
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (link_msg_header(m, names[i]))
                fprintf(stderr, "%s: %s\n", names[i], link_msg_header(m, names[i]));
        fputc('\n', stderr);
    }
    printf("%.*s\n", (int)m->len, m->data); /* the job's message alone: for a pipe, to publish */
    link_msg_free(m);
    return 0;
}

/* ---- drop ---- */

static int drop(struct dead *d, const struct letter *l, struct err *e)
{
    char subject[SUBJECT_MAX], body[64];
    struct link_msg *m = NULL;
    struct jv *doc = NULL;
    snprintf(subject, sizeof subject, "$JS.API.STREAM.MSG.DELETE.%s",
             d->client.subjects.dead_stream);
    int n = snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":true}", l->seq);
    int rc =
        link_request_wait(d->client.link, subject, NULL, 0, body, (size_t)n, TIMEOUT_MS, &m, e);
    if (!rc)
        rc = jv_parse(m->data, m->len, &doc, e);
    if (!rc && !jv_is_true(jv_get(doc, "success"))) {
        const char *text = jv_string(jv_get(jv_get(doc, "error"), "description"), NULL);
        rc = err_set(e, ERR_PROTOCOL, "the server does not remove it: %s",
                     text ? text : "no reason");
    }
    jv_free(doc);
    link_msg_free(m);
    return rc;
}

/* ---- retry ---- */

/* "build-7" → "build-7:retry-1", "build-7:retry-1" → "build-7:retry-2" */
static int next_id(const char *id, char out[JOB_ID_MAX + 1], struct err *e)
{
    size_t base = strlen(id);
    unsigned long n = 0;
    const char *at = strstr(id, RETRY_SUFFIX);
    for (const char *p = at; p; p = strstr(p + 1, RETRY_SUFFIX))
        at = p;
    const char *digits = at ? at + strlen(RETRY_SUFFIX) : "";
    if (*digits && strspn(digits, "0123456789") == strlen(digits) && strlen(digits) < 7) {
        base = (size_t)(at - id);
        n = strtoul(digits, NULL, 10);
    }
    int len = snprintf(out, JOB_ID_MAX + 1, "%.*s" RETRY_SUFFIX "%lu", (int)base, id, n + 1);
    if (len > JOB_ID_MAX)
        return err_set(e, ERR_LIMIT, "its id is too long for another: at most %d characters",
                       JOB_ID_MAX);
    return 0;
}

/* The payload with that id; everything else byte for byte. */
static int with_id(const struct link_msg *m, const char *id, struct buf *out, struct err *e)
{
    const char *raw;
    size_t len;
    struct jv *doc = NULL;
    int rc = jv_parse(m->data, m->len, &doc, e);
    if (!rc && jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "its message is no JSON object");
    if (!rc && jv_raw_member(m->data, m->len, "id", &raw, &len)) {
        buf_add(out, m->data, (size_t)(raw - m->data));
        buf_addf(out, "\"%s\"", id);
        buf_add(out, raw + len, m->len - (size_t)(raw - m->data) - len);
    } else if (!rc && jv_get(doc, "id")) {
        rc = err_set(e, ERR_INVALID, "its id is written with escapes: publish it by hand");
    } else if (!rc) {
        const char *brace = memchr(m->data, '{', m->len);
        size_t head = (size_t)(brace - m->data) + 1;
        buf_add(out, m->data, head);
        buf_addf(out, "\"id\":\"%s\"%s", id, jv_count(doc) ? "," : "");
        buf_add(out, m->data + head, m->len - head);
    }
    jv_free(doc);
    return rc;
}

static int sign(const struct dead *d, const struct letter *l, bool signed_before,
                const struct buf *message, char out[SIGNATURE_TEXT], struct err *e)
{
    if (!d->key_file && signed_before)
        return err_set(e, ERR_DENIED,
                       "it is signed, and its id stands inside what is signed: only who has a key "
                       "of the tenant can publish it again (--key FILE)");
    return signing_job(d->key_file, l->tenant, message, out, e);
}

static int publish(struct dead *d, const struct letter *l, const char *id,
                   const struct buf *message, const char *signature, struct err *e)
{
    char subject[SUBJECT_MAX], unique[TENANT_NAME_MAX + JOB_ID_MAX + 2];
    struct link_msg *m = NULL;
    struct jv *doc = NULL;
    int64_t seq = 0;
    int cls = job_class_by_name(l->cls);
    subject_job(&d->client.subjects, l->tenant, cls < 0 ? CLASS_NORMAL : (enum job_class)cls,
                subject);
    snprintf(unique, sizeof unique, "%s/%s", l->tenant, id);
    const struct link_header headers[] = {
        {"Nats-Msg-Id", *signature ? signature + KEYID_LEN : unique},
        {DEAD_RETRY_OF_HEADER, l->id},
        {SIGNATURE_HEADER, signature}};
    int rc = link_request_wait(d->client.link, subject, headers, *signature ? 3 : 2, message->data,
                               message->len, TIMEOUT_MS, &m, e);
    if (!rc)
        rc = jv_parse(m->data, m->len, &doc, e);
    if (!rc && (!jv_int(jv_get(doc, "seq"), &seq) || jv_get(doc, "error"))) {
        const char *text = jv_string(jv_get(jv_get(doc, "error"), "description"), NULL);
        rc = err_set(e, ERR_UNAVAILABLE, "the server refused it: %s", text ? text : "no PubAck");
    }
    jv_free(doc);
    link_msg_free(m);
    return rc;
}

static void tell_retry(const struct dead *d, const struct letter *l, const char *id)
{
    struct buf b = {0};
    struct jsonw w;
    if (!d->json) {
        printf("%s\n", id);
        return;
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", id);
    jsonw_kstr(&w, "tenant", l->tenant);
    jsonw_kstr(&w, "retry_of", l->id);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static int retry(struct dead *d, const struct letter *l, struct err *e)
{
    char id[JOB_ID_MAX + 1], signature[SIGNATURE_TEXT] = "";
    struct letter again;
    struct link_msg *m = NULL;
    struct buf message = {0};
    int rc = fetch(d, l->tenant, l->id, &again, &m, e);
    if (rc)
        return rc;
    rc = next_id(l->id, id, e);
    if (!rc)
        rc = with_id(m, id, &message, e);
    if (!rc)
        rc = sign(d, l, link_msg_header(m, SIGNATURE_HEADER) != NULL, &message, signature, e);
    if (!rc)
        rc = publish(d, &again, id, &message, signature, e);
    if (!rc)
        rc = drop(d, &again, e);
    if (!rc)
        tell_retry(d, l, id);
    link_msg_free(m);
    buf_free(&message);
    return rc;
}

/* ---- some, or all ---- */

struct letters {
    struct letter *v;
    int n, cap;
};

static int collect(struct walk *w, const struct letter *l, const struct link_msg *m)
{
    struct letters *list = w->arg;
    (void)m;
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->v = realloc(list->v, (size_t)list->cap * sizeof *list->v);
        CHECK(list->v);
    }
    list->v[list->n++] = *l;
    return 0;
}

typedef int (*action)(struct dead *d, const struct letter *l, struct err *e);

/* One that cannot be done does not stop the others; the worst exit code counts. */
static int do_one(struct dead *d, action act, const struct letter *l)
{
    struct err e = {0};
    if (!act(d, l, &e))
        return EXIT_JOB_OK;
    say("%s: %s", l->id, e.msg);
    return e.code == ERR_NOT_FOUND ? EXIT_JOB_NOT_OK : EXIT_OURS;
}

static int do_some(struct dead *d, action act, char **ids, int n)
{
    int worst = EXIT_JOB_OK;
    for (int i = 0; i < n; i++) {
        struct letter l;
        struct link_msg *m = NULL;
        struct err e = {0};
        int code;
        int rc = fetch(d, d->tenant ? d->tenant : "default", ids[i], &l, &m, &e);
        link_msg_free(m);
        if (rc) {
            say("%s", e.msg);
            code = rc == ERR_NOT_FOUND ? EXIT_JOB_NOT_OK : EXIT_OURS;
        } else {
            code = do_one(d, act, &l);
        }
        worst = code > worst ? code : worst;
    }
    return worst;
}

static int do_all(struct dead *d, action act)
{
    struct letters list = {0};
    struct walk w = {.d = d, .each = collect, .arg = &list};
    struct err e = {0};
    int worst = EXIT_JOB_OK;
    if (walk(&w, &e))
        worst = fail(&e);
    for (int i = 0; worst != EXIT_OURS && i < list.n; i++) {
        int code = do_one(d, act, &list.v[i]);
        worst = code > worst ? code : worst;
    }
    free(list.v);
    return worst;
}

static int perform(struct dead *d, const char *what, char **ids, int n)
{
    struct err e = {0};
    int rc;
    if (!strcmp(what, "retry") || !strcmp(what, "drop")) {
        action act = *what == 'r' ? retry : drop;
        return d->all ? do_all(d, act) : do_some(d, act, ids, n);
    }
    rc = !strcmp(what, "ls") ? list(d, &e) : show(d, ids[0], &e);
    if (rc == ERR_NOT_FOUND) {
        say("%s", e.msg);
        return EXIT_JOB_NOT_OK;
    }
    return rc ? fail(&e) : EXIT_JOB_OK;
}

/* ---- the command line ---- */

static void add_options(struct options *o, struct dead *d)
{
    const struct option_row rows[] = {
        {.name = "tenant",
         .type = OPTION_TEXT,
         .to = &d->tenant,
         .arg = "T",
         .help = "whose (default: with IDs default, else all)"},
        {.name = "all", .type = OPTION_FLAG, .to = &d->all, .help = "retry or drop all of them"},
        {.name = "key",
         .type = OPTION_TEXT,
         .to = &d->key_file,
         .arg = "FILE",
         .help = "retry: sign with this Ed25519 key (isolane keys new)"},
        {.name = "json", .type = OPTION_FLAG, .to = &d->json, .help = "print JSON, one a line"},
    };
    options_add(o, rows, ARRAY_LEN(rows));
    options_add_settings(o, &d->settings, true);
}

static int check(const struct command *self, const struct dead *d, const char *what, char **ids,
                 int n)
{
    static const char *const words[] = {"ls", "show", "retry", "drop"};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        known |= !strcmp(what, words[i]);
    if (!known)
        return fail_usage(self, "found '%.40s'; allowed: ls, show ID, retry ID…, drop ID…", what);
    bool one_by_one = strcmp(what, "ls") != 0;
    bool many = !strcmp(what, "retry") || !strcmp(what, "drop");
    if (!one_by_one && n)
        return fail_usage(self, "ls: found '%.40s' too many", ids[0]);
    if (d->all && (!many || n))
        return fail_usage(self, "--all: only for retry and drop, and without IDs");
    if (one_by_one && !d->all && n < 1)
        return fail_usage(self, "%s: ID is missing%s", what, many ? ", or --all" : "");
    if (!strcmp(what, "show") && n > 1)
        return fail_usage(self, "show: found '%.40s' too many", ids[1]);
    int code = check_names(self, NULL, d->tenant);
    for (int i = 0; i < n && code == OPTIONS_GO; i++)
        code = check_names(self, ids[i], NULL);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct dead d = {0};
    struct options o = {.command = self};
    struct err e = {0};
    add_options(&o, &d);
    int code = options_parse(&o, argc, argv, 1, -1, "ls, show, retry or drop");
    if (code == OPTIONS_GO)
        code = check(self, &d, o.args[0], o.args + 1, o.arg_count - 1);
    if (code == OPTIONS_GO) {
        if (d.key_file && input_check(d.key_file, &e))
            code = fail_input(&e);
        else if (client_open(&d.client, &d.settings, &e))
            code = fail(&e);
        else
            code = out_finish(perform(&d, o.args[0], o.args + 1, o.arg_count - 1));
        client_close(&d.client);
    }
    options_free(&o);
    return code;
}

const struct command command_dead = {
    .name = "dead",
    .summary = "jobs that used up their attempts: list, show, retry, drop",
    .usage = "ls | show ID | retry ID… | drop ID… [options]",
    .about = "A job that ends `dead` leaves a copy of its message in the stream ISOLANE_DEAD. show "
             "prints\n"
             "that message, and on standard error how it ended. retry publishes it again under a "
             "new id,\n"
             "ID:retry-1, which it prints, and removes the copy; drop removes it. A job that was "
             "signed is\n"
             "signed anew with --key.",
    .exits = "0 done, 1 no such job, 2 usage or input, 3 our failure",
    .example = "  isolane dead ls --tenant ci\n"
               "  isolane dead retry build-7 --tenant ci\n"
               "  isolane dead drop --all",
    .run = run,
};
