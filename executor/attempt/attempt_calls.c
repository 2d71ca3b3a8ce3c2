/* Host calls of a script: on to the services (executor/services). */
#include "executor/attempt/attempt_inner.h"

void attempt_called(struct cell *c, uint64_t call_id, const char *name, size_t name_len,
                    const char *json, size_t len, void *arg)
{
    struct attempt *a = arg;
    if (call_id && a->stay)
        warm_talks(a->stay); /* what answers it would come behind those in line */
    const struct service_call call = {
        .attempt = a,
        .run = &a->services,
        .cell = c,
        .call_id = call_id,
        .json = json,
        .len = len,
        .owner = a->owner,
        .owner_arg = a->arg,
        .world = a->facts.world,
    };
    service_take(&call, name, name_len);
}
