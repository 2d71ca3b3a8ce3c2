/* How this works
 *
 * A folder is a project: all its files but node_modules and names that begin with a dot. With
 * dependencies in its package.json, or where the file that runs imports a package that is there, it
 * is bundled instead (bundle.h), and then one script is sent. What a tsconfig.json beside it says
 * of JSX and decorators goes with the job; one whose `paths` an import needs is esbuild's to
 * follow.
 *
 * A file is looked through for what it imports (imports.h): files beside it that are there come
 * along, and so on from those; the folder that paths count from is that of the nearest
 * package.json, else the file's own. Where one of them names a package that a node_modules has, the
 * file is bundled. What is not found is left to the cell, whose error says who wanted what. */
#include "cli/source/project.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "cli/source/bundle.h"
#include "cli/source/imports.h"
#include "cli/source/script.h"
#include "cli/source/tsconfig.h"

#define DEPTH_MAX 32
#define MANIFEST  "package.json"

struct entry {
    char *path; /* in the project */
    char *data;
    size_t len;
};

struct files {
    const char *root;
    struct entry *v;
    size_t n, bytes;
    bool packages; /* one of them imports a package that is there */
    bool unknown;  /* one of them imports a name that no package has */
};

static void free_files(struct files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->v[i].path);
        free(f->v[i].data);
    }
    free(f->v);
}

static bool have(const struct files *f, const char *path)
{
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->v[i].path, path))
            return true;
    return false;
}

/* A path of the job as one of this process: what messages say, so as short as it was given. */
static int below_root(const struct files *f, const char *path, char out[PATH_MAX], struct err *e)
{
    return !strcmp(f->root, ".") ? fs_path(out, PATH_MAX, e, "%s", path)
                                 : fs_path(out, PATH_MAX, e, "%s/%s", f->root, path);
}

static int add(struct files *f, const char *path, struct err *e)
{
    char whole[PATH_MAX];
    struct entry x = {0};
    if (!pack_path_valid(path, strlen(path)) ||
        utf8_valid_prefix(path, strlen(path)) != strlen(path))
        return err_set(e, ERR_INVALID,
                       "%s/%s: a job's file cannot have this name: allowed are 1 to %d bytes of "
                       "UTF-8 without control characters and '\\'",
                       f->root, path, PACK_PATH_MAX);
    if (f->n >= JOB_FILES_MAX)
        return err_set(e, ERR_LIMIT,
                       "%s has more than %d files: give the one that runs, and what it "
                       "imports comes along",
                       f->root, JOB_FILES_MAX);
    int rc = below_root(f, path, whole, e);
    if (!rc)
        rc = fs_read_file(whole, SCRIPT_FILE_MAX, &x.data, &x.len, e);
    if (rc)
        return rc;
    x.path = mem_strdup(path);
    f->v = mem_grow(f->v, (f->n + 1) * sizeof *f->v);
    f->v[f->n++] = x;
    f->bytes += x.len;
    if (f->bytes > SCRIPT_FILE_MAX)
        return err_set(e, ERR_LIMIT, "the files of %s have more than %zu bytes", f->root,
                       SCRIPT_FILE_MAX);
    return 0;
}

/* ---- a folder ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_sent(const struct dirent *d)
{
    return d->d_name[0] != '.' && strcmp(d->d_name, "node_modules") != 0;
}

static int add_folder(struct files *f, const char *below, int depth, struct err *e)
{
    char dir[PATH_MAX];
    struct dirent **found = NULL;
    int rc = fs_path(dir, sizeof dir, e, "%s%s%s", f->root, *below ? "/" : "", below);
    if (!rc && depth > DEPTH_MAX)
        rc = err_set(e, ERR_LIMIT, "%s: more than %d folders in one another", dir, DEPTH_MAX);
    int n = rc ? 0 : scandir(dir, &found, is_sent, by_name);
    if (n < 0)
        rc = err_errno(e, "cannot read folder %s", dir);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX], whole[PATH_MAX];
        struct stat st = {0};
        if (!rc)
            rc =
                fs_path(path, sizeof path, e, "%s%s%s", below, *below ? "/" : "", found[i]->d_name);
        if (!rc)
            rc = below_root(f, path, whole, e);
        /* Links are left out: they can lead anywhere. */
        if (!rc && lstat(whole, &st) == 0 && S_ISDIR(st.st_mode))
            rc = add_folder(f, path, depth + 1, e);
        else if (!rc && S_ISREG(st.st_mode))
            rc = add(f, path, e);
        free(found[i]);
    }
    free(found);
    return rc;
}

/* ---- a file and what it imports ---- */

/* "a/b" and "../x" → "a/x"; false when it leads out of the project. */
static bool join(const char *from, const struct import_found *name, char out[PATH_MAX])
{
    const char *slash = strrchr(from, '/');
    size_t n = slash ? (size_t)(slash - from) : 0, end = name->len;
    memcpy(out, from, n);
    for (size_t i = 0; i < end; i++) /* ?query and #hash are no part of the file's name */
        if (name->name[i] == '?' || name->name[i] == '#')
            end = i;
    for (size_t i = 0; i < end;) {
        const char *part = name->name + i, *next = memchr(part, '/', end - i);
        size_t len = next ? (size_t)(next - part) : end - i;
        i += len + 1;
        if (len == 0 || (len == 1 && *part == '.'))
            continue;
        if (len == 2 && !memcmp(part, "..", 2)) {
            if (n == 0)
                return false;
            while (n > 0 && out[n - 1] != '/')
                n--;
            n -= n > 0;
            continue;
        }
        if (n + 1 + len >= PATH_MAX)
            return false;
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, part, len);
        n += len;
    }
    out[n] = 0;
    return n > 0;
}

/* As the cell's resolver finds it: the name, or with an extension, or a folder's index. */
static int add_import(struct files *f, const char *from, const struct import_found *name,
                      struct err *e)
{
    static const char *const tails[] = {
        "",     ".js",  ".mjs",          ".cjs",      ".json",      ".ts",      ".mts",
        ".cts", ".tsx", "/package.json", "/index.js", "/index.mjs", "/index.ts"};
    static const char *const sources[][2] = {
        {".js", ".ts"}, {".js", ".tsx"}, {".mjs", ".mts"}, {".cjs", ".cts"}};
    char path[PATH_MAX], tried[PATH_MAX], whole[PATH_MAX];
    if (!join(from, name, path))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(tails) + ARRAY_LEN(sources); i++) {
        const char *const *pair = i < ARRAY_LEN(tails) ? NULL : sources[i - ARRAY_LEN(tails)];
        size_t n = strlen(path), cut = pair ? strlen(pair[0]) : 0;
        if (pair && (n <= cut || strcmp(path + n - cut, pair[0]) != 0))
            continue;
        if (fs_path(tried, sizeof tried, e, "%.*s%s", (int)(n - cut), path,
                    pair ? pair[1] : tails[i]) ||
            below_root(f, tried, whole, e) || !fs_is_file(whole) || have(f, tried))
            continue;
        int rc = add(f, tried, e);
        if (rc)
            return rc;
    }
    return 0;
}

/* Is there a node_modules with the package, here or above? */
static bool package_is_there(const char *root, const struct import_found *name)
{
    char dir[PATH_MAX], path[PATH_MAX];
    struct err e;
    const char *slash = memchr(name->name, '/', name->len);
    if (slash && name->name[0] == '@')
        slash = memchr(slash + 1, '/', name->len - (size_t)(slash + 1 - name->name));
    int n = (int)(slash ? (size_t)(slash - name->name) : name->len);
    if (!realpath(root, dir))
        return false;
    for (char *up = dir + strlen(dir); up; up = strrchr(dir, '/')) {
        *up = 0;
        if (!fs_path(path, sizeof path, &e, "%s/node_modules/%.*s", dir, n, name->name) &&
            fs_is_folder(path))
            return true;
    }
    return false;
}

static int follow_imports(struct files *f, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < f->n; i++) {
        struct import_found name;
        size_t at = 0;
        if (!script_has_extension(f->v[i].path))
            continue;
        while (!rc && import_next(f->v[i].data, f->v[i].len, &at, &name)) {
            if (name.name[0] == '.' || name.name[0] == '/')
                rc = add_import(f, name.name[0] == '/' ? "" : f->v[i].path, &name, e);
            else if (name.name[0] != '#' && !memchr(name.name, ':', name.len) && !f->packages)
                *(package_is_there(f->root, &name) ? &f->packages : &f->unknown) = true;
        }
    }
    return rc;
}

/* The folder that the file's path counts from, and that path: root and rest share `path`. */
static void split(char *path, const char **root, const char **rest)
{
    char *slash = strrchr(path, '/');
    static const char here[] = ".";
    *root = slash ? path : here;
    *rest = slash ? slash + 1 : path;
    if (!slash)
        return;
    for (char *up = slash; up; up = memrchr(path, '/', (size_t)(up - path))) {
        char manifest[PATH_MAX];
        struct err e;
        if (fs_path(manifest, sizeof manifest, &e, "%.*s/" MANIFEST, (int)(up - path), path))
            return;
        if (fs_is_file(manifest)) {
            *up = 0;
            *rest = up + 1;
            return;
        }
    }
    *slash = 0;
}

/* ---- packages ---- */

static bool has_dependencies(const struct files *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        struct jv *doc = NULL;
        if (strcmp(f->v[i].path, MANIFEST) || jv_parse(f->v[i].data, f->v[i].len, &doc, NULL))
            continue;
        const struct jv *list = jv_get(doc, "dependencies");
        any = jv_type(list) == JV_OBJECT && jv_count(list) > 0;
        jv_free(doc);
    }
    return any;
}

static int by_path(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static void pack(struct files *f, struct buf *out)
{
    qsort(f->v, f->n, sizeof *f->v, by_path);
    out->max = f->bytes + f->n * (PACK_PATH_MAX + 64);
    for (size_t i = 0; i < f->n; i++)
        pack_add(out, f->v[i].path, strlen(f->v[i].path), f->v[i].data, f->v[i].len);
}

/* "src/job.ts" → "job.mjs": the bundle is a module in JavaScript. */
static void bundle_name(const char *main, char out[JOB_NAME_MAX + 1])
{
    const char *slash = strrchr(main, '/'), *base = slash ? slash + 1 : main;
    const char *dot = strrchr(base, '.');
    size_t n =
        utf8_cut(base, dot && dot > base ? (size_t)(dot - base) : strlen(base), JOB_NAME_MAX - 4);
    memcpy(out, base, n);
    strcpy(out + n, ".mjs");
}

/* Does the file that runs, or what it imports, name a package that is there, or what tsconfig.json
 * maps to a file? */
static int imports_packages(const struct files *f, const char *main, const struct tsconfig *ts,
                            bool *any, struct err *e)
{
    struct files seen = {.root = f->root};
    int rc = add(&seen, main, e);
    if (!rc)
        rc = follow_imports(&seen, e);
    *any = seen.packages || (seen.unknown && ts->paths);
    free_files(&seen);
    return rc;
}

static bool any_typescript(const struct files *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (job_language_of(f->v[i].path, strlen(f->v[i].path)) != JOB_JAVASCRIPT)
            return true;
    return false;
}

static int as_bundle(const struct files *f, const char *main, struct project *out, struct err *e)
{
    bundle_name(main, out->name);
    out->bundled = true;
    return bundle(f->root, main, &out->script, &out->script_len, e);
}

static int load_folder(const struct project_request *q, const char *root, struct project *out,
                       struct err *e)
{
    struct files f = {.root = root};
    struct buf packed = {0};
    struct tsconfig ts = {0};
    int rc = add_folder(&f, "", 0, e);
    if (!rc && f.n == 0)
        rc = err_set(e, ERR_NOT_FOUND, "folder %s has no files", root);
    if (!rc && q->main && !have(&f, q->main))
        rc = err_set(e, ERR_NOT_FOUND, "--main: found '%s'; allowed: the path of a file in %s",
                     q->main, root);
    if (rc)
        goto out;
    pack(&f, &packed);
    if (q->main)
        snprintf(out->main, sizeof out->main, "%s", q->main);
    else if (!job_main_of(packed.data, packed.len, out->main)) {
        rc = err_set(e, ERR_NOT_FOUND,
                     "%s: nothing says which file runs: give --main FILE, or a package.json with "
                     "\"main\", or an index.* or main.*",
                     root);
        goto out;
    }
    bool packages = !q->no_bundle && has_dependencies(&f);
    rc = any_typescript(&f) ? tsconfig_of(root, &ts, e) : 0;
    if (!rc && !q->no_bundle && !packages)
        rc = imports_packages(&f, out->main, &ts, &packages, e);
    if (rc)
        goto out;
    if (packages) {
        rc = as_bundle(&f, out->main, out, e);
        goto out;
    }
    out->files = buf_take(&packed, &out->files_len);
    out->typescript = ts.typescript;
    ts.typescript = NULL;
out:
    tsconfig_free(&ts);
    buf_free(&packed);
    free_files(&f);
    return rc;
}

/* A .cjs file is a classic script when it is one: nothing in it is CommonJS. */
static bool is_commonjs(const struct entry *x)
{
    static const char *const signs[] = {"require(", "module.exports", "exports."};
    size_t n = strlen(x->path);
    bool named = n > 4 && (!strcmp(x->path + n - 4, ".cjs") || !strcmp(x->path + n - 4, ".cts"));
    for (size_t i = 0; named && i < ARRAY_LEN(signs); i++)
        if (memmem(x->data, x->len, signs[i], strlen(signs[i])))
            return true;
    return false;
}

static int load_file(const struct project_request *q, struct project *out, struct err *e)
{
    char path[PATH_MAX];
    const char *rest;
    struct files f = {0};
    struct buf packed = {0};
    struct tsconfig ts = {0};
    int rc = fs_path(path, sizeof path, e, "%s", q->path);
    if (rc)
        return rc;
    split(path, &f.root, &rest);
    rc = add(&f, rest, e);
    if (!rc && !q->alone)
        rc = follow_imports(&f, e);
    if (!rc && !q->alone && any_typescript(&f))
        rc = tsconfig_of(f.root, &ts, e);
    if (rc)
        goto out;
    if ((f.packages || (f.unknown && ts.paths)) && !q->no_bundle) {
        rc = as_bundle(&f, rest, out, e);
        goto out;
    }
    out->typescript = ts.typescript;
    ts.typescript = NULL;
    if (f.n == 1 && (q->alone || !is_commonjs(&f.v[0]))) {
        const char *slash = strrchr(rest, '/'), *name = slash ? slash + 1 : rest;
        size_t n = utf8_cut(name, strlen(name), JOB_NAME_MAX);
        memcpy(out->name, name, n);
        out->script = f.v[0].data;
        out->script_len = f.v[0].len;
        f.v[0].data = NULL;
    } else {
        struct err none;
        char manifest[PATH_MAX];
        snprintf(out->main, sizeof out->main, "%s", rest);
        if (!have(&f, MANIFEST) &&
            !fs_path(manifest, sizeof manifest, &none, "%s/" MANIFEST, f.root) &&
            fs_is_file(manifest)) /* says what .js files are */
            rc = add(&f, MANIFEST, e);
        pack(&f, &packed);
        if (!rc)
            out->files = buf_take(&packed, &out->files_len);
    }
out:
    tsconfig_free(&ts);
    buf_free(&packed);
    free_files(&f);
    return rc;
}

/* ---- the door ---- */

static bool is_manifest(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !strcmp(slash ? slash + 1 : path, MANIFEST) && fs_is_file(path);
}

bool project_is(const char *path)
{
    char manifest[PATH_MAX];
    struct err e;
    return is_manifest(path) ||
           (fs_is_folder(path) && !fs_path(manifest, sizeof manifest, &e, "%s/" MANIFEST, path) &&
            fs_is_file(manifest));
}

int project_load(const struct project_request *q, struct project *out, struct err *e)
{
    char root[PATH_MAX];
    *out = (struct project){0};
    int rc = fs_path(root, sizeof root, e, "%s", q->path);
    if (rc)
        return rc;
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        root[--n] = 0;
    if (is_manifest(root)) {
        char *slash = strrchr(root, '/');
        if (slash && slash != root)
            *slash = 0;
        else
            strcpy(root, slash ? "/" : ".");
        return load_folder(q, root, out, e);
    }
    if (fs_is_folder(root))
        return load_folder(q, root, out, e);
    if (q->main)
        return err_set(e, ERR_INVALID, "--main: found with the file %s; allowed: with a folder",
                       q->path);
    return load_file(q, out, e);
}

void project_free(struct project *p)
{
    free(p->script);
    free(p->files);
    free(p->typescript);
    *p = (struct project){0};
}
