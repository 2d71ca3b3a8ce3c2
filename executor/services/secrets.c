/* secret: the script asks for one of its secrets. Argument {"name": "…"}, answer a string. What the
 * job may have was decided when it came in; its plain text crosses to the cell only here. */
#include "executor/services/service.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "executor/attempt/secrets.h"

static int read_name(const struct jv *doc, const char **name, struct err *e)
{
    const struct jv *v = jv_type(doc) == JV_OBJECT ? jv_get(doc, "name") : NULL;
    size_t len = 0;
    *name = v ? jv_string(v, &len) : NULL;
    if (!*name || strlen(*name) != len || !secret_name_valid(*name))
        return err_set(e, ERR_INVALID,
                       "secrets.get: found no name of a secret; allowed: " SECRET_NAME_ALLOWED);
    return 0;
}

static int handle(const struct service_call *c, struct buf *reply, struct err *e)
{
    struct jv *doc = NULL;
    const char *name = NULL;
    int rc = jv_parse(c->json, c->len, &doc, e);
    if (!rc)
        rc = read_name(doc, &name, e);
    if (!rc) {
        size_t len = 0;
        const char *value = secrets_find(attempt_secrets(c->attempt), name, &len);
        struct jsonw w;
        jsonw_init(&w, reply);
        buf_reserve(reply, len * 2); /* mostly at once */
        if (value)
            jsonw_string(&w, value, len);
        else
            rc = err_set(e, ERR_DENIED,
                         "secrets.get: found '%s', which is not among the job's secrets "
                         "(secrets.names)",
                         name);
    }
    jv_free(doc);
    return rc;
}

const struct service service_secret = {
    .name = "secret",
    .argument_max = 256,
    .handle = handle,
};
