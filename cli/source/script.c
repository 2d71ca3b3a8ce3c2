#include "cli/source/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/source/project.h"
#include "cli/source/tar.h"
#include "queue/job/archive.h"
#include "queue/job/job.h"

const char *const script_types[] = {"module", "script", NULL};

static const char *extension(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot : "";
}

bool script_has_extension(const char *file_name)
{
    const char *x = extension(file_name);
    return !strcmp(x, ".js") || !strcmp(x, ".mjs") || !strcmp(x, ".cjs") ||
           job_language_of(file_name, strlen(file_name)) != JOB_JAVASCRIPT;
}

static int encode_env(const struct option_list *env, struct buf *out, struct err *e)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    for (int i = 0; i < env->n; i++) {
        const char *equals = strchr(env->v[i], '=');
        if (!equals || equals == env->v[i])
            return err_set(e, ERR_INVALID, "--env: found '%s'; allowed: NAME=VALUE", env->v[i]);
        char *name = mem_copy(env->v[i], (size_t)(equals - env->v[i]));
        bool plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.-") == strlen(name);
        if (plain)
            jsonw_kstr(&w, name, equals + 1);
        free(name);
        if (!plain)
            return err_set(e, ERR_INVALID,
                           "--env: found the name in '%s'; allowed: letters, digits, _ . -",
                           env->v[i]);
    }
    jsonw_object_end(&w);
    return 0;
}

/* Objects are called by what is in them: the same files are kept once. */
static int make_archive(const struct script_request *q, const struct project *p, struct err *e)
{
    struct script_archive *a = q->archive;
    a->several = p->files != NULL;
    if (!a->wanted)
        return 0;
    if (!p->files)
        return err_set(e, ERR_INVALID,
                       "--files-artifact: found one script in %s; allowed: several files", q->path);
    if (p->files_len > ARCHIVE_FILES_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%s: found %zu bytes of files; allowed: at most %zu", q->path,
                       p->files_len, ARCHIVE_FILES_BYTES_MAX);
    buf_clear(&a->tar);
    tar_write(p->files, p->files_len, &a->tar);
    crypto_sha256_hex(a->tar.data, a->tar.len, a->at.sha256);
    snprintf(a->object, sizeof a->object, "files/%s.tar", a->at.sha256);
    a->at.object = a->object;
    a->at.size = (int64_t)a->tar.len;
    return 0;
}

int script_encode(const struct script_request *q, struct buf *out, struct err *e)
{
    struct project p = {0};
    bool is_stdin = !strcmp(q->path, "-");
    struct buf env = {0};
    const struct project_request what = {.path = q->path,
                                         .main = q->main,
                                         .alone = q->type == 1 || q->language >= 0,
                                         .no_bundle = q->no_bundle};
    int rc = is_stdin ? fs_read_file(q->path, SCRIPT_FILE_MAX, &p.script, &p.script_len, e)
                      : project_load(&what, &p, e);
    size_t good = p.script ? utf8_valid_prefix(p.script, p.script_len) : 0;
    if (!rc && p.script && good != p.script_len)
        rc = err_set(e, ERR_INVALID, "%s: found invalid UTF-8 at byte %zu; allowed: UTF-8 text",
                     q->path, good);
    if (!rc && p.files && q->type >= 0)
        rc = err_set(e, ERR_INVALID,
                     "--type: found with several files; allowed: with one (--type script sends "
                     "the file alone)");
    if (!rc && p.bundled && q->check)
        rc = err_set(e, ERR_INVALID,
                     "--check: found with a project that depends on packages; allowed: without "
                     "them, or with --no-bundle");
    if (!rc && q->env && q->env->n > 0)
        rc = encode_env(q->env, &env, e);
    if (!rc && q->archive)
        rc = make_archive(q, &p, e);
    if (rc)
        goto out;
    const char *name = p.name;
    bool classic = q->type >= 0
                       ? q->type == 1
                       : !strcmp(extension(name), ".cjs") || !strcmp(extension(name), ".cts");
    struct job_request r = {
        .id = q->id,
        .name = is_stdin ? NULL : name,
        .files = p.files,
        .files_len = p.files_len,
        .archive = q->archive && q->archive->wanted ? &q->archive->at : NULL,
        .main = *p.main ? p.main : NULL,
        .language = q->language >= 0 ? job_language_names[q->language] : NULL,
        .check = q->check,
        .typescript = p.typescript,
        .source = classic ? JOB_SCRIPT : JOB_MODULE,
        .script = p.script,
        .script_len = p.script_len,
        .input = q->input,
        .env = env.data,
        .limits = *q->limits,
        .permissions = q->permissions,
        .secrets = q->secrets,
        .retry = q->retry,
        .profile = q->profile,
        .reuse = q->reuse,
        .artifacts = q->artifacts,
        .artifact_count = q->artifact_count,
    };
    job_encode(&r, out);
out:
    project_free(&p);
    buf_free(&env);
    return rc;
}
