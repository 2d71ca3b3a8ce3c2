/* The zygote's malloc: what is allocated behind spare_use_up() lies side by side, whatever was
 * freed before. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/lacking.h"

void spare_use_up(
    void); /* sandbox/zygote/spare.h, which is not this room's (tests/zygote/build.mk) */

#define BLOCKS 4000

static void leave_gaps(void)
{
    static void *block[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = malloc(16 + i * 7919 % 3000);
    for (size_t i = 0; i < BLOCKS; i += 2)
        free(block[i]);
}

static void test_side_by_side(void **state)
{
    static const size_t sizes[] = {100, 5000, 24, 1032, 8000, 500, 100};
    char *end = NULL;
    (void)state;
    if (mallinfo2().arena == 0)
        SKIP_FOR("a sanitizer has replaced glibc's malloc");
    leave_gaps();
    spare_use_up();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *p = malloc(sizes[i]);
        assert_non_null(p);
        if (end)
            assert_in_range((uintptr_t)p, (uintptr_t)end, (uintptr_t)end + 32);
        end = p + malloc_usable_size(p);
    }
}

int main(void)
{
    static struct CMUnitTest tests[] = {cmocka_unit_test(test_side_by_side)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, NULL, NULL);
}
