/* Which layers this test build leaves out: $ISOLANE_ESCAPE_OFF, names as results show them,
 * separated by commas. Read in the supervisor (namespaces), and in the zygote and its cells, to
 * which launch.c hands the entry on. */
#include <string.h>
#include <unistd.h>

#include "sandbox/jail/layers_for_test.h"

#define VARIABLE "ISOLANE_ESCAPE_OFF="

extern char **environ;

char *jail_off_entry(void)
{
    for (char **entry = environ; entry && *entry; entry++)
        if (!strncmp(*entry, VARIABLE, sizeof VARIABLE - 1))
            return *entry;
    return NULL;
}

static const char *name_of(int part)
{
    switch (part) {
    case PART_FOREIGN_UID:
        return "foreign_uid";
    case PART_ONE_DESCRIPTOR:
        return "one_descriptor";
    default:
        return jail_layer_name((enum jail_layer)part);
    }
}

bool jail_off(int layer_or_part)
{
    const char *entry = jail_off_entry(), *name = name_of(layer_or_part);
    size_t len = strlen(name);
    for (const char *p = entry ? entry + sizeof VARIABLE - 1 : NULL; p && *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == len && !memcmp(p, name, n))
            return true;
        p += n;
    }
    return false;
}
