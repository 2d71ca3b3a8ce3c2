#include "egress/ws_accept.h"

#include <glib.h>

#include "base/crypto.h"
#include "base/mem.h"

#define SHA1_LEN 20

void ws_accept(const char *key, char out[WS_ACCEPT_LEN + 1])
{
    static const char fixed[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    guint8 digest[SHA1_LEN];
    gsize len = sizeof digest;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA1);
    CHECK(sum);
    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_update(sum, (const guchar *)fixed, sizeof fixed - 1);
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    crypto_base64(digest, len, out, WS_ACCEPT_LEN + 1);
}
