/* envelope: DSSE and in-toto, checked by openssl and a PAE that a shell builds, then by force. */
#include "tests/unit/results_sample.h"

#include "base/fs.h"
#include "base/jv.h"
#include "tests/unit/lacking.h"

static struct sign_key key, other_key;

static int setup(void **state)
{
    if (make_test_dir(state))
        return -1;
    make_key(&key, "w.key");
    make_key(&other_key, "other.key");
    return 0;
}

/* An envelope of the sample result with an id. */
static void make_envelope(const char *id, struct buf *statement, struct buf *envelope)
{
    struct result *r = sample_result(id);
    r->seq = 1;
    memcpy(r->prev, ZEROS, 65);
    statement_encode(r, statement);
    envelope_sign(&key, statement->data, statement->len, envelope);
    result_free(r);
}

static void a_statement_names_job_and_script(void **state)
{
    (void)state;
    struct buf s = {0}, e = {0}, result = {0}, plain = {0};
    struct jv *v;
    make_envelope("job-7", &s, &e);
    assert_memory_equal(s.data,
                        "{\"_type\":\"https://in-toto.io/Statement/"
                        "v1\",\"subject\":[{\"name\":\"job-7\",\"digest\":{\"sha256\":\"",
                        88);
    assert_int_equal(jv_parse(s.data, s.len, &v, NULL), 0);
    assert_int_equal(jv_count(v), 4);
    const struct jv *subject = jv_at(jv_get(v, "subject"), 0);
    char sha[SHA256_HEX];
    crypto_sha256_hex("script", 6, sha);
    assert_string_equal(jv_string(jv_get(subject, "name"), NULL), "job-7");
    assert_string_equal(jv_string(jv_get(jv_get(subject, "digest"), "sha256"), NULL), sha);
    assert_string_equal(jv_string(jv_get(v, "predicateType"), NULL),
                        "https://isolane.dev/result/v1");
    assert_int_equal(statement_result(s.data, s.len, &result, NULL), 0);
    struct result *r = sample_result("job-7");
    r->seq = 1;
    memcpy(r->prev, ZEROS, 65);
    result_encode(r, &plain);
    assert_string_equal(result.data, plain.data);
    result_free(r);
    jv_free(v);
    buf_free(&s);
    buf_free(&e);
    buf_free(&result);
    buf_free(&plain);
}

static void a_job_without_a_script_has_the_digest_of_nothing(void **state)
{
    (void)state;
    struct buf s = {0};
    struct result *r = bare_result("x");
    statement_encode(r, &s);
    assert_non_null(
        strstr(s.data, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    assert_int_equal(statement_result(s.data, s.len, NULL, NULL), 0);
    result_free(r);
    buf_free(&s);
}

/* protocol.md of DSSE: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body */
static void the_pae_is_dsse_s(void **state)
{
    (void)state;
    struct buf b = {0};
    envelope_pae("hello world", 11, &b);
    assert_string_equal(b.data, "DSSEv1 28 application/vnd.in-toto+json 11 hello world");
    buf_free(&b);
}

static void openssl_verifies_what_we_sign(void **state)
{
    (void)state;
    struct buf s = {0}, env = {0};
    struct err e;
    if (shell("command -v openssl >/dev/null && command -v jq >/dev/null"))
        SKIP_FOR("no openssl or jq");
    make_envelope("job-7", &s, &env);
    assert_int_equal(fs_write_file(at("e.json"), env.data, env.len, 0600, false, &e), 0);
    /* The PAE is built by the shell, from the envelope alone. */
    assert_int_equal(shell("jq -rj .payload e.json | base64 -d > payload.bin &&"
                           "jq -rj '.signatures[0].sig' e.json | base64 -d > sig.bin &&"
                           "type=$(jq -r .payloadType e.json) &&"
                           "{ printf 'DSSEv1 %%s %%s %%s ' \"${#type}\" \"$type\" "
                           "\"$(wc -c < payload.bin)\"; cat payload.bin; } > pae.bin"),
                     0);
    const char *verify = "openssl pkeyutl -verify -rawin -pubin -inkey %s -in pae.bin -sigfile "
                         "sig.bin > out.txt 2>&1";
    char cmd[256];
    snprintf(cmd, sizeof cmd, verify, "w.key.pub");
    assert_int_equal(shell("%s", cmd), 0);
    assert_int_equal(shell("grep -q 'Signature Verified Successfully' out.txt"), 0);
    snprintf(cmd, sizeof cmd, verify, "other.key.pub");
    assert_int_not_equal(shell("%s", cmd), 0);
    snprintf(cmd, sizeof cmd, verify, "w.key.pub");
    assert_int_equal(shell("printf x | dd of=pae.bin bs=1 seek=100 conv=notrunc 2>dd.txt"), 0);
    assert_int_not_equal(shell("%s", cmd), 0);
    buf_free(&s);
    buf_free(&env);
}

static void we_verify_what_openssl_signs(void **state)
{
    (void)state;
    struct err e = {0};
    char *json, *payload;
    size_t len, payload_len;
    if (shell("command -v openssl >/dev/null"))
        SKIP_FOR("no openssl");
    assert_int_equal(
        shell("t=application/vnd.in-toto+json; printf 'DSSEv1 %%s %%s 2 {}' ${#t} $t > p &&"
              "openssl pkeyutl -sign -rawin -inkey w.key -in p -out s &&"
              "printf "
              "'{\"payload\":\"e30=\",\"payloadType\":\"%%s\",\"signatures\":[{\"sig\":\"%%s\"}]}' "
              "$t \"$(base64 -w0 s)\" > theirs.json"),
        0);
    assert_int_equal(fs_read_file(at("theirs.json"), 10000, &json, &len, &e), 0);
    if (envelope_open(json, len, &key, &payload, &payload_len, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(payload, "{}");
    free(payload);
    assert_int_equal(envelope_open(json, len, &other_key, &payload, &payload_len, &e), ERR_CORRUPT);
    free(json);
}

static void the_size_is_known_before(void **state)
{
    (void)state;
    for (size_t n = 0; n < 50; n++) {
        struct buf b = {0};
        char text[64] = {0};
        envelope_sign(&key, text, n, &b);
        assert_int_equal(envelope_size(n), b.len);
        assert_int_equal(strlen(b.data), b.len);
        buf_free(&b);
    }
}

static int try_open(const char *json, const struct sign_key *k, struct err *e)
{
    char *payload;
    size_t len;
    size_t n = strlen(json);
    char *exact = mem_alloc(n);
    memcpy(exact, json, n);
    int rc = envelope_open(exact, n, k, &payload, &len, e);
    if (rc)
        assert_null(payload);
    free(payload);
    free(exact);
    return rc;
}

static void an_envelope_opens_with_its_key_only(void **state)
{
    (void)state;
    struct buf s = {0}, env = {0};
    struct err e = {0};
    char *payload;
    size_t len;
    make_envelope("job-7", &s, &env);
    assert_int_equal(envelope_open(env.data, env.len, &key, &payload, &len, &e), 0);
    assert_int_equal(len, s.len);
    assert_memory_equal(payload, s.data, len + 1);
    free(payload);
    assert_int_equal(try_open(env.data, NULL, &e), 0); /* shape only */
    assert_int_equal(try_open(env.data, &other_key, &e), ERR_DENIED);
    assert_non_null(strstr(e.msg, key.keyid));
    assert_non_null(strstr(e.msg, other_key.keyid));
    buf_free(&s);
    buf_free(&env);
}

/* Every character of the envelope changed in turn: never accepted as valid, never a crash, unless
 * the change is one that DSSE says means nothing (the key id is a hint). */
static void any_changed_character_is_noticed(void **state)
{
    (void)state;
    struct buf s = {0}, env = {0};
    struct err e;
    make_envelope("j", &s, &env);
    size_t id_at = (size_t)(strstr(env.data, "\"keyid\":") - env.data), id_end = id_at + 9 + 65;
    for (size_t i = 0; i < env.len; i++) {
        char was = env.data[i];
        static const char changes[] = "Aa0\" {\\\xff";
        for (size_t c = 0; changes[c]; c++) {
            if (changes[c] == was)
                continue;
            env.data[i] = changes[c];
            if (try_open(env.data, &key, &e) == 0 && !(i >= id_at && i < id_end))
                fail_msg("accepted with '%c' at %zu instead of '%c'", changes[c], i, was);
        }
        env.data[i] = was;
    }
    buf_free(&s);
    buf_free(&env);
}

static void what_is_no_envelope_is_said_member_by_member(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
    } t[] = {
        {"", "not valid JSON"},
        {"nonsense", "not valid JSON"},
        {"[]", "found array"},
        {"{}", "payload: found nothing"},
        {"{\"payload\":1}", "payload: found number"},
        {"{\"payload\":\"e30=\"}", "payloadType: found nothing"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"text/plain\"}", "found 'text/plain'"},
        {"{\"payload\":\"e30\n=\",\"payloadType\":\"application/vnd.in-toto+json\"}",
         "not valid JSON"},
        {"{\"payload\":\"e3 0\",\"payloadType\":\"application/vnd.in-toto+json\"}",
         "payload: not base64"},
        {"{\"payload\":\"e\",\"payloadType\":\"application/vnd.in-toto+json\"}",
         "payload: not base64"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\"}",
         "signatures: found nothing"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/"
         "vnd.in-toto+json\",\"signatures\":[]}",
         "signatures: found 0"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/"
         "vnd.in-toto+json\",\"signatures\":[1]}",
         "signatures: found number"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/"
         "vnd.in-toto+json\",\"signatures\":[{}]}",
         "sig: found nothing"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":"
         "[{\"sig\":\"?\"}]}",
         "sig: not base64"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":"
         "[{\"sig\":\"\",\"keyid\":7}]}",
         "keyid: found number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct err e = {0};
        for (int with_key = 0; with_key < 2; with_key++) {
            int rc = try_open(t[i].json, with_key ? &key : NULL, &e);
            if (rc != ERR_INVALID || !strstr(e.msg, t[i].says))
                fail_msg("%s: %d %s", t[i].json, rc, e.msg);
        }
    }
    struct err e = {0};
    assert_int_equal(
        try_open("{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\","
                 "\"signatures\":[{\"sig\":\"\"}]}",
                 &key, &e),
        ERR_CORRUPT); /* well-formed, but no signature at all */
}

static void dsse_s_liberties_are_taken(void **state)
{
    (void)state;
    struct buf s = {0}, env = {0}, b = {0};
    struct err e = {0};
    struct jv *v;
    make_envelope("job?>~", &s, &env); /* characters that make + and / in base64 */
    assert_int_equal(jv_parse(env.data, env.len, &v, NULL), 0);
    const char *payload = jv_string(jv_get(v, "payload"), NULL);
    const char *sig = jv_string(jv_get(jv_at(jv_get(v, "signatures"), 0), "sig"), NULL);
    /* other order, unknown members, white space, a foreign signature first, no key id */
    buf_addf(&b,
             " { \"x\":{}, \"signatures\" : [ {\"keyid\":\"theirs\",\"sig\":\"AAAA\",\"y\":1}, "
             "{\"sig\":\"%s\"} ],"
             "\"payloadType\":\"application\\/vnd.in-toto+json\",\"payload\":\"%s\" }\n",
             sig, payload);
    if (try_open(b.data, &key, &e))
        fail_msg("%s", e.msg);
    for (char *p = b.data; *p; p++)    /* URL-safe, without padding */
        if (*p == '+' && p[-1] != 'o') /* not the one in in-toto+json */
            *p = '-';
        else if (*p == '/' && p[-1] != '\\')
            *p = '_';
    if (try_open(b.data, &key, &e))
        fail_msg("%s", e.msg);
    assert_non_null(strpbrk(payload, "+/"));
    jv_free(v);
    buf_free(&s);
    buf_free(&env);
    buf_free(&b);
}

static void check_statement(const char *text, const char *says)
{
    struct err e = {0};
    struct buf out = {0};
    int rc = statement_result(text, strlen(text), &out, &e);
    if (rc != ERR_INVALID || !strstr(e.msg, says))
        fail_msg("%s: %d %s", text, rc, e.msg);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

#define T     "\"_type\":\"https://in-toto.io/Statement/v1\","
#define PT    "\"predicateType\":\"https://isolane.dev/result/v1\","
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void a_statement_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    check_statement("", "not a JSON");
    check_statement("{", "not a JSON");
    check_statement("[]", "_type");
    check_statement("{}", "_type: found no string");
    check_statement("{\"_type\":7}", "_type: found no string");
    check_statement("{\"_type\":\"x\"}", "_type: found 'x'");
    check_statement("{" T "\"predicateType\":\"y\"}", "predicateType: found 'y'");
    check_statement("{" T PT "\"subject\":[]}", "predicate: missing");
    check_statement("{" T PT "\"predicate\":[]}", "predicate: missing, or not an object");
    check_statement("{" T PT "\"predicate\":{}}", "subject: missing");
    check_statement("{" T PT "\"predicate\":{\"id\":\"a\"},\"subject\":[]}", "exactly one");
    check_statement("{" T PT "\"predicate\":{\"id\":\"a\"},\"subject\":[{\"name\":\"a\"}]}",
                    "exactly one");
    check_statement("{" T PT "\"predicate\":{\"id\":\"a\"},\"subject\":[{\"name\":\"b\",\"digest\":"
                    "{\"sha256\":\"" EMPTY "\"}}]}",
                    "named 'b'");
    check_statement("{" T PT "\"predicate\":{\"id\":\"a\"},\"subject\":[{\"name\":\"a\",\"digest\":"
                    "{\"sha256\":\"00\"}}]}",
                    "digest");
    struct buf out = {0};
    const char *ok =
        "{" T PT "\"predicate\":{\"id\":\"a\",\"value\":\"\\ud800\"},\"subject\":[{\"name\":\"a\","
        "\"digest\":{\"sha256\":\"" EMPTY "\"}}]}";
    assert_int_equal(statement_result(ok, strlen(ok), &out, NULL), 0);
    assert_string_equal(out.data, "{\"id\":\"a\",\"value\":\"\\ud800\"}");
    buf_free(&out);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_names_job_and_script),
        cmocka_unit_test(a_job_without_a_script_has_the_digest_of_nothing),
        cmocka_unit_test(the_pae_is_dsse_s),
        cmocka_unit_test(openssl_verifies_what_we_sign),
        cmocka_unit_test(we_verify_what_openssl_signs),
        cmocka_unit_test(the_size_is_known_before),
        cmocka_unit_test(an_envelope_opens_with_its_key_only),
        cmocka_unit_test(any_changed_character_is_noticed),
        cmocka_unit_test(what_is_no_envelope_is_said_member_by_member),
        cmocka_unit_test(dsse_s_liberties_are_taken),
        cmocka_unit_test(a_statement_that_is_not_ours_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, setup, remove_test_dir);
}
