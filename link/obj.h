/* NATS object store buckets (ADR-20), as any NATS client sees them: bucket B is the stream OBJ_B,
 * an object's bytes are the messages on $O.B.C.<nuid>, in order, and what is known of it is the
 * newest message on $O.B.M.<name in base64url>. That message is written last: a put that was broken
 * off is seen by nobody. Asynchronous, loop thread only; every callback is called exactly once when
 * the function returned 0, unless the handle it was given for is freed before. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/err.h"
#include "link/js.h"
#include "link/link.h"

struct obj;
struct obj_put;
struct obj_get;
struct obj_list;

#define OBJ_BUCKET_MAX 160
#define OBJ_NAME_MAX   255                 /* bytes of an object's name */
#define OBJ_CHUNK      ((size_t)128 << 10) /* bytes of a message, less where the server takes less */
#define OBJ_WINDOW     8                   /* chunks of a put that wait for their confirmation */

struct obj_options {
    const char *bucket; /* [A-Za-z0-9_-]{1,160} */
    const char *about;  /* description; NULL: none */
    int64_t ttl_ms;     /* of objects, 0: for good */
    int64_t max_bytes;  /* of the bucket, -1: no bound */
    int replicas;
};

/* No traffic yet: obj_ensure() makes the bucket when it is not there. */
struct obj *obj_new(uv_loop_t *loop, struct link *l, const struct obj_options *o);
/* Puts, gets and lists are to be freed before. NULL is fine. */
void obj_free(struct obj *o);
void obj_ensure(struct obj *o, js_done cb, void *arg);

/* 1 to OBJ_NAME_MAX bytes without control characters. */
bool obj_name_valid(const char *name, size_t len);

struct obj_info {
    char name[OBJ_NAME_MAX + 1];
    char nuid[65];
    uint64_t size, chunks;
    char sha256[SHA256_HEX]; /* "": no digest given */
    int64_t stored_at_us;
    bool deleted; /* only inside obj.c */
};
/* ERR_NOT_FOUND: no such object, or no such bucket. info lives for the call. */
typedef void (*obj_informed)(const struct obj_info *info, const struct err *why, void *arg);
int obj_get_info(struct obj *o, const char *name, obj_informed cb, void *arg, struct err *e);

/* Writes an object in pieces. It replaces the one of that name once it is whole. */
struct obj_put_events {
    void (*room)(void *arg); /* after obj_put_add() said that there was none */
    obj_informed done;       /* whole and confirmed, or not there at all */
};
int obj_put_begin(struct obj *o, const char *name, const struct obj_put_events *ev, void *arg,
                  struct obj_put **out, struct err *e);
/* Copies. False: wait for `room` (the bytes are taken all the same). */
bool obj_put_add(struct obj_put *p, const void *data, size_t len);
void obj_put_end(struct obj_put *p); /* no more comes; `done` follows */
/* Before `done`: what was sent is removed again. Behind it, also from inside it: nothing. NULL is
 * fine. */
void obj_put_free(struct obj_put *p);

/* Reads an object. Paused, no `data` comes; up to 8 chunks wait here then, and no more are asked
 * for. `data` gets its bytes in order; `done` comes when all were told and their
 * digest is right (ERR_CORRUPT, ERR_NOT_FOUND otherwise). */
struct obj_get_events {
    void (*found)(const struct obj_info *info, void *arg); /* may be NULL; may free the get */
    void (*data)(const char *data, size_t len, void *arg); /* must not free the get; may pause it */
    obj_informed done;
};
int obj_get_begin(struct obj *o, const char *name, const struct obj_get_events *ev, void *arg,
                  struct obj_get **out, struct err *e);
void obj_get_pause(struct obj_get *g, bool paused);
void obj_get_free(struct obj_get *g); /* also from inside `done`. NULL is fine */

/* ERR_NOT_FOUND when it is not there. */
int obj_delete(struct obj *o, const char *name, js_done cb, void *arg, struct err *e);

/* Every object that is there now, then `done`. */
struct obj_list_events {
    void (*entry)(const struct obj_info *info, void *arg);
    void (*done)(const struct err *why, void *arg);
};
int obj_list_begin(struct obj *o, const struct obj_list_events *ev, void *arg,
                   struct obj_list **out, struct err *e);
void obj_list_free(struct obj_list *l); /* also from inside `done`. NULL is fine */
