#include "cli/client/outputs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/jv.h"
#include "cli/client/artifacts.h"
#include "queue/job/artifact_name.h"

/* A result may be anybody's words: the name must not lead out of the folder. */
static int fetch_one(struct artifacts *s, const struct jv *a, const char *folder, struct err *e)
{
    char path[PATH_MAX], dir[PATH_MAX];
    struct obj_info info = {0};
    size_t len = 0;
    const char *name = jv_string(jv_get(a, "name"), &len);
    const char *object = jv_string(jv_get(a, "object"), NULL);
    const char *sha256 = jv_string(jv_get(a, "sha256"), NULL);
    if (!name || !artifact_name_valid(name, len) || !object || !sha256)
        return err_set(e, ERR_INVALID, "the result names an artifact without name, object or hash");
    int rc = fs_path(path, sizeof path, e, "%s/%s", folder, name);
    if (rc)
        return rc;
    strcpy(dir, path);
    *strrchr(dir, '/') = '\0';
    rc = fs_make_dirs(dir, e);
    if (!rc)
        rc = artifacts_get(s, object, path, sha256, &info, e);
    return rc ? err_wrap(e, "artifact %s", name) : 0;
}

int outputs_fetch(struct client *c, const char *result, size_t len, const char *folder,
                  struct err *e)
{
    struct jv *doc = NULL;
    struct artifacts s = {0};
    int rc = jv_parse(result, len, &doc, e);
    const struct jv *list = jv_get(doc, "artifacts");
    const char *tenant = jv_string(jv_get(doc, "tenant"), NULL);
    size_t n = !rc && jv_type(list) == JV_ARRAY && tenant ? jv_count(list) : 0;
    if (n > 0 && !tenant_name_valid(tenant))
        rc = err_set(e, ERR_INVALID, "the result's tenant cannot be one");
    if (n > 0 && !rc)
        rc = artifacts_open(c, tenant, &s, e);
    for (size_t i = 0; i < n && !rc; i++)
        rc = fetch_one(&s, jv_at(list, i), folder, e);
    artifacts_close(&s);
    jv_free(doc);
    return rc;
}
