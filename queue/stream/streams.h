/* The streams and consumers of JetStream: made when they are missing, used as they are when they
 * are there (a warning names each setting that differs), never changed. By requests to the
 * JetStream API (docs/protocol.md "Streams and consumers" is the text). Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "link/link.h"
#include "link/subjects.h"
#include "queue/stream/consumer.h"

struct streams;

struct streams_end {
    const struct err *why; /* NULL: all are there */
    bool passing; /* it may well work in a while (no answer, connection lost, no leader in the
                   * cluster); otherwise a person must do what `why` says. ERR_CONFLICT: a
                   * consumer of the other kind is in the way (queue/stream/rivals.h) */
    /* The jobs stream gives sequences that an older one may have given before: one that is a job's
     * id may have a result of another job. */
    bool sequences_repeat;
};
typedef void (*streams_done)(const struct streams_end *end, void *arg);

enum streams_scope {
    STREAMS_ALONE,
    STREAMS_AND_CONSUMERS,
    CONSUMERS_ALONE, /* the streams are known to be there; at least one */
};

/* Begins; `done` is called once, unless cancelled before: in a later turn of the loop, or (no
 * connection) before this returns, which is NULL then. c, s and the consumers (not the list of
 * them) are kept until then; `made` is set in those that are new. used_seq: the highest sequence of
 * the jobs stream that the caller has a result of, 0: none. */
struct streams *streams_begin(struct link *l, const struct config *c, const struct subjects *s,
                              struct consumer **consumers, int count, enum streams_scope scope,
                              uint64_t used_seq, streams_done done, void *arg);
/* No call any more. */
void streams_cancel(struct streams *t);

#define MOVER_NAME "mover" /* the consumer of the stream of jobs for later */
