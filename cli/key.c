#include "cli/key.h"

#include "config/paths.h"

static int find_paths(const struct settings *s, struct data_paths *paths, struct err *e)
{
    struct config *c = NULL;
    int rc = settings_load(s, &c, e);
    if (!rc)
        rc = data_paths(c->data_dir, paths, e);
    config_free(c);
    return rc;
}

static int not_there(int rc, const char *path, struct err *e)
{
    if (rc != ERR_NOT_FOUND)
        return rc;
    return err_set(
        e, rc,
        "no public key: %s is not there; a worker makes it at its first start (--data names "
        "another folder)",
        path);
}

int key_read(const struct settings *s, const char *pem, struct sign_key *out, struct err *e)
{
    struct data_paths paths;
    if (pem)
        return sign_key_read_public(pem, out, e);
    int rc = find_paths(s, &paths, e);
    return rc ? rc : not_there(sign_key_read_public(paths.pub, out, e), paths.pub, e);
}

int seal_key_read(const struct settings *s, uint8_t pub[KEY_BYTES], struct err *e)
{
    struct data_paths paths;
    int rc = find_paths(s, &paths, e);
    if (!rc)
        rc = key_file_read(paths.seal_pub, KEY_X25519_PUBLIC, pub, e);
    return not_there(rc, paths.seal_pub, e);
}
