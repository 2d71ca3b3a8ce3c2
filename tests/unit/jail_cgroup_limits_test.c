/* The limits of the cgroup around the cells, on a machine whose cgroup v2 has the controllers and
 * lets us make groups (root without systemd, a delegated unit, `make guest`); elsewhere nothing is
 * tested, and said. */
#include "tests/unit/jail_child.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"

#define MB ((size_t)1 << 20)

static char base[CGROUP_PATH_MAX]; /* "": nothing to be tested here */

static bool has(const char *folder, const char *file, const char *word)
{
    char path[CGROUP_PATH_MAX + 64], *text = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    bool yes = !fs_read_file(path, 4096, &text, &len, NULL) && cgroup_has_word(text, word);
    free(text);
    return yes;
}

static int put(const char *folder, const char *file, const char *text)
{
    char path[CGROUP_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_WRONLY);
    int rc = fd < 0 || write(fd, text, strlen(text)) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int make_base(void **state)
{
    (void)state;
    char *own = NULL, *mounts = NULL, at[CGROUP_PATH_MAX] = "";
    size_t len;
    if (!fs_read_file("/proc/self/cgroup", 1 << 20, &own, &len, NULL) &&
        !fs_read_file("/proc/self/mountinfo", 1 << 20, &mounts, &len, NULL) &&
        !cgroup_find(own, mounts, at) && has(at, "cgroup.controllers", "memory") &&
        !put(at, "cgroup.subtree_control", "+memory +pids +cpu")) {
        snprintf(base, sizeof base, "%.1900s/isolane-limits-test.%d", at, (int)getpid());
        if (mkdir(base, 0755))
            base[0] = '\0';
    }
    if (!base[0])
        print_message(
            "# skipped: no cgroup v2 with controllers that we may use (see make guest)\n");
    free(own);
    free(mounts);
    return 0;
}

static int remove_base(void **state)
{
    (void)state;
    return base[0] ? rmdir(base) : 0;
}

/* Runs fn in a child that has been put into base. */
static void in_base(void (*fn)(void))
{
    if (!base[0])
        return;
    pid_t pid = fork();
    if (pid == 0) {
        NEED(put(base, "cgroup.procs", "0") == 0);
        fn();
        _exit(0);
    }
    assert_int_equal(wait_for(pid), 0);
}

static void need_value(const char *folder, const char *file, const char *wanted)
{
    char path[CGROUP_PATH_MAX + 64], *text = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    NEED(fs_read_file(path, 4096, &text, &len, NULL) == 0);
    text[strcspn(text, "\n")] = '\0';
    if (strcmp(text, wanted))
        dprintf(STDERR_FILENO, "# %s: '%s', not '%s'\n", path, text, wanted);
    NEED(!strcmp(text, wanted));
    free(text);
}

static struct cgroup *open_group(const struct cgroup_limits *l)
{
    struct cgroup *g = NULL;
    struct err e = {0};
    int rc = cgroup_open_below(base, l, &g, &e);
    if (rc)
        dprintf(STDERR_FILENO, "# %s\n", e.msg);
    NEED(rc == 0);
    return g;
}

static void child_alone(void)
{
    const struct cgroup_limits l = {.memory_bytes = 64 * MB, .pids = 10, .cpu_percent = 150};
    char leaf[CGROUP_PATH_MAX + 16], own[24], text[300];
    struct cgroup *g = open_group(&l);
    snprintf(leaf, sizeof leaf, "%s/supervisor", base);
    snprintf(own, sizeof own, "%d", (int)getpid());
    need_value(leaf, "cgroup.procs", own);
    need_value(base, "cgroup.procs", "");
    need_value(cgroup_folder(g), "memory.max", "67108864");
    need_value(cgroup_folder(g), "pids.max", "10");
    need_value(cgroup_folder(g), "cpu.max", "150000 100000");
    cgroup_describe(g, text, sizeof text);
    NEED(strstr(text, "memory.max 64 MB, pids.max 10, cpu.max 150 % in ") == text);
    cgroup_close(g);
    NEED(access(leaf, F_OK) < 0);
    need_value(base, "cgroup.procs", own);
    need_value(base, "cgroup.subtree_control", "");
}

static void a_worker_alone_in_its_group_moves_aside_and_back(void **state)
{
    (void)state;
    in_base(child_alone);
}

static void child_not_alone(void)
{
    const struct cgroup_limits l = {.memory_bytes = 64 * MB};
    struct cgroup *g = NULL;
    struct err e = {0};
    char text[256];
    pid_t other = fork();
    if (other == 0)
        pause();
    NEED(cgroup_open_below(base, &l, &g, &e) == -EBUSY && !g);
    NEED(strstr(e.msg, "other processes are in the worker's cgroup"));
    need_value(base, "cgroup.subtree_control", "");
    NEED(kill(other, SIGKILL) == 0);
    wait_for(other);
    snprintf(text, sizeof text, "%d", (int)getpid());
    need_value(base, "cgroup.procs", text);
}

static void other_processes_in_the_group_are_left_alone(void **state)
{
    (void)state;
    in_base(child_not_alone);
}

static void child_too_many(void)
{
    const struct cgroup_limits l = {.pids = 3};
    struct cgroup *g = open_group(&l);
    struct err e = {0};
    uint32_t layers = 0;
    int pidfd = -1;
    pid_t pid = jail_clone(JAIL_REQUIRE, cgroup_fd(g), &pidfd, &layers, &e);
    NEED(pid >= 0);
    if (pid == 0) {
        NEED(fork() != -1);
        pause();
    }
    close(pidfd);
    while (!has(cgroup_folder(g), "pids.current", "2"))
        usleep(1000);
    pid_t third = jail_clone(JAIL_REQUIRE, cgroup_fd(g), &pidfd, &layers, &e);
    if (third == 0)
        pause();
    NEED(third > 0);
    close(pidfd);
    NEED(jail_clone(JAIL_REQUIRE, cgroup_fd(g), &pidfd, &layers, &e) < 0);
    NEED(strstr(e.msg, "cgroup") && strstr(e.msg, "raise cgroup_pids"));
    cgroup_close(g);
    wait_for(pid);
    wait_for(third);
}

static void processes_above_pids_max_are_refused_by_name(void **state)
{
    (void)state;
    in_base(child_too_many);
}

static void child_too_much(void)
{
    const struct cgroup_limits l = {.memory_bytes = 32 * MB};
    struct cgroup *g = open_group(&l);
    struct err e = {0};
    uint32_t layers = 0;
    int pidfd = -1;
    NEED(!cgroup_take_oom(g));
    pid_t zygote = jail_clone(JAIL_REQUIRE, cgroup_fd(g), &pidfd, &layers, &e);
    NEED(zygote >= 0);
    if (zygote == 0) {
        pid_t cell = fork();
        if (cell == 0) {
            char *p =
                mmap(NULL, 64 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            NEED(p != MAP_FAILED);
            memset(p, 1, 64 * MB);
            _exit(0);
        }
        int status = wait_for(cell);
        _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 77 : 1);
    }
    NEED(WEXITSTATUS(wait_for(zygote)) == 77); /* the zygote lives on */
    NEED(cgroup_take_oom(g));
    NEED(!cgroup_take_oom(g)); /* told once */
    close(pidfd);
    cgroup_close(g);
}

static void the_largest_cell_goes_when_memory_runs_out(void **state)
{
    (void)state;
    in_base(child_too_much);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(a_worker_alone_in_its_group_moves_aside_and_back),
        T(other_processes_in_the_group_are_left_alone),
        T(processes_above_pids_max_are_refused_by_name),
        T(the_largest_cell_goes_when_memory_runs_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
