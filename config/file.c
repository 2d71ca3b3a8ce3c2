/* What may stand in the configuration file, from the top: scalars are those of config/keys.c; this
 * file adds what is nested: nats, egress, limits, permissions; file_tenant.c has the tenants. */
#include "config/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "config/file_tenant.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/tenant.h"

static int read_key(struct reader *r, const struct config_key *k, const struct place *p)
{
    char allowed[KEY_ALLOWED_MAX];
    const char *text;
    struct err why;
    key_allowed(k, allowed);
    int rc = reader_text(r, p, k->type == KEY_TEXT || k->type == KEY_CHOICE, allowed, &text);
    if (rc)
        return rc;
    if (key_set(r->c, k, text, &why))
        return reader_refuse(r, p, "%s", why.msg);
    return 0;
}

/* The keys of the table that begin with `group` ("nats."). */
static int read_group(struct reader *r, const struct place *p, const char *group)
{
    const size_t skip = strlen(group);
    struct names known = {0};
    struct place found[NAMES_MAX];
    const struct config_key *keys[NAMES_MAX];
    for (int i = 0; i < config_key_count; i++) {
        if (strncmp(config_keys[i].name, group, skip) != 0)
            continue;
        CHECK(known.n < NAMES_MAX);
        keys[known.n] = &config_keys[i];
        known.v[known.n++] = config_keys[i].name + skip;
    }
    int rc = reader_map(r, p, &known, found);
    for (int i = 0; i < known.n && !rc; i++)
        if (found[i].node)
            rc = read_key(r, keys[i], &found[i]);
    return rc;
}

int read_limit_block(struct reader *r, const struct place *p, struct limit_block *out)
{
    struct names known = {.n = LIMITS};
    struct place found[NAMES_MAX];
    memset(out, 0, sizeof *out);
    if (!p->node)
        return 0;
    for (int i = 0; i < LIMITS; i++)
        known.v[i] = limit_table[i].name;
    int rc = reader_map(r, p, &known, found);
    for (int i = 0; i < LIMITS && !rc; i++) {
        out->at[i] = found[i];
        if (found[i].node)
            rc = reader_int(r, &found[i], limit_table[i].min, limit_table[i].most, &out->v.v[i]);
    }
    return rc;
}

int check_defaults(struct reader *r, const struct limit_block *d, const struct limits *ceilings)
{
    for (int i = 0; i < LIMITS; i++)
        if (d->v.v[i] > ceilings->v[i])
            return reader_refuse(r, &d->at[i],
                                 "found %" PRId64 "; allowed: %" PRId64 " to %" PRId64
                                 " (the ceiling in force)",
                                 d->v.v[i], limit_table[i].min, ceilings->v[i]);
    return 0;
}

static int read_limits(struct reader *r, const struct place *p)
{
    const struct names known = {.v = {"defaults", "ceilings"}, .n = 2};
    struct place found[NAMES_MAX];
    struct limit_block defaults, ceilings;
    int rc = reader_map(r, p, &known, found);
    if (!rc)
        rc = read_limit_block(r, &found[0], &defaults);
    if (!rc)
        rc = read_limit_block(r, &found[1], &ceilings);
    if (rc)
        return rc;
    r->defaults = defaults.v;
    r->ceilings = ceilings.v;
    struct tenant whole = {.ceilings = ceilings.v};
    tenant_fill(&whole, &r->defaults, &r->ceilings);
    return check_defaults(r, &defaults, &whole.ceilings);
}

static int read_permission_list(struct reader *r, const struct place *p, enum permission_list l,
                                struct permission_entries *out)
{
    const char *allowed, *text;
    permission_entry_valid(l, "", &allowed);
    if (!reader_is_list(p->node))
        return reader_refuse(r, p, "found %s; allowed: a list, each %s",
                             reader_is_null(p->node) ? "nothing" : reader_kind(p->node), allowed);
    if (reader_items(p->node) > PERMISSION_LIST_MAX)
        return reader_refuse(r, p, "found %td entries; allowed: at most %d", reader_items(p->node),
                             PERMISSION_LIST_MAX);
    for (ptrdiff_t i = 0; i < reader_items(p->node); i++) {
        struct place item = reader_item(r, p, i);
        int rc = reader_text(r, &item, true, allowed, &text);
        if (rc)
            return rc;
        if (!permission_entry_valid(l, text, &allowed))
            return reader_refuse(r, &item, "found '%.100s'; allowed: %s", text, allowed);
        CHECK(permission_add(out, text, strlen(text)));
    }
    return 0;
}

int read_permission_block(struct reader *r, const struct place *p, struct permissions_asked *asked)
{
    enum { CLOCK = PERMISSION_FLAGS, LISTS, NAMES = LISTS + PERMISSION_LISTS };
    struct names known = {.n = NAMES};
    struct place found[NAMES_MAX];
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        known.v[f] = permission_flag_names[f];
    known.v[CLOCK] = "clock_us";
    for (int l = 0; l < PERMISSION_LISTS; l++)
        known.v[LISTS + l] = permission_list_names[l];
    int rc = reader_map(r, p, &known, found);
    for (int f = 0; f < PERMISSION_FLAGS && !rc; f++)
        if ((asked->flag_given[f] = found[f].node != NULL))
            rc = reader_bool(r, &found[f], &asked->v.flag[f]);
    if (!rc && (asked->clock_given = found[CLOCK].node != NULL))
        rc = reader_int(r, &found[CLOCK], CLOCK_US_MIN, CLOCK_US_MAX, &asked->v.clock_us);
    for (int l = 0; l < PERMISSION_LISTS && !rc; l++)
        if ((asked->list_given[l] = found[LISTS + l].node != NULL))
            rc = read_permission_list(r, &found[LISTS + l], (enum permission_list)l,
                                      &asked->v.list[l]);
    return rc;
}

static int read_base_permissions(struct reader *r, const struct place *p)
{
    struct permissions_asked asked = {0};
    int rc = read_permission_block(r, p, &asked);
    if (!rc)
        permissions_fill(&asked, NULL, &r->permissions);
    permissions_free(&asked.v);
    return rc;
}

static int read_top(struct reader *r, yaml_node_t *root)
{
    enum { NATS, EGRESS, WARM, LIMITS_BASE, PERMISSIONS_BASE, RETENTION_BASE, TENANTS, NESTED };
    struct names known = {
        .v = {"nats", "egress", "warm", "limits", "permissions", "retention", "tenants"},
        .n = NESTED};
    struct place found[NAMES_MAX], top = {.node = root, .line = 1};
    const struct config_key *keys[NAMES_MAX];
    for (int i = 0; i < config_key_count; i++) {
        if (strchr(config_keys[i].name, '.'))
            continue;
        CHECK(known.n < NAMES_MAX);
        keys[known.n] = &config_keys[i];
        known.v[known.n++] = config_keys[i].name;
    }
    int rc = 0;
    memset(found, 0, sizeof found);
    if (root && !reader_is_null(root)) /* a file of comments alone is no error */
        rc = reader_map(r, &top, &known, found);
    for (int i = NESTED; i < known.n && !rc; i++)
        if (found[i].node)
            rc = read_key(r, keys[i], &found[i]);
    if (!rc && found[NATS].node)
        rc = read_group(r, &found[NATS], "nats.");
    if (!rc && found[EGRESS].node)
        rc = read_group(r, &found[EGRESS], "egress.");
    if (!rc && found[WARM].node)
        rc = read_group(r, &found[WARM], "warm.");
    if (!rc && found[LIMITS_BASE].node) /* before the tenants, wherever it stands */
        rc = read_limits(r, &found[LIMITS_BASE]);
    if (!rc && found[PERMISSIONS_BASE].node)
        rc = read_base_permissions(r, &found[PERMISSIONS_BASE]);
    if (!rc && found[RETENTION_BASE].node)
        rc = read_retention(r, &found[RETENTION_BASE], &r->c->retention);
    if (!rc && found[TENANTS].node)
        rc = read_tenants(r, &found[TENANTS]);
    if (!rc && !r->c->tenant_count)
        tenants_default(r->c, &r->defaults, &r->ceilings, &r->permissions);
    if (!rc && !found[TENANTS].node)
        r->c->tenants[0].retention = r->c->retention;
    if (!rc)
        tenants_index(r->c);
    return rc;
}

int config_text_read(const char *file, const char *text, size_t len, struct config *c,
                     struct err *e)
{
    struct err mine;
    struct reader r = {.file = file, .c = c, .e = e ? e : &mine};
    int rc = reader_run(&r, text, len, read_top);
    permissions_free(&r.permissions);
    return rc;
}

int config_file_read(const char *file, struct config *c, struct err *e)
{
    char *text;
    size_t len;
    int rc = fs_read_file(file, CONFIG_FILE_MAX, &text, &len, e);
    if (rc) {
        err_wrap(e, "configuration");
        if (rc == ERR_LIMIT && e)
            e->code = ERR_INVALID;
        return rc == ERR_LIMIT ? ERR_INVALID : rc;
    }
    rc = config_text_read(file, text, len, c, e);
    free(text);
    return rc;
}
