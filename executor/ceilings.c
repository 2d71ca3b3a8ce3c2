#include "executor/ceilings.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/store.h"

#define HOUR_US ((int64_t)3600 * 1000000)

struct restoring {
    struct backlog *backlog;
    const struct tenant *tenant;
    int64_t real_us, mono_us; /* now, on both clocks */
};

static void on_used(int64_t cpu_us, int64_t finished_at_us, void *arg)
{
    const struct restoring *r = arg;
    int64_t ago_us = r->real_us - finished_at_us;
    if (ago_us < 0) /* the clock was set back */
        ago_us = 0;
    backlog_used(r->backlog, r->tenant, cpu_us, r->mono_us - ago_us, r->mono_us);
}

void ceilings_restore(const struct config *c, const char *db_path, struct backlog *b)
{
    struct store *store = NULL;
    struct err e = {0};
    struct restoring r = {.backlog = b, .real_us = clock_real_us(), .mono_us = clock_mono_us()};
    int rc = 0;
    for (int i = 0; i < c->tenant_count && !rc; i++) {
        r.tenant = &c->tenants[i];
        if (!r.tenant->cpu_s_per_hour)
            continue;
        if (!store)
            rc = store_open(db_path, STORE_READ, &store, &e);
        if (!rc)
            rc = store_cpu_since(store, r.tenant->name, r.real_us - HOUR_US, on_used, &r, &e);
    }
    if (rc)
        log_warn("executor", "what tenants have used in the last hour is not known: %s", e.msg);
    store_close(store);
}
