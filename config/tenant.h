/* Making of a tenant's entry while the configuration is read. Inside config/ only. */
#pragma once

#include "config/config.h"

/* Fills what the tenant's own defaults and ceilings leave open: from the base, then from
 * limit_table. A default that was not the tenant's own is cut to its ceiling. */
void tenant_fill(struct tenant *t, const struct limits *base_defaults,
                 const struct limits *base_ceilings);

/* The one tenant of a configuration that names none. base: its permissions (NULL: none). */
void tenants_default(struct config *c, const struct limits *base_defaults,
                     const struct limits *base_ceilings, const struct permissions *base);

/* Behind the last tenant: from here on config_tenant() need not look at all of them. */
void tenants_index(struct config *c);

/* Adds a key that may sign its jobs: base64 or the path of a PEM file. ERR_EXISTS, and as
 * key_public_from(). */
int tenant_add_key(struct tenant *t, const char *text, struct err *e);

/* Frees what the entry points to, not the entry. */
void tenant_clear(struct tenant *t);
