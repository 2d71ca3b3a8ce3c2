#include "results/prune.h"
#include "base/clock.h"
#include "base/jv.h"
#include "base/mem.h"
#include "results/envelope.h"
#include "results/store_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How this works: a plan is made by reading alone, on any thread, while results go on being added:
 * what it removes is old, and nobody else removes. It is a list of rows, and the table of runs as
 * it will be: the runs of before and the removed rows, merged where they touch. The recorder then
 * gives it a place in the chain, signs it, and carries it out (store_prune()). */

/* ---- runs ---- */

void prune_runs_free(struct prune_runs *r)
{
    free(r->v);
    *r = (struct prune_runs){0};
}

static void runs_add(struct prune_runs *r, const struct prune_run *run)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->v = mem_grow(r->v, r->cap * sizeof *r->v);
    }
    r->v[r->n++] = *run;
}

void prune_digest(const struct prune_runs *r, char out[SHA256_HEX])
{
    struct buf b = {0};
    for (size_t i = 0; i < r->n; i++)
        buf_addf(&b, "%" PRIu64 " %" PRIu64 " %s %s\n", r->v[i].first, r->v[i].last, r->v[i].prev,
                 r->v[i].hash);
    crypto_sha256_hex(b.data ? b.data : "", b.len, out);
    buf_free(&b);
}

uint64_t prune_rows(const struct prune_runs *r)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < r->n; i++)
        rows += r->v[i].last - r->v[i].first + 1;
    return rows;
}

/* Appends a run, or makes the last one longer when it touches. False: the links do not hold. */
static bool runs_join(struct prune_runs *r, const struct prune_run *next)
{
    struct prune_run *last = r->n ? &r->v[r->n - 1] : NULL;
    if (last && next->first <= last->last)
        return false;
    if (!last || next->first != last->last + 1) {
        runs_add(r, next);
        return true;
    }
    if (strcmp(last->hash, next->prev) != 0)
        return false;
    last->last = next->last;
    memcpy(last->hash, next->hash, sizeof last->hash);
    return true;
}

static int by_first(const void *a, const void *b)
{
    const struct prune_run *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Both in order. */
static bool runs_merge(const struct prune_runs *a, const struct prune_runs *b,
                       struct prune_runs *out)
{
    bool good = true;
    for (size_t i = 0, j = 0; good && (i < a->n || j < b->n);) {
        bool from_a = j == b->n || (i < a->n && a->v[i].first < b->v[j].first);
        good = runs_join(out, from_a ? &a->v[i++] : &b->v[j++]);
    }
    return good;
}

/* ---- what is in the file ---- */

static bool get_hash(struct cell c, char out[SHA256_HEX])
{
    if (c.type != CELL_TEXT || c.len != SHA256_HEX - 1)
        return false;
    memcpy(out, c.p, SHA256_HEX);
    return true;
}

static int damaged(struct store *s, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "results database %s: %s", db_path(store_db(s)), what);
}

static int read_runs(struct store *s, struct prune_runs *out, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_RUNS, &st, e), step = 0;
    if (rc)
        return rc;
    while (!rc && (step = stmt_step(st, "read what was pruned", e)) == 1) {
        struct prune_run r = {.first = (uint64_t)stmt_int(st, 0),
                              .last = (uint64_t)stmt_int(st, 1)};
        if (!get_hash(stmt_cell(st, 2), r.prev) || !get_hash(stmt_cell(st, 3), r.hash) ||
            r.first < 1 || r.last < r.first)
            rc = damaged(s, "the table of what was pruned is damaged", e);
        else
            runs_add(out, &r);
    }
    stmt_done(st);
    return rc ? rc : step;
}

/* The checkpoint's texts end up in *envelope and in cp; cp->seq 0: none. */
static int read_checkpoint(struct store *s, struct checkpoint_row *cp, struct prune_run *as_run,
                           char **envelope, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_CHECKPOINT, &st, e);
    *cp = (struct checkpoint_row){0};
    *envelope = NULL;
    if (rc)
        return rc;
    rc = stmt_step(st, "read the newest checkpoint", e);
    if (rc == 1) {
        struct cell c = stmt_cell(st, 3);
        cp->seq = as_run->first = as_run->last = (uint64_t)stmt_int(st, 0);
        rc = 0;
        if (!get_hash(stmt_cell(st, 1), as_run->prev) ||
            !get_hash(stmt_cell(st, 2), as_run->hash) || c.type != CELL_BLOB) {
            rc = damaged(s, "the newest checkpoint is damaged", e);
        } else {
            *envelope = mem_copy(c.p, c.len);
            cp->envelope = *envelope;
            cp->envelope_len = c.len;
            cp->prev = as_run->prev;
            cp->hash = as_run->hash;
        }
    }
    stmt_done(st);
    return rc;
}

int prune_read(struct store *s, struct prune_runs *out, struct prune_run *checkpoint,
               char **envelope, size_t *envelope_len, struct err *e)
{
    struct checkpoint_row cp;
    *out = (struct prune_runs){0};
    *checkpoint = (struct prune_run){0};
    *envelope = NULL;
    *envelope_len = 0;
    if (db_version(store_db(s)) < 3)
        return 0;
    int rc = db_exec(store_db(s), "BEGIN", "read it", e);
    if (rc)
        return rc;
    rc = read_runs(s, out, e);
    if (!rc)
        rc = read_checkpoint(s, &cp, checkpoint, envelope, e);
    if (!rc)
        *envelope_len = cp.envelope_len;
    db_rollback(store_db(s));
    return rc;
}

/* ---- the plan ---- */

struct planning {
    struct store *store;
    struct prune_plan *plan;
    struct prune_runs removed; /* a run for each row */
    size_t most;
    int64_t now_us;
    uint64_t head; /* never removed */
};

static const struct retention *retention_of(const struct retention *r, size_t n, const char *tenant)
{
    const struct retention *others = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(r[i].tenant, tenant))
            return &r[i];
        if (!*r[i].tenant)
            others = &r[i];
    }
    return others;
}

/* What a bound on age removes: rows finished before this stamp. Stamps compare as texts. */
static void cutoff(const struct planning *p, const struct retention *r, char out[CLOCK_RFC3339_LEN])
{
    int64_t at = p->now_us - r->max_age_s * 1000000;
    clock_rfc3339(at > 0 ? at : 0, out);
}

static int plan_tenant(struct planning *p, const struct retention *r, struct tally *t, int64_t rows,
                       int64_t bytes, struct err *e)
{
    struct stmt *st;
    char oldest[CLOCK_RFC3339_LEN];
    int rc = store_stmt(p->store, Q_OLDEST, &st, e), step = 0;
    if (rc)
        return rc;
    cutoff(p, r, oldest);
    stmt_bind_text(st, 1, t->tenant);
    stmt_bind_int(st, 2, INT64_MIN);
    while (!rc && (step = stmt_step(st, "look for old results", e)) == 1) {
        struct prune_run run = {.first = (uint64_t)stmt_int(st, 0)};
        struct cell finished = stmt_cell(st, 4);
        bool old = r->max_age_s && finished.type == CELL_TEXT && strcmp(finished.p, oldest) < 0;
        bool many = r->max_rows && rows - t->rows > r->max_rows;
        bool large = r->max_bytes && bytes - t->bytes > r->max_bytes;
        if ((!old && !many && !large) || run.first == p->head)
            break;
        if (p->removed.n == p->most) {
            p->plan->more = true;
            break;
        }
        run.last = run.first;
        if (!get_hash(stmt_cell(st, 1), run.prev) || !get_hash(stmt_cell(st, 2), run.hash))
            rc = damaged(p->store, "a row's hash is damaged", e);
        t->rows++;
        t->bytes += stmt_int(st, 3);
        runs_add(&p->removed, &run);
    }
    stmt_done(st);
    return rc ? rc : step < 0 ? step : 0;
}

struct tenant_sums {
    struct tally *v; /* rows and bytes it has now */
    size_t n;
};

static int read_tenants(struct store *s, struct tenant_sums *out, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_TENANTS, &st, e), step = 0;
    if (rc)
        return rc;
    while (!rc && (step = stmt_step(st, "read the sums by tenant", e)) == 1) {
        struct cell name = stmt_cell(st, 0);
        if (name.type != CELL_TEXT || name.len > TENANT_NAME_MAX) {
            rc = damaged(s, "the sums by tenant are damaged", e);
            break;
        }
        out->v = mem_grow(out->v, (out->n + 1) * sizeof *out->v);
        struct tally *t = &out->v[out->n++];
        *t = (struct tally){.rows = stmt_int(st, 1), .bytes = stmt_int(st, 2)};
        memcpy(t->tenant, name.p, name.len + 1);
    }
    stmt_done(st);
    return rc ? rc : step;
}

static int plan_rows(struct planning *p, const struct retention *r, size_t n, struct err *e)
{
    struct tenant_sums sums = {0};
    int rc = read_tenants(p->store, &sums, e);
    p->plan->tallies = mem_alloc((sums.n + 1) * sizeof *p->plan->tallies);
    for (size_t i = 0; i < sums.n && !rc; i++) {
        const struct retention *bounds = retention_of(r, n, sums.v[i].tenant);
        struct tally *t = &p->plan->tallies[p->plan->tally_count];
        memcpy(t->tenant, sums.v[i].tenant, sizeof t->tenant);
        if (bounds && (bounds->max_age_s || bounds->max_rows || bounds->max_bytes))
            rc = plan_tenant(p, bounds, t, sums.v[i].rows, sums.v[i].bytes, e);
        if (t->rows)
            p->plan->tally_count++;
    }
    free(sums.v);
    return rc;
}

/* Runs as they will be: those of before, the rows, and the checkpoint that the new one replaces. */
static int plan_runs(struct planning *p, const struct prune_run *checkpoint, struct err *e)
{
    struct prune_plan *plan = p->plan;
    qsort(p->removed.v, p->removed.n, sizeof *p->removed.v, by_first);
    plan->n = p->removed.n;
    plan->seqs = mem_alloc(plan->n * sizeof *plan->seqs);
    for (size_t i = 0; i < plan->n; i++)
        plan->seqs[i] = p->removed.v[i].first;
    if (checkpoint->first)
        runs_add(&p->removed, checkpoint);
    qsort(p->removed.v, p->removed.n, sizeof *p->removed.v, by_first);
    if (!runs_merge(&plan->before, &p->removed, &plan->after))
        return damaged(p->store, "rows to be pruned do not follow one another; verify it", e);
    prune_digest(&plan->after, plan->digest);
    return 0;
}

int prune_plan_make(struct store *s, const struct retention *r, size_t n, int64_t now_us,
                    size_t most, struct prune_plan **out, struct err *e)
{
    struct planning p = {.store = s, .most = most, .now_us = now_us};
    struct prune_run checkpoint;
    struct checkpoint_row cp;
    char head[SHA256_HEX], *envelope = NULL;
    *out = NULL;
    p.plan = mem_alloc(sizeof *p.plan);
    int rc = db_exec(store_db(s), "BEGIN", "read it", e);
    if (!rc)
        rc = store_chain_head(s, &p.head, head, e);
    if (!rc)
        rc = plan_rows(&p, r, n, e);
    if (!rc && p.removed.n) {
        checkpoint = (struct prune_run){0};
        rc = read_runs(s, &p.plan->before, e);
        if (!rc)
            rc = read_checkpoint(s, &cp, &checkpoint, &envelope, e);
        if (!rc)
            rc = plan_runs(&p, &checkpoint, e);
    }
    db_rollback(store_db(s));
    free(envelope);
    if (rc || !p.removed.n) {
        prune_plan_free(p.plan);
        p.plan = NULL;
    }
    prune_runs_free(&p.removed);
    *out = p.plan;
    return rc;
}

void prune_plan_free(struct prune_plan *p)
{
    if (!p)
        return;
    free(p->seqs);
    free(p->tallies);
    prune_runs_free(&p->before);
    prune_runs_free(&p->after);
    free(p);
}

/* ---- carrying it out ---- */

static int delete_rows(struct store *s, const struct prune_plan *plan, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_DELETE, &st, e);
    for (size_t i = 0; i < plan->n && !rc; i++) {
        stmt_bind_int(st, 1, (int64_t)plan->seqs[i]);
        rc = stmt_step(st, "remove old results", e);
        stmt_done(st);
    }
    return rc;
}

static int settle_tallies(struct store *s, const struct prune_plan *plan, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < plan->tally_count && !rc; i++)
        rc = store_tally(s, plan->tallies[i].tenant, -plan->tallies[i].rows,
                         -plan->tallies[i].bytes, e);
    return rc;
}

static bool same_run(const struct prune_run *a, const struct prune_run *b)
{
    return a->first == b->first && a->last == b->last;
}

/* Only what changed is written: both tables are in order. */
static int write_runs(struct store *s, const struct prune_plan *plan, struct err *e)
{
    const struct prune_runs *was = &plan->before, *will = &plan->after;
    struct stmt *drop, *add;
    int rc = store_stmt(s, Q_RUN_DELETE, &drop, e);
    if (!rc)
        rc = store_stmt(s, Q_RUN_INSERT, &add, e);
    for (size_t i = 0, j = 0; i < was->n && !rc; i++) {
        while (j < will->n && will->v[j].first < was->v[i].first)
            j++;
        if (j < will->n && same_run(&will->v[j], &was->v[i]))
            continue;
        stmt_bind_int(drop, 1, (int64_t)was->v[i].first);
        rc = stmt_step(drop, "remove a run", e);
        stmt_done(drop);
    }
    for (size_t i = 0, j = 0; i < will->n && !rc; i++) {
        while (j < was->n && was->v[j].first < will->v[i].first)
            j++;
        if (j < was->n && same_run(&was->v[j], &will->v[i]))
            continue;
        stmt_bind_int(add, 1, (int64_t)will->v[i].first);
        stmt_bind_int(add, 2, (int64_t)will->v[i].last);
        stmt_bind_text(add, 3, will->v[i].prev);
        stmt_bind_text(add, 4, will->v[i].hash);
        rc = stmt_step(add, "note a run", e);
        stmt_done(add);
    }
    return rc;
}

static int write_checkpoint(struct store *s, const struct checkpoint_row *cp, struct err *e)
{
    struct stmt *st;
    int rc = store_stmt(s, Q_CHECKPOINT_DROP, &st, e);
    if (!rc) {
        rc = stmt_step(st, "replace the checkpoint", e);
        stmt_done(st);
    }
    if (!rc)
        rc = store_stmt(s, Q_CHECKPOINT_SET, &st, e);
    if (rc)
        return rc;
    struct cell envelope = {.type = CELL_BLOB, .p = cp->envelope, .len = cp->envelope_len};
    stmt_bind_int(st, 1, (int64_t)cp->seq);
    stmt_bind_text(st, 2, cp->prev);
    stmt_bind_text(st, 3, cp->hash);
    stmt_bind_text(st, 4, cp->at);
    stmt_bind(st, 5, &envelope);
    rc = stmt_step(st, "write the checkpoint", e);
    stmt_done(st);
    return rc;
}

int store_prune(struct store *s, const struct prune_plan *plan, const struct checkpoint_row *cp,
                struct err *e)
{
    uint64_t seq;
    char hash[SHA256_HEX];
    int rc = db_begin(store_db(s), e);
    if (rc)
        return rc;
    rc = store_chain_head(s, &seq, hash, e);
    if (!rc && seq == cp->seq && !strcmp(hash, cp->hash)) {
        db_rollback(store_db(s)); /* a try before was durable and could not say so */
        return 0;
    }
    if (!rc && (seq + 1 != cp->seq || strcmp(hash, cp->prev) != 0))
        rc = err_set(e, ERR_CONFLICT,
                     "results database %s: its chain ends at %" PRIu64
                     ", but the next checkpoint is %" PRIu64 ": another process writes to it",
                     db_path(store_db(s)), seq, cp->seq);
    if (!rc)
        rc = delete_rows(s, plan, e);
    if (!rc)
        rc = settle_tallies(s, plan, e);
    if (!rc)
        rc = write_runs(s, plan, e);
    if (!rc)
        rc = write_checkpoint(s, cp, e);
    if (!rc)
        rc = db_commit(store_db(s), e);
    db_rollback(store_db(s));
    return rc;
}
