/* Load shedding: whether this process has more memory in use than it is meant to. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct shed;

/* Looks every second. `changed` is told with true when more than limit_mb MiB are resident, with
 * false when it is less than nine tenths of it again. limit_mb 0: never. */
struct shed *shed_open(uv_loop_t *loop, int64_t limit_mb,
                       void (*changed)(bool past, int64_t mb, void *arg), void *arg);
void shed_close(struct shed *s); /* NULL is fine */
