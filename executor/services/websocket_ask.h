/* What a cell says of a WebSocket, read and checked: nothing in it is believed. Pure; a fuzz target
 * stands beside it (websocket_fuzz.c).
 *
 * The argument of the call: {"url": "wss://…", "protocols": ["chat"], "headers": ["name", "value",
 * …], "tag": 9}; all but url may be missing.
 *
 * Then records on its stream, either way: a head of WS_RECORD_HEAD bytes, and as many more as it
 * says:
 *   kind     1 byte: WS_RECORD_TEXT, WS_RECORD_BINARY; from the script also WS_RECORD_CLOSE
 *   last     1 byte: 1, or 0 where more records of the same message follow
 *   zero     2 bytes
 *   length   4 bytes, the lowest first
 * What a Close carries is what its frame carries (RFC 6455 section 5.5.1): nothing, or a code (2
 * bytes, the highest first) and a reason in UTF-8. */
#pragma once

#include "base/buf.h"
#include "egress/ws_frames.h"
#include "egress/ws_head.h"
#include "executor/services/fetch_ask.h"

#define WS_RECORD_HEAD 8
enum { WS_RECORD_TEXT = 1, WS_RECORD_BINARY = 2, WS_RECORD_CLOSE = 8 };

struct websocket_ask {
    struct buf url;
    struct ws_head offer; /* protocols */
    struct fetch_fields fields;
    int64_t tag; /* the script's number for websocket.cancel, 0: none */
};

/* ERR_INVALID, ERR_LIMIT. To be freed in any case. */
int websocket_ask_read(const char *json, size_t len, struct websocket_ask *out, struct err *e);
void websocket_ask_free(struct websocket_ask *a);

/* Records as they come from the script, cut anywhere. All zero at first. */
struct ws_records {
    char head[WS_RECORD_HEAD];
    size_t have;      /* bytes of the head that are here */
    uint64_t left;    /* bytes of the record's payload that are to come, once the head is whole */
    int message;      /* kind of the message that has begun; 0: none */
    bool more, whole; /* of the record: others follow; its head is here */
    char close[2 + WS_REASON_MAX];
    size_t close_len;
};

/* What one call found: at most one of them. */
struct ws_found {
    int kind;         /* 0: nothing yet */
    bool first, last; /* of a message */
    const char *p;    /* a part of its payload, or all that a Close carries */
    size_t n;
};

/* Takes from [*p, *p + *n), moving both on; called until *n is 0. ERR_INVALID. */
int ws_records_take(struct ws_records *r, const char **p, size_t *n, struct ws_found *found,
                    struct err *e);
/* The head of a record, for the script. */
void ws_record_head(int kind, bool last, size_t len, char out[WS_RECORD_HEAD]);
