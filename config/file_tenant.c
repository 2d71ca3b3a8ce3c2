/* The `tenants` of the configuration file. */
#include "config/file_tenant.h"

#include <string.h>

#include "base/mem.h"
#include "config/tenant.h"

static int read_profile(struct reader *r, const struct place *p, enum profile *out)
{
    static const char allowed[] = "default, jitless";
    const char *text;
    int rc = reader_text(r, p, true, allowed, &text);
    if (rc)
        return rc;
    int i = profile_by_name(text);
    if (i < 0)
        return reader_refuse(r, p, "found '%.60s'; allowed: %s", text, allowed);
    *out = (enum profile)i;
    return 0;
}

/* permissions, and profile, which rules one of them out. */
static int read_tenant_rights(struct reader *r, const struct place *profile,
                              const struct place *permissions, struct tenant *t)
{
    struct permissions_asked asked = {0};
    int rc = profile->node ? read_profile(r, profile, &t->profile) : 0;
    if (!rc && permissions->node)
        rc = read_permission_block(r, permissions, &asked);
    if (!rc && asked.v.flag[PERMISSION_WASM] && !profile_table[t->profile].machine_code)
        rc = reader_refuse(r, permissions,
                           "found wasm: true; allowed: false, for profile %s has no WebAssembly",
                           profile_table[t->profile].name);
    if (!rc) {
        permissions_fill(&asked, &r->permissions, &t->permissions);
        t->permissions.flag[PERMISSION_WASM] &= profile_table[t->profile].machine_code;
    }
    permissions_free(&asked.v);
    return rc;
}

static int read_tenant_name(struct reader *r, const struct place *item, const struct place *p,
                            struct tenant *t)
{
    static const char allowed[] = "1 to 64 of A-Z a-z 0-9 _ -";
    const char *name;
    if (!p->node)
        return reader_refuse(r, item, "found no name; allowed: name: %s", allowed);
    int rc = reader_text(r, p, true, allowed, &name);
    if (rc)
        return rc;
    if (!tenant_name_valid(name))
        return reader_refuse(r, p, "found '%.100s'; allowed: %s", name, allowed);
    if (config_tenant(r->c, name))
        return reader_refuse(r, p, "found '%s' a second time; allowed: each tenant once", name);
    strcpy(t->name, name);
    return 0;
}

static int read_egress_private(struct reader *r, const struct place *p, struct tenant *t)
{
    static const char allowed[] = "a list of up to 64: " IP_BLOCK_ALLOWED;
    if (!reader_is_list(p->node))
        return reader_refuse(r, p, "found %s; allowed: %s",
                             reader_is_null(p->node) ? "nothing" : reader_kind(p->node), allowed);
    ptrdiff_t n = reader_items(p->node);
    if (n > EGRESS_PRIVATE_MAX)
        return reader_refuse(r, p, "found %td entries; allowed: %s", n, allowed);
    t->egress_private = mem_alloc((size_t)(n ? n : 1) * sizeof *t->egress_private);
    for (ptrdiff_t i = 0; i < n; i++) {
        struct place item = reader_item(r, p, i);
        const char *text;
        int rc = reader_text(r, &item, true, IP_BLOCK_ALLOWED, &text);
        if (rc)
            return rc;
        if (!ip_block_parse(text, &t->egress_private[i]))
            return reader_refuse(r, &item, "found '%.100s'; allowed: %s", text, IP_BLOCK_ALLOWED);
        t->egress_private_count++;
    }
    return 0;
}

static int read_job_keys(struct reader *r, const struct place *p, struct tenant *t)
{
    static const char allowed[] =
        "the base64 of an Ed25519 public key, or the path of its PEM file";
    if (!reader_is_list(p->node))
        return reader_refuse(r, p, "found %s; allowed: a list, each %s",
                             reader_is_null(p->node) ? "nothing" : reader_kind(p->node), allowed);
    ptrdiff_t n = reader_items(p->node);
    if (n < 1 || n > JOB_KEYS_MAX) /* an empty list would take unsigned jobs: nobody means that */
        return reader_refuse(r, p,
                             "found %td keys; allowed: 1 to %d (without the line, jobs need "
                             "not be signed)",
                             n, JOB_KEYS_MAX);
    for (ptrdiff_t i = 0; i < n; i++) {
        struct place item = reader_item(r, p, i);
        const char *text;
        struct err why;
        int rc = reader_text(r, &item, true, allowed, &text);
        if (rc)
            return rc;
        if (tenant_add_key(t, text, &why))
            return reader_refuse(r, &item, "%s", why.msg);
    }
    return 0;
}

static int read_sealed(struct reader *r, const struct place *p, struct sealed_secret *to)
{
    const char *text;
    struct err why;
    int rc = reader_text(r, p, true, "a sealed text, as `isolane secret seal` prints it", &text);
    if (rc)
        return rc;
    if (sealed_secret_add(to, text, strlen(text), &why))
        return reader_refuse(r, p, "%s", why.msg);
    return 0;
}

static int read_secret(struct reader *r, const char *name, const struct place *p, void *arg)
{
    struct sealed_secret *s;
    struct err why;
    if (sealed_secrets_new(arg, name, &s, &why))
        return reader_refuse(r, p, "%s", why.msg);
    if (!reader_is_list(p->node))
        return read_sealed(r, p, s);
    ptrdiff_t n = reader_items(p->node);
    int rc = n ? 0 : reader_refuse(r, p, "found no sealed text; allowed: 1 to %d", SEALED_EACH_MAX);
    for (ptrdiff_t i = 0; i < n && !rc; i++) {
        struct place item = reader_item(r, p, i);
        rc = read_sealed(r, &item, s);
    }
    return rc;
}

int read_retention(struct reader *r, const struct place *p, struct retain *out)
{
    struct names known = {.n = RETENTION_BOUNDS};
    struct place found[NAMES_MAX];
    for (int i = 0; i < RETENTION_BOUNDS; i++)
        known.v[i] = retention_table[i].name;
    int rc = reader_map(r, p, &known, found);
    for (int i = 0; i < RETENTION_BOUNDS && !rc; i++)
        if (found[i].node)
            rc = reader_int(r, &found[i], 0, retention_table[i].most, &out->v[i]);
    return rc;
}

static int read_rates(struct reader *r, const struct place *per_s, const struct place *burst,
                      const struct place *cpu, struct tenant *t)
{
    int rc = per_s->node ? reader_int(r, per_s, 0, JOBS_PER_S_MAX, &t->jobs_per_s) : 0;
    if (!rc && burst->node && !t->jobs_per_s)
        rc = reader_refuse(r, burst, "found without jobs_per_s; allowed: with it");
    if (!rc && burst->node)
        rc = reader_int(r, burst, 1, JOBS_PER_S_MAX, &t->jobs_burst);
    else
        t->jobs_burst = t->jobs_per_s;
    if (!rc && cpu->node)
        rc = reader_int(r, cpu, 0, CPU_S_PER_HOUR_MAX, &t->cpu_s_per_hour);
    return rc;
}

static int read_reuse(struct reader *r, const struct place *p, struct tenant *t)
{
    static const char allowed[] = "a list of tenant, script, or [] for neither";
    if (!reader_is_list(p->node))
        return reader_refuse(r, p, "found %s; allowed: %s",
                             reader_is_null(p->node) ? "nothing" : reader_kind(p->node), allowed);
    if (reader_items(p->node) >= REUSES)
        return reader_refuse(r, p, "found %td entries; allowed: %s", reader_items(p->node),
                             allowed);
    t->reuse = 0;
    for (ptrdiff_t i = 0; i < reader_items(p->node); i++) {
        struct place item = reader_item(r, p, i);
        const char *text;
        int rc = reader_text(r, &item, true, "tenant, script", &text);
        if (rc)
            return rc;
        int mode = reuse_by_name(text);
        if (mode < 0 || mode == REUSE_NONE)
            return reader_refuse(r, &item, "found '%.100s'; allowed: tenant, script", text);
        t->reuse |= 1u << mode;
    }
    return 0;
}

static int read_tenant(struct reader *r, const struct place *item, struct tenant *t)
{
    const struct names known = {.v = {"name", "weight", "max_running", "defaults", "ceilings",
                                      "profile", "permissions", "egress_private", "job_keys",
                                      "secrets", "retention", "jobs_per_s", "jobs_burst",
                                      "cpu_s_per_hour", "strict_ts", "reuse"},
                                .n = 16};
    struct place found[NAMES_MAX];
    struct limit_block defaults, ceilings;
    int rc = reader_map(r, item, &known, found);
    if (rc)
        return rc;
    t->weight = 1;
    t->reuse = REUSE_ALL;
    rc = read_tenant_name(r, item, &found[0], t);
    if (!rc && found[1].node)
        rc = reader_int(r, &found[1], 1, 1000, &t->weight);
    if (!rc && found[2].node)
        rc = reader_int(r, &found[2], 0, 1024, &t->max_running);
    if (!rc)
        rc = read_rates(r, &found[11], &found[12], &found[13], t);
    if (!rc)
        rc = read_limit_block(r, &found[3], &defaults);
    if (!rc)
        rc = read_limit_block(r, &found[4], &ceilings);
    if (!rc && found[7].node)
        rc = read_egress_private(r, &found[7], t);
    if (rc)
        return rc;
    t->defaults = defaults.v;
    t->ceilings = ceilings.v;
    tenant_fill(t, &r->defaults, &r->ceilings);
    rc = check_defaults(r, &defaults, &t->ceilings);
    if (!rc)
        rc = read_tenant_rights(r, &found[5], &found[6], t);
    if (!rc && found[8].node)
        rc = read_job_keys(r, &found[8], t);
    if (!rc && found[9].node)
        rc = reader_each(r, &found[9], "names and sealed texts", SECRETS_MAX, read_secret,
                         &t->secrets);
    t->retention = r->c->retention;
    if (!rc && found[10].node)
        rc = read_retention(r, &found[10], &t->retention);
    if (!rc && found[14].node)
        rc = reader_bool(r, &found[14], &t->strict_ts);
    if (!rc && found[15].node)
        rc = read_reuse(r, &found[15], t);
    return rc;
}

int read_tenants(struct reader *r, const struct place *p)
{
    if (!reader_is_list(p->node))
        return reader_refuse(r, p, "found %s; allowed: a list of maps, each with a name",
                             reader_is_null(p->node) ? "nothing" : reader_kind(p->node));
    ptrdiff_t n = reader_items(p->node);
    if (n < 1 || n > TENANTS_MAX)
        return reader_refuse(r, p,
                             "found %td tenants; allowed: 1 to %d (leave it out for 'default')", n,
                             TENANTS_MAX);
    r->c->tenants = mem_alloc((size_t)n * sizeof *r->c->tenants);
    for (ptrdiff_t i = 0; i < n; i++) {
        struct place item = reader_item(r, p, i);
        int rc = read_tenant(r, &item, &r->c->tenants[i]);
        if (rc) {
            tenant_clear(&r->c->tenants[i]); /* not counted yet: config_free() passes it by */
            return rc;
        }
        r->c->tenant_count++; /* config_tenant() sees those before this one */
    }
    return 0;
}
