/* How to get in: what config says about servers, login and TLS, checked before anything is dialled,
 * and the words for a connection that did not come to be. Knows nothing of the client library. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"
#include "link/address.h"
#include "link/nkey.h"

struct login {
    const struct nats_config *config; /* user, token, files: not copied */
    struct address_list to;
    bool tls;
    char nkey[NKEY_PUBLIC_TEXT]; /* public key of nkey_seed_file, "": none */
};

/* Addresses split, files there and readable, seed sound. ERR_INVALID, ERR_IO, ERR_NOT_FOUND name
 * the key. login_free() only after success. */
int login_prepare(const struct nats_config *c, struct login *out, struct err *e);
void login_free(struct login *l);

enum login_failure {
    LOGIN_UNREACHABLE, /* no connection: the reason is looked for by trying again */
    LOGIN_REFUSED,     /* the server does not let us in */
    LOGIN_NO_TLS,      /* we want TLS, the server has none */
    LOGIN_TLS,         /* the handshake failed */
};

/* Fills e with what a person can do; `text` is the library's or server's own. Returns e->code. */
int login_failed(const struct login *l, enum login_failure f, const char *text, struct err *e);
