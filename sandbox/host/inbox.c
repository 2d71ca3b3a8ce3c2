/* How this works
 *
 * Nearly always a read brings whole frames, and they are used where they lie. Only the rest of a
 * frame that is still to come is copied, into `held`, which grows with what has really arrived and
 * not with what the header promises: a header alone costs us 16 bytes. */
#include "sandbox/host/inbox.h"

#include <string.h>

#include "base/mem.h"

void inbox_free(struct inbox *in)
{
    buf_free(&in->held);
}

static int check(const struct inbox *in, const struct frame *f, const char **why)
{
    if (frame_check(f, true, why))
        return -1;
    if (!(in->allowed & (1u << f->type))) {
        *why = "a frame that is not allowed in this state";
        return -1;
    }
    if (f->type == FRAME_DONE && f->len > in->done_max) {
        *why = "a DONE frame larger than the invocation allows";
        return -1;
    }
    return 0;
}

/* The frames that lie whole in bytes; *taken is where the rest begins. */
static int feed_whole(struct inbox *in, const char *bytes, size_t len, size_t *taken,
                      inbox_frame_fn *fn, void *arg, const char **why)
{
    struct frame f;
    while (len - *taken >= sizeof f) {
        memcpy(&f, bytes + *taken, sizeof f);
        if (check(in, &f, why))
            return -1;
        if (len - *taken - sizeof f < f.len)
            break;
        *taken += sizeof f + f.len;
        in->behind = len - *taken + in->beyond;
        if (fn(&f, bytes + *taken - f.len, arg))
            return 1;
    }
    return 0;
}

/* Bytes still missing of the frame whose beginning is held. */
static size_t missing(const struct inbox *in)
{
    struct frame f;
    if (in->held.len < sizeof f)
        return sizeof f - in->held.len;
    memcpy(&f, in->held.data, sizeof f);
    return sizeof f + f.len - in->held.len;
}

int inbox_feed(struct inbox *in, const char *bytes, size_t len, inbox_frame_fn *fn, void *arg,
               const char **why)
{
    size_t taken = 0;
    int rc = 0;
    while (in->held.len > 0 && len > 0) {
        size_t n = missing(in);
        n = n < len ? n : len;
        buf_add(&in->held, bytes, n);
        CHECK(!in->held.full); /* frame_table's bounds are far below a buffer's */
        bytes += n;
        len -= n;
        in->beyond = len;
        rc = feed_whole(in, in->held.data, in->held.len, &taken, fn, arg, why);
        if (rc)
            return rc;
        if (taken > 0)
            buf_free(&in->held);
        taken = 0;
    }
    in->beyond = 0;
    rc = feed_whole(in, bytes, len, &taken, fn, arg, why);
    if (rc == 0 && taken < len)
        buf_add(&in->held, bytes + taken, len - taken);
    return rc;
}
