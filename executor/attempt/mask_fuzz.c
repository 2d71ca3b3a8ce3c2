/* Fuzz target: mask: two secrets and a text in pieces; a simple search for the secrets as they are
 * says what must not come out. `make fuzz T=mask`. The input: length of the first secret, of the
 * second, size of pieces, then the bytes of all. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/jv.h"
#include "base/mem.h"
#include "executor/attempt/mask.h"

#define SECRET_LEAST 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte that is not part of a secret comes out in its order, so the output is a subsequence of
 * the text with "***" in between; and what is left has no secret that lay in one piece. */
static void check(const struct mask_secret *s, const struct buf *out)
{
    for (int i = 0; i < 2; i++) {
        const char *at = out->data, *end = out->data + out->len;
        bool stars = memchr(s[i].value, '*', s[i].len) != NULL; /* "***" may complete such a one */
        while (!stars && at && (at = memmem(at, (size_t)(end - at), s[i].value, s[i].len)))
            CHECK(!"a secret came out");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t first = SECRET_LEAST + data[0] % 64, second = SECRET_LEAST + data[1] % 64;
    size_t piece = data[2] ? data[2] : 1;
    const char *p = (const char *)data + 3;
    size -= 3;
    if (size < first + second)
        return 0;
    CHECK(crypto_init(NULL) == 0);
    const struct mask_secret s[] = {{p, first}, {p + first, second}};
    const char *text = p + first + second;
    size_t len = size - first - second;
    struct mask *m = mask_new(s, 2);
    struct mask_stream stream = {0};
    struct buf whole = {0}, parts = {0}, json = {0};
    bool masked = mask_text(m, text, len, &whole);
    for (size_t at = 0; at < len; at += piece)
        mask_feed(m, &stream, text + at, piece < len - at ? piece : len - at, &parts);
    mask_end(m, &stream, &parts);
    CHECK(whole.len == parts.len && (!whole.len || !memcmp(whole.data, parts.data, whole.len)));
    CHECK(whole.len <= len && (masked || whole.len == len));
    if (whole.len)
        check(s, &whole);
    if (jv_check_inner(text, len)) {
        mask_json(m, text, len, &json);
        CHECK(jv_check_inner(json.data, json.len));
    }
    mask_stream_free(&stream);
    mask_free(m);
    buf_free(&whole);
    buf_free(&parts);
    buf_free(&json);
    return 0;
}
