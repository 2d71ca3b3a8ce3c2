/* Zygotes that are given a source before they fork: their cells have it, nobody else's do, and a
 * zygote that such a source has taken over can do no more than fork. On the fake engine: its
 * `syscall N …` in a kept source is made while that is compiled. */
#include "tests/unit/host_cells.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/host/keep.h"

static void start_with(struct world *w, const char *source, enum jail_mode jail)
{
    static const struct zygote_events ev = {.up = on_up, .gone = on_zygote_gone};
    struct err e = {0};
    int fd = keep_make(FRAME_MODULE, "kept.mjs", source, strlen(source), "", 0, &e);
    if (fd < 0)
        fail_msg("%s", e.msg);
    const struct zygote_options o = {
        .jail = jail, .paths = &w->paths, .keep_fd = fd, .preload_mb = 64};
    zygote_free(w->z);
    w->z = NULL;
    w->up = w->gone = 0;
    if (zygote_start(&w->loop, &o, &ev, w, &w->z, &e))
        fail_msg("%s", e.msg);
    close(fd);
    while (!w->up && !w->gone)
        uv_run(&w->loop, UV_RUN_ONCE);
}

static void begin_kept(struct seen *s)
{
    struct err e = {0};
    struct cell_invocation inv = invocation("");
    inv.kept = true;
    inv.name = "";
    if (cell_invoke(s->c, &inv, &e))
        fail_msg("cell_invoke: %s", e.msg);
}

static void cells_have_the_source(void **state)
{
    struct world *w = *state;
    start_with(w, "print kept\nvalue 5", JAIL_REQUIRE);
    if (!w->up)
        fail_msg("%s", w->why.msg);
    for (int i = 0; i < 3; i++) {
        struct seen s;
        fork_ready(w, &s);
        begin_kept(&s);
        run_until(w, &s.gone, 1, "its end");
        assert_int_equal(s.done, 1);
        assert_string_equal(text_of(&s.out), "kept\n");
        assert_string_equal(text_of(&s.value), "5");
        assert_null(s.g.breach);
        forget(&s);
    }
}

/* The same jail as any cell's: a forbidden call is named and ends it. */
static void its_cells_have_their_own_filter(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *line;
        int nr;
    } calls[] = {{"syscall 41", SYS_socket},   {"syscall 56", SYS_clone},
                 {"syscall 61", SYS_wait4},    {"syscall 47", SYS_recvmsg},
                 {"syscall 46", SYS_sendmsg},  {"syscall 434", SYS_pidfd_open},
                 {"syscall 317", SYS_seccomp}, {"syscall 157", SYS_prctl},
                 {"syscall 272", SYS_unshare}, {"syscall 33", SYS_dup2}};
    start_with(w, "print x", JAIL_REQUIRE);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct seen s;
        run_script(w, &s, calls[i].line);
        assert_int_equal(s.g.denied_syscall, calls[i].nr);
        forget(&s);
    }
    assert_int_equal(w->gone, 0);
}

static void an_ordinary_zygote_keeps_none(void **state)
{
    struct world *w = *state;
    struct seen s;
    zygote_free(w->z);
    w->z = NULL;
    bring_up(w);
    fork_ready(w, &s);
    begin_kept(&s);
    run_until(w, &s.gone, 1, "its end");
    assert_int_equal(s.done, 0);
    assert_int_not_equal(s.g.status, 0);
    forget(&s);
}

static void a_source_that_cannot_be_compiled_is_told(void **state)
{
    struct world *w = *state;
    start_with(w, "bad source", JAIL_REQUIRE);
    assert_int_equal(w->up, 0);
    assert_int_equal(w->why.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(w->why.msg, "cannot be compiled ahead"));
}

/* Every call that is not on one of the two lists, and those on them that are bound to arguments. */
static void a_zygote_that_was_taken_over_can_only_fork(void **state)
{
    static const int calls[] = {SYS_openat,
                                SYS_open,
                                SYS_socket,
                                SYS_connect,
                                SYS_execve,
                                SYS_kill,
                                SYS_ptrace,
                                SYS_clone3,
                                SYS_vfork,
                                SYS_fork,
                                SYS_mount,
                                SYS_setns,
                                SYS_bpf,
                                SYS_keyctl,
                                SYS_userfaultfd,
                                SYS_chroot,
                                SYS_setuid,
                                SYS_memfd_create,
                                SYS_socketpair,
                                SYS_ioctl,
                                SYS_process_vm_readv,
                                SYS_pidfd_getfd,
                                SYS_pidfd_send_signal,
                                425 /* io_uring_setup */,
                                SYS_clone,
                                SYS_unshare,
                                SYS_prctl,
                                SYS_seccomp,
                                SYS_rt_sigaction};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        char source[40];
        snprintf(source, sizeof source, "syscall %d", calls[i]);
        start_with(w, source, JAIL_REQUIRE);
        if (w->up || !strstr(w->why.msg, "159"))
            fail_msg("%s: %s", source, w->up ? "was let through" : w->why.msg);
    }
    start_with(w, "syscall 39", JAIL_REQUIRE); /* getpid: cells may */
    assert_int_equal(w->up, 1);
}

static void nobody_can_change_it_on_its_way(void **state)
{
    (void)state;
    struct err e = {0};
    int fd = keep_make(FRAME_SCRIPT, "a", "12345", 5, "", 0, &e);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

static int open_only(void **state)
{
    struct world *w = mem_alloc(sizeof *w);
    open_world(w);
    *state = w;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_have_the_source),
        cmocka_unit_test(its_cells_have_their_own_filter),
        cmocka_unit_test(an_ordinary_zygote_keeps_none),
        cmocka_unit_test(a_source_that_cannot_be_compiled_is_told),
        cmocka_unit_test(a_zygote_that_was_taken_over_can_only_fork),
        cmocka_unit_test(nobody_can_change_it_on_its_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("host_keep", tests, open_only, tear_down);
}
