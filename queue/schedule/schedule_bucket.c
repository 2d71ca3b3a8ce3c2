#include "queue/schedule/schedule_bucket.h"

#include "queue/schedule/schedule.h"

struct kv *schedule_bucket(uv_loop_t *loop, struct link *l, const struct config *c,
                           const struct subjects *s)
{
    struct kv_options o = {
        .bucket = s->schedules_bucket,
        .about = "schedules of Isolane",
        .history = 1,
        .max_bytes = -1,
        .max_value = SCHEDULE_VALUE_MAX,
        .replicas = (int)c->nats.replicas,
    };
    return kv_new(loop, l, &o);
}
