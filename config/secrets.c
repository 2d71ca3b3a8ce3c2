#include "config/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct sealed_secret *sealed_secrets_find(const struct sealed_secrets *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (!strcmp(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

int sealed_secrets_new(struct sealed_secrets *list, const char *name, struct sealed_secret **out,
                       struct err *e)
{
    if (!secret_name_valid(name))
        return err_set(e, ERR_INVALID, "found the name '%.80s'; allowed: " SECRET_NAME_ALLOWED,
                       name);
    if (sealed_secrets_find(list, name))
        return err_set(e, ERR_INVALID, "found '%s' a second time; allowed: once", name);
    if (list->n == SECRETS_MAX)
        return err_set(e, ERR_INVALID, "found more than %d secrets; allowed: at most %d",
                       SECRETS_MAX, SECRETS_MAX);
    list->v = mem_grow(list->v, (size_t)(list->n + 1) * sizeof *list->v);
    *out = &list->v[list->n++];
    memset(*out, 0, sizeof **out);
    strcpy((*out)->name, name);
    return 0;
}

int sealed_secret_add(struct sealed_secret *s, const char *text, size_t len, struct err *e)
{
    if (s->n == SEALED_EACH_MAX)
        return err_set(e, ERR_INVALID, "found more than %d sealed texts; allowed: 1 to %d",
                       SEALED_EACH_MAX, SEALED_EACH_MAX);
    int rc = sealed_check(text, len, e);
    for (int i = 0; i < s->n && !rc; i++)
        if (!memcmp(sealed_keyid(s->text[i]), sealed_keyid(text), KEYID_LEN - 1))
            rc = err_set(e, ERR_INVALID, "found two sealed texts for key %.16s…; allowed: one",
                         sealed_keyid(text));
    if (!rc)
        s->text[s->n++] = mem_copy(text, len);
    return rc;
}

void sealed_secrets_free(struct sealed_secrets *list)
{
    for (int i = 0; i < list->n; i++)
        for (int k = 0; k < list->v[i].n; k++)
            free(list->v[i].text[k]);
    free(list->v);
    *list = (struct sealed_secrets){0};
}
