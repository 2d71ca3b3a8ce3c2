/* Fuzz target: what a zygote may say. The input is a row of messages: how long it claims to be (1
 * byte: as long as what is given, or one of the right sizes), descriptors (1 byte), how many bytes
 * are given (2 bytes), those. What is let through keeps to the counts, and its texts can be shown.
 */
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

/* So that the seeds stay good when a struct grows. */
static size_t claimed(uint8_t how, size_t given)
{
    switch (how) {
    case 0xff:
        return sizeof(struct control_up);
    case 0xfe:
        return sizeof(struct control_failed);
    case 0xfd:
        return sizeof(struct control_forked);
    default:
        return how >= 0xf0 ? sizeof(struct control_exited) * (how & 15) : given;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct claims c = {.first = 2, .next = 2 + GIVEN};
    while (size >= 4) {
        union control_message m;
        size_t given = data[2] | (size_t)data[3] << 8, n = 0;
        size_t len = claimed(data[0], given);
        int fds = data[1] % 4;
        const char *why = NULL;
        data += 4;
        size -= 4;
        given = given < size ? given : size;
        if (len > sizeof m)
            len = 0; /* as zygote.c has it for a message that was cut */
        memset(&m, 0, sizeof m);
        memcpy(&m, data, given < len ? given : len);
        data += given;
        size -= given;
        enum claim said = claims_take(&c, &m, len, fds, &n, &why);
        look(&c, said, &m, n, fds, why);
        if (said == CLAIM_LIE)
            break;
    }
    return 0;
}
