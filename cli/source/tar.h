/* Several files as a tar archive (ustar, with pax headers for long names). The same files give the
 * same bytes: no times, owners or modes of their own. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* files: base/pack.h. Appends all of the archive. */
void tar_write(const char *files, size_t len, struct buf *out);
