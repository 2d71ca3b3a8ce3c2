/* --allow, --deny and --profile of run and submit. */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "config/permissions.h"

struct rights {
    struct option_list allow, deny;
    int profile; /* enum profile, -1: not given */
};

/* Adds the three rows. allow_help says what --allow does in this command. r->profile must be -1. */
void options_add_rights(struct options *o, struct rights *r, const char *allow_help);

/* Adds to *asked (whose `v` the caller frees) what the options say. Each use of --allow is one or
 * more of "eval", "wasm", "sab", "kv", "emit", "artifacts", "clock_us=N", "net=HOST", "env=NAME",
 * separated by commas; of
 * --deny "eval", "wasm", "sab", "kv", "emit", "artifacts", "net", "env". ERR_INVALID names option,
 * what was found and what is allowed. */
int rights_allowed(const struct rights *r, struct permissions_asked *asked, struct err *e);
int rights_denied(const struct rights *r, struct permissions_asked *asked, struct err *e);

/* Gives a tenant of this process what was allowed, beside what it has: who runs a script here is
 * its operator. */
void rights_grant(const struct permissions_asked *asked, struct permissions *tenant);

/* Name of the profile for a job, NULL: none given. */
const char *rights_profile(const struct rights *r);
