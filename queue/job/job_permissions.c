/* The fields "permissions", "profile" and "reuse" of a job: read as they come, held against what
 * the tenant has when all fields are read (config/permissions.h says the rules). */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "queue/job/decoding.h"

static void read_flag(struct decoding *d, int f, const struct jv *v)
{
    char found[FOUND_TEXT];
    if (jv_type(v) != JV_BOOL) {
        fault_at(d, "permissions.%s: found %s; allowed: true, false", permission_flag_names[f],
                 shown(v, found));
        return;
    }
    d->permissions.flag_given[f] = true;
    d->permissions.v.flag[f] = jv_is_true(v);
}

static void read_clock(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    int64_t us = 0;
    if (!jv_int(v, &us) || us < CLOCK_US_MIN || us > CLOCK_US_MAX) {
        fault_at(d, "permissions.clock_us: found %s; allowed: a whole number from %d to %d",
                 shown(v, found), CLOCK_US_MIN, CLOCK_US_MAX);
        return;
    }
    d->permissions.clock_given = true;
    d->permissions.v.clock_us = us;
}

static void read_list(struct decoding *d, enum permission_list l, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *allowed;
    permission_entry_valid(l, "", &allowed);
    if (jv_type(v) != JV_ARRAY) {
        fault_at(d, "permissions.%s: found %s; allowed: an array of strings, each %s",
                 permission_list_names[l], shown(v, found), allowed);
        return;
    }
    if (jv_count(v) > PERMISSION_LIST_MAX) {
        fault_at(d, "permissions.%s: found %zu entries; allowed: at most %d",
                 permission_list_names[l], jv_count(v), PERMISSION_LIST_MAX);
        return;
    }
    d->permissions.list_given[l] = true;
    for (size_t i = 0; i < jv_count(v); i++) {
        size_t len = 0;
        const char *s = jv_string(jv_at(v, i), &len);
        if (!s || strlen(s) != len || !permission_entry_valid(l, s, &allowed)) {
            fault_at(d, "permissions.%s[%zu]: found %s; allowed: %s", permission_list_names[l], i,
                     shown(jv_at(v, i), found), allowed);
            return;
        }
        CHECK(permission_add(&d->permissions.v.list[l], s, len));
    }
}

static void unknown_permission(struct decoding *d, const char *name)
{
    char found[FOUND_TEXT];
    struct nearest n = {.word = name};
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        nearest_try(&n, permission_flag_names[f]);
    nearest_try(&n, "clock_us");
    for (int l = 0; l < PERMISSION_LISTS; l++)
        nearest_try(&n, permission_list_names[l]);
    fault_at(
        d,
        "permissions: unknown field '%s'; allowed: eval, wasm, sab, kv, emit, artifacts, clock_us, "
        "net, env, secrets%s%s%s",
        in_line(name, strlen(name), found), n.best ? "; did you mean '" : "", n.best ? n.best : "",
        n.best ? "'?" : "");
}

static int read_permission(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    int f = permission_flag_by_name(name), l = permission_list_by_name(name);
    if (f >= 0)
        read_flag(d, f, v);
    else if (l >= 0)
        read_list(d, (enum permission_list)l, v);
    else if (!strcmp(name, "clock_us"))
        read_clock(d, v);
    else
        unknown_permission(d, name);
    return 0;
}

void read_permissions(struct decoding *d, const struct jv *v)
{
    if (jv_type(v) != JV_OBJECT) {
        fault_at(d, "permissions: found %s; allowed: an object", jv_type_name(v));
        return;
    }
    d->permissions_given = true;
    jv_each(v, read_permission, d);
}

void read_profile(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    int i = s ? profile_by_name(s) : -1;
    if (i < 0) {
        fault_at(d, "profile: found %s; allowed: \"default\", \"jitless\"", shown(v, found));
        return;
    }
    d->profile_given = true;
    d->job->profile = (enum profile)i;
}

/* A tenant whose jobs all run without compilers says so once, in the configuration: a job of it
 * that says nothing gets that; one that asks for the looser profile is told. */
static void resolve_profile(struct decoding *d)
{
    struct job *j = d->job;
    if (!d->profile_given)
        j->profile = d->tenant->profile;
    else if (!profile_allows(d->tenant->profile, j->profile))
        fault_at(d, "profile: found \"%s\"; allowed: \"%s\" (profile of tenant '%s')",
                 profile_table[j->profile].name, profile_table[d->tenant->profile].name,
                 d->tenant->name);
}

static void resolve_permissions(struct decoding *d)
{
    struct job *j = d->job;
    bool wasm_asked = d->permissions.v.flag[PERMISSION_WASM];
    d->rc = permissions_restrict(d->permissions_given ? &d->permissions : NULL,
                                 &d->tenant->permissions, d->tenant->name, &j->permissions, d->e);
    if (d->rc || profile_table[j->profile].machine_code)
        return;
    if (wasm_asked)
        fault_at(d,
                 "permissions.wasm: found true; allowed: false, for profile %s has no "
                 "WebAssembly",
                 profile_table[j->profile].name);
    j->permissions.flag[PERMISSION_WASM] = false;
}

/* With a classic script there is nothing to call again. */
static void resolve_reuse(struct decoding *d)
{
    const struct job *j = d->job;
    if (j->reuse == REUSE_NONE)
        return;
    if (!(d->tenant->reuse & (1u << j->reuse)))
        fault_at(d, "reuse: found \"%s\", which the configuration does not allow tenant '%s'",
                 reuse_names[j->reuse], d->tenant->name);
    else if (j->reuse == REUSE_SCRIPT && j->source == JOB_SCRIPT)
        fault_at(d, "reuse: found \"script\" with type \"script\"; allowed: with type \"module\"");
}

void resolve_rights(struct decoding *d)
{
    if (d->tenant && !d->rc)
        resolve_profile(d);
    if (d->tenant && !d->rc)
        resolve_permissions(d);
    if (d->tenant && !d->rc)
        resolve_reuse(d);
    permissions_free(&d->permissions.v);
}
