#include "store/ring.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sequentially consistent throughout: the putter writes head and then reads `sleep`, the taker writes `sleep` and then
 * reads head; one of them sees the other. */

bool
ring_put(struct ring *r, void *item, bool enough)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head - atomic_load(&r->tail) >= RING_SLOTS)
        return false;
    r->slots[head % RING_SLOTS] = item;
    atomic_store(&r->head, head + 1);

    int sleep = atomic_load(&r->sleep);
    if (sleep == RING_SLEEPS || (sleep == RING_NAPS && enough))
        ring_wake(r);
    return true;
}

void
ring_wake(struct ring *r)
{
    atomic_store(&r->sleep, RING_AWAKE); /* so that the next put does not wake again */
    atomic_fetch_add(&r->word, 1);
    syscall(SYS_futex, &r->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void *
ring_take(struct ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (atomic_load(&r->head) == tail)
        return NULL;
    void *item = r->slots[tail % RING_SLOTS];
    atomic_store(&r->tail, tail + 1);
    return item;
}

static void
wait_for_word(struct ring *r, uint32_t seen, mono_time longest)
{
    struct timespec t = {.tv_sec = longest / SECONDS(1), .tv_nsec = longest % SECONDS(1) * 1000};

    syscall(SYS_futex, &r->word, FUTEX_WAIT_PRIVATE, seen, longest < 0 ? NULL : &t, NULL, 0);
}

void
ring_sleep(struct ring *r, mono_time longest, bool (*ready)(const void *arg), const void *arg)
{
    uint32_t seen = atomic_load(&r->word);

    atomic_store(&r->sleep, RING_SLEEPS);
    if (atomic_load(&r->head) == atomic_load(&r->tail) && !ready(arg))
        wait_for_word(r, seen, longest);
    atomic_store(&r->sleep, RING_AWAKE);
}

void
ring_nap(struct ring *r, mono_time longest, bool (*ready)(const void *arg), const void *arg)
{
    uint32_t seen = atomic_load(&r->word);

    atomic_store(&r->sleep, RING_NAPS);
    if (!ready(arg))
        wait_for_word(r, seen, longest);
    atomic_store(&r->sleep, RING_AWAKE);
}
