#include "sandbox/host/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/frame.h"

#ifndef MFD_NOEXEC_SEAL /* C libraries before 2.38 do not know it */
#define MFD_NOEXEC_SEAL 8u
#endif

static int write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int keep_make(int source, const char *name, const char *script, size_t script_len,
              const char *files, size_t files_len, struct err *e)
{
    const struct {
        const char *p;
        size_t len;
    } parts[] = {{name, strlen(name)}, {script, script_len}, {files, files_len}};
    const size_t sum = parts[0].len + script_len + files_len;
    if (script_len > FRAME_INVOKE_MAX || files_len > FRAME_INVOKE_MAX ||
        sum > FRAME_INVOKE_MAX - sizeof(struct frame_invoke))
        return err_set(e, ERR_LIMIT, "the source is too long to be kept: found %zu bytes", sum);
    const struct frame_invoke head = {.source = (uint32_t)source,
                                      .name_len = (uint32_t)parts[0].len,
                                      .script_len = (uint32_t)script_len,
                                      .files_len = (uint32_t)files_len};
    int fd = memfd_create("isolane-source", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) /* a kernel before 6.3 */
        fd = memfd_create("isolane-source", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(e, "a file in memory for a source");
    int rc = write_all(fd, (const char *)&head, sizeof head);
    for (size_t i = 0; !rc && i < ARRAY_LEN(parts); i++)
        rc = write_all(fd, parts[i].p, parts[i].len);
    if (!rc && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
        rc = -errno;
    if (!rc)
        return fd;
    errno = -rc;
    rc = err_errno(e, "a file in memory for a source");
    close(fd);
    return rc;
}
