#include "results/trust.h"
#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct sign_key *trust_find(const struct trust *t, const char *keyid)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->v[i].keyid, keyid))
            return &t->v[i];
    return NULL;
}

int trust_add(struct trust *t, const struct sign_key *k, struct err *e)
{
    if (trust_find(t, k->keyid))
        return 0;
    if (t->n == TRUST_MAX)
        return err_set(e, ERR_LIMIT, "more than %d keys", TRUST_MAX);
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->v = mem_grow(t->v, t->cap * sizeof *t->v);
    }
    t->v[t->n++] = *k;
    return 0;
}

static int add_file(struct trust *t, const char *path, struct err *e)
{
    struct sign_key k;
    int rc = sign_key_read_public(path, &k, e);
    return rc ? rc : trust_add(t, &k, e);
}

static bool is_key_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && name[0] != '.' && (!strcmp(dot, ".pub") || !strcmp(dot, ".pem"));
}

static int add_folder(struct trust *t, const char *path, struct err *e)
{
    char file[PATH_MAX];
    size_t found = 0;
    int rc = 0;
    DIR *d = opendir(path);
    if (!d)
        return err_errno(e, "cannot read the folder %s", path);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (!is_key_file(entry->d_name))
            continue;
        found++;
        rc = fs_path(file, sizeof file, e, "%s/%s", path, entry->d_name);
        if (!rc)
            rc = add_file(t, file, e);
    }
    closedir(d);
    if (!rc && !found)
        rc = err_set(e, ERR_NOT_FOUND, "no *.pub or *.pem in the folder %s", path);
    return rc;
}

int trust_add_path(struct trust *t, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st))
        return err_errno(e, "cannot open %s", path);
    return S_ISDIR(st.st_mode) ? add_folder(t, path, e) : add_file(t, path, e);
}

void trust_free(struct trust *t)
{
    free(t->v);
    memset(t, 0, sizeof *t);
}
