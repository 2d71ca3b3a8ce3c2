/* Time. Durations come from the monotonic clock, stamps in results from the real-time clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_us(void); /* microseconds, monotonic, no meaning across a reboot */
int64_t clock_real_us(void); /* microseconds since 1970-01-01T00:00:00Z */

#define CLOCK_RFC3339_LEN 28
/* "2026-11-21T08:57:00.123456Z" (RFC 3339, UTC, microseconds) into out. */
void clock_rfc3339(int64_t real_us, char out[CLOCK_RFC3339_LEN]);
/* Back. False when text (NULL is fine) is not exactly what clock_rfc3339() writes. */
bool clock_parse_rfc3339(const char *text, int64_t *real_us);

/* RFC 3339 as people write it: with any offset ("2026-11-21T09:57:00.5+01:00"), fractions of a
 * second to the microsecond, more digits cut off; exactly that, nothing around it. False: it is
 * none. */
bool clock_parse_time(const char *s, int64_t *real_us);
