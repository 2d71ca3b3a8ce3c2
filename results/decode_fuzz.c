/* Fuzz target: JSON result objects of other workers, and whose key an envelope claims. The first
 * byte says which. What is decoded must encode to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/decode.h"
#include "results/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const char *text, size_t len)
{
    static const char hash[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct decoded d;
    struct buf again = {0};
    struct err e = {0};
    int rc = result_decode(text, len, hash, text, len, &d, &e);
    if (rc == 0) {
        result_encode(&d.view.result, &again);
        CHECK(again.len == len && !memcmp(again.data, text, len));
    } else {
        CHECK(rc == ERR_INVALID && *e.msg && !strchr(e.msg, '\n'));
    }
    decoded_free(&d);
    buf_free(&again);
}

static void claim(const char *text, size_t len)
{
    char id[KEYID_LEN];
    if (envelope_keyid(text, len, id))
        CHECK(strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = mem_copy(data + 1, size - 1);
    if (data[0] & 1)
        claim(text, size - 1);
    else
        decode(text, size - 1);
    free(text);
    return 0;
}
