/* A bucket, for the files of link/obj*.c. */
#pragma once

#include "link/obj.h"
#include "link/subjects.h"

#define OBJ_NUID_HEX 32

struct obj {
    uv_loop_t *loop;
    struct link *link;
    struct obj_options o;
    char bucket[OBJ_BUCKET_MAX + 1], *about;
    char stream[OBJ_BUCKET_MAX + 8];
    int under_way; /* calls whose answer needs this struct */
    bool freed;
};

void obj_let_go(struct obj *o); /* a call has ended */

void obj_meta_subject(const struct obj *o, const char *name, char out[SUBJECT_MAX]);
void obj_chunk_subject(const struct obj *o, const char *nuid, char out[SUBJECT_MAX]);
int obj_check_name(const char *name, struct err *e);

/* What a message of $O.B.M.… says. ERR_CORRUPT. */
int obj_read_info(const char *json, size_t len, int64_t stored_at_us, struct obj_info *out,
                  struct err *e);
/* The same as obj_get_info(), and also of objects that are deleted. */
int obj_look_up(struct obj *o, const char *name, obj_informed cb, void *arg, struct err *e);

/* Publishes info as the newest of its name. */
int obj_write_info(struct obj *o, const struct obj_info *i, js_stored cb, void *arg, struct err *e);

/* Removes the chunks of an object that is replaced, deleted or was never whole. Nobody waits for
 * it: what stays runs out with the bucket's max_age. */
void obj_purge(struct obj *o, const char *nuid);
