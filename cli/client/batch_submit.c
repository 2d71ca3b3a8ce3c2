/* How this works: the file is checked as a whole; then the batch's record is stored (so that a
 * worker counts), then the jobs, WINDOW of them under way at once. Each is known by its id, and the
 * record only says how many there are: the same command run again after it was stopped goes on
 * where it was, and doubles nothing. A full queue is waited for. */
#include "cli/client/batch_submit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "cli/client/batch_file.h"
#include "cli/client/batch_watch.h"
#include "cli/client/client.h"
#include "cli/ids.h"
#include "cli/print/progress.h"
#include "cli/client/puback.h"
#include "cli/signing.h"
#include "link/js.h"

#define WINDOW       256                /* messages under way … */
#define WINDOW_BYTES ((size_t)16 << 20) /* … and their bytes */
#define AGAIN_MS     500                /* before what was refused is sent again */
#define TRIES        40                 /* without an answer */

struct submission {
    struct settings settings;
    const char *path, *tenant, *id, *key_file;
    int class;
    int64_t wait_s;
    bool json;
    struct batch_file_facts facts;
    uint8_t seed[KEY_BYTES];
};

struct sender {
    struct client *client;
    const struct submission *s;
    struct batch_file *file;
    struct progress *bar;
    struct list again; /* struct sent: refused, or without an answer */
    uv_timer_t timer;
    int under_way;
    size_t bytes;
    int64_t done, duplicates;
    bool all_read, full_said;
    struct err failed; /* code 0: not */
};

struct sent {
    struct sender *sender;
    struct list node;
    char id[JOB_ID_MAX + 1];
    struct buf message;
    int tries;
};

static void sent_free(struct sent *x)
{
    buf_free(&x->message);
    free(x);
}

static bool means_full(const struct err *why)
{
    return strstr(why->msg, "maximum") != NULL;
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct sent *x = arg;
    struct sender *d = x->sender;
    (void)seq;
    d->under_way--;
    d->bytes -= x->message.len;
    if (!why) {
        d->done++;
        d->duplicates += duplicate;
        if (d->bar)
            progress_update(d->bar, (uint64_t)d->s->facts.jobs, (uint64_t)d->done, 0);
        sent_free(x);
        return;
    }
    bool full = means_full(why), passing = why->code == ERR_TIMEOUT || why->code == ERR_UNAVAILABLE;
    if (full && !d->full_said) {
        if (d->bar)
            progress_hide(d->bar);
        say("the queue is full (%.200s): waiting for room", why->msg);
        d->full_said = true;
    }
    if (full || (passing && d->done > 0 && ++x->tries < TRIES)) {
        list_push_back(&d->again, &x->node);
        return;
    }
    if (!d->failed.code)
        err_set(&d->failed, why->code, "job %s: %.600s", x->id, why->msg);
    sent_free(x);
}

static void send_one(struct sender *d, struct sent *x)
{
    const struct submission *s = d->s;
    char subject[SUBJECT_MAX], unique[TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1];
    char signature[SIGNATURE_TEXT] = "";
    struct err e = {0};
    snprintf(unique, sizeof unique, "%s/%s", s->tenant, x->id);
    if (s->key_file)
        signature_make(s->seed, s->tenant, x->message.data, x->message.len, signature);
    const struct link_header headers[] = {
        {"Nats-Msg-Id", *signature ? signature + KEYID_LEN : unique},
        {SIGNATURE_HEADER, signature}};
    subject_job(&d->client->subjects, s->tenant, (enum job_class)s->class, subject);
    d->under_way++;
    d->bytes += x->message.len;
    if (js_publish(d->client->link, subject, headers, *signature ? 2 : 1, x->message.data,
                   x->message.len, JS_ANY, on_stored, x, &e))
        on_stored(0, false, &e, x);
}

/* The next job of the file, if there is one. */
static void send_next(struct sender *d)
{
    struct sent *x = mem_alloc(sizeof *x);
    struct err e = {0};
    x->sender = d;
    list_init(&x->node);
    int rc = batch_file_next(d->file, &x->message, x->id, &e);
    if (rc == 1) {
        send_one(d, x);
        return;
    }
    if (rc < 0)
        d->failed = e;
    d->all_read = true;
    sent_free(x);
}

static void on_again(uv_timer_t *t)
{
    struct sender *d = t->data;
    struct list now;
    struct list *n;
    list_init(&now);
    list_append(&now, &d->again);
    while ((n = list_pop_front(&now)))
        send_one(d, LIST_ENTRY(n, struct sent, node));
}

static void run_loop(struct sender *d)
{
    while (!d->failed.code && !d->client->closed) {
        while (!d->all_read && !d->failed.code && list_empty(&d->again) && d->under_way < WINDOW &&
               d->bytes < WINDOW_BYTES)
            send_next(d);
        if (d->all_read && !d->under_way && list_empty(&d->again))
            return;
        uv_run(&d->client->loop, UV_RUN_ONCE);
    }
    if (d->client->closed && !d->failed.code)
        err_set(&d->failed, ERR_UNAVAILABLE, "the connection to NATS was closed for good: %s",
                d->client->closed_why);
    while (d->under_way && !d->client->closed) /* their answers need what stands on our stack */
        uv_run(&d->client->loop, UV_RUN_ONCE);
}

static int send_jobs(struct client *c, const struct submission *s, struct sender *d, struct err *e)
{
    *d = (struct sender){.client = c, .s = s};
    size_t most = (size_t)c->config->job_max_kb * 1024;
    int rc = batch_file_open(s->path, &s->facts, most, &d->file, e);
    if (rc)
        return rc;
    list_init(&d->again);
    uv_timer_init(&c->loop, &d->timer);
    d->timer.data = d;
    uv_timer_start(&d->timer, on_again, AGAIN_MS, AGAIN_MS);
    d->bar = progress_new((uint64_t)s->facts.jobs);
    run_loop(d);
    progress_free(d->bar);
    d->bar = NULL;
    struct list *n;
    while ((n = list_pop_front(&d->again)))
        sent_free(LIST_ENTRY(n, struct sent, node));
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT); /* it stands on our caller's stack */
    batch_file_close(d->file);
    if (d->failed.code)
        return err_set(e, d->failed.code,
                       "%" PRId64 " of %" PRId64
                       " jobs are submitted (the same command goes on from "
                       "there): %.700s",
                       d->done, s->facts.jobs, d->failed.msg);
    return 0;
}

static int send_record(struct client *c, const struct submission *s, struct err *e)
{
    char subject[SUBJECT_MAX], text[64];
    struct puback p = {0};
    int n = snprintf(text, sizeof text, "{\"jobs\":%" PRId64 "}", s->facts.jobs);
    subject_batch(&c->subjects, s->tenant, s->facts.id, subject);
    return puback_publish(c, "the record of the batch", subject, text, (size_t)n, &p, e);
}

static int print_done(const struct submission *s, const struct sender *d)
{
    struct buf b = {0};
    struct jsonw w;
    if (!s->json) {
        printf("%s\n", s->facts.id);
        return out_finish(EXIT_JOB_OK);
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "batch", s->facts.id);
    jsonw_kstr(&w, "tenant", s->tenant);
    jsonw_kint(&w, "jobs", s->facts.jobs);
    jsonw_kint(&w, "duplicates", d->duplicates);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
    return out_finish(EXIT_JOB_OK);
}

static int submit(struct submission *s)
{
    struct client c = {0};
    struct sender d = {0};
    struct err e = {0};
    bool bad_input = false;
    if (input_check(s->path, &e))
        return fail_input(&e);
    int code, rc = client_open(&c, &s->settings, &e);
    if (!rc) {
        rc = batch_file_check(s->path, s->id, (size_t)c.config->job_max_kb * 1024, &s->facts, &e);
        if (!rc && s->key_file)
            rc = signing_key(s->key_file, s->seed, &e);
        bad_input = rc != 0;
    }
    if (!rc)
        rc = send_record(&c, s, &e);
    if (!rc)
        rc = send_jobs(&c, s, &d, &e);
    if (rc)
        code = bad_input ? fail_input(&e) : fail(&e);
    else
        code = s->wait_s < 0 ? print_done(s, &d)
                             : batch_watch(&c, s->tenant, s->facts.id, s->wait_s, s->json);
    crypto_wipe(s->seed, sizeof s->seed);
    client_close(&c);
    return code;
}

int batch_submit(const struct command *self, int argc, char **argv)
{
    static const char *const classes[] = {"high", "normal", "low", NULL};
    struct submission s = {.tenant = "default", .class = CLASS_NORMAL, .wait_s = -1};
    struct options o = {.command = self};
    bool batch = false;
    options_add(
        &o,
        (const struct option_row[]){
            {.name = "batch",
             .type = OPTION_FLAG,
             .to = &batch,
             .help = "FILE has a job object a line (NDJSON)"},
            {.name = "id",
             .type = OPTION_TEXT,
             .to = &s.id,
             .arg = "BATCH",
             .help = "the batch's id; its jobs are BATCH.1, BATCH.2 … (default: by SHA-256)"},
            {.name = "tenant",
             .type = OPTION_TEXT,
             .to = &s.tenant,
             .arg = "T",
             .help = "whose jobs they are (default: default)"},
            {.name = "class",
             .type = OPTION_CHOICE,
             .to = &s.class,
             .arg = "C",
             .choices = classes,
             .help = "priority (default: normal)"},
            {.name = "key",
             .type = OPTION_TEXT,
             .to = &s.key_file,
             .arg = "FILE",
             .help = "sign the jobs with this Ed25519 key (isolane keys new)"},
            {.name = "wait",
             .type = OPTION_INT,
             .to = &s.wait_s,
             .arg = "S",
             .optional = true,
             .min = 1,
             .max = WAIT_MAX_S,
             .help = "until all have ended, at most S seconds when given"},
            {.name = "json", .type = OPTION_FLAG, .to = &s.json, .help = "print JSON"},
        },
        7);
    options_add_settings(&o, &s.settings, true);
    int code = options_parse(&o, argc, argv, 1, 1, "FILE");
    if (code == OPTIONS_GO)
        code = check_names(self, NULL, s.tenant);
    if (code == OPTIONS_GO && s.id && !batch_id_valid(s.id, strlen(s.id)))
        code = fail_usage(self,
                          "--id: found '%.80s'; allowed with --batch: 1 to %d of A-Z a-z 0-9 _ -",
                          s.id, BATCH_ID_MAX);
    if (code == OPTIONS_GO) {
        s.path = o.args[0];
        code = submit(&s);
    }
    options_free(&o);
    return code;
}
