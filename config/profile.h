/* What a zygote is started with. A tenant has one; a job may ask for a stricter one than its
 * tenant's, never for a looser. */
#pragma once

#include <stdbool.h>

enum profile {
    PROFILE_DEFAULT, /* V8 as it is: interpreter and compilers */
    PROFILE_JITLESS, /* no machine code is made at run time; no WebAssembly */
    /* The worker's own, that no job or tenant can name: their zygotes hold a tool and run nothing
     * else (sandbox/toolchain). */
    PROFILE_TOOLCHAIN,  /* TypeScript to JavaScript, fast */
    PROFILE_TYPESCRIPT, /* the TypeScript compiler: JSX, decorators, type checks */
    PROFILES
};

struct profile_info {
    const char *name;     /* in config, job and result: "jitless" */
    const char *help;     /* one line for --help and docs */
    const char *v8_flags; /* beside the engine's own; "" for none */
    bool machine_code;    /* compilers may write code at run time */
    const char *tool;     /* file of the engine folder loaded before the fork; NULL: none */
    unsigned tool_mb;     /* heap that it may take when it is loaded */
};

extern const struct profile_info profile_table[PROFILES];

/* Index of the profile of that name that jobs and tenants may have, or -1. */
int profile_by_name(const char *name);

/* Whether a tenant with profile `tenant` may have a job run under `job`. */
bool profile_allows(enum profile tenant, enum profile job);
