/* The jail's layers, each tried in a child of its own: as the user who runs the tests and, when
 * that is root, as an ordinary user too. */
#include "tests/unit/jail_child.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/mem.h"
#include "tests/unit/lacking.h"

/* ---- inside the jail ---- */

static void see_layers(uint32_t layers)
{
    const uint32_t of_cells = 1u << LAYER_SECCOMP | 1u << LAYER_NOT_DUMPABLE;
    NEED((layers | of_cells | JAIL_OPTIONAL) == (1u << LAYERS) - 1);
    NEED(!(layers & of_cells));
}

static void see_nothing_of_the_files(uint32_t layers)
{
    (void)layers;
    NEED(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
    NEED(open("/proc/self/maps", O_RDONLY) < 0 && errno == ENOENT);
    NEED(open("/x", O_CREAT | O_WRONLY, 0600) < 0);
    NEED(mkdir("/x", 0700) < 0);
    NEED(chdir("..") == 0 && open("etc", O_RDONLY) < 0);
    NEED(mount("x", "/", "tmpfs", 0, NULL) < 0 && errno == EPERM);
    NEED(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) < 0);
    NEED(chroot("/") < 0 && errno == EPERM);
}

/* Not for want of privilege: a user namespace needs none. */
static void make_no_more_namespaces(uint32_t layers)
{
    (void)layers;
    NEED(unshare(CLONE_NEWUSER) < 0 && errno == ENOSPC);
    NEED(unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && errno == ENOSPC);
}

static void gain_no_privilege(uint32_t layers)
{
    (void)layers;
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    for (int cap = 0; cap <= 40; cap++)
        NEED(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1);
    NEED(getuid() == 65534 ? setuid(0) < 0 : getuid() == 0); /* 0: an ordinary user outside */
    NEED(sethostname("x", 1) < 0 && errno == EPERM);
    NEED(setpriority(PRIO_PROCESS, 0, -20) < 0);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0); /* no process of its user traces it */
}

static void be_alone(uint32_t layers)
{
    (void)layers;
    struct utsname own;
    NEED(getpid() == 1);
    NEED(uname(&own) == 0 && !strcmp(own.nodename, "isolane"));
    int s = socket(AF_INET, SOCK_DGRAM, 0); /* Landlock leaves UDP alone */
    struct {
        unsigned short family, port;
        unsigned addr;
        char zero[8];
    } loopback = {AF_INET, 0x0100, 0x0100007f, {0}};
    NEED(s >= 0 && connect(s, (void *)&loopback, sizeof loopback) < 0 && errno == ENETUNREACH);
}

static void be_limited(uint32_t layers)
{
    (void)layers;
    struct rlimit r;
    NEED(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0);
    NEED(getrlimit(RLIMIT_FSIZE, &r) == 0 && r.rlim_max == 0);
    NEED(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max <= 64);
    NEED(getrlimit(RLIMIT_NPROC, &r) == 0 && r.rlim_max <= 2048);
    NEED(getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_max == 0);
    r.rlim_cur = r.rlim_max = 1024;
    NEED(setrlimit(RLIMIT_NOFILE, &r) < 0 && errno == EPERM);
}

#define INSIDE(name, fn)                                                                           \
    static void child_##name(void)                                                                 \
    {                                                                                              \
        jailed(fn);                                                                                \
    }                                                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        holds(child_##name);                                                                       \
    }
INSIDE(all_layers_are_in_force, see_layers)
INSIDE(no_file_can_be_seen_or_made, see_nothing_of_the_files)
INSIDE(no_privilege_can_be_gained, gain_no_privilege)
INSIDE(no_namespace_can_be_made_inside, make_no_more_namespaces)
INSIDE(there_is_no_other_process_and_no_network, be_alone)
INSIDE(resources_are_limited_for_good, be_limited)

/* ---- the filter ---- */

static bool above_zygotes; /* the cell's filter comes above its zygote's */

static void seal_as(bool no_code)
{
    uint32_t layers = 0;
    struct err e = {0};
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    NEED(!above_zygotes || jail_seal_zygote(JAIL_REQUIRE, &e) == 0);
    NEED(jail_seal_cell(JAIL_REQUIRE, no_code, &layers) == 0);
    NEED(layers == (1u << LAYER_SECCOMP | 1u << LAYER_NOT_DUMPABLE));
}

static void seal(void)
{
    seal_as(false);
}

/* The address sanitizer's runtime makes system calls that no cell makes. */
#ifdef __SANITIZE_ADDRESS__
#define NOT_SANITIZED() SKIP_FOR("under the address sanitizer")
#else
#define NOT_SANITIZED() ((void)0)
#endif

/* ---- no machine code ---- */

static bool sealed_no_code;
static int code_attempt;
static char page[4096] __attribute__((aligned(4096)));

enum { MAP_CODE, MAP_WRITABLE_CODE, PROTECT_CODE, PKEY_PROTECT_CODE, CODE_ATTEMPTS };

static void sealed_child_makes_code(void)
{
    void *p = MAP_FAILED;
    seal_as(sealed_no_code);
    NEED((p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) !=
         MAP_FAILED);
    NEED(mprotect(p, 4096, PROT_READ) == 0);
    if (code_attempt == MAP_CODE)
        NEED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
             MAP_FAILED);
    if (code_attempt == MAP_WRITABLE_CODE)
        NEED(mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
    if (code_attempt == PROTECT_CODE)
        NEED(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
    if (code_attempt == PKEY_PROTECT_CODE)
        NEED(syscall(SYS_pkey_mprotect, p, 4096, PROT_EXEC, -1) == 0);
    _exit(0);
}

static void memory_becomes_code_only_where_the_profile_makes_some(void **state)
{
    (void)state;
    NOT_SANITIZED();
    for (int attempt = 0; attempt < 2 * CODE_ATTEMPTS; attempt++) {
        code_attempt = attempt / 2;
        above_zygotes = attempt % 2;
        sealed_no_code = false;
        assert_int_equal(in_child(sealed_child_makes_code, false), 0);
        sealed_no_code = true;
        int status = in_child(sealed_child_makes_code, false);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("attempt %d ended with status 0x%x, not SIGSYS", code_attempt, status);
    }
    above_zygotes = false;
}

static long forbidden[6];

static void sealed_child_makes_the_call(void)
{
    seal();
    syscall(forbidden[0], forbidden[1], forbidden[2], forbidden[3], forbidden[4], forbidden[5]);
}

static void try_forbidden_calls(void)
{
    const long calls[][6] = {
        {SYS_openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY},
        {SYS_open, (long)"/etc/passwd", O_RDONLY},
        {SYS_socket, AF_UNIX, SOCK_STREAM, 0},
        {SYS_connect, 0, 0, 0},
        {SYS_fork},
        {SYS_vfork},
        {SYS_clone, SIGCHLD},
        {SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD},
        {SYS_clone3, 0, 0},
        {SYS_execve, (long)"/bin/true", 0, 0},
        {SYS_execveat, AT_FDCWD, (long)"/bin/true"},
        {SYS_ptrace, PTRACE_TRACEME},
        {SYS_kill, 1, 0},
        {SYS_tkill, 1, 0},
        {SYS_tgkill, 1, 1, 0},
        {SYS_rt_sigqueueinfo, 1, SIGTERM, 0},
        {SYS_prlimit64, 1, RLIMIT_CORE},
        {SYS_rt_sigaction, SIGSYS, 0, 0, 8},
        {SYS_prctl, PR_SET_DUMPABLE, 1},
        {SYS_seccomp, 1, 0, 0},
        {SYS_io_uring_setup, 1, 0},
        {SYS_bpf, 0},
        {SYS_keyctl, 0},
        {SYS_userfaultfd, 0},
        {SYS_memfd_create, 0, 0},
        {SYS_process_vm_readv, 1},
        {SYS_pidfd_open, 1, 0},
        {SYS_perf_event_open, 0},
        {SYS_unshare, CLONE_NEWUSER},
        {SYS_setns, 0},
        {SYS_getppid},
        {SYS_uname, 0},
        {SYS_getrandom | 0x40000000, 0, 0, 0}, /* x32's numbering */
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        memcpy(forbidden, calls[i], sizeof forbidden);
        int status = in_child(sealed_child_makes_the_call, false);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s (%ld): wait status 0x%x", jail_syscall_name((uint32_t)calls[i][0]),
                     calls[i][0], status);
    }
}

static void forbidden_calls_end_the_process(void **state)
{
    (void)state;
    try_forbidden_calls();
    above_zygotes = true;
    try_forbidden_calls();
    above_zygotes = false;
}

/* ---- the zygote's filter ---- */

static void sealed_zygote_forks(void)
{
    struct err e = {0};
    int status = -1;
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    NEED(jail_seal_zygote(JAIL_REQUIRE, &e) == 0);
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(7);
    NEED(pid > 0 && wait4(pid, &status, 0, NULL) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    if (forbidden[0])
        syscall(forbidden[0], forbidden[1], forbidden[2], forbidden[3], forbidden[4]);
    _exit(0);
}

static void a_zygote_does_nothing_but_fork(void **state)
{
    (void)state;
    NOT_SANITIZED();
    const long calls[][6] = {
        {SYS_openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY},
        {SYS_socket, AF_UNIX, SOCK_STREAM, 0},
        {SYS_clone, CLONE_NEWUSER | SIGCHLD},
        {SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD},
        {SYS_clone3, 0, 0},
        {SYS_execve, (long)"/bin/true", 0, 0},
        {SYS_kill, 1, 0},
        {SYS_mount, 0, 0, 0, 0},
        {SYS_prctl, PR_SET_NAME, (long)"x"},
        {SYS_seccomp, 2, 0, 0}, /* SECCOMP_GET_ACTION_AVAIL */
        {SYS_unshare, CLONE_NEWUSER},
        {SYS_rt_sigaction, SIGSYS, 0, 0, 8},
    };
    memset(forbidden, 0, sizeof forbidden);
    assert_int_equal(in_child(sealed_zygote_forks, false), 0);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        memcpy(forbidden, calls[i], sizeof forbidden);
        int status = in_child(sealed_zygote_forks, false);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s: wait status 0x%x", jail_syscall_name((uint32_t)calls[i][0]), status);
    }
}

static volatile int trapped;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    trapped = info->si_syscall;
    _exit(trapped == SYS_openat ? 0 : 2);
}

static void sealed_child_is_told_the_number(void)
{
    struct sigaction a = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    NEED(sigaction(SIGSYS, &a, NULL) == 0);
    seal();
    syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
    _exit(3);
}

static void a_trapped_call_can_be_named(void **state)
{
    (void)state;
    NOT_SANITIZED();
    holds(sealed_child_is_told_the_number);
}

static void sealed_child_lives(void)
{
    struct rlimit r = {1 << 30, 1 << 30};
    struct rusage u;
    char byte;
    seal();
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
    NEED(munmap(p, 4096) == 0);
    NEED(syscall(SYS_getrandom, &byte, 1, 0) == 1);
    NEED(getrusage(RUSAGE_SELF, &u) == 0);
    NEED(setrlimit(RLIMIT_DATA, &r) == 0);
    NEED(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
    free(malloc(1 << 20));
    _exit(0);
}

static void what_a_cell_needs_is_allowed(void **state)
{
    (void)state;
    NOT_SANITIZED();
    holds(sealed_child_lives);
}

static void sealed_child_aborts(void)
{
    seal();
    abort();
}

static void abort_ends_with_its_own_signal(void **state)
{
    (void)state;
    NOT_SANITIZED();
    int status = in_child(sealed_child_aborts, false);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- machines that give less ---- */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* A child in a user namespace of its own in which no further one may be made: what the tests see
 * then is what a machine without user namespaces gives. */
static void forbid_user_namespaces(void)
{
    char map[32];
    unsigned uid = geteuid(), gid = getegid();
    NEED(unshare(CLONE_NEWUSER) == 0);
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_file("/proc/self/gid_map", map);
    write_file("/proc/sys/user/max_user_namespaces", "0");
}

static void child_requires(void)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    forbid_user_namespaces();
    pid_t pid = jail_clone(JAIL_REQUIRE, -1, &pidfd, &layers, &e);
    if (pid == 0)
        _exit(9);
    NEED(pid < 0 && e.code == ERR_UNAVAILABLE);
    NEED(strstr(e.msg, "userns") && strstr(e.msg, "No space left on device"));
    NEED(strstr(e.msg, "user.max_user_namespaces") && strstr(e.msg, "jail: prefer"));
}

static void a_missing_layer_is_named_with_its_remedy(void **state)
{
    (void)state;
    holds(child_requires);
}

static void child_prefers(void)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    forbid_user_namespaces();
    pid_t pid = jail_clone(JAIL_PREFER, -1, &pidfd, &layers, &e);
    NEED(pid >= 0);
    NEED(!(layers & 1u << LAYER_USER_NS) && (layers & 1u << LAYER_NET_NS));
    if (pid == 0) {
        NEED(jail_enter(JAIL_PREFER, &layers, &e) == 0);
        NEED(layers & 1u << LAYER_NO_CAPS && layers & 1u << LAYER_MOUNT_NS);
        _exit(0);
    }
    NEED(wait_for(pid) == 0);
}

static void preferring_goes_without_it(void **state)
{
    (void)state;
    holds(child_prefers);
}

static void child_off(void)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 77, sealed = 0;
    pid_t pid = jail_clone(JAIL_OFF, -1, &pidfd, &layers, &e);
    NEED(pid >= 0 && layers == 0);
    if (pid == 0) {
        NEED(jail_enter(JAIL_OFF, &layers, &e) == 0 && layers == 0);
        NEED(jail_seal_cell(JAIL_OFF, false, &sealed) == 0 && sealed == 0);
        NEED(access("/etc/passwd", R_OK) == 0);
        _exit(0);
    }
    NEED(wait_for(pid) == 0);
}

static void off_is_off(void **state)
{
    (void)state;
    holds(child_off);
}

static void child_doctor_well(void)
{
    struct jail_check c[LAYERS];
    NEED(jail_doctor(&no_limits, c, LAYERS) == LAYERS);
    for (int i = 0; i < LAYERS; i++) {
        NEED(!strcmp(c[i].layer, jail_layer_name((enum jail_layer)i)));
        NEED(c[i].detail[0] && c[i].available == !c[i].remedy[0]);
        NEED(c[i].available || (c[i].optional && JAIL_OPTIONAL & 1u << i));
    }
}

static void the_doctor_sees_what_is_there(void **state)
{
    (void)state;
    holds(child_doctor_well);
}

static void child_doctor_ill(void)
{
    struct jail_check c[LAYERS];
    forbid_user_namespaces();
    NEED(jail_doctor(&no_limits, c, LAYERS) == LAYERS);
    NEED(!c[LAYER_USER_NS].available);
    NEED(strstr(c[LAYER_USER_NS].detail, "No space left"));
    NEED(strstr(c[LAYER_USER_NS].remedy, "max_user_namespaces"));
    NEED(c[LAYER_SECCOMP].available && c[LAYER_NET_NS].available);
}

static void the_doctor_sees_what_is_missing(void **state)
{
    (void)state;
    holds(child_doctor_ill);
}

/* ---- names and deaths ---- */

static void names_are_known(void **state)
{
    (void)state;
    assert_string_equal(jail_layer_name(LAYER_USER_NS), "userns");
    assert_string_equal(jail_layer_name(LAYER_NOT_DUMPABLE), "not_dumpable");
    assert_string_equal(jail_syscall_name(SYS_openat), "openat");
    assert_string_equal(jail_syscall_name(0), "read");
    assert_null(jail_syscall_name(100000));
    assert_null(jail_syscall_name(UINT32_MAX));
}

static void parent_that_dies(void)
{
    struct err e = {0};
    int pidfd = -1, pipes[2];
    uint32_t layers = 0;
    NEED(pipe(pipes) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t pid = jail_clone(JAIL_REQUIRE, -1, &pidfd, &layers, &e);
        if (pid == 0) {
            NEED(jail_enter(JAIL_REQUIRE, &layers, &e) == 0);
            NEED(write(pipes[1], "", 1) == 1);
            for (;;)
                pause();
        }
        char byte;
        NEED(read(pipes[0], &byte, 1) == 1);
        raise(SIGKILL);
    }
    wait_for(middle);
    close(pipes[1]);
    char byte;
    NEED(read(pipes[0], &byte, 1) == 0); /* comes when the jailed process has ended too */
}

static void the_jailed_process_dies_with_its_parent(void **state)
{
    (void)state;
    holds(parent_that_dies);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    static struct CMUnitTest tests[] = {
        T(all_layers_are_in_force),
        T(no_file_can_be_seen_or_made),
        T(no_privilege_can_be_gained),
        T(no_namespace_can_be_made_inside),
        T(there_is_no_other_process_and_no_network),
        T(resources_are_limited_for_good),
        T(memory_becomes_code_only_where_the_profile_makes_some),
        T(forbidden_calls_end_the_process),
        T(a_zygote_does_nothing_but_fork),
        T(a_trapped_call_can_be_named),
        T(what_a_cell_needs_is_allowed),
        T(abort_ends_with_its_own_signal),
        T(a_missing_layer_is_named_with_its_remedy),
        T(preferring_goes_without_it),
        T(off_is_off),
        T(the_doctor_sees_what_is_there),
        T(the_doctor_sees_what_is_missing),
        T(names_are_known),
        T(the_jailed_process_dies_with_its_parent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, NULL, NULL);
}
