#include "cli/key.h"

#include "config/paths.h"

int key_read(const struct settings *s, const char *pem, struct sign_key *out, struct err *e)
{
    struct config *c = NULL;
    struct data_paths paths;
    if (pem)
        return sign_key_read_public(pem, out, e);
    int rc = settings_load(s, &c, e);
    if (!rc)
        rc = data_paths(c->data_dir, &paths, e);
    if (!rc)
        rc = sign_key_read_public(paths.pub, out, e);
    if (rc == ERR_NOT_FOUND)
        err_set(
            e, rc,
            "no public key: %s is not there; a worker makes it at its first start (--data names "
            "another folder)",
            paths.pub);
    config_free(c);
    return rc;
}
