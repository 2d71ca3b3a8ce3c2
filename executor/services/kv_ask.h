/* What a script asks of its tenant's key-value store, and who answers: a NATS bucket under a worker
 * (kv_bucket.c), a file under `isolane run`, which has no NATS (kv_file.c). Both behave alike; the
 * revision of an entry is a number that only grows within a store. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "executor/services/service.h"
#include "link/kv.h"

#define KV_VALUE_MAX   (32u << 10) /* bytes of one value: as base64 it fits into a host call */
#define KV_LIST_MAX    1000        /* keys in one answer */
#define KV_TTL_MIN_MS  1000
#define KV_TTL_MAX_MS  ((int64_t)10 * 365 * 86400 * 1000)
#define KV_WATCHES_MAX 32 /* begun in one run */

enum kv_op { KV_GET, KV_PUT, KV_DELETE, KV_LIST, KV_WATCH };

/* Checked. The strings live as long as the call that was read. */
struct kv_ask {
    enum kv_op op;
    const char *key;   /* get, put, delete */
    const char *value; /* put */
    size_t len;
    uint64_t revision;     /* put, delete: 0 only when there is none, KV_ANY whatever there is */
    int64_t expires_at_ms; /* put; 0: it stays */
    const char *prefix;    /* list, watch; "" for all */
    int limit;             /* list */
};

/* 0 with the answer in reply, SERVICE_LATER, or <0 with e. */
int kv_ask_bucket(const struct service_call *c, const struct kv_ask *ask, struct err *e);
int kv_ask_file(const struct service_call *c, const struct kv_ask *ask, struct buf *reply,
                struct err *e);

/* {"key":…,"revision":…,"stored_at":ms,"expires_at":ms|absent,"text":…|"base64":…,"deleted":true}:
 * the value as text where it is UTF-8. */
void kv_write_entry(struct buf *out, const struct kv_entry *entry);
/* {"revision":…} */
void kv_write_revision(struct buf *out, uint64_t revision);
/* {"keys":[…],"complete":…}: sorts them. */
void kv_write_keys(struct buf *out, char **keys, int n, bool complete);
