/* How this works: wslay's frame layer pulls bytes by a callback (give()) out of what
 * ws_frames_read() was called with, at most 4 KiB ahead, and says what it found, piece by piece;
 * take_piece() is the state machine of messages. Frames that we send are always given whole. */
#include "egress/ws_frames.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"

#define CONTROL_MAX  125
#define UTF8_LONGEST 4

struct ws_frames {
    wslay_frame_context_ptr wslay;
    struct ws_frames_events ev;
    void *arg;
    uint64_t message_max;

    /* What is being read. */
    const char *in;
    size_t in_len;
    uint64_t at;             /* of the frame's payload; 0: its first piece is to come */
    int kind;                /* WS_TEXT, WS_BINARY: inside a message; 0: outside */
    uint64_t message;        /* its bytes so far, those of the frame that has begun included */
    char tail[UTF8_LONGEST]; /* of a text: the beginning of a character */
    size_t tail_len;
    char control[CONTROL_MAX];
    int64_t idle_left;
    uint64_t idle_ms; /* when idle_left was made up for last */

    struct buf out;
    char pong[CONTROL_MAX]; /* of the last ping that is not answered yet */
    size_t pong_len;
    bool pong_owed;
    bool close_written, close_came;
    int code;
    size_t reason_len; /* in control */
};

/* ---- wslay's callbacks ---- */

static ssize_t give(uint8_t *to, size_t n, int flags, void *arg)
{
    struct ws_frames *f = arg;
    (void)flags;
    if (!f->in_len)
        return -1;
    n = n < f->in_len ? n : f->in_len;
    memcpy(to, f->in, n);
    f->in += n;
    f->in_len -= n;
    return (ssize_t)n;
}

static ssize_t take(const uint8_t *p, size_t n, int flags, void *arg)
{
    struct ws_frames *f = arg;
    (void)flags;
    buf_add(&f->out, p, n);
    return (ssize_t)n;
}

static int make_mask(uint8_t *to, size_t n, void *arg)
{
    (void)arg;
    crypto_random(to, n);
    return 0;
}

struct ws_frames *ws_frames_new(uint64_t message_max, const struct ws_frames_events *ev, void *arg)
{
    static const struct wslay_frame_callbacks callbacks = {
        .recv_callback = give, .send_callback = take, .genmask_callback = make_mask};
    struct ws_frames *f = mem_alloc(sizeof *f);
    f->ev = *ev;
    f->arg = arg;
    f->message_max = message_max;
    f->idle_left = WS_IDLE_FRAMES;
    f->out.secret = true;
    CHECK(wslay_frame_context_init(&f->wslay, &callbacks, f) == 0);
    return f;
}

void ws_frames_free(struct ws_frames *f)
{
    if (!f)
        return;
    wslay_frame_context_free(f->wslay);
    buf_free(&f->out);
    free(f);
}

/* ---- writing ---- */

static void put(struct ws_frames *f, uint8_t opcode, bool last, const char *p, size_t n)
{
    struct wslay_frame_iocb frame = {.fin = last,
                                     .opcode = opcode,
                                     .mask = 1,
                                     .payload_length = n,
                                     .data = (const uint8_t *)(n ? p : ""),
                                     .data_length = n};
    CHECK(wslay_frame_send(f->wslay, &frame) == (ssize_t)n);
}

/* Behind much that waits to be sent, of all pings the last one is answered (section 5.5.3). */
static void put_pong(struct ws_frames *f)
{
    if (f->pong_owed && !f->close_written)
        put(f, WSLAY_PONG, true, f->pong, f->pong_len);
    f->pong_owed = false;
}

void ws_frames_write(struct ws_frames *f, enum ws_kind kind, bool first, bool last, const char *p,
                     size_t n)
{
    CHECK(!f->close_written);
    put_pong(f);
    put(f, first ? (uint8_t)kind : WSLAY_CONTINUATION_FRAME, last, p, n);
}

void ws_frames_close(struct ws_frames *f, int code, const char *reason, size_t len)
{
    char payload[CONTROL_MAX];
    if (f->close_written)
        return;
    f->close_written = true;
    if (code == WS_CODE_NONE) {
        put(f, WSLAY_CONNECTION_CLOSE, true, "", 0);
        return;
    }
    CHECK(len <= WS_REASON_MAX);
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (len)
        memcpy(payload + 2, reason, len);
    put(f, WSLAY_CONNECTION_CLOSE, true, payload, len + 2);
}

size_t ws_frames_out(const struct ws_frames *f, const char **p)
{
    *p = f->out.data;
    return f->out.len;
}

void ws_frames_sent(struct ws_frames *f, size_t n)
{
    buf_consume(&f->out, n);
    if (f->out.len < WS_PIECE)
        put_pong(f);
}

bool ws_frames_close_written(const struct ws_frames *f)
{
    return f->close_written;
}

bool ws_frames_close_sent(const struct ws_frames *f)
{
    return f->close_written && !f->out.len;
}

bool ws_frames_close_came(const struct ws_frames *f, int *code, const char **reason, size_t *len)
{
    *code = f->code;
    *reason = f->control + 2;
    *len = f->reason_len;
    return f->close_came;
}

/* ---- reading ---- */

/* The server has broken the protocol: it is told so, with the code for it. */
static int fail(struct ws_frames *f, int close_code, int code, struct err *e, const char *what)
{
    ws_frames_close(f, close_code, NULL, 0);
    return err_set(e, code, "the WebSocket's server: %s", what);
}

static int broken(struct ws_frames *f, struct err *e, const char *what)
{
    return fail(f, WSLAY_CODE_PROTOCOL_ERROR, ERR_PROTOCOL, e, what);
}

static int spend_idle(struct ws_frames *f, uint64_t now_ms, struct err *e)
{
    const int64_t earned = (int64_t)(now_ms - f->idle_ms) * WS_IDLE_FRAMES_S / 1000;
    if (earned > 0) {
        f->idle_ms = now_ms;
        f->idle_left += earned < WS_IDLE_FRAMES ? earned : WS_IDLE_FRAMES;
        f->idle_left = f->idle_left < WS_IDLE_FRAMES ? f->idle_left : WS_IDLE_FRAMES;
    }
    if (f->idle_left-- > 0)
        return 0;
    return fail(f, WSLAY_CODE_POLICY_VIOLATION, ERR_LIMIT, e,
                "found a flood of frames that bring nothing (pings, pongs, empty parts)");
}

/* The text goes on with these bytes. A character may be cut by pieces and by frames. */
static bool text_goes_on(struct ws_frames *f, const char *p, size_t n)
{
    if (!n)
        return true;
    if (f->tail_len) {
        char joint[2 * UTF8_LONGEST];
        const size_t more = n < UTF8_LONGEST ? n : UTF8_LONGEST, len = f->tail_len + more;
        memcpy(joint, f->tail, f->tail_len);
        memcpy(joint + f->tail_len, p, more);
        const size_t valid = utf8_valid_prefix(joint, len);
        if (valid <= f->tail_len) { /* the character is not whole */
            if (len >= UTF8_LONGEST)
                return false;
            memcpy(f->tail, joint, len);
            f->tail_len = len;
            return true;
        }
        p += valid - f->tail_len;
        n -= valid - f->tail_len;
        f->tail_len = 0;
    }
    const size_t valid = utf8_valid_prefix(p, n);
    if (n - valid >= UTF8_LONGEST)
        return false;
    memcpy(f->tail, p + valid, n - valid);
    f->tail_len = n - valid;
    return true;
}

static bool may_be_sent(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static int take_close(struct ws_frames *f, size_t n, struct err *e)
{
    const unsigned char *c = (const unsigned char *)f->control;
    f->code = n < 2 ? WS_CODE_NONE : c[0] << 8 | c[1];
    f->reason_len = n < 2 ? 0 : n - 2;
    if (n == 1 || (n >= 2 && !may_be_sent(f->code)))
        return broken(f, e, "found a Close with a code that is none");
    if (utf8_valid_prefix(f->control + 2, f->reason_len) != f->reason_len)
        return fail(f, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA, ERR_PROTOCOL, e,
                    "found a Close whose reason is no UTF-8");
    f->close_came = true;
    ws_frames_close(f, f->code, NULL, 0);
    return 0;
}

static int take_control(struct ws_frames *f, const struct wslay_frame_iocb *piece, uint64_t now_ms,
                        struct err *e)
{
    memcpy(f->control + f->at, piece->data, piece->data_length);
    f->at += piece->data_length;
    if (f->at < piece->payload_length)
        return 0;
    const size_t n = (size_t)f->at;
    f->at = 0;
    if (piece->opcode == WSLAY_CONNECTION_CLOSE)
        return take_close(f, n, e);
    if (piece->opcode == WSLAY_PING) {
        memcpy(f->pong, f->control, n);
        f->pong_len = n;
        f->pong_owed = true;
        if (f->out.len < WS_PIECE)
            put_pong(f);
    }
    return spend_idle(f, now_ms, e);
}

static int begin_frame(struct ws_frames *f, const struct wslay_frame_iocb *piece, struct err *e)
{
    if (piece->rsv)
        return broken(f, e, "found a frame of an extension; none was offered");
    if (piece->mask)
        return broken(f, e, "found a masked frame");
    if (piece->opcode > WSLAY_BINARY_FRAME && piece->opcode != WSLAY_CONNECTION_CLOSE &&
        piece->opcode != WSLAY_PING && piece->opcode != WSLAY_PONG)
        return broken(f, e, "found a frame of an unknown kind");
    if (wslay_is_ctrl_frame(piece->opcode))
        return 0;
    if ((piece->opcode == WSLAY_CONTINUATION_FRAME) != (f->kind != 0))
        return broken(f, e,
                      f->kind ? "found a message inside another" : "found a part of no message");
    if (!f->kind)
        f->message = 0;
    if (piece->payload_length > f->message_max - f->message)
        return fail(f, WSLAY_CODE_MESSAGE_TOO_BIG, ERR_LIMIT, e,
                    "found a message that is too large; see egress.max_message_mb");
    f->message += piece->payload_length;
    if (!f->kind)
        f->kind = piece->opcode;
    return 0;
}

static int take_piece(struct ws_frames *f, const struct wslay_frame_iocb *piece, uint64_t now_ms,
                      struct err *e)
{
    const bool begins = f->at == 0;
    int rc = begins ? begin_frame(f, piece, e) : 0;
    if (rc)
        return rc;
    if (wslay_is_ctrl_frame(piece->opcode))
        return take_control(f, piece, now_ms, e);
    f->at += piece->data_length;
    const bool ends = f->at == piece->payload_length, last = ends && piece->fin;
    const char *p = (const char *)piece->data;
    if (ends)
        f->at = 0;
    if (f->kind == WS_TEXT &&
        (!text_goes_on(f, p, piece->data_length) || (last && f->tail_len > 0)))
        return fail(f, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA, ERR_PROTOCOL, e,
                    "found a text that is no UTF-8");
    if (!piece->payload_length && !last)
        return spend_idle(f, now_ms, e);
    const enum ws_kind kind = f->kind == WS_TEXT ? WS_TEXT : WS_BINARY;
    if (last)
        f->kind = 0;
    f->ev.data(f->arg, kind, last, p, piece->data_length);
    return 0;
}

int ws_frames_read(struct ws_frames *f, const char *p, size_t n, uint64_t now_ms, size_t *taken,
                   struct err *e)
{
    int rc = 0;
    f->in = p;
    f->in_len = n;
    if (!f->idle_ms)
        f->idle_ms = now_ms;
    while (!rc && !f->close_came && f->ev.room(f->arg)) {
        struct wslay_frame_iocb piece = {0};
        const ssize_t got = wslay_frame_recv(f->wslay, &piece);
        if (got == WSLAY_ERR_WANT_READ)
            break;
        rc = got < 0 ? broken(f, e, "found a malformed frame") : take_piece(f, &piece, now_ms, e);
    }
    *taken = n - f->in_len;
    f->in = NULL;
    f->in_len = 0;
    return rc;
}
