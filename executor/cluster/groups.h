/* Small streams that workers make when they are missing (link/js.h), and go on trying: a server
 * that is not there yet, a stream that was deleted. Loop thread only. */
#pragma once

#include <uv.h>

#include "link/link.h"

struct groups_stream;

/* `there` is called when the stream is there: at the beginning, and again after each
 * groups_stream_lost(). name is copied, config (JSON of ADR-1) too. */
struct groups_stream *groups_stream_open(uv_loop_t *loop, struct link *l, const char *name,
                                         const char *config, void (*there)(void *arg), void *arg);
/* It cannot be read any more: made again, after a while. */
void groups_stream_lost(struct groups_stream *g);
void groups_stream_close(struct groups_stream *g); /* NULL is fine */
