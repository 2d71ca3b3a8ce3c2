/* The `tenants` of the configuration file. Inside config/ only. */
#pragma once

#include "config/reader.h"

int read_tenants(struct reader *r, const struct place *p);

/* The bounds of `retention`, of a tenant or of all. */
int read_retention(struct reader *r, const struct place *p, struct retain *out);
