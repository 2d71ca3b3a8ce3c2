/* Where things lie in the data folder and beside the program. Any thread. */
#pragma once

#include <limits.h>

#include "base/err.h"

struct data_paths {
    char dir[PATH_MAX];
    char db[PATH_MAX];       /* results.db */
    char key[PATH_MAX];      /* worker.key: Ed25519 secret key, PKCS#8 PEM, mode 0600 */
    char pub[PATH_MAX];      /* worker.pub: public key, SPKI PEM */
    char seal[PATH_MAX];     /* seal.key: X25519 secret key that secrets are sealed to, mode 0600 */
    char seal_pub[PATH_MAX]; /* seal.pub: its public half, SPKI PEM */
    char nats_dir[PATH_MAX]; /* nats/: the embedded server's JetStream folder */
    char url[PATH_MAX];      /* nats.url: URL of the running `up`, removed at its end */
    char kv_db[PATH_MAX];    /* kv.db: what scripts of `isolane run` keep with kv */
    char lock[PATH_MAX];     /* worker.lock: flock'ed by the one worker of this folder */
    char transforms[PATH_MAX]; /* transforms/: what became of TypeScript (a cache) */
    char log[PATH_MAX];        /* isolane.log: of `up --detach` */
};

/* Fills the paths; makes nothing. */
int data_paths(const char *data_dir, struct data_paths *out, struct err *e);

struct engine_paths {
    char dir[PATH_MAX];
    char node[PATH_MAX];     /* the program that carries V8 */
    char cell[PATH_MAX];     /* libisolane-cell.so, preloaded into it */
    char snapshot[PATH_MAX]; /* snapshot.bin */
};

/* Finds the engine folder: $ISOLANE_ENGINE_DIR, else <program>/engine, else
 * <program>/../lib/isolane/engine; checks that all its files are readable. ERR_NOT_FOUND says where
 * it looked and to run make. */
int engine_paths(struct engine_paths *out, struct err *e);
