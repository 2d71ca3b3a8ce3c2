/* What durability and proof of a result cost: the same stream of results with and without each.
 *
 * disk       results encoded, hashed, signed and stored by results/ (store_commit) on databases of
 *            the bench's own, in turns. Switched: PRAGMA synchronous FULL or NORMAL, the signature,
 *            the hash chain. No cells, and not the recorder's threads: one thread does all, a row a
 *            commit for the latency, 32 for the CPU time.
 * part       hash and signature alone.
 * jetstream  modelled: jobs published, pulled and acked by the C client, with or without what a
 *            worker publishes of each (its result; a line of live output). Nothing runs them.
 * worker     switched: `isolane up` with live_logs on and off, the one of all these that a
 *            configuration can switch. Needs thousands of jobs and a quiet machine to show
 *            anything beside a job's other costs, so it is left out unless --worker asks for it.
 *
 * CPU time is that of the processes, not of the kernel's threads that write to the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/measure.h"
#include "bench/natsbed.h"
#include "bench/smallresult.h"
#include "results/db.h"
#include "results/envelope.h"
#include "results/fit.h"
#include "results/store.h"

#define GROUP           32
#define GROWN           40  /* groups before anything is measured */
#define LONE            10  /* rows of a turn that are committed one at a time */
#define WINDOW          256 /* jobs in flight through JetStream */
#define JETSTREAM_TURNS 5
#define WORKER_TURNS    3

static int64_t turns = 20, jobs = 6000, lone_jobs = 200, pause_ms = 2, worker_jobs = 0;

/* ---- on the disk ---- */

struct way {
    const char *name;
    bool normal, unsigned_, unchained;
    struct store *store;
    char prev[SHA256_HEX];
    uint64_t seq;
    double cpu_us;
    struct samples durable;
};

struct made {
    struct result *r;
    struct buf statement, envelope;
    char hash[SHA256_HEX];
};

static struct sign_key key;
static int64_t serial;

static void envelope_without_signature(const struct buf *statement, struct buf *out)
{
    size_t room = crypto_base64_len(statement->len);
    char *text = mem_alloc(room);
    crypto_base64(statement->data, statement->len, text, room);
    buf_addf(out, "{\"payload\":\"%s\",\"payloadType\":\"%s\",\"signatures\":[]}", text,
             ENVELOPE_PAYLOAD_TYPE);
    free(text);
}

/* Without the chain every row has zeros for its own hash and for the one before it. */
static void make(struct way *w, struct made *m)
{
    m->r->seq = ++w->seq;
    memcpy(m->r->prev, w->prev, sizeof w->prev);
    result_mend(m->r);
    result_fit(m->r, ENVELOPE_MAX, &m->statement);
    if (w->unchained)
        memcpy(m->hash, w->prev, sizeof m->hash);
    else
        crypto_sha256_hex(m->statement.data, m->statement.len, m->hash);
    if (w->unsigned_)
        envelope_without_signature(&m->statement, &m->envelope);
    else
        envelope_sign(&key, m->statement.data, m->statement.len, &m->envelope);
    memcpy(w->prev, m->hash, sizeof w->prev);
}

/* Latency: from the result there is to its row in the database, durable as far as the way goes. */
static void store_group(struct way *w, int n, bool timed)
{
    struct made made[GROUP] = {0};
    struct store_row rows[GROUP];
    struct err e = {0};
    for (int i = 0; i < n; i++)
        made[i].r = small_result(++serial);
    double from = now_us();
    for (int i = 0; i < n; i++) {
        make(w, &made[i]);
        rows[i] = (struct store_row){.result = made[i].r,
                                     .envelope = made[i].envelope.data,
                                     .envelope_len = made[i].envelope.len,
                                     .hash = made[i].hash};
    }
    must(store_commit(w->store, rows, n, &e), &e, "commit");
    if (timed)
        samples_add(&w->durable, now_us() - from);
    for (int i = 0; i < n; i++) {
        result_free(made[i].r);
        buf_free(&made[i].statement);
        buf_free(&made[i].envelope);
    }
}

static void open_way(struct way *w, const struct bed *bed)
{
    char path[PATH_MAX];
    struct err e = {0};
    must(fs_path(path, sizeof path, &e, "%s/%s.db", bed->dir, w->name), &e, "database");
    must(store_open(path, STORE_WRITE, &w->store, &e), &e, "database");
    if (w->normal)
        must(db_exec(store_db(w->store), "PRAGMA synchronous = NORMAL", "change synchronous", &e),
             &e, "database");
    must(db_grow_wal(store_db(w->store), &e), &e, "database");
    memset(w->prev, '0', sizeof w->prev - 1);
    for (int i = 0; i < GROWN; i++)
        store_group(w, GROUP, false);
}

static void take_turn(struct way *w)
{
    for (int i = 0; i < LONE; i++) {
        usleep((useconds_t)pause_ms * 1000);
        store_group(w, 1, true);
    }
    double from = process_cpu_us(getpid());
    store_group(w, GROUP, false);
    w->cpu_us += process_cpu_us(getpid()) - from;
}

static void run_disk(const struct bed *bed)
{
    static struct way ways[] = {
        {.name = "full"},
        {.name = "normal", .normal = true},
        {.name = "unsigned", .unsigned_ = true},
        {.name = "unchained", .unchained = true},
        {.name = "least", .normal = true, .unsigned_ = true, .unchained = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        open_way(&ways[i], bed);
    for (int64_t t = 0; t < turns; t++)
        for (size_t i = 0; i < ARRAY_LEN(ways); i++)
            take_turn(&ways[i]);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct way *w = &ways[i];
        char name[64];
        if (store_count(w->store) != w->seq)
            die("%s: %llu rows were stored, %llu are there", w->name, (unsigned long long)w->seq,
                (unsigned long long)store_count(w->store));
        snprintf(name, sizeof name, "durability.disk.%s.cpu", w->name);
        metric(name, "us", w->cpu_us / (double)(turns * GROUP));
        snprintf(name, sizeof name, "durability.disk.%s.durable", w->name);
        metric_percentiles(name, "us", &w->durable);
        samples_free(&w->durable);
        store_close(w->store);
    }
}

static void run_parts(void)
{
    struct samples hash = {0}, sign = {0};
    struct buf statement = {0}, envelope = {0};
    char hex[SHA256_HEX];
    struct result *r = small_result(++serial);
    result_mend(r);
    result_fit(r, ENVELOPE_MAX, &statement);
    for (int64_t i = 0; i < turns * GROUP; i++) {
        double from = now_us();
        crypto_sha256_hex(statement.data, statement.len, hex);
        double hashed = now_us();
        buf_clear(&envelope);
        envelope_sign(&key, statement.data, statement.len, &envelope);
        samples_add(&sign, now_us() - hashed);
        samples_add(&hash, hashed - from);
    }
    metric("durability.part.sha256.p50", "us", samples_percentile(&hash, 50));
    metric("durability.part.sign.p50", "us", samples_percentile(&sign, 50));
    samples_free(&hash);
    samples_free(&sign);
    buf_free(&statement);
    buf_free(&envelope);
    result_free(r);
}

/* ---- through JetStream ---- */

struct kind {
    const char *name;
    bool results, logs;
    double cpu_us;
    struct samples seen;
};

static void take_jetstream_turn(struct nats_bed *n, struct kind *k, bool warm)
{
    struct nats_traffic t = {.results = k->results, .logs = k->logs, .window = WINDOW};
    t.jobs = (uint64_t)jobs / JETSTREAM_TURNS;
    struct nats_cost cost = nats_bed_run(n, &t);
    t.jobs = (uint64_t)lone_jobs / JETSTREAM_TURNS;
    t.window = 1;
    t.pause_ms = pause_ms;
    t.latency = &k->seen;
    nats_bed_run(n, &t);
    if (warm)
        k->seen.n = 0;
    else
        k->cpu_us += cost.server_us + cost.clients_us;
}

static void run_jetstream(struct bed *bed)
{
    static struct kind kinds[] = {
        {.name = "jobs"},
        {.name = "results", .results = true},
        {.name = "logs", .results = true, .logs = true},
    };
    static struct nats_bed n;
    nats_bed_open(&n, bed);
    for (int turn = -1; turn < JETSTREAM_TURNS; turn++)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            take_jetstream_turn(&n, &kinds[i], turn < 0);
    nats_bed_close(&n);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char name[64];
        snprintf(name, sizeof name, "durability.jetstream.%s.cpu", kinds[i].name);
        metric(name, "us", kinds[i].cpu_us / JETSTREAM_TURNS);
        snprintf(name, sizeof name, "durability.jetstream.%s.seen", kinds[i].name);
        metric_percentiles(name, "us", &kinds[i].seen);
        samples_free(&kinds[i].seen);
    }
}

/* ---- a real worker ---- */

/* The flood of queue.c, its metrics under another name. */
static void run_worker(const char *live_logs)
{
    char program[PATH_MAX], command[PATH_MAX + 64], line[512];
    const char *build = getenv("ISOLANE_BUILD");
    struct err e = {0};
    must(fs_path(program, sizeof program, &e, "%s/bench/queue", build ? build : "build"), &e,
         "queue");
    snprintf(command, sizeof command, "'%s' --single 0 --flood %lld", program,
             (long long)worker_jobs);
    setenv("ISOLANE_LIVE_LOGS", live_logs, 1);
    FILE *f = popen(command, "r");
    if (!f)
        die("cannot run %s", program);
    while (fgets(line, sizeof line, f)) {
        char unit[16], name[128], full[256];
        double value;
        if (sscanf(line, "{\"metric\":\"queue.%127[^\"]\",\"unit\":\"%15[^\"]\",\"value\":%lf}",
                   name, unit, &value) != 3)
            continue; /* a count, which has no unit */
        snprintf(full, sizeof full, "durability.worker.live-logs-%s.%s", live_logs, name);
        metric(full, unit, value);
    }
    if (pclose(f))
        die("%s failed", program);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"turns", &turns, 1, 100000, "turns of each way to store: 10 lone rows and 32 in a commit"},
        {"jobs", &jobs, 100, 1000000, "jobs through JetStream with many in flight"},
        {"lone", &lone_jobs, 10, 1000000, "jobs through JetStream one at a time"},
        {"worker", &worker_jobs, 0, 10000000,
         "jobs of a real worker with live_logs on and off, three times each; 0: leave out"},
        {"pause", &pause_ms, 0, 1000, "milliseconds before each lone row and job"},
    };
    struct bed bed;
    struct err e = {0};
    bench_options(argc, argv,
                  "What durability and proof of a result cost: synchronous, signature, chain, "
                  "results and live output in JetStream.",
                  options, ARRAY_LEN(options));
    bed_make(&bed);
    must(sign_key_open(bed.paths.key, bed.paths.pub, &key, &e), &e, "key");
    run_disk(&bed);
    run_parts();
    run_jetstream(&bed);
    bed_remove(&bed);
    for (int turn = 0; worker_jobs > 0 && turn < WORKER_TURNS; turn++) {
        run_worker("true");
        run_worker("false");
    }
    return 0;
}
