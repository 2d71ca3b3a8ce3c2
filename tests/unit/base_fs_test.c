/* fs: files and folders, in a folder of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/isolane-fs-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[256];
    snprintf(cmd, sizeof cmd, "chmod -R u+rwx %s && rm -rf %s", dir, dir);
    return system(cmd);
}

static const char *at(const char *name)
{
    static char path[4][PATH_MAX];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], PATH_MAX, "%s/%s", dir, name);
    return path[turn];
}

static int mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static int entries(void)
{
    char cmd[256];
    snprintf(cmd, sizeof cmd, "ls -A %s | wc -l", dir);
    FILE *p = popen(cmd, "r");
    int n = -1;
    assert_int_equal(fscanf(p, "%d", &n), 1);
    pclose(p);
    return n;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct err e;
    char *data;
    size_t len;
    assert_int_equal(fs_write_file(at("a"), "x\0y", 3, 0640, false, &e), 0);
    assert_int_equal(mode_of(at("a")), 0640);
    assert_int_equal(fs_read_file(at("a"), 100, &data, &len, &e), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "x\0y\0", 4);
    free(data);
    assert_int_equal(fs_write_file(at("a"), "", 0, 0600, false, &e), 0); /* replaced, mode too */
    assert_int_equal(mode_of(at("a")), 0600);
    assert_int_equal(fs_read_file(at("a"), 100, &data, &len, &e), 0);
    assert_string_equal(data, "");
    free(data);
}

static void mode_does_not_depend_on_the_umask(void **state)
{
    (void)state;
    mode_t old = umask(0);
    assert_int_equal(fs_write_file(at("secret"), "x", 1, 0600, true, NULL), 0);
    umask(0777);
    assert_int_equal(fs_write_file(at("public"), "x", 1, 0644, true, NULL), 0);
    umask(old);
    assert_int_equal(mode_of(at("secret")), 0600);
    assert_int_equal(mode_of(at("public")), 0644);
}

static void reading_is_bounded(void **state)
{
    (void)state;
    struct err e;
    char *data = NULL;
    size_t len;
    char big[70000];
    memset(big, 'x', sizeof big);
    assert_int_equal(fs_write_file(at("big"), big, sizeof big, 0600, false, NULL), 0);
    assert_int_equal(fs_read_file(at("big"), sizeof big - 1, &data, &len, &e), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "larger than 69999 bytes"));
    assert_non_null(strstr(e.msg, at("big")));
    assert_null(data);
    assert_int_equal(fs_read_file(at("big"), sizeof big, &data, &len, &e), 0);
    assert_int_equal(len, sizeof big);
    free(data);
    assert_int_equal(fs_read_file(at("big"), 0, &data, &len, &e), ERR_LIMIT);
    assert_int_equal(fs_read_file("/dev/zero", 100000, &data, &len, &e), ERR_LIMIT);
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct err e;
    char *data;
    size_t len;
    assert_int_equal(fs_read_file(at("none"), 10, &data, &len, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "No such file"));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(fs_read_file(dir, 10, &data, &len, &e), ERR_IO);
    assert_non_null(strstr(e.msg, "Is a directory"));
}

static void a_file_that_must_be_new_is_never_replaced(void **state)
{
    (void)state;
    struct err e;
    char *data;
    size_t len;
    assert_int_equal(fs_write_file(at("n"), "first", 5, 0600, true, &e), 0);
    int before = entries();
    assert_int_equal(fs_write_file(at("n"), "second", 6, 0600, true, &e), ERR_EXISTS);
    assert_non_null(strstr(e.msg, at("n")));
    assert_int_equal(entries(), before); /* no temporary file left */
    assert_int_equal(fs_read_file(at("n"), 10, &data, &len, &e), 0);
    assert_string_equal(data, "first");
    free(data);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(fs_write_file(at("keep"), "old", 3, 0600, false, &e), 0);
    int before = entries();
    pid_t pid = fork();
    if (pid == 0) { /* a disk that takes two bytes a file */
        struct rlimit two = {2, 2};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &two);
        _exit(fs_write_file(at("keep"), "newer", 5, 0600, false, &e) == ERR_IO ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    char *data;
    size_t len;
    assert_int_equal(entries(), before);
    assert_int_equal(fs_read_file(at("keep"), 10, &data, &len, &e), 0);
    assert_string_equal(data, "old");
    free(data);
    assert_int_equal(fs_write_file(at("no/such/folder"), "x", 1, 0600, false, &e), ERR_IO);
    assert_non_null(strstr(e.msg, "No such file"));
}

static void folders_are_made_private_and_deep(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(fs_make_dirs(at("d/e/f"), &e), 0);
    assert_int_equal(mode_of(at("d")), 0700);
    assert_int_equal(mode_of(at("d/e/f")), 0700);
    assert_int_equal(fs_make_dirs(at("d/e/f"), &e), 0); /* again is fine */
    assert_int_equal(fs_make_dirs(at("d//e/g/"), &e), 0);
    assert_int_equal(mode_of(at("d/e/g")), 0700);
    assert_int_equal(fs_make_dirs("/", &e), 0);
    assert_int_equal(fs_make_dirs(".", &e), 0);
}

static void a_folder_that_cannot_be_is_said(void **state)
{
    (void)state;
    struct err e;
    char longer[PATH_MAX + 10];
    assert_int_equal(fs_write_file(at("file"), "", 0, 0600, false, &e), 0);
    assert_int_equal(fs_make_dirs(at("file"), &e), ERR_IO);
    assert_non_null(strstr(e.msg, "is a file"));
    assert_int_equal(fs_make_dirs(at("file/x"), &e), ERR_IO);
    assert_non_null(strstr(e.msg, "Not a directory"));
    assert_int_equal(fs_make_dirs("", &e), ERR_IO);
    assert_non_null(strstr(e.msg, "empty"));
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(fs_make_dirs(longer, &e), ERR_LIMIT);
}

static void paths_must_fit(void **state)
{
    (void)state;
    struct err e;
    char p[8];
    assert_int_equal(fs_path(p, sizeof p, &e, "%s/%s", "abc", "def"), 0);
    assert_string_equal(p, "abc/def");
    assert_int_equal(fs_path(p, sizeof p, &e, "%s/%s", "abc", "defg"), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "8 bytes"));
}

static void the_program_s_folder_is_known(void **state)
{
    (void)state;
    struct err e;
    char p[PATH_MAX], small[4];
    assert_int_equal(fs_exe_dir(p, sizeof p, &e), 0);
    strcat(p, "/base_fs_test");
    assert_int_equal(access(p, X_OK), 0);
    assert_int_equal(fs_exe_dir(small, sizeof small, &e), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(mode_does_not_depend_on_the_umask),
        cmocka_unit_test(reading_is_bounded),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(a_file_that_must_be_new_is_never_replaced),
        cmocka_unit_test(a_failed_write_leaves_the_old_file_and_nothing_else),
        cmocka_unit_test(folders_are_made_private_and_deep),
        cmocka_unit_test(a_folder_that_cannot_be_is_said),
        cmocka_unit_test(paths_must_fit),
        cmocka_unit_test(the_program_s_folder_is_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
