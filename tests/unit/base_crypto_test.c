/* crypto: against published vectors, so that a wrong wrapper cannot agree with itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"

static int setup(void **state)
{
    (void)state;
    struct err e;
    return crypto_init(&e);
}

static void unhex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        unsigned v;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        out[i] = (uint8_t)v;
    }
}

/* FIPS 180-2, appendix B. */
static void sha256_gives_the_standard_digests(void **state)
{
    (void)state;
    char hex[SHA256_HEX];
    crypto_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    crypto_sha256_hex(million, 1000000, hex);
    free(million);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 8032, section 7.1, tests 1 and 3. */
static void check_vector(const char *seed_hex, const char *pub_hex, const char *msg_hex,
                         const char *sig_hex)
{
    uint8_t seed[ED25519_SEED], pub[ED25519_PUBLIC], sec[ED25519_SECRET], sig[ED25519_SIG];
    uint8_t want_pub[ED25519_PUBLIC], want_sig[ED25519_SIG], msg[8];
    size_t len = strlen(msg_hex) / 2;
    unhex(seed_hex, seed);
    unhex(pub_hex, want_pub);
    unhex(msg_hex, msg);
    unhex(sig_hex, want_sig);
    crypto_ed25519_from_seed(seed, pub, sec);
    assert_memory_equal(pub, want_pub, sizeof pub);
    assert_memory_equal(sec, seed, sizeof seed);
    crypto_ed25519_sign(sec, msg, len, sig);
    assert_memory_equal(sig, want_sig, sizeof sig);
    assert_true(crypto_ed25519_verify(pub, msg, len, sig));
}

static void ed25519_gives_the_signatures_of_rfc_8032(void **state)
{
    (void)state;
    check_vector("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    check_vector("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
}

static void any_changed_bit_spoils_a_signature(void **state)
{
    (void)state;
    uint8_t pub[ED25519_PUBLIC], sec[ED25519_SECRET], sig[ED25519_SIG], other[ED25519_PUBLIC];
    char msg[] = "statement";
    crypto_ed25519_new(pub, sec);
    crypto_ed25519_sign(sec, msg, 9, sig);
    assert_true(crypto_ed25519_verify(pub, msg, 9, sig));
    for (size_t i = 0; i < sizeof sig * 8; i++) {
        sig[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(crypto_ed25519_verify(pub, msg, 9, sig));
        sig[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_false(crypto_ed25519_verify(pub, msg, 8, sig));
    msg[0] ^= 1;
    assert_false(crypto_ed25519_verify(pub, msg, 9, sig));
    msg[0] ^= 1;
    crypto_ed25519_new(other, sec);
    assert_false(crypto_ed25519_verify(other, msg, 9, sig));
    assert_true(crypto_ed25519_verify(pub, msg, 9, sig));
}

static void keys_and_random_bytes_do_not_repeat(void **state)
{
    (void)state;
    uint8_t a[32], b[32], pub[2][ED25519_PUBLIC], sec[2][ED25519_SECRET];
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    crypto_ed25519_new(pub[0], sec[0]);
    crypto_ed25519_new(pub[1], sec[1]);
    assert_memory_not_equal(pub[0], pub[1], ED25519_PUBLIC);
    crypto_wipe(a, sizeof a);
    memset(b, 0, sizeof b);
    assert_memory_equal(a, b, sizeof a);
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    char out[9];
    crypto_hex("\x00\x0f\xa5\xff", 4, out);
    assert_string_equal(out, "000fa5ff");
    crypto_hex("", 0, out);
    assert_string_equal(out, "");
}

/* RFC 4648, section 10. */
static void base64_gives_the_standard_texts(void **state)
{
    (void)state;
    static const char *const t[][2] = {{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        char text[16], back[16];
        size_t len = strlen(t[i][0]), got;
        assert_true(crypto_base64_len(len) == strlen(t[i][1]) + 1);
        crypto_base64(t[i][0], len, text, sizeof text);
        assert_string_equal(text, t[i][1]);
        assert_true(crypto_unbase64(text, strlen(text), back, sizeof back, &got));
        assert_int_equal(got, len);
        assert_memory_equal(back, t[i][0], len);
    }
}

/* Written by one library, read by another. */
static void base64_of_any_length_comes_back(void **state)
{
    (void)state;
    uint8_t in[300], back[300];
    char text[512];
    crypto_random(in, sizeof in);
    for (size_t len = 0; len <= sizeof in; len++) {
        size_t got;
        crypto_base64(in, len, text, sizeof text);
        assert_int_equal(strlen(text) + 1, crypto_base64_len(len));
        assert_true(crypto_unbase64(text, strlen(text), back, sizeof back, &got));
        assert_int_equal(got, len);
        assert_memory_equal(back, in, len);
    }
}

static void base64_takes_nothing_but_the_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Zg",    "Zg=",    "Zg===", "Zh==",     "Zm8",  "Zm9=", "Z",     "=",       "====",
        "Zm 8=", "Zm8=\n", " Zm8=", "Zm8=Zm8=", "Zm_v", "Zm-v", "Zm9v!", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char back[16];
        size_t got;
        if (crypto_unbase64(bad[i], strlen(bad[i]), back, sizeof back, &got))
            fail_msg("taken: '%s'", bad[i]);
    }
    char small[2];
    size_t got;
    assert_false(crypto_unbase64("Zm9v", 4, small, sizeof small, &got)); /* does not fit */
    assert_false(crypto_unbase64("Zm9v\0", 5, small, sizeof small, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_standard_digests),
        cmocka_unit_test(ed25519_gives_the_signatures_of_rfc_8032),
        cmocka_unit_test(any_changed_bit_spoils_a_signature),
        cmocka_unit_test(keys_and_random_bytes_do_not_repeat),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(base64_gives_the_standard_texts),
        cmocka_unit_test(base64_of_any_length_comes_back),
        cmocka_unit_test(base64_takes_nothing_but_the_one_spelling),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
