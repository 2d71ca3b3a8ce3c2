/* signature: jobs signed by openssl and by us, altered in every way; what it means for a job's id.
 * And the field "secrets" of a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "queue/job/job.h"
#include "queue/job/signature.h"
#include "tests/unit/lacking.h"

/* RFC 8032, section 7.1, test 1. */
#define SEED_BASE64 "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define KEY_ID      "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9"
/* Over {"id":"build-1","script":"export default 1"} for tenant ci; by openssl 3.0. */
#define MESSAGE     "{\"id\":\"build-1\",\"script\":\"export default 1\"}"
#define BY_OPENSSL                                                                                 \
    KEY_ID                                                                                         \
    " hjE4A0meNIaYWZGPIfvDayz8qNw3/w101fd7ObX8SMjQzV6fOl+7oNB4CQ7Z9Ld3+o7ZQkjL+B3O38u4SLt0AQ=="

static uint8_t seed[KEY_BYTES], other_seed[KEY_BYTES] = {7};
static struct job_key keys[2];
static struct tenant tenants[] = {{.name = "ci", .weight = 1}, {.name = "free", .weight = 1}};
static struct config config = {.job_max_kb = 64, .tenants = tenants, .tenant_count = 2};
static char folder[64] = "/tmp/isolane-signature-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    struct err e;
    size_t len;
    if (crypto_init(&e) ||
        !crypto_unbase64(SEED_BASE64, strlen(SEED_BASE64), seed, sizeof seed, &len))
        return 1;
    uint8_t third[KEY_BYTES] = {9};
    const uint8_t *seeds[] = {third, seed};
    for (int i = 0; i < 2; i++) {
        key_public_of(KEY_ED25519_SECRET, seeds[i], keys[i].pub);
        key_id(KEY_ED25519_PUBLIC, keys[i].pub, keys[i].keyid);
    }
    tenants[0].job_keys = keys;
    tenants[0].job_key_count = 2;
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < LIMITS; i++) {
            tenants[t].defaults.v[i] = limit_table[i].fallback;
            tenants[t].ceilings.v[i] = limit_table[i].ceiling;
        }
    permission_add(&tenants[1].permissions.list[PERMISSION_SECRETS], "TOKEN", 5);
    permission_add(&tenants[1].permissions.list[PERMISSION_SECRETS], "B", 1);
    return !mkdtemp(folder) || chdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    permissions_free(&tenants[1].permissions);
    return system("rm -f key.pem pae.bin sig.bin sig.txt pub.der") || chdir("/") || rmdir(folder);
}

static void check(const char *tenant, const char *header, int count, const char *message,
                  const char *says)
{
    struct err e = {0};
    char by[KEYID_LEN];
    const struct tenant *t = config_tenant(&config, tenant);
    int rc = signature_check(t, header, count, message, strlen(message), by, &e);
    if (!says) {
        assert_int_equal(rc, 0);
        assert_string_equal(by, KEY_ID);
        return;
    }
    assert_int_equal(rc, ERR_INVALID);
    assert_string_equal(by, "");
    if (!strstr(e.msg, says))
        fail_msg("says: %s", e.msg);
}

static void what_we_sign_holds_and_nothing_else(void **state)
{
    (void)state;
    char h[SIGNATURE_TEXT], wrong[SIGNATURE_TEXT];
    signature_make(seed, "ci", MESSAGE, strlen(MESSAGE), h);
    assert_string_equal(h, BY_OPENSSL);
    check("ci", h, 1, MESSAGE, NULL);
    check("ci", NULL, 0, MESSAGE, "signature: missing; jobs of tenant 'ci' must be signed");
    check("ci", h, 2, MESSAGE, "found the header Isolane-Signature 2 times; allowed: once");
    check("ci", h, 1, MESSAGE " ", "does not fit this message");
    check("ci", h, 1, "", "does not fit this message");
    check("ci", "", 1, MESSAGE, "of 0 characters");
    check("ci", "x", 1, MESSAGE, "of 1 characters; allowed: '<key id, 64 hex digits>");
    for (size_t i = 0; i < sizeof h - 1; i++) {
        memcpy(wrong, h, sizeof h);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        check("ci", wrong, 1, MESSAGE, "signature: ");
    }
    signature_make(seed, "free", MESSAGE, strlen(MESSAGE), wrong);
    check("ci", wrong, 1, MESSAGE, "altered, or signed for another tenant");
    signature_make(other_seed, "ci", MESSAGE, strlen(MESSAGE), wrong);
    check("ci", wrong, 1, MESSAGE, "which is none of the 2 job_keys of tenant 'ci'");
}

/* Nothing of ours but the check: the key, the encoding and the signature by openssl and a shell. */
static void openssl_signs(void **state)
{
    (void)state;
    char *text, header[400];
    size_t len;
    struct err e;
    if (system("command -v openssl >/dev/null"))
        SKIP_FOR("no openssl");
    assert_int_equal(
        system(
            "umask 077; { printf '302e020100300506032b657004220420' | sed 's/../\\\\x&/g' | "
            "xargs -0 printf; printf '" SEED_BASE64 "' | base64 -d; } | openssl pkey -inform DER "
            "-out key.pem && m='" MESSAGE "' && t='" JOB_PAYLOAD_TYPE ";tenant=ci' && printf "
            "'DSSEv1 %d %s %d %s' ${#t} \"$t\" ${#m} \"$m\" > pae.bin && openssl pkeyutl -sign "
            "-rawin -inkey key.pem -in pae.bin -out sig.bin && openssl pkey -in key.pem -pubout "
            "-outform DER -out pub.der && printf '%s %s' \"$(sha256sum < pub.der | cut -c1-64)\" "
            "\"$(base64 -w0 sig.bin)\" > sig.txt"),
        0);
    assert_int_equal(fs_read_file("sig.txt", 1000, &text, &len, &e), 0);
    snprintf(header, sizeof header, "%s", text);
    free(text);
    check("ci", header, 1, MESSAGE, NULL);
    assert_string_equal(header, BY_OPENSSL);
}

/* ---- what it means for a job ---- */

static int decode(const struct job_origin *o, const char *message, struct job **j, struct err *e)
{
    return job_decode(&config, o, message, strlen(message), j, e);
}

static void a_signed_job_is_taken_under_its_own_id(void **state)
{
    (void)state;
    struct job_origin o = {
        .tenant = "ci", .msg_id = "elsewhere", .stream_seq = 41, .signature = BY_OPENSSL};
    struct job *j;
    struct err e;
    o.signatures = 1;
    assert_int_equal(decode(&o, MESSAGE, &j, &e), 0);
    assert_string_equal(j->id, "build-1");
    assert_string_equal(j->signed_by, KEY_ID);
    job_free(j);
}

/* Otherwise the result `invalid` of a stranger's message would be the result of the job to come. */
static void what_is_not_signed_cannot_take_an_id(void **state)
{
    (void)state;
    static const char *const messages[] = {MESSAGE, "{\"id\":\"build-1\",\"id\":\"build-1\"}",
                                           "{\"id\":\"build-1\"", "", "[]"};
    char h[SIGNATURE_TEXT];
    signature_make(other_seed, "ci", MESSAGE, strlen(MESSAGE), h);
    const struct job_origin origins[] = {
        {.tenant = "ci", .msg_id = "build-1", .stream_seq = 41},
        {.tenant = "ci", .msg_id = "build-1", .stream_seq = 41, .signature = h, .signatures = 1},
        {.tenant = "ci", .stream_seq = 41, .signature = BY_OPENSSL, .signatures = 2},
        {.tenant = "ci", .stream_seq = 41, .signature = "?", .signatures = 1},
    };
    for (size_t o = 0; o < ARRAY_LEN(origins); o++)
        for (size_t m = 0; m < ARRAY_LEN(messages); m++) {
            struct job *j;
            struct err e;
            assert_int_equal(decode(&origins[o], messages[m], &j, &e), ERR_INVALID);
            assert_string_equal(j->id, "41");
            assert_string_equal(j->signed_by, "");
            assert_memory_equal(e.msg, "signature: ", 11);
            job_free(j);
        }
}

static void a_message_too_large_or_broken_is_told_to_its_signer_alone(void **state)
{
    (void)state;
    char *large = mem_alloc(70000), h[SIGNATURE_TEXT];
    struct job *j;
    struct err e;
    memset(large, ' ', 69999);
    memcpy(large, MESSAGE, strlen(MESSAGE));
    struct job_origin o = {.tenant = "ci", .stream_seq = 41};
    assert_int_equal(decode(&o, large, &j, &e), ERR_INVALID);
    assert_string_equal(j->id, "41");
    job_free(j);
    signature_make(seed, "ci", large, strlen(large), h);
    o.signature = h, o.signatures = 1;
    assert_int_equal(decode(&o, large, &j, &e), ERR_INVALID);
    assert_string_equal(j->id, "build-1");
    assert_non_null(strstr(e.msg, "job_max_kb"));
    job_free(j);
    free(large);
}

static void a_signed_job_carries_its_id(void **state)
{
    (void)state;
    static const char message[] = "{\"script\":\"1\"}";
    char h[SIGNATURE_TEXT];
    struct job *j;
    struct err e;
    signature_make(seed, "ci", message, strlen(message), h);
    struct job_origin o = {
        .tenant = "ci", .msg_id = "build-1", .stream_seq = 41, .signature = h, .signatures = 1};
    assert_int_equal(decode(&o, message, &j, &e), ERR_INVALID);
    assert_string_equal(j->id, "41");
    assert_memory_equal(e.msg, "id: missing; a signed job carries its id", 40);
    job_free(j);
    o.signature = NULL, o.signatures = 0, o.local = true; /* isolane run */
    assert_int_equal(decode(&o, message, &j, &e), 0);
    assert_string_equal(j->id, "build-1");
    job_free(j);
}

static void a_tenant_without_keys_asks_for_no_signature(void **state)
{
    (void)state;
    struct job_origin o = {.tenant = "free", .stream_seq = 41, .signature = "?", .signatures = 3};
    struct job *j;
    struct err e;
    assert_int_equal(decode(&o, MESSAGE, &j, &e), 0);
    assert_string_equal(j->signed_by, "");
    job_free(j);
}

/* ---- secrets ---- */

static void sealed_text(int key, struct buf *out)
{
    uint8_t sec[X25519_KEY] = {0, (uint8_t)key}, pub[X25519_KEY];
    const struct secret_binding b = {"free", "TOKEN", NULL};
    crypto_x25519_public(sec, pub);
    sealed_make(pub, &b, "hunter2", 7, out);
}

static int with_secrets(const char *json, struct job **j, struct err *e)
{
    const struct job_origin o = {.tenant = "free", .stream_seq = 41};
    struct buf m = {0};
    buf_addf(&m, "{\"script\":\"1\",\"secrets\":%s}", json);
    int rc = decode(&o, m.data, j, e);
    buf_free(&m);
    return rc;
}

static void a_job_carries_sealed_secrets(void **state)
{
    (void)state;
    struct buf json = {0};
    struct job *j;
    struct err e = {0};
    buf_adds(&json, "{\"TOKEN\":\"");
    sealed_text(1, &json);
    buf_adds(&json, "\",\"B\":[\"");
    sealed_text(1, &json);
    buf_adds(&json, "\",\"");
    sealed_text(2, &json);
    buf_adds(&json, "\"]}");
    if (with_secrets(json.data, &j, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(j->secrets.n, 2);
    assert_int_equal(sealed_secrets_find(&j->secrets, "B")->n, 2);
    const struct permission_entries *granted = &j->permissions.list[PERMISSION_SECRETS];
    assert_int_equal(granted->n, 2);
    assert_true(permission_covers(PERMISSION_SECRETS, granted, "TOKEN"));
    job_free(j);
    buf_free(&json);
}

static void wrong_secrets_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"[]", "secrets: found array; allowed: an object of sealed texts"},
        {"{\"TOKEN\":5}", "secrets.TOKEN: found number; allowed: a sealed text, or an array"},
        {"{\"TOKEN\":\"hunter2\"}", "secrets.TOKEN: found a text that is not sealed"},
        {"{\"TOKEN\":[]}", "secrets.TOKEN: found an empty array; allowed: 1 to 16"},
        {"{\"TOKEN\":[[]]}", "secrets.TOKEN: found array; allowed: a sealed text"},
        {"{\"9\":\"x\"}", "secrets: found the name '9'; allowed: a letter or _"},
        {"{\"OTHER\":\"x\"}",
         "secrets: found 'OTHER'; allowed: TOKEN, B (permissions.secrets of tenant 'free')"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct job *j;
        struct err e;
        assert_int_equal(with_secrets(cases[i].json, &j, &e), ERR_INVALID);
        if (memcmp(e.msg, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("says: %s", e.msg);
        assert_null(strstr(e.msg, "hunter2"));
        job_free(j);
    }
}

static void too_many_secrets_are_told(void **state)
{
    (void)state;
    struct buf json = {0};
    struct job *j;
    struct err e;
    for (int i = 0; i < 33; i++)
        buf_addf(&json, "%c\"A%d\":\"x\"", i ? ',' : '{', i);
    buf_addc(&json, '}');
    assert_int_equal(with_secrets(json.data, &j, &e), ERR_INVALID);
    assert_string_equal(e.msg, "secrets: found 33; allowed: at most 32");
    job_free(j);
    buf_clear(&json);
    buf_adds(&json, "{\"TOKEN\":[\"");
    for (int i = 0; i < 17; i++) {
        buf_adds(&json, i ? "\",\"" : "");
        sealed_text(i + 1, &json);
    }
    buf_adds(&json, "\"]}");
    assert_int_equal(with_secrets(json.data, &j, &e), ERR_INVALID);
    assert_string_equal(e.msg, "secrets.TOKEN: found more than 16 sealed texts; allowed: 1 to 16");
    job_free(j);
    buf_free(&json);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_sign_holds_and_nothing_else),
        cmocka_unit_test(openssl_signs),
        cmocka_unit_test(a_signed_job_is_taken_under_its_own_id),
        cmocka_unit_test(what_is_not_signed_cannot_take_an_id),
        cmocka_unit_test(a_message_too_large_or_broken_is_told_to_its_signer_alone),
        cmocka_unit_test(a_signed_job_carries_its_id),
        cmocka_unit_test(a_tenant_without_keys_asks_for_no_signature),
        cmocka_unit_test(a_job_carries_sealed_secrets),
        cmocka_unit_test(wrong_secrets_are_told),
        cmocka_unit_test(too_many_secrets_are_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, set_up, tear_down);
}
