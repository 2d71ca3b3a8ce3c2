// OpenSSL inside a cell: started at the first use, with random bytes from the kernel.
//
// Nothing of it runs before the fork, so the zygote does not grow and no state is shared. Random
// bytes come from getrandom(2) at each call instead of OpenSSL's generators: nothing is kept that a
// fork could copy, and no file is opened to fill it. No configuration file is read, nothing is
// registered for the process's end.
#define OPENSSL_SUPPRESS_DEPRECATED // RAND_METHOD: marked as old, and the only door for this
#include "sandbox/engine/crypto/crypto_call.h"
#include "sandbox/engine/internal.h"
#include "sandbox/engine/random.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

namespace isolane::crypto
{

namespace
{

int random_fill(unsigned char *out, int n)
{
    random_bytes(out, static_cast<size_t>(n));
    return 1;
}

int random_ready()
{
    return 1;
}

const RAND_METHOD kernel_random = {nullptr, random_fill, nullptr,
                                   nullptr, random_fill, random_ready};

bool started;

} // namespace

void start()
{
    if (started)
        return;
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
                                OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
                            nullptr) != 1 ||
        RAND_set_rand_method(&kernel_random) != 1)
        abort();
    started = true;
}

void drain_errors()
{
    if (started)
        ERR_clear_error();
}

bool stopped()
{
    if (!limits.stop)
        return false;
    stop_script();
    return true;
}

int go_on(EVP_PKEY_CTX *)
{
    return stopped() ? 0 : 1;
}

} // namespace isolane::crypto
