/* Whose pidfd is it? A zygote hands back a pidfd of each cell, and the supervisor, which may be
 * root, sends signals through it. A zygote that was taken over could hand back any other process's:
 * without a pid namespace it can open one of every process of the machine. So no signal goes
 * through a pidfd before the kernel has said that its process is a child of that zygote: then it is
 * nobody's but the enemy's own. Any thread. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum kin {
    KIN_CHILD,    /* of that parent; *pid is it, in our namespace */
    KIN_DEAD,     /* reaped already: nothing can be done to anybody through it */
    KIN_STRANGER, /* somebody else's process, or no pidfd at all */
};

enum kin kin_of(int pidfd, pid_t parent, pid_t *pid);

/* The same by /proc alone, for kernels before 6.13; here for the tests. */
enum kin kin_by_proc(int pidfd, pid_t parent, pid_t *pid);
