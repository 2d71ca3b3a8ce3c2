#include "queue/job/signature.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define TYPE_MAX (sizeof JOB_PAYLOAD_TYPE + sizeof ";tenant=" + TENANT_NAME_MAX)
#define ALLOWED  "allowed: '<key id, 64 hex digits> <signature, base64>'"

static void what_is_signed(const char *tenant, const char *message, size_t len, struct buf *out)
{
    char type[TYPE_MAX];
    snprintf(type, sizeof type, JOB_PAYLOAD_TYPE ";tenant=%s", tenant);
    out->max = len + 256;
    crypto_pae(type, message, len, out);
}

static int take_apart(const char *header, char keyid[KEYID_LEN], uint8_t sig[ED25519_SIG],
                      struct err *e)
{
    size_t len = strlen(header), sig_len = 0;
    if (len != SIGNATURE_TEXT - 1)
        return err_set(e, ERR_INVALID,
                       "signature: found a header " SIGNATURE_HEADER " of %zu characters; " ALLOWED,
                       len);
    if (!key_id_valid(header, KEYID_LEN - 1) || header[KEYID_LEN - 1] != ' ')
        return err_set(e, ERR_INVALID, "signature: found no key id in the header; " ALLOWED);
    if (!crypto_unbase64(header + KEYID_LEN, len - KEYID_LEN, sig, ED25519_SIG, &sig_len) ||
        sig_len != ED25519_SIG)
        return err_set(e, ERR_INVALID,
                       "signature: found a signature that is not the base64 of %d bytes; " ALLOWED,
                       ED25519_SIG);
    memcpy(keyid, header, KEYID_LEN - 1);
    keyid[KEYID_LEN - 1] = 0;
    return 0;
}

int signature_check(const struct tenant *t, const char *header, int count, const char *message,
                    size_t len, char signed_by[KEYID_LEN], struct err *e)
{
    char keyid[KEYID_LEN];
    uint8_t sig[ED25519_SIG];
    const struct job_key *key = NULL;
    *signed_by = 0;
    if (!header)
        return err_set(
            e, ERR_INVALID,
            "signature: missing; jobs of tenant '%s' must be signed (header " SIGNATURE_HEADER
            "; isolane submit --key)",
            t->name);
    if (count != 1)
        return err_set(e, ERR_INVALID,
                       "signature: found the header " SIGNATURE_HEADER " %d times; allowed: once",
                       count);
    int rc = take_apart(header, keyid, sig, e);
    if (rc)
        return rc;
    for (int i = 0; i < t->job_key_count && !key; i++)
        if (!strcmp(t->job_keys[i].keyid, keyid))
            key = &t->job_keys[i];
    if (!key)
        return err_set(e, ERR_INVALID,
                       "signature: found key %.16s…, which is none of the %d job_keys of tenant "
                       "'%s'",
                       keyid, t->job_key_count, t->name);
    struct buf text = {0};
    what_is_signed(t->name, message, len, &text);
    bool holds = crypto_ed25519_verify(key->pub, text.data, text.len, sig);
    buf_free(&text);
    if (!holds)
        return err_set(e, ERR_INVALID,
                       "signature: found one of key %.16s… that does not fit this message: it was "
                       "altered, or signed for another tenant",
                       keyid);
    memcpy(signed_by, keyid, KEYID_LEN);
    return 0;
}

void signature_make(const uint8_t seed[KEY_BYTES], const char *tenant, const char *message,
                    size_t len, char out[SIGNATURE_TEXT])
{
    uint8_t pub[ED25519_PUBLIC], sec[ED25519_SECRET], sig[ED25519_SIG];
    struct buf text = {0};
    crypto_ed25519_from_seed(seed, pub, sec);
    what_is_signed(tenant, message, len, &text);
    crypto_ed25519_sign(sec, text.data, text.len, sig);
    crypto_wipe(sec, sizeof sec);
    buf_free(&text);
    key_id(KEY_ED25519_PUBLIC, pub, out);
    out[KEYID_LEN - 1] = ' ';
    crypto_base64(sig, sizeof sig, out + KEYID_LEN, SIGNATURE_TEXT - KEYID_LEN);
}
