/* Where artifacts lie: in the tenants' buckets of the object store (artifact_bucket.c), or under
 * `isolane run` in files (artifact_files.c). Asynchronous, loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"

struct artifact_store;

/* l, s and c are kept. */
struct artifact_store *artifact_store_buckets(uv_loop_t *loop, struct link *l,
                                              const struct subjects *s, const struct config *c);

/* What objects are called → files; what is put goes below the folder `out` (NULL: nothing may be
 * put). All kept. */
struct artifact_file {
    const char *object, *path;
};
struct artifact_store *artifact_store_files(uv_loop_t *loop, const struct artifact_file *files,
                                            int count, const char *out);
/* Reads and writes are to be freed before. NULL is fine. */
void artifact_store_free(struct artifact_store *s);

/* What a run's artifact is called in the store: out/<job>/<run>/<name>, or the name alone where the
 * store is one job's. */
#define ARTIFACT_OBJECT_MAX 256
void artifact_object_name(const struct artifact_store *s, const char *job, const char *run,
                          const char *name, char out[ARTIFACT_OBJECT_MAX]);

/* Reads an object of that size; one of another size is ERR_CORRUPT, without `data`. `data` brings
 * the bytes in order; it may pause the read, but not free it. `done` comes last. Once freed,
 * nothing comes. */
struct artifact_read;
struct artifact_read_events {
    void (*data)(const char *data, size_t len, void *arg);
    /* why NULL: all of it was told, with that hash. May free. */
    void (*done)(const char *sha256, const struct err *why, void *arg);
};
int artifact_read_begin(struct artifact_store *s, const char *tenant, const char *object,
                        uint64_t size, const struct artifact_read_events *ev, void *arg,
                        struct artifact_read **out, struct err *e);
void artifact_read_pause(struct artifact_read *r, bool paused);
void artifact_read_free(struct artifact_read *r); /* NULL is fine */

/* An object appears whole, when it was ended, or not at all. */
struct artifact_write;
struct artifact_write_events {
    void (*room)(void *arg); /* after artifact_write_add() said that there was none */
    /* Behind artifact_write_end() (from inside it, too), or before when it failed. May free. */
    void (*done)(const char *sha256, const struct err *why, void *arg);
};
int artifact_write_begin(struct artifact_store *s, const char *tenant, const char *object,
                         const struct artifact_write_events *ev, void *arg,
                         struct artifact_write **out, struct err *e);
/* Copies. False: wait for `room` (the bytes are taken all the same). */
bool artifact_write_add(struct artifact_write *w, const char *data, size_t len);
void artifact_write_end(struct artifact_write *w);
/* Before `done`: what was written goes. NULL is fine. */
void artifact_write_free(struct artifact_write *w);

/* Removes an object; nobody waits for it: what stays runs out with the bucket. */
void artifact_remove(struct artifact_store *s, const char *tenant, const char *object);
