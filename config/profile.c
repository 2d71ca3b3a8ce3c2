#include "config/profile.h"

#include <string.h>

/* In the order of strictness: a profile allows itself and those behind it. */
const struct profile_info profile_table[PROFILES] = {
    [PROFILE_DEFAULT] = {.name = "default",
                         .help = "V8 with its compilers",
                         .v8_flags = "",
                         .machine_code = true},
    [PROFILE_JITLESS] = {.name = "jitless",
                         .help = "no machine code is made at run time: slower, less to attack",
                         .v8_flags = "--jitless",
                         .machine_code = false},
    [PROFILE_TOOLCHAIN] = {.name = "toolchain",
                           .help = "TypeScript to JavaScript: the worker's own, for no job",
                           .v8_flags = "",
                           .machine_code = true,
                           .tool = "toolchain.js",
                           .tool_mb = 64},
    [PROFILE_TYPESCRIPT] = {.name = "typescript",
                            .help = "the TypeScript compiler: the worker's own, for no job",
                            .v8_flags = "",
                            .machine_code = true,
                            .tool = "typescript.js",
                            .tool_mb = 512},
};

int profile_by_name(const char *name)
{
    for (int i = 0; i < PROFILES; i++)
        if (!profile_table[i].tool && !strcmp(name, profile_table[i].name))
            return i;
    return -1;
}

bool profile_allows(enum profile tenant, enum profile job)
{
    return job >= tenant;
}
