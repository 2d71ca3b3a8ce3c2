#include "bench/upparts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/jv.h"
#include "base/mem.h"
#include "bench/measure.h"
#include "results/envelope.h"
#include "results/store.h"

#define CELLS_MAX 256

/* nats-server by its name; the zygote is the other process below the supervisor that has children.
 */
void up_find(const struct up_worker *w, struct up_parts *p)
{
    pid_t children[64], grandchildren[64];
    size_t n = process_children(w->supervisor, children, ARRAY_LEN(children));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        process_name(children[i], name, sizeof name);
        if (!strcmp(name, "nats-server"))
            p->nats_server = children[i];
        else if (process_children(children[i], grandchildren, ARRAY_LEN(grandchildren)) > 0)
            p->zygote = children[i];
    }
    if (!p->nats_server || !p->zygote)
        die("cannot find nats-server and zygote below process %d", (int)w->supervisor);
}

static double cells_cpu_us(const struct up_parts *p)
{
    pid_t cells[CELLS_MAX];
    double us = process_reaped(p->zygote).cpu_us;
    size_t n = process_children(p->zygote, cells, CELLS_MAX);
    for (size_t i = 0; i < n; i++) {
        clockid_t clock;
        struct timespec t;
        if (clock_getcpuclockid(cells[i], &clock) == 0 && clock_gettime(clock, &t) == 0)
            us += (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3; /* else it has just ended */
    }
    return us;
}

struct up_usage up_usage_now(const struct up_worker *w, const struct up_parts *p)
{
    return (struct up_usage){
        .at_us = now_us(),
        .cell = cells_cpu_us(p),
        .zygote = process_cpu_us(p->zygote),
        .supervisor = process_cpu_us(w->supervisor),
        .nats_server = process_cpu_us(p->nats_server),
        .publisher = process_cpu_us(getpid()),
        .cell_faults = process_reaped(p->zygote).minor_faults,
    };
}

void up_tell(const char *name, const struct up_usage *from, const struct up_usage *to, double n)
{
    const struct {
        const char *name;
        double us;
    } parts[] = {
        {"cell", to->cell - from->cell},
        {"zygote", to->zygote - from->zygote},
        {"supervisor", to->supervisor - from->supervisor},
        {"nats-server", to->nats_server - from->nats_server},
        {"publisher", to->publisher - from->publisher},
    };
    char metric_name[96];
    double all = 0;
    snprintf(metric_name, sizeof metric_name, "%s.jobs", name);
    metric(metric_name, "/s", n / (to->at_us - from->at_us) * 1e6);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        snprintf(metric_name, sizeof metric_name, "%s.cpu.%s", name, parts[i].name);
        metric(metric_name, "us", parts[i].us / n);
        all += parts[i].us / n;
    }
    snprintf(metric_name, sizeof metric_name, "%s.cpu.all", name);
    metric(metric_name, "us", all);
}

/* ---- were they all done, signed and kept? ---- */

struct audit {
    struct sign_key key;
    uint64_t count;
};

static int audit_one(uint64_t seq, const char *envelope, size_t len, void *arg)
{
    struct audit *a = arg;
    struct err e = {0};
    struct buf result = {0};
    struct jv *v = NULL;
    char *payload = NULL;
    size_t payload_len;
    must(envelope_open(envelope, len, &a->key, &payload, &payload_len, &e), &e, "envelope");
    must(statement_result(payload, payload_len, &result, &e), &e, "statement");
    must(jv_parse(result.data, result.len, &v, &e), &e, "result");
    const char *outcome = jv_string(jv_get(v, "outcome"), NULL);
    if (!outcome || strcmp(outcome, "ok"))
        die("result %llu ended '%s'", (unsigned long long)seq, outcome ? outcome : "");
    a->count++;
    jv_free(v);
    buf_free(&result);
    free(payload);
    return 0;
}

void up_audit(const struct bed *bed, uint64_t expected)
{
    struct audit a = {0};
    struct err e = {0};
    struct store *s = NULL;
    must(sign_key_read_public(bed->paths.pub, &a.key, &e), &e, "public key");
    must(store_open(bed->paths.db, STORE_READ, &s, &e), &e, "results");
    must(store_each(s, 1, audit_one, &a, &e), &e, "results");
    store_close(s);
    if (a.count != expected)
        die("%llu jobs were sent, %llu results are in the database", (unsigned long long)expected,
            (unsigned long long)a.count);
}
