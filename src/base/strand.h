/* src/base/strand.h: work that blocks, one after the other on the workers of the loop: a database and its commits.
 *
 * What one connection or file does must keep its order, and one worker is enough for it: what is started while a worker
 * is busy waits, the first first. All that waits is then taken as one turn, between `begin` and `end`: many saves cost
 * one commit. Nobody hears that his work is done before `end` has said that it holds. Owned by the network thread. */
#ifndef GATEHOUSE_BASE_STRAND_H
#define GATEHOUSE_BASE_STRAND_H

#include "base/loop.h"

enum { STRAND_TURN_MOST = 256 }; /* works in one turn */

struct strand {
    struct loop *loop;
    /* Before and after the works of a turn, on the worker; each may be NULL. When begin fails nothing of the turn runs,
     * when end fails nothing of it holds: all of them are told so by its error. */
    bool (*begin)(void *owner, struct error *err);
    bool (*end)(void *owner, struct error *err);
    /* Then on the network thread, before anybody's `done` and before the next turn begins: what the worker left with
     * the owner can be taken without a lock. May be NULL. */
    void (*turned)(void *owner);
    void *owner;

    size_t           most; /* works that wait or run; more are refused */
    size_t           count;
    struct list      waiting, working; /* of struct strand_work, by node */
    struct error     err;              /* of the turn's begin or end */
    struct loop_hook hook;
    bool             is_busy, is_late; /* a worker has them; there was none, and they are not told yet */
};

/* Inside what it is for. */
struct strand_work {
    struct list node;
    bool (*work)(struct strand_work *w, struct error *err); /* on a worker */
    /* Then on the network thread, once, whatever happens. `err` is of the work, or why it did not run or hold; its code
     * is ERROR_NONE when all is well. May start another work, of the same strand too. */
    void (*done)(struct strand_work *w, const struct error *err);
    bool         is_unwanted; /* set on the way: who asked has left; it does not run when its turn has not begun */
    bool         is_run;      /* the turn's answer to that */
    struct error err;
};

void strand_init(struct strand *s, struct loop *loop, size_t most);
/* What is under way is done before it returns, and what waits: the loop turns until then, so it may not be called from
 * within the loop. Zeroed is nothing. */
void strand_clear(struct strand *s);
/* False: too much waits; `done` is not called. Else `done` is never called before it returns. */
bool strand_start(struct strand *s, struct strand_work *w);

#endif
