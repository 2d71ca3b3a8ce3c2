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

const struct tenant *config_tenant(const struct config *c, const char *name)
{
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
    tenant_fill(&c->tenants[0], base_defaults, base_ceilings);
    permissions_fill(&nothing, base, &c->tenants[0].permissions);
}

void tenant_clear(struct tenant *t)
{
    permissions_free(&t->permissions);
    free(t->egress_private);
    t->egress_private = NULL;
    t->egress_private_count = 0;
}
