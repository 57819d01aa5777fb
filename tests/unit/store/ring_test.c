#include "test.h"

#include <pthread.h>

#include "store/ring.h"

static bool
never(const void *arg)
{
    (void)arg;
    return false;
}

TEST(a_ring_gives_back_in_order_and_says_when_it_is_full)
{
    struct ring *r = aligned_alloc(64, sizeof *r);
    int          items[RING_SLOTS + 1];

    memset(r, 0, sizeof *r);
    assert_null(ring_take(r));
    for (int i = 0; i < RING_SLOTS; i++)
        assert_true(ring_put(r, &items[i], false));
    assert_false(ring_put(r, &items[RING_SLOTS], false));
    for (int i = 0; i < RING_SLOTS; i++)
        assert_ptr_equal(ring_take(r), &items[i]);
    assert_null(ring_take(r));
    free(r);
}

enum { MANY = 200000 };

static void *
take_all(void *arg)
{
    struct ring *r   = arg;
    uintptr_t    sum = 0;

    for (int seen = 0; seen < MANY;) {
        void *item = ring_take(r);
        if (item == NULL) {
            ring_sleep(r, -1, never, NULL); /* for ever: a wake that is missed hangs the test */
            ring_nap(r, 100, never, NULL);
            continue;
        }
        sum += (uintptr_t)item;
        seen++;
    }
    return (void *)sum;
}

TEST(nothing_is_lost_and_no_wake_is_missed_between_two_threads)
{
    struct ring *r = aligned_alloc(64, sizeof *r);
    pthread_t    taker;
    void        *sum;

    memset(r, 0, sizeof *r);
    pthread_create(&taker, NULL, take_all, r);
    for (uintptr_t i = 1; i <= MANY; i++) {
        while (!ring_put(r, (void *)i, i % 7 == 0))
            sched_yield();
        if (i % 1000 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    pthread_join(taker, &sum);
    assert_int_equal((uintptr_t)sum, (uintptr_t)MANY * (MANY + 1) / 2);
    free(r);
}
