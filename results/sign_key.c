#include "results/sign_key.h"

#include <string.h>

/* The files and their faults are those of base/keyfile.h; here is what a key of results is. */

static void fill(struct sign_key *k)
{
    key_id(KEY_ED25519_PUBLIC, k->pub, k->keyid);
}

void sign_key_from_public(const uint8_t pub[ED25519_PUBLIC], struct sign_key *out)
{
    *out = (struct sign_key){.can_sign = false};
    memcpy(out->pub, pub, ED25519_PUBLIC);
    fill(out);
}

void sign_key_pem(const struct sign_key *k, struct buf *out)
{
    key_pem(KEY_ED25519_PUBLIC, k->pub, out);
}

void sign_key_wipe(struct sign_key *k)
{
    crypto_wipe(k, sizeof *k);
}

int sign_key_open(const char *key_path, const char *pub_path, struct sign_key *out, struct err *e)
{
    static const char lost[] = "a new one would not continue the results signed so far; to begin "
                               "anew, move the public key and the results database away";
    uint8_t seed[KEY_BYTES] = {0};
    *out = (struct sign_key){.can_sign = false};
    int rc = crypto_init(e);
    if (!rc)
        rc = key_pair_open(key_path, pub_path, KEY_ED25519_SECRET, lost, seed, out->pub, e);
    if (!rc) {
        crypto_ed25519_from_seed(seed, out->pub, out->sec);
        out->can_sign = true;
        fill(out);
    } else {
        sign_key_wipe(out);
    }
    crypto_wipe(seed, sizeof seed);
    return rc;
}

int sign_key_read_public(const char *path, struct sign_key *out, struct err *e)
{
    *out = (struct sign_key){.can_sign = false};
    int rc = crypto_init(e);
    if (!rc)
        rc = key_file_read(path, KEY_ED25519_PUBLIC, out->pub, e);
    if (!rc)
        fill(out);
    return rc;
}
