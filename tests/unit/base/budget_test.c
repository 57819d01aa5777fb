#include "base/budget.h"
#include "test.h"

TEST(what_is_taken_counts_until_it_is_given_back)
{
    struct budget b = {.max = 100};

    assert_true(budget_take(&b, 60));
    assert_false(budget_take(&b, 41)); /* and nothing of it was taken */
    assert_true(budget_take(&b, 40));
    assert_false(budget_take(&b, 1));
    budget_give(&b, 40);
    assert_true(budget_take(&b, 40));
    assert_int_equal(b.taken, 100);
}

TEST(a_size_from_outside_does_not_wrap_around)
{
    struct budget b = {.max = 100};

    assert_true(budget_take(&b, 50));
    assert_false(budget_take(&b, SIZE_MAX));
    assert_false(budget_take(&b, SIZE_MAX - 49));
    assert_int_equal(b.taken, 50);
}

static void
give_late(void *arg)
{
    budget_give(arg, 60);
}

TEST(who_gives_back_late_is_asked_before_anybody_is_refused)
{
    struct budget b = {.max = 100, .settle = give_late};

    b.settle_arg = &b;
    assert_true(budget_take(&b, 90));
    assert_int_equal(b.taken, 90); /* nobody was refused: not asked */
    assert_true(budget_take(&b, 50));
    assert_int_equal(b.taken, 80);
    b.settle = NULL;
    assert_false(budget_has(&b, 21));
    assert_true(budget_has(&b, 20));
    assert_int_equal(b.taken, 80);
}

TEST(without_a_budget_all_may_be_had)
{
    assert_true(budget_take(NULL, SIZE_MAX));
    budget_give(NULL, SIZE_MAX);
}
