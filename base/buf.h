/* A growable byte buffer with a ceiling. Appending past `max` sets `full` and changes nothing more:
 * the writer checks once at the end. Not thread-safe; the owner's thread only.
 *
 * data[len] is always a NUL byte once anything was appended (not counted in len).
 *
 * `secret`: memory that held contents is wiped before it is given back, also when the buffer grows
 * or shrinks (buf_consume, buf_clear). What buf_take() hands out is the taker's to wipe. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len, cap;
    size_t max; /* 0: BUF_DEFAULT_MAX */
    bool full;  /* an append did not fit into max; contents end at the last append that did */
    bool secret;
};

#define BUF_DEFAULT_MAX ((size_t)256 << 20)

void buf_free(struct buf *b);                  /* frees data, zeroes all but max and secret */
void buf_clear(struct buf *b);                 /* len = 0, full = false, keeps the memory */
void buf_reserve(struct buf *b, size_t extra); /* room for extra more bytes (or full) */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n);  /* drops the first n bytes */
char *buf_take(struct buf *b, size_t *len); /* caller owns (free()); buffer is empty afterwards */
