#include "cli/rights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/keys.h"
#include "config/profile.h"

#define ALLOWED "eval, wasm, sab, kv, emit, artifacts, clock_us=N, net=HOST, env=NAME"
#define DENIED  "eval, wasm, sab, kv, emit, artifacts, net, env"

static const char *const profiles[] = {"default", "jitless", NULL};

void options_add_rights(struct options *o, struct rights *r, const char *allow_help)
{
    const struct option_row rows[] = {
        {.name = "allow",
         .type = OPTION_LIST,
         .to = &r->allow,
         .arg = "WHAT[,WHAT]",
         .help = allow_help},
        {.name = "deny",
         .type = OPTION_LIST,
         .to = &r->deny,
         .arg = "WHAT[,WHAT]",
         .help = "what the job does without: " DENIED},
        {.name = "profile",
         .type = OPTION_CHOICE,
         .to = &r->profile,
         .arg = "P",
         .choices = profiles,
         .help = "jitless: no machine code is made at run time"},
    };
    options_add(o, rows, ARRAY_LEN(rows));
}

const char *rights_profile(const struct rights *r)
{
    return r->profile < 0 ? NULL : profile_table[r->profile].name;
}

static int add_entry(struct permissions_asked *asked, enum permission_list l, const char *entry,
                     struct err *e)
{
    const char *allowed;
    if (!permission_entry_valid(l, entry, &allowed))
        return err_set(e, ERR_INVALID, "--allow: found %s=%.100s; allowed: %s",
                       permission_list_names[l], entry, allowed);
    if (!permission_add(&asked->v.list[l], entry, strlen(entry)))
        return err_set(e, ERR_INVALID, "--allow: found more than %d of %s=; allowed: at most %d",
                       PERMISSION_LIST_MAX, permission_list_names[l], PERMISSION_LIST_MAX);
    asked->list_given[l] = true;
    return 0;
}

static int allow(struct permissions_asked *asked, char *item, struct err *e)
{
    char *value = strchr(item, '=');
    int f = permission_flag_by_name(item);
    if (f >= 0) {
        asked->flag_given[f] = asked->v.flag[f] = true;
        return 0;
    }
    if (value)
        *value++ = '\0';
    if (value && !strcmp(item, "clock_us")) {
        if (!key_parse_int(value, &asked->v.clock_us) || asked->v.clock_us < CLOCK_US_MIN ||
            asked->v.clock_us > CLOCK_US_MAX)
            return err_set(e, ERR_INVALID,
                           "--allow: found clock_us=%.60s; allowed: a whole number from %d to %d",
                           value, CLOCK_US_MIN, CLOCK_US_MAX);
        asked->clock_given = true;
        return 0;
    }
    if (value && !strcmp(item, "net"))
        return add_entry(asked, PERMISSION_NET, value, e);
    if (value && !strcmp(item, "env"))
        return add_entry(asked, PERMISSION_ENV, value, e);
    return err_set(e, ERR_INVALID, "--allow: found '%.60s'; allowed: " ALLOWED, item);
}

static int deny(struct permissions_asked *asked, char *item, struct err *e)
{
    int f = permission_flag_by_name(item);
    int l = permission_list_by_name(item);
    if (f >= 0) {
        asked->flag_given[f] = true;
        asked->v.flag[f] = false;
    } else if (l == PERMISSION_NET || l == PERMISSION_ENV) {
        asked->list_given[l] = true;
        permission_entries_free(&asked->v.list[l]);
    } else {
        return err_set(e, ERR_INVALID, "--deny: found '%.60s'; allowed: " DENIED, item);
    }
    return 0;
}

static int each(const struct option_list *list,
                int (*fn)(struct permissions_asked *asked, char *item, struct err *e),
                struct permissions_asked *asked, struct err *e)
{
    int rc = 0;
    for (int i = 0; i < list->n && !rc; i++) {
        char *text = mem_strdup(list->v[i]), *rest = text, *item;
        while (!rc && (item = strsep(&rest, ",")))
            rc = fn(asked, item, e);
        free(text);
    }
    return rc;
}

int rights_allowed(const struct rights *r, struct permissions_asked *asked, struct err *e)
{
    return each(&r->allow, allow, asked, e);
}

int rights_denied(const struct rights *r, struct permissions_asked *asked, struct err *e)
{
    return each(&r->deny, deny, asked, e);
}

void rights_grant(const struct permissions_asked *asked, struct permissions *tenant)
{
    for (int f = 0; f < PERMISSION_FLAGS; f++)
        tenant->flag[f] |= asked->flag_given[f] && asked->v.flag[f];
    if (asked->clock_given)
        tenant->clock_us = asked->v.clock_us;
    for (int l = 0; l < PERMISSION_LISTS; l++)
        for (int i = 0; i < asked->v.list[l].n; i++)
            permission_add(&tenant->list[l], asked->v.list[l].v[i], strlen(asked->v.list[l].v[i]));
}
