/* The cgroup around the cells: reading what /proc says, and, where this machine lets us, a real
 * group that is made, cloned into, inherited, cleaned up and removed. */
#include "tests/unit/jail_child.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/jail/steps.h"

/* ---- reading ---- */

#define HYBRID                                                                                     \
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"                                            \
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"                   \
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
#define UNIFIED "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static void the_own_group_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *own, *mounts, *found;
        int rc;
    } cases[] = {
        {"0::/system.slice/isolane.service\n", UNIFIED,
         "/sys/fs/cgroup/system.slice/isolane.service", 0},
        {"8:pids:/\n4:memory:/x\n0::/\n", HYBRID, "/sys/fs/cgroup/unified", 0},
        {"0::/a", HYBRID, "/sys/fs/cgroup/unified/a", 0},
        /* A container that was given a part of the tree. */
        {"0::/docker/1/w\n", "9 1 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
         "/sys/fs/cgroup/w", 0},
        {"0::/docker/1\n", "9 1 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
         "/sys/fs/cgroup", 0},
        {"0::/docker/12\n", "9 1 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", NULL,
         -EXDEV},
        /* The second mount is the one. */
        {"0::/a/b\n",
         "9 1 0:26 /c /mnt rw - cgroup2 x rw\n10 1 0:26 /a /my\\040mount rw - cgroup2 x rw\n",
         "/my mount/b", 0},
        /* Seen from inside a cgroup namespace, the group lies above. */
        {"0::/../x\n", UNIFIED, NULL, -EXDEV},
        {"0::/x\n", "9 1 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", NULL, -EXDEV},
        /* Version 1 alone, nothing mounted, nonsense. */
        {"4:memory:/x\n", HYBRID, NULL, -ENOENT},
        {"0::/x\n", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", NULL,
         -ENOENT},
        {"", "", NULL, -ENOENT},
        {"0::", UNIFIED, NULL, -ENOENT},
        {"0::/x\n", " - cgroup2 ", NULL, -ENOENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[CGROUP_PATH_MAX] = "";
        int rc = cgroup_find(cases[i].own, cases[i].mounts, out);
        if (rc != cases[i].rc || (cases[i].found && strcmp(out, cases[i].found)))
            fail_msg("case %zu: %d, '%s'", i, rc, out);
    }
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char out[CGROUP_PATH_MAX], *own = mem_alloc(2 * CGROUP_PATH_MAX);
    strcpy(own, "0::/");
    memset(own + 4, 'x', CGROUP_PATH_MAX);
    assert_int_equal(cgroup_find(own, UNIFIED, out), -ENAMETOOLONG);
    own[CGROUP_PATH_MAX - 4] = '\0'; /* fits, but not behind its mount point */
    assert_int_equal(cgroup_find(own, UNIFIED, out), -ENAMETOOLONG);
    free(own);
}

static void words_and_fields_are_read(void **state)
{
    (void)state;
    assert_true(cgroup_has_word("cpuset cpu memory pids\n", "cpu"));
    assert_true(cgroup_has_word("cpuset cpu memory pids\n", "pids"));
    assert_false(cgroup_has_word("cpuset memory\n", "cpu"));
    assert_false(cgroup_has_word("\n", "cpu"));
    static const char events[] = "low 0\nhigh 2\nmax 77\noom 5\noom_kill 3\noom_group_kill 9\n";
    assert_int_equal(cgroup_field(events, "oom_kill"), 3);
    assert_int_equal(cgroup_field(events, "oom"), 5);
    assert_int_equal(cgroup_field(events, "kill"), 0);
    assert_int_equal(cgroup_field("", "oom_kill"), 0);
}

static void percents_become_a_share_of_time(void **state)
{
    (void)state;
    char text[64];
    cgroup_cpu_max(150, text, sizeof text);
    assert_string_equal(text, "150000 100000");
    cgroup_cpu_max(1, text, sizeof text);
    assert_string_equal(text, "1000 100000");
}

static void limits_follow_configuration_and_machine(void **state)
{
    (void)state;
    struct config c = {.pool = 4,
                       .max_running = 8,
                       .cgroup_memory_mb = CONFIG_BY_MACHINE,
                       .cgroup_pids = CONFIG_BY_MACHINE};
    struct cgroup_limits l = cgroup_limits_of(&c);
    const int64_t memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    assert_true(l.memory_bytes > memory / 2 && l.memory_bytes < memory);
    assert_int_equal(l.pids, 2 * 12 + 64);
    assert_int_equal(l.cpu_percent, 0);
    c.cgroup_memory_mb = 100;
    c.cgroup_pids = c.cgroup_cpu_percent = 0;
    l = cgroup_limits_of(&c);
    assert_int_equal(l.memory_bytes, 100 << 20);
    assert_true(cgroup_limits_any(&l));
    c.cgroup_memory_mb = 0;
    l = cgroup_limits_of(&c);
    assert_false(cgroup_limits_any(&l));
}

/* ---- a real group ---- */

static char base[CGROUP_PATH_MAX]; /* "": this machine lets us make none */

/* A folder of our own below the cgroup that the tests run in. */
static int make_base(void **state)
{
    (void)state;
    char *own = NULL, *mounts = NULL, at[CGROUP_PATH_MAX] = "";
    size_t len;
    if (!fs_read_file("/proc/self/cgroup", 1 << 20, &own, &len, NULL) &&
        !fs_read_file("/proc/self/mountinfo", 1 << 20, &mounts, &len, NULL) &&
        !cgroup_find(own, mounts, at)) {
        snprintf(base, sizeof base, "%.1900s/isolane-test.%d", at, (int)getpid());
        if (mkdir(base, 0755))
            base[0] = '\0';
    }
    if (!base[0])
        print_message("# no cgroup can be made here: %s: %s\n", at[0] ? at : "no cgroup v2",
                      at[0] ? strerror(errno) : "");
    free(own);
    free(mounts);
    return 0;
}

static int remove_base(void **state)
{
    (void)state;
    return base[0] ? rmdir(base) : 0;
}

#define NEED_GROUP()                                                                               \
    do {                                                                                           \
        if (!base[0])                                                                              \
            return; /* said in make_base() */                                                      \
    } while (0)

static struct cgroup *open_group(void)
{
    struct cgroup *g = NULL;
    struct err e = {0};
    if (cgroup_open_below(base, &no_limits, &g, &e))
        fail_msg("%s", e.msg);
    return g;
}

/* How many groups there are below base. */
static int groups(void)
{
    DIR *d = opendir(base);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(d));)
        n += !strncmp(entry->d_name, "isolane-", 8);
    closedir(d);
    return n;
}

static void pids_in(const struct cgroup *g, char *out, size_t cap)
{
    char path[CGROUP_PATH_MAX + 64], *text = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/cgroup.procs", cgroup_folder(g));
    assert_int_equal(fs_read_file(path, 65536, &text, &len, NULL), 0);
    snprintf(out, cap, "%s", text);
    free(text);
}

static void a_jailed_process_is_born_in_it_and_so_are_its_children(void **state)
{
    (void)state;
    NEED_GROUP();
    struct cgroup *g = open_group();
    struct err e = {0};
    char inside[1024], byte;
    int pidfd = -1, pipes[2];
    uint32_t layers = 0;
    assert_int_equal(groups(), 1);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = jail_clone(JAIL_REQUIRE, cgroup_fd(g), &pidfd, &layers, &e);
    if (pid < 0)
        fail_msg("%s", e.msg);
    if (pid == 0) {
        pid_t cell = fork();
        NEED(cell >= 0 && write(pipes[1], "", 1) == 1);
        for (;;)
            pause();
    }
    assert_true(layers & 1u << LAYER_CGROUP);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    pids_in(g, inside, sizeof inside);
    int lines = 0;
    for (const char *p = inside; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 2);
    assert_int_equal(strtol(inside, NULL, 10), pid);
    cgroup_close(g); /* with processes in it: they are killed first */
    assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
    assert_int_equal(groups(), 0);
    close(pidfd);
    close(pipes[0]);
    close(pipes[1]);
}

static void off_stays_out_of_it(void **state)
{
    (void)state;
    NEED_GROUP();
    struct cgroup *g = open_group();
    struct err e = {0};
    char inside[1024];
    int pidfd = -1;
    uint32_t layers = 0;
    pid_t pid = jail_clone(JAIL_OFF, cgroup_fd(g), &pidfd, &layers, &e);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_true(pid > 0 && layers == 0);
    pids_in(g, inside, sizeof inside);
    assert_string_equal(inside, "");
    kill(pid, SIGKILL);
    wait_for(pid);
    close(pidfd);
    cgroup_close(g);
}

/* A worker that was killed leaves its group; the next one finds nobody holding its lock. */
static void what_a_dead_worker_left_is_removed(void **state)
{
    (void)state;
    NEED_GROUP();
    pid_t worker = fork();
    if (worker == 0) {
        struct cgroup *g = NULL;
        NEED(cgroup_open_below(base, &no_limits, &g, NULL) == 0);
        raise(SIGKILL);
    }
    assert_int_equal(WTERMSIG(wait_for(worker)), SIGKILL);
    assert_int_equal(groups(), 1);
    struct cgroup *g = open_group();
    assert_int_equal(groups(), 1); /* ours */
    cgroup_close(g);
    assert_int_equal(groups(), 0);
}

static void a_living_worker_keeps_its_group(void **state)
{
    (void)state;
    NEED_GROUP();
    int up[2], down[2];
    char byte;
    assert_int_equal(pipe(up) + pipe(down), 0);
    pid_t worker = fork();
    if (worker == 0) {
        struct cgroup *g = NULL;
        close(down[1]);
        NEED(cgroup_open_below(base, &no_limits, &g, NULL) == 0 && write(up[1], "", 1) == 1);
        NEED(read(down[0], &byte, 1) == 0); /* until the parent closes its end */
        cgroup_close(g);
        _exit(0);
    }
    close(down[0]);
    assert_int_equal(read(up[0], &byte, 1), 1);
    struct cgroup *g = open_group();
    assert_int_equal(groups(), 2);
    cgroup_close(g);
    assert_int_equal(groups(), 1);
    close(down[1]);
    assert_int_equal(wait_for(worker), 0);
    assert_int_equal(groups(), 0);
    close(up[0]);
    close(up[1]);
}

static bool base_has(const char *controller)
{
    char path[CGROUP_PATH_MAX + 64], *text = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/cgroup.controllers", base);
    assert_int_equal(fs_read_file(path, 4096, &text, &len, NULL), 0);
    bool has = cgroup_has_word(text, controller);
    free(text);
    return has;
}

static void missing_controllers_are_named(void **state)
{
    (void)state;
    NEED_GROUP();
    const struct cgroup_limits l = {.memory_bytes = 1 << 30, .pids = 100};
    struct cgroup *g = NULL;
    struct err e = {0};
    char text[256];
    int rc = cgroup_open_below(base, &l, &g, &e);
    if (!rc) { /* a machine that has them */
        cgroup_describe(g, text, sizeof text);
        assert_non_null(strstr(text, base_has("memory") ? "memory.max 1024 MB" : "pids.max 100"));
        cgroup_close(g);
        return;
    }
    assert_int_equal(rc, -EOPNOTSUPP);
    assert_non_null(strstr(e.msg, "none of the controllers memory, pids and cpu"));
    assert_int_equal(groups(), 0);
}

/* ---- refusals ---- */

static void child_doctor(void)
{
    const struct cgroup_limits l = {.pids = 100};
    struct jail_check c[LAYERS];
    /* Whoever may not write to the tree gets the reason and a remedy, and no refusal. */
    NEED(jail_doctor(&l, c, LAYERS) == LAYERS);
    const struct jail_check *x = &c[LAYER_CGROUP];
    NEED(x->available || (x->optional && x->detail[0] && x->remedy[0]));
    NEED(jail_doctor(&no_limits, c, LAYERS) == LAYERS);
    NEED(!x->available && x->optional && strstr(x->remedy, "cgroup_memory_mb"));
}

static void a_machine_without_it_is_told_what_to_do(void **state)
{
    (void)state;
    holds(child_doctor);
}

static void child_old_kernel(void)
{
    struct cgroup *g = NULL;
    struct err e = {0};
    refuse_call(SYS_clone3, ENOSYS);
    NEED(cgroup_open_below(base, &no_limits, &g, &e) == -ENOSYS && !g);
    NEED(strstr(e.msg, "cannot make a process in"));
}

static void a_group_that_cannot_be_cloned_into_is_no_group(void **state)
{
    (void)state;
    NEED_GROUP();
    assert_int_equal(in_child(child_old_kernel, false), 0);
    assert_int_equal(groups(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(the_own_group_is_found),
        T(a_path_that_is_too_long_is_refused),
        T(words_and_fields_are_read),
        T(percents_become_a_share_of_time),
        T(limits_follow_configuration_and_machine),
        T(a_jailed_process_is_born_in_it_and_so_are_its_children),
        T(off_stays_out_of_it),
        T(what_a_dead_worker_left_is_removed),
        T(a_living_worker_keeps_its_group),
        T(missing_controllers_are_named),
        T(a_machine_without_it_is_told_what_to_do),
        T(a_group_that_cannot_be_cloned_into_is_no_group),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
