/* What a tenant's jobs may do beyond computing, and what one job of it may. Default: nothing. A job
 * may ask for less than its tenant has, never for more.
 *
 *   tenants:
 *     - name: ci
 *       permissions:
 *         eval: true                            # eval(), new Function()
 *         wasm: true                            # WebAssembly
 *         sab: true                             # SharedArrayBuffer, Atomics.wait
 *         kv: true                              # the tenant's key-value store
 *         emit: true                            # follow-up jobs of the same tenant
 *         artifacts: true                       # job.artifacts.put()
 *         clock_us: 1000                        # what guest clocks are coarsened to
 *         net: [api.example.com, "*.example.org:443"]
 *         env: [LANG, CI_REGION]                # of the worker's own environment
 *         secrets: [NPM_TOKEN]
 *
 * What a tenant does not name it has from the top-level `permissions` of the file; what a job does
 * not name it has from its tenant, but for secrets, which a job must name. A job's own `env` object
 * is its publisher's data and needs no permission. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define PERMISSION_LIST_MAX 64  /* entries of one list */
#define PERMISSION_TEXT_MAX 255 /* bytes of an entry */

#define CLOCK_US_DEFAULT 1000
#define CLOCK_US_MIN     5
#define CLOCK_US_MAX     1000000

enum permission_flag {
    PERMISSION_EVAL,
    PERMISSION_WASM,
    PERMISSION_SAB,
    PERMISSION_KV,
    PERMISSION_EMIT,
    PERMISSION_ARTIFACTS,
    PERMISSION_FLAGS
};
enum permission_list { PERMISSION_NET, PERMISSION_ENV, PERMISSION_SECRETS, PERMISSION_LISTS };

struct permission_entries {
    char **v; /* each malloc'd, valid for its list (permission_entry_valid()) */
    int n;
};

struct permissions {
    bool flag[PERMISSION_FLAGS];
    int64_t clock_us; /* set, but in one that was never filled: 0 counts as CLOCK_US_DEFAULT */
    struct permission_entries list[PERMISSION_LISTS];
};

/* Permissions as somebody wrote them: only what is marked as given means anything. */
struct permissions_asked {
    struct permissions v;
    bool flag_given[PERMISSION_FLAGS], clock_given, list_given[PERMISSION_LISTS];
};

extern const char *const permission_flag_names[PERMISSION_FLAGS]; /* "eval", "wasm", … */
extern const char *const permission_list_names[PERMISSION_LISTS]; /* "net", "env", "secrets" */

/* Index of the flag or list of that name, or -1. */
int permission_flag_by_name(const char *name);
int permission_list_by_name(const char *name);

/* What may stand in a list. net: "host", "host:port", "*.domain", "*.domain:port", an IPv4 address
 * or "[IPv6]" with or without port. env: a variable's name. secrets: [A-Za-z_][A-Za-z0-9_]{0,63}.
 * *allowed is the text for the message, set in any case. */
bool permission_entry_valid(enum permission_list l, const char *entry, const char **allowed);

/* True when `entry` of a job is covered by one of the tenant's: equal, or for net a host or a
 * narrower pattern inside a wildcard, with the port the tenant's entry names, if any. Names of
 * hosts are compared without case, addresses by value. Also the question whether a job may talk to
 * "host:port": then `tenant` is the job's own list. */
bool permission_covers(enum permission_list l, const struct permission_entries *tenant,
                       const char *entry);

/* Adds a copy. False when the list is full. */
bool permission_add(struct permission_entries *to, const char *entry, size_t len);
void permission_entries_copy(struct permission_entries *to, const struct permission_entries *from);
void permission_entries_free(struct permission_entries *list);

/* *to is overwritten without being freed. */
void permissions_copy(struct permissions *to, const struct permissions *from);
void permissions_free(struct permissions *p); /* and zeroes; NULL is fine */

/* A tenant's: what was asked, the rest from base (NULL: nothing is permitted). *out is overwritten
 * without being freed. */
void permissions_fill(const struct permissions_asked *asked, const struct permissions *base,
                      struct permissions *out);

/* A job's: what was asked (NULL: the job says nothing), the rest from its tenant, but no secrets
 * that it does not name. ERR_INVALID and *out empty when that is more than the tenant has:
 * "permissions.eval: found true; allowed: false (permission of tenant 'ci')". *out is overwritten
 * without being freed. */
int permissions_restrict(const struct permissions_asked *asked, const struct permissions *tenant,
                         const char *tenant_name, struct permissions *out, struct err *e);

/* Appends what is granted as a JSON array of strings, in this order: ["eval","wasm","sab",
 * "artifacts","clock_us:100","net:api.example.com","env:LANG","secrets:NPM_TOKEN"]. clock_us stands
 * there when it is not CLOCK_US_DEFAULT. */
void permissions_json(const struct permissions *p, struct buf *out);
