#include "base/timer.h"

#include "test.h"

static int fired;

static void
note(struct timer *t)
{
    (void)t;
    fired++;
}

static struct timer_wheel wheel;

TEST(a_timer_fires_once_never_early)
{
    struct timer t;

    timer_wheel_init(&wheel, 0);
    timer_init(&t, note);
    fired = 0;
    timer_set(&wheel, &t, SECONDS(30));
    assert_true(wheel.next > SECONDS(0) && wheel.next <= SECONDS(30) + TIMER_TICK);
    for (mono_time now = 0; now <= SECONDS(30); now += MILLISECONDS(10))
        timer_wheel_tick(&wheel, now);
    assert_int_equal(fired, 0);
    timer_wheel_tick(&wheel, SECONDS(30) + 2 * TIMER_TICK);
    assert_int_equal(fired, 1);
    timer_wheel_tick(&wheel, SECONDS(90));
    assert_int_equal(fired, 1);
    assert_true(wheel.next == TIMER_NEVER);
}

TEST(a_moved_timer_forgets_its_old_time)
{
    struct timer t;

    timer_wheel_init(&wheel, 0);
    timer_init(&t, note);
    fired = 0;
    timer_set(&wheel, &t, SECONDS(1));
    timer_set(&wheel, &t, SECONDS(5));
    timer_wheel_tick(&wheel, SECONDS(2));
    assert_int_equal(fired, 0);
    timer_clear(&wheel, &t);
    timer_wheel_tick(&wheel, SECONDS(9));
    assert_int_equal(fired, 0);
    assert_int_equal(wheel.count, 0);
}
