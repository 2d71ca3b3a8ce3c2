#include "executor/retention.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static struct retention bounds_of(const char *tenant, const struct retain *keep)
{
    struct retention r = {
        .max_age_s = keep->v[RETAIN_AGE_HOURS] * 3600,
        .max_rows = keep->v[RETAIN_ROWS],
        .max_bytes = keep->v[RETAIN_MB] << 20,
    };
    snprintf(r.tenant, sizeof r.tenant, "%s", tenant);
    return r;
}

struct janitor *retention_open(uv_loop_t *loop, const struct config *c, const char *db_path,
                               const char *worker, struct recorder *rec)
{
    size_t n = (size_t)c->tenant_count + 1;
    struct retention *all = mem_alloc(n * sizeof *all);
    struct janitor *j = NULL;
    bool any = false;
    for (int i = 0; i < c->tenant_count; i++)
        all[i] = bounds_of(c->tenants[i].name, &c->tenants[i].retention);
    all[n - 1] = bounds_of("", &c->retention);
    for (size_t i = 0; i < n; i++)
        any |= all[i].max_age_s || all[i].max_rows || all[i].max_bytes;
    struct janitor_options o = {
        .db_path = db_path,
        .worker = worker,
        .retentions = all,
        .count = any ? n : 0,
        .interval_ms = c->retention_interval_s * 1000,
    };
    janitor_open(loop, &o, rec, &j);
    free(all);
    return j;
}
