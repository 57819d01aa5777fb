/* What blocks is done on threads beside the loop, each once, and told on its thread. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/loop.h"
#include "test.h"

enum { MANY = 1000, AT_ONCE = 4 };

struct work {
    struct loop       loop;
    atomic_size_t     worked;
    size_t            done;
    size_t            more; /* to be started when one is done */
    pthread_barrier_t meeting;
    pthread_t         network;
};

static void
work_init(struct work *w)
{
    struct error err = {0};

    *w = (struct work){.network = pthread_self()};
    assert_true(loop_init(&w->loop, &err));
}

static void
count(void *arg)
{
    struct work *w = arg;

    assert_false(pthread_equal(w->network, pthread_self()));
    w->worked++;
}

static void
done(void *arg)
{
    struct work *w = arg;

    assert_true(pthread_equal(w->network, pthread_self()));
    w->done++;
    if (w->more == 0)
        return;
    w->more--;
    assert_true(loop_work(&w->loop, count, done, w));
}

TEST(each_is_done_once)
{
    struct work w;

    work_init(&w);
    for (int i = 0; i < MANY; i++)
        assert_true(loop_work(&w.loop, count, done, &w));
    assert_int_equal(w.done, 0); /* never before it returns */
    while (w.done < MANY)
        loop_turn(&w.loop, SECONDS(1));
    assert_int_equal(w.worked, MANY);
    loop_clear(&w.loop);
    assert_int_equal(w.done, MANY);
}

static void
meet(void *arg)
{
    struct work *w = arg;

    pthread_barrier_wait(&w->meeting);
    w->worked++;
}

TEST(several_block_at_once)
{
    struct work w;

    work_init(&w);
    assert_int_equal(pthread_barrier_init(&w.meeting, NULL, AT_ONCE), 0);
    for (int round = 0; round < 3; round++) { /* threads that are there already are free again */
        for (int i = 0; i < AT_ONCE; i++)
            assert_true(loop_work(&w.loop, meet, done, &w));
        while (w.done < (size_t)(round + 1) * AT_ONCE)
            loop_turn(&w.loop, SECONDS(1));
    }
    loop_clear(&w.loop);
    pthread_barrier_destroy(&w.meeting);
}

TEST(what_is_under_way_is_done_before_the_loop_is_gone)
{
    struct work w;

    work_init(&w);
    w.more = 5; /* one behind the other */
    assert_true(loop_work(&w.loop, count, done, &w));
    loop_clear(&w.loop);
    assert_int_equal(w.worked, 6);
    assert_int_equal(w.done, 6);
}
