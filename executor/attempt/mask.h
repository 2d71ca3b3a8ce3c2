/* Takes a job's secrets out of what it says: stdout, stderr, errors, the value, progress, logs.
 * Each secret is looked for as it is, and as the usual encodings write it; what is found becomes
 * "***".
 *
 *   as it is; each line of it from MASK_LINE_MIN bytes on
 *   as JSON and as util.inspect escape it
 *   base64 and base64url, wherever in the encoded bytes it lies (up to 6 bits at either end remain)
 *   hex, both cases
 *   percent-encoded, as encodeURIComponent, RFC 3986 and forms do it, both cases
 *
 * This helps against accidents. It cannot stop a script that wants to give a secret away: reversed,
 * in pieces, encrypted, as lengths or times, a text looks like any other (docs/security.md).
 *
 * Texts that overlap or touch become one "***", so output never grows. Cost: one table look-up a
 * byte where nothing looks like a secret; linear whatever a script prints. Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MASK_TEXT     "***"
#define MASK_LINE_MIN 8

struct mask;

struct mask_secret {
    const char *value;
    size_t len; /* SECRET_VALUE_MIN or more */
};

/* Keeps the patterns in guarded memory, about 20 bytes for each of 14 to 25 bytes a secret byte. */
struct mask *mask_new(const struct mask_secret *secrets, int n);
void mask_free(struct mask *m); /* NULL is fine */

/* One text that comes in pieces. What may be the beginning of a secret is held back until more
 * comes, at the most as much as the longest pattern. Zeroed at the beginning. */
struct mask_stream {
    uint32_t state;
    bool open; /* the last byte given out belongs to a masked text */
    struct buf held, spans;
    uint64_t taken, given; /* bytes in, bytes out */
};

void mask_feed(const struct mask *m, struct mask_stream *s, const char *text, size_t len,
               struct buf *out);
/* The end of the text: gives out what is held. */
void mask_end(const struct mask *m, struct mask_stream *s, struct buf *out);
void mask_stream_free(struct mask_stream *s);

/* A whole text. True when something was masked; out is appended to in any case. */
bool mask_text(const struct mask *m, const char *text, size_t len, struct buf *out);
/* A JSON text, which stays one: where a secret is not inside a string (a number, or quotes of its
 * own), the whole value becomes the string "***". */
bool mask_json(const struct mask *m, const char *json, size_t len, struct buf *out);
