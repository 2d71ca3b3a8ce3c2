/* What a tenant's jobs may do beyond computing, and what one job of it may. Default: nothing. A job
 * may ask for less than its tenant has, never for more.
 *
 *   tenants:
 *     - name: ci
 *       permissions:
 *         eval: true                            # eval(), new Function()
 *         wasm: true                            # WebAssembly
 *         sab: true                             # SharedArrayBuffer, Atomics.wait
 *         clock_us: 1000                        # what guest clocks are coarsened to
 *         net: [api.example.com, "*.example.org:443"]
 *         env: [LANG, CI_REGION]                # of the worker's own environment
 *         secrets: [NPM_TOKEN]
 *
 * A job's own `env` object is its publisher's data and needs no permission. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PERMISSION_LIST_MAX 64  /* entries of one list */
#define PERMISSION_TEXT_MAX 255 /* bytes of an entry */

#define CLOCK_US_DEFAULT 1000
#define CLOCK_US_MIN     5
#define CLOCK_US_MAX     1000000

enum permission_flag { PERMISSION_EVAL, PERMISSION_WASM, PERMISSION_SAB, PERMISSION_FLAGS };
enum permission_list { PERMISSION_NET, PERMISSION_ENV, PERMISSION_SECRETS, PERMISSION_LISTS };

struct permission_entries {
    char **v; /* each malloc'd, valid for its list (permission_entry_valid()) */
    int n;
};

struct permissions {
    bool flag[PERMISSION_FLAGS];
    int64_t clock_us; /* 0: not given */
    struct permission_entries list[PERMISSION_LISTS];
};

extern const char *const permission_flag_names[PERMISSION_FLAGS]; /* "eval", "wasm", "sab" */
extern const char *const permission_list_names[PERMISSION_LISTS]; /* "net", "env", "secrets" */

/* What may stand in a list. net: "host", "host:port", "*.domain", "*.domain:port", an IPv4 address
 * or "[IPv6]" with or without port. env: a variable's name. secrets: [A-Za-z_][A-Za-z0-9_]{0,63}.
 * *allowed is the text for the message. */
bool permission_entry_valid(enum permission_list l, const char *entry, const char **allowed);

/* True when `entry` of a job is covered by one of the tenant's: equal, or for net a host or a
 * narrower pattern inside a wildcard, with the port the tenant's entry names, if any. */
bool permission_covers(enum permission_list l, const struct permission_entries *tenant,
                       const char *entry);

bool permission_add(struct permission_entries *to, const char *entry, size_t len);
void permissions_copy(struct permissions *to, const struct permissions *from);
void permissions_free(struct permissions *p);
