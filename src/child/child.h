/* src/child/child.h: a command that speaks lines on its stdin and stdout, and all that it starts. Owned by the network
 * thread.
 *
 * Each command has a small helper program as its parent, to which every process of its tree falls when its own parent
 * leaves (PR_SET_CHILD_SUBREAPER). The helper ends the whole tree when it is told to, and when Gatehouse is gone
 * however it died: the socket between them closes (DESIGN 4, src/child/wire.h). A helper that is killed leaves its
 * orphans to Gatehouse, which ends them the same way.
 *
 *   STARTING --> RUNNING --> CLOSING --> TERMINATING --> EXITED --> KILLING --> GONE
 *   STARTING     the helper was started; whether the command could be is not known yet
 *   RUNNING      the command runs
 *   CLOSING      child_stop: its stdin is closed when the queue is written; it may leave by itself
 *   TERMINATING  it did not: SIGTERM went to the whole tree
 *   EXITED       the command left: what it wrote last is read, the rest of its tree may finish for a moment
 *   KILLING      the helper was told to kill the whole tree
 *   GONE         nothing of the tree is left; freed when the loop's turn ends
 * Steps are left out, none goes back.
 *
 * Callbacks come from the loop, never out of a function called here. on_ended is the last one and always comes, within
 * a second of the command's end; `child` may be used until it returns. In every callback all functions here may be
 * called but children_free. */
#ifndef GATEHOUSE_CHILD_CHILD_H
#define GATEHOUSE_CHILD_CHILD_H

#include <sys/types.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "base/loop.h"

#define CHILD_LINE_MAX  MIB(64)
#define CHILD_QUEUE_MAX MIB(8)
#define CHILD_GRACE     SECONDS(2)

/* The queue to stdin is over its mark from CHILD_QUEUE_HIGH on and until it is under CHILD_QUEUE_LOW again. */
#define CHILD_QUEUE_HIGH KIB(64)
#define CHILD_QUEUE_LOW  KIB(16)

enum {
    CHILD_STDERR_LINES = 200,
    CHILD_STDERR_CUT   = 10000, /* bytes kept of a line */
};

/* Borrowed during child_start only. A size or time of 0 means the default above. */
struct child_spec {
    char *const *argv;       /* NULL at the end; argv[0] without '/' is looked up in the PATH of `env` */
    char *const *env;        /* the whole environment, "NAME=value", NULL at the end: nothing of ours is added */
    const char  *cwd;        /* NULL: ours */
    size_t       line_max;   /* a longer line of stdout is skipped and told by on_oversize */
    size_t       queue_max;  /* bytes that wait for stdin */
    mono_time    grace;      /* between closing stdin and SIGTERM, and between SIGTERM and SIGKILL */
    bool         unconfined; /* may signal processes outside of its tree, and use set-uid programs */
};

/* How it ended. */
struct child_end {
    int  exec_errno; /* the command could not be started; else 0 */
    int  status;     /* its exit status; -1 when a signal killed it or it was never started */
    int  signal;     /* the signal that killed it, else 0 */
    bool asked;      /* child_stop, child_kill or children_stop_all wanted it */
    char words[300]; /* "exited with status 1", "was killed by SIGSEGV", "could not be started: npx: not found in PATH"
                      */
};

/* Each may be NULL. */
struct child_events {
    void (*on_started)(void *owner, pid_t pid);    /* exec succeeded */
    void (*on_line)(void *owner, struct str line); /* of stdout, without "\n" or "\r\n"; valid during the call */
    void (*on_part)(void      *owner,
                    struct str so_far); /* of a long line, each time that more of it has come: see lines.h */
    void (*on_oversize)(void *owner, size_t bytes);  /* a line of so many bytes was skipped */
    void (*on_stderr)(void *owner, struct str line); /* cut at CHILD_STDERR_CUT; also in the ring */
    void (*on_drained)(void *owner);                 /* the queue was over its mark, or refused, and has room again */
    void (*on_ended)(void *owner, const struct child_end *end); /* `child` is freed at the end of this turn */
};

struct children; /* all children of this process, and who looks after orphans */
struct child;

/* Once per process: makes it a subreaper, and ignores SIGPIPE. Children that the process has before this are not ours
 * and left alone; whoever else starts processes later must not, for they would be taken for orphans.
 * `helper` is the path of the helper program. */
struct children *children_new(struct loop *loop, const char *helper, struct error *err);
/* Kills what is left without waiting for it; no callback comes any more. */
void   children_free(struct children *c);
size_t children_count(const struct children *c); /* those whose tree is not gone, abandoned ones too */
/* What incomplete lines hold is taken from it; NULL (the default): no bound but line_max each. */
void children_set_budget(struct children *c, struct budget *budget);
/* child_stop for all at once, with graces of at most 2 s; no child can be started any more. `done` is called once, from
 * the loop, when all are gone, or after 5 s: what is left then is killed by its helper when the process exits. */
void children_stop_all(struct children *c, void (*done)(void *arg), void *arg);

/* "gatehouse-helper" beside this executable, else in libexec. */
bool children_find_helper(char *out, size_t size, struct error *err);
/* Whether the kernel keeps children from signalling us (Landlock's signal scope, Linux 6.12); for `doctor`. */
bool children_are_scoped(void);

/* NULL: the helper could not be started, nothing happened. That the command could not be is told by on_ended. */
struct child *child_start(struct children *c, const struct child_spec *spec, const struct child_events *events,
                          void *owner, struct error *err);
/* Queues `line` and a newline; all lines of a turn are written together at its end. Newlines and carriage returns
 * within `line` become spaces (in JSON they mean the same, and nobody takes what follows for a line of its own). False:
 * over queue_max (a single line of any size fits an empty queue), no memory, or it takes nothing any more; nothing was
 * queued. */
bool   child_write(struct child *child, struct str line);
size_t child_queued(const struct child *child);
/* It runs, as far as is known, and reads: a child_write that is refused now may be taken later. */
bool child_takes_lines(const struct child *child);
/* Ends it in order: stdin is closed, a grace, SIGTERM to the whole tree, a grace, SIGKILL. Twice is once. */
void child_stop(struct child *child);
/* Ends it at once. */
void child_kill(struct child *child);
/* child_kill, and no callback comes any more: the owner forgets it. NULL is nothing. */
void child_abandon(struct child *child);

pid_t     child_pid(const struct child *child); /* of the command; 0 before on_started */
mono_time child_started_at(const struct child *child);
/* The last lines of stderr, oldest first; during on_ended too. */
void child_stderr_each(const struct child *child, void (*each)(void *arg, struct str line), void *arg);

#endif
