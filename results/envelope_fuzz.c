/* Fuzz target: DSSE envelopes and the statements in them. The first byte says how the rest is read:
 * an envelope of unknown origin, an envelope that must be ours, a payload, or bytes to be signed by
 * us, which must come back as they were. */
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/mem.h"
#include "results/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_key key = {.can_sign = true};

static void make_key(void)
{
    const uint8_t seed[ED25519_SEED] = {1};
    CHECK(crypto_init(NULL) == 0);
    crypto_ed25519_from_seed(seed, key.pub, key.sec);
    memset(key.keyid, 'a', sizeof key.keyid - 1);
}

static void open_one(const char *text, size_t len, const struct sign_key *k)
{
    struct err e = {0};
    char *payload = NULL;
    size_t n = 0;
    int rc = envelope_open(text, len, k, &payload, &n, &e);
    if (rc == 0) {
        CHECK(payload[n] == 0);
        statement_result(payload, n, NULL, &e);
        free(payload);
    } else {
        CHECK(rc == ERR_INVALID || (k && (rc == ERR_CORRUPT || rc == ERR_DENIED)));
        CHECK(*e.msg);
    }
}

static void read_statement(const char *text, size_t len)
{
    struct buf out = {0};
    struct err e = {0};
    int rc = statement_result(text, len, &out, &e);
    CHECK(rc == 0 || rc == ERR_INVALID);
    if (rc == 0)
        CHECK(out.len > 0 && memmem(text, len, out.data, out.len) && jv_check(out.data, out.len));
    buf_free(&out);
}

static void there_and_back(const char *text, size_t len)
{
    struct buf b = {0};
    char *payload = NULL;
    size_t n = 0;
    envelope_sign(&key, text, len, &b);
    CHECK(b.len == envelope_size(len));
    CHECK(envelope_open(b.data, b.len, &key, &payload, &n, NULL) == 0);
    CHECK(n == len && !memcmp(payload, text, n));
    free(payload);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!key.keyid[0])
        make_key();
    if (size == 0)
        return 0;
    char *text = mem_copy(data + 1, size - 1);
    switch (data[0] & 3) {
    case 0:
        open_one(text, size - 1, NULL);
        break;
    case 1:
        open_one(text, size - 1, &key);
        break;
    case 2:
        read_statement(text, size - 1);
        break;
    default:
        there_and_back(text, size - 1);
    }
    free(text);
    return 0;
}
