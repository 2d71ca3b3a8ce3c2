/* schedule: jobs at given times. The schedules lie in a NATS KV bucket, the workers start their
 * jobs; this command only writes and reads the bucket. */
#include <inttypes.h>
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
#include "cli/ids.h"
#include "cli/client/schedules.h"
#include "cli/source/script.h"
#include "cli/secrets.h"

#define PUBACK_TIMEOUT_MS 5000
#define NAMES_MAX         256
#define NEXT_MAX          1000
#define CHANGE_TRIES      20 /* a schedule of every second is changed by its workers meanwhile */

struct asked {
    const struct command *self;
    struct settings settings;
    struct limits limits;
    struct option_json input;
    struct option_list env, secrets;
    const char *cron, *zone, *tenant, *from, *until;
    char **args; /* behind the verb */
    int n;
    int class, type, missed;
    int64_t jitter_ms, count;
    bool json, replace, paused;
};

static const char *const classes[] = {"high", "normal", "low", NULL};

static const char *tenant_of(const struct asked *a)
{
    return a->tenant ? a->tenant : "default";
}

static int no_such(const struct asked *a, const char *name)
{
    say("tenant '%s' has no schedule '%s'", tenant_of(a), name);
    return EXIT_JOB_NOT_OK;
}

static int check_name(const struct asked *a, const char *name)
{
    if (schedule_name_valid(name))
        return OPTIONS_GO;
    return fail_usage(a->self,
                      "found the name '%.80s'; allowed: 1 to %d of A-Z a-z 0-9 _ . -, no '.' at "
                      "the ends or twice in a row",
                      name, SCHEDULE_NAME_MAX);
}

/* ---- add ---- */

static int encode_job(const struct asked *a, const char *path, struct buf *out, struct err *e)
{
    struct permissions_asked permissions = {0};
    struct sealed_secrets sealed = {0};
    struct script_request q = {
        .path = path,
        .type = a->type,
        .language = -1,
        .input = a->input.text,
        .env = &a->env,
        .limits = &a->limits,
        .secrets = &sealed,
    };
    int rc = secrets_for_job(&a->secrets, &sealed, &permissions.v.list[PERMISSION_SECRETS], e);
    if (permissions.v.list[PERMISSION_SECRETS].n > 0) {
        permissions.list_given[PERMISSION_SECRETS] = true;
        q.permissions = &permissions;
    }
    if (!rc)
        rc = script_encode(&q, out, e);
    permissions_free(&permissions.v);
    sealed_secrets_free(&sealed);
    return rc;
}

/* The options as the value that is stored, checked as a worker checks it. job: its JSON. */
static int make(const struct asked *a, const char *name, const struct buf *job,
                struct schedule *out, struct err *e)
{
    char key[SCHEDULE_KEY_MAX + 1];
    struct buf value = {0};
    struct err why = {0};
    struct jsonw w;
    schedule_key(tenant_of(a), name, key);
    jsonw_init(&w, &value);
    jsonw_object(&w);
    jsonw_kstr(&w, "cron", a->cron);
    if (a->zone)
        jsonw_kstr(&w, "zone", a->zone);
    jsonw_kstr(&w, "class", classes[a->class]);
    jsonw_kstr(&w, "missed", schedule_missed_names[a->missed]);
    jsonw_kbool(&w, "paused", a->paused);
    jsonw_kint(&w, "jitter_ms", a->jitter_ms);
    jsonw_kstr(&w, "from", a->from);
    jsonw_kstr(&w, "until", a->until);
    jsonw_name(&w, "job");
    jsonw_raw(&w, job->data, job->len);
    jsonw_object_end(&w);
    int rc = schedule_read(key, value.data, value.len, clock_real_us(), out, &why);
    if (rc)
        err_set(e, why.code, "--%s", why.msg); /* members are called as their options */
    buf_free(&value);
    return rc;
}

static int store_new(const struct asked *a, struct client *c, const struct schedule *s,
                     struct err *e)
{
    int rc = config_tenant(c->config, s->tenant) ? schedule_check_job(s, c->config, e) : 0;
    if (!rc)
        rc = schedules_put(c, s, a->replace ? KV_ANY : 0, e);
    if (rc == ERR_CONFLICT)
        err_set(e, rc, "tenant '%s' has a schedule '%s' already (--replace puts this in its place)",
                s->tenant, s->name);
    return rc;
}

static int add(struct asked *a)
{
    struct buf job = {0};
    struct schedule s = {0};
    struct client c = {0};
    struct err e = {0};
    char next[TICK_TEXT];
    int code = check_name(a, a->args[0]);
    if (code != OPTIONS_GO)
        return code;
    if (!a->cron)
        return fail_usage(a->self, "add: --cron is missing; allowed: as in --cron '*/5 * * * *'");
    if (a->input.from_stdin && !strcmp(a->args[1], "-"))
        return fail_usage(a->self,
                          "found - and --input @-; allowed: one of them from standard input");
    if (encode_job(a, a->args[1], &job, &e) || make(a, a->args[0], &job, &s, &e)) {
        code = fail_input(&e);
    } else if (client_open(&c, &a->settings, &e) || store_new(a, &c, &s, &e)) {
        code = fail(&e);
    } else {
        int64_t tick = schedule_next(&s, clock_real_us() / 1000000);
        if (tick < 0)
            say("warning: schedule '%s' has no tick to come", s.name);
        printf("%s next %s\n", s.name, s.paused ? "- (paused)" : tick_text(tick, next));
        code = out_finish(EXIT_JOB_OK);
    }
    client_close(&c);
    schedule_clear(&s);
    buf_free(&job);
    return code;
}

/* ---- those that are there ---- */

/* Reads one by name. OPTIONS_GO: l has it. */
static int read_one(struct asked *a, struct client *c, const char *name, struct stored_list *l)
{
    struct err e = {0};
    if (schedules_read(c, tenant_of(a), name, l, &e))
        return fail(&e);
    return l->n ? OPTIONS_GO : no_such(a, name);
}

/* Sets paused; conflicts with workers that store a tick are tried again. */
static int set_paused(struct asked *a, struct client *c, const char *name, bool paused)
{
    struct err e = {0};
    int code = OPTIONS_GO, rc = ERR_CONFLICT;
    for (int i = 0; i < CHANGE_TRIES && rc == ERR_CONFLICT && code == OPTIONS_GO; i++) {
        struct stored_list l = {0};
        code = read_one(a, c, name, &l);
        struct schedule *s = l.n ? &l.v[0].s : NULL;
        if (code == OPTIONS_GO && l.v[0].bad) {
            rc = ERR_INVALID;
            e = l.v[0].why;
        } else if (code == OPTIONS_GO && s->paused == paused && !*s->error) {
            rc = 0;
        } else if (code == OPTIONS_GO) {
            if (!paused && s->paused) /* what was due meanwhile is not made up for */
                s->since_us = clock_real_us();
            s->paused = paused;
            s->error[0] = 0; /* a worker that minds says it again */
            rc = schedules_put(c, s, l.v[0].revision, &e);
        }
        schedules_free(&l);
    }
    if (code != OPTIONS_GO)
        return code;
    return rc ? fail(&e) : OPTIONS_GO;
}

static int pause_one(struct asked *a, struct client *c, const char *name)
{
    return set_paused(a, c, name, true);
}

static int resume_one(struct asked *a, struct client *c, const char *name)
{
    return set_paused(a, c, name, false);
}

static int remove_one(struct asked *a, struct client *c, const char *name)
{
    struct stored_list l = {0};
    struct err e = {0};
    int code = read_one(a, c, name, &l);
    if (code == OPTIONS_GO && schedules_delete(c, l.v[0].key, KV_ANY, &e))
        code = fail(&e);
    schedules_free(&l);
    return code;
}

static int show_one(struct asked *a, struct client *c, const char *name)
{
    struct stored_list l = {0};
    int code = read_one(a, c, name, &l);
    if (code == OPTIONS_GO && a->json)
        printf("%.*s\n", (int)l.v[0].len, l.v[0].json);
    else if (code == OPTIONS_GO && l.v[0].bad)
        code = fail(&l.v[0].why);
    else if (code == OPTIONS_GO)
        schedule_print(&l.v[0]);
    schedules_free(&l);
    return code;
}

/* Publishes its job once, with an id that no tick has. */
static int publish_now(struct client *c, const struct schedule *s, char id[JOB_ID_MAX + 1],
                       struct err *e)
{
    uint8_t random[6];
    char hex[2 * sizeof random + 1], subject[SUBJECT_MAX];
    struct buf b = {0};
    struct link_msg *m = NULL;
    struct jv *doc = NULL;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, hex);
    snprintf(id, JOB_ID_MAX + 1, "%s:run-%s", s->name, hex);
    schedule_message(s, id, &b);
    subject_job(&c->subjects, s->tenant, s->cls, subject);
    int rc = link_request_wait(c->link, subject, NULL, 0, b.data, b.len, PUBACK_TIMEOUT_MS, &m, e);
    if (!rc)
        rc = jv_parse(m->data, m->len, &doc, e);
    if (!rc && jv_get(doc, "error")) {
        const char *text = jv_string(jv_get(jv_get(doc, "error"), "description"), NULL);
        rc = err_set(e, ERR_UNAVAILABLE, "the queue does not take the job: %s",
                     text ? text : "no reason given");
    }
    jv_free(doc);
    link_msg_free(m);
    buf_free(&b);
    return rc;
}

static int run_one(struct asked *a, struct client *c, const char *name)
{
    struct stored_list l = {0};
    struct err e = {0};
    char id[JOB_ID_MAX + 1];
    int code = read_one(a, c, name, &l);
    if (code == OPTIONS_GO && l.v[0].why.code)
        code = fail(&l.v[0].why);
    else if (code == OPTIONS_GO && publish_now(c, &l.v[0].s, id, &e))
        code = fail(&e);
    else if (code == OPTIONS_GO)
        printf("%s\n", id);
    schedules_free(&l);
    return code;
}

static int next_one(struct asked *a, struct client *c, const char *name)
{
    struct stored_list l = {0};
    int code = read_one(a, c, name, &l);
    if (code == OPTIONS_GO && l.v[0].bad)
        code = fail(&l.v[0].why);
    else if (code == OPTIONS_GO)
        schedule_print_next(&l.v[0].s, clock_real_us() / 1000000, a->count, a->json);
    schedules_free(&l);
    return code;
}

/* Without a server: of an expression. */
static int next_of_cron(struct asked *a)
{
    struct schedule s = {0};
    struct buf job = {0};
    struct err e = {0};
    buf_adds(&job, "{\"script\":\"0\"}");
    int rc = make(a, "next", &job, &s, &e);
    if (!rc)
        schedule_print_next(&s, clock_real_us() / 1000000, a->count, a->json);
    schedule_clear(&s);
    buf_free(&job);
    return rc ? fail(&e) : out_finish(EXIT_JOB_OK);
}

static int list_all(struct asked *a)
{
    struct stored_list l = {0};
    struct client c = {0};
    struct err e = {0};
    int code = EXIT_JOB_OK;
    if (client_open(&c, &a->settings, &e) || schedules_read(&c, a->tenant, NULL, &l, &e))
        code = fail(&e);
    else if (a->json)
        schedules_print_json(&l);
    else if (l.n)
        schedules_print_table(&l);
    else
        say("there are no schedules at %s", link_url(c.link));
    for (int i = 0; i < l.n && code == EXIT_JOB_OK; i++)
        if (l.v[i].why.code || *l.v[i].s.error)
            code = EXIT_JOB_NOT_OK;
    client_close(&c);
    schedules_free(&l);
    return out_finish(code);
}

/* ---- verbs ---- */

static const struct verb {
    const char *name, *args;
    int least, most; /* of the arguments behind it */
    int (*whole)(struct asked *a);
    int (*each)(struct asked *a, struct client *c, const char *name);
} verbs[] = {
    {"add", "NAME FILE", 2, 2, add, NULL},
    {"ls", "no more", 0, 0, list_all, NULL},
    {"show", "NAME", 1, 1, NULL, show_one},
    {"rm", "NAME...", 1, NAMES_MAX, NULL, remove_one},
    {"pause", "NAME...", 1, NAMES_MAX, NULL, pause_one},
    {"resume", "NAME...", 1, NAMES_MAX, NULL, resume_one},
    {"run", "NAME", 1, 1, NULL, run_one},
    {"next", "NAME, or --cron", 0, 1, NULL, next_one},
};

static int for_each(struct asked *a, const struct verb *v)
{
    struct client c = {0};
    struct err e = {0};
    int worst = EXIT_JOB_OK;
    for (int i = 0; i < a->n; i++) {
        int code = check_name(a, a->args[i]);
        if (code != OPTIONS_GO)
            return code;
    }
    if (client_open(&c, &a->settings, &e))
        worst = fail(&e);
    for (int i = 0; i < a->n && worst != EXIT_OURS; i++) {
        int code = v->each(a, &c, a->args[i]);
        if (code != OPTIONS_GO && code > worst)
            worst = code;
    }
    client_close(&c);
    return out_finish(worst);
}

static int dispatch(struct asked *a, const char *name)
{
    const struct verb *v = NULL;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (!strcmp(name, verbs[i].name))
            v = &verbs[i];
    if (!v)
        return fail_usage(
            a->self, "found '%.40s'; allowed: add, ls, show, rm, pause, resume, run, next", name);
    if (a->n < v->least || a->n > v->most)
        return fail_usage(a->self, "%s: found %d argument%s; allowed: %s", v->name, a->n,
                          a->n == 1 ? "" : "s", v->args);
    if (v->each == next_one && (a->n == 1) == (a->cron != NULL))
        return fail_usage(a->self, "next: allowed: either NAME or --cron EXPRESSION");
    if (v->each == next_one && a->cron)
        return next_of_cron(a);
    return v->whole ? v->whole(a) : for_each(a, v);
}

static void add_options(struct options *o, struct asked *a)
{
    options_add(
        o,
        (const struct option_row[]){
            {.name = "cron",
             .type = OPTION_TEXT,
             .to = &a->cron,
             .arg = "EXPRESSION",
             .help = "when: minute hour day month weekday, or @daily, @every 30s"},
            {.name = "zone",
             .type = OPTION_TEXT,
             .to = &a->zone,
             .arg = "ZONE",
             .help = "time zone, Europe/Berlin (default: UTC)"},
            {.name = "missed",
             .type = OPTION_CHOICE,
             .to = &a->missed,
             .arg = "POLICY",
             .choices = schedule_missed_names,
             .help = "ticks missed while no worker ran (default: once)"},
            {.name = "tenant",
             .type = OPTION_TEXT,
             .to = &a->tenant,
             .arg = "T",
             .help = "whose schedule it is (default: default; ls: all)"},
            {.name = "class",
             .type = OPTION_CHOICE,
             .to = &a->class,
             .arg = "C",
             .choices = classes,
             .help = "priority of its jobs (default: normal)"},
            {.name = "jitter",
             .type = OPTION_INT,
             .to = &a->jitter_ms,
             .arg = "MS",
             .min = 0,
             .max = SCHEDULE_JITTER_MAX,
             .help = "put each tick off by a time up to this"},
            {.name = "from",
             .type = OPTION_TEXT,
             .to = &a->from,
             .arg = "TIME",
             .help = "no ticks before, 2026-12-01T00:00:00Z"},
            {.name = "until",
             .type = OPTION_TEXT,
             .to = &a->until,
             .arg = "TIME",
             .help = "no ticks after"},
            {.name = "paused", .type = OPTION_FLAG, .to = &a->paused, .help = "add it paused"},
            {.name = "replace",
             .type = OPTION_FLAG,
             .to = &a->replace,
             .help = "add it in the place of the one by that name"},
            {.name = "type",
             .type = OPTION_CHOICE,
             .to = &a->type,
             .arg = "TYPE",
             .choices = script_types,
             .help = "by the file's name when not given"},
            {.name = "input",
             .type = OPTION_JSON,
             .to = &a->input,
             .arg = "JSON|@FILE",
             .help = "what the script sees as job.input"},
            {.name = "env",
             .type = OPTION_LIST,
             .to = &a->env,
             .arg = "NAME=VALUE",
             .pairs = true,
             .help = "an entry of job.env; may be given again"},
            {.name = "secret",
             .type = OPTION_LIST,
             .to = &a->secrets,
             .arg = "NAME[=@FILE]",
             .help = "a secret the job may have: the tenant's, or sealed in FILE"},
            {.name = "count",
             .letter = 'n',
             .type = OPTION_INT,
             .to = &a->count,
             .arg = "N",
             .min = 1,
             .max = NEXT_MAX,
             .help = "next: how many (default: 5)"},
            {.name = "json",
             .type = OPTION_FLAG,
             .to = &a->json,
             .help = "ls, show, next: print JSON"},
        },
        16);
    options_add_limits(o, &a->limits);
    options_add_settings(o, &a->settings, true);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct asked a = {.self = self, .class = CLASS_NORMAL, .type = -1, .count = 5};
    struct options o = {.command = self};
    add_options(&o, &a);
    int code = options_parse(&o, argc, argv, 1, NAMES_MAX + 1,
                             "add, ls, show, rm, pause, resume, run or next");
    if (code == OPTIONS_GO)
        code = check_names(self, NULL, tenant_of(&a));
    if (code == OPTIONS_GO) {
        a.args = o.args + 1;
        a.n = o.arg_count - 1;
        code = dispatch(&a, o.args[0]);
    }
    options_free(&o);
    return code;
}

const struct command command_schedule = {
    .name = "schedule",
    .summary = "start jobs at given times: add, list, pause, remove schedules",
    .usage = "add NAME FILE --cron EXPR | ls | show|run|next NAME | rm|pause|resume NAME… "
             "[options]",
    .about =
        "The workers of the cluster start a job at each tick, exactly once, with the id\n"
        "NAME:20261121T100000Z. run starts one now, with an id of its own; next shows the times "
        "to\n"
        "come, and needs no server with --cron. When clocks change: times of the day that are\n"
        "skipped run at the end of the gap, repeated ones once; * and */n in minute or hour "
        "follow\n"
        "real time. docs/protocol.md, Schedules, tells more.",
    .exits = "0 done, 1 no such schedule, or ls: one has an error, 2 usage or input, 3 our failure",
    .example =
        "  isolane schedule add nightly report.mjs --cron '30 2 * * *' --zone Europe/Berlin\n"
        "  isolane schedule add poll poll.mjs --cron '@every 30s' --missed skip\n"
        "  isolane schedule next --cron '0 9 * * mon-fri' --zone America/New_York -n 3",
    .run = run,
};
