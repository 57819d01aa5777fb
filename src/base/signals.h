/* src/base/signals.h: the signals by which a process is told to end, or to look anew, as callbacks of its loop. */
#ifndef GATEHOUSE_BASE_SIGNALS_H
#define GATEHOUSE_BASE_SIGNALS_H

#include "base/loop.h"

enum { SIGNALS_WATCHED = 3 };

struct signals {
    uv_signal_t handles[SIGNALS_WATCHED];
    void (*take)(void *owner, int number);
    void *owner;
    bool  is_on;
};

/* SIGTERM, SIGINT and SIGHUP, from now on. `s` stays where it is until loop_clear. */
void signals_watch(struct signals *s, struct loop *l, void (*take)(void *owner, int number), void *owner);
/* Before loop_clear. Harmless when they are not watched. */
void signals_forget(struct signals *s);

#endif
