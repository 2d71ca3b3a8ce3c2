/* The fields "files" and "main" of a job, and what they mean together with the others. Where the
 * files are in an archive elsewhere: job_archive.c.
 *
 * How this works
 *
 * "files" is read into a list that is sorted by path and becomes one pack (base/pack.h); text is
 * taken as it is, {"base64": …} is decoded. When all fields are read, job_files_settle() finds the
 * file that runs: "main", else what package.json says, else a name from start_names, else the only
 * one there is. The hash that stands in the result for the script covers all files. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "queue/job/decoding.h"

/* In this order. */
static const char *const start_names[] = {
    "index.mjs", "index.js", "index.cjs", "index.ts", "index.mts", "index.tsx",
    "main.mjs",  "main.js",  "main.cjs",  "main.ts",  "main.mts",  "main.tsx",
};

/* Of package.json's "exports": those that an imported package is resolved by (docs/scripts.md). */
static const char *const conditions[] = {"isolane", "worker", "browser", "import", "default"};

#define EXPORTS_DEPTH 8

struct entry {
    const char *path;
    char *data;
    size_t path_len, len;
};

struct reading {
    struct decoding *d;
    struct entry *v;
    size_t n;
};

/* The path as an error shows it. */
static const char *field_of(const char *path, char out[FOUND_TEXT])
{
    return in_line(path, strlen(path), out);
}

static bool read_base64(struct reading *r, const char *path, const struct jv *v, struct entry *out)
{
    char name[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(jv_get(v, "base64"), &len);
    if (!s || jv_count(v) != 1) {
        fault_at(r->d, "files[\"%s\"]: found an object; allowed: a string, or {\"base64\": string}",
                 field_of(path, name));
        return false;
    }
    out->data = mem_alloc(len / 4 * 3 + 3);
    if (!crypto_unbase64(s, len, out->data, len / 4 * 3 + 3, &out->len)) {
        fault_at(r->d,
                 "files[\"%s\"].base64: found what is no base64; allowed: the standard alphabet "
                 "with padding, no white space",
                 field_of(path, name));
        free(out->data);
        return false;
    }
    return true;
}

static int read_file(const char *path, const struct jv *v, void *arg)
{
    struct reading *r = arg;
    struct entry f = {.path = path, .path_len = strlen(path)};
    char name[FOUND_TEXT], found[FOUND_TEXT];
    if (!pack_path_valid(path, f.path_len)) {
        fault_at(r->d,
                 "files: found the path '%s'; allowed: 1 to %d bytes, relative, parts between "
                 "single '/', none of them '.' or '..', no '\\' and no control characters",
                 field_of(path, name), PACK_PATH_MAX);
        return 1;
    }
    if (jv_type(v) == JV_STRING) {
        const char *s = jv_string(v, &f.len);
        f.data = mem_copy(s, f.len);
    } else if (jv_type(v) != JV_OBJECT) {
        fault_at(r->d, "files[\"%s\"]: found %s; allowed: a string, or {\"base64\": string}",
                 field_of(path, name), shown(v, found));
        return 1;
    } else if (!read_base64(r, path, v, &f)) {
        return 1;
    }
    r->v[r->n++] = f;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return pack_compare(x->path, x->path_len, y->path, y->path_len);
}

void read_files(struct decoding *d, const struct jv *v)
{
    struct reading r = {.d = d};
    size_t count = jv_count(v);
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "files: found %s; allowed: an object of paths", jv_type_name(v));
        return;
    }
    if (names_archive(v)) {
        read_archive(d, v);
        return;
    }
    if (count == 0 || count > JOB_FILES_MAX) {
        fault_at(d, "files: found %zu files; allowed: 1 to %d", count, JOB_FILES_MAX);
        return;
    }
    r.v = mem_alloc(count * sizeof *r.v);
    if (!jv_each(v, read_file, &r)) {
        struct buf pack = {.max = (size_t)d->config->job_max_kb * 1024 + count * 64};
        qsort(r.v, r.n, sizeof *r.v, by_path);
        for (size_t i = 0; i < r.n; i++)
            pack_add(&pack, r.v[i].path, r.v[i].path_len, r.v[i].data, r.v[i].len);
        CHECK(!pack.full); /* the message was larger */
        free(d->job->files);
        d->job->files = buf_take(&pack, &d->job->files_len);
    }
    for (size_t i = 0; i < r.n; i++)
        free(r.v[i].data);
    free(r.v);
}

/* Looking for the file that runs. */
struct search {
    const char *files;
    size_t len;
    char *main; /* JOB_NAME_MAX + 1 bytes */
};

static bool has(const struct search *s, const char *path, size_t len)
{
    struct pack_file f;
    return pack_find(s->files, s->len, path, len, &f);
}

void read_main(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (s && pack_path_valid(s, len))
        memcpy(d->job->main, s, len + 1);
    else
        fault_at(d, "main: found %s; allowed: the path of one of the files", shown(v, found));
}

/* ---- the file that runs ---- */

/* A target in package.json: "./x" or "x". */
static bool take_target(const struct search *q, const char *s, size_t len)
{
    if (len > 2 && s[0] == '.' && s[1] == '/')
        s += 2, len -= 2;
    if (!pack_path_valid(s, len) || !has(q, s, len))
        return false;
    memcpy(q->main, s, len);
    q->main[len] = 0;
    return true;
}

/* The conditions of an object stand in its own order. */
struct choosing {
    const struct search *search;
    int depth;
    bool taken;
};

static bool take_exports(const struct search *q, const struct jv *v, int depth);

static int try_condition(const char *name, const struct jv *v, void *arg)
{
    struct choosing *c = arg;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (!strcmp(name, conditions[i]))
            c->taken = take_exports(c->search, v, c->depth + 1);
    return c->taken;
}

static bool take_exports(const struct search *q, const struct jv *v, int depth)
{
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (s)
        return take_target(q, s, len);
    struct choosing c = {.search = q, .depth = depth};
    if (jv_type(v) == JV_OBJECT && depth < EXPORTS_DEPTH)
        jv_each(v, try_condition, &c);
    return c.taken;
}

static bool take_package(const struct search *q)
{
    struct pack_file f;
    struct jv *doc = NULL;
    size_t len = 0;
    if (!pack_find(q->files, q->len, "package.json", 12, &f) ||
        jv_parse(f.data, f.data_len, &doc, NULL))
        return false; /* the cell's resolver says what is wrong with it, should it be needed */
    const struct jv *exports = jv_get(doc, "exports"), *root = jv_get(exports, ".");
    const char *main = jv_string(jv_get(doc, "main"), &len);
    bool taken = take_exports(q, root ? root : exports, 0) || (main && take_target(q, main, len));
    jv_free(doc);
    return taken;
}

static bool take_start(const struct search *q)
{
    for (size_t i = 0; i < ARRAY_LEN(start_names); i++)
        if (has(q, start_names[i], strlen(start_names[i])))
            return take_target(q, start_names[i], strlen(start_names[i]));
    return false;
}

static bool take_only(const struct search *q)
{
    struct pack_file f, more;
    size_t at = 0;
    return pack_next(q->files, q->len, &at, &f) && !pack_next(q->files, q->len, &at, &more) &&
           take_target(q, f.path, f.path_len);
}

bool job_main_of(const char *files, size_t len, char main[JOB_NAME_MAX + 1])
{
    const struct search q = {files, len, main};
    return take_package(&q) || take_start(&q) || take_only(&q);
}

/* docs/protocol.md "Job": what sha256sum would print for the files, behind a line with main. */
void hash_main(struct job *j, const char *hashes, size_t len)
{
    struct buf text = {0};
    buf_addf(&text, "main  %s\n", j->main);
    buf_add(&text, hashes, len);
    crypto_sha256_hex(text.data, text.len, j->script_sha256);
    buf_free(&text);
}

static void hash_files(struct job *j)
{
    struct buf hashes = {0};
    struct pack_file f;
    char hex[SHA256_HEX];
    size_t at = 0;
    while (pack_next(j->files, j->files_len, &at, &f)) {
        crypto_sha256_hex(f.data, f.data_len, hex);
        buf_addf(&hashes, "%s  %.*s\n", hex, (int)f.path_len, f.path);
    }
    hash_main(j, hashes.data, hashes.len);
    buf_free(&hashes);
}

void find_main(struct decoding *d)
{
    struct job *j = d->job;
    struct pack_file f;
    char found[FOUND_TEXT];
    if (*j->main && !pack_find(j->files, j->files_len, j->main, strlen(j->main), &f))
        fault_at(d, "main: found \"%s\"; allowed: the path of one of the files",
                 in_line(j->main, strlen(j->main), found));
    else if (!*j->main && !job_main_of(j->files, j->files_len, j->main))
        fault_at(d, "main: missing; allowed: the path of one of the files (it may be left out with "
                    "a package.json that names one, with an index.* or main.*, and with one file)");
    memcpy(j->name, j->main, sizeof j->main);
}

void settle_files(struct decoding *d, const struct jv *doc)
{
    struct job *j = d->job;
    const char *with = jv_get(doc, "script") ? "script"
                       : jv_get(doc, "type") ? "type"
                       : jv_get(doc, "name") ? "name"
                                             : NULL;
    if (!jv_get(doc, "files")) {
        if (jv_get(doc, "main"))
            fault_at(d, "main: found without files; allowed: with files, the path of one of them");
        return;
    }
    if (with)
        fault_at(d,
                 "%s: found together with files; allowed: one file in script, or several in "
                 "files with the first of them in main",
                 with);
    if (!j->files)
        return;
    find_main(d);
    hash_files(j);
}

/* ---- the publisher's side ---- */

static void encode_bytes(struct jsonw *w, const struct pack_file *f)
{
    size_t cap = crypto_base64_len(f->data_len);
    char *text = mem_alloc(cap);
    crypto_base64(f->data, f->data_len, text, cap);
    jsonw_object(w);
    jsonw_kstr(w, "base64", text);
    jsonw_object_end(w);
    free(text);
}

void encode_files(struct jsonw *w, const struct job_request *r)
{
    struct pack_file f;
    size_t at = 0;
    if (r->main)
        jsonw_kstr(w, "main", r->main);
    jsonw_name(w, "files");
    jsonw_object(w);
    while (pack_next(r->files, r->files_len, &at, &f)) {
        jsonw_text_name(w, f.path, f.path_len);
        if (utf8_valid_prefix(f.data, f.data_len) == f.data_len)
            jsonw_string(w, f.data, f.data_len);
        else
            encode_bytes(w, &f);
    }
    jsonw_object_end(w);
}
