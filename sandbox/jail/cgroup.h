/* cgroup v2 around all zygotes and cells of a worker: limits that hold for all of them together.
 * Supervisor only. An optional layer: a machine without it says why, and the worker starts.
 *
 * The layout, below the cgroup that the worker was started in:
 *
 *   <own>/supervisor        the worker itself, where the kernel wants <own> to be empty of
 * processes <own>/isolane-<pid>     zygotes and cells, with the limits
 *
 * The folder of the latter is flock()ed as long as the worker lives, so that the next worker knows
 * which ones were left behind, and removes them. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct cgroup;

struct cgroup_limits { /* each 0: none */
    int64_t memory_bytes;
    int64_t pids;
    int64_t cpu_percent; /* 100: one CPU */
};
/* Where the configuration leaves it open: three quarters of the machine's memory; room for twice
 * pool and max_running (the cells of a zygote and of the one that it replaces), and some. */
struct cgroup_limits cgroup_limits_of(const struct config *c);
bool cgroup_limits_any(const struct cgroup_limits *l);

/* Makes the group below the cgroup that this process is in, with as many of the limits as its
 * controllers allow, and tries a clone into it. May move this process to <own>/supervisor: to be
 * called before there are others, as nats-server. 0, or -errno with e: what was refused (the remedy
 * is jail_remedy(LAYER_CGROUP, errno)). -EOPNOTSUPP: none of the limits can be had. */
int cgroup_open(const struct cgroup_limits *l, struct cgroup **out, struct err *e);

/* A descriptor for jail_clone(). */
int cgroup_fd(const struct cgroup *g);

/* "memory.max 3072 MB, pids.max 88 (no cpu controller) in /sys/fs/cgroup/…" */
void cgroup_describe(const struct cgroup *g, char *out, size_t cap);

/* True once for each process of the group that the kernel's OOM killer has ended. */
bool cgroup_take_oom(struct cgroup *g);

/* Kills what is left in it, removes it, and goes back to where the process was. NULL is fine. */
void cgroup_close(struct cgroup *g);

/* ---- parts, for tests ---- */

#define CGROUP_PATH_MAX 2048

/* Folder of the own v2 cgroup, from the texts of /proc/self/cgroup and /proc/self/mountinfo. 0,
 * -ENOENT: there is no v2 hierarchy, or it is not mounted; -EXDEV: the own group is outside of what
 * is mounted here; -ENAMETOOLONG. */
int cgroup_find(const char *self_cgroup, const char *mountinfo, char out[CGROUP_PATH_MAX]);

/* True when `word` is one of the words of a line such as "cpuset cpu memory\n". */
bool cgroup_has_word(const char *line, const char *word);

/* Value behind "name " in a flat-keyed file such as memory.events; 0 when it is not there. */
uint64_t cgroup_field(const char *text, const char *name);

/* What is written into cpu.max. */
void cgroup_cpu_max(int64_t percent, char *out, size_t cap);

/* cgroup_open() below a given folder. No limits at all: a group without limits. */
int cgroup_open_below(const char *base, const struct cgroup_limits *l, struct cgroup **out,
                      struct err *e);
const char *cgroup_folder(const struct cgroup *g);
