/* verify, keys and version: offline commands, against envelopes and a database made here. */
#include "tests/unit/cli_run.h"

#include <fcntl.h>

#include "base/fs.h"
#include "tests/unit/results_sample.h"

static struct sign_key key;
static char keyid_shown[20];

/* data/ with worker.key, worker.pub, and results.db of five rows; good.json is one envelope. */
static int make_all(void **state)
{
    struct store *db;
    struct err e;
    if (make_test_dir(state) || chdir(test_dir))
        return -1;
    setenv("HOME", test_dir, 1);
    unsetenv("ISOLANE_CONFIG");
    unsetenv("ISOLANE_DATA_DIR");
    if (fs_make_dirs("data", &e) || fs_make_dirs("empty", &e))
        return -1;
    make_key(&key, "worker.key");
    snprintf(keyid_shown, sizeof keyid_shown, "%.16s", key.keyid);
    if (shell("mv worker.key data/worker.key && mv worker.key.pub data/worker.pub") ||
        store_open("data/results.db", STORE_WRITE, &db, &e))
        return -1;
    fill_store(db, 5, &key);
    store_close(db);
    struct signed_row row;
    uint64_t seq = 6;
    char prev[65] = ZEROS;
    sign_next(&row, sample_result("job-7"), &key, &seq, prev);
    int rc = fs_write_file("good.json", row.envelope.data, row.envelope.len, 0600, false, &e);
    row.envelope.data[row.envelope.len / 2] ^= 1;
    rc |= fs_write_file("bad.json", row.envelope.data, row.envelope.len, 0600, false, &e);
    signed_row_free(&row);
    return rc;
}

static int remove_all(void **state)
{
    forget_said();
    return remove_test_dir(state);
}

static void an_envelope_is_verified(void **state)
{
    (void)state;
    char want[128];
    snprintf(want, sizeof want, "verified: job job-7 of tenant ci, outcome threw, seq 7, key %s…\n",
             keyid_shown);
    EXPECT(0, &command_verify, "verify good.json --data data", want, NULL);
    EXPECT(0, &command_verify, "verify good.json --key data/worker.pub", want, NULL);
    EXPECT(0, &command_verify, "verify good.json --data data --json",
           "{\"verified\":true,\"id\":\"job-7\",\"tenant\":\"ci\",\"outcome\":\"threw\",\"seq\":7,",
           NULL);
}

static void standard_input_is_a_file(void **state)
{
    (void)state;
    int keep = dup(0), fd = open("good.json", O_RDONLY);
    dup2(fd, 0);
    EXPECT(0, &command_verify, "verify - --data data", "verified: job job-7 ", NULL);
    dup2(keep, 0);
    close(keep);
    close(fd);
}

static void many_envelopes_are_lines(void **state)
{
    (void)state;
    assert_int_equal(shell("{ cat good.json; echo; echo; cat good.json; echo; } > many.json"), 0);
    EXPECT(0, &command_verify, "verify many.json --data data", "verified: job job-7 ", NULL);
    assert_non_null(strstr(strstr(said_out, "job-7") + 5, "job-7"));
    assert_int_equal(shell("{ cat good.json; echo; cat bad.json; } > many.json"), 0);
    EXPECT(1, &command_verify, "verify many.json --data data", "verified: job job-7 ",
           "isolane: NOT verified: many.json: line 2: ");
}

static void what_does_not_hold_is_said(void **state)
{
    (void)state;
    EXPECT(1, &command_verify, "verify bad.json --data data", NULL,
           "isolane: NOT verified: bad.json: ");
    EXPECT(1, &command_verify, "verify bad.json --data data --json", "{\"verified\":false,", NULL);
    assert_int_equal(shell("openssl genpkey -algorithm ed25519 | openssl pkey -pubout > other.pub"),
                     0);
    EXPECT(1, &command_verify, "verify good.json --key other.pub", NULL, key.keyid);
    assert_int_equal(shell(": > nothing; echo '{}' > object"), 0);
    EXPECT(1, &command_verify, "verify nothing --data data", NULL,
           "NOT verified: nothing: found nothing; allowed: an envelope");
    EXPECT(1, &command_verify, "verify object --data data", NULL, "NOT verified: object: ");
}

static void a_database_is_verified(void **state)
{
    (void)state;
    EXPECT(0, &command_verify, "verify --db data/results.db --data data",
           "verified: data/results.db: 5 results, seq 1 to 5, every signature and the chain, key ",
           NULL);
    EXPECT(0, &command_verify, "verify --db data/results.db --data data --json",
           "{\"verified\":true,\"checked\":5,\"first\":1,\"last\":5,", NULL);
    assert_int_equal(shell("cp data/results.db cut.db && sqlite3 cut.db 'PRAGMA writable_schema=1' "
                           "'delete from results where seq = 3'"),
                     0);
    EXPECT(1, &command_verify, "verify --db cut.db --data data", NULL,
           "isolane: NOT verified: cut.db: result 4: ");
    EXPECT(1, &command_verify, "verify --db cut.db --data data --json",
           "{\"verified\":false,\"checked\":2,\"bad_seq\":4,", NULL);
}

static void what_cannot_be_read_is_no_verdict(void **state)
{
    (void)state;
    EXPECT(2, &command_verify, "verify none.json --data data", NULL, "cannot read none.json");
    EXPECT(2, &command_verify, "verify --db none.db --data data", NULL, "none.db");
    EXPECT(2, &command_verify, "verify good.json --key none.pub", NULL, "none.pub");
    EXPECT(2, &command_verify, "verify good.json --key good.json", NULL, "no PEM key");
    EXPECT(3, &command_verify, "verify good.json --data empty", NULL,
           "/empty/worker.pub is not there; a worker makes it at its first start");
}

static void wrong_usage_is_refused(void **state)
{
    (void)state;
    EXPECT(2, &command_verify, "verify --data data", NULL, "found neither a file nor --db");
    EXPECT(2, &command_verify, "verify x --db y", NULL, "found a file and --db; allowed: FILE");
    EXPECT(2, &command_keys, "keys", NULL, "export, show, or new FILE is missing");
    EXPECT(2, &command_keys, "keys make", NULL, "found 'make'; allowed: export, show, new FILE");
    EXPECT(2, &command_keys, "keys new", NULL, "new: allowed: new FILE");
    EXPECT(2, &command_keys, "keys show more", NULL, "found a further word");
    EXPECT(2, &command_version, "version x", NULL, "found 'x' too many");
}

static void keys_are_printed_as_openssl_reads_them(void **state)
{
    (void)state;
    char want[80];
    EXPECT(0, &command_keys, "keys export --data data", "-----BEGIN PUBLIC KEY-----\n", NULL);
    assert_int_equal(fs_write_file("exported", said_out, strlen(said_out), 0600, false, NULL), 0);
    assert_int_equal(
        shell("cmp exported data/worker.pub && openssl pkey -pubin -in exported -noout"), 0);
    snprintf(want, sizeof want, "%s\n", key.keyid);
    EXPECT(3, &command_keys, "keys export --seal --data empty", NULL,
           "/empty/seal.pub is not there");
    EXPECT(0, &command_keys, "keys show --data data", want, NULL);
    EXPECT(0, &command_keys, "keys show --data data --json", "\"algorithm\":\"ed25519\"", NULL);
    EXPECT(3, &command_keys, "keys export --data empty", NULL, "/empty/worker.pub is not there");
}

static void versions_are_told_even_without_an_engine(void **state)
{
    (void)state;
    setenv("ISOLANE_ENGINE_DIR", test_dir, 1);
    EXPECT(0, &command_version, "version", "isolane   " ISOLANE_VERSION "\n", NULL);
    EXPECT(0, &command_version, "version --json", "\"engine\":null", NULL);
    /* An engine folder whose program answers. */
    assert_int_equal(
        shell("mkdir engine && cd engine && touch libisolane-cell.so snapshot.bin && "
              "printf '#!/bin/sh\\necho node v1.2.3, V8 4.5\\n' > node && chmod +x node"),
        0);
    setenv("ISOLANE_ENGINE_DIR", at("engine"), 1);
    EXPECT(0, &command_version, "version", "engine    node v1.2.3, V8 4.5\n", NULL);
    unsetenv("ISOLANE_ENGINE_DIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_verified),
        cmocka_unit_test(standard_input_is_a_file),
        cmocka_unit_test(many_envelopes_are_lines),
        cmocka_unit_test(what_does_not_hold_is_said),
        cmocka_unit_test(a_database_is_verified),
        cmocka_unit_test(what_cannot_be_read_is_no_verdict),
        cmocka_unit_test(wrong_usage_is_refused),
        cmocka_unit_test(keys_are_printed_as_openssl_reads_them),
        cmocka_unit_test(versions_are_told_even_without_an_engine),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_all, remove_all);
}
