#include "config/outcome.h"
#include "base/mem.h"

const char *outcome_name(enum outcome o)
{
    static const char *const names[OUTCOMES] = {
        [OUTCOME_OK] = "ok",
        [OUTCOME_THREW] = "threw",
        [OUTCOME_CPU_EXCEEDED] = "cpu_exceeded",
        [OUTCOME_WALL_EXCEEDED] = "wall_exceeded",
        [OUTCOME_HEAP_EXCEEDED] = "heap_exceeded",
        [OUTCOME_MEMORY_EXCEEDED] = "memory_exceeded",
        [OUTCOME_OUTPUT_EXCEEDED] = "output_exceeded",
        [OUTCOME_DENIED] = "denied",
        [OUTCOME_CANCELLED] = "cancelled",
        [OUTCOME_CRASHED] = "crashed",
        [OUTCOME_INVALID] = "invalid",
        [OUTCOME_INTERNAL] = "internal",
    };
    CHECK((unsigned)o < OUTCOMES);
    return names[o];
}
