/* What a zygote says on its control socket, checked: sizes, kinds, numbers, counts, descriptors. No
 * I/O and no trust: whoever took over a cell may have taken over its zygote, too. zygote.c brings
 * the messages and acts on them, claims_fuzz.c brings noise. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/zygote/control.h"

union control_message {
    uint32_t kind;
    struct control_up up;
    struct control_failed failed;
    struct control_forked forked;
    struct control_exited exited[CONTROL_EXITED_MAX];
};

/* Of one zygote. A cell is told of once as forked and once as ended, so what may still be said is
 * counted: a flood ends itself. */
struct claims {
    bool up;
    uint64_t first, next; /* numbers of cells that were given out: first to next - 1 */
    uint64_t forked, exited;
};

enum claim {
    CLAIM_LIE = -1, /* *why says which */
    CLAIM_UP,
    CLAIM_FAILED,
    CLAIM_FORKED, /* one descriptor came with it when pid > 0, none otherwise */
    CLAIM_EXITED  /* *n structs */
};

/* m: `len` bytes came, the rest is zero; fds: descriptors that came beside it, -1: more than can
 * be. Texts in m are made printable. */
enum claim claims_take(struct claims *c, union control_message *m, size_t len, int fds, size_t *n,
                       const char **why);
