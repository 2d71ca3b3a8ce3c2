/* submit: publishes one job to JetStream. The server's PubAck is the proof that the job is durable
 * in the queue; without it nothing is printed as submitted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "cli/client/batch_submit.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/client/inputs.h"
#include "cli/patience.h"
#include "cli/print/present.h"
#include "cli/client/puback.h"
#include "cli/rights.h"
#include "cli/source/script.h"
#include "cli/secrets.h"
#include "cli/signing.h"

#define PUBACK_TIMEOUT_MS 5000
#define ID_TEXT           (JOB_ID_MAX + 1)

struct submission {
    struct settings settings;
    struct limits limits;
    struct rights rights;
    struct patience patience;
    struct option_json input;
    struct option_list env, secrets, artifact_options;
    struct inputs inputs;
    struct script_archive archive;
    const char *path, *tenant, *id, *key_file;
    char own_id[ID_TEXT];           /* made here, for a signed job without --id */
    char signature[SIGNATURE_TEXT]; /* "": not signed */
    int class, type, language;
    bool check;
    int reuse;      /* enum reuse */
    int64_t wait_s; /* -1: do not wait; 0: as long as it takes */
    const char *main;
    bool json, batch, no_bundle;
};

static const char *const classes[] = {"high", "normal", "low", NULL};

static int publish(struct client *c, const struct submission *s, const struct buf *message,
                   struct puback *p, char id[ID_TEXT], struct err *e)
{
    char subject[SUBJECT_MAX], unique[TENANT_NAME_MAX + 1 + JOB_ID_MAX + 1];
    struct link_msg *m = NULL;
    /* The stream knows no tenants: an id is the job's own only together with its tenant. */
    snprintf(unique, sizeof unique, "%s/%s", s->tenant, s->id ? s->id : "");
    /* The signature of a signed job stands for it: nobody else can send it first and so have the
     * stream take the job for its duplicate. */
    const struct link_header headers[] = {
        {"Nats-Msg-Id", *s->signature ? s->signature + KEYID_LEN : unique},
        {SIGNATURE_HEADER, s->signature}};
    int header_count = *s->signature ? 2 : s->id ? 1 : 0;
    int64_t most = link_max_payload(c->link);
    subject_job(&c->subjects, s->tenant, (enum job_class)s->class, subject);
    if (most > 0 && message->len > (size_t)most)
        return err_set(e, ERR_LIMIT,
                       "the job is %zu bytes; the server takes at most %" PRId64
                       " in a message (its max_payload)",
                       message->len, most);
    int rc = link_request_wait(c->link, subject, headers, header_count, message->data, message->len,
                               PUBACK_TIMEOUT_MS, &m, e);
    if (rc == ERR_UNAVAILABLE && link_is_up(c->link)) {
        struct err why = *e;
        return err_set(e, rc, "nobody takes %s at %s: is a worker running? (%.200s)", subject,
                       link_url(c->link), why.msg);
    }
    if (rc)
        return err_wrap(e, "cannot submit");
    rc = puback_read(m, p, e);
    link_msg_free(m);
    if (rc)
        return rc;
    if (s->id)
        snprintf(id, ID_TEXT, "%s", s->id);
    else
        snprintf(id, ID_TEXT, "%" PRId64, p->seq);
    if (p->duplicate)
        say("job %s was submitted before: this is the same job", id);
    return 0;
}

static int print_puback(const struct submission *s, const struct puback *p, const char *id)
{
    struct buf b = {0};
    struct jsonw w;
    if (!s->json) {
        printf("%s\n", id);
        return out_finish(EXIT_JOB_OK);
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kstr(&w, "id", id);
    jsonw_kstr(&w, "tenant", s->tenant);
    jsonw_kstr(&w, "class", classes[s->class]);
    jsonw_kstr(&w, "stream", p->stream);
    jsonw_kint(&w, "seq", p->seq);
    jsonw_kbool(&w, "duplicate", p->duplicate);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
    return out_finish(EXIT_JOB_OK);
}

static int wait_and_present(const struct submission *s, const char *id, struct waiting *w)
{
    struct buf envelope = {0};
    struct err e = {0};
    int code, rc = waiting_run(w, s->wait_s * 1000, &envelope, &e);
    if (!rc) {
        code =
            present_envelope(envelope.data, envelope.len, s->json ? PRESENT_JSON : PRESENT_BLOCK);
    } else if (rc == ERR_TIMEOUT) {
        say("waited %lld s; job '%s' has no result yet, its state is %s", (long long)s->wait_s, id,
            waiting_state(w));
        code = EXIT_JOB_NOT_OK;
    } else {
        code = fail(&e);
    }
    buf_free(&envelope);
    return code;
}

static int submit(struct client *c, const struct submission *s, const struct buf *message)
{
    struct puback p = {0};
    char id[ID_TEXT];
    struct waiting *w = NULL;
    struct err e = {0};
    int code, rc = 0;
    bool waits = s->wait_s >= 0;
    if (waits && s->id) /* the id is known: listen before there can be a result */
        rc = waiting_new(c, s->tenant, s->id, &w, &e);
    if (!rc)
        rc = publish(c, s, message, &p, id, &e);
    if (!rc && waits && !w) /* waiting_run() asks for a result that was quicker than this */
        rc = waiting_new(c, s->tenant, id, &w, &e);
    if (rc)
        code = fail(&e);
    else
        code = waits ? wait_and_present(s, id, w) : print_puback(s, &p, id);
    waiting_free(w);
    return code;
}

static void add_options(struct options *o, struct submission *s)
{
    options_add(
        o,
        (const struct option_row[]){
            {.name = "tenant",
             .type = OPTION_TEXT,
             .to = &s->tenant,
             .arg = "T",
             .help = "whose job it is (default: default)"},
            {.name = "class",
             .type = OPTION_CHOICE,
             .to = &s->class,
             .arg = "C",
             .choices = classes,
             .help = "priority (default: normal)"},
            {.name = "id",
             .type = OPTION_TEXT,
             .to = &s->id,
             .arg = "ID",
             .help = "the job's id; submitting one twice gives one job"},
            {.name = "type",
             .type = OPTION_CHOICE,
             .to = &s->type,
             .arg = "TYPE",
             .choices = script_types,
             .help = "by the file's name when not given"},
            {.name = "main",
             .type = OPTION_TEXT,
             .to = &s->main,
             .arg = "FILE",
             .help = "of a folder: the file in it that runs (default: by package.json, index.*)"},
            {.name = "no-bundle",
             .type = OPTION_FLAG,
             .to = &s->no_bundle,
             .help = "send the files alone, without the packages they depend on"},
            {.name = "files-artifact",
             .type = OPTION_FLAG,
             .to = &s->archive.wanted,
             .help = "several files: as an artifact that the job names, however small they are"},
            {.name = "language",
             .type = OPTION_CHOICE,
             .to = &s->language,
             .arg = "LANGUAGE",
             .choices = job_language_names,
             .help = "by the file's name when not given"},
            {.name = "check",
             .type = OPTION_FLAG,
             .to = &s->check,
             .help = "TypeScript: check its types first, and do not run what is wrong"},
            {.name = "input",
             .type = OPTION_JSON,
             .to = &s->input,
             .arg = "JSON|@FILE",
             .help = "what the script sees as job.input"},
            {.name = "env",
             .type = OPTION_LIST,
             .to = &s->env,
             .arg = "NAME=VALUE",
             .pairs = true,
             .help = "an entry of job.env; may be given again"},
            {.name = "secret",
             .type = OPTION_LIST,
             .to = &s->secrets,
             .arg = "NAME[=@FILE]",
             .help = "a secret the job may have: the tenant's, or sealed in FILE"},
            {.name = "artifact",
             .type = OPTION_LIST,
             .to = &s->artifact_options,
             .arg = "NAME=FILE",
             .help = "a file that job.artifacts.get(NAME) gives; may be given again"},
            {.name = "key",
             .type = OPTION_TEXT,
             .to = &s->key_file,
             .arg = "FILE",
             .help = "sign the job with this Ed25519 key (isolane keys new)"},
            {.name = "batch",
             .type = OPTION_FLAG,
             .to = &s->batch,
             .help = "FILE has a job a line; with --id, --tenant, --class, --key, --wait, --json"},
            {.name = "reuse",
             .type = OPTION_CHOICE,
             .to = &s->reuse,
             .arg = "MODE",
             .choices = reuse_names,
             .help = "keep the process, or the live module"},
            {.name = "wait",
             .type = OPTION_INT,
             .to = &s->wait_s,
             .arg = "S",
             .optional = true,
             .min = 1,
             .max = WAIT_MAX_S,
             .help = "wait for the result, at most S seconds when given"},
            {.name = "json",
             .type = OPTION_FLAG,
             .to = &s->json,
             .help = "print JSON: the result, or without --wait where the job went"},
        },
        18);
    options_add_rights(o, &s->rights,
                       "ask for eval, wasm, sab, kv, emit, artifacts, clock_us=, net=, env=");
    options_add_patience(o, &s->patience);
    options_add_limits(o, &s->limits);
    options_add_settings(o, &s->settings, true);
}

/* What the options mean together. */
static int check(const struct command *self, const struct submission *s)
{
    int code = check_names(self, s->id, s->tenant);
    if (code != OPTIONS_GO)
        return code;
    if (s->id && job_id_is_sequence(s->id))
        return fail_usage(
            self,
            "--id: found '%s'; allowed: an id with more than digits (those are for jobs "
            "without an id of their own)",
            s->id);
    if (s->input.from_stdin && !strcmp(s->path, "-"))
        return fail_usage(self, "found - and --input @-; allowed: one of them from standard input");
    return OPTIONS_GO;
}

static int encode(struct submission *s, struct buf *message, struct err *e)
{
    struct permissions_asked asked = {0};
    struct sealed_secrets sealed = {0};
    struct retry_asked retry;
    int rc = patience_read(&s->patience, clock_real_us(), &retry, e);
    if (rc)
        return rc;
    struct script_request q = {
        .path = s->path,
        .main = s->main,
        .no_bundle = s->no_bundle,
        .type = s->type,
        .language = s->language,
        .check = s->check,
        .id = s->id,
        .input = s->input.text,
        .env = &s->env,
        .limits = &s->limits,
        .secrets = &sealed,
        .profile = rights_profile(&s->rights),
        .reuse = s->reuse == REUSE_NONE ? NULL : reuse_names[s->reuse],
        .retry = &retry,
        .archive = &s->archive,
        .artifacts = s->inputs.v,
        .artifact_count = s->inputs.n,
    };
    rc = secrets_for_job(&s->secrets, &sealed, &asked.v.list[PERMISSION_SECRETS], e);
    asked.list_given[PERMISSION_SECRETS] = asked.v.list[PERMISSION_SECRETS].n > 0;
    if (!rc)
        rc = rights_allowed(&s->rights, &asked, e);
    if (!rc)
        rc = rights_denied(&s->rights, &asked, e);
    if (asked.list_given[PERMISSION_SECRETS] || s->rights.allow.n + s->rights.deny.n > 0)
        q.permissions = &asked;
    if (!rc)
        rc = script_encode(&q, message, e);
    permissions_free(&asked.v);
    sealed_secrets_free(&sealed);
    return rc;
}

/* Files that are too many for a message become an artifact. */
static int fit(struct client *c, struct submission *s, struct buf *message, struct err *e)
{
    int64_t most = link_max_payload(c->link), worker = c->config->job_max_kb * 1024;
    size_t len = message->len;
    if (most <= 0 || most > worker)
        most = worker;
    if (s->archive.wanted || !s->archive.several || len <= (size_t)most)
        return 0;
    s->archive.wanted = true;
    buf_clear(message);
    int rc = encode(s, message, e);
    if (!rc)
        rc = signing_job(s->key_file, s->tenant, message, s->signature, e);
    if (!rc)
        say("the job has %zu bytes, a message at most %" PRId64 ": its files go as the artifact %s",
            len, most, s->archive.object);
    return rc;
}

static int upload(struct client *c, const struct submission *s, struct err *e)
{
    const struct script_archive *a = &s->archive;
    int rc = inputs_upload(c, s->tenant, &s->inputs, e);
    if (!rc && a->wanted)
        rc = inputs_upload_bytes(c, s->tenant, &a->at, a->tar.data, a->tar.len, e);
    return rc;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct submission s = {
        .tenant = "default",
        .class = CLASS_NORMAL,
        .type = -1,
        .language = -1,
        .wait_s = -1,
        .rights = {.profile = -1},
    };
    struct options o = {.command = self};
    struct buf message = {0};
    struct err e = {0};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--batch"))
            return batch_submit(self, argc, argv);
    add_options(&o, &s);
    int code = options_parse(&o, argc, argv, 1, 1, "FILE|DIR");
    if (code == OPTIONS_GO) {
        s.path = o.args[0];
        code = check(self, &s);
    }
    if (code == OPTIONS_GO) {
        struct client c = {0};
        if (s.key_file && !s.id) {
            signing_id("job-", s.own_id);
            s.id = s.own_id;
        }
        if (inputs_read(&s.artifact_options, &s.inputs, &e) || encode(&s, &message, &e) ||
            signing_job(s.key_file, s.tenant, &message, s.signature, &e))
            code = fail_input(&e);
        else if (client_open(&c, &s.settings, &e) || fit(&c, &s, &message, &e) ||
                 upload(&c, &s, &e))
            code = fail(&e);
        else
            code = submit(&c, &s, &message);
        client_close(&c);
    }
    buf_free(&message);
    buf_free(&s.archive.tar);
    inputs_free(&s.inputs);
    options_free(&o);
    return code;
}

const struct command command_submit = {
    .name = "submit",
    .summary = "publish a job; print its id, or wait for its result",
    .usage = "FILE|DIR|package.json|- [options]",
    .about =
        "Publishes the script to the queue and prints the job's id once the server has it. With\n"
        "--wait prints the result as `isolane result` does and exits by its outcome.\n\n"
        "A FILE brings along the files that it imports; a DIR is sent whole, but for node_modules "
        "and\n"
        "names that begin with a dot. What depends on npm packages is bundled first, by the "
        "esbuild "
        "of\n"
        "the project or of the installation, from the project's node_modules. Files that do not "
        "fit\n"
        "into a message are put into the tenant's bucket and named by the job.\n\n"
        "With --batch FILE holds many jobs, one JSON object a line as any client would publish it\n"
        "(docs/protocol.md). The whole file is checked first. Jobs get the ids BATCH.1, BATCH.2 …, "
        "or\n"
        "have BATCH.<name> of their own, so that they can name each other in `after`. The same "
        "file\n"
        "submitted again goes on where it was stopped. `isolane batch BATCH` tells how it goes.",
    .exits = "0 submitted, or job ok, 1 job not ok, or no result in time, 2 usage or input, 3 our "
             "failure",
    .example =
        "  isolane submit hello.js --input '{\"name\": \"world\"}' --wait=10\n"
        "  isolane submit check.mjs --id build-7 --tenant ci --class high --cpu-ms 200\n"
        "  isolane submit report/ --input @month.json --wait\n"
        "  isolane submit --batch jobs.ndjson --id nightly --tenant ci --wait\n"
        "  isolane submit deploy.mjs --tenant ci --key ci.key --secret NPM_TOKEN=@npm.sealed",
    .run = run,
};
