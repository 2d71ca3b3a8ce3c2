/* A configuration file as a tree with line numbers, and its values taken out of it with checks.
 * Inside config/ only; the schema is file.c and file_tenant.c. Every function that returns int
 * gives 0 or ERR_INVALID with "file:line: path: found …; allowed: …". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

#define NAMES_MAX 48
#define PATH_TEXT 128 /* "tenants[999].ceilings.memory_mb" */

typedef struct yaml_node_s yaml_node_t; /* libyaml's; looked into by reader.c alone */

struct reader {
    const char *file;
    void *doc; /* yaml_document_t, while it is read */
    int (*root)(struct reader *r, yaml_node_t *root);
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

/* Parses text and calls root with the tree's root (NULL: an empty file). */
int reader_run(struct reader *r, const char *text, size_t len,
               int (*root)(struct reader *r, yaml_node_t *root));

int reader_refuse(struct reader *r, const struct place *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

const char *reader_kind(const yaml_node_t *n); /* "a map", "a list", "a single value" */
bool reader_is_null(const yaml_node_t *n);
bool reader_is_list(const yaml_node_t *n);

/* One value, not empty, without NUL bytes. quoted: whether "4" may stand for the text 4. */
int reader_text(struct reader *r, const struct place *p, bool quoted, const char *allowed,
                const char **out);
int reader_int(struct reader *r, const struct place *p, int64_t min, int64_t max, int64_t *out);
int reader_bool(struct reader *r, const struct place *p, bool *out);

/* Items of a list, and the place of item i of the list at p. */
ptrdiff_t reader_items(const yaml_node_t *list);
struct place reader_item(struct reader *r, const struct place *p, ptrdiff_t i);

/* Takes map apart into found[i] = value of known->v[i] (node NULL: absent). */
int reader_map(struct reader *r, const struct place *map, const struct names *known,
               struct place found[NAMES_MAX]);
/* Calls fn for each member of a map whose names are anybody's: each once, at most `most`. */
int reader_each(struct reader *r, const struct place *map, const char *what, int most,
                int (*fn)(struct reader *r, const char *name, const struct place *p, void *arg),
                void *arg);

/* ---- blocks that stand at the top and in a tenant (file.c) ---- */

/* Limits as a file gives them: 0 where it does not. */
struct limit_block {
    struct limits v;
    struct place at[LIMITS];
};
int read_limit_block(struct reader *r, const struct place *p, struct limit_block *out);
/* A default that the file gives must lie under the ceiling in force beside it. */
int check_defaults(struct reader *r, const struct limit_block *d, const struct limits *ceilings);
/* Fills *asked, which is zeroed; the caller frees asked->v also when it is refused. */
int read_permission_block(struct reader *r, const struct place *p, struct permissions_asked *asked);
