#include "executor/services/service.h"

#include <string.h>

#include "base/mem.h"

static const struct service *const table[] = {
    &service_progress,
};

const struct service *service_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i]->name) == len && !memcmp(table[i]->name, name, len))
            return table[i];
    return NULL;
}
