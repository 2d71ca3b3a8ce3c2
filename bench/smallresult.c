#include "bench/smallresult.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "results/envelope.h"
#include "results/fit.h"
#include "results/row.h"

struct result *small_result(int64_t serial)
{
    static const char *const layers[] = {"userns", "mountns", "pidns", "netns", "seccomp", NULL};
    struct result *r = result_new();
    char id[32];
    snprintf(id, sizeof id, "bench-%lld", (long long)serial);
    r->id = mem_strdup(id);
    r->tenant = mem_strdup("default");
    r->cls = "normal";
    r->state = "done";
    r->value = mem_strdup("{\"sum\":42,\"list\":[1,2,3]}");
    r->value_len = strlen(r->value);
    r->out = mem_strdup("hello from the job\nand a second line of some length\n");
    r->out_len = r->out_total = strlen(r->out);
    r->err_out = mem_strdup("");
    r->cpu_us = 1234;
    r->wall_us = 2345;
    r->heap_peak = 3456789;
    r->memory_peak = 4567890;
    r->attempts = 1;
    r->published_at_us = r->started_at_us = r->finished_at_us = 1795000000123456;
    r->worker = mem_strdup("bench");
    r->engine = mem_strdup("v8 14.6.202.34-node.34");
    crypto_sha256_hex(id, strlen(id), r->script_sha256);
    crypto_sha256_hex("null", 4, r->input_sha256);
    r->jail = 31;
    r->jail_names = layers;
    memset(r->prev, '0', 64);
    return r;
}

static void make(const struct sign_key *key, struct result *r, struct buf *envelope)
{
    struct buf statement = {0};
    result_mend(r);
    result_fit(r, ENVELOPE_MAX, &statement);
    buf_clear(envelope);
    envelope_sign(key, statement.data, statement.len, envelope);
    buf_free(&statement);
}

void small_envelope(const struct sign_key *key, struct buf *out)
{
    struct result *r = small_result(1);
    make(key, r, out);
    result_free(r);
}

size_t small_row_size(const struct sign_key *key)
{
    struct result *r = small_result(1);
    struct buf envelope = {0};
    struct cell cells[COLUMNS];
    struct row_scratch scratch;
    size_t size = 0;
    make(key, r, &envelope);
    struct store_row row = {
        .result = r, .envelope = envelope.data, .envelope_len = envelope.len, .hash = r->prev};
    row_cells(&row, cells, &scratch);
    for (int c = 0; c < COLUMNS; c++)
        size += cells[c].type == CELL_TEXT || cells[c].type == CELL_BLOB ? cells[c].len
                                                                         : sizeof cells[c].i;
    buf_free(&envelope);
    result_free(r);
    return size;
}
