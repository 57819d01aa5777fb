/* src/child/tree.h: the processes below this one, found and ended. Used by the helper for its tree, and by Gatehouse
 * for the orphans of a helper that was killed. Needs no memory but its own.
 *
 * A walk follows /proc/PID/task/TID/children (200 trees in 0.05 s); a kernel built without it makes us read the parent
 * of every process (0.9 s). A walk can miss what forks or loses its parent meanwhile: it is repeated until waitpid(2)
 * says that no child is left, which is exact, as both of us are subreapers. */
#ifndef GATEHOUSE_CHILD_TREE_H
#define GATEHOUSE_CHILD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A walk that finds more takes the rest in a later round. */
enum { TREE_MAX = 4096 };

struct tree {
    pid_t  pids[TREE_MAX]; /* parents before their children */
    size_t count;
};

/* Finds all descendants of this process but `except` (direct children) and what is below those. Zombies among them. */
void tree_walk(struct tree *t, const pid_t *except, size_t except_count);
/* The same the slow way. */
void tree_walk_by_scan(struct tree *t, const pid_t *except, size_t except_count);
/* Only the direct children. */
void tree_walk_children(struct tree *t);

void tree_signal(const struct tree *t, int signal);
/* SIGSTOP, until a walk finds nothing that was not stopped before, so that nobody forks while we kill; then SIGKILL.
 * For a tree that forks faster than we walk this is one round of many. */
void tree_kill(struct tree *t, const pid_t *except, size_t except_count);
/* Takes leave of those direct children but `except` that have ended. */
void tree_reap(struct tree *t, const pid_t *except, size_t except_count);

#endif
