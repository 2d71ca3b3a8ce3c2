/* Confinement: the layers of docs/security.md, each a named step. C17; linked into the supervisor
 * (which makes the namespaces) and into the cell runtime (which shuts the doors behind itself). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"

#ifdef __cplusplus
extern "C" {
#endif

enum jail_layer {
    LAYER_USER_NS,
    LAYER_MOUNT_NS, /* with an empty read-only root */
    LAYER_PID_NS,
    LAYER_NET_NS,
    LAYER_IPC_NS,
    LAYER_UTS_NS,
    LAYER_CGROUP_NS,
    LAYER_NO_CAPS,
    LAYER_NO_NEW_PRIVS,
    LAYER_RLIMITS,
    LAYER_LANDLOCK,     /* where the kernel has it */
    LAYER_SECCOMP,      /* in the cell */
    LAYER_NOT_DUMPABLE, /* in the cell */
    LAYER_CGROUP,       /* of a worker: limits for all its cells together (cgroup.h) */
    LAYERS
};

/* A machine may be without these: what it lacks is shown and not refused. */
#define JAIL_OPTIONAL (1u << LAYER_LANDLOCK | 1u << LAYER_CGROUP)

/* "userns", "mountns", … as results and doctor show them. */
const char *jail_layer_name(enum jail_layer l);

/* Supervisor: clones a child that is pid 1 of the new namespaces (by mode; with JAIL_PREFER those
 * that the kernel refuses are left out), with uid and gid maps written. Returns the pid in the
 * parent (and a pidfd in *pidfd, close-on-exec), 0 in the child, or <0 with e: layer, kernel's
 * reason, remedy. *layers gets the bits (1 << enum jail_layer) in force so far, valid on both
 * sides. The child is inside user namespace uid 0 until jail_enter(). cgroup: descriptor of the
 * cgroup v2 folder that it is born in, with any mode but JAIL_OFF; -1: the caller's. */
pid_t jail_clone(enum jail_mode mode, int cgroup, int *pidfd, uint32_t *layers, struct err *e);

/* Zygote, after everything it needs is loaded and opened: empty read-only root, foreign uid,
 * capabilities, no_new_privs, rlimits, Landlock, a name of its own, not dumpable, parent-death
 * signal. A flat list of steps; the first that fails under JAIL_REQUIRE fails all. Adds to *layers.
 */
int jail_enter(enum jail_mode mode, uint32_t *layers, struct err *e);

/* Cell, right after the fork and before any byte of a job is read: not dumpable, seccomp filter
 * (precompiled by tools/mkfilter from sandbox/jail/syscalls.h), above the zygote's where it has
 * one. no_code: no memory may become executable any more. 0 or -errno; adds to *layers. */
int jail_seal_cell(enum jail_mode mode, bool no_code, uint32_t *layers);

/* Zygote, behind jail_enter() and before it reads what a tenant wrote: a filter that leaves it what
 * it takes to fork and seal cells (forker_syscalls.h). Its cells have it too, below their own. With
 * JAIL_PREFER a kernel that refuses it is no error. */
int jail_seal_zygote(enum jail_mode mode, struct err *e);

/* Reads what jail_seal_cell() will in a cell of a zygote with a filter: for the zygote to know
 * which memory that is. */
void jail_touch_seal(void);

/* Name of a system call number ("openat"), or NULL: for the `denied` outcome's message. */
const char *jail_syscall_name(uint32_t nr);

/* One line of the doctor's table. */
struct jail_check {
    const char *layer;
    bool available, optional; /* optional: one of JAIL_OPTIONAL, and this machine lacks it */
    char detail[256];         /* how it shows, or the kernel's reason */
    char remedy[256];         /* "" when available */
};

struct cgroup_limits;

/* Tries each layer in throw-away children; the cgroup with these limits. Returns the number of
 * checks written. */
int jail_doctor(const struct cgroup_limits *limits, struct jail_check *out, int cap);

#ifdef __cplusplus
}
#endif
