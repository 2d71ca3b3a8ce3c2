#include "base/pack.h"

#include <stdint.h>

#include "base/buf.h"

void pack_add(struct buf *out, const char *path, size_t path_len, const void *data, size_t data_len)
{
    const uint32_t lens[2] = {(uint32_t)path_len, (uint32_t)data_len};
    buf_add(out, lens, sizeof lens);
    buf_add(out, path, path_len);
    buf_add(out, data, data_len);
}
