#include "executor/attempt/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/jv.h"
#include "base/utf8.h"

static bool named_before(const struct permission_entries *names, int i)
{
    for (int k = 0; k < i; k++)
        if (!strcmp(names->v[k], names->v[i]))
            return true;
    return false;
}

static void add_all(const struct job *j, const struct permission_entries *names, struct jv *own,
                    struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out);
    jsonw_object(&w);
    for (int i = 0; i < names->n; i++) {
        const char *value = getenv(names->v[i]);
        if (value && !jv_get(own, names->v[i]) && !named_before(names, i) &&
            utf8_valid_prefix(value, strlen(value)) == strlen(value))
            jsonw_kstr(&w, names->v[i], value);
    }
    /* The rest of the job's own text behind them, as its publisher wrote it. */
    bool any = w.has[w.depth];
    if (jv_count(own) == 0) {
        jsonw_object_end(&w);
        return;
    }
    if (any)
        buf_addc(out, ',');
    buf_add(out, j->env + 1, j->env_len - 1);
}

const char *environment_of(const struct job *j, struct buf *made, size_t *len)
{
    const struct permission_entries *names = &j->permissions.list[PERMISSION_ENV];
    struct jv *own = NULL;
    *len = j->env_len;
    if (names->n == 0 || jv_parse(j->env, j->env_len, &own, NULL))
        return j->env;
    add_all(j, names, own, made);
    jv_free(own);
    *len = made->len;
    return made->data;
}
