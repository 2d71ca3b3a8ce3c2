#include "base/text.h"

#include <string.h>

char *text_add_bytes(char *at, const char *end, const void *p, size_t len)
{
    size_t room = (size_t)(end - at) - 1;
    if (len > room)
        len = room;
    if (len)
        memcpy(at, p, len);
    at[len] = 0;
    return at + len;
}

char *text_add(char *at, const char *end, const char *s)
{
    return text_add_bytes(at, end, s, strlen(s));
}

char *text_add_u64(char *at, const char *end, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    return text_add_bytes(at, end, digits + i, sizeof digits - i);
}

char *text_add_hex(char *at, const char *end, uint64_t n)
{
    char digits[16];
    size_t i = sizeof digits;
    do
        digits[--i] = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    return text_add_bytes(at, end, digits + i, sizeof digits - i);
}

void text_copy(char *out, size_t cap, const char *s)
{
    text_add(out, out + cap, s);
}
