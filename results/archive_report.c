/* What an archive holds: sums, chains, gaps, keys (archive.h). */
#include "results/archive_inner.h"

#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

static int count(struct archive *a, enum archive_query q, const char *kind, uint64_t *out,
                 struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, q, &st, e);
    if (rc)
        return rc;
    if (kind)
        stmt_bind_text(st, 1, kind);
    rc = stmt_step(st, "count", e);
    if (rc == 1)
        *out = (uint64_t)stmt_int(st, 0);
    stmt_done(st);
    return rc < 0 ? rc : 0;
}

static int add_chain(const struct archive_chain *c, void *arg)
{
    struct archive_sums *s = arg;
    s->chains++;
    s->gaps += c->gaps;
    s->missing += c->missing;
    return 0;
}

int archive_sums(struct archive *a, struct archive_sums *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    int rc = count(a, A_COUNT, NULL, &out->results, e);
    for (int i = ARCHIVE_SECOND; i < ARCHIVE_ENDS && !rc; i++)
        rc = count(a, A_FAULT_COUNT, archive_end_names[i], &out->faults[i], e);
    return rc ? rc : archive_each_chain(a, add_chain, out, e);
}

bool archive_sums_sound(const struct archive_sums *s)
{
    for (int i = ARCHIVE_FORK; i < ARCHIVE_ENDS; i++)
        if (s->faults[i])
            return false;
    return true;
}

static const char *text_at(struct stmt *st, int c)
{
    struct cell cell = stmt_cell(st, c);
    return cell.type == CELL_TEXT ? cell.p : "";
}

int archive_each_chain(struct archive *a, int (*fn)(const struct archive_chain *c, void *arg),
                       void *arg, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_CHAINS, &st, e);
    if (rc)
        return rc;
    while ((rc = stmt_step(st, "read the chains", e)) == 1) {
        struct cell key = stmt_cell(st, 2);
        if (key.type != CELL_BLOB || key.len != ED25519_PUBLIC) {
            rc = err_set(e, ERR_CORRUPT, "chain %.64s: its key is damaged", text_at(st, 0));
            break;
        }
        struct archive_chain c = {
            .chain = text_at(st, 0),
            .worker = text_at(st, 1),
            .key = (const uint8_t *)key.p,
            .given = stmt_int(st, 3) != 0,
            .first = (uint64_t)stmt_int(st, 4),
            .last = (uint64_t)stmt_int(st, 5),
            .results = (uint64_t)stmt_int(st, 6),
            .gaps = (uint64_t)stmt_int(st, 7),
            .missing = (uint64_t)stmt_int(st, 8),
            .beside = (uint64_t)stmt_int(st, 9),
        };
        rc = fn(&c, arg);
        if (rc)
            break;
    }
    stmt_done(st);
    return rc;
}

int archive_each_gap(struct archive *a, int (*fn)(const struct archive_gap *g, void *arg),
                     void *arg, struct err *e)
{
    struct stmt *st;
    int rc = archive_stmt(a, A_GAPS, &st, e);
    if (rc)
        return rc;
    while ((rc = stmt_step(st, "read the gaps", e)) == 1) {
        struct archive_gap g = {
            .chain = text_at(st, 0),
            .worker = text_at(st, 1),
            .first = (uint64_t)stmt_int(st, 2),
            .last = (uint64_t)stmt_int(st, 3),
            .at = text_at(st, 4),
        };
        rc = fn(&g, arg);
        if (rc)
            break;
    }
    stmt_done(st);
    return rc;
}

struct adding {
    struct trust *out;
    struct err *e;
};

static int add_key(const struct archive_chain *c, void *arg)
{
    struct adding *x = arg;
    struct sign_key k = {0};
    sign_key_from_public(c->key, &k);
    if (strcmp(k.keyid, c->chain) != 0)
        return err_set(x->e, ERR_CORRUPT, "chain %.64s: its key is another's", c->chain);
    return trust_add(x->out, &k, x->e);
}

int archive_keys(struct archive *a, struct trust *out, struct err *e)
{
    struct adding x = {out, e};
    return archive_each_chain(a, add_key, &x, e);
}
