#include "link/creds.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)64 << 10)

static int read_seed(const char *path, uint8_t seed[ED25519_SEED], char pub[NKEY_PUBLIC_TEXT],
                     struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    int rc = fs_read_file(path, FILE_MAX, &text, &len, e);
    if (rc)
        return rc;
    rc = nkey_find_user_seed(text, len, seed, pub, e);
    crypto_wipe(text, len);
    free(text);
    return rc ? err_wrap(e, "%s", path) : 0;
}

int creds_public_key(const char *path, char pub[NKEY_PUBLIC_TEXT], struct err *e)
{
    uint8_t seed[ED25519_SEED];
    int rc = read_seed(path, seed, pub, e);
    crypto_wipe(seed, sizeof seed);
    return rc;
}

int creds_sign(const char *path, const char *nonce, uint8_t sig[ED25519_SIG], struct err *e)
{
    uint8_t seed[ED25519_SEED], pub[ED25519_PUBLIC], sec[ED25519_SECRET];
    char text[NKEY_PUBLIC_TEXT];
    int rc = read_seed(path, seed, text, e);
    if (!rc) {
        crypto_ed25519_from_seed(seed, pub, sec);
        crypto_ed25519_sign(sec, nonce, strlen(nonce), sig);
        crypto_wipe(sec, sizeof sec);
    }
    crypto_wipe(seed, sizeof seed);
    return rc;
}

/* A JWT begins with the base64 of '{"'; nothing else in such a file does. */
char *creds_find_jwt(const char *text)
{
    for (const char *line = text; line;) {
        if (!strncmp(line, "eyJ", 3))
            return mem_copy(line, strcspn(line, " \t\r\n"));
        line = strchr(line, '\n');
        if (line)
            line++;
    }
    return NULL;
}

int creds_jwt(const char *path, char **jwt, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    int rc = fs_read_file(path, FILE_MAX, &text, &len, e);
    if (rc)
        return rc;
    *jwt = creds_find_jwt(text);
    crypto_wipe(text, len);
    free(text);
    if (!*jwt)
        return err_set(
            e, ERR_INVALID,
            "%s: no user JWT in it; allowed: a .creds file as `nsc generate creds` makes it", path);
    return 0;
}
