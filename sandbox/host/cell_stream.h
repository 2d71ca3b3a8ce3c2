/* Streams of bytes between a cell and the service that opened them (sandbox/frame.h). Loop thread
 * only.
 *
 *   OPEN    cell_stream_open()  → over: cell_stream_close(), or `closed` was told
 *
 * Memory is bounded at both ends. What the cell sends is handed on at once and lies with the
 * service: at most the window that it has given and not taken back into account, which is at most
 * FRAME_STREAM_WINDOW. What the service sends goes as far as the cell has given credit, and no
 * further than CELL_DATA_MAX bytes wait for one cell's socket, whatever the number of its streams.
 * There are at most FRAME_STREAMS_MAX streams a cell and CELL_STREAMS_ALL_MAX in this process.
 *
 * Callbacks may open, write to and close any stream, and answer calls. They must not free the cell
 * from within `data` or `writable` (ending a run is the cell's own doing). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/host/cell.h"

#define CELL_STREAMS_ALL_MAX  1024 /* with full windows: 256 MB */
#define CELL_STREAM_PIECE_MAX (64u << 10)
#define CELL_STREAM_TEXT_MAX  8192u /* of the text of our CLOSE; longer ones are cut */

struct cell_stream;

struct cell_stream_events {
    /* Bytes that the script wrote, live for the call. When they are dealt with, and not before,
     * cell_stream_window() gives as much credit back. NULL: the window must be 0. */
    void (*data)(struct cell_stream *s, const char *bytes, size_t len, void *arg);
    /* cell_stream_room() was 0 and is not any more, or cell_stream_has_room() false and would be
     * true. NULL: nothing is written. */
    void (*writable)(struct cell_stream *s, void *arg);
    /* The script has closed it (ok: it had said all; else text, valid UTF-8, live for the call, may
     * be empty), or its run is over (ok false). s is no more. Told exactly once, unless
     * cell_stream_close() came before. */
    void (*closed)(struct cell_stream *s, bool ok, const char *text, size_t len, void *arg);
};

/* Opens a stream; the script learns its number from the reply that follows. kind: letters, digits,
 * '_', '-', '.', for people who look at frames. window: bytes that the script may send at first, at
 * most FRAME_STREAM_WINDOW. ev lives as long as the stream. NULL with ERR_LIMIT (too many) or
 * ERR_UNAVAILABLE (no script runs in the cell). */
struct cell_stream *cell_stream_open(struct cell *c, const char *kind, uint32_t window,
                                     const struct cell_stream_events *ev, void *arg, struct err *e);

uint64_t cell_stream_number(const struct cell_stream *s);

/* Bytes that may be written now. 0: `writable` follows, unless the stream ends before. */
size_t cell_stream_room(struct cell_stream *s);
/* May n bytes be written at once? False: `writable` follows when they may, likewise. n: at most
 * CELL_STREAM_PIECE_MAX. */
bool cell_stream_has_room(struct cell_stream *s, size_t n);
/* len <= cell_stream_room(). The bytes are copied. */
void cell_stream_write(struct cell_stream *s, const char *bytes, size_t len);

/* The script may send so many bytes more. */
void cell_stream_window(struct cell_stream *s, uint32_t bytes);

/* Ends it: ok, all is said; else why, for the script's error. s is no more, and nothing more is
 * told of it. NULL is fine. */
void cell_stream_close(struct cell_stream *s, bool ok, const char *text);

/* The run is over, or given up: `closed` for each that is left. The cell does it by itself before
 * `done` and `gone`. */
void cell_stream_end_all(struct cell *c);
