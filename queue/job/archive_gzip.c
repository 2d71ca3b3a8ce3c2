/* gzip around a tar archive. zlib does the work; here are its bounds: one member, all of it, and no
 * more bytes than the buffer may take, whatever the member says of its own length. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "queue/job/archive.h"

#define PIECE     ((size_t)64 << 10)
#define GZIP_BITS (16 + MAX_WBITS) /* gzip's head and sums, nothing else */

bool archive_is_gzip(const char *data, size_t len)
{
    return len >= 2 && (unsigned char)data[0] == 0x1f && (unsigned char)data[1] == 0x8b;
}

int archive_gunzip(const char *data, size_t len, struct buf *out, struct err *e)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    unsigned char *piece = mem_alloc(PIECE);
    int rc = inflateInit2(&z, GZIP_BITS);
    CHECK(rc == Z_OK);
    while (rc == Z_OK && !out->full) {
        z.next_out = piece;
        z.avail_out = (uInt)PIECE;
        rc = inflate(&z, Z_NO_FLUSH);
        buf_add(out, piece, PIECE - z.avail_out);
        if (rc == Z_BUF_ERROR || (rc == Z_OK && z.avail_in == 0 && z.avail_out > 0))
            rc = Z_DATA_ERROR; /* the end is missing */
    }
    size_t left = z.avail_in;
    inflateEnd(&z);
    free(piece);
    if (out->full)
        return err_set(e, ERR_INVALID, "holds more than %zu bytes; allowed: at most that",
                       out->max);
    if (rc != Z_STREAM_END)
        return err_set(e, ERR_INVALID, "its gzip is cut off or damaged");
    if (left > 0)
        return err_set(e, ERR_INVALID,
                       "has %zu bytes behind the end of its gzip; allowed: one member", left);
    return 0;
}
