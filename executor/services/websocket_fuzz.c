/* Any bytes as what a cell says of a WebSocket: the call's argument, and records on its stream cut
 * anywhere. The first byte says where. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/services/websocket_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_ask(const char *text, size_t size)
{
    struct websocket_ask a;
    struct err e = {0};
    int rc = websocket_ask_read(text, size, &a, &e);
    if (rc == 0) {
        CHECK(a.offer.protocol_count <= WS_PROTOCOLS_MAX && a.tag >= 0);
        for (int i = 0; i < a.fields.count; i++) {
            const struct http_field *f = &a.fields.list[i];
            CHECK(!ws_head_field_check(f->name, strlen(f->name), f->value, strlen(f->value), NULL));
        }
        struct buf out = {0};
        ws_head_request(&a.offer, "/", "host", a.fields.list, a.fields.count, &out);
        const char *end = memmem(out.data, out.len, "\r\n\r\n", 4);
        CHECK(end == out.data + out.len - 4); /* one request, and nothing behind it */
        buf_free(&out);
    } else {
        CHECK((rc == ERR_INVALID || rc == ERR_LIMIT) && *e.msg);
    }
    websocket_ask_free(&a);
}

static void try_records(const char *text, size_t size, size_t step)
{
    struct ws_records r = {0};
    struct ws_found found;
    struct err e = {0};
    bool open = false;
    for (size_t at = 0; at < size;) {
        size_t n = step < size - at ? step : size - at;
        const char *p = text + at;
        at += n;
        while (n) {
            const size_t before = n;
            if (ws_records_take(&r, &p, &n, &found, &e)) {
                CHECK(*e.msg);
                return;
            }
            CHECK(n < before && p + n == text + at);
            if (found.kind == WS_RECORD_CLOSE)
                CHECK(found.n <= 2 + WS_REASON_MAX && found.n != 1);
            else if (found.kind)
                CHECK(found.first == !open && (open = !found.last, true));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text = mem_copy((const char *)data + 1, size - 1);
    try_ask(text, size - 1);
    try_records(text, size - 1, 1u + (data[0] & 0x3f));
    free(text);
    return 0;
}
