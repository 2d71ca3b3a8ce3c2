/* Logins that lie in files: an NKey seed, or a .creds file (a user's JWT and seed). Read anew at
 * each connect, so that files which are replaced are noticed and no secret stays in memory.
 * crypto_init() first; any thread. Errors name the file, never what is in it. */
#pragma once

#include "base/crypto.h"
#include "base/err.h"
#include "link/nkey.h"

/* The public key of the user's seed in that file. */
int creds_public_key(const char *path, char pub[NKEY_PUBLIC_TEXT], struct err *e);
/* The server's nonce, signed with that seed. */
int creds_sign(const char *path, const char *nonce, uint8_t sig[ED25519_SIG], struct err *e);
/* The JWT of a .creds file; caller frees. */
int creds_jwt(const char *path, char **jwt, struct err *e);
/* The same in the text of such a file; NULL: there is none. */
char *creds_find_jwt(const char *text);
