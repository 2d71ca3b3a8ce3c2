/* Fuzz target: what a zygote may say. The input is a row of messages: length (2 bytes), descriptors
 * (1 byte), bytes. What is let through keeps to the counts, and its texts can be shown. */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "sandbox/host/claims.h"

#define GIVEN 5

static void look(const struct claims *c, enum claim said, const union control_message *m, size_t n,
                 int fds, const char *why)
{
    switch (said) {
    case CLAIM_UP:
        CHECK(c->up && fds == 0);
        CHECK(memchr(m->up.engine, 0, sizeof m->up.engine));
        for (const char *p = m->up.engine; *p; p++)
            CHECK(*p >= ' ' && *p <= '~');
        break;
    case CLAIM_FAILED:
        CHECK(fds == 0 && memchr(m->failed.text, 0, sizeof m->failed.text));
        CHECK(utf8_valid_prefix(m->failed.text, sizeof m->failed.text) >= strlen(m->failed.text));
        break;
    case CLAIM_FORKED:
        CHECK(c->up && fds == (m->forked.pid > 0));
        CHECK(m->forked.number >= c->first && m->forked.number < c->next);
        break;
    case CLAIM_EXITED:
        CHECK(c->up && fds == 0 && n >= 1 && n <= CONTROL_EXITED_MAX);
        for (size_t i = 0; i < n; i++)
            CHECK(m->exited[i].number >= c->first && m->exited[i].number < c->next);
        break;
    case CLAIM_LIE:
        CHECK(why && *why);
        break;
    }
    CHECK(c->forked <= GIVEN && c->exited <= c->forked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct claims c = {.first = 2, .next = 2 + GIVEN};
    while (size >= 3) {
        union control_message m;
        size_t len = data[0] | (size_t)data[1] << 8, n = 0;
        int fds = data[2] % 4;
        const char *why = NULL;
        data += 3;
        size -= 3;
        size_t have = len < size ? len : size;
        if (len > sizeof m)
            len = 0; /* as zygote.c has it for a message that was cut */
        memset(&m, 0, sizeof m);
        memcpy(&m, data, have < len ? have : len);
        data += have;
        size -= have;
        enum claim said = claims_take(&c, &m, len, fds, &n, &why);
        look(&c, said, &m, n, fds, why);
        if (said == CLAIM_LIE)
            break;
    }
    return 0;
}
