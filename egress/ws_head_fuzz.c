/* Any bytes as a server's response to a WebSocket's request, cut anywhere: no read outside them,
 * no consent that the key does not prove. The first byte says where it is cut, and which protocols
 * were offered. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "egress/ws_accept.h"
#include "egress/ws_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* RFC 6455 section 1.3 */
    struct ws_head h;
    struct err e = {0};
    char accept[WS_ACCEPT_LEN + 1];
    if (!size)
        return 0;
    const size_t step = 1u + (data[0] & 0x3f);
    ws_head_init(&h);
    memcpy(h.key, key, sizeof key);
    if (data[0] & 0x40)
        CHECK(ws_head_offer(&h, "chat", 4, &e) == 0);
    char *text = mem_copy((const char *)data + 1, size - 1);
    size_t at = 0, taken = 0;
    int rc = 0;
    while (rc == 0 && at < size - 1) {
        const size_t n = step < size - 1 - at ? step : size - 1 - at;
        rc = ws_head_take(&h, text + at, n, &taken, &e);
        CHECK(taken <= n);
        at += taken;
    }
    ws_accept(key, accept);
    if (rc == 1) {
        CHECK(memmem(text, at, accept, WS_ACCEPT_LEN) && !memcmp(text, "HTTP/1.1 101", 12));
        CHECK(!memcmp(text + at - 4, "\r\n\r\n", 4) && (h.chosen == 0) == (h.protocol_count == 1));
    } else if (rc < 0) {
        CHECK((rc == ERR_PROTOCOL || rc == ERR_LIMIT) && *e.msg && !strchr(e.msg, '\n'));
    }
    free(text);
    ws_head_free(&h);
    return 0;
}
