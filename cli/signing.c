#include "cli/signing.h"

#include <stdio.h>

#include "base/crypto.h"
#include "cli/command.h"

int signing_key(const char *key_file, uint8_t seed[KEY_BYTES], struct err *e)
{
    return key_file_read(key_file, KEY_ED25519_SECRET, seed, e) ? err_of_option(e, "--key") : 0;
}

int signing_job(const char *key_file, const char *tenant, const struct buf *message,
                char out[SIGNATURE_TEXT], struct err *e)
{
    uint8_t seed[KEY_BYTES];
    if (!key_file)
        return 0;
    int rc = signing_key(key_file, seed, e);
    if (!rc)
        signature_make(seed, tenant, message->data, message->len, out);
    crypto_wipe(seed, sizeof seed);
    return rc;
}

void signing_id(const char *prefix, char out[JOB_ID_MAX + 1])
{
    uint8_t random[12];
    char hex[2 * sizeof random + 1];
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, hex);
    snprintf(out, JOB_ID_MAX + 1, "%s%s", prefix, hex);
}
