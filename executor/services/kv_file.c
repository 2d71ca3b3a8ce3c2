/* A tenant's key-value store as a file, for `isolane run`, which has no NATS: kv.db in the data
 * folder. Runs side by side share it; a key is changed in one transaction. What another process
 * writes is not told, so there is no watch. */
#include "executor/services/kv_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/paths.h"
#include "executor/services/world.h"
#include "queue/job/job.h"
#include "results/db.h"

#define APPLICATION_ID 0x49534b56 /* "ISKV" */

static const char *const steps[] = {
    /* AUTOINCREMENT: a revision is never given out twice, as in a bucket. */
    "CREATE TABLE kv ("
    "  revision INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  tenant TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  value BLOB NOT NULL,"
    "  stored_us INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  UNIQUE (tenant, key)"
    ") STRICT;",
};

static const struct db_kind kind = {
    .what = "key-value store",
    .application = APPLICATION_ID,
    .version = ARRAY_LEN(steps),
    .steps = steps,
};

static const char file_key; /* its address */

/* Of a run. */
struct file {
    struct db *db;
};

static void file_end(void *state)
{
    struct file *f = state;
    db_close(f->db);
}

static int file_of(const struct service_call *c, struct db **out, struct err *e)
{
    if (!c->world->paths)
        return err_set(e, ERR_UNAVAILABLE, "kv: there is no data folder here");
    struct file *f = service_state(c->run, &file_key, sizeof *f, file_end);
    int rc = f->db ? 0 : db_open(c->world->paths->kv_db, DB_WRITE, &kind, &f->db, e);
    *out = f->db;
    return rc;
}

static void bind_key(struct stmt *st, int at, const struct service_call *c, const char *key)
{
    stmt_bind_text(st, at, attempt_job(c->attempt)->tenant);
    stmt_bind_text(st, at + 1, key);
}

/* The revision of a key that is there and has not expired; 0: there is none. */
static int present(struct db *db, const struct service_call *c, const char *key, uint64_t *revision,
                   struct err *e)
{
    struct stmt *st;
    int rc = stmt_new(db,
                      "SELECT revision FROM kv WHERE tenant = ?1 AND key = ?2 AND"
                      " (expires_ms = 0 OR expires_ms > ?3)",
                      &st, e);
    if (rc)
        return rc;
    bind_key(st, 1, c, key);
    stmt_bind_int(st, 3, clock_real_us() / 1000);
    rc = stmt_step(st, "read a key", e);
    *revision = rc == 1 ? (uint64_t)stmt_int(st, 0) : 0;
    stmt_free(st);
    return rc < 0 ? rc : 0;
}

static int expect(struct db *db, const struct service_call *c, const struct kv_ask *ask,
                  struct err *e)
{
    uint64_t now = 0;
    int rc = present(db, c, ask->key, &now, e);
    if (rc || ask->revision == KV_ANY || ask->revision == now)
        return rc;
    if (ask->revision == 0)
        return err_set(e, ERR_CONFLICT, "key '%s' is there already", ask->key);
    return err_set(e, ERR_CONFLICT, "key '%s' has another revision", ask->key);
}

static int drop(struct db *db, const struct service_call *c, const char *key, struct err *e)
{
    struct stmt *st;
    int rc = stmt_new(db, "DELETE FROM kv WHERE tenant = ?1 AND key = ?2", &st, e);
    if (rc)
        return rc;
    bind_key(st, 1, c, key);
    rc = stmt_step(st, "remove a key", e);
    stmt_free(st);
    return rc < 0 ? rc : 0;
}

static int insert(struct db *db, const struct service_call *c, const struct kv_ask *ask,
                  uint64_t *revision, struct err *e)
{
    struct stmt *st;
    const struct cell value = {.type = CELL_BLOB, .p = ask->value, .len = ask->len};
    int rc = stmt_new(db,
                      "INSERT INTO kv (tenant, key, value, stored_us, expires_ms)"
                      " VALUES (?1, ?2, ?3, ?4, ?5) RETURNING revision",
                      &st, e);
    if (rc)
        return rc;
    bind_key(st, 1, c, ask->key);
    stmt_bind(st, 3, &value);
    stmt_bind_int(st, 4, clock_real_us());
    stmt_bind_int(st, 5, ask->expires_at_ms);
    rc = stmt_step(st, "store a key", e);
    if (rc == 1)
        *revision = (uint64_t)stmt_int(st, 0);
    stmt_free(st);
    return rc < 0 ? rc : 0;
}

/* put and delete */
static int change(struct db *db, const struct service_call *c, const struct kv_ask *ask,
                  struct buf *reply, struct err *e)
{
    uint64_t revision = 0;
    int rc = db_begin(db, e);
    if (rc)
        return rc;
    rc = expect(db, c, ask, e);
    if (!rc)
        rc = drop(db, c, ask->key, e);
    if (!rc && ask->op == KV_PUT)
        rc = insert(db, c, ask, &revision, e);
    if (!rc)
        rc = db_commit(db, e);
    if (rc)
        db_rollback(db);
    else
        kv_write_revision(reply, revision);
    return rc;
}

static int get(struct db *db, const struct service_call *c, const struct kv_ask *ask,
               struct buf *reply, struct err *e)
{
    struct stmt *st;
    int rc = stmt_new(db,
                      "SELECT revision, value, stored_us, expires_ms FROM kv WHERE tenant = ?1 AND"
                      " key = ?2 AND (expires_ms = 0 OR expires_ms > ?3)",
                      &st, e);
    if (rc)
        return rc;
    bind_key(st, 1, c, ask->key);
    stmt_bind_int(st, 3, clock_real_us() / 1000);
    rc = stmt_step(st, "read a key", e);
    if (rc == 1) {
        struct cell value = stmt_cell(st, 1);
        kv_write_entry(reply, &(struct kv_entry){.key = ask->key,
                                                 .value = value.len ? value.p : "",
                                                 .len = value.len,
                                                 .revision = (uint64_t)stmt_int(st, 0),
                                                 .stored_at_us = stmt_int(st, 2),
                                                 .expires_at_ms = stmt_int(st, 3)});
    }
    stmt_free(st);
    return rc < 0 ? rc : 0;
}

static int list(struct db *db, const struct service_call *c, const struct kv_ask *ask,
                struct buf *reply, struct err *e)
{
    struct stmt *st;
    int rc = stmt_new(db,
                      "SELECT key FROM kv WHERE tenant = ?1 AND substr(key, 1, length(?2)) = ?2 AND"
                      " (expires_ms = 0 OR expires_ms > ?3) ORDER BY revision LIMIT ?4",
                      &st, e);
    if (rc)
        return rc;
    int n = 0;
    char **keys = mem_alloc(((size_t)ask->limit + 1) * sizeof *keys);
    bind_key(st, 1, c, ask->prefix);
    stmt_bind_int(st, 3, clock_real_us() / 1000);
    stmt_bind_int(st, 4, ask->limit + 1);
    while ((rc = stmt_step(st, "list keys", e)) == 1)
        keys[n++] = mem_strdup(stmt_cell(st, 0).p);
    stmt_free(st);
    if (!rc)
        kv_write_keys(reply, keys, n > ask->limit ? ask->limit : n, n <= ask->limit);
    for (int i = 0; i < n; i++)
        free(keys[i]);
    free(keys);
    return rc;
}

int kv_ask_file(const struct service_call *c, const struct kv_ask *ask, struct buf *reply,
                struct err *e)
{
    struct db *db = NULL;
    if (ask->op == KV_WATCH)
        return err_set(e, ERR_UNAVAILABLE,
                       "kv.watch: needs NATS, which 'isolane run' has not: submit the job");
    int rc = file_of(c, &db, e);
    if (rc)
        return rc;
    switch (ask->op) {
    case KV_GET:
        return get(db, c, ask, reply, e);
    case KV_LIST:
        return list(db, c, ask, reply, e);
    default:
        return change(db, c, ask, reply, e);
    }
}
