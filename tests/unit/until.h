/* Waits for something that a fixture's loop brings about. Its `loop` needs a timer that ticks, so
 * that a turn ends. Behind cmocka.h. */
#pragma once

#include <uv.h>

#include "base/clock.h"

#define WAIT_MS 20000

#define UNTIL(f, cond)                                                                             \
    do {                                                                                           \
        int64_t until_ = clock_mono_us() + WAIT_MS * 1000ll;                                       \
        while (!(cond) && clock_mono_us() < until_)                                                \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(cond);                                                                         \
    } while (0)
