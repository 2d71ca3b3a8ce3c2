/* The table of deliveries in hand, and the lock on a data folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executor/front/custody.h"
#include "executor/folder.h"

static void test_envelope_of_any_size_is_kept_and_goes_with_its_custody(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2000, 4095, 4096, 4097, 100000};
    char text[100000];
    for (int round = 0; round < 3; round++) {
        struct custody_table t = {0};
        struct custody *c[sizeof sizes / sizeof *sizes];
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char id[16];
            snprintf(id, sizeof id, "job-%zu", i);
            c[i] = custody_add(&t, "ci", id);
            assert_null(c[i]->envelope);
            memset(text, (int)('a' + i), sizeof text);
            custody_keep_envelope(c[i], text, sizes[i]);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assert_int_equal(c[i]->envelope_len, sizes[i]);
            assert_int_equal(strlen(c[i]->envelope), sizes[i]);
            assert_int_equal(strspn(c[i]->envelope, (char[]){(char)('a' + i), 0}), sizes[i]);
            custody_remove(&t, c[i]);
        }
    }
}

static void test_found_by_tenant_and_id(void **state)
{
    (void)state;
    struct custody_table t = {0};
    struct custody *a = custody_add(&t, "ci", "build-1"), *b = custody_add(&t, "ops", "build-1");
    struct custody *c = custody_add(&t, "ops", "build-2");
    assert_ptr_equal(custody_find(&t, "ci", "build-1"), a);
    assert_ptr_equal(custody_find(&t, "ops", "build-1"), b);
    assert_null(custody_find(&t, "ci", "build-2"));
    bool ambiguous = false;
    assert_null(custody_find_id(&t, "build-1", &ambiguous));
    assert_true(ambiguous);
    assert_ptr_equal(custody_find_id(&t, "build-2", &ambiguous), c);
    assert_false(ambiguous);
    assert_null(custody_find_id(&t, "nothing", &ambiguous));
    assert_int_equal(custody_count(&t), 3);
    custody_remove(&t, b);
    assert_ptr_equal(custody_find_id(&t, "build-1", &ambiguous), a);
    custody_remove(&t, a);
    custody_remove(&t, c);
    assert_int_equal(custody_count(&t), 0);
}

static void test_one_process_a_folder(void **state)
{
    (void)state;
    char dir[] = "/tmp/isolane-test-XXXXXX", sub[64], lock[96];
    assert_non_null(mkdtemp(dir));
    snprintf(sub, sizeof sub, "%s/a/b", dir);
    snprintf(lock, sizeof lock, "%s/worker.lock", sub);
    int first = -1, second = -1;
    struct err e = {0};
    assert_int_equal(folder_claim(sub, lock, &first, &e), 0);
    char pid[16];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(folder_claim(sub, lock, &second, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.msg, pid));
    assert_non_null(strstr(e.msg, sub));
    close(first);
    assert_int_equal(folder_claim(sub, lock, &second, &e), 0);
    close(second);
    unlink(lock);
    rmdir(sub);
    snprintf(sub, sizeof sub, "%s/a", dir);
    rmdir(sub);
    rmdir(dir);
}

static void test_a_file_is_no_folder(void **state)
{
    (void)state;
    char file[] = "/tmp/isolane-test-XXXXXX", lock[64];
    int fd = mkstemp(file), out = -1;
    struct err e = {0};
    snprintf(lock, sizeof lock, "%s/worker.lock", file);
    assert_int_equal(folder_claim(file, lock, &out, &e), ERR_IO);
    assert_non_null(strstr(e.msg, file));
    close(fd);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_tenant_and_id),
        cmocka_unit_test(test_envelope_of_any_size_is_kept_and_goes_with_its_custody),
        cmocka_unit_test(test_one_process_a_folder),
        cmocka_unit_test(test_a_file_is_no_folder),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
