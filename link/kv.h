/* NATS key-value buckets (ADR-8), as any NATS client sees them: bucket B is the stream KV_B, key K
 * the subject $KV.B.K, a value its newest message, a revision that message's sequence.
 * Asynchronous, loop thread only; every callback is called exactly once when the function returned
 * 0. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "link/follow.h"
#include "link/js.h"
#include "link/link.h"

struct kv;
struct kv_watch;

#define KV_BUCKET_MAX 160
#define KV_KEY_MAX    256
#define KV_ANY        JS_ANY /* whatever the revision */

struct kv_options {
    const char *bucket; /* [A-Za-z0-9_-]{1,160} */
    const char *about;  /* description, for those who list buckets; NULL: none */
    int history;        /* values kept of each key, 1..64 */
    int64_t ttl_ms;     /* of values, 0: for good */
    int64_t max_bytes;  /* of the bucket, -1: no bound */
    int64_t max_value;  /* bytes of one value, -1: no bound but the server's */
    int replicas;
};

/* No traffic yet: kv_ensure() makes the bucket when it is not there. */
struct kv *kv_new(uv_loop_t *loop, struct link *l, const struct kv_options *o);
/* Answers that are under way come to nobody's harm. NULL is fine. */
void kv_free(struct kv *kv);
void kv_ensure(struct kv *kv, js_done cb, void *arg);

/* Keys: 1 to 256 of [-/_=.A-Za-z0-9], no '.' at the ends or twice in a row. */
bool kv_key_valid(const char *key, size_t len);

struct kv_entry {
    const char *key;
    const char *value;
    size_t len;
    uint64_t revision;
    int64_t stored_at_us;
    int64_t expires_at_ms; /* real time, 0: it does not */
    bool deleted;          /* only told by a watch */
};

/* ERR_NOT_FOUND: no such key, or it was deleted or has expired. The entry lives for the call. */
typedef void (*kv_got)(const struct kv_entry *entry, const struct err *why, void *arg);
int kv_get(struct kv *kv, const char *key, kv_got cb, void *arg, struct err *e);

/* revision 0: only when the key is not there (or was deleted); KV_ANY: always; else only when that
 * is its revision. ERR_CONFLICT. */
typedef void (*kv_done)(uint64_t revision, const struct err *why, void *arg);
int kv_put(struct kv *kv, const char *key, const void *value, size_t len, uint64_t revision,
           kv_done cb, void *arg, struct err *e);
/* The same, for a value that is no more from then on (milliseconds since 1970; 0: it stays). The
 * time stands in the message's header Isolane-Expires, since the server knows no time for one key
 * before its version 2.11: other clients see the value until somebody removes it. A watch tells
 * such values as they are. */
int kv_put_until(struct kv *kv, const char *key, const void *value, size_t len, uint64_t revision,
                 int64_t expires_ms, kv_done cb, void *arg, struct err *e);
/* The same conditions, but 0. */
int kv_delete(struct kv *kv, const char *key, uint64_t revision, kv_done cb, void *arg,
              struct err *e);

/* Every key that matches (NATS wildcards; NULL: all) as it is now, then `current`, then every
 * change, deletions among them. A key that changes meanwhile may be told again before `current`,
 * also that it is deleted. `failed` as in follow.h. */
struct kv_watch_events {
    void (*entry)(const struct kv_entry *entry, void *arg);
    void (*current)(void *arg);
    void (*failed)(const struct err *why, void *arg);
};
int kv_watch(struct kv *kv, const char *pattern, const struct kv_watch_events *ev, void *arg,
             struct kv_watch **out, struct err *e);
void kv_watch_free(struct kv_watch *w); /* NULL is fine; also from inside an event */
