/* Any bytes as frames of a server, cut anywhere, with a reader that has room now and then: messages
 * stay within their bound, texts are UTF-8, what is answered is a whole frame each time. The first
 * two bytes say where it is cut, and how often there is room. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "egress/ws_frames.h"

#define MESSAGE_MAX 3000

struct seen {
    struct buf text;
    size_t message;
    unsigned pattern, asked;
};

static bool has_room(void *arg)
{
    struct seen *s = arg;
    return (s->pattern >> (s->asked++ % 8) & 1) || !s->pattern;
}

static void on_data(void *arg, enum ws_kind kind, bool last, const char *p, size_t n)
{
    struct seen *s = arg;
    CHECK(n <= WS_PIECE && (kind == WS_TEXT || kind == WS_BINARY));
    s->message += n;
    CHECK(s->message <= MESSAGE_MAX);
    if (kind == WS_TEXT)
        buf_add(&s->text, p, n);
    if (last) {
        CHECK(utf8_valid_prefix(s->text.data ? s->text.data : "", s->text.len) == s->text.len);
        buf_clear(&s->text);
        s->message = 0;
    }
}

/* Ours: whole, masked, controls up to 125 bytes; says how many Closes there are. */
static int check_out(const char *p, size_t n)
{
    int closes = 0;
    while (n) {
        const unsigned char *b = (const unsigned char *)p;
        CHECK(n >= 6 && b[0] & 0x80 && b[1] & 0x80 && (b[1] & 0x7f) < 126);
        const size_t whole = 6u + (b[1] & 0x7f);
        CHECK(whole <= n && ((b[0] & 15) == 8 || (b[0] & 15) == 10));
        closes += (b[0] & 15) == 8;
        p += whole;
        n -= whole;
    }
    return closes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ws_frames_events events = {.room = has_room, .data = on_data};
    struct seen seen = {0};
    struct err e = {0};
    if (size < 2)
        return 0;
    const size_t step = 1u + data[0];
    seen.pattern = data[1];
    struct ws_frames *f = ws_frames_new(MESSAGE_MAX, &events, &seen);
    char *in = mem_copy((const char *)data + 2, size - 2);
    int rc = 0, code;
    const char *p;
    size_t at = 0, len;
    for (size_t turn = 0; rc == 0 && turn < 2 * size + 16; turn++) {
        const size_t n = step < size - 2 - at ? step : size - 2 - at;
        size_t taken = 0;
        rc = ws_frames_read(f, in + at, n, 1000 + turn, &taken, &e);
        CHECK(taken <= n);
        at += taken;
    }
    const int closes = check_out(ws_frames_out(f, &p) ? p : "", ws_frames_out(f, &p));
    const bool came = ws_frames_close_came(f, &code, &p, &len);
    CHECK(closes == (rc != 0 || came) && ws_frames_close_written(f) == (closes == 1));
    CHECK(rc == 0 || ((rc == ERR_PROTOCOL || rc == ERR_LIMIT) && *e.msg));
    if (came)
        CHECK(code >= 1000 && code < 5000 && len <= WS_REASON_MAX &&
              utf8_valid_prefix(p, len) == len);
    buf_free(&seen.text);
    free(in);
    ws_frames_free(f);
    return 0;
}
