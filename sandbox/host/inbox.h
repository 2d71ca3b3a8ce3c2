/* Bytes from a cell → whole frames within bounds. No I/O and no trust: a header is checked against
 * frame_table and against what may come now before a byte of its payload is kept. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sandbox/frame.h"

struct inbox {
    uint32_t allowed;  /* 1 << enum frame_type: what may come in the present state */
    uint32_t done_max; /* of a DONE payload: what the invocation allows it to carry */
    struct buf held;   /* the beginning of a frame that has not come whole */
    size_t behind;     /* bytes that have come behind the frame in hand */
    size_t beyond;     /* of them, those not looked at yet; inbox_feed()'s */
};

void inbox_free(struct inbox *in);

/* Called for each frame; the payload lives for the call. May change `allowed`. Non-zero: stop, what
 * follows is dropped. */
typedef int inbox_frame_fn(const struct frame *f, const char *payload, void *arg);

/* 0: all taken. 1: fn stopped. -1: a breach, *why says which. After 1 or -1 nothing may be fed. */
int inbox_feed(struct inbox *in, const char *bytes, size_t len, inbox_frame_fn *fn, void *arg,
               const char **why);
