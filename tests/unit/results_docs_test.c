/* docs/verify.md: its commands are run as they stand there, on results signed by us. */
#include "tests/unit/results_sample.h"

#include "base/fs.h"
#include "tests/unit/lacking.h"

#define PAGE "docs/verify.md" /* tests run from the top of the checkout */

static struct sign_key key;

/* Everything between ```sh and ``` into steps.sh; returns the number of blocks. */
static int extract_steps(void)
{
    char *page;
    size_t len;
    struct err e = {0};
    struct buf out = {0};
    int blocks = 0;
    if (fs_read_file(PAGE, 1 << 20, &page, &len, &e))
        fail_msg("%s", e.msg);
    for (char *p = page; (p = strstr(p, "```sh\n")); blocks++) {
        p += 6;
        char *end = strstr(p, "```");
        assert_non_null(end);
        buf_add(&out, p, (size_t)(end - p));
        p = end + 3;
    }
    assert_int_equal(fs_write_file(at("steps.sh"), out.data, out.len, 0600, false, &e), 0);
    buf_free(&out);
    free(page);
    return blocks;
}

/* A database of two results, the second as envelope.json, the first as previous.json. */
static int setup(void **state)
{
    struct store *s;
    struct err e;
    if (make_test_dir(state))
        return -1;
    make_key(&key, "worker.key");
    if (store_open(at("results.db"), STORE_WRITE, &s, &e))
        return -1;
    uint64_t seq = 0;
    char prev[65] = ZEROS;
    for (int i = 0; i < 2; i++) {
        struct signed_row row;
        sign_next(&row, sample_result(i ? "job-2" : "job-1"), &key, &seq, prev);
        if (store_commit(s, &row.row, 1, &e) ||
            fs_write_file(at(i ? "envelope.json" : "previous.json"), row.envelope.data,
                          row.envelope.len, 0600, false, &e))
            return -1;
        signed_row_free(&row);
    }
    store_close(s);
    return shell("mv worker.key.pub worker.pub && printf script > script.js");
}

static bool tools_lack(void)
{
    return shell("command -v openssl >/dev/null && command -v jq >/dev/null && command -v sqlite3 "
                 ">/dev/null "
                 "&& openssl version | grep -q 'OpenSSL 3'") != 0;
}

static int run_steps(void)
{
    return shell("bash -euo pipefail steps.sh > out.txt 2>&1");
}

static void the_page_s_commands_verify_a_good_result(void **state)
{
    (void)state;
    if (tools_lack())
        SKIP_FOR("no openssl 3, jq or sqlite3");
    assert_int_equal(extract_steps(), 8);
    if (run_steps()) {
        shell("sed 's/^/# /' out.txt");
        fail();
    }
    assert_int_equal(shell("grep -q 'Signature Verified Successfully' out.txt"), 0);
    assert_int_equal(shell("grep -q '^ci/job-2: threw on w1 at 2026-11-18T' out.txt"), 0);
}

/* Each spoils one thing; the page's commands must stop. */
static void the_page_s_commands_refuse_a_bad_one(void **state)
{
    (void)state;
    static const char *const spoil[] = {
        "jq -c '.payload |= (@base64d | sub(\"threw\"; \"ok\") | @base64)' good.json > "
        "envelope.json",
        "jq -c '.payloadType = \"text/plain\"' good.json > envelope.json",
        "jq -c '.signatures[0].keyid = \"00\"' good.json > envelope.json",
        "cp previous.json envelope.json", /* a good one, but not of this place in the chain */
        "openssl genpkey -algorithm ed25519 | openssl pkey -pubout > worker.pub",
        "printf 'another script' > script.js",
        "sqlite3 results.db \"update results set hash = prev where seq = 1\"",
        "sqlite3 results.db \"delete from results where seq = 1\"",
    };
    if (tools_lack())
        SKIP_FOR("no openssl 3, jq or sqlite3");
    extract_steps();
    assert_int_equal(
        shell("cp envelope.json good.json && cp worker.pub good.pub && cp results.db good.db"), 0);
    for (size_t i = 0; i < ARRAY_LEN(spoil); i++) {
        assert_int_equal(
            shell("cp good.json envelope.json; cp good.pub worker.pub; printf script > script.js;"
                  "rm -f results.db*; cp good.db results.db"),
            0);
        assert_int_equal(run_steps(), 0);
        assert_int_equal(shell("%s", spoil[i]), 0);
        if (run_steps() == 0)
            fail_msg("not noticed: %s", spoil[i]);
    }
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_s_commands_verify_a_good_result),
        cmocka_unit_test(the_page_s_commands_refuse_a_bad_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, setup, remove_test_dir);
}
