/* How this works
 *
 * Each row of the table becomes a block: make the call, note how it ended. A trapped call does not
 * happen; its SIGSYS handler leaves the number in `trapped` and returns, so that one cell makes all
 * attempts (some 2 µs each). A fork that succeeds makes a second process that comes by here as
 * well: it is recognised by its pid and ends.
 */
#include "sandbox/zygote/probe.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/jail/probes.h"

#define DESCRIPTORS 128 /* looked at; RLIMIT_NOFILE is below that */

static volatile int64_t trapped; /* number of the call that the filter stopped, -1: none */

static struct {
    char text[JAIL_PROBE_REPORT_MAX];
    size_t len;
    uint32_t layers;
} report;

void probe_on_denied(uint32_t syscall_number)
{
    trapped = syscall_number;
}

/* ---- the report ---- */

static void put(const char *text)
{
    size_t len = strlen(text);
    if (report.len + len > sizeof report.text)
        _exit(1); /* JAIL_PROBE_REPORT_MAX is too small */
    memcpy(report.text + report.len, text, len);
    report.len += len;
}

static void put_number(int64_t n)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put(digits + at);
}

/* n: -1 for none. No snprintf(): it would take longer than the attempt. */
static void note(const char *by, int64_t n)
{
    put(report.len ? ",\"" : "[\"");
    put(by);
    if (n >= 0) {
        put(" ");
        put_number(n);
    }
    put("\"");
}

static bool tried(int layer)
{
    trapped = -1;
    if (layer == PROBE_PROCESS || (report.layers & (1u << layer)))
        return true;
    note("skipped", -1);
    return false;
}

static void note_call(long rc, int error, pid_t self)
{
    if (trapped >= 0) {
        note("seccomp", trapped);
        return;
    }
    if (getpid() != self)
        _exit(0); /* the child of a fork that should not have been */
    if (rc < 0)
        note("errno", error);
    else
        note("nothing", -1);
}

static void note_code(int error)
{
    if (trapped >= 0)
        note("seccomp", trapped);
    else if (error)
        note("errno", error);
    else
        note("nothing", -1);
}

/* ---- attempts that the filter is not there to stop ---- */

static int read_other_files(void)
{
    char byte;
    for (int fd = 1; fd < DESCRIPTORS; fd++)
        if (read(fd, &byte, 0) >= 0 || errno != EBADF)
            return 0;
    return EBADF;
}

static int write_other_files(void)
{
    const struct iovec none = {NULL, 0};
    for (int fd = 1; fd < DESCRIPTORS; fd++)
        if (writev(fd, &none, 0) >= 0 || errno != EBADF)
            return 0;
    return EBADF;
}

static int raise_limit(__rlimit_resource_t resource)
{
    const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(resource, &most) ? errno : 0;
}

static int raise_core(void)
{
    return raise_limit(RLIMIT_CORE);
}

static int raise_file_size(void)
{
    return raise_limit(RLIMIT_FSIZE);
}

static int raise_files(void)
{
    return raise_limit(RLIMIT_NOFILE);
}

static int raise_processes(void)
{
    return raise_limit(RLIMIT_NPROC);
}

static int raise_locked_memory(void)
{
    return raise_limit(RLIMIT_MEMLOCK);
}

static int raise_memory(void)
{
    return raise_limit(RLIMIT_DATA);
}

static int map_anonymous(size_t len, int more_flags)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | more_flags, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int take_more_memory(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_DATA, &r) || r.rlim_cur == RLIM_INFINITY)
        return 0;
    return map_anonymous((size_t)r.rlim_cur & ~(size_t)4095, 0);
}

static int map_zero(void)
{
    return map_anonymous(4096, MAP_FIXED);
}

/* ---- all of them ---- */

/* vfork's child runs on its parent's stack: it must not return from anything. */
static inline __attribute__((always_inline)) long bare_vfork(void)
{
    long rc;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %2, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(rc)
                     : "0"((long)SYS_vfork), "i"(SYS_exit_group)
                     : "rcx", "r11", "rdi", "memory", "cc");
    errno = rc < 0 ? (int)-rc : 0;
    return rc;
}

#define TRY_CALL(name, call, ...)                                                                  \
    if (tried(LAYER_SECCOMP)) {                                                                    \
        long rc = SYS_##call == SYS_vfork ? bare_vfork() : syscall(SYS_##call, __VA_ARGS__);       \
        note_call(rc, errno, self);                                                                \
    }
#define TRY_CODE(name, layer, what)                                                                \
    if (tried(layer))                                                                              \
        note_code(name());

const char *probe_run(uint32_t layers, size_t *len)
{
    static char scratch[4096];
    static const char zeroes[256];
    static char *const nothing[] = {NULL};
    const pid_t self = getpid();
    report.layers = layers;
    JAIL_PROBES(TRY_CALL, TRY_CODE)
    put("]");
    *len = report.len;
    return report.text;
}
