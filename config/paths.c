#include "config/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

/* `up --detach` leaves the folder it was started in, so every path is made absolute here. */
static int absolute(const char *path, char out[PATH_MAX], struct err *e)
{
    char cwd[PATH_MAX];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (path[0] == '/')
        return fs_path(out, PATH_MAX, e, "%.*s", (int)n, path);
    if (!getcwd(cwd, sizeof cwd))
        return err_errno(e, "cannot tell the current folder, which '%s' is relative to", path);
    return fs_path(out, PATH_MAX, e, "%s/%.*s", cwd, (int)n, path);
}

int data_paths(const char *data_dir, struct data_paths *out, struct err *e)
{
    if (!data_dir || !*data_dir)
        return err_set(e, ERR_INVALID, "data_dir: found an empty text; allowed: path of a folder");
    int rc = absolute(data_dir, out->dir, e);
    const struct {
        char *to;
        const char *name;
    } files[] = {
        {out->db, "results.db"},     {out->key, "worker.key"},        {out->pub, "worker.pub"},
        {out->nats_dir, "nats"},     {out->url, "nats.url"},          {out->lock, "worker.lock"},
        {out->kv_db, "kv.db"},       {out->log, "isolane.log"},       {out->seal, "seal.key"},
        {out->seal_pub, "seal.pub"}, {out->transforms, "transforms"},
    };
    for (size_t i = 0; i < ARRAY_LEN(files) && !rc; i++)
        rc = fs_path(files[i].to, PATH_MAX, e, "%s/%s", out->dir, files[i].name);
    if (rc)
        err_wrap(e, "data_dir");
    return rc;
}

/* Fills out from a folder; the first file of it that can't be read, or NULL. */
static const char *engine_missing(const char *dir, struct engine_paths *out)
{
    struct err e;
    const struct {
        char *to;
        const char *name;
        int mode;
    } files[] = {
        {out->node, "node", R_OK | X_OK},
        {out->cell, "libisolane-cell.so", R_OK},
        {out->snapshot, "snapshot.bin", R_OK},
    };
    if (absolute(dir, out->dir, &e))
        return dir;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (fs_path(files[i].to, PATH_MAX, &e, "%s/%s", out->dir, files[i].name))
            return files[i].name;
        if (access(files[i].to, files[i].mode))
            return files[i].name;
    }
    return NULL;
}

int engine_paths(struct engine_paths *out, struct err *e)
{
    const char *missing, *env = getenv("ISOLANE_ENGINE_DIR");
    if (env && *env) {
        missing = engine_missing(env, out);
        if (!missing)
            return 0;
        int why = errno;
        return err_set(e, ERR_NOT_FOUND,
                       "ISOLANE_ENGINE_DIR is %s, but %s there can't be used (%s): run make, or "
                       "name the folder with node, libisolane-cell.so and snapshot.bin",
                       env, missing, strerror(why));
    }
    char exe[PATH_MAX], first[PATH_MAX], second[PATH_MAX];
    int rc = fs_exe_dir(exe, sizeof exe, e);
    if (!rc)
        rc = fs_path(first, sizeof first, e, "%s/engine", exe);
    if (!rc)
        rc = fs_path(second, sizeof second, e, "%s/../lib/isolane/engine", exe);
    if (rc)
        return rc;
    missing = engine_missing(first, out);
    if (!missing)
        return 0;
    /* A folder that is there but not whole is the one to complain about, not the one not there. */
    if (!access(first, F_OK))
        return err_set(e, ERR_NOT_FOUND, "engine folder %s has no usable %s: run make", first,
                       missing);
    if (!engine_missing(second, out))
        return 0;
    return err_set(e, ERR_NOT_FOUND,
                   "engine not found: looked for node, libisolane-cell.so and snapshot.bin in %s "
                   "and %s: run make, or set ISOLANE_ENGINE_DIR",
                   first, second);
}
