// The one clock of an invocation: everything in a cell that tells a script the time reads it.
//
// How this works
//   It counts from the beginning of the job and moves in steps of the job's clock_us, so that a
//   script cannot time what lies between two steps (Spectre and its kin need that). Three things
//   would give finer time away again:
//   - Two clocks whose steps lie apart: between an edge of one and an edge of the other is less
//     than a step. So there is one: Date is this clock plus the moment of the beginning, which is
//     itself cut to the step. (A correction of the machine's wall clock shows in the next job.)
//   - Timers that fire at exact moments while the clock stands still. So a timer is due when this
//     clock says so, and so are V8's own delayed tasks (Atomics.waitAsync).
//   - Edges at even distances: counting loops between them measure a fraction of a step. So each
//     step begins at a moment of its own inside it, drawn from a key of this invocation: what is
//     read at t is step * floor(t / step), or one step more behind that moment. It never runs back.
#include "sandbox/engine/internal.h"

#include <cmath>
#include <sys/random.h>
#include <time.h>

namespace isolane
{

namespace
{

uint64_t step_us = 1000;
uint64_t began_us;    // CLOCK_MONOTONIC
double began_real_ms; // since 1970, cut to the step
uint64_t key[2];

uint64_t read_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000u + static_cast<uint64_t>(t.tv_nsec) / 1000u;
}

// Murmur3's finalizer twice around two keys: noise, not cryptography.
uint64_t mix(uint64_t x)
{
    for (uint64_t k : key) {
        x ^= k;
        x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
        x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
        x ^= x >> 33;
    }
    return x;
}

// How far into step n its edge lies, 0 to step - 1.
uint64_t edge_of(uint64_t n)
{
    return mix(n) % step_us;
}

} // namespace

void clock_begin(uint32_t clock_us)
{
    step_us = clock_us ? clock_us : 1;
    if (getrandom(key, sizeof key, 0) != sizeof key)
        key[0] = key[1] = read_us(CLOCK_MONOTONIC); // even then no two steps have the same edge
    uint64_t real_us = read_us(CLOCK_REALTIME);
    began_us = read_us(CLOCK_MONOTONIC);
    began_real_ms = static_cast<double>(real_us - real_us % step_us) / 1e3;
}

uint64_t clock_monotonic_us()
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_now_us()
{
    uint64_t t = read_us(CLOCK_MONOTONIC) - began_us, n = t / step_us;
    return (n + (t % step_us >= edge_of(n))) * step_us;
}

double clock_time_ms()
{
    return began_real_ms + static_cast<double>(clock_now_us()) / 1e3;
}

int64_t clock_wait_us(double due_us)
{
    if (due_us <= 0)
        return 0;
    // The clock shows n steps from the edge inside step n - 1 on.
    uint64_t n = static_cast<uint64_t>(std::ceil(due_us / static_cast<double>(step_us)));
    uint64_t at = (n - 1) * step_us + edge_of(n - 1);
    uint64_t t = read_us(CLOCK_MONOTONIC) - began_us;
    return at > t ? static_cast<int64_t>(at - t) : 0;
}

double clock_since_begin_us(uint64_t monotonic_us)
{
    return static_cast<double>(monotonic_us) - static_cast<double>(began_us);
}

} // namespace isolane
