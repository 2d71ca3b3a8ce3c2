#include "link/acksubject.h"

#include <string.h>

#define TOKENS_MAX  16
#define SHORT_FORM  9
#define LONG_FORM   11 /* and more: later servers may add tokens at the end */
#define SHORT_FACTS 4  /* the token where the facts begin */
#define LONG_FACTS  6

static bool number(const char *s, uint64_t *out)
{
    uint64_t n = 0;
    int digits = 0;
    for (; *s >= '0' && *s <= '9'; s++, digits++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return digits > 0 && (*s == '.' || *s == 0);
}

bool ack_subject_parse(const char *subject, struct ack_facts *out)
{
    const char *tokens[TOKENS_MAX];
    int count = 0;
    if (strncmp(subject, "$JS.ACK.", 8) != 0)
        return false;
    for (const char *at = subject; at && count < TOKENS_MAX; count++) {
        tokens[count] = at;
        at = strchr(at, '.');
        if (at)
            at++;
    }
    int first = count == SHORT_FORM ? SHORT_FACTS : count >= LONG_FORM ? LONG_FACTS : 0;
    uint64_t stored_ns = 0;
    if (!first || !number(tokens[first], &out->delivered) ||
        !number(tokens[first + 1], &out->stream_seq) ||
        !number(tokens[first + 2], &out->consumer_seq) || !number(tokens[first + 3], &stored_ns) ||
        !number(tokens[first + 4], &out->pending))
        return false;
    out->consumer = tokens[first - 1];
    out->consumer_len = (size_t)(tokens[first] - tokens[first - 1]) - 1;
    out->stored_at_us = (int64_t)(stored_ns / 1000);
    return true;
}
