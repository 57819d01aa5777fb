/* src/base/budget.h: one bound over what many places hold (memory.max). Owned by the network thread.
 *
 * Whoever is about to hold bytes on a peer's behalf takes them first and gives them back when they go. Who learns late
 * that they went (the log, whose copies another thread lets go of) is asked before anybody is refused. */
#ifndef GATEHOUSE_BASE_BUDGET_H
#define GATEHOUSE_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct budget {
    size_t max;
    size_t taken;
    void (*settle)(void *arg); /* gives back what went meanwhile; NULL: nobody does so late */
    void *settle_arg;
};

/* False when it would pass `max`; nothing is taken then. A NULL budget has no bound. */
bool budget_take(struct budget *b, size_t bytes);
/* Whether it would not. */
bool budget_has(const struct budget *b, size_t bytes);
void budget_give(struct budget *b, size_t bytes);

#endif
