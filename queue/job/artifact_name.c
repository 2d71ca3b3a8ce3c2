#include "queue/job/artifact_name.h"

#include <string.h>

bool artifact_name_valid(const char *name, size_t len)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    if (len < 1 || len > ARTIFACT_NAME_MAX || name[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        bool begins = i == 0 || name[i - 1] == '/';
        if (begins && (name[i] == '.' || name[i] == '/'))
            return false;
        if (name[i] != '/' && (!name[i] || !strchr(plain, name[i])))
            return false;
    }
    return true;
}
