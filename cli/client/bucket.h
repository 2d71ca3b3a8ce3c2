/* Reads a whole key-value bucket, or a part of it, as it is now. */
#pragma once

#include "cli/client/client.h"
#include "link/kv.h"

/* Calls fn once for each key that matches (pattern: NATS wildcards; NULL: all), running the loop.
 * what: for messages, "the registry". A bucket that is not there is empty. ERR_TIMEOUT,
 * ERR_UNAVAILABLE. */
int bucket_read(struct client *c, struct kv *kv, const char *what, const char *pattern,
                void (*fn)(const struct kv_entry *entry, void *arg), void *arg, struct err *e);
