/* How this works: rows that were there before are read by known's own thread, in the order of the
 * index of ids and in many short transactions, so that it reads nothing but that index and never
 * keeps the writer from starting its WAL over. Rows that come meanwhile are added by whoever
 * commits them, so it does not matter whether the thread meets them. */
#include "results/known.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "results/store.h"

#define PROBES       4
#define ROWS_AT_ONCE 2048

struct known {
    uint8_t key[SHORT_HASH_KEY]; /* whoever names jobs cannot choose their bits */
    atomic_bool whole;           /* everything that was there is in it */
    atomic_bool stop;
    pthread_t reader;
    char *db_path;
    _Atomic uint64_t words[KNOWN_BITS / 64];
};

/* A bit for each probe: two halves of one hash give all of them. */
static void bits_of(const struct known *k, const char *tenant, const char *id, uint32_t out[PROBES])
{
    uint64_t of_id = crypto_short_hash(k->key, id, strlen(id));
    uint64_t of_tenant = crypto_short_hash(k->key, tenant, strlen(tenant));
    uint64_t hash = of_id ^ (of_tenant << 1 | of_tenant >> 63); /* an id like its tenant: not 0 */
    for (uint32_t i = 0; i < PROBES; i++)
        out[i] = ((uint32_t)hash + i * ((uint32_t)(hash >> 32) | 1)) % KNOWN_BITS;
}

void known_add(struct known *k, const char *tenant, const char *id)
{
    uint32_t bits[PROBES];
    if (!k)
        return;
    bits_of(k, tenant, id, bits);
    for (int i = 0; i < PROBES; i++)
        atomic_fetch_or_explicit(&k->words[bits[i] / 64], UINT64_C(1) << bits[i] % 64,
                                 memory_order_relaxed);
}

bool known_may_have(const struct known *k, const char *tenant, const char *id)
{
    uint32_t bits[PROBES];
    if (!k || !atomic_load_explicit(&k->whole, memory_order_acquire))
        return true;
    bits_of(k, tenant, id, bits);
    for (int i = 0; i < PROBES; i++)
        if (!(atomic_load_explicit(&k->words[bits[i] / 64], memory_order_relaxed) &
              UINT64_C(1) << bits[i] % 64))
            return false;
    return true;
}

/* ---- what is there ---- */

struct place {
    struct known *known;
    struct buf id, tenant; /* the last row read */
    int rows;
};

static void on_row(const char *tenant, const char *id, void *arg)
{
    struct place *p = arg;
    known_add(p->known, tenant, id);
    buf_clear(&p->id);
    buf_clear(&p->tenant);
    buf_adds(&p->id, id);
    buf_adds(&p->tenant, tenant);
    p->rows++;
}

static int read_all(struct known *k, struct store *s, struct err *e)
{
    struct place p = {.known = k, .rows = ROWS_AT_ONCE};
    int rc = 0;
    while (!rc && p.rows == ROWS_AT_ONCE && !atomic_load(&k->stop)) {
        char *id = mem_strdup(p.id.len ? p.id.data : "");
        char *tenant = mem_strdup(p.tenant.len ? p.tenant.data : "");
        p.rows = 0;
        rc = store_ids_after(s, id, tenant, ROWS_AT_ONCE, on_row, &p, e);
        free(id);
        free(tenant);
    }
    buf_free(&p.id);
    buf_free(&p.tenant);
    return rc;
}

static void *reader(void *arg)
{
    struct known *k = arg;
    struct store *s = NULL;
    struct err e = {0};
    int rc = store_open(k->db_path, STORE_READ, &s, &e);
    if (!rc)
        rc = read_all(k, s, &e);
    store_close(s);
    if (rc) /* every job is looked up then */
        log_warn("store", "%s", e.msg);
    else if (!atomic_load(&k->stop))
        atomic_store_explicit(&k->whole, true, memory_order_release);
    return NULL;
}

int known_open(const char *db_path, struct known **out, struct err *e)
{
    struct known *k = mem_alloc(sizeof *k);
    crypto_random(k->key, sizeof k->key);
    k->db_path = mem_strdup(db_path);
    int rc = thread_start(&k->reader, "isolane-known", reader, k, e);
    if (rc) {
        free(k->db_path);
        free(k);
        return rc;
    }
    *out = k;
    return 0;
}

void known_close(struct known *k)
{
    if (!k)
        return;
    atomic_store(&k->stop, true);
    pthread_join(k->reader, NULL);
    free(k->db_path);
    free(k);
}
