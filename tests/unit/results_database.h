/* What tests of results/ with databases share: a folder with a key in it, opening the store, and
 * SQLite itself, from outside. */
#pragma once

#include "tests/unit/results_sample.h"

#include <sqlite3.h>

static struct sign_key key;

/* The group's beginning; its end is remove_test_dir(). */
static inline int make_dir_and_key(void **state)
{
    if (make_test_dir(state))
        return -1;
    make_key(&key, "w.key");
    return 0;
}

static inline struct store *open_store(const char *name, enum store_mode mode)
{
    struct store *s = NULL;
    struct err e = {0};
    if (store_open(at(name), mode, &s, &e))
        fail_msg("%s: %s", name, e.msg);
    return s;
}

static inline void sql(const char *name, const char *text)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why))
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

/* The first column of the first row that the query gives. */
static inline int64_t sql_int(const char *name, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

#define BATCH 60

/* One commit of n rows behind the last one; what store_commit() says. */
static inline int commit_rows(struct store *s, int n, struct err *e)
{
    static struct signed_row rows[BATCH];
    static struct store_row batch[BATCH];
    uint64_t seq;
    char prev[65], id[32];
    assert_in_range(n, 1, BATCH);
    assert_int_equal(store_chain_head(s, &seq, prev, e), 0);
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof id, "j%d", (int)seq + 1);
        sign_next(&rows[i], sample_result(id), &key, &seq, prev);
        batch[i] = rows[i].row;
    }
    int rc = store_commit(s, batch, n, e);
    for (int i = 0; i < n; i++)
        signed_row_free(&rows[i]);
    return rc;
}
