#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "config/paths.h"

static char folder[64] = "/tmp/isolane-paths-XXXXXX";
static const char *const engine_files[] = {"node", "libisolane-cell.so", "snapshot.bin"};

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        unlink(engine_files[i]);
    return chdir("/") || rmdir(folder);
}

static void paths_lie_in_the_folder(void **state)
{
    (void)state;
    struct data_paths p;
    assert_int_equal(data_paths("/var/lib/x/", &p, NULL), 0);
    assert_string_equal(p.dir, "/var/lib/x");
    assert_string_equal(p.db, "/var/lib/x/results.db");
    assert_string_equal(p.key, "/var/lib/x/worker.key");
    assert_string_equal(p.pub, "/var/lib/x/worker.pub");
    assert_string_equal(p.nats_dir, "/var/lib/x/nats");
    assert_string_equal(p.url, "/var/lib/x/nats.url");
    assert_string_equal(p.lock, "/var/lib/x/worker.lock");
    assert_string_equal(p.log, "/var/lib/x/isolane.log");
}

static void relative_folders_become_absolute(void **state)
{
    (void)state;
    struct data_paths p;
    char want[128];
    assert_int_equal(data_paths("data", &p, NULL), 0);
    snprintf(want, sizeof want, "%s/data/results.db", folder);
    assert_string_equal(p.db, want);
}

static void folders_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct data_paths p;
    struct err e;
    char longest[PATH_MAX + 8];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    assert_int_equal(data_paths("", &p, &e), ERR_INVALID);
    assert_int_equal(data_paths(longest, &p, &e), ERR_LIMIT);
    longest[PATH_MAX - 3] = 0; /* the folder fits, its files do not */
    assert_int_equal(data_paths(longest, &p, &e), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "data_dir"));
}

static void an_engine_folder_is_found_only_whole(void **state)
{
    (void)state;
    struct engine_paths p;
    struct err e;
    char want[128];
    setenv("ISOLANE_ENGINE_DIR", folder, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engine_paths(&p, &e), ERR_NOT_FOUND);
        assert_non_null(strstr(e.msg, engine_files[i]));
        assert_non_null(strstr(e.msg, "run make"));
        assert_int_equal(fs_write_file(engine_files[i], "x", 1, 0700, false, NULL), 0);
    }
    assert_int_equal(engine_paths(&p, &e), 0);
    snprintf(want, sizeof want, "%s/snapshot.bin", folder);
    assert_string_equal(p.snapshot, want);
    assert_string_equal(p.dir, folder);
    /* No x bit at all: not even root may run it. */
    assert_int_equal(chmod("node", 0600), 0);
    assert_int_equal(engine_paths(&p, &e), ERR_NOT_FOUND);
}

static void without_an_engine_it_says_where_it_looked(void **state)
{
    (void)state;
    struct engine_paths p;
    struct err e;
    unsetenv("ISOLANE_ENGINE_DIR");
    assert_int_equal(engine_paths(&p, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/lib/isolane/engine"));
    assert_non_null(strstr(e.msg, "ISOLANE_ENGINE_DIR"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lie_in_the_folder),
        cmocka_unit_test(relative_folders_become_absolute),
        cmocka_unit_test(folders_that_cannot_be_are_refused),
        cmocka_unit_test(an_engine_folder_is_found_only_whole),
        cmocka_unit_test(without_an_engine_it_says_where_it_looked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
