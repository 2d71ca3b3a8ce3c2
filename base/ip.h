/* Internet addresses as values: strict text forms, blocks ("10.0.0.0/8"), endpoints. Nothing is
 * looked up and nothing is guessed: what inet_pton() does not take is no address here. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct ip {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t b[16];  /* network order; IPv4 in the first 4, the rest zero */
};

/* All addresses that begin with the first `bits` bits of `ip`, at one port or at any. */
struct ip_block {
    struct ip ip;
    uint8_t bits;
    uint16_t port; /* 0: any */
};

#define IP_TEXT       46 /* "ffff:…:255.255.255.255" and NUL */
#define IP_BLOCK_TEXT 56 /* "[…]:65535" or "…/128", and NUL */
#define IP_BITS(f)    ((f) == 4 ? 32 : 128)

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* "10.0.0.5" (four decimal parts) or "fe80::1" (RFC 4291); no brackets, zone, port, blanks. */
bool ip_parse(const char *text, size_t len, struct ip *out);
/* RFC 5952. */
void ip_text(const struct ip *ip, char out[IP_TEXT]);
bool ip_equal(const struct ip *a, const struct ip *b);

/* True when the first `bits` bits agree (same family). */
bool ip_in(const struct ip *ip, const struct ip *prefix, unsigned bits);

/* "10.1.2.3", "10.1.2.3:8080", "10.0.0.0/8", "fd00::/8", "fd00::1", "[fd00::1]:443",
 * "10.0.0.0/8:443", "[fd00::/8]:443". Bits behind the prefix must be zero, the port 1 to 65535. */
#define IP_BLOCK_ALLOWED                                                                           \
    "an address or a block, with or without a port: 10.1.2.3:8080, 10.0.0.0/8, [fd00::1]:443, "    \
    "fd00::/8"
bool ip_block_parse(const char *text, struct ip_block *out);
void ip_block_text(const struct ip_block *b, char out[IP_BLOCK_TEXT]);
bool ip_block_has(const struct ip_block *b, const struct ip *ip, uint16_t port);

/* From and to the system's form. False for other families, for a length that is too short. */
bool ip_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct ip *ip, uint16_t *port);
socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out);
