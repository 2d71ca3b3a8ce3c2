/* What JetStream asks for a job, step by step, when nothing else happens, and in bulk. */
#include "bench/floor_parts.h"
#include "bench/measure.h"
#include "bench/natsbed.h"

#define BULK_JOBS   2000
#define BULK_WINDOW 256
#define WARM_UP     100

enum step { PUBLISH, PULL, ACK, RESULT, DELIVER, STEPS };

static const char *const names[STEPS] = {
    [PUBLISH] = "floor.nats.publish", [PULL] = "floor.nats.pull",       [ACK] = "floor.nats.ack",
    [RESULT] = "floor.nats.result",   [DELIVER] = "floor.nats.deliver",
};

/* counter is what it waits for. */
static void time_step(struct nats_bed *n, enum step step, struct samples *s, int64_t pause_ms)
{
    const uint64_t *counters[STEPS] = {
        [PUBLISH] = &n->job_acks, [PULL] = &n->jobs,    [ACK] = &n->ack_answers,
        [RESULT] = &n->results,   [DELIVER] = &n->jobs,
    };
    if (step == DELIVER) /* the pull waits at the server */
        nats_bed_pull(n, 1);
    nats_bed_rest(n, pause_ms);
    uint64_t target = *counters[step] + 1;
    double from = now_us();
    if (step == PUBLISH || step == DELIVER)
        nats_bed_publish_job(n);
    else if (step == PULL)
        nats_bed_pull(n, 1);
    else if (step == ACK)
        nats_bed_ack(n);
    else
        nats_bed_publish_result(n);
    nats_bed_until(n, counters[step], target);
    samples_add(s, now_us() - from);
}

/* A job that is there before anybody asks, and one that somebody waits for. */
static void time_one(struct nats_bed *n, struct samples s[STEPS], int64_t pause_ms)
{
    time_step(n, PUBLISH, &s[PUBLISH], pause_ms);
    time_step(n, PULL, &s[PULL], pause_ms);
    time_step(n, RESULT, &s[RESULT], pause_ms);
    time_step(n, ACK, &s[ACK], pause_ms);
    time_step(n, DELIVER, &s[DELIVER], pause_ms);
    uint64_t answered = n->ack_answers + 1;
    nats_bed_ack(n);
    nats_bed_until(n, &n->ack_answers, answered);
}

void floor_nats(struct bed *bed, const struct floor_options *o)
{
    static struct nats_bed n;
    struct samples s[STEPS] = {0};
    nats_bed_open(&n, bed);
    const struct nats_traffic warm = {.results = true, .jobs = WARM_UP, .window = BULK_WINDOW};
    const struct nats_traffic bulk = {.results = true, .jobs = BULK_JOBS, .window = BULK_WINDOW};
    nats_bed_run(&n, &warm);
    struct nats_cost cost = nats_bed_run(&n, &bulk);
    for (int64_t i = 0; i < o->count; i++)
        time_one(&n, s, o->pause_ms);
    for (int i = 0; i < STEPS; i++) {
        metric_percentiles(names[i], "us", &s[i]);
        samples_free(&s[i]);
    }
    metric("floor.nats.bulk.jobs", "/s", cost.jobs_per_s);
    metric("floor.nats.bulk.cpu.server", "us", cost.server_us);
    metric("floor.nats.bulk.cpu.clients", "us", cost.clients_us);
    nats_bed_close(&n);
}
