/* isolane call: a job as a request, answered with its result. */
#include <stdio.h>
#include <string.h>

#include "base/jv.h"
#include "base/mem.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print/present.h"
#include "cli/rights.h"
#include "cli/source/script.h"
#include "cli/signing.h"
#include "config/reuse.h"

#define TIMEOUT_S     30
#define TIMEOUT_MAX_S 3600

struct call_options {
    struct settings settings;
    struct limits limits;
    struct rights rights;
    struct option_json input;
    struct option_list env;
    const char *path, *tenant, *id, *key_file;
    char own_id[JOB_ID_MAX + 1];
    char signature[SIGNATURE_TEXT]; /* "": not signed */
    int type, reuse;
    int64_t timeout_s;
    bool json;
};

static void add_options(struct options *o, struct call_options *c)
{
    const struct option_row rows[] = {
        {.name = "tenant",
         .type = OPTION_TEXT,
         .to = &c->tenant,
         .arg = "T",
         .help = "whose job it is (default: default)"},
        {.name = "id",
         .type = OPTION_TEXT,
         .to = &c->id,
         .arg = "ID",
         .help = "the job's id; one that has a result gets that"},
        {.name = "type",
         .type = OPTION_CHOICE,
         .to = &c->type,
         .arg = "TYPE",
         .choices = script_types,
         .help = "by the file's name when not given"},
        {.name = "input",
         .type = OPTION_JSON,
         .to = &c->input,
         .arg = "JSON|@FILE",
         .help = "what the script sees as job.input"},
        {.name = "env",
         .type = OPTION_LIST,
         .to = &c->env,
         .arg = "NAME=VALUE",
         .pairs = true,
         .help = "an entry of job.env; may be given again"},
        {.name = "reuse",
         .type = OPTION_CHOICE,
         .to = &c->reuse,
         .arg = "MODE",
         .choices = reuse_names,
         .help = "keep the process, or the live module"},
        {.name = "key",
         .type = OPTION_TEXT,
         .to = &c->key_file,
         .arg = "FILE",
         .help = "sign the job with this Ed25519 key (isolane keys new)"},
        {.name = "timeout",
         .type = OPTION_INT,
         .to = &c->timeout_s,
         .arg = "S",
         .min = 1,
         .max = TIMEOUT_MAX_S,
         .help = "seconds to wait for the answer (default: 30)"},
        {.name = "json", .type = OPTION_FLAG, .to = &c->json, .help = "print the result as JSON"},
    };
    options_add(o, rows, ARRAY_LEN(rows));
    options_add_rights(
        o, &c->rights,
        "ask the tenant for it: eval, wasm, sab, kv, emit, artifacts, clock_us=, net=, env=");
    options_add_limits(o, &c->limits);
    options_add_settings(o, &c->settings, true);
}

static int encode(struct call_options *c, struct buf *message, struct err *e)
{
    struct permissions_asked asked = {0};
    struct script_request q = {
        .path = c->path,
        .type = c->type,
        .language = -1,
        .id = c->id,
        .input = c->input.text,
        .env = &c->env,
        .limits = &c->limits,
        .profile = rights_profile(&c->rights),
        .reuse = c->reuse == REUSE_NONE ? NULL : reuse_names[c->reuse],
    };
    int rc = rights_allowed(&c->rights, &asked, e);
    if (!rc)
        rc = rights_denied(&c->rights, &asked, e);
    if (c->rights.allow.n + c->rights.deny.n > 0)
        q.permissions = &asked;
    if (!rc)
        rc = script_encode(&q, message, e);
    permissions_free(&asked.v);
    return rc;
}

/* {"error": …, "code": …}: the worker did not take it. */
static bool is_refusal(const char *data, size_t len, struct err *e)
{
    struct jv *v = NULL;
    bool found = false;
    if (jv_parse(data, len, &v, NULL) == 0 && jv_type(v) == JV_OBJECT) {
        const char *why = jv_string(jv_get(v, "error"), NULL);
        const char *code = jv_string(jv_get(v, "code"), NULL);
        found = why != NULL;
        if (found)
            err_set(e, code && !strcmp(code, "busy") ? ERR_UNAVAILABLE : ERR_DENIED,
                    "the worker does not take the call: %.400s", why);
    }
    jv_free(v);
    return found;
}

static int ask(struct client *client, const struct call_options *c, const struct buf *message)
{
    char subject[SUBJECT_MAX];
    const struct link_header header = {SIGNATURE_HEADER, c->signature};
    struct link_msg *m = NULL;
    struct err e = {0};
    subject_call(&client->subjects, c->tenant, subject);
    int rc = link_request_wait(client->link, subject, &header, *c->signature ? 1 : 0, message->data,
                               message->len, (int)c->timeout_s * 1000, &m, &e);
    if (rc == ERR_UNAVAILABLE && link_is_up(client->link)) {
        struct err why = e;
        err_set(&e, rc, "nobody takes %s at %s: is a worker running? (%.200s)", subject,
                link_url(client->link), why.msg);
    }
    int code = rc || is_refusal(m->data, m->len, &e)
                   ? fail(&e)
                   : present_envelope(m->data, m->len, c->json ? PRESENT_JSON : PRESENT_BLOCK);
    link_msg_free(m);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct call_options c = {
        .tenant = "default", .type = -1, .timeout_s = TIMEOUT_S, .rights = {.profile = -1}};
    struct options o = {.command = self};
    struct buf message = {0};
    struct err e = {0};
    add_options(&o, &c);
    int code = options_parse(&o, argc, argv, 1, 1, "FILE");
    if (code == OPTIONS_GO) {
        c.path = o.args[0];
        code = check_names(self, c.id, c.tenant);
    }
    if (code == OPTIONS_GO) {
        struct client client = {0};
        if (c.key_file && !c.id) {
            signing_id("call-", c.own_id);
            c.id = c.own_id;
        }
        if (encode(&c, &message, &e) ||
            signing_job(c.key_file, c.tenant, &message, c.signature, &e))
            code = fail_input(&e);
        else if (client_open(&client, &c.settings, &e))
            code = fail(&e);
        else
            code = ask(&client, &c, &message);
        client_close(&client);
    }
    buf_free(&message);
    options_free(&o);
    return code;
}

const struct command command_call = {
    .name = "call",
    .summary = "run a job as a request, without the queue; print its result",
    .usage = "FILE|- [options]",
    .about = "Sends the script to a worker as a request and prints the signed result it answers "
             "with.\n"
             "Nothing is kept of a call but its result: if the worker dies, nobody runs it again.",
    .exits = "0 job ok, 1 job not ok, 2 usage or input, 3 our failure, or no worker took it",
    .example = "  isolane call hello.js --input '{\"name\": \"world\"}'\n"
               "  isolane call price.mjs --reuse script --input @order.json --json | jq .value",
    .run = run,
};
