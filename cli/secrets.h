/* Secrets on the command line: never as an argument, which every process of the machine can read.
 */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "config/permissions.h"
#include "config/secrets.h"
#include "executor/attempt/secrets.h"

/* One value in memory that is wiped; freed with crypto_guarded_free(). */
struct secret_text {
    char *value;
    size_t len;
};

/* The whole of a file ("-": standard input), without the one line end that editors and echo put
 * behind it unless keep. ERR_INVALID when it cannot be a secret. */
int secret_read(const char *path, bool keep, struct secret_text *out, struct err *e);

/* --secret of run: NAME=@FILE, NAME=env:VARIABLE. Plain values; freed with secrets_release(). */
struct given_secrets {
    struct plain_secret v[SECRETS_MAX];
    void *memory[SECRETS_MAX];
    int n;
};
int secrets_for_run(const struct option_list *given, struct given_secrets *out, struct err *e);
void secrets_release(struct given_secrets *g);

/* --secret of submit: NAME (the tenant's) goes to `named`; NAME=@FILE, sealed texts one a line, to
 * `sealed`. */
int secrets_for_job(const struct option_list *given, struct sealed_secrets *sealed,
                    struct permission_entries *named, struct err *e);
