#include "base/list.h"

#include "test.h"

struct thing {
    int         number;
    struct list node;
};

TEST(a_list_keeps_order_and_lets_go_twice)
{
    struct list  l;
    struct thing a = {.number = 1}, b = {.number = 2};
    int          seen = 0;

    list_init(&l);
    list_append(&l, &a.node);
    list_prepend(&l, &b.node);
    LIST_EACH (struct thing, t, &l, node) {
        seen = seen * 10 + t->number;
        list_remove(&t->node);
    }
    assert_int_equal(seen, 21);
    assert_true(list_is_empty(&l));
    list_remove(&a.node);
    assert_null(list_first(&l));
}
