/* Batches: jobs of one tenant whose ids begin with "<batch>.", and a record that says how many
 * there are (docs/protocol.md "Batches"). One worker of the cluster counts their results and writes
 * the batch's own when all are there. Loop thread only. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "config/outcome.h"
#include "executor/cluster/leases.h"
#include "link/link.h"
#include "link/subjects.h"

struct batches;

#define BATCH_JOBS_MAX 10000000

/* The result of a batch. */
struct batch_end {
    const char *tenant, *id;
    int64_t published_at_us; /* its record's time */
    enum outcome outcome;
    const char *value; /* JSON */
    size_t value_len;
    const char *error_name, *error_message; /* NULL where the outcome is ok */
};

struct batches_context {
    uv_loop_t *loop;
    const struct config *config;
    const struct subjects *subjects;
    struct link *link;
    struct leases *leases;
    /* Makes the result durable and publishes it, then calls batches_settled(); for one that is
     * under way already, nothing. */
    void (*end)(const struct batch_end *end, void *arg);
    /* Calls fn for each job that runs here. */
    void (*each_running)(void (*fn)(const char *tenant, const char *id, void *arg), void *fn_arg,
                         void *arg);
    void *arg;
};

struct batches *batches_open(const struct batches_context *ctx);
/* The stream of groups is there, once more. NULL is fine. */
void batches_there(struct batches *b);
/* The results stream has the result of that batch. NULL is fine. */
void batches_settled(struct batches *b, const char *tenant, const char *id);
void batches_close(struct batches *b); /* before leases_close(); NULL is fine */
