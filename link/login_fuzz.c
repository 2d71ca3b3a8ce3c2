/* Fuzz target: what an operator gives to reach NATS: addresses (what is shown of one never holds
 * its password), NKey seeds and .creds files. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/address.h"
#include "link/creds.h"
#include "link/nkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void addresses(const char *text)
{
    struct address_list l = {0};
    struct err e = {0};
    char shown[ADDRESS_MAX], all[64];
    if (address_split(text, &l, &e) == 0) {
        CHECK(l.count >= 1 && l.count <= ADDRESSES);
        for (int i = 0; i < l.count; i++) {
            address_shown(l.url[i], shown);
            CHECK(memchr(shown, 0, sizeof shown) && !strchr(shown, '@'));
        }
        address_list_shown(&l, all, sizeof all);
        CHECK(memchr(all, 0, sizeof all));
    } else {
        CHECK(e.code == ERR_INVALID);
    }
    address_free(&l);
}

static void secrets(const char *text, size_t len)
{
    uint8_t seed[ED25519_SEED];
    char pub[NKEY_PUBLIC_TEXT], pub2[NKEY_PUBLIC_TEXT], again[NKEY_SEED_TEXT];
    struct err e = {0};
    if (nkey_find_user_seed(text, len, seed, pub, &e) == 0) {
        CHECK(strlen(pub) == NKEY_PUBLIC_TEXT - 1 && pub[0] == 'U');
        /* Two bits of the last character say nothing: written again it may be another. */
        nkey_seed_text(NKEY_USER, seed, again);
        CHECK(strlen(again) == NKEY_SEED_TEXT - 1);
        CHECK(nkey_find_user_seed(again, strlen(again), seed, pub2, &e) == 0);
        CHECK(!strcmp(pub, pub2));
    }
    char *jwt = creds_find_jwt(text);
    CHECK(!jwt || !strncmp(jwt, "eyJ", 3));
    free(jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        ready = crypto_init(NULL) == 0;
    char *text = mem_copy(data, size);
    addresses(text);
    secrets(text, size);
    free(text);
    return 0;
}
