#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wipe(const struct buf *b, size_t from, size_t to)
{
    if (b->secret && b->data && to > from)
        explicit_bzero(b->data + from, to - from);
}

void buf_free(struct buf *b)
{
    wipe(b, 0, b->cap);
    free(b->data);
    *b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b)
{
    wipe(b, 0, b->len);
    b->len = 0;
    b->full = false;
    if (b->data)
        b->data[0] = 0;
}

void buf_reserve(struct buf *b, size_t extra)
{
    size_t max = b->max ? b->max : BUF_DEFAULT_MAX;
    if (extra > max || b->len > max - extra) {
        b->full = true;
        return;
    }
    size_t need = b->len + extra + 1; /* the NUL behind */
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 128;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->secret) { /* realloc() would leave a copy behind */
        char *data = mem_grow(NULL, cap);
        if (b->len)
            memcpy(data, b->data, b->len);
        wipe(b, 0, b->cap);
        free(b->data);
        b->data = data;
    } else {
        b->data = mem_grow(b->data, cap);
    }
    b->data[b->len] = 0; /* what is new holds anything */
    b->cap = cap;
}

/* Whether n more bytes fit into the memory there is, below the ceiling. */
static inline bool has_room(const struct buf *b, size_t n)
{
    return b->len + n < b->cap && b->len + n <= (b->max ? b->max : BUF_DEFAULT_MAX);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (b->full)
        return;
    if (!has_room(b, n))
        buf_reserve(b, n);
    if (b->full)
        return;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = 0;
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    if (b->full || !has_room(b, 1)) {
        buf_add(b, &c, 1);
        return;
    }
    b->data[b->len++] = c;
    b->data[b->len] = 0;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    if ((size_t)n < sizeof small) {
        buf_add(b, small, (size_t)n);
        if (b->secret)
            explicit_bzero(small, sizeof small);
    } else if (!b->full) {
        buf_reserve(b, (size_t)n);
        if (!b->full) {
            vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
    CHECK(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    wipe(b, b->len - n, b->len);
    b->len -= n;
    b->data[b->len] = 0;
}

char *buf_take(struct buf *b, size_t *len)
{
    if (!b->data)
        buf_add(b, "", 0);
    char *p = b->data ? b->data : mem_strdup("");
    if (len)
        *len = b->len;
    *b = (struct buf){.max = b->max, .secret = b->secret};
    return p;
}
