/* src/base/loop.h: the event loop of the network thread, on libuv.
 *
 * A turn is: timers, the hooks of the turn's end, waiting, and the callbacks of what became ready. Whatever is set
 * aside to be done once for many events (writing out answers, handing records to the store, freeing what closed) is a
 * hook. Callbacks are three lines: find the object, feed it, act on what it says; none of them blocks. */
#ifndef GATEHOUSE_BASE_LOOP_H
#define GATEHOUSE_BASE_LOOP_H

#include <uv.h>

#include "base/error.h"
#include "base/list.h"
#include "base/timer.h"

struct loop_hook {
    struct list node;
    /* True: it made work for other hooks, all run again (at most a few times a turn). */
    bool (*run)(struct loop_hook *hook);
};

struct loop {
    uv_loop_t          uv;
    uv_prepare_t       turn_end;
    uv_timer_t         alarm; /* wakes for the wheel */
    mono_time          alarm_at;
    struct timer_wheel timers;
    struct list        hooks;   /* of struct loop_hook, by node; run in the order in which they were added */
    struct workers    *workers; /* NULL: nothing was to be done yet */
    bool               stopping;
    mono_time          now; /* see loop_now; 0: not read in this turn */
};

bool loop_init(struct loop *l, struct error *err);
/* Until loop_stop. */
void loop_run(struct loop *l);
/* One turn; waits for at most `wait`. For tests. */
void loop_turn(struct loop *l, mono_time wait);
void loop_stop(struct loop *l);
/* Everything that polls must be closed before; runs the last closing callbacks. */
void loop_clear(struct loop *l);

/* The time of this turn, read once in it: for deadlines and for what many events share. Durations take clock_mono. */
static inline mono_time
loop_now(struct loop *l)
{
    if (l->now == 0)
        l->now = clock_mono();
    return l->now;
}

/* Borrowed until loop_clear or loop_remove_hook. A hook that runs may do both, to any: who is added then runs in the
 * next round. */
void loop_add_hook(struct loop *l, struct loop_hook *hook);
void loop_remove_hook(struct loop_hook *hook);

static inline void
loop_set_timer(struct loop *l, struct timer *t, mono_time deadline)
{
    timer_set(&l->timers, t, deadline);
}

static inline void
loop_clear_timer(struct loop *l, struct timer *t)
{
    timer_clear(&l->timers, t);
}

/* Watches a non-blocking descriptor. `ready` gets the events (UV_READABLE, UV_WRITABLE); an error of the descriptor is
 * shown as both, so that the next read or write tells it. */
struct poll;
struct poll *poll_new(struct loop *l, int fd, void (*ready)(void *owner, int events), void *owner, struct error *err);
/* 0 stops watching. Cheap when nothing changes. */
void poll_set(struct poll *p, int events);
/* Stops, closes the descriptor, and frees itself later; no callback comes any more. NULL is nothing. */
void poll_close(struct poll *p);
/* Stops and lets go of the descriptor, which stays open. */
int poll_release(struct poll *p);

/* Runs `work` on a worker and then `done` on the network thread. False: no memory, neither runs. */
bool loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
