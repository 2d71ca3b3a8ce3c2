/* sealed: secrets sealed by us and by bare libsodium, and every way in which one must not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/mem.h"
#include "base/sealed.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct seal_key mine, other;

static void make(struct seal_key *k)
{
    crypto_random(k->sec, sizeof k->sec);
    crypto_x25519_public(k->sec, k->pub);
    key_id(KEY_X25519_PUBLIC, k->pub, k->keyid);
}

static int set_up(void **state)
{
    (void)state;
    struct err e;
    make(&mine);
    make(&other);
    return crypto_init(&e);
}

static int open_as(const struct seal_key *k, const struct secret_binding *b, const struct buf *text,
                   const char *expected, struct err *e)
{
    void *memory = NULL;
    const char *value = NULL;
    size_t len = 0;
    int rc = sealed_check(text->data, text->len, e);
    if (!rc)
        rc = sealed_open(k, b, text->data, text->len, &memory, &value, &len, e);
    if (!rc) {
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(value, expected, len);
    } else {
        assert_null(memory);
    }
    crypto_guarded_free(memory);
    return rc;
}

static void what_is_sealed_opens_for_what_it_was_sealed_for(void **state)
{
    (void)state;
    const struct secret_binding any = {"ci", "TOKEN", NULL}, bound = {"ci", "TOKEN", SHA_A};
    const struct secret_binding wrong[] = {{"cj", "TOKEN", SHA_A},
                                           {"ci", "TOKEN2", SHA_A},
                                           {"ci", "TOKEN", SHA_B},
                                           {"ci", "TOKEN", ""},
                                           {"ci", "TOKEN", NULL}};
    struct buf text = {0}, narrow = {0};
    struct err e;
    sealed_make(mine.pub, &any, "s3cret", 6, &text);
    sealed_make(mine.pub, &bound, "s3cret", 6, &narrow);
    assert_int_equal(open_as(&mine, &any, &text, "s3cret", &e), 0);
    assert_int_equal(open_as(&mine, &bound, &text, "s3cret", &e), 0);
    assert_int_equal(open_as(&mine, &bound, &narrow, "s3cret", &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(open_as(&mine, &wrong[i], &narrow, "", &e), ERR_DENIED);
        assert_null(strstr(e.msg, "s3cret"));
    }
    assert_int_equal(open_as(&other, &any, &text, "", &e), ERR_NOT_FOUND);
    assert_null(strstr(text.data, "s3cret"));
    buf_free(&text);
    buf_free(&narrow);
}

static void two_sealed_texts_of_one_secret_differ(void **state)
{
    (void)state;
    const struct secret_binding b = {"ci", "TOKEN", NULL};
    struct buf one = {0}, two = {0};
    sealed_make(mine.pub, &b, "s3cret", 6, &one);
    sealed_make(mine.pub, &b, "s3cret", 6, &two);
    assert_string_not_equal(one.data, two.data);
    assert_int_equal(one.len, two.len);
    buf_free(&one);
    buf_free(&two);
}

static void the_longest_secret_fits(void **state)
{
    (void)state;
    char tenant[65], name[65], *value = mem_alloc(SECRET_VALUE_MAX + 2);
    struct buf text = {0};
    struct err e;
    memset(tenant, 't', 64), tenant[64] = 0;
    memset(name, 'n', 64), name[64] = 0;
    memset(value, 'v', SECRET_VALUE_MAX);
    const struct secret_binding b = {tenant, name, SHA_A};
    sealed_make(mine.pub, &b, value, SECRET_VALUE_MAX, &text);
    assert_true(text.len <= SEALED_TEXT_MAX);
    assert_int_equal(open_as(&mine, &b, &text, value, &e), 0);
    buf_free(&text);
    free(value);
}

static void values_that_cannot_be_kept_secret_are_refused(void **state)
{
    (void)state;
    struct err e;
    char *long_one = mem_alloc(SECRET_VALUE_MAX + 1);
    memset(long_one, 'x', SECRET_VALUE_MAX + 1);
    assert_int_equal(secret_value_check("123456", 6, &e), 0);
    assert_int_equal(secret_value_check("12345", 5, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "found a value of 5 bytes; allowed: 6 to 65536"));
    assert_int_equal(secret_value_check(long_one, SECRET_VALUE_MAX, &e), 0);
    assert_int_equal(secret_value_check(long_one, SECRET_VALUE_MAX + 1, &e), ERR_INVALID);
    assert_int_equal(secret_value_check("123\xff"
                                        "456",
                                        7, &e),
                     ERR_INVALID);
    assert_int_equal(secret_value_check("123\0"
                                        "456",
                                        7, &e),
                     ERR_INVALID);
    free(long_one);
}

static void every_byte_of_a_sealed_text_counts(void **state)
{
    (void)state;
    const struct secret_binding b = {"ci", "TOKEN", NULL};
    struct buf text = {0};
    struct err e;
    sealed_make(mine.pub, &b, "s3cret", 6, &text);
    for (size_t i = 0; i < text.len; i++) {
        char keep = text.data[i];
        text.data[i] = keep == 'A' ? 'B' : 'A';
        assert_int_not_equal(open_as(&mine, &b, &text, "", &e), 0);
        text.data[i] = keep;
    }
    size_t len = text.len;
    for (text.len = 0; text.len < len; text.len++)
        assert_int_not_equal(open_as(&mine, &b, &text, "", &e), 0);
    assert_int_equal(open_as(&mine, &b, &text, "s3cret", &e), 0);
    buf_free(&text);
}

/* The text as a client of another language makes it: libsodium and base64url, nothing of ours. */
static void add_foreign(const char *plain, size_t len, struct buf *text)
{
    uint8_t box[1024];
    char digits[2048];
    assert_int_equal(crypto_box_seal(box, (const uint8_t *)plain, len, mine.pub), 0);
    sodium_bin2base64(digits, sizeof digits, box, len + crypto_box_SEALBYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_clear(text);
    buf_addf(text, "sealed:v1:%s:%s", mine.keyid, digits);
}

static void bare_libsodium_makes_them_too(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        int code;
    } cases[] = {
        {"isolane-secret-v1\nci\nTOKEN\n-\nval\nue with lines\n", 0},
        {"isolane-secret-v1\nci\nTOKEN\n-\nshort", ERR_INVALID},
        {"isolane-secret-v1\nci\nTOKEN\n-\n", ERR_INVALID},
        {"isolane-secret-v2\nci\nTOKEN\n-\nval\nue with lines\n", ERR_INVALID},
        {"isolane-secret-v1\nci\nTOKEN-value without lines", ERR_INVALID},
        {"isolane-secret-v1\nci2\nTOKEN\n-\nval\nue with lines\n", ERR_DENIED},
        {"isolane-secret-v1\n\n\n\nval\nue with lines\n long enough", ERR_DENIED},
        {"isolane-secret-v1\nci\nTOKEN\n" SHA_A "\nval\nue with lines\n", ERR_DENIED},
    };
    const struct secret_binding b = {"ci", "TOKEN", SHA_B};
    struct buf text = {0};
    struct err e = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        add_foreign(cases[i].plain, strlen(cases[i].plain), &text);
        assert_int_equal(open_as(&mine, &b, &text, "val\nue with lines\n", &e), cases[i].code);
    }
    buf_free(&text);
}

static void texts_that_are_not_sealed_are_told(void **state)
{
    (void)state;
    char id[KEYID_LEN], text[1024];
    struct err e;
    memset(id, 'a', 64), id[64] = 0;
    const char *boxes[] = {"", "AAAA", "AAAA!AAA", "AAAAA", "AAAA\n"};
    assert_int_equal(sealed_check("my-token", 8, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "not sealed"));
    assert_null(strstr(e.msg, "my-token"));
    for (size_t i = 0; i < ARRAY_LEN(boxes); i++) {
        int n = snprintf(text, sizeof text, "sealed:v1:%s:%s", id, boxes[i]);
        assert_int_equal(sealed_check(text, (size_t)n, &e), ERR_INVALID);
    }
    int n = snprintf(text, sizeof text, "sealed:v1:%.63sG:%0200d", id, 0);
    assert_int_equal(sealed_check(text, (size_t)n, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "id of its key"));
    n = snprintf(text, sizeof text, "sealed:v1:%s:%0200d", id, 0);
    assert_int_equal(sealed_check(text, (size_t)n, &e), 0);
}

static void names(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'a', 65), longest[65] = 0;
    assert_true(secret_name_valid("A") && secret_name_valid("_x9") &&
                secret_name_valid(longest + 1));
    assert_false(secret_name_valid("") || secret_name_valid("9a") || secret_name_valid("a-b") ||
                 secret_name_valid(longest) || secret_name_valid("a\n"));
}

static void a_worker_s_key_is_made_once_and_is_openssl_s(void **state)
{
    (void)state;
    char dir[] = "/tmp/isolane-seal-XXXXXX", sec[64], pub[64], cmd[400];
    struct seal_key a, b;
    struct err e;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(sec, sizeof sec, "%s/seal.key", dir);
    snprintf(pub, sizeof pub, "%s/seal.pub", dir);
    assert_int_equal(seal_key_open(sec, pub, &a, &e), 0);
    assert_int_equal(stat(sec, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(seal_key_open(sec, pub, &b, &e), 0);
    assert_memory_equal(&a, &b, sizeof a);
    if (system("command -v openssl >/dev/null") == 0) {
        snprintf(cmd, sizeof cmd,
                 "openssl pkey -in %s -pubout 2>/dev/null | cmp - %s && test \"$(openssl pkey "
                 "-pubin -in %s -outform DER | sha256sum)\" = '%s  -'",
                 sec, pub, pub, a.keyid);
        assert_int_equal(system(cmd), 0);
    }
    assert_int_equal(chmod(sec, 0644), 0);
    assert_int_equal(seal_key_open(sec, pub, &b, &e), ERR_DENIED);
    unlink(sec);
    assert_int_equal(seal_key_open(sec, pub, &b, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "seal all secrets again"));
    unlink(pub);
    rmdir(dir);
}

/* Growing, shrinking and freeing leave nothing of a secret buffer's contents. */
static void a_secret_buffer_wipes_what_it_gives_back(void **state)
{
    (void)state;
    struct buf b = {.secret = true};
    buf_adds(&b, "hunter2!");
    char *at = b.data;
    size_t cap = b.cap;
    buf_clear(&b);
    assert_ptr_equal(b.data, at);
    assert_int_equal(b.cap, cap);
    assert_memory_equal(at, "\0\0\0\0\0\0\0\0", 8);
    buf_adds(&b, "hunter2!x");
    buf_consume(&b, 8);
    assert_memory_equal(b.data, "x\0\0\0\0\0\0\0", 8);
    buf_reserve(&b, 100000);
    assert_string_equal(b.data, "x");
    buf_free(&b);
    assert_true(b.secret);
}

static void guarded_memory_is_empty_in_a_child(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 20, 4080, 4096, 70000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *p = crypto_guarded(sizes[i]);
        int status = 0;
        memset(p, 'x', sizes[i]);
        pid_t pid = fork();
        if (pid == 0)
            _exit(p[0] == 0 && p[sizes[i] - 1] == 0 ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(p[sizes[i] - 1], 'x');
        crypto_guarded_free(p);
    }
    crypto_guarded_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_for_what_it_was_sealed_for),
        cmocka_unit_test(two_sealed_texts_of_one_secret_differ),
        cmocka_unit_test(the_longest_secret_fits),
        cmocka_unit_test(values_that_cannot_be_kept_secret_are_refused),
        cmocka_unit_test(every_byte_of_a_sealed_text_counts),
        cmocka_unit_test(bare_libsodium_makes_them_too),
        cmocka_unit_test(texts_that_are_not_sealed_are_told),
        cmocka_unit_test(names),
        cmocka_unit_test(a_worker_s_key_is_made_once_and_is_openssl_s),
        cmocka_unit_test(a_secret_buffer_wipes_what_it_gives_back),
        cmocka_unit_test(guarded_memory_is_empty_in_a_child),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
