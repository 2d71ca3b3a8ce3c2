#include "results/archive.h"
#include "base/clock.h"
#include "base/mem.h"
#include "results/archive_inner.h"
#include "results/decode.h"
#include "results/envelope.h"
#include "results/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How this works: a message goes through a flat list of checks, each of which may end it in a
 * fault: key trusted, signature, shape, subject, known, place in the chain, job known. Only then is
 * it a row. Gaps of a chain are kept as runs; a result that fills one splits or removes its run. */

const char *const archive_end_names[ARCHIVE_ENDS] = {
    "archived",  "known",  "second",     "checkpoint", "fork",
    "untrusted", "forged", "unreadable", "misplaced",
};

int archive_stmt(struct archive *a, enum archive_query q, struct stmt **out, struct err *e)
{
    struct buf sql = {0};
    int rc = 0;
    if (!a->q[q]) {
        archive_query(q, db_version(a->db), &sql);
        rc = stmt_new(a->db, sql.data, &a->q[q], e);
        buf_free(&sql);
    }
    *out = a->q[q];
    return rc;
}

int archive_open(const char *path, enum archive_mode mode, struct archive **out, struct err *e)
{
    struct archive *a = mem_alloc(sizeof *a);
    struct stmt *st;
    int rc = db_open(path, mode == ARCHIVE_WRITE ? DB_WRITE : DB_READ, &archive_kind, &a->db, e);
    if (!rc) /* a damaged schema shows here */
        rc = archive_stmt(a, A_ROWS, &st, e);
    if (rc) {
        archive_close(a);
        return rc;
    }
    *out = a;
    return 0;
}

void archive_close(struct archive *a)
{
    if (!a)
        return;
    for (int q = 0; q < ARCHIVE_QUERIES; q++)
        stmt_free(a->q[q]);
    if (a->db)
        db_rollback(a->db);
    db_close(a->db);
    free(a);
}

struct db *archive_db(struct archive *a)
{
    return a->db;
}

void archive_set_given(struct archive *a, const struct trust *given)
{
    a->given = given;
}

/* ---- the position ---- */

int archive_position(struct archive *a, const char *stream, const char *created, uint64_t *seq,
                     struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_POSITION, &st, e);
    *seq = 0;
    if (rc)
        return rc;
    stmt_bind_text(st, 1, stream);
    rc = stmt_step(st, "read its position", e);
    if (rc == 1) {
        struct cell c = stmt_cell(st, 0);
        if (c.type == CELL_TEXT && !strcmp(c.p, created))
            *seq = (uint64_t)stmt_int(st, 1);
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

int archive_begin(struct archive *a, struct err *e)
{
    return db_begin(a->db, e);
}

int archive_commit(struct archive *a, const char *stream, const char *created, uint64_t seq,
                   struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_POSITION_SET, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, stream);
    stmt_bind_text(st, 2, created);
    stmt_bind_int(st, 3, (int64_t)seq);
    rc = stmt_step(st, "write its position", e);
    stmt_done(st);
    return rc ? rc : db_commit(a->db, e);
}

/* ---- a message on its way ---- */

struct arrival {
    struct archive *a;
    const struct subjects *subjects;
    const struct archive_message *m;
    const struct sign_key *key;
    char keyid[KEYID_LEN]; /* as claimed */
    char hash[SHA256_HEX];
    char *payload;
    struct buf object;
    struct decoded d;
    bool is_checkpoint;
    struct checkpoint checkpoint;
    struct result place;    /* of a checkpoint: worker, seq, prev */
    const struct result *r; /* NULL: not decoded (yet) */
    struct archive_news *news;
};

static void tell(struct arrival *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct arrival *x, const char *fmt, ...)
{
    size_t n = strlen(x->news->text);
    va_list ap;
    va_start(ap, fmt);
    if (n)
        n += (size_t)snprintf(x->news->text + n, sizeof x->news->text - n, "; ");
    if (n < sizeof x->news->text)
        vsnprintf(x->news->text + n, sizeof x->news->text - n, fmt, ap);
    va_end(ap);
}

static void bind_text_or_null(struct stmt *st, int at, const char *text)
{
    struct cell c = {.type = text && *text ? CELL_TEXT : CELL_NULL, .p = text};
    if (c.type == CELL_TEXT)
        c.len = strlen(text);
    stmt_bind(st, at, &c);
}

/* Keeps it as a fault. with_envelope false: it is a row as well. */
static int keep(struct arrival *x, enum archive_end end, const char *reason, bool with_envelope,
                struct err *e)
{
    struct stmt *st;
    char now[CLOCK_RFC3339_LEN];
    struct cell envelope = {
        .type = CELL_BLOB, .p = x->m->envelope, .len = with_envelope ? x->m->len : 0};
    int rc = archive_stmt(x->a, A_FAULT_ADD, &st, e);
    if (rc)
        return rc;
    clock_rfc3339(clock_real_us(), now);
    stmt_bind_int(st, 1, (int64_t)x->m->result_seq);
    stmt_bind_text(st, 2, x->m->subject);
    stmt_bind_text(st, 3, archive_end_names[end]);
    stmt_bind_text(st, 4, reason);
    bind_text_or_null(st, 5, x->keyid);
    if (x->r) {
        stmt_bind_int(st, 6, (int64_t)x->r->seq);
        stmt_bind_text(st, 7, x->r->prev);
        stmt_bind_text(st, 8, x->hash);
    }
    stmt_bind_text(st, 9, now);
    stmt_bind(st, 10, &envelope);
    rc = stmt_step(st, "keep a fault", e);
    stmt_done(st);
    x->news->end = end;
    tell(x, "%s: %s (message %" PRIu64 " on %s)", archive_end_names[end], reason, x->m->result_seq,
         x->m->subject);
    return rc;
}

/* ---- the place in the chain ---- */

struct link_of {
    bool there;
    char prev[SHA256_HEX], hash[SHA256_HEX];
};

static int read_link(struct archive *a, const char *chain, uint64_t seq, struct link_of *out,
                     struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_LINK, &st, e);
    memset(out, 0, sizeof *out);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, chain);
    stmt_bind_int(st, 2, (int64_t)seq);
    rc = stmt_step(st, "read a chain", e);
    if (rc == 1) {
        struct cell prev = stmt_cell(st, 0), hash = stmt_cell(st, 1);
        out->there = true;
        if (prev.type == CELL_TEXT && hash.type == CELL_TEXT) {
            snprintf(out->prev, sizeof out->prev, "%s", prev.p);
            snprintf(out->hash, sizeof out->hash, "%s", hash.p);
        }
    }
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

static int add_gap(struct arrival *x, uint64_t first, uint64_t last, struct err *e)
{
    struct stmt *st;
    char now[CLOCK_RFC3339_LEN];
    if (first > last)
        return 0;
    int rc = archive_stmt(x->a, A_GAP_ADD, &st, e);
    if (rc)
        return rc;
    clock_rfc3339(clock_real_us(), now);
    stmt_bind_text(st, 1, x->keyid);
    stmt_bind_int(st, 2, (int64_t)first);
    stmt_bind_int(st, 3, (int64_t)last);
    stmt_bind_text(st, 4, now);
    rc = stmt_step(st, "note a gap", e);
    stmt_done(st);
    return rc;
}

/* seq lies between first and last of its chain: it fills (a part of) a gap. */
static int fill_gap(struct arrival *x, struct err *e)
{
    struct stmt *st;
    uint64_t first = 0, last = 0, seq = x->r->seq;
    int rc = archive_stmt(x->a, A_GAP_OF, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->keyid);
    stmt_bind_int(st, 2, (int64_t)seq);
    rc = stmt_step(st, "look for a gap", e);
    if (rc == 1) {
        first = (uint64_t)stmt_int(st, 0);
        last = (uint64_t)stmt_int(st, 1);
    }
    stmt_done(st);
    if (rc < 1)
        return rc;
    rc = archive_stmt(x->a, A_GAP_DROP, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->keyid);
    stmt_bind_int(st, 2, (int64_t)first);
    rc = stmt_step(st, "close a gap", e);
    stmt_done(st);
    if (!rc)
        rc = add_gap(x, first, seq - 1, e);
    if (!rc)
        rc = add_gap(x, seq + 1, last, e);
    return rc;
}

static int write_chain(struct arrival *x, uint64_t first, uint64_t last, struct err *e)
{
    struct stmt *st;
    struct cell key = {.type = CELL_BLOB, .p = (const char *)x->key->pub, .len = ED25519_PUBLIC};
    bool given = x->a->given && trust_find(x->a->given, x->keyid);
    int rc = archive_stmt(x->a, A_CHAIN_SET, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->keyid);
    stmt_bind_text(st, 2, x->r->worker ? x->r->worker : "");
    stmt_bind(st, 3, &key);
    stmt_bind_int(st, 4, given);
    stmt_bind_int(st, 5, (int64_t)first);
    stmt_bind_int(st, 6, (int64_t)last);
    rc = stmt_step(st, "note a chain", e);
    stmt_done(st);
    return rc;
}

/* Widens the chain to this place, notes what is skipped, fills what was. */
static int take_place(struct arrival *x, struct err *e)
{
    struct stmt *st;
    uint64_t seq = x->r->seq, first = seq, last = seq;
    int rc = archive_stmt(x->a, A_CHAIN, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->keyid);
    rc = stmt_step(st, "read a chain", e);
    bool there = rc == 1;
    if (there) {
        first = (uint64_t)stmt_int(st, 3);
        last = (uint64_t)stmt_int(st, 4);
    }
    stmt_done(st);
    if (rc < 0)
        return rc;
    if (there && seq > last + 1) {
        x->news->gap = true;
        tell(x, "gap: worker %s, seq %" PRIu64 " to %" PRIu64 " are not there (yet)", x->r->worker,
             last + 1, seq - 1);
        rc = add_gap(x, last + 1, seq - 1, e);
    } else if (there && seq < first) {
        rc = add_gap(x, seq + 1, first - 1, e);
    } else if (there && seq <= last) {
        rc = fill_gap(x, e);
    } else {
        rc = 0;
    }
    return rc ? rc : write_chain(x, seq < first ? seq : first, seq > last ? seq : last, e);
}

/* What is wrong between this one and its neighbours: "" when nothing is. */
static int check_links(struct arrival *x, char why[160], struct err *e)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const struct result *r = x->r;
    struct link_of before, after;
    why[0] = 0;
    int rc = read_link(x->a, x->keyid, r->seq - 1, &before, e);
    if (!rc)
        rc = read_link(x->a, x->keyid, r->seq + 1, &after, e);
    if (rc)
        return rc;
    if (r->seq == 1 && strcmp(r->prev, zeros) != 0)
        snprintf(why, 160, "seq 1 of worker %.64s follows something", r->worker);
    else if (before.there && strcmp(before.hash, r->prev) != 0)
        snprintf(why, 160,
                 "seq %" PRIu64 " of worker %.64s does not follow the %" PRIu64 " that is here",
                 r->seq, r->worker, r->seq - 1);
    else if (after.there && strcmp(after.prev, x->hash) != 0)
        snprintf(why, 160, "seq %" PRIu64 " of worker %.64s does not follow this %" PRIu64,
                 r->seq + 1, r->worker, r->seq);
    return 0;
}

/* ---- the row ---- */

static int insert(struct arrival *x, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(x->a, A_INSERT, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->keyid);
    stmt_bind_int(st, 2, (int64_t)x->m->result_seq);
    for (int c = 0; c < COLUMNS; c++)
        stmt_bind(st, c + 3, &x->d.cells[c]);
    rc = stmt_step(st, "add a result", e);
    stmt_done(st);
    return rc;
}

/* 1: the job has a result. */
static int job_known(struct arrival *x, char first[KEYID_LEN], uint64_t *seq, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(x->a, A_OF_JOB, &st, e);
    if (rc)
        return rc;
    stmt_bind_text(st, 1, x->r->id);
    stmt_bind_text(st, 2, x->r->tenant);
    rc = stmt_step(st, "look up a job", e);
    if (rc == 1) {
        snprintf(first, KEYID_LEN, "%s", stmt_cell(st, 0).p);
        *seq = (uint64_t)stmt_int(st, 1);
    }
    stmt_done(st);
    return rc;
}

static int keep_checkpoint(struct arrival *x, struct err *e)
{
    char reason[160];
    snprintf(reason, sizeof reason,
             "worker %.64s removed %" PRIu64 " results by its retention, %" PRIu64 " in all",
             x->r->worker, x->checkpoint.removed, x->checkpoint.rows);
    int rc = keep(x, ARCHIVE_CHECKPOINT, reason, true, e);
    if (!x->news->gap)
        x->news->text[0] = 0; /* nothing that a person must know */
    return rc;
}

static int store(struct arrival *x, struct err *e)
{
    char why[160], reason[320], first[KEYID_LEN];
    uint64_t seq = 0;
    struct link_of taken;
    int rc = read_link(x->a, x->keyid, x->r->seq, &taken, e);
    if (rc)
        return rc;
    if (taken.there && !strcmp(taken.hash, x->hash)) {
        x->news->end = ARCHIVE_KNOWN;
        return 0;
    }
    if (taken.there) {
        snprintf(reason, sizeof reason,
                 "worker %.64s signed another statement for seq %" PRIu64
                 " of its chain: its key is in use twice, or its database was put back",
                 x->r->worker, x->r->seq);
        return keep(x, ARCHIVE_FORK, reason, true, e);
    }
    rc = check_links(x, why, e);
    if (!rc)
        rc = take_place(x, e);
    if (!rc && *why)
        rc = keep(x, ARCHIVE_FORK, why, false, e);
    if (rc)
        return rc;
    if (x->is_checkpoint)
        return keep_checkpoint(x, e);
    rc = job_known(x, first, &seq, e);
    if (rc == 1) {
        snprintf(reason, sizeof reason,
                 "job %s of tenant %s has a result already: seq %" PRIu64 " of key %.16s…",
                 x->r->id, x->r->tenant, seq, first);
        return keep(x, ARCHIVE_SECOND, reason, true, e);
    }
    return rc ? rc : insert(x, e);
}

/* ---- the checks in front of it ---- */

/* Bytes at the beginning of a statement that have its predicateType. */
#define PREDICATE_WITHIN 512

/* A worker's word that its retention removed something: no result, but a place in the chain. */
static bool take_checkpoint(struct arrival *x, size_t len)
{
    size_t head = len < PREDICATE_WITHIN ? len : PREDICATE_WITHIN;
    if (!memmem(x->payload, head, CHECKPOINT_PREDICATE, strlen(CHECKPOINT_PREDICATE)) ||
        checkpoint_decode(x->payload, len, &x->checkpoint, NULL) || x->checkpoint.seq < 1)
        return false;
    x->is_checkpoint = true;
    x->place.worker = x->checkpoint.worker;
    x->place.seq = x->checkpoint.seq;
    memcpy(x->place.prev, x->checkpoint.prev, sizeof x->place.prev);
    x->r = &x->place;
    return true;
}

/* 0: go on; 1: it ended in a fault. */
static int open_envelope(struct arrival *x, const struct trust *t, struct err *e)
{
    struct err why = {0};
    size_t len = 0;
    bool claims = envelope_keyid(x->m->envelope, x->m->len, x->keyid);
    x->key = claims ? trust_find(t, x->keyid) : NULL;
    int rc = envelope_open(x->m->envelope, x->m->len, x->key, &x->payload, &len, &why);
    if (rc == ERR_CORRUPT || rc == ERR_DENIED)
        return keep(x, ARCHIVE_FORGED, why.msg, true, e) ? -1 : 1;
    if (rc || !claims)
        return keep(x, ARCHIVE_UNREADABLE, rc ? why.msg : "envelope: no key id", true, e) ? -1 : 1;
    if (!x->key) {
        char reason[160];
        snprintf(reason, sizeof reason, "signed by key %s, which is not trusted", x->keyid);
        return keep(x, ARCHIVE_UNTRUSTED, reason, true, e) ? -1 : 1;
    }
    crypto_sha256_hex(x->payload, len, x->hash);
    if (take_checkpoint(x, len))
        return 0;
    rc = statement_result(x->payload, len, &x->object, &why);
    if (!rc)
        rc = result_decode(x->object.data, x->object.len, x->hash, x->m->envelope, x->m->len, &x->d,
                           &why);
    if (!rc && x->d.view.result.seq < 1)
        rc = err_set(&why, ERR_INVALID, "seq: found 0; a chain begins with 1");
    if (rc)
        return keep(x, ARCHIVE_UNREADABLE, why.msg, true, e) ? -1 : 1;
    x->r = &x->d.view.result;
    return 0;
}

/* Its subject says for whom it counts: a copy elsewhere must not. */
static int check_subject(struct arrival *x, struct err *e)
{
    char subject[SUBJECT_MAX], reason[SUBJECT_MAX + 64];
    if (x->is_checkpoint)
        subject_checkpoint(x->subjects, x->keyid, x->r->seq, subject);
    else
        subject_result(x->subjects, x->r->tenant, x->r->id, subject);
    if (!strcmp(subject, x->m->subject))
        return 0;
    snprintf(reason, sizeof reason, "it belongs on %s", subject);
    x->r = NULL; /* it has no place here */
    return keep(x, ARCHIVE_MISPLACED, reason, true, e) ? -1 : 1;
}

/* 1: this very fault is kept already. */
static int fault_known(struct archive *a, const struct archive_message *m, struct err *e)
{
    struct stmt *st;
    struct cell envelope = {.type = CELL_BLOB, .p = m->envelope, .len = m->len};
    int rc = archive_stmt(a, A_FAULT_KNOWN, &st, e);
    if (rc)
        return rc;
    stmt_bind_int(st, 1, (int64_t)m->result_seq);
    stmt_bind(st, 2, &envelope);
    rc = stmt_step(st, "look for a fault", e);
    stmt_done(st);
    return rc;
}

int archive_add(struct archive *a, const struct subjects *s, const struct trust *t,
                const struct archive_message *m, struct archive_news *news, struct err *e)
{
    struct arrival x = {.a = a, .subjects = s, .m = m, .news = news};
    memset(news, 0, sizeof *news);
    int rc = fault_known(a, m, e);
    if (rc == 1) {
        news->end = ARCHIVE_KNOWN;
        return 0;
    }
    if (!rc)
        rc = open_envelope(&x, t, e);
    if (!rc)
        rc = check_subject(&x, e);
    if (!rc)
        rc = store(&x, e);
    decoded_free(&x.d);
    buf_free(&x.object);
    free(x.payload);
    return rc < 0 ? rc : 0;
}

/* ---- keys that came later ---- */

static int drop_fault(struct archive *a, int64_t n, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_FAULT_DROP, &st, e);
    if (rc)
        return rc;
    stmt_bind_int(st, 1, n);
    rc = stmt_step(st, "take a fault away", e);
    stmt_done(st);
    return rc;
}

int archive_retry(struct archive *a, const struct subjects *s, const struct trust *t,
                  const char *keyid, void (*told)(const struct archive_news *news, void *arg),
                  void *arg, struct err *e)
{
    int64_t n = 0, last = 0; /* what is kept again is behind the last that there was */
    struct stmt *st;
    int rc = archive_stmt(a, A_FAULT_LAST, &st, e);
    if (rc)
        return rc;
    if (stmt_step(st, "read the faults", e) == 1)
        last = stmt_int(st, 0);
    stmt_done(st);
    for (;;) {
        struct archive_news news;
        char subject[SUBJECT_MAX];
        rc = archive_stmt(a, A_UNTRUSTED, &st, e);
        if (rc)
            return rc;
        stmt_bind_int(st, 1, n);
        stmt_bind_text(st, 2, keyid);
        stmt_bind_int(st, 3, last);
        rc = stmt_step(st, "read what was not trusted", e);
        if (rc < 1) {
            stmt_done(st);
            return rc;
        }
        n = stmt_int(st, 0);
        struct cell envelope = stmt_cell(st, 3);
        snprintf(subject, sizeof subject, "%s", stmt_cell(st, 2).p);
        char *copy = mem_copy(envelope.p, envelope.len);
        struct archive_message m = {.result_seq = (uint64_t)stmt_int(st, 1),
                                    .subject = subject,
                                    .envelope = copy,
                                    .len = envelope.len};
        stmt_done(st);
        rc = drop_fault(a, n, e);
        if (!rc)
            rc = archive_add(a, s, t, &m, &news, e);
        free(copy);
        if (rc)
            return rc;
        told(&news, arg);
    }
}
