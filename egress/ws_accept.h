/* The proof that a server speaks WebSocket (RFC 6455 section 4.2.2): SHA-1 of the key and a fixed
 * text, in base64. No security rests on SHA-1 here. Pure. Any thread. */
#pragma once

#define WS_ACCEPT_LEN 28

/* key: 24 letters. */
void ws_accept(const char *key, char out[WS_ACCEPT_LEN + 1]);
