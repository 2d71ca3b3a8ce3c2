#include "executor/front/shed.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/mem.h"

#define LOOK_MS    1000
#define BELOW_PART 10 /* again: a tenth below the limit */

struct shed {
    int64_t limit_mb;
    void (*changed)(bool past, int64_t mb, void *arg);
    void *arg;
    bool past;
    uv_timer_t look;
};

static int64_t resident_mb(void)
{
    size_t bytes = 0;
    return uv_resident_set_memory(&bytes) ? 0 : (int64_t)(bytes >> 20);
}

static void on_look(uv_timer_t *t)
{
    struct shed *s = t->data;
    int64_t mb = resident_mb();
    int64_t limit = s->past ? s->limit_mb - s->limit_mb / BELOW_PART : s->limit_mb;
    if (mb > limit) { /* what the library keeps of what was freed does not count */
        malloc_trim(0);
        mb = resident_mb();
    }
    if ((mb > limit) == s->past)
        return;
    s->past = mb > limit;
    s->changed(s->past, mb, s->arg);
}

struct shed *shed_open(uv_loop_t *loop, int64_t limit_mb,
                       void (*changed)(bool past, int64_t mb, void *arg), void *arg)
{
    struct shed *s = mem_alloc(sizeof *s);
    s->limit_mb = limit_mb;
    s->changed = changed;
    s->arg = arg;
    uv_timer_init(loop, &s->look);
    uv_unref((uv_handle_t *)&s->look);
    s->look.data = s;
    if (limit_mb)
        uv_timer_start(&s->look, on_look, LOOK_MS, LOOK_MS);
    return s;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void shed_close(struct shed *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->look, on_closed);
}
