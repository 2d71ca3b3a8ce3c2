/* What is kept of V8's code: when it is asked for, bounds, and that no tenant pushes another's out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "executor/cells/codes.h"

#define KB      ((size_t)1024)
#define TENANTS 3

static struct code_key key(unsigned n)
{
    struct code_key k;
    crypto_sha256(&n, sizeof n, k.v);
    return k;
}

static enum code_state look(struct code_cache *c, unsigned n)
{
    const char *data = NULL;
    size_t len = 0;
    const struct code_key k = key(n);
    enum code_state s = code_cache_find(c, &k, &data, &len);
    if (s == CODE_HERE) {
        unsigned found;
        assert_true(len >= sizeof found);
        memcpy(&found, data, sizeof found);
        assert_int_equal(found, n); /* its own and no other's */
    }
    return s;
}

static void put(struct code_cache *c, unsigned n, int tenant, size_t len)
{
    char data[64 * KB];
    const struct code_key k = key(n);
    memset(data, 'c', sizeof data);
    memcpy(data, &n, sizeof n);
    assert_true(len <= sizeof data);
    code_cache_put(c, &k, tenant, data, len);
}

static void a_source_is_worth_it_when_it_comes_again(void **state)
{
    (void)state;
    struct code_cache *c = code_cache_new(1024 * KB, TENANTS);
    assert_int_equal(look(c, 1), CODE_NEW);
    assert_int_equal(look(c, 2), CODE_NEW);
    assert_int_equal(look(c, 1), CODE_AGAIN);
    put(c, 1, 0, 100);
    assert_int_equal(look(c, 1), CODE_HERE);
    put(c, 2, 0, 0); /* it cannot be compiled */
    assert_int_equal(look(c, 2), CODE_NONE);
    assert_int_equal(look(c, 2), CODE_NONE);
    const struct code_cache_stats s = code_cache_stats(c);
    assert_int_equal(s.entries, 2);
    assert_int_equal(s.hits, 1);
    assert_int_equal(s.misses, 3);
    code_cache_free(c);
}

static void what_was_not_used_for_longest_goes(void **state)
{
    (void)state;
    struct code_cache *c = code_cache_new(400 * KB, 1);
    for (unsigned n = 0; n < 8; n++)
        put(c, n, 0, 10 * KB); /* 100 kB is its share: nine fit */
    assert_int_equal(look(c, 0), CODE_HERE);
    for (unsigned n = 8; n < 14; n++)
        put(c, n, 0, 10 * KB);
    assert_int_equal(look(c, 0), CODE_HERE);
    assert_int_not_equal(look(c, 1), CODE_HERE);
    assert_true(code_cache_bytes_of(c, 0) <= 100 * KB);
    code_cache_free(c);
}

static void no_tenant_pushes_out_another(void **state)
{
    (void)state;
    struct code_cache *c = code_cache_new(400 * KB, 6);
    put(c, 1, 0, 20 * KB);
    for (unsigned n = 100; n < 1000; n++)
        put(c, n, 1, 30 * KB);
    assert_int_equal(look(c, 1), CODE_HERE);
    assert_true(code_cache_bytes_of(c, 1) <= 100 * KB);
    for (unsigned n = 1000; n < 2000; n++) /* five of them fill all there is */
        put(c, n, 1 + (int)(n % 5), 30 * KB);
    assert_int_equal(look(c, 1), CODE_HERE);
    assert_true(code_cache_stats(c).bytes <= 400 * KB);
    code_cache_free(c);
}

static void what_is_too_long_is_not_asked_for_again(void **state)
{
    (void)state;
    struct code_cache *c = code_cache_new(100 * KB, TENANTS);
    put(c, 1, 2, 60 * KB);
    assert_int_equal(look(c, 1), CODE_NONE);
    assert_true(code_cache_bytes_of(c, 2) < KB);
    put(c, 1, 2, 10 * KB); /* in its place */
    assert_int_equal(look(c, 1), CODE_HERE);
    assert_int_equal(code_cache_stats(c).entries, 1);
    code_cache_free(c);
}

/* ---- keys ---- */

static struct config *config;

static struct code_key key_of(const char *tenant, const char *job, const char *engine,
                              const char *flags)
{
    const struct job_origin o = {.tenant = tenant, .cls = CLASS_NORMAL, .stream_seq = 42};
    struct err e = {0};
    struct job *j = NULL;
    struct code_key k;
    if (job_decode(config, &o, job, strlen(job), &j, &e))
        fail_msg("for %s: %s", job, e.msg);
    codes_key_of(j, engine, flags, &k);
    job_free(j);
    return k;
}

static void a_key_is_of_one_tenant_one_source_one_engine(void **state)
{
    (void)state;
    static const char job[] = "{\"script\":\"1\"}";
    static const struct {
        const char *tenant, *job, *engine, *flags;
    } others[] = {
        {"b", job, "v8 1", "--a"},
        {"a", job, "v8 2", "--a"},
        {"a", job, "v8 1", "--b"},
        {"a", "{\"script\":\"2\"}", "v8 1", "--a"},
        {"a", "{\"script\":\"1\",\"type\":\"script\"}", "v8 1", "--a"},
        {"a", "{\"script\":\"1\",\"profile\":\"jitless\"}", "v8 1", "--a"},
        {"a", "{\"script\":\"1\",\"language\":\"typescript\"}", "v8 1", "--a"},
        {"a", "{\"files\":{\"a.mjs\":\"1\"},\"main\":\"a.mjs\"}", "v8 1", "--a"},
        {"a", "{\"files\":{\"a.mjs\":\"1\",\"b.mjs\":\"1\"},\"main\":\"b.mjs\"}", "v8 1", "--a"},
    };
    static const char tenants[] = "tenants:\n  - name: a\n  - name: b\n";
    char path[] = "/tmp/isolane-codes.XXXXXX";
    struct err e = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, tenants, sizeof tenants - 1) == sizeof tenants - 1);
    close(fd);
    int rc = config_load(path, &config, &e);
    unlink(path);
    if (rc)
        fail_msg("%s", e.msg);
    const struct code_key one = key_of("a", job, "v8 1", "--a"),
                          same = key_of("a", "{\"script\":\"1\",\"input\":5}", "v8 1", "--a");
    assert_memory_equal(&one, &same, sizeof one); /* whatever the input */
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const struct code_key k =
            key_of(others[i].tenant, others[i].job, others[i].engine, others[i].flags);
        assert_memory_not_equal(&one, &k, sizeof one);
    }
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_worth_it_when_it_comes_again),
        cmocka_unit_test(what_was_not_used_for_longest_goes),
        cmocka_unit_test(no_tenant_pushes_out_another),
        cmocka_unit_test(what_is_too_long_is_not_asked_for_again),
        cmocka_unit_test(a_key_is_of_one_tenant_one_source_one_engine),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    struct err e = {0};
    if (crypto_init(&e))
        return 1;
    return cmocka_run_group_tests_name("executor_code_cache", tests, NULL, NULL);
}
