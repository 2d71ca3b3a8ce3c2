/* A zygote that was taken over and lies (tests/zygote/enemy_zygote.c): the supervisor kills it, its
 * cells are told lost, nobody else is harmed and nothing is left behind. */
#include "tests/unit/host_cells.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "sandbox/host/kin.h"

static void start_enemy(struct world *w, enum jail_mode jail, const char *lie)
{
    char exe[PATH_MAX];
    struct err e = {0};
    open_world(w);
    assert_int_equal(fs_exe_dir(exe, sizeof exe, &e), 0);
    snprintf(w->paths.node, sizeof w->paths.node, "%s/enemy_zygote", exe);
    if (start_zygote(w, jail, lie, &e))
        fail_msg("zygote_start: %s", e.msg);
}

/* Two cells are asked for; the zygote must be gone with these words, and the cells with it. */
static void is_found_out(enum jail_mode jail, const char *lie, const char *words)
{
    struct world w;
    struct seen s[2];
    struct cell *cells[2];
    struct err e = {0};
    memset(s, 0, sizeof s);
    start_enemy(&w, jail, lie);
    while (!w.up && !w.gone)
        uv_run(&w.loop, UV_RUN_ONCE);
    bool asked = w.up && cell_fork(w.z, 2, false, &seen_events, NULL, cells, &e) == 0;
    for (int i = 0; asked && i < 2; i++) {
        s[i].c = cells[i];
        cell_set_arg(cells[i], &s[i]);
    }
    run_until(&w, &w.gone, 1, lie);
    if (!strstr(w.why.msg, words))
        fail_msg("%s: said '%s', not '%s'", lie, w.why.msg, words);
    for (int i = 0; asked && i < 2; i++) {
        assert_int_equal(s[i].gone, 1);
        assert_true(s[i].g.with_zygote);
        assert_int_equal(s[i].ready * s[i].done, 0);
    }
    close_world(&w);
}

static void malformed_and_out_of_order(void **state)
{
    (void)state;
    static const char *const lies[] = {"up-short", "up-long", "kind 0",       "kind 5",
                                       "kind 99",  "kind 1",  "exited-early", "up-twice"};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++)
        is_found_out(JAIL_REQUIRE, lies[i], "makes no sense");
    is_found_out(JAIL_REQUIRE, "kind-inside", "makes no sense");
    is_found_out(JAIL_REQUIRE, "descriptors-early", "descriptors that nobody asked for");
}

static void numbers_that_were_never_given(void **state)
{
    (void)state;
    is_found_out(JAIL_REQUIRE, "forked-unknown", "never asked for");
    is_found_out(JAIL_REQUIRE, "exited-unknown", "never asked for");
    is_found_out(JAIL_REQUIRE, "exited-unforked", "more ends than forks");
}

static void a_pidfd_that_is_not_the_cells(void **state)
{
    (void)state;
    is_found_out(JAIL_REQUIRE, "self", "not its cell");
    is_found_out(JAIL_REQUIRE, "null", "not its cell");
    is_found_out(JAIL_REQUIRE, "none", "without its one pidfd");
    is_found_out(JAIL_REQUIRE, "many 1", "nobody asked for");
    is_found_out(JAIL_REQUIRE, "many 200", "nobody asked for");
    is_found_out(JAIL_REQUIRE, "swap", "the pidfd of another");
    is_found_out(JAIL_REQUIRE, "speak", "the pidfd of another");
}

static int stranger(void)
{
    int pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

/* Without a pid namespace the zygote can open a pidfd of any process of the machine. */
static void no_innocent_process_is_killed(void **state)
{
    (void)state;
    char lie[64];
    int pid = stranger(), status;
    snprintf(lie, sizeof lie, "stranger %d", pid);
    is_found_out(JAIL_OFF, lie, "not its cell");
    assert_int_equal(kill(pid, 0), 0);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0); /* runs, and was not even stopped */
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void a_cell_that_lives_is_not_believed_dead(void **state)
{
    (void)state;
    is_found_out(JAIL_REQUIRE, "exited-alive", "has not ended");
}

static void floods_end_themselves(void **state)
{
    (void)state;
    is_found_out(JAIL_REQUIRE, "flood-exited", "more ends than forks");
    is_found_out(JAIL_REQUIRE, "flood-descriptors", "nobody asked for");
    is_found_out(JAIL_REQUIRE, "flood-words", "exit status 9");
}

/* The first FORKED ends the cell (the zygote cannot fork, it says); what follows is a breach. */
static void forks_told_again_and_again(void **state)
{
    (void)state;
    static const char *const lies[] = {"flood-forked", "forked-twice"};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct world w;
        struct seen s;
        start_enemy(&w, JAIL_REQUIRE, lies[i]);
        run_until(&w, &w.up, 1, "UP");
        fork_one(&w, &s);
        run_until(&w, &w.gone, 1, lies[i]);
        assert_non_null(strstr(w.why.msg, "more forks than were asked for"));
        assert_int_equal(s.gone, 1);
        close_world(&w);
    }
}

/* What outlives its zygote (no pid namespace) cannot hold up the loop. */
static void a_process_that_lingers_is_not_listened_to(void **state)
{
    (void)state;
    struct world w;
    struct seen s;
    start_enemy(&w, JAIL_OFF, "linger");
    run_until(&w, &w.up, 1, "UP");
    fork_one(&w, &s);
    run_until(&w, &w.gone, 1, "the zygote's end");
    assert_int_equal(s.gone, 1);
    for (const char *c = w.why.msg; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    close_world(&w);
}

/* Neither asks for a thing nor answers: both come to the same bounded wait, side by side. */
static void silence_is_bounded(void **state)
{
    (void)state;
    struct world silent, mute;
    struct seen a, b;
    start_enemy(&silent, JAIL_REQUIRE, "silent");
    start_enemy(&mute, JAIL_REQUIRE, "honest");
    run_until(&silent, &silent.up, 1, "UP");
    run_until(&mute, &mute.up, 1, "UP");
    fork_one(&silent, &a);
    fork_ready(&mute, &b);
    cell_kill(b.c); /* its end is never reported */
    int64_t t0 = clock_mono_us();
    while (!(silent.gone && mute.gone) && clock_mono_us() - t0 < WAIT_US) {
        run_for_ms(&silent, 20);
        run_for_ms(&mute, 20);
    }
    assert_int_equal(silent.gone + mute.gone, 2);
    assert_non_null(strstr(silent.why.msg, "does not fork"));
    assert_non_null(strstr(mute.why.msg, "does not report the end of a cell"));
    assert_true(a.gone == 1 && b.gone == 1 && a.g.with_zygote && b.g.with_zygote);
    close_world(&silent);
    close_world(&mute);
}

static void the_engine_it_names_is_printable(void **state)
{
    (void)state;
    struct world w;
    start_enemy(&w, JAIL_REQUIRE, "honest");
    run_until(&w, &w.up, 1, "UP");
    assert_string_equal(zygote_info(w.z)->engine, "enemy ?[31m");
    assert_int_equal(zygote_info(w.z)->layers, (1u << LAYERS) - 1);
    close_world(&w);
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    static const char *const lies[] = {"many 1",       "many 200",          "self",    "null",
                                       "exited-alive", "flood-descriptors", "up-long", "swap"};
    static const char *const words[] = {"asked for", "asked for", "its cell", "its cell",
                                        "not ended", "asked for", "sense",    "of another"};
    is_found_out(JAIL_REQUIRE, lies[0], words[0]);
    int before = open_fds();
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < ARRAY_LEN(lies); i++)
            is_found_out(JAIL_REQUIRE, lies[i], words[i]);
    assert_int_equal(open_fds(), before);
}

/* ---- kin.h ---- */

static void kin_knows_children_strangers_and_the_dead(void **state)
{
    (void)state;
    static enum kin (*const ways[])(int, pid_t, pid_t *) = {kin_of, kin_by_proc};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        pid_t pid = 0, child = stranger();
        int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
        int fd = (int)syscall(SYS_pidfd_open, child, 0), none = open("/proc/self/status", O_RDONLY);
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        assert_true(fd >= 0 && own >= 0 && none >= 0);
        assert_int_equal(ways[i](fd, getpid(), &pid), KIN_CHILD);
        assert_int_equal(pid, child);
        assert_int_equal(ways[i](fd, getpid() + 1, &pid), KIN_STRANGER);
        assert_int_equal(ways[i](own, getpid(), &pid), KIN_STRANGER);
        assert_int_equal(ways[i](none, getpid(), &pid), KIN_STRANGER);
        assert_int_equal(ways[i](pipes[0], getpid(), &pid), KIN_STRANGER);
        assert_int_equal(ways[i](-1, getpid(), &pid), KIN_STRANGER);
        kill(child, SIGKILL);
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(ways[i](fd, getpid(), &pid), KIN_CHILD); /* a zombie is one still */
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(ways[i](fd, getpid(), &pid), KIN_DEAD);
        const int fds[] = {own, fd, none, pipes[0], pipes[1]};
        for (size_t k = 0; k < ARRAY_LEN(fds); k++)
            close(fds[k]);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(malformed_and_out_of_order),
        T(numbers_that_were_never_given),
        T(a_pidfd_that_is_not_the_cells),
        T(no_innocent_process_is_killed),
        T(a_cell_that_lives_is_not_believed_dead),
        T(floods_end_themselves),
        T(forks_told_again_and_again),
        T(a_process_that_lingers_is_not_listened_to),
        T(silence_is_bounded),
        T(the_engine_it_names_is_printable),
        T(no_descriptor_is_left),
        T(kin_knows_children_strangers_and_the_dead),
    };
    unsetenv("ISOLANE_ENGINE_DIR");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
