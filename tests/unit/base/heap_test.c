#include "base/heap.h"

#include "base/live.h"

#include "test.h"

TEST(a_process_is_tidied_when_more_is_unused_than_there_was_at_its_least)
{
    struct heap_care h = {.tight = MIB(20)};

    assert_false(heap_is_loose(&h, MIB(20)));
    assert_false(heap_is_loose(&h, MIB(20) + HEAP_LOOSE - 1));
    assert_true(heap_is_loose(&h, MIB(20) + HEAP_LOOSE));
    assert_false(heap_is_loose(&h, MIB(12))); /* it gave back by itself: from there it counts */
    assert_false(heap_is_loose(&h, MIB(12) + HEAP_LOOSE - 1));
    assert_true(heap_is_loose(&h, MIB(12) + HEAP_LOOSE));
}

TEST(a_process_that_has_ended_has_no_memory)
{
    assert_true(heap_resident("self") > 0);
    assert_int_equal(heap_resident("no such process"), 0);
}

/* Begins a look, as the timer does when its time is there. No turn of the loop passes in which it could end. */
static void
look_now(struct heap_care *h, struct loop *loop)
{
    loop_clear_timer(loop, &h->timer);
    h->timer.fire(&h->timer);
    assert_int_equal(live_counts[LIVE_WORKER_JOBS], 1);
}

TEST(a_worker_looks_again_and_again_until_it_is_told_to_stop)
{
    struct heap_care h = {0};
    struct loop      loop;

    heap_care_stop(&h); /* never started */
    assert_true(loop_init(&loop, NULL));
    heap_care_start(&h, &loop);
    assert_true(timer_is_set(&h.timer));
    for (int i = 0; i < 2; i++) {
        look_now(&h, &loop);
        while (!timer_is_set(&h.timer))
            loop_turn(&loop, MILLISECONDS(50));
    }
    look_now(&h, &loop);
    heap_care_stop(&h); /* while a worker looks */
    loop_clear(&loop);
    assert_false(timer_is_set(&h.timer));
    assert_int_equal(live_counts[LIVE_WORKER_JOBS], 0);
}
