/* src/base/timer.h: many deadlines, cheap to set and to clear. Owned by the network thread.
 *
 * A wheel of slots, TIMER_TICK each: setting, moving and clearing are list operations, for an exchange sets a deadline
 * that almost never fires. A timer fires up to two ticks late, never early. Time comes in as an argument. */
#ifndef GATEHOUSE_BASE_TIMER_H
#define GATEHOUSE_BASE_TIMER_H

#include "base/clock.h"
#include "base/list.h"

#define TIMER_TICK MILLISECONDS(20)
enum { TIMER_SLOTS = 512 };

struct timer {
    struct list node; /* on its slot; in no list when not set */
    mono_time   deadline;
    void (*fire)(struct timer *t); /* the timer is no longer set when this runs, and may be set again */
};

struct timer_wheel {
    struct list slots[TIMER_SLOTS]; /* of struct timer, by node */
    mono_time   ticked;             /* all slots up to this time have been looked at */
    mono_time   next;               /* no slot before this time holds a timer: whoever sleeps, wakes by then */
    size_t      count;
};

#define TIMER_NEVER INT64_MAX

void timer_wheel_init(struct timer_wheel *w, mono_time now);
/* Fires what is due; timers set while it runs wait for a later tick. */
void timer_wheel_tick(struct timer_wheel *w, mono_time now);

void timer_init(struct timer *t, void (*fire)(struct timer *t));
/* Sets it, or moves it. */
void timer_set(struct timer_wheel *w, struct timer *t, mono_time deadline);
void timer_clear(struct timer_wheel *w, struct timer *t);
bool timer_is_set(const struct timer *t);

#endif
