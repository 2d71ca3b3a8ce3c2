/* How this works: an entry of `net` is a pattern (host, "*." and domain, or address) and perhaps a
 * port. net_parse() is the one place that knows its grammar; both the check of an entry and the
 * question whether one pattern lies inside another work on what it gives.
 *
 * A host whose last label is a number is an IPv4 address or nothing, as the WHATWG URL standard has
 * it: "127.1" or "0x7f.1" must not pass for names that some resolver reads as an address. */
#include "config/permissions.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jsonw.h"
#include "base/mem.h"

#define HOST_MAX     253 /* bytes of a host name, RFC 1035 */
#define LABEL_MAX    63
#define ENV_NAME_MAX 128
#define SECRET_MAX   64  /* bytes of a secret's name */
#define LISTED_MAX   400 /* bytes of a tenant's entries that an error shows */

const char *const permission_flag_names[PERMISSION_FLAGS] = {"eval", "wasm", "sab",
                                                             "kv",   "emit", "artifacts"};
const char *const permission_list_names[PERMISSION_LISTS] = {"net", "env", "secrets"};

static const char *const entry_allowed[PERMISSION_LISTS] = {
    [PERMISSION_NET] = "host, *.domain, IPv4 or [IPv6] address, each with or without :port",
    [PERMISSION_ENV] = "a variable's name: 1 to 128 of A-Z a-z 0-9 _ with no digit first",
    [PERMISSION_SECRETS] = "a secret's name: 1 to 64 of A-Z a-z 0-9 _ with no digit first",
};

static int by_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

int permission_flag_by_name(const char *name)
{
    return by_name(permission_flag_names, PERMISSION_FLAGS, name);
}

int permission_list_by_name(const char *name)
{
    return by_name(permission_list_names, PERMISSION_LISTS, name);
}

/* ---- entries ---- */

struct net_entry {
    bool wildcard;           /* host holds the domain behind "*." */
    int family;              /* AF_INET, AF_INET6, 0: a name */
    char host[HOST_MAX + 1]; /* without brackets */
    struct in6_addr address; /* AF_INET: its first four bytes */
    int port;                /* 0: any */
};

static bool parse_port(const char *s, int *port)
{
    int n = 0;
    if (!*s || *s == '0')
        return false;
    for (; *s; s++) {
        if (!isdigit((unsigned char)*s))
            return false;
        n = n * 10 + (*s - '0');
        if (n > 65535)
            return false;
    }
    *port = n;
    return true;
}

/* Labels of letters, digits, '-' and '_', none empty, no '-' at the ends. */
static bool is_name(const char *host)
{
    size_t label = 0;
    for (const char *p = host;; p++) {
        if (*p == '.' || !*p) {
            if (label == 0 || label > LABEL_MAX || p[-1] == '-' || p[-(ptrdiff_t)label] == '-')
                return false;
            if (!*p)
                return true;
            label = 0;
        } else if (isalnum((unsigned char)*p) || *p == '-' || *p == '_') {
            label++;
        } else {
            return false;
        }
    }
}

static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host;
    if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
        return strspn(last + 2, "0123456789abcdefABCDEF") == strlen(last + 2);
    return *last && strspn(last, "0123456789") == strlen(last);
}

static bool net_parse(const char *entry, struct net_entry *out)
{
    memset(out, 0, sizeof *out);
    const char *host = entry, *end, *rest;
    if (*entry == '[') {
        host = entry + 1;
        end = strchr(host, ']');
        rest = end ? end + 1 : NULL;
        out->family = AF_INET6;
    } else {
        out->wildcard = entry[0] == '*' && entry[1] == '.';
        host += out->wildcard ? 2 : 0;
        end = rest = host + strcspn(host, ":");
    }
    if (!end || end == host || end - host > HOST_MAX)
        return false;
    memcpy(out->host, host, (size_t)(end - host));
    if (*rest && (*rest != ':' || !parse_port(rest + 1, &out->port)))
        return false;
    if (out->family == AF_INET6)
        return inet_pton(AF_INET6, out->host, &out->address) == 1;
    if (ends_in_number(out->host)) {
        out->family = AF_INET;
        return !out->wildcard && inet_pton(AF_INET, out->host, &out->address) == 1;
    }
    return is_name(out->host);
}

static bool is_variable(const char *s, size_t max)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (!isalnum((unsigned char)s[n]) && s[n] != '_')
            return false;
    return n > 0 && n <= max && !isdigit((unsigned char)*s);
}

bool permission_entry_valid(enum permission_list l, const char *entry, const char **allowed)
{
    struct net_entry net;
    *allowed = entry_allowed[l];
    if (strlen(entry) > PERMISSION_TEXT_MAX)
        return false;
    if (l == PERMISSION_NET)
        return net_parse(entry, &net);
    return is_variable(entry, l == PERMISSION_ENV ? ENV_NAME_MAX : SECRET_MAX);
}

/* Whether everything that `inner` stands for is what `outer` stands for too. */
static bool net_within(const struct net_entry *inner, const struct net_entry *outer)
{
    if (outer->port && outer->port != inner->port)
        return false;
    if (inner->family != outer->family)
        return false;
    if (outer->family)
        return !memcmp(&inner->address, &outer->address, sizeof inner->address);
    if (!outer->wildcard)
        return !inner->wildcard && !strcasecmp(inner->host, outer->host);
    size_t n = strlen(inner->host), tail = strlen(outer->host);
    if (n == tail)
        return inner->wildcard && !strcasecmp(inner->host, outer->host);
    return n > tail && inner->host[n - tail - 1] == '.' &&
           !strcasecmp(inner->host + n - tail, outer->host);
}

bool permission_covers(enum permission_list l, const struct permission_entries *tenant,
                       const char *entry)
{
    struct net_entry inner, outer;
    if (l == PERMISSION_NET && !net_parse(entry, &inner))
        return false;
    for (int i = 0; i < tenant->n; i++) {
        if (l != PERMISSION_NET) {
            if (!strcmp(tenant->v[i], entry))
                return true;
        } else if (net_parse(tenant->v[i], &outer) && net_within(&inner, &outer)) {
            return true;
        }
    }
    return false;
}

bool permission_add(struct permission_entries *to, const char *entry, size_t len)
{
    if (to->n == PERMISSION_LIST_MAX)
        return false;
    to->v = mem_grow(to->v, (size_t)(to->n + 1) * sizeof *to->v);
    to->v[to->n++] = mem_copy(entry, len);
    return true;
}

void permission_entries_copy(struct permission_entries *to, const struct permission_entries *from)
{
    memset(to, 0, sizeof *to);
    if (from->n == 0)
        return;
    to->v = mem_alloc((size_t)from->n * sizeof *to->v);
    for (; to->n < from->n; to->n++)
        to->v[to->n] = mem_strdup(from->v[to->n]);
}

void permission_entries_free(struct permission_entries *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    memset(list, 0, sizeof *list);
}

/* ---- sets ---- */

void permissions_copy(struct permissions *to, const struct permissions *from)
{
    memcpy(to->flag, from->flag, sizeof to->flag);
    to->clock_us = from->clock_us ? from->clock_us : CLOCK_US_DEFAULT;
    for (int l = 0; l < PERMISSION_LISTS; l++)
        permission_entries_copy(&to->list[l], &from->list[l]);
}

void permissions_free(struct permissions *p)
{
    if (!p)
        return;
    for (int l = 0; l < PERMISSION_LISTS; l++)
        permission_entries_free(&p->list[l]);
    memset(p, 0, sizeof *p);
}

void permissions_fill(const struct permissions_asked *asked, const struct permissions *base,
                      struct permissions *out)
{
    const struct permissions none = {0};
    permissions_copy(out, base ? base : &none);
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        if (asked->flag_given[f])
            out->flag[f] = asked->v.flag[f];
    if (asked->clock_given)
        out->clock_us = asked->v.clock_us;
    for (int l = 0; l < PERMISSION_LISTS; l++)
        if (asked->list_given[l]) {
            permission_entries_free(&out->list[l]);
            permission_entries_copy(&out->list[l], &asked->v.list[l]);
        }
}

/* "a, b, c", cut behind a whole entry; "none" for an empty list. */
static const char *listed(const struct permission_entries *list, char out[LISTED_MAX])
{
    size_t at = 0;
    strcpy(out, "none");
    for (int i = 0; i < list->n; i++) {
        size_t len = strlen(list->v[i]);
        if (at + len + sizeof ", , …" > LISTED_MAX) {
            strcpy(out + at, ", …");
            break;
        }
        at += (size_t)sprintf(out + at, "%s%s", i ? ", " : "", list->v[i]);
    }
    return out;
}

static int check_list(const struct permission_entries *asked, enum permission_list l,
                      const struct permissions *tenant, const char *tenant_name, struct err *e)
{
    char text[LISTED_MAX];
    for (int i = 0; i < asked->n; i++)
        if (!permission_covers(l, &tenant->list[l], asked->v[i]))
            return err_set(e, ERR_INVALID,
                           "permissions.%s[%d]: found \"%.100s\"; allowed: %s (permission of "
                           "tenant '%s')",
                           permission_list_names[l], i, asked->v[i], listed(&tenant->list[l], text),
                           tenant_name);
    return 0;
}

static int check_asked(const struct permissions_asked *asked, const struct permissions *tenant,
                       const char *tenant_name, struct err *e)
{
    int64_t clock_us = tenant->clock_us ? tenant->clock_us : CLOCK_US_DEFAULT;
    int rc = 0;
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        if (asked->flag_given[f] && asked->v.flag[f] && !tenant->flag[f])
            return err_set(e, ERR_INVALID,
                           "permissions.%s: found true; allowed: false (permission of tenant '%s')",
                           permission_flag_names[f], tenant_name);
    if (asked->clock_given && asked->v.clock_us < clock_us)
        return err_set(e, ERR_INVALID,
                       "permissions.clock_us: found %" PRId64 "; allowed: %" PRId64
                       " to %d (permission of tenant '%s')",
                       asked->v.clock_us, clock_us, CLOCK_US_MAX, tenant_name);
    for (int l = 0; l < PERMISSION_LISTS && !rc; l++)
        if (asked->list_given[l])
            rc = check_list(&asked->v.list[l], (enum permission_list)l, tenant, tenant_name, e);
    return rc;
}

int permissions_restrict(const struct permissions_asked *asked, const struct permissions *tenant,
                         const char *tenant_name, struct permissions *out, struct err *e)
{
    const struct permissions_asked nothing = {0};
    struct permissions_asked a = asked ? *asked : nothing; /* shares the lists, frees none */
    memset(out, 0, sizeof *out);
    int rc = check_asked(&a, tenant, tenant_name, e);
    if (rc)
        return rc;
    a.list_given[PERMISSION_SECRETS] = true; /* not named: none */
    permissions_fill(&a, tenant, out);
    return 0;
}

void permissions_json(const struct permissions *p, struct buf *out)
{
    struct jsonw w;
    char text[PERMISSION_TEXT_MAX + 16];
    jsonw_init(&w, out);
    jsonw_array(&w);
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        if (p->flag[f])
            jsonw_str(&w, permission_flag_names[f]);
    if (p->clock_us && p->clock_us != CLOCK_US_DEFAULT) {
        snprintf(text, sizeof text, "clock_us:%" PRId64, p->clock_us);
        jsonw_str(&w, text);
    }
    for (int l = 0; l < PERMISSION_LISTS; l++)
        for (int i = 0; i < p->list[l].n; i++) {
            snprintf(text, sizeof text, "%s:%s", permission_list_names[l], p->list[l].v[i]);
            jsonw_str(&w, text);
        }
    jsonw_array_end(&w);
}
