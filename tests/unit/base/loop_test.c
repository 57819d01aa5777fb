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
