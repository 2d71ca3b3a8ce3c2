/* verify: checks envelopes, or a whole database, offline. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/jsonw.h"
#include "base/jv.h"
#include "cli/command.h"
#include "cli/key.h"
#include "cli/options.h"
#include "cli/print/present.h"
#include "cli/print/progress.h"
#include "cli/print/show.h"
#include "results/db.h"
#include "results/store.h"
#include "results/trust.h"
#include "results/verify.h"

#define KEYID_SHOWN 16 /* characters, for people */

struct check {
    const char *file; /* of envelopes, or the database */
    struct sign_key key;
    bool json;
    bool integrity; /* of the file's pages as well */
    uint64_t checked;
};

/* A fault in what was to be verified, or one of ours? */
static bool is_verdict(int rc)
{
    return rc == ERR_INVALID || rc == ERR_CORRUPT || rc == ERR_DENIED;
}

static int not_verified(const struct check *v, const struct err *e, uint64_t bad_seq)
{
    struct buf b = {0};
    struct jsonw w;
    if (!v->json) {
        say("NOT verified: %s: %s", v->file, e->msg);
        return EXIT_JOB_NOT_OK;
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kbool(&w, "verified", false);
    jsonw_kint(&w, "checked", (int64_t)v->checked);
    if (bad_seq)
        jsonw_kint(&w, "bad_seq", (int64_t)bad_seq);
    jsonw_kstr(&w, "keyid", v->key.keyid);
    jsonw_kstr(&w, "error", e->msg);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
    return out_finish(EXIT_JOB_NOT_OK);
}

/* ---- envelopes ---- */

static const char *member(const struct jv *doc, const char *name)
{
    const struct jv *v = jv_type(doc) == JV_OBJECT ? jv_get(doc, name) : NULL;
    const char *s = v ? jv_string(v, NULL) : NULL;
    return s ? s : "";
}

static void tell_envelope(const struct check *v, const struct jv *doc)
{
    int64_t seq = 0;
    const struct jv *n = jv_type(doc) == JV_OBJECT ? jv_get(doc, "seq") : NULL;
    if (n)
        jv_int(n, &seq);
    if (!v->json) {
        printf("verified: job %s of tenant %s, outcome %s, seq %" PRId64 ", key %.*s…\n",
               member(doc, "id"), member(doc, "tenant"), member(doc, "outcome"), seq, KEYID_SHOWN,
               v->key.keyid);
        return;
    }
    struct buf b = {0};
    struct jsonw w;
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kbool(&w, "verified", true);
    jsonw_kstr(&w, "id", member(doc, "id"));
    jsonw_kstr(&w, "tenant", member(doc, "tenant"));
    jsonw_kstr(&w, "outcome", member(doc, "outcome"));
    jsonw_kint(&w, "seq", seq);
    jsonw_kstr(&w, "keyid", v->key.keyid);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
}

static int check_envelope(struct check *v, const char *text, size_t len, struct err *e)
{
    struct buf object = {0}, plain = {0};
    struct jv *doc = NULL;
    int rc = verify_envelope(text, len, &v->key, e);
    if (!rc)
        rc = present_result_object(text, len, &object, e);
    if (!rc)
        rc = result_without_value(object.data, object.len, &plain, e);
    if (!rc)
        rc = jv_parse(plain.data, plain.len, &doc, e);
    if (!rc) {
        v->checked++;
        tell_envelope(v, doc);
    }
    jv_free(doc);
    buf_free(&plain);
    buf_free(&object);
    return rc;
}

/* A file is one envelope, or one on each line (as `result --envelope` appended them). */
static int check_text(struct check *v, const char *text, size_t len, struct err *e)
{
    if (jv_check(text, len))
        return check_envelope(v, text, len, e);
    int rc = 0, line = 0;
    for (const char *end, *p = text; !rc && p < text + len; p = end + 1) {
        end = memchr(p, '\n', (size_t)(text + len - p));
        if (!end)
            end = text + len;
        line++;
        if (strspn(p, " \t\r") >= (size_t)(end - p))
            continue;
        rc = check_envelope(v, p, (size_t)(end - p), e);
        if (rc && (line > 1 || end < text + len))
            err_wrap(e, "line %d", line);
    }
    if (!rc && !v->checked)
        rc = err_set(e, ERR_INVALID, "found nothing; allowed: an envelope (DSSE JSON), one a line");
    return rc;
}

static int verify_file(struct check *v)
{
    char *text = NULL;
    size_t len = 0;
    struct err e = {0};
    int rc = fs_read_file(v->file, ENVELOPE_MAX, &text, &len, &e);
    if (rc)
        return fail_input(&e);
    rc = check_text(v, text, len, &e);
    free(text);
    if (!rc)
        return out_finish(EXIT_JOB_OK);
    return is_verdict(rc) ? not_verified(v, &e, 0) : fail(&e);
}

/* ---- a database ---- */

static void on_progress(uint64_t done, uint64_t total, void *arg)
{
    progress_update(arg, total, done, 0);
}

static int tell_database(const struct check *v, const struct verify_report *r)
{
    struct buf b = {0};
    struct jsonw w;
    if (!v->json && r->checked) {
        printf("verified: %s: %" PRIu64 " %s, seq %" PRIu64 " to %" PRIu64
               ", every signature and the chain, key %.*s…\n",
               v->file, r->checked, r->checked == 1 ? "result" : "results", r->first, r->last,
               KEYID_SHOWN, v->key.keyid);
        if (r->pruned)
            printf("%" PRIu64 " more were removed by retention, as a signed checkpoint says\n",
                   r->pruned);
        return out_finish(EXIT_JOB_OK);
    }
    if (!v->json) {
        printf("verified: %s: no results in it\n", v->file);
        return out_finish(EXIT_JOB_OK);
    }
    jsonw_init(&w, &b);
    jsonw_object(&w);
    jsonw_kbool(&w, "verified", true);
    jsonw_kint(&w, "checked", (int64_t)r->checked);
    jsonw_kint(&w, "first", (int64_t)r->first);
    jsonw_kint(&w, "last", (int64_t)r->last);
    jsonw_kint(&w, "pruned", (int64_t)r->pruned);
    jsonw_kstr(&w, "keyid", v->key.keyid);
    jsonw_object_end(&w);
    printf("%s\n", b.data);
    buf_free(&b);
    return out_finish(EXIT_JOB_OK);
}

static int check_pages(const char *file, struct err *e)
{
    struct store *s = NULL;
    int rc = store_open(file, STORE_READ, &s, e);
    if (!rc)
        rc = db_integrity(store_db(s), e);
    store_close(s);
    return rc;
}

/* An archive has many keys: --key is one of them or a folder, without it those that it holds. */
static int verify_whole_archive(struct check *v, const char *keys)
{
    struct verify_archive_report r = {0};
    struct trust trust = {0};
    struct err e = {0};
    struct progress *p = progress_new(0);
    int rc = v->integrity ? check_pages(v->file, &e) : 0;
    if (!rc && keys)
        rc = trust_add_path(&trust, keys, &e) ? err_of_option(&e, "--key") : 0;
    if (rc) {
        progress_free(p);
        trust_free(&trust);
        return fail(&e);
    }
    rc = verify_archive(v->file, keys ? &trust : NULL, &r, on_progress, p, &e);
    progress_free(p);
    trust_free(&trust);
    v->checked = r.checked;
    if (!rc && r.faults)
        rc = err_set(&e, ERR_CORRUPT,
                     "%" PRIu64 " messages of the results stream were forks, forged, unreadable or "
                     "not trusted (table faults)",
                     r.faults);
    if (rc)
        return is_verdict(rc) ? not_verified(v, &e, r.bad_place) : fail(&e);
    if (v->json) {
        struct buf b = {0};
        struct jsonw w;
        jsonw_init(&w, &b);
        jsonw_object(&w);
        jsonw_kbool(&w, "verified", true);
        jsonw_kint(&w, "checked", (int64_t)r.checked);
        jsonw_kint(&w, "chains", (int64_t)r.chains);
        jsonw_kint(&w, "gaps", (int64_t)r.gaps);
        jsonw_kint(&w, "missing", (int64_t)r.missing);
        jsonw_object_end(&w);
        printf("%s\n", b.data);
        buf_free(&b);
    } else {
        printf("verified: archive %s: %" PRIu64 " results of %" PRIu64
               " chains, every signature, %s\n",
               v->file, r.checked, r.chains,
               keys ? "by the keys given" : "by the keys that the archive itself holds");
        if (r.gaps)
            printf("%" PRIu64 " places in %" PRIu64 " gaps of the chains are not here\n", r.missing,
                   r.gaps);
    }
    return out_finish(EXIT_JOB_OK);
}

static bool is_archive(const char *file)
{
    struct store *s = NULL;
    bool yes = !store_open(file, STORE_READ, &s, NULL) && store_is_archive(s);
    store_close(s);
    return yes;
}

static int verify_database(struct check *v)
{
    struct verify_report report = {0};
    struct err e = {0};
    struct progress *p = progress_new(0);
    int rc = v->integrity ? check_pages(v->file, &e) : 0;
    if (!rc)
        rc = verify_db(v->file, &v->key, &report, on_progress, p, &e);
    progress_free(p);
    v->checked = report.checked;
    if (!rc)
        return tell_database(v, &report);
    return is_verdict(rc) ? not_verified(v, &e, report.bad_seq) : fail(&e);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings settings = {0};
    struct options o = {.command = self};
    struct check v = {0};
    const char *pem = NULL, *db = NULL;
    struct err e = {0};
    options_add(&o,
                (const struct option_row[]){
                    {.name = "db",
                     .type = OPTION_TEXT,
                     .to = &db,
                     .arg = "FILE",
                     .help = "verify a whole results database"},
                    {.name = "key",
                     .type = OPTION_TEXT,
                     .to = &pem,
                     .arg = "PEM",
                     .help = "public key (else worker.pub of the data folder)"},
                    {.name = "integrity",
                     .type = OPTION_FLAG,
                     .to = &v.integrity,
                     .help = "with --db: check the file's pages and indexes first"},
                    {.name = "json", .type = OPTION_FLAG, .to = &v.json, .help = "print JSON"},
                },
                4);
    options_add_settings(&o, &settings, false);
    int code = options_parse(&o, argc, argv, 0, 1, "FILE");
    if (code != OPTIONS_GO)
        return code;
    if (v.integrity && !db)
        return fail_usage(self, "--integrity: it is about a database; allowed: with --db FILE");
    if (!db == !o.arg_count)
        return fail_usage(self, "found %s; allowed: FILE (- is stdin) or --db FILE",
                          db ? "a file and --db" : "neither a file nor --db");
    v.file = db ? db : o.args[0];
    if (input_check(v.file, &e))
        return fail_input(&e);
    if (db && is_archive(db))
        return verify_whole_archive(&v, pem);
    if (key_read(&settings, pem, &v.key, &e)) {
        if (pem)
            err_of_option(&e, "--key");
        return fail(&e);
    }
    return db ? verify_database(&v) : verify_file(&v);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "check a result's signature, or a whole database",
    .usage = "FILE|- [options] | --db FILE [options]",
    .about = "FILE has one envelope, or one on each line. Of a database every signature is "
             "checked, that\n"
             "the columns say what was signed, and that no row is missing, moved or altered but "
             "those that\n"
             "a signed checkpoint says retention removed. Of an archive (`isolane archive`) --key "
             "may be a\n"
             "folder of keys; without it those that the archive holds are used.",
    .exits = "0 verified, 1 not verified, 2 usage or input, 3 our failure",
    .example = "  isolane result 42 --envelope | isolane verify -\n"
               "  isolane verify --db results.db --key worker.pub",
    .run = run,
};
