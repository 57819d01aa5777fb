/* src/base/workers.h: the threads behind loop_work.
 *
 * A thread is started when there is work and none is free, up to four; it stays. libuv has such threads as well, but on
 * one processor its way back costs more than what most of our work takes: the thread that is woken spins until the one
 * that woke it, and which it has just displaced, runs again. Owned by the network thread. */
#ifndef GATEHOUSE_BASE_WORKERS_H
#define GATEHOUSE_BASE_WORKERS_H

#include <uv.h>

#include <stdbool.h>

struct workers;

/* NULL: no memory, or no descriptor. */
struct workers *workers_new(uv_loop_t *loop);
/* See loop_work. */
bool workers_start(struct workers *w, void (*work)(void *arg), void (*done)(void *arg), void *arg);
/* All that was started is done before, and what that starts. Frees itself in a closing callback. NULL is nothing. */
void workers_end(struct workers *w);

#endif
