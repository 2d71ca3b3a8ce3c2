/* A tenant's artifacts as a command handles them: files in, files out, over the bucket
 * <stream_prefix>_ARTIFACTS_<tenant> (docs/protocol.md, Artifacts). Each call runs the client's
 * loop until it is done. One thread. */
#pragma once

#include "cli/client/client.h"
#include "link/obj.h"

struct artifacts {
    struct client *client;
    struct obj *bucket;
    int64_t max_bytes; /* of one */
};

/* Makes the bucket when it is not there. On failure artifacts_close() is due too. */
int artifacts_open(struct client *c, const char *tenant, struct artifacts *out, struct err *e);
void artifacts_close(struct artifacts *a);

/* path "-": standard input. ERR_LIMIT above max_bytes: nothing is left of it then. */
int artifacts_put(struct artifacts *a, const char *name, const char *path, struct obj_info *out,
                  struct err *e);
/* path "-": standard output. sha256: what it must have, NULL: whatever it has. A file appears whole
 * and checked, or not at all; one that is there is replaced. Standard output may have been written
 * when ERR_CORRUPT comes. */
int artifacts_get(struct artifacts *a, const char *name, const char *path, const char *sha256,
                  struct obj_info *out, struct err *e);
int artifacts_info(struct artifacts *a, const char *name, struct obj_info *out, struct err *e);
int artifacts_remove(struct artifacts *a, const char *name, struct err *e);
int artifacts_list(struct artifacts *a, void (*entry)(const struct obj_info *i, void *arg),
                   void *arg, struct err *e);
