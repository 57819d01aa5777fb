#include "base/timer.h"

void
timer_wheel_init(struct timer_wheel *w, mono_time now)
{
    for (size_t i = 0; i < TIMER_SLOTS; i++)
        list_init(&w->slots[i]);
    w->ticked = now - now % TIMER_TICK;
    w->next   = TIMER_NEVER;
    w->count  = 0;
}

void
timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    list_init(&t->node);
    t->fire = fire;
}

bool
timer_is_set(const struct timer *t)
{
    return !list_is_empty(&t->node);
}

void
timer_set(struct timer_wheel *w, struct timer *t, mono_time deadline)
{
    mono_time slot = (deadline > w->ticked ? deadline : w->ticked) / TIMER_TICK + 1;

    timer_clear(w, t);
    t->deadline = deadline;
    list_append(&w->slots[slot % TIMER_SLOTS], &t->node);
    w->count++;
    if (slot * TIMER_TICK < w->next)
        w->next = slot * TIMER_TICK;
}

void
timer_clear(struct timer_wheel *w, struct timer *t)
{
    if (!timer_is_set(t))
        return;
    list_remove(&t->node);
    w->count--;
}

/* Fires those of one slot that are due; the others are here for a later round of the wheel. */
static void
fire_slot(struct timer_wheel *w, struct list *slot, mono_time now)
{
    struct list due;

    list_init(&due);
    LIST_EACH (struct timer, t, slot, node) {
        if (t->deadline <= now) {
            list_remove(&t->node);
            list_append(&due, &t->node);
        }
    }
    for (struct list *node; (node = list_first(&due)) != NULL;) {
        struct timer *t = LIST_OF(struct timer, node, node);
        list_remove(node);
        w->count--;
        t->fire(t);
    }
}

/* When the first slot that holds a timer, of this round or a later one, comes up. */
static mono_time
next_slot(const struct timer_wheel *w)
{
    if (w->count == 0)
        return TIMER_NEVER;
    mono_time slot = w->ticked / TIMER_TICK + 1;
    while (list_is_empty(&w->slots[slot % TIMER_SLOTS]))
        slot++;
    return slot * TIMER_TICK;
}

void
timer_wheel_tick(struct timer_wheel *w, mono_time now)
{
    mono_time last = now - now % TIMER_TICK;

    if (last - w->ticked > TIMER_TICK * TIMER_SLOTS)
        w->ticked = last - TIMER_TICK * TIMER_SLOTS;
    while (w->ticked < last) {
        w->ticked += TIMER_TICK;
        fire_slot(w, &w->slots[(w->ticked / TIMER_TICK) % TIMER_SLOTS], now);
    }
    w->next = next_slot(w);
}
