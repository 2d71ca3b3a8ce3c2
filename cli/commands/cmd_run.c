/* run: scripts without a queue. One file behaves as `node FILE` would; several, or a folder, are a
 * batch with a progress line and a table. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/client/inputs.h"
#include "cli/options.h"
#include "cli/print/progress.h"
#include "cli/source/project.h"
#include "cli/rights.h"
#include "cli/source/script.h"
#include "cli/secrets.h"
#include "cli/print/show.h"
#include "executor/local.h"

#define FILES_MAX 100000
#define FEW_FILES 16 /* below it a quick start of the zygote saves more than dearer cells cost */

struct run {
    const struct command *self;
    struct settings settings;
    struct limits limits;
    struct rights rights;
    struct permissions_asked denied; /* of every job */
    struct option_json input;
    struct option_list env, secret_options, artifact_options;
    struct inputs inputs;
    const char *artifacts_out; /* folder, NULL: none */
    struct given_secrets secrets;
    int type, language; /* indexes, -1: by the file's name */
    bool check;
    const char *main; /* of a project */
    bool json, no_bundle;
    /* the batch */
    char **files;
    size_t count, next;
    bool alone; /* one file and no --json: its output passes through */
    struct buf message;
    uint64_t ok, failed;
    int write_error; /* errno; 0: none */
    bool bad_input;
    struct progress *progress;
    struct summary *summary;
};

/* ---- which files ---- */

static int add_file(struct run *r, const char *path, struct err *e)
{
    if (r->count >= FILES_MAX)
        return err_set(e, ERR_LIMIT, "more than %d files in one batch", FILES_MAX);
    r->files = mem_grow(r->files, (r->count + 1) * sizeof *r->files);
    r->files[r->count++] = mem_strdup(path);
    return 0;
}

static int is_script(const struct dirent *d)
{
    return d->d_name[0] != '.' && script_has_extension(d->d_name);
}

/* Of a batch, only that is checked. What a project has, the job's decoder sees. */
static bool may_be_typescript(const struct run *r, const char *path)
{
    if (r->main || project_is(path))
        return true;
    return r->language >= 0 ? r->language != JOB_JAVASCRIPT
                            : job_language_of(path, strlen(path)) != JOB_JAVASCRIPT;
}

static int add_folder(struct run *r, const char *dir, struct err *e)
{
    struct dirent **found = NULL;
    int n = scandir(dir, &found, is_script, alphasort), rc = 0;
    size_t before = r->count;
    if (n < 0)
        return err_errno(e, "cannot read folder %s", dir);
    for (int i = 0; i < n; i++) {
        struct buf path = {0};
        buf_addf(&path, "%s/%s", dir, found[i]->d_name);
        if (!rc && !fs_is_folder(path.data))
            rc = add_file(r, path.data, e);
        buf_free(&path);
        free(found[i]);
    }
    free(found);
    if (!rc && r->count == before)
        rc = err_set(e, ERR_NOT_FOUND, "folder %s has no scripts (" SCRIPT_EXTENSIONS ")", dir);
    return rc;
}

static int collect(struct run *r, const struct options *o, bool *folder, struct err *e)
{
    for (int i = 0; i < o->arg_count; i++) {
        const char *path = o->args[i];
        bool is_dir = strcmp(path, "-") && fs_is_folder(path) && !r->main && !project_is(path);
        if (strcmp(path, "-") && !is_dir && access(path, R_OK))
            return err_errno(e, "cannot read %s", path);
        int rc = is_dir ? add_folder(r, path, e) : add_file(r, path, e);
        if (rc)
            return rc;
        *folder |= is_dir;
    }
    return 0;
}

/* ---- the batch ---- */

static int next_job(struct local_job *out, bool *more, struct err *e, void *arg)
{
    static char id[4 + 32 + 1];
    struct run *r = arg;
    *more = r->next < r->count;
    if (!*more)
        return 0;
    const char *path = r->files[r->next++];
    uint8_t random[16];
    crypto_random(random, sizeof random);
    memcpy(id, "run-", 4);
    crypto_hex(random, sizeof random, id + 4);
    struct script_request q = {
        .path = path,
        .main = r->main,
        .no_bundle = r->no_bundle,
        .type = r->type,
        .language = r->language,
        .check = r->check && may_be_typescript(r, path),
        .id = id,
        .input = r->input.text,
        .env = &r->env,
        .limits = &r->limits,
        .permissions = r->rights.deny.n ? &r->denied : NULL,
        .profile = rights_profile(&r->rights),
        .artifacts = r->inputs.v,
        .artifact_count = r->inputs.n,
    };
    buf_clear(&r->message);
    int rc = script_encode(&q, &r->message, e);
    r->bad_input = rc != 0;
    if (rc)
        return rc;
    *out = (struct local_job){
        .label = path,
        .id = id,
        .message = r->message.data,
        .len = r->message.len,
    };
    return 0;
}

static void write_all(struct run *r, int fd, const char *p, size_t len)
{
    while (len && !r->write_error) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno != EINTR)
            r->write_error = errno;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

static void on_output(const char *label, int stream, const char *text, size_t len, void *arg)
{
    (void)label;
    write_all(arg, stream == 1 ? STDOUT_FILENO : STDERR_FILENO, text, len);
}

/* What `node FILE` would print at the end: nothing, or the error that ended it. */
static void print_alone(struct run *run, const struct result *r, const char *json, size_t len)
{
    struct buf b = {0};
    if (r->has_error && r->outcome == OUTCOME_THREW)
        buf_addf(&b, "%s%s\n", r->error_stack ? "" : "Uncaught ",
                 r->error_stack ? r->error_stack : r->error_message);
    else if (r->has_error)
        buf_addf(&b, "isolane: %s: %s\n", outcome_name(r->outcome), r->error_message);
    write_all(run, STDERR_FILENO, b.data ? b.data : "", b.len);
    buf_free(&b);
    if (isatty(STDERR_FILENO)) {
        struct err e = {0};
        fputs("isolane: ", stderr);
        show_line(json, len, stderr, &e);
        fputc('\n', stderr);
    }
}

static void on_result(const char *label, const struct result *r, void *arg)
{
    struct run *run = arg;
    struct buf json = {0};
    struct err e = {0};
    if (r->outcome == OUTCOME_OK)
        run->ok++;
    else
        run->failed++;
    result_encode(r, &json);
    if (run->alone) {
        print_alone(run, r, json.data, json.len);
    } else if (run->json) {
        buf_addc(&json, '\n');
        write_all(run, STDOUT_FILENO, json.data, json.len);
    } else if (summary_add(run->summary, label, json.data, json.len, &e)) {
        say("%s: %s", label, e.msg);
    }
    if (!run->alone)
        progress_update(run->progress, run->count, run->ok, run->failed);
    buf_free(&json);
}

/* The user is the operator: the tenant that the scripts run as gets what is allowed here. */
static int grant(struct run *r, struct tenant *tenant, enum profile profile, struct err *e)
{
    struct permissions_asked allowed = {0};
    int rc = rights_allowed(&r->rights, &allowed, e);
    if (!rc && allowed.v.flag[PERMISSION_WASM] && !profile_table[profile].machine_code)
        rc = err_set(e, ERR_INVALID,
                     "--allow: found wasm; allowed: what profile %s has, which is no WebAssembly",
                     profile_table[profile].name);
    if (!rc)
        rights_grant(&allowed, &tenant->permissions);
    permissions_free(&allowed.v);
    return rc ? rc : rights_denied(&r->rights, &r->denied, e);
}

static int run_files(struct run *r, struct config *c, struct err *e)
{
    static const struct local_events handlers = {
        .next = next_job,
        .output = on_output,
        .result = on_result,
    };
    struct data_paths paths;
    struct engine_paths engine;
    bool interrupted = false;
    int rc = data_paths(c->data_dir, &paths, e);
    if (!rc)
        rc = engine_paths(&engine, e);
    if (rc)
        return fail(e);
    if ((int64_t)r->count < c->pool)
        c->pool = (int64_t)r->count;
    const char *name = config_tenant(c, "default") ? "default" : c->tenants[0].name;
    struct tenant *tenant = &c->tenants[config_tenant(c, name) - c->tenants];
    enum profile profile =
        r->rights.profile < 0 ? tenant->profile : (enum profile)r->rights.profile;
    rc = grant(r, tenant, profile, e);
    if (rc)
        return fail(e);
    struct local_options lo = {
        .config = c,
        .paths = &paths,
        .engine = &engine,
        .tenant = name,
        .profile = profile,
        .secrets = r->secrets.v,
        .secret_count = r->secrets.n,
        .artifacts = r->inputs.file,
        .artifact_count = r->inputs.n,
        .artifacts_out = r->artifacts_out,
        .few_jobs = r->count < FEW_FILES,
        .live_output = r->alone,
    };
    if (!r->alone)
        r->progress = progress_new(r->count);
    if (!r->alone && !r->json)
        r->summary = summary_new();
    rc = local_run(&lo, &handlers, r, &interrupted, e);
    progress_free(r->progress);
    if (r->summary)
        summary_print(r->summary, stdout);
    summary_free(r->summary);
    if (rc)
        return r->bad_input ? fail_input(e) : fail(e);
    if (r->write_error && !out_is_left()) {
        say("cannot write the output: %s", strerror(r->write_error));
        return EXIT_OURS;
    }
    if (interrupted)
        say("interrupted: %zu of %zu scripts have a result", (size_t)(r->ok + r->failed), r->count);
    return out_finish(r->failed || interrupted ? EXIT_JOB_NOT_OK : EXIT_JOB_OK);
}

static int run_command(const struct command *self, int argc, char **argv)
{
    struct run r = {.self = self, .type = -1, .language = -1, .rights = {.profile = -1}};
    struct options o = {.command = self};
    struct config *c = NULL;
    struct err e = {0};
    bool folder = false;
    options_add(
        &o,
        (const struct option_row[]){
            {.name = "input",
             .type = OPTION_JSON,
             .to = &r.input,
             .arg = "JSON|@FILE",
             .help = "what the script sees as job.input"},
            {.name = "env",
             .type = OPTION_LIST,
             .to = &r.env,
             .arg = "NAME=VALUE",
             .pairs = true,
             .help = "an entry of job.env; may be given again"},
            {.name = "secret",
             .type = OPTION_LIST,
             .to = &r.secret_options,
             .arg = "NAME=@FILE|env:VAR",
             .help = "what secrets.get(NAME) gives, masked in output; may be given again"},
            {.name = "artifact",
             .type = OPTION_LIST,
             .to = &r.artifact_options,
             .arg = "NAME=FILE",
             .help = "a file that job.artifacts.get(NAME) gives; may be given again"},
            {.name = "artifacts-out",
             .type = OPTION_TEXT,
             .to = &r.artifacts_out,
             .arg = "DIR",
             .help = "where job.artifacts.put() puts files; of one script"},
            {.name = "type",
             .type = OPTION_CHOICE,
             .to = &r.type,
             .arg = "TYPE",
             .choices = script_types,
             .help = "module or script; by the file's name when not given"},
            {.name = "main",
             .type = OPTION_TEXT,
             .to = &r.main,
             .arg = "FILE",
             .help = "of a folder: the file in it that runs (default: by package.json, index.*)"},
            {.name = "no-bundle",
             .type = OPTION_FLAG,
             .to = &r.no_bundle,
             .help = "send the files alone, without the packages they depend on"},
            {.name = "language",
             .type = OPTION_CHOICE,
             .to = &r.language,
             .arg = "LANGUAGE",
             .choices = job_language_names,
             .help = "by the file's name when not given"},
            {.name = "check",
             .type = OPTION_FLAG,
             .to = &r.check,
             .help = "TypeScript: check its types first, and do not run what is wrong"},
            {.name = "json",
             .type = OPTION_FLAG,
             .to = &r.json,
             .help = "print one result object a line"},
        },
        11);
    options_add_rights(&o, &r.rights,
                       "permit eval, wasm, sab, kv, emit, artifacts, clock_us=, net=, env=");
    options_add_limits(&o, &r.limits);
    options_add_settings(&o, &r.settings, false);
    int code = options_parse(&o, argc, argv, 1, FILES_MAX, "FILE|DIR");
    if (code != OPTIONS_GO)
        goto out;
    if (settings_load(&r.settings, &c, &e)) {
        code = fail(&e);
        goto out;
    }
    if (secrets_for_run(&r.secret_options, &r.secrets, &e) || collect(&r, &o, &folder, &e) ||
        inputs_read(&r.artifact_options, &r.inputs, &e)) {
        code = fail_input(&e);
        goto out;
    }
    if (r.artifacts_out && r.count > 1) {
        code = fail_usage(self, "--artifacts-out: found %zu scripts; allowed: one", r.count);
        goto out;
    }
    r.alone = r.count == 1 && !folder && !r.json;
    code = run_files(&r, c, &e);
out:
    for (size_t i = 0; i < r.count; i++)
        free(r.files[i]);
    free(r.files);
    secrets_release(&r.secrets);
    inputs_free(&r.inputs);
    buf_free(&r.message);
    permissions_free(&r.denied.v);
    config_free(c);
    options_free(&o);
    return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "run scripts here and now, without a queue",
    .usage = "FILE|DIR|- … [options]",
    .about =
        "Runs each script in its own jailed process, under the same budgets, with the same signed "
        "results\n"
        "as a worker (in run.db of the data folder). One file behaves as `node FILE` would: its "
        "output\n"
        "passes through as it comes. Several files, or a folder, are a batch: a table at the "
        "end.\n\n"
        "A FILE brings along the files that it imports. A DIR with a package.json, or with --main, "
        "is "
        "one\n"
        "job; one that depends on npm packages is bundled first, by the esbuild of the project or "
        "of\n"
        "the installation, from the project's node_modules.",
    .example = "  isolane run hello.js\n"
               "  isolane run check.mjs --input '{\"n\": 3}' --cpu-ms 200\n"
               "  isolane run calc.mjs --allow wasm,env=LANG\n"
               "  isolane run report/ --main src/job.mjs\n"
               "  isolane run report.mjs --artifact in.csv=data.csv --artifacts-out out/\n"
               "  isolane run examples/ --json | jq .outcome",
    .run = run_command,
};
