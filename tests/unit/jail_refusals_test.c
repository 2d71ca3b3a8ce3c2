/* Machines and containers that refuse a layer: each refusal names the layer, the kernel's reason
 * and the remedy. The refusals are real: limits of a user namespace of the test's own, a seccomp
 * profile as a container has it, a /proc that is not there. */
#include "tests/unit/jail_child.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/mem.h"

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void become_namespace_root(int more)
{
    char map[32];
    unsigned uid = geteuid(), gid = getegid();
    NEED(unshare(CLONE_NEWUSER | more) == 0);
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_file("/proc/self/gid_map", map);
}

static bool says(const struct err *e, const char *layer, const char *reason, const char *remedy)
{
    if (e->code == ERR_UNAVAILABLE && strstr(e->msg, layer) && strstr(e->msg, reason) &&
        strstr(e->msg, remedy))
        return true;
    dprintf(STDERR_FILENO, "# %d: %s\n", e->code, e->msg);
    return false;
}

static void need_refusal(const char *layer, const char *reason, const char *remedy)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    pid_t pid = jail_clone(JAIL_REQUIRE, -1, &pidfd, &layers, &e);
    if (pid == 0)
        _exit(9);
    NEED(pid < 0 && says(&e, layer, reason, remedy));
}

static const char *const kinds[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup"};
static const char *const layer_names[] = {"mountns", "pidns", "netns",
                                          "ipcns",   "utsns", "cgroupns"};
static size_t kind;

static void child_limit(void)
{
    char path[64], remedy[64];
    become_namespace_root(0);
    snprintf(path, sizeof path, "/proc/sys/user/max_%s_namespaces", kinds[kind]);
    write_file(path, "0");
    snprintf(remedy, sizeof remedy, "raise sysctl user.max_%s_namespaces", kinds[kind]);
    need_refusal(layer_names[kind], "No space left on device", remedy);
}

static void a_limit_on_namespaces_is_named(void **state)
{
    (void)state;
    for (kind = 0; kind < ARRAY_LEN(kinds); kind++)
        holds(child_limit);
}

static void child_prefers(void)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    become_namespace_root(0);
    write_file("/proc/sys/user/max_net_namespaces", "0");
    pid_t pid = jail_clone(JAIL_PREFER, -1, &pidfd, &layers, &e);
    NEED(pid >= 0);
    if (pid == 0) {
        NEED(jail_enter(JAIL_PREFER, &layers, &e) == 0);
        NEED(!(layers & 1u << LAYER_NET_NS) && layers & 1u << LAYER_USER_NS);
        NEED(layers & 1u << LAYER_MOUNT_NS && layers & 1u << LAYER_NO_CAPS);
        _exit(0);
    }
    NEED(wait_for(pid) == 0);
}

static void preferring_loses_that_layer_alone(void **state)
{
    (void)state;
    holds(child_prefers);
}

static void child_profile_refuses(void)
{
    refuse_call(SYS_clone3, EPERM);
    need_refusal("userns", "Operation not permitted", "seccomp or AppArmor profile");
}

static void child_profile_hides(void)
{
    refuse_call(SYS_clone3, ENOSYS);
    need_refusal("userns", "Function not implemented", "allow clone3");
}

static void a_container_s_seccomp_profile_is_named(void **state)
{
    (void)state;
    holds(child_profile_refuses);
    holds(child_profile_hides);
}

static void need_step_refused(const char *layer, const char *reason, const char *remedy)
{
    struct err e = {0};
    int pidfd = -1;
    uint32_t layers = 0;
    pid_t pid = jail_clone(JAIL_REQUIRE, -1, &pidfd, &layers, &e);
    if (pid == 0) {
        NEED(jail_enter(JAIL_REQUIRE, &layers, &e) < 0);
        NEED(says(&e, layer, reason, remedy));
        _exit(0);
    }
    NEED(pid > 0 && wait_for(pid) == 0);
}

static void child_no_mount(void)
{
    refuse_call(SYS_mount, EPERM);
    need_step_refused("mountns", "Operation not permitted", "allow mount and pivot_root");
}

static void child_no_pivot(void)
{
    refuse_call(SYS_pivot_root, EPERM);
    need_step_refused("mountns", "Operation not permitted", "allow mount and pivot_root");
}

static void child_no_capset(void)
{
    refuse_call(SYS_capset, EPERM);
    need_step_refused("no_caps", "capset", "allow it there");
}

static void child_no_limits(void)
{
    refuse_call(SYS_prlimit64, EPERM);
    need_step_refused("rlimits", "Operation not permitted", "allow it there");
}

static void a_refused_step_is_named(void **state)
{
    (void)state;
    holds(child_no_mount);
    holds(child_no_pivot);
    holds(child_no_capset);
    holds(child_no_limits);
}

static void child_seccomp_refused(void)
{
    uint32_t layers = 0;
    refuse_call(SYS_seccomp, EINVAL);
    NEED(jail_seal_cell(JAIL_REQUIRE, false, &layers) == -EINVAL);
    layers = 0;
    NEED(jail_seal_cell(JAIL_PREFER, false, &layers) == 0 && !(layers & 1u << LAYER_SECCOMP));
}

static void a_cell_without_its_filter_is_no_cell(void **state)
{
    (void)state;
    holds(child_seccomp_refused);
}

static void child_no_proc(void)
{
    become_namespace_root(CLONE_NEWNS);
    NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    need_refusal("userns", "No such file or directory", "needs a /proc");
}

static void a_missing_proc_is_named(void **state)
{
    (void)state;
    holds(child_no_proc);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(a_limit_on_namespaces_is_named),         T(preferring_loses_that_layer_alone),
        T(a_container_s_seccomp_profile_is_named), T(a_refused_step_is_named),
        T(a_cell_without_its_filter_is_no_cell),   T(a_missing_proc_is_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
