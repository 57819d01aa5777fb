#include "base/arena.h"

#include "test.h"

static int ran;

static void
count(void *arg)
{
    (void)arg;
    ran++;
}

TEST(what_is_made_goes_at_once_and_hooks_run_newest_first)
{
    struct arena *a = arena_new(64, 4096);

    assert_non_null(a);
    assert_true(arena_defer(a, count, NULL));
    assert_non_null(arena_alloc(a, 1000));
    assert_str(arena_printf(a, "%d tools", 14), "14 tools");
    arena_reset(a);
    assert_int_equal(ran, 1);
    assert_non_null(arena_alloc(a, 3000));
    arena_free(a);
}

TEST(an_arena_over_its_bound_says_so)
{
    struct arena *a = arena_new(64, 256);

    assert_null(arena_alloc(a, 300));
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_non_null(arena_alloc(a, 100));
    assert_null(arena_alloc(a, 200));
    arena_free(a);
}
