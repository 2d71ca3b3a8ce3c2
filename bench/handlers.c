#include "bench/handlers.h"

#include "bench/measure.h"

static void on_up(void *arg)
{
    struct bed *bed = arg;
    uv_stop(&bed->loop);
}

void bench_failed(const struct err *why, void *arg)
{
    (void)arg;
    die("%s", why->msg);
}

static void on_output(struct attempt *a, int stream, uint64_t offset, const char *text, size_t len,
                      void *arg)
{
    (void)a, (void)stream, (void)offset, (void)text, (void)len, (void)arg;
}

static void on_progress(struct attempt *a, double fraction, const char *text, void *arg)
{
    (void)a, (void)fraction, (void)text, (void)arg;
}

static void on_unstuck(void *arg)
{
    (void)arg;
}

struct executor_events bench_handlers(void (*committed)(struct attempt *a, const struct result *r,
                                                        const char *envelope, size_t len,
                                                        void *arg))
{
    return (struct executor_events){
        .up = on_up,
        .failed = bench_failed,
        .output = on_output,
        .progress = on_progress,
        .committed = committed,
        .stuck = bench_failed,
        .unstuck = on_unstuck,
    };
}
