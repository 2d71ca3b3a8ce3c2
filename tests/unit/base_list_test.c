/* base/list.h: appending one list to another; the rest is used by everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    struct list node;
    int number;
};

static void expect(struct list *l, int first, int last)
{
    int n = first;
    LIST_FOREACH(it, l)
    {
        assert_int_equal(LIST_ENTRY(it, struct item, node)->number, n++);
    }
    assert_int_equal(n, last + 1);
    n = last;
    for (struct list *it = l->prev; it != l; it = it->prev)
        assert_int_equal(LIST_ENTRY(it, struct item, node)->number, n--);
    assert_int_equal(n, first - 1);
}

static void test_append(void **state)
{
    (void)state;
    struct item items[6];
    struct list a, b;
    list_init(&a);
    list_init(&b);
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        list_push_back(i < 2 ? &a : &b, &items[i].node);
    }
    list_append(&a, &b);
    expect(&a, 0, 5);
    assert_true(list_empty(&b));
    list_append(&a, &b); /* nothing to move */
    expect(&a, 0, 5);
    list_append(&b, &a); /* into an empty one */
    expect(&b, 0, 5);
    assert_true(list_empty(&a));
    list_push_back(&b, &a); /* the links are whole: a node can still be added and taken out */
    list_remove(&a);
    expect(&b, 0, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
