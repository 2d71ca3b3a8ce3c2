/* check: the types of TypeScript files, by the compiler that a worker has for `check: true`.
 *
 * How this works: the files become one job, checked before it would run; what would run is an empty
 * file beside them. So they are one program, as a job of several files is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/pack.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/source/script.h"
#include "cli/source/sources.h"
#include "executor/local.h"

#define NOTHING_TO_RUN "isolane:check.ts"

struct check {
    struct settings settings;
    bool json;
    struct sources sources;
    struct buf message;
    char id[40];
    bool handed_out;
    int code;
};

/* ---- the job ---- */

static int by_path(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    return pack_compare(x->path, strlen(x->path), y->path, strlen(y->path));
}

static void make_job(struct check *c)
{
    struct sources *s = &c->sources;
    struct buf pack = {.max = SCRIPT_FILE_MAX}, main = {0};
    uint8_t random[16];
    sources_add(s, NOTHING_TO_RUN, "export {};\n");
    buf_adds(&main, s->v[s->n - 1].path);
    qsort(s->v, s->n, sizeof *s->v, by_path);
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || strcmp(s->v[i].path, s->v[i - 1].path) != 0) /* named twice: once */
            pack_add(&pack, s->v[i].path, strlen(s->v[i].path), s->v[i].text, s->v[i].len);
    crypto_random(random, sizeof random);
    memcpy(c->id, "check-", 6);
    crypto_hex(random, sizeof random, c->id + 6);
    const struct job_request r = {
        .id = c->id,
        .files = pack.data,
        .files_len = pack.len,
        .main = main.data,
        .check = true,
        .typescript = s->tsconfig.typescript,
    };
    job_encode(&r, &c->message);
    buf_free(&pack);
    buf_free(&main);
}

static int next_job(struct local_job *out, bool *more, struct err *e, void *arg)
{
    struct check *c = arg;
    (void)e;
    *more = !c->handed_out;
    c->handed_out = true;
    *out = (struct local_job){"check", c->id, c->message.data, c->message.len};
    return 0;
}

static void on_result(const char *label, const struct result *r, void *arg)
{
    struct check *c = arg;
    struct buf json = {0};
    (void)label;
    bool wrong = r->outcome == OUTCOME_THREW;
    c->code = r->outcome == OUTCOME_OK ? EXIT_JOB_OK : wrong ? EXIT_JOB_NOT_OK : EXIT_OURS;
    if (c->json) {
        result_encode(r, &json);
        puts(json.data);
    } else if (wrong && r->error_name && !strcmp(r->error_name, "TypeScriptError")) {
        sources_print(&c->sources, r->error_message, stdout);
    } else if (wrong) {
        sources_print(&c->sources, r->error_stack ? r->error_stack : r->error_message, stdout);
    } else if (r->has_error) {
        say("%s", r->error_message);
    }
    buf_free(&json);
}

static void on_output(const char *label, int stream, const char *text, size_t len, void *arg)
{
    (void)label, (void)stream, (void)text, (void)len, (void)arg;
}

static int check_files(struct check *c, struct config *config, struct err *e)
{
    static const struct local_events handlers = {
        .next = next_job, .output = on_output, .result = on_result};
    struct data_paths paths;
    struct engine_paths engine;
    bool interrupted = false;
    int rc = data_paths(config->data_dir, &paths, e);
    if (!rc)
        rc = engine_paths(&engine, e);
    if (rc)
        return fail(e);
    const char *tenant = config_tenant(config, "default") ? "default" : config->tenants[0].name;
    struct local_options lo = {
        .config = config,
        .paths = &paths,
        .engine = &engine,
        .tenant = tenant,
        .profile = config_tenant(config, tenant)->profile,
        .few_jobs = true,
    };
    config->pool = 1;
    rc = local_run(&lo, &handlers, c, &interrupted, e);
    return rc ? fail(e) : interrupted ? EXIT_JOB_NOT_OK : c->code;
}

static int check_command(const struct command *self, int argc, char **argv)
{
    struct check c = {.code = EXIT_OURS};
    struct config *config = NULL;
    struct err e = {0};
    struct options o = {.command = self};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "json",
                     .type = OPTION_FLAG,
                     .to = &c.json,
                     .help = "print the result of the check as JSON"},
                },
                1);
    options_add_settings(&o, &c.settings, false);
    int code = options_parse(&o, argc, argv, 1, JOB_FILES_MAX, "FILE|DIR");
    if (code == OPTIONS_GO) {
        if (settings_load(&c.settings, &config, &e)) {
            code = fail(&e);
        } else if (sources_collect(o.args, o.arg_count, &c.sources, &e)) {
            code = fail_input(&e);
        } else {
            make_job(&c);
            code = out_finish(check_files(&c, config, &e));
        }
    }
    sources_free(&c.sources);
    buf_free(&c.message);
    config_free(config);
    options_free(&o);
    return code;
}

const struct command command_check = {
    .name = "check",
    .summary = "check the types of TypeScript files, without running them",
    .usage = "FILE|DIR … [options]",
    .about = "Checks all files as one program, in a jailed process, with the types of what a job "
             "finds.\n"
             "Folders are taken whole, without node_modules and symbolic links. The nearest "
             "tsconfig.json\n"
             "counts, with what it extends: jsx and decorators, and `paths`. What is wrong is "
             "printed, a\n"
             "line for each place.",
    .exits = "0 all types are right, 1 some are not, 2 usage or input, 3 our failure",
    .example = "  isolane check job.ts\n"
               "  isolane check src/ ../shared/types.ts",
    .run = check_command,
};
