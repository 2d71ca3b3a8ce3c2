/* What a script prints: kept within its budget, told as it comes when the job is a long one, and
 * masked where secrets are in play. */
#include "executor/attempt/attempt_inner.h"
#include "executor/attempt/secrets.h"

#define UTF8_LONGEST 4 /* bytes of a character */

/* Bytes at the end that begin a character which is not whole yet: 0 to 3. */
static size_t unfinished(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && n < UTF8_LONGEST - 1 && ((unsigned char)text[len - 1 - n] & 0xc0) == 0x80)
        n++;
    if (n == len || (unsigned char)text[len - 1 - n] < 0xc0)
        return 0;
    unsigned char first = (unsigned char)text[len - 1 - n];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    return n + 1 < whole ? n + 1 : 0;
}

/* What was not told yet, in whole characters: offsets count bytes, so none may be repaired. */
void attempt_tell(struct attempt *a, int stream, bool live)
{
    struct attempt_stream *s = &a->streams[stream - 1];
    const char *text = s->kept.data + s->live;
    size_t len = s->kept.len - s->live;
    if (len)
        len -= unfinished(text, len);
    if (len && a->owner->output(a, stream, s->live, text, len, live, a->arg))
        s->live += len;
}

static void keep(struct attempt *a, int stream, const char *text, size_t len)
{
    struct attempt_stream *s = &a->streams[stream - 1];
    size_t budget = (size_t)a->job->limits.v[LIMIT_OUTPUT_KB] * 1024;
    size_t used = a->streams[0].kept.len + a->streams[1].kept.len;
    if (len > budget - used) { /* an honest cell stops by itself: this one is ended */
        len = budget - used;
        cell_stop(a->cell, STOP_OUTPUT);
    }
    if (len == 0)
        return;
    buf_add(&s->kept, text, len);
    attempt_tell(a, stream, a->late);
}

/* What was held back because it could have been the beginning of a secret. */
void attempt_end_output(struct attempt *a)
{
    for (int i = 0; a->secrets && i < 2; i++) {
        struct buf b = {.secret = true};
        mask_end(secrets_mask(a->secrets), &a->streams[i].masking, &b);
        keep(a, i + 1, b.data, b.len);
        buf_free(&b);
    }
}

void attempt_printed(struct cell *c, int stream, const char *text, size_t len, void *arg)
{
    (void)c;
    struct attempt *a = arg;
    struct attempt_stream *s = &a->streams[stream - 1];
    struct buf b = {.secret = true};
    if (!a->secrets) {
        keep(a, stream, text, len);
        return;
    }
    mask_feed(secrets_mask(a->secrets), &s->masking, text, len, &b);
    keep(a, stream, b.data, b.len);
    buf_free(&b);
}

void attempt_forget_output(struct attempt *a)
{
    for (int i = 0; i < 2; i++) {
        buf_clear(&a->streams[i].kept);
        a->streams[i].live = 0;
    }
}

const char *attempt_output(const struct attempt *a, int stream, size_t *len)
{
    const struct buf *kept = &a->streams[stream - 1].kept;
    *len = kept->len - unfinished(kept->data, kept->len);
    return kept->data ? kept->data : "";
}
