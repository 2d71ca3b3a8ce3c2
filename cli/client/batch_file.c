#include "cli/client/batch_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/jv.h"
#include "base/mem.h"
#include "executor/cluster/batches.h"

#define ID_HEX 16

struct batch_file {
    FILE *in;
    const char *path;
    size_t line_max;
    int64_t line, jobs; /* numbers of the last */
    const struct batch_file_facts *facts;
    struct buf text;
};

/* One line without its end into f->text. 1, 0: no more, or <0. */
static int read_line(struct batch_file *f, struct sha256 *h, struct err *e)
{
    char piece[8192];
    buf_clear(&f->text);
    f->line++;
    while (fgets(piece, sizeof piece, f->in)) {
        size_t n = strlen(piece);
        bool whole = n && piece[n - 1] == '\n';
        if (h)
            crypto_sha256_add(h, piece, n);
        buf_add(&f->text, piece, n - whole);
        if (f->text.len > f->line_max)
            return err_set(e, ERR_INVALID,
                           "%s:%" PRId64 ": found more than %zu bytes; allowed: at "
                           "most that (job_max_kb)",
                           f->path, f->line, f->line_max);
        if (whole)
            return 1;
        if (n < sizeof piece - 1 && !feof(f->in))
            return err_set(e, ERR_INVALID,
                           "%s:%" PRId64 ": found a NUL byte; allowed: a JSON "
                           "object",
                           f->path, f->line);
    }
    if (ferror(f->in))
        return err_set(e, ERR_IO, "cannot read %s: %s", f->path, strerror(errno));
    return f->text.len > 0;
}

static bool is_blank(const struct buf *b)
{
    return !b->len || strspn(b->data, " \t\r") == b->len;
}

static int next_line(struct batch_file *f, struct sha256 *h, struct err *e)
{
    int rc;
    while ((rc = read_line(f, h, e)) == 1 && is_blank(&f->text))
        ;
    if (rc == 1)
        f->jobs++;
    return rc;
}

static int open_file(const char *path, size_t line_max, struct batch_file *f, struct err *e)
{
    struct stat st;
    *f = (struct batch_file){.path = path, .line_max = line_max};
    f->in = fopen(path, "re");
    if (!f->in || fstat(fileno(f->in), &st))
        return err_set(e, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID,
                       "%s is no file: it is read twice, so that nothing is published of one with "
                       "a wrong line",
                       path);
    return 0;
}

/* ---- the check ---- */

/* Ids of their own are told apart by a hash of 64 bits. */
struct own_ids {
    uint64_t *v;
    size_t n, cap;
};

static void note_id(struct own_ids *ids, const char *id)
{
    uint8_t hash[SHA256_LEN];
    crypto_sha256(id, strlen(id), hash);
    if (ids->n == ids->cap) {
        ids->cap = ids->cap ? 2 * ids->cap : 1024;
        ids->v = mem_grow(ids->v, ids->cap * sizeof *ids->v);
    }
    memcpy(&ids->v[ids->n++], hash, sizeof *ids->v);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* "<batch>.<name>", and a name of digits only where it is the one that would be given. */
static bool id_fits(const char *id, size_t len, const char *batch, int64_t number)
{
    size_t n = strlen(batch);
    if (!job_id_valid(id, len) || strncmp(id, batch, n) != 0 || id[n] != '.')
        return false;
    const char *name = id + n + 1;
    return strspn(name, "0123456789") != strlen(name) || strtoll(name, NULL, 10) == number;
}

static int check_id(const struct batch_file *f, const struct jv *v, const char *batch,
                    struct own_ids *ids, struct err *e)
{
    size_t len = 0;
    const char *id = jv_string(v, &len);
    if (!batch)
        return err_set(e, ERR_INVALID,
                       "%s:%" PRId64 ": found a job with an id; allowed: with --id BATCH, ids "
                       "BATCH.<name>",
                       f->path, f->line);
    if (!id || !id_fits(id, len, batch, f->jobs))
        return err_set(e, ERR_INVALID,
                       "%s:%" PRId64 ": id: found '%.140s'; allowed: %s.<name>, a name of A-Z a-z "
                       "0-9 _ . : = @ + - that is no number",
                       f->path, f->line, id ? id : "no text", batch);
    const char *raw;
    size_t raw_len;
    if (!jv_raw_member(f->text.data, f->text.len, "id", &raw, &raw_len) || raw_len != len + 2)
        return err_set(e, ERR_INVALID,
                       "%s:%" PRId64 ": id: found it written with escapes; allowed: as it is",
                       f->path, f->line);
    note_id(ids, id);
    return 0;
}

static int check_line(const struct batch_file *f, const char *batch, struct own_ids *ids,
                      struct err *e)
{
    struct jv *doc = NULL;
    struct err why = {0};
    int rc = 0;
    if (jv_parse(f->text.data, f->text.len, &doc, &why))
        return err_set(e, ERR_INVALID, "%s:%" PRId64 ": %.300s", f->path, f->line, why.msg);
    if (jv_type(doc) != JV_OBJECT)
        rc = err_set(e, ERR_INVALID, "%s:%" PRId64 ": found %s; allowed: a job object", f->path,
                     f->line, jv_type_name(doc));
    else if (!jv_get(doc, "script") && !jv_get(doc, "files"))
        rc = err_set(e, ERR_INVALID, "%s:%" PRId64 ": script: missing", f->path, f->line);
    else if (jv_get(doc, "id"))
        rc = check_id(f, jv_get(doc, "id"), batch, ids, e);
    jv_free(doc);
    return rc;
}

static int check_all(struct batch_file *f, const char *batch, struct sha256 *h, struct own_ids *ids,
                     struct err *e)
{
    int rc;
    while ((rc = next_line(f, h, e)) == 1) {
        rc = check_line(f, batch, ids, e);
        if (rc)
            return rc;
        if (f->jobs > BATCH_JOBS_MAX)
            return err_set(e, ERR_INVALID, "%s: found more than %d jobs; allowed: at most that",
                           f->path, BATCH_JOBS_MAX);
    }
    if (rc)
        return rc;
    if (ids->n)
        qsort(ids->v, ids->n, sizeof *ids->v, by_value);
    for (size_t i = 1; i < ids->n; i++)
        if (ids->v[i] == ids->v[i - 1])
            return err_set(e, ERR_INVALID, "%s: an id stands there twice; allowed: each once",
                           f->path);
    return f->jobs ? 0 : err_set(e, ERR_INVALID, "%s: found no job", f->path);
}

int batch_file_check(const char *path, const char *id, size_t line_max,
                     struct batch_file_facts *out, struct err *e)
{
    struct batch_file f;
    struct own_ids ids = {0};
    struct sha256 h;
    uint8_t hash[SHA256_LEN];
    char hex[SHA256_HEX];
    crypto_sha256_begin(&h);
    int rc = open_file(path, line_max, &f, e);
    if (!rc)
        rc = check_all(&f, id, &h, &ids, e);
    crypto_sha256_end(&h, hash);
    crypto_hex(hash, sizeof hash, hex);
    out->jobs = f.jobs;
    if (id)
        snprintf(out->id, sizeof out->id, "%s", id);
    else
        snprintf(out->id, sizeof out->id, "batch-%.*s", ID_HEX, hex);
    if (f.in)
        fclose(f.in);
    buf_free(&f.text);
    free(ids.v);
    return rc;
}

/* ---- the jobs ---- */

int batch_file_open(const char *path, const struct batch_file_facts *facts, size_t line_max,
                    struct batch_file **out, struct err *e)
{
    struct batch_file *f = mem_alloc(sizeof *f);
    int rc = open_file(path, line_max, f, e);
    f->facts = facts;
    if (rc)
        batch_file_close(f);
    else
        *out = f;
    return rc;
}

int batch_file_next(struct batch_file *f, struct buf *message, char id[JOB_ID_MAX + 1],
                    struct err *e)
{
    const char *own;
    size_t len;
    int rc = next_line(f, NULL, e);
    if (rc != 1)
        return rc;
    if (jv_raw_member(f->text.data, f->text.len, "id", &own, &len) && len > 2 &&
        len - 2 <= JOB_ID_MAX) {
        memcpy(id, own + 1, len - 2);
        id[len - 2] = 0;
        buf_add(message, f->text.data, f->text.len);
        return 1;
    }
    const char *brace = memchr(f->text.data, '{', f->text.len);
    if (!brace) /* not the file that was checked */
        return err_set(e, ERR_INVALID, "%s:%" PRId64 ": the file was changed meanwhile", f->path,
                       f->line);
    size_t at = (size_t)(brace - f->text.data) + 1;
    snprintf(id, JOB_ID_MAX + 1, "%s.%" PRId64, f->facts->id, f->jobs);
    buf_add(message, f->text.data, at);
    buf_addf(message, "\"id\":\"%s\",", id);
    buf_add(message, f->text.data + at, f->text.len - at);
    return 1;
}

void batch_file_close(struct batch_file *f)
{
    if (!f)
        return;
    if (f->in)
        fclose(f->in);
    buf_free(&f->text);
    free(f);
}
