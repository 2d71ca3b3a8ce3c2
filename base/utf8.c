#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed character at p, 0 when there is none (Unicode 15, table 3-7); *bad is
 * then how many bytes one replacement character stands for: the longest start of a character, at
 * least 1. */
static size_t char_len(const unsigned char *p, size_t left, size_t *bad)
{
    unsigned char c = p[0];
    *bad = 1;
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || left < 2)
        return 0;
    unsigned char lo = 0x80, hi = 0xbf;
    if (c == 0xe0)
        lo = 0xa0;
    else if (c == 0xed)
        hi = 0x9f;
    else if (c == 0xf0)
        lo = 0x90;
    else if (c == 0xf4)
        hi = 0x8f;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++) {
        *bad = i;
        if (i >= left || (p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

static size_t valid_prefix(const char *s, size_t len, size_t *bad)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0;
    while (i < len) {
        uint64_t w;
        if (len - i >= 8 && (memcpy(&w, p + i, 8), (w & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        size_t n = char_len(p + i, len - i, bad);
        if (n == 0)
            return i;
        i += n;
    }
    return len;
}

size_t utf8_valid_prefix(const char *p, size_t len)
{
    size_t bad;
    return valid_prefix(p, len, &bad);
}

void utf8_add_repaired(struct buf *out, const char *p, size_t len)
{
    for (;;) {
        size_t bad, good = valid_prefix(p, len, &bad);
        buf_add(out, p, good);
        if (good == len)
            return;
        buf_adds(out, "\xef\xbf\xbd");
        p += good + bad;
        len -= good + bad;
    }
}

size_t utf8_cut(const char *p, size_t len, size_t max)
{
    if (len <= max)
        return len;
    size_t n = max;
    while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
        n--;
    return n;
}
