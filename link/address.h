/* Server addresses as a person writes them: "nats://host:4222", "tls://user:pass@host",
 * "host:4222", several separated by commas. Pure functions but for address_why_not(). Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define ADDRESS_MAX 256                     /* of one, shown */
#define ADDRESSES   16                      /* in one list */
#define NATS_URL    "nats://127.0.0.1:4222" /* when none is given */

struct address_list {
    char *url[ADDRESSES]; /* as given, trimmed; owned */
    int count;
    bool tls; /* one of them says tls:// */
};

/* Splits. ERR_INVALID on an empty part, a scheme other than nats and tls, or too many. */
int address_split(const char *urls, struct address_list *out, struct err *e);
void address_free(struct address_list *l);

/* "scheme://host:port", without user, password and token. */
void address_shown(const char *url, char out[ADDRESS_MAX]);
/* All of them, ", " between. */
void address_list_shown(const struct address_list *l, char *out, size_t cap);

/* Why nothing can be reached there, found out by trying (up to timeout_ms): "connection refused",
 * "no such host name" …; "" when a connection is made. */
void address_why_not(const char *url, int timeout_ms, char *out, size_t cap);
