/* sign_key: the worker's key files, made by us and by openssl, and every way they can be wrong. */
#include "tests/unit/results_sample.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "tests/unit/lacking.h"

static int mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static void first_use_makes_a_private_key_and_the_next_finds_it(void **state)
{
    (void)state;
    struct sign_key a, b, pub;
    struct err e;
    make_key(&a, "w.key");
    assert_int_equal(mode_of(at("w.key")), 0600);
    assert_int_equal(mode_of(at("w.key.pub")), 0644);
    assert_true(a.can_sign);
    make_key(&b, "w.key");
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(sign_key_read_public(at("w.key.pub"), &pub, &e), 0);
    assert_memory_equal(pub.pub, a.pub, sizeof a.pub);
    assert_string_equal(pub.keyid, a.keyid);
    assert_false(pub.can_sign);
    sign_key_wipe(&a);
    assert_false(a.can_sign);
    assert_int_equal(a.sec[5], 0);
}

static void two_keys_differ(void **state)
{
    (void)state;
    struct sign_key a, b;
    make_key(&a, "a.key");
    make_key(&b, "b.key");
    assert_memory_not_equal(a.sec, b.sec, sizeof a.sec);
    assert_string_not_equal(a.keyid, b.keyid);
}

/* What openssl thinks of our files, and what sha256sum says to the key id. */
static void openssl_reads_our_files(void **state)
{
    (void)state;
    struct sign_key k;
    char cmd[256];
    if (shell("command -v openssl >/dev/null"))
        SKIP_FOR("no openssl");
    make_key(&k, "o.key");
    assert_int_equal(
        shell("openssl pkey -in o.key -pubout -out o.derived 2>err.txt && cmp o.derived o.key.pub"),
        0);
    assert_int_equal(shell("openssl pkey -in o.key -noout -text | grep -q 'ED25519 Private-Key'"),
                     0);
    snprintf(cmd, sizeof cmd,
             "test \"$(openssl pkey -pubin -in o.key.pub -outform DER | sha256sum)\" = '%s  -'",
             k.keyid);
    assert_int_equal(shell("%s", cmd), 0);
}

static void we_read_openssl_s_files(void **state)
{
    (void)state;
    struct sign_key k;
    if (shell("command -v openssl >/dev/null"))
        SKIP_FOR("no openssl");
    assert_int_equal(shell("umask 077; openssl genpkey -algorithm ed25519 -out s.key 2>err.txt"),
                     0);
    make_key(&k, "s.key"); /* writes the missing public file */
    assert_int_equal(
        shell("openssl pkey -in s.key -pubout -out s.derived && cmp s.derived s.key.pub"), 0);
}

static void check_refused(const char *file, int code, const char *says)
{
    struct sign_key k;
    struct err e = {0};
    int rc = sign_key_open(at(file), at("never.pub"), &k, &e);
    if (rc != code || !strstr(e.msg, says) || !strstr(e.msg, file) || strchr(e.msg, '\n'))
        fail_msg("%s: %d: %s", file, rc, e.msg);
    assert_int_not_equal(access(at("never.pub"), F_OK), 0);
    static const uint8_t nothing[ED25519_SECRET];
    assert_memory_equal(k.sec, nothing, sizeof k.sec);
}

static void write_file(const char *name, const char *text, int mode)
{
    struct err e;
    if (fs_write_file(at(name), text, strlen(text), mode, false, &e))
        fail_msg("%s", e.msg);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct sign_key k;
    make_key(&k, "open.key");
    static const int modes[] = {0640, 0604, 0644, 0660, 0610};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(at("open.key"), (mode_t)modes[i]), 0);
        check_refused("open.key", ERR_DENIED, "chmod 600");
    }
    assert_int_equal(chmod(at("open.key"), 0400), 0);
    make_key(&k, "open.key");
}

static void other_kinds_of_keys_are_named(void **state)
{
    (void)state;
    if (shell("command -v openssl >/dev/null"))
        SKIP_FOR("no openssl");
    assert_int_equal(
        shell("umask 077; exec 2>err.txt;"
              "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa.key &&"
              "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key &&"
              "openssl ecparam -name prime256v1 -genkey -noout -out sec1.key &&"
              "openssl genpkey -algorithm X25519 -out x25519.key &&"
              "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out enc.key &&"
              "openssl genpkey -algorithm ed25519 -out ok.key &&"
              "openssl pkey -in ok.key -pubout -out public.key && chmod 600 public.key &&"
              "openssl pkey -in ok.key -outform DER -out der.key && chmod 600 der.key"),
        0);
    check_refused("rsa.key", ERR_INVALID, "another algorithm");
    check_refused("ec.key", ERR_INVALID, "another algorithm");
    check_refused("x25519.key", ERR_INVALID, "another algorithm");
    check_refused("sec1.key", ERR_INVALID, "'EC PRIVATE KEY'");
    check_refused("enc.key", ERR_INVALID, "'ENCRYPTED PRIVATE KEY'");
    check_refused("public.key", ERR_INVALID, "'PUBLIC KEY'");
    check_refused("der.key", ERR_INVALID, "no PEM key");
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    struct sign_key k;
    struct err e;
    char *text, name[32];
    size_t len;
    char big[5000];
    make_key(&k, "good.key");
    assert_int_equal(fs_read_file(at("good.key"), 1000, &text, &len, &e), 0);
    assert_int_equal(len, 119);
    for (size_t cut = 0; cut < len - 20; cut++) { /* every truncation into the end line */
        snprintf(name, sizeof name, "cut%zu.key", cut);
        int fd = open(at(name), O_CREAT | O_WRONLY, 0600);
        assert_int_equal(write(fd, text, cut), cut);
        close(fd);
        check_refused(name, ERR_INVALID, cut == 0 ? "empty" : "");
    }
    text[40] = '!';
    write_file("bang.key", text, 0600);
    check_refused("bang.key", ERR_INVALID, "not base64");
    free(text);
    write_file("garbage.key", "\x01\x02\xff nonsense", 0600);
    check_refused("garbage.key", ERR_INVALID, "no PEM key");
    write_file("short.key",
               "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE KEY-----\n",
               0600);
    check_refused("short.key", ERR_INVALID, "bytes long");
    write_file("noend.key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n", 0600);
    check_refused("noend.key", ERR_INVALID, "cut off");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    write_file("big.key", big, 0600);
    check_refused("big.key", ERR_INVALID, "larger than");
    assert_int_equal(mkdir(at("folder.key"), 0700), 0);
    check_refused("folder.key", ERR_INVALID, "is a folder");
    assert_int_equal(mkfifo(at("fifo.key"), 0600), 0);
    check_refused("fifo.key", ERR_INVALID, "no regular file");
    check_refused("no/such/folder.key", ERR_IO, "No such file");
}

static void a_public_file_of_another_key_is_an_error(void **state)
{
    (void)state;
    struct sign_key a, b;
    struct err e = {0};
    make_key(&a, "p.key");
    make_key(&b, "q.key");
    assert_int_equal(sign_key_open(at("p.key"), at("q.key.pub"), &a, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "q.key.pub"));
    write_file("p.key.pub", "garbage", 0644);
    assert_int_equal(sign_key_open(at("p.key"), at("p.key.pub"), &a, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "remove it"));
    assert_int_equal(unlink(at("p.key.pub")), 0);
    make_key(&a, "p.key"); /* missing: written again */
    assert_int_equal(access(at("p.key.pub"), R_OK), 0);
}

static void a_lost_secret_key_is_not_replaced_silently(void **state)
{
    (void)state;
    struct sign_key k;
    struct err e = {0};
    make_key(&k, "lost.key");
    assert_int_equal(unlink(at("lost.key")), 0);
    assert_int_equal(sign_key_open(at("lost.key"), at("lost.key.pub"), &k, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "lost.key is missing"));
    assert_int_not_equal(access(at("lost.key"), F_OK), 0);
    assert_int_equal(unlink(at("lost.key.pub")), 0);
    make_key(&k, "lost.key");
}

static void reading_a_public_key_refuses_what_is_none(void **state)
{
    (void)state;
    struct sign_key k;
    struct err e = {0};
    make_key(&k, "r.key");
    assert_int_equal(sign_key_read_public(at("none.pub"), &k, &e), ERR_NOT_FOUND);
    assert_int_equal(sign_key_read_public(at("r.key"), &k, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "'PRIVATE KEY'"));
    assert_null(strstr(e.msg, "MC4")); /* nothing of the secret in the message */
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        cmocka_unit_test(first_use_makes_a_private_key_and_the_next_finds_it),
        cmocka_unit_test(two_keys_differ),
        cmocka_unit_test(openssl_reads_our_files),
        cmocka_unit_test(we_read_openssl_s_files),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(other_kinds_of_keys_are_named),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_public_file_of_another_key_is_an_error),
        cmocka_unit_test(a_lost_secret_key_is_not_replaced_silently),
        cmocka_unit_test(reading_a_public_key_refuses_what_is_none),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, make_test_dir, remove_test_dir);
}
