/* verify: databases and envelopes, sound ones and every way to forge one. */
#include "tests/unit/results_database.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/fs.h"
#include "results/verify.h"
#include "tests/unit/lacking.h"

static struct sign_key other_key;

static int setup(void **state)
{
    if (make_dir_and_key(state))
        return -1;
    make_key(&other_key, "other.key");
    return 0;
}

static void make_db(const char *name, int rows)
{
    struct store *s = open_store(name, STORE_WRITE);
    fill_store(s, rows, &key);
    store_close(s);
}

static void one_envelope_is_checked(void **state)
{
    (void)state;
    struct signed_row s;
    struct err e = {0};
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    sign_next(&s, sample_result("a"), &key, &seq, prev);
    assert_int_equal(verify_envelope(s.envelope.data, s.envelope.len, &key, &e), 0);
    assert_int_equal(verify_envelope(s.envelope.data, s.envelope.len, &other_key, &e), ERR_DENIED);
    assert_int_equal(verify_envelope("{}", 2, &key, &e), ERR_INVALID);
    s.envelope.data[40] ^= 1;
    assert_int_equal(verify_envelope(s.envelope.data, s.envelope.len, &key, &e), ERR_CORRUPT);
    signed_row_free(&s);
}

/* Signed, but not a result of ours: the signature alone is not enough. */
static void a_signed_text_that_is_no_result_is_refused(void **state)
{
    (void)state;
    struct buf env = {0};
    struct err e = {0};
    envelope_sign(&key, "{\"hello\":1}", 11, &env);
    assert_int_equal(verify_envelope(env.data, env.len, &key, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "_type"));
    buf_free(&env);
}

static uint64_t seen_done, seen_total;

static void on_progress(uint64_t done, uint64_t total, void *arg)
{
    ++*(int *)arg;
    assert_true(done >= seen_done);
    seen_done = done;
    seen_total = total;
}

static void a_sound_database_verifies_whole(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    int calls = 0;
    make_db("sound.db", 600); /* more than one chunk */
    if (verify_db(at("sound.db"), &key, &r, on_progress, &calls, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 600);
    assert_int_equal(r.first, 1);
    assert_int_equal(r.last, 600);
    assert_int_equal(r.bad_seq, 0);
    assert_true(calls >= 2);
    assert_int_equal(seen_done, 600);
    assert_int_equal(seen_total, 600);
    make_db("empty.db", 0);
    assert_int_equal(verify_db(at("empty.db"), &key, &r, NULL, NULL, &e), 0);
    assert_int_equal(r.checked, 0);
    assert_int_equal(verify_db(at("none.db"), &key, &r, NULL, NULL, &e), ERR_NOT_FOUND);
}

static void a_copy_of_the_file_alone_verifies(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    make_db("origin.db", 20);
    assert_int_equal(
        shell("mkdir away && cp origin.db away/ && chmod 400 away/origin.db && chmod 500 away"), 0);
    if (verify_db(at("away/origin.db"), &key, &r, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 20);
    assert_int_equal(shell("test \"$(ls -A away)\" = origin.db"), 0); /* nothing left beside it */
}

static void a_backup_of_a_database_in_use_verifies(void **state)
{
    (void)state;
    struct verify_report r;
    struct store *s;
    struct err e = {0};
    if (shell("command -v sqlite3 >/dev/null"))
        SKIP_FOR("no sqlite3");
    assert_int_equal(store_open(at("used.db"), STORE_WRITE, &s, &e), 0);
    fill_store(s, 10, &key);
    assert_int_equal(shell("sqlite3 used.db '.backup copy.db'"), 0); /* as the README says */
    store_close(s);
    if (verify_db(at("copy.db"), &key, &r, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 10);
}

struct writing {
    atomic_bool stop;
    atomic_int rows;
};

static void *write_on(void *arg)
{
    struct writing *w = arg;
    struct store *s;
    if (store_open(at("live.db"), STORE_WRITE, &s, NULL))
        return NULL;
    while (!w->stop) {
        fill_store(s, 5, &key);
        w->rows += 5;
        usleep(5000); /* the file is to grow while it is read, not without bound */
    }
    store_close(s);
    return NULL;
}

static void a_database_verifies_while_its_worker_writes(void **state)
{
    (void)state;
    struct writing w = {0};
    pthread_t t;
    make_db("live.db", 300);
    assert_int_equal(pthread_create(&t, NULL, write_on, &w), 0);
    uint64_t last = 0;
    struct err e = {0};
    int rc = 0;
    for (int i = 0; i < 20 && !rc; i++) {
        struct verify_report r;
        rc = verify_db(at("live.db"), &key, &r, NULL, NULL, &e);
        assert_true(r.checked >= last);
        last = r.checked;
    }
    while (w.rows < 20)
        usleep(1000);
    w.stop = true;
    pthread_join(t, NULL);
    if (rc)
        fail_msg("%s", e.msg);
    assert_true(last >= 300);
}

static void the_key_must_be_the_worker_s(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    make_db("key.db", 3);
    assert_int_equal(verify_db(at("key.db"), &other_key, &r, NULL, NULL, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.msg, "result 1: signed by key"));
    assert_int_equal(r.bad_seq, 1);
}

/* Each changes one thing behind the worker's back. */
static const struct {
    const char *sql;
    uint64_t bad_seq;
    const char *says;
} forgeries[] = {
    {"DELETE FROM results WHERE seq = 5", 6, "5 to 5 are missing"},
    {"DELETE FROM results WHERE seq = 1", 2, "1 to 1 are missing"},
    {"DELETE FROM results WHERE seq < 4", 4, "1 to 3 are missing"},
    {"UPDATE results SET seq = 77 WHERE seq = 10", 77, "column of 'seq'"},
    {"UPDATE results SET seq = -3 WHERE seq = 10", 0, "column seq"},
    {"UPDATE results SET value = '2' WHERE seq = 3", 3, "column of 'value'"},
    {"UPDATE results SET value = NULL WHERE seq = 3", 3, "column of 'value'"},
    {"UPDATE results SET outcome = 'ok' WHERE seq = 3", 3, "column of 'outcome'"},
    {"UPDATE results SET outcome = 'great' WHERE seq = 3", 3, "column outcome"},
    {"UPDATE results SET stdout = stdout || 'x' WHERE seq = 3", 3, "column of 'stdout'"},
    {"UPDATE results SET stderr = '', stderr_truncated = 1 WHERE seq = 3", 3, "column of 'stderr'"},
    {"UPDATE results SET stdout_truncated = 1 WHERE seq = 4", 4, "column of 'truncated'"},
    {"UPDATE results SET error_line = 4 WHERE seq = 3", 3, "column of 'error'"},
    {"UPDATE results SET error_name = 'E' WHERE seq = 4", 4, "column of 'error'"},
    {"UPDATE results SET cpu_ms = cpu_ms + 0.001 WHERE seq = 3", 3, "column of 'usage'"},
    {"UPDATE results SET attempts = 1 WHERE seq = 3", 3, "column of 'attempts'"},
    {"UPDATE results SET tenant = 'rich' WHERE seq = 3", 3, "column of 'tenant'"},
    {"UPDATE results SET id = 'other' WHERE seq = 3", 3, "column of 'id'"},
    {"UPDATE results SET class = 'high' WHERE seq = 3", 3, "column of 'class'"},
    {"UPDATE results SET state = 'dead' WHERE seq = 3", 3, "column of 'state'"},
    {"UPDATE results SET worker = NULL WHERE seq = 3", 3, "column of 'worker'"},
    {"UPDATE results SET engine = 'v9' WHERE seq = 3", 3, "column of 'engine'"},
    {"UPDATE results SET limit_used = 1 WHERE seq = 3", 3, "column of 'limit'"},
    {"UPDATE results SET limit_name = NULL WHERE seq = 3", 3, "column of 'limit'"},
    {"UPDATE results SET profile = 'jitless' WHERE seq = 3", 3, "column of 'profile'"},
    {"UPDATE results SET engine_flags = '' WHERE seq = 3", 3, "column of 'engine_flags'"},
    {"UPDATE results SET reuse_call = 4 WHERE seq = 3", 3, "column of 'reuse'"},
    {"UPDATE results SET signed_by = NULL WHERE seq = 3", 3, "column of 'signed_by'"},
    {"UPDATE results SET permissions = '[]' WHERE seq = 3", 3, "column of 'permissions'"},
    {"UPDATE results SET tries = NULL WHERE seq = 3", 3, "column of 'tries'"},
    {"UPDATE results SET tries = '[' WHERE seq = 3", 3, "column tries"},
    {"UPDATE results SET artifacts = NULL WHERE seq = 3", 3, "column of 'artifacts'"},
    {"UPDATE results SET language = 'tsx' WHERE seq = 3", 3, "column of 'language'"},
    {"UPDATE results SET transform = NULL WHERE seq = 3", 3, "column of 'transform'"},
    {"UPDATE results SET transform = '{' WHERE seq = 3", 3, "column transform"},
    {"UPDATE results SET egress = NULL WHERE seq = 3", 3, "column of 'usage'"},
    {"UPDATE results SET egress = '{' WHERE seq = 3", 3, "column egress"},
    {"UPDATE results SET form = 5 WHERE seq = 3", 3, "column egress"},
    {"UPDATE results SET form = 4 WHERE seq = 3", 3, "column language"},
    {"UPDATE results SET artifacts = '[' WHERE seq = 3", 3, "column artifacts"},
    {"UPDATE results SET form = 3 WHERE seq = 3", 3, "column artifacts"},
    {"UPDATE results SET permissions = '[' WHERE seq = 3", 3, "column permissions"},
    {"UPDATE results SET attestation_set = NULL WHERE seq = 3", 3, "column of 'attestation'"},
    {"UPDATE results SET attestation_at = started_at WHERE seq = 3", 3, "column of 'attestation'"},
    {"UPDATE results SET form = 1, artifacts = NULL, language = NULL, transform = NULL, egress = "
     "NULL WHERE seq = "
     "3",
     3, "column of 'limit'"},
    {"UPDATE results SET form = 9 WHERE seq = 3", 3, "column form"},
    {"UPDATE results SET jail = '[]' WHERE seq = 3", 3, "column of 'jail'"},
    {"UPDATE results SET jail = '{' WHERE seq = 3", 3, "column jail"},
    {"UPDATE results SET started_at = '2026-01-01T00:00:00.000000Z' WHERE seq = 3", 3,
     "column of 'started_at'"},
    {"UPDATE results SET script_sha256 = input_sha256 WHERE seq = 3", 3,
     "column of 'script_sha256'"},
    {"UPDATE results SET prev = hash WHERE seq = 3", 3, "column of 'prev'"},
    {"UPDATE results SET hash = prev WHERE seq = 3", 3, "column of 'hash'"},
    {"UPDATE results SET envelope = (SELECT envelope FROM results WHERE seq = 1) WHERE seq = 3", 3,
     "column of 'id'"},
    {"UPDATE results SET envelope = x'7b7d' WHERE seq = 3", 3, "payload: found nothing"},
    {"UPDATE results SET envelope = replace(CAST(envelope AS TEXT), 'a', 'b') WHERE seq = 3", 3,
     ""},
};

/* A file as the first version of the schema left it: signed objects of the first form. */
static void make_first_version(const char *name, int rows)
{
    struct store *s;
    struct err e = {0};
    uint64_t seq = 0;
    char prev[65] = ZEROS, id[32];
    if (store_open(at(name), STORE_WRITE, &s, &e))
        fail_msg("%s", e.msg);
    for (int i = 0; i < rows; i++) {
        struct signed_row row;
        snprintf(id, sizeof id, "old%d", i);
        struct result *r = i % 2 ? bare_result(id) : sample_result(id);
        r->form = RESULT_FORM_FIRST;
        sign_next(&row, r, &key, &seq, prev);
        assert_int_equal(store_commit(s, &row.row, 1, &e), 0);
        signed_row_free(&row);
    }
    store_close(s);
    static const char *const later[] = {
        "form",        "limit_name",   "limit_value",     "limit_used",     "profile", "signed_by",
        "permissions", "engine_flags", "attestation_set", "attestation_at", "tries",   "artifacts",
        "reuse_mode",  "reuse_call",   "language",        "transform",      "egress",
    };
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        char text[100];
        snprintf(text, sizeof text, "ALTER TABLE results DROP COLUMN %s", later[i]);
        sql(name, text);
    }
    sql(name, "DROP INDEX results_by_tenant; DROP TABLE pruned; DROP TABLE checkpoint; "
              "DROP TABLE tenants; PRAGMA user_version = 1");
}

static void results_of_the_first_version_stay_verifiable(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    make_first_version("old.db", 6);
    if (verify_db(at("old.db"), &key, &r, NULL, NULL, &e)) /* as it is, nothing migrated */
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 6);
    make_db("old.db", 5); /* a new worker opens it, and goes on */
    if (verify_db(at("old.db"), &key, &r, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.checked, 11);
    sql("old.db", "UPDATE results SET limit_name = 'cpu_ms', form = 2 WHERE seq = 1");
    assert_int_equal(verify_db(at("old.db"), &key, &r, NULL, NULL, &e), ERR_CORRUPT);
    assert_int_equal(r.bad_seq, 1);
}

static void every_forgery_shows_at_its_place(void **state)
{
    (void)state;
    make_db("clean.db", 10);
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        struct verify_report r;
        struct err e = {0};
        char text[300];
        snprintf(text, sizeof text, "%s", forgeries[i].sql);
        if (strstr(text, "CAST(envelope")) /* a blob again, as the column wants it */
            snprintf(text, sizeof text,
                     "UPDATE results SET envelope = CAST(replace(CAST(envelope AS TEXT), 'a', 'b') "
                     "AS BLOB) "
                     "WHERE seq = 3");
        assert_int_equal(shell("rm -f forged.db*; cp clean.db forged.db"), 0);
        sql("forged.db", text);
        int rc = verify_db(at("forged.db"), &key, &r, NULL, NULL, &e);
        if (rc != ERR_CORRUPT || (forgeries[i].bad_seq && r.bad_seq != forgeries[i].bad_seq) ||
            !r.bad_seq || !strstr(e.msg, forgeries[i].says))
            fail_msg("%s: %d, at %d: %s", text, rc, (int)r.bad_seq, e.msg);
    }
}

/* stream_seq is bookkeeping, not part of what is signed. */
static void what_is_not_signed_is_not_held_against_anyone(void **state)
{
    (void)state;
    struct verify_report r;
    make_db("own.db", 3);
    sql("own.db", "UPDATE results SET stream_seq = 5; CREATE TABLE notes(x)");
    assert_int_equal(verify_db(at("own.db"), &key, &r, NULL, NULL, NULL), 0);
}

/* A worker's own key, its chain begun anew: the one forgery that needs the key shows as well. */
static void a_chain_spliced_from_two_is_broken(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    make_db("left.db", 4);
    make_db("right.db", 4);
    /* other rows at 3 and 4: signed alike, but following another row 2 */
    sql("right.db", "DELETE FROM results");
    struct store *s;
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    assert_int_equal(store_open(at("right.db"), STORE_WRITE, &s, &e), 0);
    for (int i = 0; i < 4; i++) {
        struct signed_row row;
        char id[8];
        snprintf(id, sizeof id, "r%d", i);
        sign_next(&row, sample_result(id), &key, &seq, prev);
        assert_int_equal(store_commit(s, &row.row, 1, &e), 0);
        signed_row_free(&row);
    }
    store_close(s);
    assert_int_equal(verify_db(at("right.db"), &key, &r, NULL, NULL, &e), 0);
    char text[512];
    snprintf(text, sizeof text,
             "ATTACH '%s' AS r; DELETE FROM main.results WHERE seq > 2; "
             "INSERT INTO main.results SELECT * FROM r.results WHERE seq > 2",
             at("right.db"));
    sql("left.db", text);
    assert_int_equal(verify_db(at("left.db"), &key, &r, NULL, NULL, &e), ERR_CORRUPT);
    assert_int_equal(r.bad_seq, 3);
    assert_non_null(strstr(e.msg, "the chain is broken"));
}

static void damage_in_the_file_is_found(void **state)
{
    (void)state;
    struct verify_report r;
    struct err e = {0};
    make_db("whole.db", 200);
    char *data;
    size_t len;
    assert_int_equal(fs_read_file(at("whole.db"), 16 << 20, &data, &len, &e), 0);
    int found = 0, tried = 0;
    for (size_t i = 8192; i + 512 < len; i += len / 40, tried++) { /* behind header and schema */
        char was[512];
        memcpy(was, data + i, sizeof was);
        memset(data + i, 0x5a, sizeof was);
        assert_int_equal(fs_write_file(at("broken.db"), data, len, 0600, false, &e), 0);
        int rc = verify_db(at("broken.db"), &key, &r, NULL, NULL, &e);
        if (rc) {
            found++;
            assert_int_equal(rc, ERR_CORRUPT);
            assert_true(r.bad_seq > 0);
        }
        memcpy(data + i, was, sizeof was);
    }
    free(data);
    assert_true(found > tried / 2); /* the rest hit free space and the index */
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(one_envelope_is_checked),
        cmocka_unit_test(a_signed_text_that_is_no_result_is_refused),
        cmocka_unit_test(a_sound_database_verifies_whole),
        cmocka_unit_test(a_copy_of_the_file_alone_verifies),
        cmocka_unit_test(a_backup_of_a_database_in_use_verifies),
        cmocka_unit_test(a_database_verifies_while_its_worker_writes),
        cmocka_unit_test(the_key_must_be_the_worker_s),
        cmocka_unit_test(results_of_the_first_version_stay_verifiable),
        cmocka_unit_test(every_forgery_shows_at_its_place),
        cmocka_unit_test(what_is_not_signed_is_not_held_against_anyone),
        cmocka_unit_test(a_chain_spliced_from_two_is_broken),
        cmocka_unit_test(damage_in_the_file_is_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, setup, remove_test_dir);
}
