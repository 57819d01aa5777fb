/* src/store/ring.h: a queue between two threads, one that puts and one that takes, without a lock.
 *
 * The one that puts never waits. It wakes the other rarely, for waking costs more than a call: when it sleeps because
 * nothing was there, and when it naps to let work gather and enough has gathered. */
#ifndef GATEHOUSE_STORE_RING_H
#define GATEHOUSE_STORE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum { RING_SLOTS = 1024 };

enum ring_sleep { RING_AWAKE, RING_NAPS, RING_SLEEPS };

struct ring { /* all zero: empty */
    void *slots[RING_SLOTS];

    _Alignas(64) _Atomic uint32_t head; /* next to put; the putter's */
    _Alignas(64) _Atomic uint32_t tail; /* next to take; the taker's */
    _Alignas(64) _Atomic uint32_t word; /* a futex: changes with each wake */
    _Atomic int sleep;                  /* enum ring_sleep */
};

/* False: all slots are taken. `enough`: what lies there is worth waking one who naps. */
bool ring_put(struct ring *r, void *item, bool enough);
/* Wakes whoever waits. Any thread. */
void ring_wake(struct ring *r);
/* NULL: nothing there. */
void *ring_take(struct ring *r);
/* Until something is there, or ring_wake, or `longest` is over (below 0: for ever). Does not sleep when `ready(arg)`,
 * which sees what was written before a ring_wake. */
void ring_sleep(struct ring *r, mono_time longest, bool (*ready)(const void *arg), const void *arg);
/* For `longest`, or until a put that says enough, or ring_wake. Does not nap when `ready(arg)`. */
void ring_nap(struct ring *r, mono_time longest, bool (*ready)(const void *arg), const void *arg);

#endif
