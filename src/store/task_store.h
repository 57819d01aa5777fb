/* src/store/task_store.h: where tasks last beyond their process. What a service needs of it; task_file.h is one.
 *
 * What is told of a put comes on the network thread, never within the call; nothing blocks but load. Callers of
 * different services may share one. */
#ifndef GATEHOUSE_STORE_TASK_STORE_H
#define GATEHOUSE_STORE_TASK_STORE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

/* A task as it is kept. The words of status, outcome and questions are the service's. */
struct task_row {
    struct str id, principal, service;
    wall_time  made, changed;
    int64_t    life; /* µs from `made` on: it is kept so long */
    struct str status;
    struct str outcome;   /* JSON of its result or error; none: STR_NONE */
    struct str questions; /* JSON, the keys of what it asks; none: STR_NONE */
};

struct task_store;

/* What became of a put: on disk, or not. */
typedef void (*task_told)(void *owner, struct str id, bool is_kept);
/* False ends the load. */
typedef bool (*task_taken)(void *owner, const struct task_row *row);

struct task_store_ops {
    /* Those of a service whose time is not over, at most `most`, oldest first. Before the loop runs: it blocks. */
    bool (*load)(struct task_store *s, struct str service, size_t most, task_taken take, void *owner,
                 struct error *err);
    /* Copies the row. `told` (may be NULL) is called once, unless false is returned: no memory, or too much waits. A
     * new one that cannot be written is told so and forgotten; a change is told so, and tried until it works. */
    bool (*put)(struct task_store *s, const struct task_row *row, bool is_new, task_told told, void *owner);
    void (*remove)(struct task_store *s, struct str id);
    /* Its owner hears of nothing any more. */
    void (*leave)(struct task_store *s, const void *owner);
};

struct task_store {
    const struct task_store_ops *ops;
};

#endif
