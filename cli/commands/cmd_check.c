/* check: the types of TypeScript files, by the compiler that a worker has for `check: true`.
 *
 * How this works: the files become one job, checked before it would run; what would run is an empty
 * file beside them. So they are one program, as a job of several files is one. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/source/script.h"
#include "cli/source/tsconfig.h"
#include "executor/local.h"

#define NOTHING_TO_RUN "isolane:check.ts"
#define DEPTH_MAX      32 /* of folders in folders */

struct source {
    char *path; /* as the job has it */
    char *text;
    size_t len;
};

struct check {
    struct settings settings;
    bool json;
    struct source *v;
    size_t n;
    bool any_typescript;
    struct tsconfig tsconfig; /* of the first folder that has one */
    struct buf message;
    char id[40];
    bool handed_out;
    int code;
};

/* ---- which files ---- */

/* The path from here, without "./": what the job and its errors call it. */
static int name_in_job(const char *path, const char **out, struct err *e)
{
    while (path[0] == '.' && path[1] == '/')
        for (path += 2; *path == '/';)
            path++;
    *out = path;
    if (!pack_path_valid(path, strlen(path)))
        return err_set(e, ERR_INVALID,
                       "%s: found a path that is not below the current folder; allowed: relative "
                       "paths without '..', of at most %d bytes",
                       path, PACK_PATH_MAX);
    return 0;
}

static int add_file(struct check *c, const char *path, struct err *e)
{
    struct source s = {0};
    const char *name;
    int rc = name_in_job(path, &name, e);
    if (!rc && c->n >= JOB_FILES_MAX - 1)
        rc = err_set(e, ERR_LIMIT, "more than %d files in one check", JOB_FILES_MAX - 1);
    if (!rc)
        rc = fs_read_file(path, SCRIPT_FILE_MAX, &s.text, &s.len, e);
    if (rc)
        return rc;
    if (utf8_valid_prefix(s.text, s.len) != s.len) {
        free(s.text);
        return err_set(e, ERR_INVALID, "%s: found invalid UTF-8; allowed: UTF-8 text", path);
    }
    s.path = mem_strdup(name);
    c->any_typescript |= job_language_of(name, strlen(name)) != JOB_JAVASCRIPT;
    c->v = mem_grow(c->v, (c->n + 1) * sizeof *c->v);
    c->v[c->n++] = s;
    return 0;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

/* What a check may look into. */
static bool is_source(const char *name)
{
    return script_has_extension(name) || ends_in(name, ".d.ts") || ends_in(name, ".d.mts") ||
           ends_in(name, ".d.cts") || ends_in(name, ".jsx") || ends_in(name, ".json");
}

static int is_wanted(const struct dirent *d)
{
    return d->d_name[0] != '.' && strcmp(d->d_name, "node_modules") != 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_folder(struct check *c, const char *dir, int depth, struct err *e)
{
    struct dirent **found = NULL;
    int n = depth > DEPTH_MAX ? (errno = ELOOP, -1) : scandir(dir, &found, is_wanted, alphasort);
    if (n < 0)
        return err_errno(e, "cannot read folder %s", dir);
    int rc = 0;
    for (int i = 0; i < n; i++) {
        struct buf path = {0};
        if (!strcmp(dir, "."))
            buf_adds(&path, found[i]->d_name);
        else
            buf_addf(&path, "%s/%s", dir, found[i]->d_name);
        if (!rc && is_folder(path.data))
            rc = add_folder(c, path.data, depth + 1, e);
        else if (!rc && is_source(path.data))
            rc = add_file(c, path.data, e);
        buf_free(&path);
        free(found[i]);
    }
    free(found);
    return rc;
}

static int collect(struct check *c, const struct options *o, struct err *e)
{
    int rc = 0;
    for (int i = 0; i < o->arg_count && !rc; i++) {
        char path[PATH_MAX];
        rc = fs_path(path, sizeof path, e, "%s", o->args[i]);
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
            path[n - 1] = '\0';
        if (!rc)
            rc = is_folder(path) ? add_folder(c, path, 0, e) : add_file(c, path, e);
        if (!rc && !c->tsconfig.typescript && is_folder(path))
            rc = tsconfig_of(path, &c->tsconfig, e);
    }
    if (!rc && !c->any_typescript)
        rc = err_set(e, ERR_NOT_FOUND, "no TypeScript among these files (.ts, .mts, .cts, .tsx)");
    return rc;
}

/* ---- the job ---- */

static int by_path(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    return pack_compare(x->path, strlen(x->path), y->path, strlen(y->path));
}

static void make_job(struct check *c)
{
    struct buf pack = {.max = SCRIPT_FILE_MAX};
    uint8_t random[16];
    c->v = mem_grow(c->v, (c->n + 1) * sizeof *c->v);
    c->v[c->n++] = (struct source){mem_strdup(NOTHING_TO_RUN), mem_strdup("export {};\n"), 11};
    qsort(c->v, c->n, sizeof *c->v, by_path);
    for (size_t i = 0; i < c->n; i++)
        if (i == 0 || strcmp(c->v[i].path, c->v[i - 1].path) != 0) /* named twice: once */
            pack_add(&pack, c->v[i].path, strlen(c->v[i].path), c->v[i].text, c->v[i].len);
    crypto_random(random, sizeof random);
    memcpy(c->id, "check-", 6);
    crypto_hex(random, sizeof random, c->id + 6);
    const struct job_request r = {
        .id = c->id,
        .files = pack.data,
        .files_len = pack.len,
        .main = NOTHING_TO_RUN,
        .check = true,
        .typescript = c->tsconfig.typescript,
    };
    job_encode(&r, &c->message);
    buf_free(&pack);
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
        puts(r->error_message);
    } else if (wrong) {
        puts(r->error_stack ? r->error_stack : r->error_message);
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
        } else if (collect(&c, &o, &e)) {
            code = fail_input(&e);
        } else {
            make_job(&c);
            code = out_finish(check_files(&c, config, &e));
        }
    }
    for (size_t i = 0; i < c.n; i++) {
        free(c.v[i].path);
        free(c.v[i].text);
    }
    free(c.v);
    free(c.tsconfig.typescript);
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
             "Folders are taken whole, without node_modules. What is wrong is printed, a line for "
             "each place.",
    .exits = "0 all types are right, 1 some are not, 2 usage or input, 3 our failure",
    .example = "  isolane check job.ts\n"
               "  isolane check src/",
    .run = check_command,
};
