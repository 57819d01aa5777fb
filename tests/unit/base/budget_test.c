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

TEST(without_a_budget_all_may_be_had)
{
    assert_true(budget_take(NULL, SIZE_MAX));
    budget_give(NULL, SIZE_MAX);
}
