#include "sandbox/zygote/keep.h"

#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/frame.h"
#include "sandbox/zygote/invoke.h"

static struct engine_job kept;
static bool is_kept;

int keep_source(int fd, uint64_t heap_bytes, struct err *e)
{
    char why[256] = "";
    struct frame_invoke inv;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < (off_t)sizeof inv || size > (off_t)FRAME_INVOKE_MAX) {
        close(fd);
        return err_set(e, ERR_INVALID, "the source to keep is no INVOKE");
    }
    /* Of a file: a fork neither copies it nor its page tables. */
    char *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    int rc = p == MAP_FAILED ? err_errno(e, "mapping the source to keep") : 0;
    close(fd);
    if (rc)
        return rc;
    const struct frame head = {.len = (uint32_t)size, .type = FRAME_INVOKE};
    if (!invoke_read(&head, p, &inv, &kept))
        return err_set(e, ERR_INVALID, "the source to keep is no INVOKE");
    if (engine_keep(&kept, heap_bytes, why, sizeof why))
        return err_set(e, ERR_UNAVAILABLE, "%s", why);
    is_kept = true;
    return 0;
}

bool keep_fill(struct engine_job *job)
{
    if (!is_kept)
        return false;
    job->source = kept.source;
    job->name = kept.name;
    job->name_len = kept.name_len;
    job->script = kept.script;
    job->script_len = kept.script_len;
    job->files = kept.files;
    job->files_len = kept.files_len;
    return true;
}
