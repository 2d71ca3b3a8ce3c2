/* Inside the room: what clone.c, enter.c and seal.c share with the doctor. */
#pragma once

#include "sandbox/jail/jail.h"

/* A namespace that jail_clone() makes. */
struct jail_namespace {
    enum jail_layer layer;
    uint64_t flag; /* CLONE_NEW… */
};
#define JAIL_NAMESPACES 7
extern const struct jail_namespace jail_namespaces[JAIL_NAMESPACES];

/* 0 when a child can be made with these CLONE_NEW* flags, else errno. Makes and reaps one. */
int jail_try_clone(uint64_t flags);
/* The same, in the cgroup of that descriptor. */
int jail_try_clone_into(uint64_t flags, int cgroup);

/* A step that does not apply to this machine (not a failure; its layer is not in force). Any other
 * step returns 0 or <0 with e filled. */
#define JAIL_STEP_ABSENT 1

/* The version of Landlock that this kernel has, or -errno. */
int jail_landlock_abi(void);
/* True of a version that means: this kernel is without it. */
bool jail_landlock_absent(int abi);
/* Forbids all that this version knows. JAIL_STEP_ABSENT where the kernel has no Landlock. */
int jail_landlock(struct err *e);

/* Walks the steps of jail_enter(). A step that fails leaves its words in e[its layer] (clearing the
 * layer's bit); returns the number of failures, 1 at the first with stop_at_first. e: LAYERS of
 * them. */
int jail_walk_steps(bool stop_at_first, uint32_t *layers, struct err *e);

/* What a person can do about a layer that the kernel refused with errnum; one line, no full stop.
 */
void jail_remedy(enum jail_layer l, int errnum, char *out, size_t cap);

/* "<layer>: <what>: <errno's words>: <remedy>" with code ERR_UNAVAILABLE. Returns -1. */
int jail_refused(struct err *e, enum jail_layer l, int errnum, const char *what);
