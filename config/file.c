/* How this works: libyaml makes a tree of nodes with line numbers; we walk it by what we know may
 * stand there, so an unknown key can't slip through and depth is bounded by the schema (an alias
 * that points at its own parent is a map where a scalar is allowed: an error like any other).
 * Scalars are those of config/keys.c; this file adds what is nested: nats, egress, limits,
 * permissions, tenants.
 *
 * libyaml and not libcyaml: the latter (1.3) knows neither ranges nor what to suggest for a wrong
 * key, and its errors come as several log lines.
 *
 * The one file that includes yaml.h. */
#include "config/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "config/keys.h"
#include "config/tenant.h"

#define NAMES_MAX 48
#define DEPTH_MAX 16  /* of nesting; the schema needs 4 */
#define PATH_TEXT 128 /* "tenants[999].ceilings.memory_mb" */

struct reader {
    const char *file;
    yaml_document_t doc;
    struct config *c;
    struct limits defaults, ceilings; /* of `limits`: the base of all tenants */
    struct permissions permissions;   /* of `permissions`: the same */
    struct err *e;
};

/* A value and where it stands, for messages. */
struct place {
    yaml_node_t *node;
    int line;
    char path[PATH_TEXT]; /* "tenants[1].weight" */
};

struct names {
    const char *v[NAMES_MAX];
    int n;
};

/* Limits as a file gives them: 0 where it does not. */
struct limit_block {
    struct limits v;
    struct place at[LIMITS];
};

static int refuse(struct reader *r, const struct place *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *r, const struct place *p, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->e, ERR_INVALID, "%s:%d: %s%s%s", r->file, p->line, p->path,
                   *p->path ? ": " : "", text);
}

/* ---- nodes ---- */

static const char *kind(const yaml_node_t *n)
{
    if (n->type == YAML_MAPPING_NODE)
        return "a map";
    if (n->type == YAML_SEQUENCE_NODE)
        return "a list";
    return "a single value";
}

static const char *text_of(const yaml_node_t *n)
{
    return (const char *)n->data.scalar.value;
}

static bool is_plain(const yaml_node_t *n)
{
    return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_node_t *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (n->type != YAML_SCALAR_NODE || !is_plain(n))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        if (!strcmp(text_of(n), nulls[i]))
            return true;
    return false;
}

/* One value, not empty, without NUL bytes. quoted: whether "4" may stand for the text 4. */
static int scalar(struct reader *r, const struct place *p, bool quoted, const char *allowed,
                  const char **out)
{
    const yaml_node_t *n = p->node;
    if (n->type != YAML_SCALAR_NODE)
        return refuse(r, p, "found %s; allowed: %s", kind(n), allowed);
    if (is_null(n))
        return refuse(r, p, "found nothing; allowed: %s (leave the line out for the default)",
                      allowed);
    if (strlen(text_of(n)) != n->data.scalar.length)
        return refuse(r, p, "found a text with a NUL byte; allowed: %s", allowed);
    if (!quoted && !is_plain(n))
        return refuse(r, p, "found the text \"%.60s\"; allowed: %s, without quotes", text_of(n),
                      allowed);
    *out = text_of(n);
    return 0;
}

static int whole_number(struct reader *r, const struct place *p, int64_t min, int64_t max,
                        int64_t *out)
{
    char allowed[96];
    const char *text;
    snprintf(allowed, sizeof allowed, "a whole number from %" PRId64 " to %" PRId64, min, max);
    int rc = scalar(r, p, false, allowed, &text);
    if (rc)
        return rc;
    if (!key_parse_int(text, out) || *out < min || *out > max)
        return refuse(r, p, "found '%.60s'; allowed: %s", text, allowed);
    return 0;
}

static int boolean(struct reader *r, const struct place *p, bool *out)
{
    const char *text;
    int rc = scalar(r, p, false, "true or false", &text);
    if (rc)
        return rc;
    *out = !strcmp(text, "true");
    if (!*out && strcmp(text, "false") != 0)
        return refuse(r, p, "found '%.60s'; allowed: true or false", text);
    return 0;
}

/* The place of item i of the list at p. */
static struct place item_of(struct reader *r, const struct place *p, ptrdiff_t i)
{
    struct place item = {
        .node = yaml_document_get_node(&r->doc, p->node->data.sequence.items.start[i])};
    item.line = (int)item.node->start_mark.line + 1;
    snprintf(item.path, sizeof item.path, "%.100s[%td]", p->path, i);
    return item;
}

static ptrdiff_t items_in(const yaml_node_t *list)
{
    return list->data.sequence.items.top - list->data.sequence.items.start;
}

/* ---- maps ---- */

static int unknown(struct reader *r, const struct place *map, const struct place *p,
                   const char *name, const struct names *known)
{
    char list[480] = "";
    size_t at = 0;
    struct nearest n = {.word = name};
    const char *dot = strchr(name, '.');
    if (dot && key_by_name(name)) /* the spelling of messages and flags */
        return refuse(r, p, "unknown key; write '%s' in the map '%.*s'", dot + 1, (int)(dot - name),
                      name);
    for (int i = 0; i < known->n; i++) {
        nearest_try(&n, known->v[i]);
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", known->v[i]);
    }
    if (n.best) /* with the path in front, as messages and flags spell it */
        return refuse(r, p, "unknown key; did you mean '%s%s%s'?", map->path, *map->path ? "." : "",
                      n.best);
    return refuse(r, p, "unknown key; allowed: %s", list);
}

static int index_of(const struct names *known, const char *name)
{
    for (int i = 0; i < known->n; i++)
        if (!strcmp(known->v[i], name))
            return i;
    return -1;
}

/* Takes map apart into found[i] = value of known->v[i] (node NULL: absent). */
static int take_map(struct reader *r, const struct place *map, const struct names *known,
                    struct place found[NAMES_MAX])
{
    memset(found, 0, sizeof *found * NAMES_MAX);
    if (map->node->type != YAML_MAPPING_NODE)
        return refuse(r, map, "found %s; allowed: a map of %s, …",
                      is_null(map->node) ? "nothing" : kind(map->node), known->v[0]);
    const yaml_node_pair_t *end = map->node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *it = map->node->data.mapping.pairs.start; it < end; it++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, it->key);
        struct place p = {.node = yaml_document_get_node(&r->doc, it->value),
                          .line = (int)key->start_mark.line + 1};
        if (key->type != YAML_SCALAR_NODE) {
            p.line = (int)key->start_mark.line + 1;
            memcpy(p.path, map->path, sizeof p.path);
            return refuse(r, &p, "found %s as a key; allowed: a name", kind(key));
        }
        snprintf(p.path, sizeof p.path, "%.60s%s%.60s", map->path, *map->path ? "." : "",
                 text_of(key));
        int i = index_of(known, text_of(key));
        if (i < 0)
            return unknown(r, map, &p, text_of(key), known);
        if (found[i].node)
            return refuse(r, &p, "found a second time (first in line %d); allowed: once",
                          found[i].line);
        found[i] = p;
    }
    return 0;
}

/* ---- what stands in the file ---- */

static int read_key(struct reader *r, const struct config_key *k, const struct place *p)
{
    char allowed[KEY_ALLOWED_MAX];
    const char *text;
    struct err why;
    key_allowed(k, allowed);
    int rc = scalar(r, p, k->type == KEY_TEXT || k->type == KEY_CHOICE, allowed, &text);
    if (rc)
        return rc;
    if (key_set(r->c, k, text, &why))
        return refuse(r, p, "%s", why.msg);
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
    int rc = take_map(r, p, &known, found);
    for (int i = 0; i < known.n && !rc; i++)
        if (found[i].node)
            rc = read_key(r, keys[i], &found[i]);
    return rc;
}

static int read_limit_block(struct reader *r, const struct place *p, struct limit_block *out)
{
    struct names known = {.n = LIMITS};
    struct place found[NAMES_MAX];
    memset(out, 0, sizeof *out);
    if (!p->node)
        return 0;
    for (int i = 0; i < LIMITS; i++)
        known.v[i] = limit_table[i].name;
    int rc = take_map(r, p, &known, found);
    for (int i = 0; i < LIMITS && !rc; i++) {
        out->at[i] = found[i];
        if (found[i].node)
            rc = whole_number(r, &found[i], limit_table[i].min, limit_table[i].most, &out->v.v[i]);
    }
    return rc;
}

/* A default that the file gives must lie under the ceiling in force beside it. */
static int check_defaults(struct reader *r, const struct limit_block *d,
                          const struct limits *ceilings)
{
    for (int i = 0; i < LIMITS; i++)
        if (d->v.v[i] > ceilings->v[i])
            return refuse(r, &d->at[i],
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
    int rc = take_map(r, p, &known, found);
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
    if (p->node->type != YAML_SEQUENCE_NODE)
        return refuse(r, p, "found %s; allowed: a list, each %s",
                      is_null(p->node) ? "nothing" : kind(p->node), allowed);
    if (items_in(p->node) > PERMISSION_LIST_MAX)
        return refuse(r, p, "found %td entries; allowed: at most %d", items_in(p->node),
                      PERMISSION_LIST_MAX);
    for (ptrdiff_t i = 0; i < items_in(p->node); i++) {
        struct place item = item_of(r, p, i);
        int rc = scalar(r, &item, true, allowed, &text);
        if (rc)
            return rc;
        if (!permission_entry_valid(l, text, &allowed))
            return refuse(r, &item, "found '%.100s'; allowed: %s", text, allowed);
        CHECK(permission_add(out, text, strlen(text)));
    }
    return 0;
}

/* Fills *asked, which is zeroed; the caller frees asked->v also when it is refused. */
static int read_permissions(struct reader *r, const struct place *p,
                            struct permissions_asked *asked)
{
    enum { CLOCK = PERMISSION_FLAGS, LISTS, NAMES = LISTS + PERMISSION_LISTS };
    struct names known = {.n = NAMES};
    struct place found[NAMES_MAX];
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        known.v[f] = permission_flag_names[f];
    known.v[CLOCK] = "clock_us";
    for (int l = 0; l < PERMISSION_LISTS; l++)
        known.v[LISTS + l] = permission_list_names[l];
    int rc = take_map(r, p, &known, found);
    for (int f = 0; f < PERMISSION_FLAGS && !rc; f++)
        if ((asked->flag_given[f] = found[f].node != NULL))
            rc = boolean(r, &found[f], &asked->v.flag[f]);
    if (!rc && (asked->clock_given = found[CLOCK].node != NULL))
        rc = whole_number(r, &found[CLOCK], CLOCK_US_MIN, CLOCK_US_MAX, &asked->v.clock_us);
    for (int l = 0; l < PERMISSION_LISTS && !rc; l++)
        if ((asked->list_given[l] = found[LISTS + l].node != NULL))
            rc = read_permission_list(r, &found[LISTS + l], (enum permission_list)l,
                                      &asked->v.list[l]);
    return rc;
}

static int read_base_permissions(struct reader *r, const struct place *p)
{
    struct permissions_asked asked = {0};
    int rc = read_permissions(r, p, &asked);
    if (!rc)
        permissions_fill(&asked, NULL, &r->permissions);
    permissions_free(&asked.v);
    return rc;
}

static int read_profile(struct reader *r, const struct place *p, enum profile *out)
{
    static const char allowed[] = "default, jitless";
    const char *text;
    int rc = scalar(r, p, true, allowed, &text);
    if (rc)
        return rc;
    int i = profile_by_name(text);
    if (i < 0)
        return refuse(r, p, "found '%.60s'; allowed: %s", text, allowed);
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
        rc = read_permissions(r, permissions, &asked);
    if (!rc && asked.v.flag[PERMISSION_WASM] && !profile_table[t->profile].machine_code)
        rc = refuse(r, permissions,
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
        return refuse(r, item, "found no name; allowed: name: %s", allowed);
    int rc = scalar(r, p, true, allowed, &name);
    if (rc)
        return rc;
    if (!tenant_name_valid(name))
        return refuse(r, p, "found '%.100s'; allowed: %s", name, allowed);
    if (config_tenant(r->c, name))
        return refuse(r, p, "found '%s' a second time; allowed: each tenant once", name);
    strcpy(t->name, name);
    return 0;
}

static int read_egress_private(struct reader *r, const struct place *p, struct tenant *t)
{
    static const char allowed[] = "a list of up to 64: " IP_BLOCK_ALLOWED;
    if (p->node->type != YAML_SEQUENCE_NODE)
        return refuse(r, p, "found %s; allowed: %s", is_null(p->node) ? "nothing" : kind(p->node),
                      allowed);
    ptrdiff_t n = items_in(p->node);
    if (n > EGRESS_PRIVATE_MAX)
        return refuse(r, p, "found %td entries; allowed: %s", n, allowed);
    t->egress_private = mem_alloc((size_t)(n ? n : 1) * sizeof *t->egress_private);
    for (ptrdiff_t i = 0; i < n; i++) {
        struct place item = item_of(r, p, i);
        const char *text;
        int rc = scalar(r, &item, true, IP_BLOCK_ALLOWED, &text);
        if (rc)
            return rc;
        if (!ip_block_parse(text, &t->egress_private[i]))
            return refuse(r, &item, "found '%.100s'; allowed: %s", text, IP_BLOCK_ALLOWED);
        t->egress_private_count++;
    }
    return 0;
}

static int read_tenant(struct reader *r, const struct place *item, struct tenant *t)
{
    const struct names known = {.v = {"name", "weight", "max_running", "defaults", "ceilings",
                                      "profile", "permissions", "egress_private"},
                                .n = 8};
    struct place found[NAMES_MAX];
    struct limit_block defaults, ceilings;
    int rc = take_map(r, item, &known, found);
    if (rc)
        return rc;
    t->weight = 1;
    rc = read_tenant_name(r, item, &found[0], t);
    if (!rc && found[1].node)
        rc = whole_number(r, &found[1], 1, 1000, &t->weight);
    if (!rc && found[2].node)
        rc = whole_number(r, &found[2], 0, 1024, &t->max_running);
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
    return rc ? rc : read_tenant_rights(r, &found[5], &found[6], t);
}

static int read_tenants(struct reader *r, const struct place *p)
{
    if (p->node->type != YAML_SEQUENCE_NODE)
        return refuse(r, p, "found %s; allowed: a list of maps, each with a name",
                      is_null(p->node) ? "nothing" : kind(p->node));
    ptrdiff_t n = items_in(p->node);
    if (n < 1 || n > TENANTS_MAX)
        return refuse(r, p, "found %td tenants; allowed: 1 to %d (leave it out for 'default')", n,
                      TENANTS_MAX);
    r->c->tenants = mem_alloc((size_t)n * sizeof *r->c->tenants);
    for (ptrdiff_t i = 0; i < n; i++) {
        struct place item = item_of(r, p, i);
        int rc = read_tenant(r, &item, &r->c->tenants[i]);
        if (rc) {
            tenant_clear(&r->c->tenants[i]); /* not counted yet: config_free() passes it by */
            return rc;
        }
        r->c->tenant_count++; /* config_tenant() sees those before this one */
    }
    return 0;
}

static int read_top(struct reader *r, yaml_node_t *root)
{
    enum { NATS, EGRESS, LIMITS_BASE, PERMISSIONS_BASE, TENANTS, NESTED };
    struct names known = {.v = {"nats", "egress", "limits", "permissions", "tenants"}, .n = NESTED};
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
    if (root && !is_null(root)) /* a file of comments alone is no error */
        rc = take_map(r, &top, &known, found);
    for (int i = NESTED; i < known.n && !rc; i++)
        if (found[i].node)
            rc = read_key(r, keys[i], &found[i]);
    if (!rc && found[NATS].node)
        rc = read_group(r, &found[NATS], "nats.");
    if (!rc && found[EGRESS].node)
        rc = read_group(r, &found[EGRESS], "egress.");
    if (!rc && found[LIMITS_BASE].node) /* before the tenants, wherever it stands */
        rc = read_limits(r, &found[LIMITS_BASE]);
    if (!rc && found[PERMISSIONS_BASE].node)
        rc = read_base_permissions(r, &found[PERMISSIONS_BASE]);
    if (!rc && found[TENANTS].node)
        rc = read_tenants(r, &found[TENANTS]);
    if (!rc && !r->c->tenant_count)
        tenants_default(r->c, &r->defaults, &r->ceilings, &r->permissions);
    return rc;
}

/* ---- YAML ---- */

static int bad_yaml(struct reader *r, const yaml_parser_t *y)
{
    const char *problem = y->problem ? y->problem : "cannot be read";
    if (y->error == YAML_READER_ERROR) /* has an offset and no mark */
        return err_set(r->e, ERR_INVALID, "%s: not YAML: %s at byte %zu", r->file, problem,
                       y->problem_offset);
    const char *hint =
        strstr(problem, "cannot start any token") ? " (a tab in the indentation? blanks only)" : "";
    return err_set(r->e, ERR_INVALID, "%s:%zu: not YAML: column %zu: %s%s%s%s", r->file,
                   y->problem_mark.line + 1, y->problem_mark.column + 1, problem,
                   y->context ? " " : "", y->context ? y->context : "", hint);
}

static int read_document(struct reader *r, yaml_parser_t *y)
{
    yaml_document_t next;
    if (!yaml_parser_load(y, &r->doc))
        return bad_yaml(r, y);
    int rc = read_top(r, yaml_document_get_root_node(&r->doc));
    yaml_document_delete(&r->doc);
    if (rc)
        return rc;
    if (!yaml_parser_load(y, &next))
        return bad_yaml(r, y);
    yaml_node_t *second = yaml_document_get_root_node(&next);
    if (second)
        rc = err_set(r->e, ERR_INVALID, "%s:%zu: found a second YAML document; allowed: one",
                     r->file, second->start_mark.line + 1);
    yaml_document_delete(&next);
    return rc;
}

/* Runs over the whole text before a tree is made of it: libyaml takes time quadratic in the depth
 * of nesting (minutes for a megabyte of brackets), so that must be bounded while reading. */
static int check_depth(struct reader *r, yaml_parser_t *y)
{
    bool end = false;
    for (int depth = 0; !end;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(y, &ev))
            return bad_yaml(r, y);
        if (ev.type == YAML_MAPPING_START_EVENT || ev.type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (ev.type == YAML_MAPPING_END_EVENT || ev.type == YAML_SEQUENCE_END_EVENT)
            depth--;
        end = ev.type == YAML_STREAM_END_EVENT;
        size_t line = ev.start_mark.line + 1;
        yaml_event_delete(&ev);
        if (depth > DEPTH_MAX)
            return err_set(r->e, ERR_INVALID,
                           "%s:%zu: found maps and lists inside one another more than %d deep; "
                           "allowed: at most %d",
                           r->file, line, DEPTH_MAX, DEPTH_MAX);
    }
    return 0;
}

static int parse(struct reader *r, const char *text, size_t len,
                 int (*step)(struct reader *r, yaml_parser_t *y))
{
    yaml_parser_t y;
    CHECK(yaml_parser_initialize(&y));
    yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
    int rc = step(r, &y);
    yaml_parser_delete(&y);
    return rc;
}

int config_file_read(const char *file, struct config *c, struct err *e)
{
    struct err mine;
    struct reader r = {.file = file, .c = c, .e = e ? e : &mine};
    char *text;
    size_t len;
    int rc = fs_read_file(file, CONFIG_FILE_MAX, &text, &len, r.e);
    if (rc == ERR_LIMIT)
        r.e->code = rc = ERR_INVALID;
    if (rc)
        return err_wrap(r.e, "configuration");
    rc = parse(&r, text, len, check_depth);
    if (!rc)
        rc = parse(&r, text, len, read_document);
    permissions_free(&r.permissions);
    free(text);
    return rc;
}
