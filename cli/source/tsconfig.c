#include "cli/source/tsconfig.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"

#define FILE_MAX  ((size_t)1 << 20)
#define CHAIN_MAX 16
#define FILES_MAX 64

/* Behind a string that begins at i. */
static size_t behind_string(const char *s, size_t len, size_t i)
{
    for (i++; i < len && s[i] != '"'; i++)
        i += s[i] == '\\';
    return i < len ? i + 1 : len;
}

/* Behind blanks and comments from i on. */
static size_t behind_blanks(const char *s, size_t len, size_t i)
{
    for (;;) {
        while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n'))
            i++;
        if (i + 1 >= len || s[i] != '/')
            return i;
        if (s[i + 1] == '/') {
            while (i < len && s[i] != '\n')
                i++;
        } else if (s[i + 1] == '*') {
            const char *end = memmem(s + i + 2, len - i - 2, "*/", 2);
            i = end ? (size_t)(end - s) + 2 : len;
        } else {
            return i;
        }
    }
}

/* The same as plain JSON. Lines stay, so that an error's line is right. */
static void as_json(const char *s, size_t len, struct buf *out)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t i = len >= 3 && !memcmp(s, bom, 3) ? 3 : 0;
    while (i < len) {
        size_t next = behind_blanks(s, len, i);
        for (; i < next; i++)
            buf_addc(out, s[i] == '\n' ? '\n' : ' ');
        if (i >= len)
            return;
        next = s[i] == '"' ? behind_string(s, len, i) : i + 1;
        if (s[i] == ',') {
            size_t follows = behind_blanks(s, len, next);
            bool last = follows < len && (s[follows] == '}' || s[follows] == ']');
            buf_addc(out, last ? ' ' : ',');
        } else {
            buf_add(out, s + i, next - i);
        }
        i = next;
    }
}

/* ---- options ---- */

static const char *const names[][2] = {{"jsxFactory", "jsx_factory"},
                                       {"jsxFragmentFactory", "jsx_fragment_factory"},
                                       {"jsxImportSource", "jsx_import_source"}};

/* As far as they are known: of a file, over those that it extends. */
struct found {
    const char *jsx; /* as the job calls it; NULL: nothing is said */
    char *name[ARRAY_LEN(names)];
    bool decorators, paths;
};

static void found_free(struct found *f)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        free(f->name[i]);
}

/* An option that is null is as if no file had said anything. */
static void take_options(const struct jv *options, struct found *f)
{
    if (jv_type(options) != JV_OBJECT)
        return;
    const struct jv *v = jv_get(options, "jsx");
    const char *jsx = jv_string(v, NULL);
    if (v)
        f->jsx = !jsx                                                        ? NULL
                 : !strcmp(jsx, "react-jsx") || !strcmp(jsx, "react-jsxdev") ? "automatic"
                 : !strcmp(jsx, "react")                                     ? "classic"
                                                                             : NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(v = jv_get(options, names[i][0])))
            continue;
        const char *name = jv_string(v, NULL);
        free(f->name[i]);
        f->name[i] = name ? mem_strdup(name) : NULL;
    }
    if ((v = jv_get(options, "experimentalDecorators")))
        f->decorators = jv_is_true(v);
    if ((v = jv_get(options, "paths")))
        f->paths = jv_count(v) > 0;
}

static void tell(const struct found *f, struct tsconfig *out)
{
    struct buf typescript = {0};
    struct jsonw w;
    jsonw_init(&w, &typescript);
    jsonw_object(&w);
    if (f->jsx)
        jsonw_kstr(&w, "jsx", f->jsx);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (f->name[i])
            jsonw_kstr(&w, names[i][1], f->name[i]);
    if (f->decorators)
        jsonw_kbool(&w, "experimental_decorators", true);
    jsonw_object_end(&w);
    out->paths = f->paths;
    if (typescript.len > strlen("{}"))
        out->typescript = buf_take(&typescript, NULL);
    buf_free(&typescript);
}

static int parse(const char *text, size_t len, struct jv **doc, struct err *e)
{
    struct buf json = {0};
    as_json(text, len, &json);
    int rc = jv_parse(json.data ? json.data : "", json.len, doc, e);
    buf_free(&json);
    return rc;
}

int tsconfig_read(const char *text, size_t len, struct tsconfig *out, struct err *e)
{
    struct found f = {0};
    struct jv *doc = NULL;
    *out = (struct tsconfig){0};
    int rc = parse(text, len, &doc, e);
    if (rc)
        return rc;
    take_options(jv_get(doc, "compilerOptions"), &f);
    tell(&f, out);
    found_free(&f);
    jv_free(doc);
    return 0;
}

/* ---- extends ---- */

/* The files that are being read, each because the next one extends it. */
struct chain {
    const char *file;
    int length;
    const struct chain *by;
};

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* The path, or with ".json" behind it. */
static bool with_json(char path[PATH_MAX])
{
    if (fs_is_file(path))
        return true;
    size_t n = strlen(path);
    if (ends_in(path, ".json") || n + sizeof ".json" > PATH_MAX)
        return false;
    strcpy(path + n, ".json");
    return fs_is_file(path);
}

/* What the package's package.json calls "tsconfig", else its tsconfig.json. */
static bool of_package(const char *dir, char out[PATH_MAX])
{
    char *text = NULL;
    size_t len = 0;
    struct jv *doc = NULL;
    bool good = false;
    if (fs_path(out, PATH_MAX, NULL, "%s/package.json", dir))
        return false;
    if (fs_is_file(out) && !fs_read_file(out, FILE_MAX, &text, &len, NULL) &&
        !jv_parse(text, len, &doc, NULL)) {
        const char *named = jv_string(jv_get(doc, "tsconfig"), NULL);
        good = named && !fs_path(out, PATH_MAX, NULL, "%s/%s", dir, named) && with_json(out);
    }
    jv_free(doc);
    free(text);
    return good || (!fs_path(out, PATH_MAX, NULL, "%s/tsconfig.json", dir) && fs_is_file(out));
}

/* What a file in dir means by that name. */
static bool resolve(const char *dir, const char *name, char out[PATH_MAX])
{
    if (name[0] == '/')
        return !fs_path(out, PATH_MAX, NULL, "%s", name) && with_json(out);
    if (!strncmp(name, "./", 2) || !strncmp(name, "../", 3))
        return !fs_path(out, PATH_MAX, NULL, "%s/%s", dir, name) && with_json(out);
    for (size_t n = strlen(dir);; n--) {
        char package[PATH_MAX];
        if (fs_path(package, PATH_MAX, NULL, "%.*s/node_modules/%s", (int)n, dir, name))
            return false;
        strcpy(out, package);
        if (with_json(out) || of_package(package, out))
            return true;
        while (n > 0 && dir[n - 1] != '/')
            n--;
        if (n == 0)
            return false;
    }
}

static int load(const char *path, const struct chain *by, struct tsconfig *out, struct found *f,
                struct err *e);

static int extend_one(const struct jv *v, const struct chain *at, struct tsconfig *out,
                      struct found *f, struct err *e)
{
    char dir[PATH_MAX], path[PATH_MAX];
    const char *name = jv_string(v, NULL);
    if (!name || !*name)
        return err_set(e, ERR_INVALID,
                       "%s: extends: found %s; allowed: the path of a file, the name of a package, "
                       "or a list of them",
                       at->file, name ? "an empty text" : jv_type_name(v));
    int rc =
        fs_path(dir, sizeof dir, e, "%.*s", (int)(strrchr(at->file, '/') - at->file), at->file);
    if (rc)
        return rc;
    if (!resolve(dir, name, path))
        return err_set(e, ERR_NOT_FOUND, "%s: extends: found '%.200s'; allowed: what is there%s",
                       at->file, name,
                       strchr("./", name[0]) ? "" : " (packages have to be installed)");
    return load(path, at, out, f, e);
}

static int extend(const struct jv *v, const struct chain *at, struct tsconfig *out, struct found *f,
                  struct err *e)
{
    int rc = 0;
    if (!v || jv_type(v) != JV_ARRAY)
        return v ? extend_one(v, at, out, f, e) : 0;
    for (size_t i = 0; i < jv_count(v) && !rc; i++)
        rc = extend_one(jv_at(v, i), at, out, f, e);
    return rc;
}

static int enter(const char *path, const struct chain *by, struct tsconfig *out,
                 char real[PATH_MAX], struct err *e)
{
    if (!realpath(path, real))
        return err_errno(e, "cannot read %s", path);
    for (const struct chain *c = by; c; c = c->by)
        if (!strcmp(c->file, real))
            return err_set(e, ERR_INVALID, "%s: extends: found a circle, by way of %s", real,
                           by->file);
    if (by && by->length >= CHAIN_MAX)
        return err_set(e, ERR_INVALID, "%s: extends: found more than %d files in a chain", real,
                       CHAIN_MAX);
    if (out->file_count >= FILES_MAX)
        return err_set(e, ERR_INVALID, "%s: extends: found more than %d files in all", real,
                       FILES_MAX);
    out->files = mem_grow(out->files, (out->file_count + 1) * sizeof *out->files);
    out->files[out->file_count++] = mem_strdup(real);
    return 0;
}

/* Puts what the file says over what is found. */
static int load(const char *path, const struct chain *by, struct tsconfig *out, struct found *f,
                struct err *e)
{
    char real[PATH_MAX], *text = NULL;
    size_t len = 0;
    struct jv *doc = NULL;
    int rc = enter(path, by, out, real, e);
    if (rc)
        return rc;
    const struct chain at = {real, by ? by->length + 1 : 1, by};
    rc = fs_read_file(real, FILE_MAX, &text, &len, e);
    if (!rc && (rc = parse(text, len, &doc, e)))
        err_wrap(e, "%s", path);
    if (!rc)
        rc = extend(jv_type(doc) == JV_OBJECT ? jv_get(doc, "extends") : NULL, &at, out, f, e);
    if (!rc)
        take_options(jv_get(doc, "compilerOptions"), f);
    jv_free(doc);
    free(text);
    return rc;
}

int tsconfig_of(const char *folder, struct tsconfig *out, struct err *e)
{
    char path[PATH_MAX];
    struct found f = {0};
    *out = (struct tsconfig){0};
    int rc = fs_path(path, sizeof path, e, "%s/tsconfig.json", folder);
    if (rc || access(path, F_OK))
        return rc;
    rc = load(path, NULL, out, &f, e);
    if (rc)
        tsconfig_free(out);
    else
        tell(&f, out);
    found_free(&f);
    return rc;
}

void tsconfig_free(struct tsconfig *t)
{
    for (size_t i = 0; i < t->file_count; i++)
        free(t->files[i]);
    free(t->files);
    free(t->typescript);
    *t = (struct tsconfig){0};
}
