// What node 26.10 exports and the older one of `make other-engine` does not.
#include "sandbox/engine/node_exports.h"

static bool high(char16_t c)
{
    return c >= 0xd800 && c < 0xdc00;
}

static bool low(char16_t c)
{
    return c >= 0xdc00 && c < 0xe000;
}

// Of the unit at i: 2, half of a pair that is whole; 1, no surrogate; 0, a lone one.
static size_t whole(const char16_t *text, size_t len, size_t i)
{
    if (high(text[i]))
        return i + 1 < len && low(text[i + 1]) ? 2 : 0;
    return low(text[i]) ? 0 : 1;
}

bool simdutf::validate_utf16(const char16_t *text, size_t len) noexcept
{
    for (size_t i = 0, n; i < len; i += n)
        if (!(n = whole(text, len, i)))
            return false;
    return true;
}

void simdutf::to_well_formed_utf16(const char16_t *in, size_t len, char16_t *out) noexcept
{
    for (size_t i = 0; i < len;) {
        size_t n = whole(in, len, i);
        if (!n)
            out[i++] = 0xfffd;
        for (; n; n--, i++)
            out[i] = in[i];
    }
}

// Length of the sequence at p by the table of RFC 3629, section 4; 0: malformed.
static size_t sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (!n || n > left)
        return 0;
    unsigned char least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < least || p[1] > most)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool simdutf::validate_utf8(const char *text, size_t len) noexcept
{
    auto p = reinterpret_cast<const unsigned char *>(text);
    for (size_t i = 0, n; i < len; i += n)
        if (!(n = sequence(p + i, len - i)))
            return false;
    return true;
}
