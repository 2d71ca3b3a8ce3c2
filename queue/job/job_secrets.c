/* The field "secrets" of a job: sealed texts by name, checked in form and against what the tenant
 * may have. Nobody here can open them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "queue/job/decoding.h"

#define LISTED_MAX 400 /* bytes of a tenant's names that an error shows */

static void read_text(struct decoding *d, struct sealed_secret *s, const struct jv *v)
{
    struct err why;
    size_t len = 0;
    const char *text = jv_string(v, &len);
    if (!text)
        fault_at(d, "secrets.%s: found %s; allowed: a sealed text, or an array of them", s->name,
                 jv_type_name(v));
    else if (sealed_secret_add(s, text, len, &why))
        fault_at(d, "secrets.%s: %s", s->name, why.msg);
}

static void not_permitted(struct decoding *d, const char *name)
{
    const struct permission_entries *has = &d->tenant->permissions.list[PERMISSION_SECRETS];
    char list[LISTED_MAX] = "none";
    size_t at = 0;
    for (int i = 0; i < has->n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", has->v[i]);
    fault_at(d, "secrets: found '%s'; allowed: %s (permissions.secrets of tenant '%s')", name, list,
             d->tenant->name);
}

static int read_secret(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    struct sealed_secret *s = NULL;
    struct err why;
    if (d->rc) /* what is refused need not be kept */
        return 0;
    if (sealed_secrets_new(&d->job->secrets, name, &s, &why)) {
        char shown_name[FOUND_TEXT];
        fault_at(d, "secrets: found the name '%s'; allowed: " SECRET_NAME_ALLOWED,
                 in_line(name, strlen(name), shown_name));
    } else if (d->tenant &&
               !permission_covers(PERMISSION_SECRETS,
                                  &d->tenant->permissions.list[PERMISSION_SECRETS], name)) {
        not_permitted(d, name);
    } else if (jv_type(v) != JV_ARRAY) {
        read_text(d, s, v);
    } else if (jv_count(v) == 0) {
        fault_at(d, "secrets.%s: found an empty array; allowed: 1 to %d sealed texts", name,
                 SEALED_EACH_MAX);
    } else {
        for (size_t i = 0; i < jv_count(v); i++)
            read_text(d, s, jv_at(v, i));
    }
    return 0;
}

void read_secrets(struct decoding *d, const struct jv *v)
{
    if (jv_type(v) != JV_OBJECT)
        fault_at(d, "secrets: found %s; allowed: an object of sealed texts", jv_type_name(v));
    else if (jv_count(v) > SECRETS_MAX)
        fault_at(d, "secrets: found %zu; allowed: at most %d", jv_count(v), SECRETS_MAX);
    else
        jv_each(v, read_secret, d);
}

/* A job that carries a secret asks for it. */
void grant_secrets(struct decoding *d)
{
    struct permission_entries *granted = &d->job->permissions.list[PERMISSION_SECRETS];
    const struct sealed_secrets *list = &d->job->secrets;
    for (int i = 0; i < list->n && !d->rc; i++) {
        const char *name = list->v[i].name;
        if (!permission_covers(PERMISSION_SECRETS, granted, name) &&
            !permission_add(granted, name, strlen(name)))
            fault_at(d, "secrets: found more names than permissions.secrets has room for (%d)",
                     PERMISSION_LIST_MAX);
    }
    if (granted->n > SECRETS_MAX)
        fault_at(d,
                 "permissions.secrets: found %d names with those of secrets; allowed: at most %d",
                 granted->n, SECRETS_MAX);
}
