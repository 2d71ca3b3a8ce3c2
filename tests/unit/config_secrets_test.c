/* tenants[].job_keys and tenants[].secrets: what is taken, and what a wrong file is told. */
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
#include "config/config.h"

/* RFC 8032, section 7.1, test 1: base64 and PEM of its public key; another one. */
#define KEY    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY2   "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define KEY_ID "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9"

static char folder[64] = "/tmp/isolane-secrets-XXXXXX";
static char sealed[2][400];

static int set_up(void **state)
{
    (void)state;
    struct err e;
    setenv("HOME", "/home/nobody", 1);
    if (crypto_init(&e))
        return 1;
    for (int i = 0; i < 2; i++) {
        uint8_t sec[X25519_KEY] = {0, (uint8_t)(i + 1)}, pub[X25519_KEY];
        const struct secret_binding b = {"ci", "TOKEN", NULL};
        struct buf text = {0};
        crypto_x25519_public(sec, pub);
        sealed_make(pub, &b, "hunter2", 7, &text);
        snprintf(sealed[i], sizeof sealed[i], "%s", text.data);
        buf_free(&text);
    }
    return !mkdtemp(folder) || chdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    unlink("c.yaml");
    unlink("key.pem");
    return chdir("/") || rmdir(folder);
}

static int load(struct config **out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int load(struct config **out, struct err *e, const char *fmt, ...)
{
    char yaml[8192];
    va_list ap;
    int n = snprintf(yaml, sizeof yaml, "tenants:\n - name: ci\n");
    va_start(ap, fmt);
    vsnprintf(yaml + n, sizeof yaml - (size_t)n, fmt, ap);
    va_end(ap);
    *out = NULL;
    assert_int_equal(fs_write_file("c.yaml", yaml, strlen(yaml), 0600, false, e), 0);
    return config_load("c.yaml", out, e);
}

static void refused(const char *words, const char *yaml)
{
    struct config *c;
    struct err e = {0};
    assert_int_equal(load(&c, &e, "%s", yaml), ERR_INVALID);
    assert_null(c);
    if (!strstr(e.msg, words))
        fail_msg("says: %s", e.msg);
}

static void keys_are_read_from_text_and_file(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                              "-----END PUBLIC KEY-----\n";
    struct config *c;
    struct err e;
    assert_int_equal(fs_write_file("key.pem", pem, strlen(pem), 0644, false, &e), 0);
    assert_int_equal(load(&c, &e, "   job_keys: [key.pem, '%s']\n", KEY2), 0);
    assert_int_equal(c->tenants[0].job_key_count, 2);
    assert_string_equal(c->tenants[0].job_keys[0].keyid, KEY_ID);
    config_free(c);
    assert_int_equal(load(&c, &e, "   job_keys: [%s]\n", KEY), 0);
    assert_string_equal(c->tenants[0].job_keys[0].keyid, KEY_ID);
    config_free(c);
    refused("c.yaml:4: tenants[0].job_keys[1]: found a key that stands there already",
            "   job_keys: [key.pem,\n     '" KEY "']\n");
}

static void wrong_keys_are_told(void **state)
{
    (void)state;
    refused("c.yaml:3: tenants[0].job_keys: found 0 keys; allowed: 1 to 16", "   job_keys: []\n");
    refused("tenants[0].job_keys: found a single value; allowed: a list", "   job_keys: abc\n");
    refused(
        "tenants[0].job_keys[0]: 'nowhere.pem' is neither the base64 of a key of 32 bytes nor a "
        "file that is there",
        "   job_keys: [nowhere.pem]\n");
    refused("tenants[0].job_keys[0]: found a map", "   job_keys: [{a: b}]\n");
    refused("tenants[0].job_keys[0]: c.yaml: found no PEM key in it", "   job_keys: [c.yaml]\n");
    refused("tenants[0].job_keys: found 17 keys",
            "   job_keys: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]\n");
}

static void secrets_are_one_text_or_one_for_each_worker(void **state)
{
    (void)state;
    struct config *c;
    struct err e;
    if (load(&c, &e, "   secrets:\n    TOKEN: %s\n    B: ['%s', '%s']\n", sealed[0], sealed[0],
             sealed[1]))
        fail_msg("refused: %s", e.msg);
    const struct sealed_secrets *s = &c->tenants[0].secrets;
    assert_int_equal(s->n, 2);
    assert_int_equal(sealed_secrets_find(s, "B")->n, 2);
    assert_string_equal(sealed_secrets_find(s, "TOKEN")->text[0], sealed[0]);
    assert_null(sealed_secrets_find(s, "token"));
    config_free(c);
}

static void wrong_secrets_are_told_and_never_repeated(void **state)
{
    (void)state;
    char yaml[4096];
    refused("c.yaml:4: tenants[0].secrets.TOKEN: found a text that is not sealed",
            "   secrets:\n    TOKEN: hunter2\n");
    refused("tenants[0].secrets.9X: found the name '9X'; allowed: a letter or _",
            "   secrets:\n    9X: hunter2\n");
    refused("tenants[0].secrets: found a list; allowed: a map of names and sealed texts",
            "   secrets: [a]\n");
    refused("tenants[0].secrets.A: found no sealed text; allowed: 1 to 16",
            "   secrets: {A: []}\n");
    refused("tenants[0].secrets.A: found nothing", "   secrets: {A: }\n");
    snprintf(yaml, sizeof yaml, "   secrets: {A: ['%s',\n '%s']}\n", sealed[0], sealed[0]);
    refused("c.yaml:4: tenants[0].secrets.A[1]: found two sealed texts for key", yaml);
    snprintf(yaml, sizeof yaml, "   secrets: {A: '%s', A: '%s'}\n", sealed[0], sealed[0]);
    refused("found 'A' a second time; allowed: once", yaml);
    int n = snprintf(yaml, sizeof yaml, "   secrets:\n");
    for (int i = 0; i < 33; i++)
        n += snprintf(yaml + n, sizeof yaml - (size_t)n, "    A%d: x\n", i);
    refused("tenants[0].secrets: found 33 entries; allowed: at most 32", yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_from_text_and_file),
        cmocka_unit_test(wrong_keys_are_told),
        cmocka_unit_test(secrets_are_one_text_or_one_for_each_worker),
        cmocka_unit_test(wrong_secrets_are_told_and_never_repeated),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
