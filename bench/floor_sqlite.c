/* What SQLite asks for a durable row, whatever is in it: a table of an id and as many bytes as the
 * columns of a small result's row have together, in WAL mode with synchronous=FULL (results/db.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "bench/floor_parts.h"
#include "bench/measure.h"
#include "bench/smallresult.h"
#include "results/db.h"

#define GROUP     32
#define GROWN     80 /* groups until the WAL has its size; the first commits of a file cost more */
#define APP_ID    0x49534242
#define ID_LENGTH 32

struct table {
    struct db *db;
    struct stmt *insert;
    char *body;
    size_t size;
    int64_t serial;
};

static void add(struct table *t)
{
    struct err e = {0};
    char id[ID_LENGTH];
    snprintf(id, sizeof id, "bench-%lld", (long long)++t->serial);
    crypto_random(t->body, 16);
    const struct cell body = {.type = CELL_BLOB, .p = t->body, .len = t->size};
    stmt_bind_text(t->insert, 1, id);
    stmt_bind(t->insert, 2, &body);
    must(stmt_step(t->insert, "add a row", &e), &e, "row");
    stmt_done(t->insert);
}

static void commit(struct table *t, int rows)
{
    struct err e = {0};
    must(db_begin(t->db, &e), &e, "begin");
    for (int i = 0; i < rows; i++)
        add(t);
    must(db_commit(t->db, &e), &e, "commit");
}

static void time_commits(struct table *t, int rows, int64_t count, int64_t pause_ms)
{
    struct samples s = {0};
    double cpu_us = 0;
    char name[64];
    for (int64_t i = 0; i < count; i++) {
        usleep((useconds_t)pause_ms * 1000);
        double used = process_cpu_us(getpid()), from = now_us();
        commit(t, rows);
        samples_add(&s, now_us() - from);
        cpu_us += process_cpu_us(getpid()) - used;
    }
    snprintf(name, sizeof name, "floor.sqlite.commit-%d", rows);
    metric_percentiles(name, "us", &s);
    snprintf(name, sizeof name, "floor.sqlite.commit-%d.cpu", rows);
    metric(name, "us", cpu_us / (double)count);
    samples_free(&s);
}

void floor_sqlite(struct bed *bed, const struct floor_options *o)
{
    static const char *const steps[] = {
        "CREATE TABLE kept (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) "
        "STRICT;\n"};
    static const struct db_kind kind = {
        .what = "bench database", .application = APP_ID, .version = 1, .steps = steps};
    struct table t = {0};
    struct sign_key key;
    struct err e = {0};
    char path[PATH_MAX];
    must(sign_key_open(bed->paths.key, bed->paths.pub, &key, &e), &e, "key");
    t.size = small_row_size(&key);
    t.body = mem_alloc(t.size);
    crypto_random(t.body, t.size);
    must(fs_path(path, sizeof path, &e, "%s/floor.db", bed->dir), &e, "database");
    must(db_open(path, DB_WRITE, &kind, &t.db, &e), &e, "database");
    must(stmt_new(t.db, "INSERT INTO kept (id, body) VALUES (?1, ?2)", &t.insert, &e), &e,
         "statement");
    for (int i = 0; i < GROWN; i++)
        commit(&t, GROUP);
    metric("floor.sqlite.row", "bytes", (double)t.size);
    time_commits(&t, 1, o->count, o->pause_ms);
    time_commits(&t, GROUP, o->count, o->pause_ms);
    stmt_free(t.insert);
    db_close(t.db);
    free(t.body);
}
