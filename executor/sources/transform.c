#include "executor/sources/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "results/record.h"

#define NAME_MAX_BYTES 100 /* of an error's name */
#define PLACE_MAX      INT32_MAX

enum profile transform_profile(enum transform_step s)
{
    return s == TRANSFORM_FAST ? PROFILE_TOOLCHAIN : PROFILE_TYPESCRIPT;
}

/* The job's files one after the other; a script is one of them. */
static bool next_file(const struct job *j, size_t *at, struct pack_file *f)
{
    if (j->files)
        return pack_next(j->files, j->files_len, at, f);
    if (*at > 0)
        return false;
    *at = 1;
    *f = (struct pack_file){j->name, j->script, strlen(j->name), j->script_len};
    return true;
}

static enum job_language language_of(const struct job *j, const struct pack_file *f)
{
    return j->files ? job_language_of(f->path, f->path_len) : j->language;
}

bool transform_needs_compiler(const struct job *j)
{
    struct pack_file f;
    size_t at = 0;
    while (next_file(j, &at, &f))
        if (language_of(j, &f) == JOB_TSX)
            return true;
    return false;
}

/* Others than TypeScript that a check may look into. */
static bool seen_by_check(const struct pack_file *f)
{
    static const char *const ends[] = {".d.ts", ".d.mts", ".d.cts", ".js",
                                       ".mjs",  ".cjs",   ".jsx",   ".json"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t n = strlen(ends[i]);
        if (f->path_len > n && !memcmp(f->path + f->path_len - n, ends[i], n))
            return utf8_valid_prefix(f->data, f->data_len) == f->data_len;
    }
    return false;
}

static bool takes_part(const struct job *j, enum transform_step s, const struct pack_file *f)
{
    return language_of(j, f) != JOB_JAVASCRIPT || (s == TRANSFORM_CHECK && seen_by_check(f));
}

/* A script whose language its name does not tell gets a name that does: the compiler goes by it. */
static void write_name(const struct job *j, const struct pack_file *f, struct jsonw *w)
{
    struct buf b = {0};
    buf_add(&b, f->path, f->path_len);
    if (!j->files && job_language_of(f->path, f->path_len) != j->language)
        buf_adds(&b, j->language == JOB_TSX ? ".tsx" : ".ts");
    jsonw_name(w, "name");
    jsonw_string(w, b.data, b.len);
    buf_free(&b);
}

void transform_input(const struct job *j, enum transform_step s, struct buf *out)
{
    struct jsonw w;
    struct pack_file f;
    size_t at = 0;
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_name(&w, "files");
    jsonw_array(&w);
    while (next_file(j, &at, &f)) {
        if (!takes_part(j, s, &f))
            continue;
        jsonw_object(&w);
        write_name(j, &f, &w);
        jsonw_name(&w, "text");
        jsonw_string(&w, f.data, f.data_len);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    jsonw_kbool(&w, "script", j->source == JOB_SCRIPT);
    jsonw_kbool(&w, "check", s == TRANSFORM_CHECK);
    if (s == TRANSFORM_CHECK)
        jsonw_kstr(&w, "main", j->name); /* the tsconfig.json nearest to it counts */
    if (j->typescript) {
        jsonw_name(&w, "options");
        jsonw_raw(&w, j->typescript, strlen(j->typescript));
    }
    jsonw_object_end(&w);
}

static void add_text(struct sha256 *h, const char *s, size_t len)
{
    uint64_t n = len; /* so that no two lists of texts are one text */
    crypto_sha256_add(h, &n, sizeof n);
    crypto_sha256_add(h, s, len);
}

void transform_key_of(const struct job *j, enum transform_step s, const char *version,
                      struct transform_key *out)
{
    const char *options = j->typescript ? j->typescript : "";
    const uint8_t kind[4] = {(uint8_t)s, j->source == JOB_SCRIPT, (uint8_t)j->language,
                             j->files != NULL};
    struct sha256 h;
    struct pack_file f;
    size_t at = 0;
    crypto_sha256_begin(&h);
    add_text(&h, version, strlen(version));
    add_text(&h, j->tenant, strlen(j->tenant));
    add_text(&h, options, strlen(options));
    crypto_sha256_add(&h, kind, sizeof kind);
    if (s == TRANSFORM_CHECK)
        add_text(&h, j->name, strlen(j->name));
    while (next_file(j, &at, &f)) {
        if (!takes_part(j, s, &f))
            continue;
        add_text(&h, f.path, f.path_len);
        add_text(&h, f.data, f.data_len);
    }
    crypto_sha256_end(&h, out->v);
}

/* ---- the answer ---- */

void transform_error_free(struct transform_error *x)
{
    free(x->name);
    free(x->message);
    free(x->stack);
    *x = (struct transform_error){0};
}

static char *text_of(const struct jv *v, size_t most)
{
    size_t len = 0;
    const char *s = jv_string(v, &len);
    return s ? mem_copy(s, utf8_cut(s, len, most)) : NULL;
}

static uint32_t place_of(const struct jv *v)
{
    int64_t n = 0;
    return jv_int(v, &n) && n > 0 && n <= PLACE_MAX ? (uint32_t)n : 0;
}

static enum transform_answer read_error(const struct jv *v, struct transform_error *x)
{
    x->name = text_of(jv_get(v, "name"), NAME_MAX_BYTES);
    x->message = text_of(jv_get(v, "message"), RESULT_TEXT_MAX);
    x->stack = text_of(jv_get(v, "stack"), RESULT_TEXT_MAX);
    x->line = place_of(jv_get(v, "line"));
    x->column = place_of(jv_get(v, "column"));
    if (x->name && x->message)
        return TRANSFORM_WRONG;
    transform_error_free(x);
    return TRANSFORM_NONSENSE;
}

/* One text for each of the job's TypeScript files, in their order. */
static enum transform_answer read_codes(const struct job *j, const struct jv *list,
                                        struct buf *codes)
{
    struct pack_file f;
    size_t at = 0, i = 0;
    while (next_file(j, &at, &f)) {
        if (language_of(j, &f) == JOB_JAVASCRIPT)
            continue;
        size_t len = 0;
        const char *s = jv_string(jv_get(jv_at(list, i++), "code"), &len);
        if (!s)
            return TRANSFORM_NONSENSE;
        if (j->files)
            pack_add(codes, f.path, f.path_len, s, len);
        else /* its name need not be a path */
            pack_add(codes, "script", 6, s, len);
    }
    return i == jv_count(list) && !codes->full ? TRANSFORM_DONE : TRANSFORM_NONSENSE;
}

enum transform_answer transform_read(const struct job *j, enum transform_step s, const char *json,
                                     size_t len, struct buf *codes, struct transform_error *error)
{
    struct jv *doc = NULL;
    enum transform_answer answer = TRANSFORM_NONSENSE;
    if (jv_parse(json, len, &doc, NULL))
        return TRANSFORM_NONSENSE;
    const struct jv *files = jv_get(doc, "files"), *wrong = jv_get(doc, "error");
    if (jv_type(wrong) == JV_OBJECT)
        answer = read_error(wrong, error);
    else if (s == TRANSFORM_FAST && jv_string(jv_get(doc, "needs"), NULL))
        answer = TRANSFORM_NEEDS_COMPILER;
    else if (s == TRANSFORM_CHECK && jv_type(files) == JV_ARRAY && jv_count(files) == 0)
        answer = TRANSFORM_DONE;
    else if (s != TRANSFORM_CHECK && jv_type(files) == JV_ARRAY)
        answer = read_codes(j, files, codes);
    jv_free(doc);
    return answer;
}

/* ---- the job ---- */

static bool apply_to_files(struct job *j, const char *codes, size_t len)
{
    struct buf b = {0};
    struct pack_file f, made;
    size_t at = 0, made_at = 0;
    bool whole = true;
    while (whole && pack_next(j->files, j->files_len, &at, &f)) {
        bool plain = job_language_of(f.path, f.path_len) == JOB_JAVASCRIPT;
        if (plain)
            made = f;
        else /* both are in one order */
            whole = pack_next(codes, len, &made_at, &made) &&
                    !pack_compare(made.path, made.path_len, f.path, f.path_len);
        if (whole)
            pack_add(&b, f.path, f.path_len, made.data, made.data_len);
    }
    if (!whole || made_at < len || b.full) {
        buf_free(&b);
        return false;
    }
    free(j->files);
    j->files = buf_take(&b, &j->files_len);
    return true;
}

bool transform_apply(struct job *j, const char *codes, size_t len)
{
    struct pack_file made;
    size_t count;
    if (!pack_check(codes, len, &count))
        return false;
    if (j->files)
        return apply_to_files(j, codes, len);
    size_t at = 0;
    if (count != 1 || !pack_next(codes, len, &at, &made))
        return false;
    free(j->script);
    j->script = mem_copy(made.data, made.data_len);
    j->script_len = made.data_len;
    return true;
}
