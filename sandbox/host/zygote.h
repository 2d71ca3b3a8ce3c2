/* Supervisor's handle on a zygote. Loop thread only.
 *
 * States: STARTING (process made, not up) → UP (forks on request) → GONE (exited or killed; told
 * once through `gone`). Freeing a zygote kills it and every cell of it. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "config/config.h"
#include "config/paths.h"
#include "sandbox/zygote/control.h"

struct cgroup;
struct zygote;

struct zygote_options {
    enum jail_mode jail;
    const struct engine_paths *paths; /* copied */
    const char *v8_flags;             /* of the profile; NULL for none; copied */
    const char *preload;              /* file name of a tool in the engine folder; NULL: none */
    bool preload_quick;               /* it warms up less */
    unsigned preload_mb;              /* heap that it may take, or the source below */
    int keep_fd;  /* of a source to compile before it forks (host/keep.h), the caller's; 0: none */
    bool no_code; /* the profile makes no machine code: no memory of a cell may become it */
    /* Only some cells will be wanted: up in half the time, each cell some 0.3 to 1.5 ms dearer. */
    bool few_cells;
    struct cgroup *cgroup; /* that it is born in; NULL: the caller's. Must outlive the zygote */
};

struct zygote_info {            /* valid from `up` on */
    uint32_t layers;            /* 1 << enum jail_layer, zygote's and cells' */
    uint32_t threads, mappings; /* mappings: those that a fork copies */
    uint64_t private_dirty_bytes, huge_bytes;
    uint64_t cell_rss_bytes; /* of a cell that is ready: what a job takes comes on top */
    char engine[64];
    char flags[CONTROL_FLAGS_MAX]; /* V8's, in force */
    int pid;                       /* on the host */
};

struct zygote_events {
    void (*up)(struct zygote *z, void *arg);
    /* Told once; why->msg says how (exit status, signal, its own words). All its cells get their
     * own `gone` before this. The handle stays valid until zygote_free(). */
    void (*gone)(struct zygote *z, const struct err *why, void *arg);
};

/* Starts the process; `up` or `gone` follows from the loop. */
int zygote_start(uv_loop_t *loop, const struct zygote_options *o, const struct zygote_events *ev,
                 void *arg, struct zygote **out, struct err *e);

const struct zygote_info *zygote_info(const struct zygote *z);
int zygote_live_cells(const struct zygote *z);

/* Kills what is left, closes the handles; memory goes in the loop's close callbacks. Its cells must
 * be freed before. NULL is fine. */
void zygote_free(struct zygote *z);
