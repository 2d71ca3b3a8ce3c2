/* Fuzz target: the cell's end. The supervisor is trusted, and a cell has no secret worth an attack;
 * checked all the same, because what an INVOKE carries was written by a publisher. The source files
 * are taken in whole, with the system calls replaced: the socket is the input (its first byte says
 * how it is cut into reads), leaving the process is a jump back, memory that a cell keeps to its
 * end is given back here. */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static jmp_buf gone;
static const uint8_t *input;
static size_t input_left, piece;
static struct kept {
    struct kept *next;
    max_align_t bytes[];
} * kept;

static _Noreturn void leave_process(void)
{
    longjmp(gone, 1);
}

static ssize_t read_input(void *to, size_t cap)
{
    size_t n = input_left < piece ? input_left : piece;
    n = n < cap ? n : cap;
    memcpy(to, input, n);
    input += n;
    input_left -= n;
    return (ssize_t)n;
}

/* A cell's RLIMIT_DATA refuses no sooner. */
static void *keep(size_t size)
{
    struct kept *k = malloc(sizeof *k + size);
    if (!k)
        return NULL;
    k->next = kept;
    kept = k;
    return k->bytes;
}

static void drop(void *p)
{
    if (!p)
        return;
    struct kept **at = &kept,
                *k = (struct kept *)(void *)((char *)p - offsetof(struct kept, bytes));
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    free(k);
}

/* Before the names are replaced. */
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#define _exit(code)       leave_process()
#define read(fd, to, cap) read_input(to, cap)
#define writev(fd, v, n)  write_nowhere(v, n)
#define ppoll(p, n, t, s) ((void)(p), (void)(t), 1)
#define malloc(size)      keep(size)
#define free(p)           drop(p)

static ssize_t write_nowhere(const struct iovec *v, int n)
{
    ssize_t all = 0;
    for (int i = 0; i < n; i++)
        all += (ssize_t)v[i].iov_len;
    return all;
}

#include "sandbox/zygote/aside.c"
#include "sandbox/zygote/invoke.c"
#include "sandbox/zygote/peer.c"
#include "sandbox/zygote/wire.c"
#undef free

uint64_t engine_heap_peak(void)
{
    return 0;
}

uint64_t engine_over_bytes(void)
{
    return 0;
}

static unsigned look(const char *text, size_t len)
{
    unsigned seen = 0;
    for (size_t i = 0; i < len; i++)
        seen += (unsigned char)text[i];
    return seen;
}

/* One invocation, of so many turns; false when it was none. first: of the one whose bytes are kept.
 */
static bool invocation(uint64_t turns, struct engine_job *first, unsigned *sum)
{
    struct wire_frame f;
    struct frame_invoke inv;
    struct engine_job job;
    unsigned seen = 0;
    while (!wire_next(&f, -1))
        ;
    if (f.head.type != FRAME_INVOKE || !invoke_read(&f.head, f.payload, &inv, &job))
        return false;
    if (!first->id)
        *first = job;
    wire_begin(f.head.id, inv.output_bytes & 0xfffff);
    seen += look(job.id, job.id_len) + look(job.script, job.script_len);
    seen += look(job.input, job.input_len) + look(job.env, job.env_len) +
            look(job.grants, job.grants_len) + look(job.parents, job.parents_len) +
            look(job.files, job.files_len);
    for (uint64_t id = 1; id <= turns; id++) {
        wire_output(1 + (int)(id & 1), job.script, job.script_len);
        wire_call(id & 3, "call", job.input, job.input_len);
        wire_stream(FRAME_DATA, id, job.env, job.env_len & 0xff);
        wire_flush(); /* waits for credit: what comes meanwhile is put aside */
        if (wire_next(&f, 0))
            seen += look(f.payload, f.head.len);
        seen += look(job.env, job.env_len); /* stays where it was */
    }
    seen += look(first->script, first->script_len); /* for ever */
    const struct engine_result r = {.end = FRAME_END_OK, .stays = true};
    wire_done(&r);
    *sum += seen;
    return true;
}

static unsigned live(void)
{
    struct engine_job first = {0};
    unsigned seen = 0;
    for (uint64_t n = 0; invocation(n < 3 ? 2 : UINT64_MAX, &first, &seen); n++)
        wire_rest(n == 0);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned seen; /* so that the looking is done */
    if (size == 0)
        return 0;
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    piece = (size_t)data[0] * 16 + 1;
    input = data + 1;
    input_left = size - 1;
    if (setjmp(gone) == 0)
        seen += live();
    while (kept)
        drop(kept->bytes);
    return 0;
}
