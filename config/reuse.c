#include "config/reuse.h"

#include <string.h>

const char *const reuse_names[REUSES + 1] = {"none", "tenant", "script", NULL};

int reuse_by_name(const char *name)
{
    for (int i = 0; i < REUSES; i++)
        if (!strcmp(name, reuse_names[i]))
            return i;
    return -1;
}
