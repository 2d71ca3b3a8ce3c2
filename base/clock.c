#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_real_us(void)
{
    return read_us(CLOCK_REALTIME);
}

void clock_rfc3339(int64_t real_us, char out[CLOCK_RFC3339_LEN])
{
    time_t s = (time_t)(real_us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    char day[24];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_RFC3339_LEN, "%.19s.%06uZ", day, (unsigned)(real_us % 1000000) % 1000000u);
}
