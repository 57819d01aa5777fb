#include "base/loop.h"

#include <unistd.h>

#include "test.h"

TEST(a_turn_ends_though_its_time_was_over_before_it_began)
{
    struct loop loop;

    assert_true(loop_init(&loop, NULL));
    usleep(5000); /* the loop's idea of the time is old now */
    alarm(5);
    loop_turn(&loop, MILLISECONDS(1));
    alarm(0);
    loop_clear(&loop);
}

struct removing {
    struct loop_hook  hook;
    struct loop_hook *other; /* which it removes */
    int               runs;
};

static bool
run_and_remove(struct loop_hook *hook)
{
    struct removing *r = LIST_OF(struct removing, hook, hook);

    r->runs++;
    if (r->other != NULL)
        loop_remove_hook(r->other);
    return false;
}

TEST(a_hook_may_remove_itself_and_the_one_that_comes_next)
{
    struct loop     loop;
    struct removing a = {.hook.run = run_and_remove}, b = a, c = a, d = a;

    assert_true(loop_init(&loop, NULL));
    a.other = &a.hook;
    b.other = &c.hook;
    list_init(&a.hook.node);
    for (struct removing *each[] = {&a, &b, &c, &d}, **r = each; r < each + 4; r++)
        loop_add_hook(&loop, &(*r)->hook);
    loop_turn(&loop, 0);
    loop_turn(&loop, 0);
    assert_int_equal(a.runs, 1);
    assert_int_equal(c.runs, 0);
    assert_true(b.runs >= 2 && b.runs == d.runs);
    loop_remove_hook(&b.hook);
    loop_remove_hook(&d.hook);
    loop_clear(&loop);
}
