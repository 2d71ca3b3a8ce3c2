/* What an object may be called. A file of its own: decoders of jobs need it, and nothing else of
 * the object store. */
#include <string.h>

#include "base/utf8.h"
#include "link/obj_inner.h"

bool obj_name_valid(const char *name, size_t len)
{
    if (len < 1 || len > OBJ_NAME_MAX || utf8_valid_prefix(name, len) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

int obj_check_name(const char *name, struct err *e)
{
    if (obj_name_valid(name, strlen(name)))
        return 0;
    return err_set(e, ERR_INVALID,
                   "object: found the name '%.64s'; allowed: 1 to %d bytes of UTF-8 without "
                   "control characters",
                   name, OBJ_NAME_MAX);
}
