#include "config/tenant.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool tenant_name_valid(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++)
        if (!isalnum((unsigned char)name[n]) && name[n] != '_' && name[n] != '-')
            return false;
    return n > 0 && n <= TENANT_NAME_MAX;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct tenant *const *)a)->name,
                  (*(const struct tenant *const *)b)->name);
}

void tenants_index(struct config *c)
{
    c->tenants_by_name = mem_alloc((size_t)c->tenant_count * sizeof *c->tenants_by_name);
    for (int i = 0; i < c->tenant_count; i++)
        c->tenants_by_name[i] = &c->tenants[i];
    qsort(c->tenants_by_name, (size_t)c->tenant_count, sizeof *c->tenants_by_name, by_name);
}

static int against_name(const void *name, const void *t)
{
    return strcmp(name, (*(const struct tenant *const *)t)->name);
}

const struct tenant *config_tenant(const struct config *c, const char *name)
{
    if (c->tenants_by_name) {
        const struct tenant *const *found =
            bsearch(name, c->tenants_by_name, (size_t)c->tenant_count, sizeof *c->tenants_by_name,
                    against_name);
        return found ? *found : NULL;
    }
    for (int i = 0; i < c->tenant_count; i++)
        if (!strcmp(c->tenants[i].name, name))
            return &c->tenants[i];
    return NULL;
}

void tenant_fill(struct tenant *t, const struct limits *base_defaults,
                 const struct limits *base_ceilings)
{
    for (int i = 0; i < LIMITS; i++) {
        int64_t *ceiling = &t->ceilings.v[i], *fallback = &t->defaults.v[i];
        if (!*ceiling)
            *ceiling = base_ceilings->v[i] ? base_ceilings->v[i] : limit_table[i].ceiling;
        if (*fallback)
            continue;
        *fallback = base_defaults->v[i] ? base_defaults->v[i] : limit_table[i].fallback;
        if (*fallback > *ceiling)
            *fallback = *ceiling;
    }
}

void tenants_default(struct config *c, const struct limits *base_defaults,
                     const struct limits *base_ceilings, const struct permissions *base)
{
    const struct permissions_asked nothing = {0};
    c->tenants = mem_alloc(sizeof *c->tenants);
    c->tenant_count = 1;
    strcpy(c->tenants[0].name, "default");
    c->tenants[0].weight = 1;
    c->tenants[0].reuse = REUSE_ALL;
    tenant_fill(&c->tenants[0], base_defaults, base_ceilings);
    permissions_fill(&nothing, base, &c->tenants[0].permissions);
}

int tenant_add_key(struct tenant *t, const char *text, struct err *e)
{
    struct job_key k;
    int rc = key_public_from(text, KEY_ED25519_PUBLIC, k.pub, e);
    if (rc)
        return rc;
    key_id(KEY_ED25519_PUBLIC, k.pub, k.keyid);
    for (int i = 0; i < t->job_key_count; i++)
        if (!strcmp(t->job_keys[i].keyid, k.keyid))
            return err_set(e, ERR_EXISTS, "found a key that stands there already");
    CHECK(t->job_key_count < JOB_KEYS_MAX);
    t->job_keys = mem_grow(t->job_keys, (size_t)(t->job_key_count + 1) * sizeof k);
    t->job_keys[t->job_key_count++] = k;
    return 0;
}

void tenant_clear(struct tenant *t)
{
    free(t->job_keys);
    t->job_keys = NULL;
    t->job_key_count = 0;
    sealed_secrets_free(&t->secrets);
    permissions_free(&t->permissions);
    free(t->egress_private);
    t->egress_private = NULL;
    t->egress_private_count = 0;
}
