#include "link/login.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "link/creds.h"

#define FILE_MAX   ((size_t)1 << 20) /* a chain of certificates is the longest of them */
#define WHY_NOT_MS 300

/* So that a missing file is told as such, and not as a failed connection. */
static int check_file(const char *key, const char *path, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    if (!path)
        return 0;
    int rc = fs_read_file(path, FILE_MAX, &text, &len, e);
    if (rc)
        return err_wrap(e, "%s", key);
    crypto_wipe(text, len);
    free(text);
    return 0;
}

/* Both kinds of login by file: what is in it can be wrong, too. */
static int check_secrets(const struct nats_config *c, struct login *l, struct err *e)
{
    char *jwt = NULL, pub[NKEY_PUBLIC_TEXT];
    int rc = crypto_init(e);
    if (!rc && c->nkey_seed_file && creds_public_key(c->nkey_seed_file, l->nkey, e))
        return err_wrap(e, "nats.nkey_seed_file");
    if (rc || !c->creds_file)
        return rc;
    rc = creds_jwt(c->creds_file, &jwt, e);
    free(jwt);
    if (!rc)
        rc = creds_public_key(c->creds_file, pub, e);
    return rc ? err_wrap(e, "nats.creds_file") : 0;
}

static int check_files(const struct nats_config *c, struct login *l, struct err *e)
{
    int rc = 0;
    if (!c->tls_cert_file != !c->tls_key_file)
        return err_set(e, ERR_INVALID,
                       "nats.tls_cert_file and nats.tls_key_file: give both or none");
    if (c->nkey_seed_file || c->creds_file)
        rc = check_secrets(c, l, e);
    if (!rc)
        rc = check_file("nats.tls_ca_file", c->tls_ca_file, e);
    if (!rc)
        rc = check_file("nats.tls_cert_file", c->tls_cert_file, e);
    if (!rc)
        rc = check_file("nats.tls_key_file", c->tls_key_file, e);
    return rc;
}

int login_prepare(const struct nats_config *c, struct login *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    out->config = c;
    int rc = address_split(c->url ? c->url : NATS_URL, &out->to, e);
    if (rc)
        return rc;
    out->tls = c->tls || out->to.tls || c->tls_ca_file || c->tls_cert_file || c->tls_key_file;
    rc = check_files(c, out, e);
    if (rc)
        login_free(out);
    return rc;
}

void login_free(struct login *l)
{
    address_free(&l->to);
}

/* Which settings were used to log in; NULL: none. */
static const char *came_with(const struct login *l)
{
    const struct nats_config *c = l->config;
    if (c->creds_file)
        return "nats.creds_file";
    if (c->nkey_seed_file)
        return "nats.nkey_seed_file";
    if (c->token)
        return "nats.token";
    if (c->user)
        return "nats.user and nats.password";
    for (int i = 0; i < l->to.count; i++)
        if (strchr(l->to.url[i], '@'))
            return "the user and password in nats.url";
    return NULL;
}

int login_failed(const struct login *l, enum login_failure f, const char *text, struct err *e)
{
    char shown[300], why[128] = "";
    const char *with = came_with(l);
    address_list_shown(&l->to, shown, sizeof shown);
    switch (f) {
    case LOGIN_REFUSED:
        if (!with)
            return err_set(
                e, ERR_DENIED,
                "NATS at %s wants a login (%s): set nats.user and nats.password, nats.token, "
                "nats.nkey_seed_file or nats.creds_file",
                shown, text);
        return err_set(e, ERR_DENIED, "NATS at %s refuses our login (%s): check %s", shown, text,
                       with);
    case LOGIN_NO_TLS:
        return err_set(
            e, ERR_UNAVAILABLE,
            "NATS at %s offers no TLS: use nats:// and nats.tls: false, or switch TLS on there",
            shown);
    case LOGIN_TLS:
        return err_set(
            e, ERR_UNAVAILABLE,
            "TLS with NATS at %s failed (%s): check nats.tls_ca_file (who signed the server's "
            "certificate, for which host name), nats.tls_cert_file and nats.tls_key_file",
            shown, text);
    case LOGIN_UNREACHABLE:
        break;
    }
    for (int i = 0; i < l->to.count && !*why; i++)
        address_why_not(l->to.url[i], WHY_NOT_MS, why, sizeof why);
    return err_set(e, ERR_UNAVAILABLE,
                   "cannot connect to NATS at %s (%s): is nats-server running there?", shown,
                   *why ? why : text);
}
