/* The zygote process: how it comes up, what it is, how it ends and what ends with it. */
#include "tests/unit/host_cells.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/lacking.h"

static void it_comes_up_lean_and_jailed(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    bring_up(&w);
    const struct zygote_info *i = zygote_info(w.z);
    assert_int_equal(i->layers | JAIL_OPTIONAL, (1u << LAYERS) - 1);
    assert_int_equal(i->threads, 1);
    assert_true(i->pid > 0);
    assert_true(i->engine[0] != '\0');
    assert_true(i->private_dirty_bytes < 4u << 20);
    assert_true(i->mappings > 0 && i->mappings <= 128);
    print_message("# %s: %u mappings, %llu kB private dirty, %llu kB in huge pages\n", i->engine,
                  i->mappings, (unsigned long long)i->private_dirty_bytes / 1024,
                  (unsigned long long)i->huge_bytes / 1024);
    close_world(&w);
}

/* The name of namespace `ns` of a process. */
static void namespace_of(int pid, const char *ns, char out[64])
{
    char path[64];
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, ns);
    else
        snprintf(path, sizeof path, "/proc/self/ns/%s", ns);
    ssize_t n = readlink(path, out, 63);
    out[n > 0 ? n : 0] = '\0';
}

static void status_line(int pid, const char *name, char out[128])
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    out[0] = '\0';
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)))
            snprintf(out, 128, "%s", line + strlen(name) + 1);
    if (f)
        fclose(f);
    out[strcspn(out, "\n")] = '\0';
}

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void a_cell_is_confined_as_the_kernel_sees_it(void **state)
{
    static const char *const kinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    static const struct {
        const char *name, *value;
    } status[] = {{"CapEff:", "0000000000000000"},
                  {"CapPrm:", "0000000000000000"},
                  {"CapBnd:", "0000000000000000"},
                  {"CapAmb:", "0000000000000000"},
                  {"NoNewPrivs:", "1"},
                  {"Seccomp:", "2"},
                  {"Seccomp_filters:", "2"}, /* the zygote's, and its own */
                  {"Threads:", "1"}};
    struct world w;
    struct seen s;
    (void)state;
    if (geteuid() != 0)
        SKIP_FOR("only root may look into a process that is not dumpable");
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &s);
    int pid = cell_pid(s.c);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char ours[64], theirs[64];
        namespace_of(0, kinds[i], ours);
        namespace_of(pid, kinds[i], theirs);
        assert_true(theirs[0] != '\0');
        assert_string_not_equal(ours, theirs);
    }
    for (size_t i = 0; i < ARRAY_LEN(status); i++) {
        char found[128];
        status_line(pid, status[i].name, found);
        assert_string_equal(found, status[i].value);
    }
    char value[128];
    status_line(zygote_info(w.z)->pid, "Seccomp_filters:", value);
    assert_string_equal(value, "1");
    char uid[128], path[64];
    status_line(pid, "Uid:", uid);
    assert_true(strtoul(uid, NULL, 10) > 65533); /* nobody that the host knows */
    snprintf(path, sizeof path, "/proc/%d/root", pid);
    assert_int_equal(entries(path), 0);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    assert_int_equal(entries(path), 1); /* its socket */
    snprintf(path, sizeof path, "/proc/%d/fd", zygote_info(w.z)->pid);
    /* 0 to 2, control, signals. The cell may be ready before the zygote has closed what it handed
     * on. */
    for (int i = 0; i < 1000 && entries(path) != 5; i++)
        usleep(1000);
    assert_int_equal(entries(path), 5);
    cell_kill(s.c);
    run_until(&w, &s.gone, 1, "the cell's end");
    close_world(&w);
}

static void an_engine_that_does_not_start_says_why(void **state)
{
    static const struct {
        const char *flags, *says;
        int code;
    } ways[] = {
        {"--fail", "told to fail", ERR_UNAVAILABLE},
        {"--crash", "exit status 5, saying: fake engine: told to crash", ERR_IO},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct world w;
        struct err e = {0};
        open_world(&w);
        assert_int_equal(start_zygote(&w, JAIL_REQUIRE, ways[i].flags, &e), 0);
        run_until(&w, &w.gone, 1, "the zygote's end");
        assert_int_equal(w.up, 0);
        if (!strstr(w.why.msg, ways[i].says))
            fail_msg("said: %s", w.why.msg);
        assert_int_equal(w.why.code, ways[i].code);
        close_world(&w);
    }
}

static void missing_files_are_named(void **state)
{
    (void)state;
    struct world w;
    struct err e = {0};
    open_world(&w);
    strcpy(w.paths.node, "/nonexistent/node");
    assert_int_equal(start_zygote(&w, JAIL_REQUIRE, NULL, &e), 0);
    run_until(&w, &w.gone, 1, "the zygote's end");
    assert_int_equal(w.why.code, ERR_NOT_FOUND);
    assert_non_null(strstr(w.why.msg, "/nonexistent/node: No such file"));
    close_world(&w);
    open_world(&w);
    strcpy(w.paths.cell, "/nonexistent/cell.so");
    assert_int_equal(start_zygote(&w, JAIL_REQUIRE, NULL, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/nonexistent/cell.so"));
    close_world(&w);
}

static void without_a_jail_no_layer_is_claimed(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    struct err e = {0};
    open_world(&w);
    assert_int_equal(start_zygote(&w, JAIL_OFF, NULL, &e), 0);
    run_until(&w, &w.up, 1, "UP");
    assert_int_equal(zygote_info(w.z)->layers, 0);
    run_script(&w, &s, "syscall 110\nvalue 1"); /* getppid: no filter */
    assert_int_equal(s.d.end, FRAME_END_OK);
    forget(&s);
    close_world(&w);
}

static void preferring_gives_all_that_is_there(void **state)
{
    (void)state;
    struct world w;
    struct err e = {0};
    open_world(&w);
    assert_int_equal(start_zygote(&w, JAIL_PREFER, NULL, &e), 0);
    run_until(&w, &w.up, 1, "UP");
    assert_int_equal(zygote_info(w.z)->layers | JAIL_OPTIONAL, (1u << LAYERS) - 1);
    close_world(&w);
}

static void a_killed_zygote_takes_its_cells_along(void **state)
{
    (void)state;
    struct world w;
    struct seen ready, running, starting;
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &ready);
    fork_ready(&w, &running);
    invoke(&running, "print a\nspin");
    int pid = cell_pid(running.c);
    run_for_ms(&w, 20);
    fork_one(&w, &starting);
    kill(zygote_info(w.z)->pid, SIGKILL);
    run_until(&w, &w.gone, 1, "the zygote's end");
    assert_non_null(strstr(w.why.msg, "signal 9"));
    struct seen *all[] = {&ready, &running, &starting};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(all[i]->gone, 1); /* before the zygote's own */
        assert_true(all[i]->g.with_zygote);
        assert_false(all[i]->g.reaped);
        forget(all[i]);
    }
    assert_int_equal(kill(pid, 0), -1); /* not one that still runs is said to be gone */
    assert_int_equal(zygote_live_cells(w.z), 0);
    close_world(&w);
}

/* Until the zygote has reaped the cell: all that it said lies in its socket then. Nothing is read
 * meanwhile. */
static void wait_for_end(int pid)
{
    int64_t t0 = clock_mono_us();
    while (kill(pid, 0) == 0) {
        assert_true(clock_mono_us() - t0 < WAIT_US);
        usleep(1000);
    }
}

static void a_result_is_not_lost_with_the_zygote(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &s);
    invoke(&s, "value 5");
    wait_for_end(cell_pid(s.c)); /* DONE lies in the socket, nobody has read it */
    kill(zygote_info(w.z)->pid, SIGKILL);
    usleep(100000);
    run_until(&w, &w.gone, 1, "the zygote's end");
    assert_int_equal(s.done, 1);
    assert_string_equal(text_of(&s.value), "5");
    assert_int_equal(s.gone, 1);
    forget(&s);
    close_world(&w);
}

static void a_done_that_was_read_late_has_its_cpu_time(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &s);
    invoke(&s, "hog 4\nvalue 5");
    wait_for_end(cell_pid(s.c)); /* reaped: its clock has gone with it */
    run_until(&w, &s.gone, 1, "the cell's end");
    assert_int_equal(s.done, 1);
    assert_true(s.d.cpu_us > 0);
    forget(&s);
    close_world(&w);
}

static void freeing_kills_what_is_left(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &s);
    invoke(&s, "spin");
    int cell = cell_pid(s.c), zygote = zygote_info(w.z)->pid;
    cell_free(s.c);
    close_world(&w);
    assert_int_equal(s.gone, 0);
    assert_int_equal(kill(cell, 0), -1);
    assert_int_equal(kill(zygote, 0), -1);
    zygote_free(NULL);
    cell_free(NULL);
}

static void freeing_while_it_starts_is_fine(void **state)
{
    (void)state;
    struct world w;
    struct err e = {0};
    open_world(&w);
    assert_int_equal(start_zygote(&w, JAIL_REQUIRE, NULL, &e), 0);
    close_world(&w);
    assert_int_equal(w.up + w.gone, 0);
}

/* A supervisor in a process of its own: starts a zygote and a cell that computes, tells their pids.
 */
static _Noreturn void other_supervisor(int to)
{
    struct world w;
    struct seen s;
    open_world(&w);
    bring_up(&w);
    fork_ready(&w, &s);
    invoke(&s, "spin");
    int pids[2] = {zygote_info(w.z)->pid, cell_pid(s.c)};
    if (write(to, pids, sizeof pids) != sizeof pids)
        _exit(1);
    for (;;)
        uv_run(&w.loop, UV_RUN_ONCE);
}

static void a_dead_supervisor_leaves_nothing_behind(void **state)
{
    (void)state;
    int pipes[2], pids[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        other_supervisor(pipes[1]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], pids, sizeof pids), sizeof pids);
    close(pipes[0]);
    assert_int_equal(kill(pids[0], 0), 0);
    assert_int_equal(kill(pids[1], 0), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    int64_t t0 = clock_mono_us();
    while ((kill(pids[0], 0) == 0 || kill(pids[1], 0) == 0) && clock_mono_us() - t0 < WAIT_US) {
        /* Where the tests' own pid 1 reaps nobody, the zygote stays a zombie: dead all the same. */
        char st[128];
        status_line(pids[0], "State:", st);
        if (strchr(st, 'Z'))
            break;
        usleep(10000);
    }
    assert_true(clock_mono_us() - t0 < WAIT_US);
}

static void many_cells_leave_no_descriptors(void **state)
{
    enum { ROUNDS = 10, AT_ONCE = 20 };
    (void)state;
    struct world w;
    struct seen all[AT_ONCE];
    int first = open_fds();
    open_world(&w);
    bring_up(&w);
    int before = open_fds();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < AT_ONCE; i++)
            fork_one(&w, &all[i]);
        for (int i = 0; i < AT_ONCE; i++)
            run_until(&w, &all[i].ready, 1, "READY");
        for (int i = 0; i < AT_ONCE; i++)
            invoke(&all[i], i % 3 == 0 ? "print a\nvalue 1" : i % 3 == 1 ? "exit 4" : "segv");
        for (int i = 0; i < AT_ONCE; i++) {
            run_until(&w, &all[i].gone, 1, "the cell's end");
            assert_int_equal(all[i].done, i % 3 == 0);
            forget(&all[i]);
        }
    }
    assert_int_equal(zygote_live_cells(w.z), 0);
    assert_int_equal(open_fds(), before);
    close_world(&w);
    assert_int_equal(open_fds(), first);
}

static void cells_are_asked_for_in_numbers(void **state)
{
    (void)state;
    struct world w;
    struct cell *cells[CONTROL_FORK_MAX];
    struct err e = {0};
    struct seen s = {0};
    open_world(&w);
    bring_up(&w);
    s.w = &w;
    assert_int_equal(cell_fork(w.z, CONTROL_FORK_MAX, false, &seen_events, &s, cells, &e), 0);
    assert_int_equal(zygote_live_cells(w.z), CONTROL_FORK_MAX);
    run_until(&w, &s.ready, CONTROL_FORK_MAX, "READY of all");
    for (int i = 0; i < CONTROL_FORK_MAX; i++)
        cell_kill(cells[i]);
    run_until(&w, &s.gone, CONTROL_FORK_MAX, "the end of all");
    close_world(&w);
}

static void a_zygote_that_is_not_up_forks_nothing(void **state)
{
    (void)state;
    struct world w;
    struct cell *c;
    struct err e = {0};
    struct seen s = {0};
    int before = open_fds();
    open_world(&w);
    assert_int_equal(start_zygote(&w, JAIL_REQUIRE, NULL, &e), 0);
    assert_int_equal(cell_fork(w.z, 1, false, &seen_events, &s, &c, &e), ERR_UNAVAILABLE);
    run_until(&w, &w.up, 1, "UP");
    kill(zygote_info(w.z)->pid, SIGKILL);
    run_until(&w, &w.gone, 1, "the zygote's end");
    assert_int_equal(cell_fork(w.z, 1, false, &seen_events, &s, &c, &e), ERR_UNAVAILABLE);
    close_world(&w);
    assert_int_equal(open_fds(), before);
}

static void paths_may_hold_spaces_and_colons(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    char dir[] = "/tmp/isolane: a test XXXXXX", cell[PATH_MAX + 64];
    open_world(&w);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(cell, sizeof cell, "%s/cell.so", dir);
    assert_int_equal(symlink(w.paths.cell, cell), 0);
    strcpy(w.paths.cell, cell);
    bring_up(&w);
    run_script(&w, &s, "value 1");
    assert_int_equal(s.d.end, FRAME_END_OK);
    forget(&s);
    close_world(&w);
    unlink(cell);
    rmdir(dir);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    static struct CMUnitTest tests[] = {
        T(it_comes_up_lean_and_jailed),
        T(a_cell_is_confined_as_the_kernel_sees_it),
        T(an_engine_that_does_not_start_says_why),
        T(missing_files_are_named),
        T(without_a_jail_no_layer_is_claimed),
        T(preferring_gives_all_that_is_there),
        T(a_killed_zygote_takes_its_cells_along),
        T(a_result_is_not_lost_with_the_zygote),
        T(a_done_that_was_read_late_has_its_cpu_time),
        T(freeing_kills_what_is_left),
        T(freeing_while_it_starts_is_fine),
        T(a_dead_supervisor_leaves_nothing_behind),
        T(many_cells_leave_no_descriptors),
        T(cells_are_asked_for_in_numbers),
        T(a_zygote_that_is_not_up_forks_nothing),
        T(paths_may_hold_spaces_and_colons),
    };
    unsetenv("ISOLANE_ENGINE_DIR"); /* these scripts are in the fake engine's language */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, NULL, NULL);
}
