/* Fuzz target: sealed_check() and sealed_open(): a text as it comes (first byte even), or what
 * somebody sealed to our key who writes what he likes into the box. What opens is bound to what it
 * was asked for. `make fuzz T=sealed`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sealed.h"

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void box_up(const struct seal_key *k, const char *plain, size_t len, struct buf *text)
{
    size_t box_len = len + SEAL_OVERHEAD, room = crypto_base64url_len(box_len);
    uint8_t *box = mem_alloc(box_len);
    crypto_seal(k->pub, plain, len, box);
    buf_addf(text, SEALED_PREFIX "%s:", k->keyid);
    buf_reserve(text, room);
    crypto_base64url(box, box_len, text->data + text->len, room);
    text->len += room - 1;
    free(box);
}

static bool begins(const char *plain, size_t len, const char *with)
{
    return len >= strlen(with) && !memcmp(plain, with, strlen(with));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seal_key k;
    const struct secret_binding b = {"ci", "TOKEN", SHA};
    struct buf text = {0};
    struct err e = {0};
    void *memory = NULL;
    const char *value = NULL;
    size_t value_len = 0;
    if (!*k.keyid) {
        CHECK(crypto_init(NULL) == 0);
        k.sec[1] = 1;
        crypto_x25519_public(k.sec, k.pub);
        key_id(KEY_X25519_PUBLIC, k.pub, k.keyid);
    }
    bool boxed = size && (data[0] & 1);
    const char *rest = (const char *)data + (size > 0);
    size_t len = size ? size - 1 : 0;
    if (boxed)
        box_up(&k, rest, len, &text);
    else
        buf_add(&text, rest, len);
    int rc = sealed_check(text.data ? text.data : "", text.len, &e);
    if (!rc)
        rc = sealed_open(&k, &b, text.data, text.len, &memory, &value, &value_len, &e);
    if (!rc && boxed) {
        CHECK(begins(rest, len, "isolane-secret-v1\nci\nTOKEN\n-\n") ||
              begins(rest, len, "isolane-secret-v1\nci\nTOKEN\n" SHA "\n"));
        CHECK(value_len >= SECRET_VALUE_MIN && !memcmp(rest + len - value_len, value, value_len));
    }
    CHECK(rc ? *e.msg && !memory : memory != NULL);
    crypto_guarded_free(memory);
    buf_free(&text);
    return 0;
}
