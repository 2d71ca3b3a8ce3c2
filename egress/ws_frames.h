/* Frames of a WebSocket, our side (RFC 6455 sections 5 to 7): bytes from the server to parts of
 * messages, messages to bytes for it. The one door to wslay, which reads and writes frames; what
 * they may say stands here. Loop thread; a fuzz target stands beside it (ws_frames_fuzz.c).
 *
 * Memory is bounded: parts of messages are handed on as they come, of pings
 * that wait for an answer the last one gets it, what is to be sent lies in one buffer that the
 * caller fills no further than it likes. Time is bounded: frames that bring a script nothing
 * (pings, pongs, empty parts) may come WS_IDLE_FRAMES at once and WS_IDLE_FRAMES_S a second. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WS_PIECE         4096 /* bytes of a message handed on at once, at most */
#define WS_REASON_MAX    123  /* bytes of a Close's reason */
#define WS_IDLE_FRAMES   1000
#define WS_IDLE_FRAMES_S 100
#define WS_CODE_NONE     1005 /* a Close without a code */

enum ws_kind { WS_TEXT = 1, WS_BINARY = 2 };

struct ws_frames;

struct ws_frames_events {
    /* May WS_PIECE bytes of a message be handed on now? No: ws_frames_read() stops. */
    bool (*room)(void *arg);
    /* A part of a message; `last` ends it. A message of WS_TEXT is UTF-8 in all. */
    void (*data)(void *arg, enum ws_kind kind, bool last, const char *p, size_t n);
};

/* message_max: bytes of one message that may come. */
struct ws_frames *ws_frames_new(uint64_t message_max, const struct ws_frames_events *ev, void *arg);
void ws_frames_free(struct ws_frames *f);

/* What came; now_ms on a clock that does not jump. *taken: less than n where there was no room, to
 * be given again later (also with n 0: some wait inside). 0, or an error with which the server has
 * lost its connection: its Close is in what is to be sent, and nothing more is to be read.
 * ERR_PROTOCOL, ERR_LIMIT. */
int ws_frames_read(struct ws_frames *f, const char *p, size_t n, uint64_t now_ms, size_t *taken,
                   struct err *e);

/* A part of a message to be sent as a frame of its own; n may be 0. */
void ws_frames_write(struct ws_frames *f, enum ws_kind kind, bool first, bool last, const char *p,
                     size_t n);
/* Ours; nothing is to be written afterwards. code: WS_CODE_NONE for none. Once is enough. */
void ws_frames_close(struct ws_frames *f, int code, const char *reason, size_t len);

/* What is to be sent. */
size_t ws_frames_out(const struct ws_frames *f, const char **p);
void ws_frames_sent(struct ws_frames *f, size_t n);

bool ws_frames_close_sent(const struct ws_frames *f); /* it was written, and its bytes are gone */
bool ws_frames_close_written(const struct ws_frames *f);
/* The server's; code WS_CODE_NONE where it had none. */
bool ws_frames_close_came(const struct ws_frames *f, int *code, const char **reason, size_t *len);
