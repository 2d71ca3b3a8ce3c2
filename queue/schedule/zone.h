/* Time zones by name: how far local time is from UTC at an instant. The one door to GLib, which
 * reads the system's tzdata (kept up to date by the system; ICU's copy of the rules in Debian 12 is
 * of 2022). Any thread; a zone is immutable. */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct zone;

#define ZONE_NAME_MAX 64

/* name: as in tzdata, "Europe/Berlin", "UTC". ERR_INVALID: no such zone; says what is allowed.
 * Caller frees with zone_free(). */
int zone_open(const char *name, struct zone **out, struct err *e);
void zone_free(struct zone *z); /* NULL is fine */

/* Seconds that local time is ahead of UTC at that instant (seconds since 1970 UTC). */
int64_t zone_offset(const struct zone *z, int64_t at_s);
