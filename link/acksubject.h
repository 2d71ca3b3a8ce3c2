/* What the reply subject of a JetStream delivery tells (ADR-15 of NATS): two forms are in use,
 *   $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.…<pending>[.<random>]
 * Pure function, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ack_facts {
    const char *consumer; /* its name, in the subject: not terminated */
    size_t consumer_len;
    uint64_t delivered; /* 1 at the first delivery */
    uint64_t stream_seq;
    uint64_t consumer_seq; /* counts what this consumer was handed, from 1 */
    int64_t stored_at_us;  /* real time */
    uint64_t pending;      /* messages behind this one */
};

/* False: it is no such subject. */
bool ack_subject_parse(const char *subject, struct ack_facts *out);
