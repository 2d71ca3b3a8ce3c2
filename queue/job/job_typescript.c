/* The fields "language", "check" and "typescript" of a job, and what they mean together with its
 * files and its tenant. What language a file is in stands in its name; a script that has none may
 * say so in "language". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "queue/job/decoding.h"

const char *const job_language_names[] = {"javascript", "typescript", "tsx", NULL};

static const struct {
    const char *end;
    enum job_language language;
    bool plain; /* JavaScript, which strict_ts refuses */
} endings[] = {
    {".d.ts", JOB_JAVASCRIPT, false}, /* declarations: nothing of them runs */
    {".d.mts", JOB_JAVASCRIPT, false}, {".d.cts", JOB_JAVASCRIPT, false},
    {".ts", JOB_TYPESCRIPT, false},    {".mts", JOB_TYPESCRIPT, false},
    {".cts", JOB_TYPESCRIPT, false},   {".tsx", JOB_TSX, false},
    {".js", JOB_JAVASCRIPT, true},     {".mjs", JOB_JAVASCRIPT, true},
    {".cjs", JOB_JAVASCRIPT, true},    {".jsx", JOB_JAVASCRIPT, true},
};

static int ending_of(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t n = strlen(endings[i].end);
        if (len > n && !memcmp(name + len - n, endings[i].end, n))
            return (int)i;
    }
    return -1;
}

enum job_language job_language_of(const char *name, size_t len)
{
    int i = ending_of(name, len);
    return i < 0 ? JOB_JAVASCRIPT : endings[i].language;
}

void read_language(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    for (int i = 0; s && job_language_names[i]; i++)
        if (!strcmp(s, job_language_names[i])) {
            d->job->language = (enum job_language)i;
            d->language_given = true;
            return;
        }
    fault_at(d, "language: found %s; allowed: \"javascript\", \"typescript\", \"tsx\"",
             shown(v, found));
}

void read_check(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    if (jv_type(v) != JV_BOOL)
        fault_at(d, "check: found %s; allowed: true, false", shown(v, found));
    d->job->check = jv_is_true(v);
}

/* ---- the field "typescript" ---- */

#define NAME_TEXT_MAX 128

/* Dotted names as h, React.createElement; and of a package, which may have '@' and '/'. */
static bool plain_name(const char *s, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '$' || c == '.';
        if (!word && (!c || !strchr(more, c)))
            return false;
    }
    return len > 0 && len <= NAME_TEXT_MAX;
}

static const struct {
    const char *name, *more; /* more: characters beyond those of a dotted name; NULL: no name */
    const char *allowed;
} options[] = {
    {"jsx", NULL, "\"classic\", \"automatic\""},
    {"jsx_factory", "", "a name as h or React.createElement"},
    {"jsx_fragment_factory", "", "a name as Fragment or React.Fragment"},
    {"jsx_import_source", "@/-", "the name of a package"},
    {"experimental_decorators", NULL, "true, false"},
};

static int read_option(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    char found[FOUND_TEXT];
    struct nearest n = {.word = name};
    size_t len = 0;
    const char *s = jv_string(v, &len);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        nearest_try(&n, options[i].name);
        if (strcmp(name, options[i].name) != 0)
            continue;
        bool good = options[i].more ? s && plain_name(s, len, options[i].more)
                    : i == 0        ? s && (!strcmp(s, "classic") || !strcmp(s, "automatic"))
                                    : jv_type(v) == JV_BOOL;
        if (!good)
            fault_at(d, "typescript.%s: found %s; allowed: %s", name, shown(v, found),
                     options[i].allowed);
        return 0;
    }
    fault_at(d,
             "typescript: unknown field '%s'; allowed: jsx, jsx_factory, jsx_fragment_factory, "
             "jsx_import_source, experimental_decorators%s%s%s",
             in_line(name, strlen(name), found), n.best ? "; did you mean '" : "",
             n.best ? n.best : "", n.best ? "'?" : "");
    return 0;
}

void read_typescript(struct decoding *d, const struct jv *v)
{
    struct buf b = {0};
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "typescript: found %s; allowed: an object", jv_type_name(v));
        return;
    }
    jv_each(v, read_option, d);
    jv_dump(v, &b);
    free(d->job->typescript);
    d->job->typescript = buf_take(&b, NULL);
}

/* ---- all together ---- */

static bool of_package(const struct pack_file *f)
{
    static const char folder[] = "node_modules/";
    size_t n = sizeof folder - 1;
    if (f->path_len > n && !memcmp(f->path, folder, n))
        return true;
    for (size_t i = 0; i + n + 1 < f->path_len; i++)
        if (!memcmp(f->path + i, "/node_modules/", n + 1))
            return true;
    return false;
}

/* A package's files come compiled; strict_ts is about what its tenant wrote. */
static void refuse_plain(struct decoding *d)
{
    const struct job *j = d->job;
    struct pack_file f;
    size_t at = 0;
    char shown_path[FOUND_TEXT];
    if (!j->files && j->language == JOB_JAVASCRIPT)
        fault_at(d,
                 "language: found \"javascript\"; allowed: \"typescript\", \"tsx\", or a name that "
                 "ends in .ts, .mts, .cts or .tsx (strict_ts of tenant '%s')",
                 d->tenant->name);
    while (j->files && pack_next(j->files, j->files_len, &at, &f)) {
        int i = ending_of(f.path, f.path_len);
        if (i >= 0 && endings[i].plain && !of_package(&f))
            fault_at(d,
                     "files[\"%s\"]: found JavaScript; allowed: .ts, .mts, .cts, .tsx (strict_ts "
                     "of tenant '%s')",
                     in_line(f.path, f.path_len, shown_path), d->tenant->name);
    }
}

/* Bytes that will be transformed; a file of them that is no text is a fault. */
static size_t source_bytes(struct decoding *d)
{
    const struct job *j = d->job;
    struct pack_file f;
    size_t at = 0, sum = j->files || j->language == JOB_JAVASCRIPT ? 0 : j->script_len;
    char shown_path[FOUND_TEXT];
    while (j->files && pack_next(j->files, j->files_len, &at, &f)) {
        if (job_language_of(f.path, f.path_len) == JOB_JAVASCRIPT)
            continue;
        sum += f.data_len;
        size_t good = utf8_valid_prefix(f.data, f.data_len);
        if (good < f.data_len)
            fault_at(d, "files[\"%s\"]: found invalid UTF-8 at byte %zu; allowed: TypeScript text",
                     in_line(f.path, f.path_len, shown_path), good);
    }
    return sum;
}

void settle_language(struct decoding *d)
{
    struct job *j = d->job;
    if ((j->files || j->archive) && d->language_given)
        fault_at(d, "language: found together with files; allowed: with a script (the names of "
                    "files tell theirs)");
    if (job_wants_files(j))
        return; /* job_take_files() comes back */
    if (j->files || !d->language_given)
        j->language = job_language_of(j->name, strlen(j->name));
    size_t bytes = source_bytes(d);
    j->transforms = bytes > 0;
    if (bytes > JOB_TYPESCRIPT_MAX)
        fault_at(d, "%s: found %zu bytes of TypeScript; allowed: at most %zu",
                 j->files ? "files" : "script", bytes, JOB_TYPESCRIPT_MAX);
    if (j->check && !j->transforms)
        fault_at(d, "check: found true; allowed: with TypeScript (a name that ends in .ts, .mts, "
                    ".cts or .tsx, or language \"typescript\")");
    if (d->tenant && d->tenant->strict_ts)
        refuse_plain(d);
}

void encode_typescript(struct jsonw *w, const struct job_request *r)
{
    if (r->language && !r->files && !r->archive)
        jsonw_kstr(w, "language", r->language);
    if (r->check)
        jsonw_kbool(w, "check", true);
    if (r->typescript) {
        jsonw_name(w, "typescript");
        jsonw_raw(w, r->typescript, strlen(r->typescript));
    }
}
