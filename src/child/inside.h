/* src/child/inside.h: what the files of this room share: the two structs, and who does what to them.
 *
 *   children.c   the room: orphans, shutting down, freeing
 *   child.c      one child's life: its states, its helper, its end
 *   stream.c     its stdin, stdout and stderr */
#ifndef GATEHOUSE_CHILD_INSIDE_H
#define GATEHOUSE_CHILD_INSIDE_H

#include "child/lines.h"
#include "child/ring.h"
#include "child/tree.h"
#include "child/wire.h"

enum { CHILD_READ_SIZE = 64 << 10 }; /* as much as a pipe holds by default */

enum child_state {
    CHILD_STARTING,
    CHILD_RUNNING,
    CHILD_CLOSING,
    CHILD_TERMINATING,
    CHILD_EXITED,
    CHILD_KILLING,
    CHILD_GONE,
};

struct children {
    struct loop     *loop;
    char            *helper; /* path */
    struct list      live;   /* of struct child, by node: all but those in GONE; oldest first */
    struct list      gone;   /* of struct child, by node: freed at the turn's end */
    struct list      unsent; /* of struct child, by unsent: have lines to be written at the turn's end */
    size_t           count;  /* of live */
    struct loop_hook turn_end;
    struct budget   *budget;
    pid_t           *foreign; /* direct children that this process had before us */
    size_t           foreign_count;
    struct timer     orphans_again; /* set while orphans are being ended */
    mono_time        orphans_pause;
    bool             stopping;
    void (*stopped)(void *arg); /* NULL once called */
    void        *stopped_arg;
    struct timer stop_deadline;
    bool         is_overdue; /* it fired */
    struct tree  tree;       /* of the walk at hand */
    char         read[CHILD_READ_SIZE];
};

struct child {
    struct list         node;
    struct list         unsent; /* in owner->unsent while it has something to write */
    struct children    *owner;
    struct child_events events; /* all NULL once abandoned or told */
    void               *user;
    enum child_state    state;
    pid_t               helper;
    pid_t               pid;
    char               *command; /* argv[0] and cwd, for words */
    char               *cwd;
    mono_time           started_at;
    mono_time           grace;

    struct poll *watch;  /* the pidfd of the helper */
    struct poll *socket; /* each NULL once closed */
    struct poll *in;
    struct poll *out;
    struct poll *err;
    struct {
        int watch, socket, in, out, err;
    } fd; /* what the polls watch and close */

    struct lines  out_lines;
    struct lines  err_lines;
    struct ring   ring;
    struct buffer queue; /* to stdin */
    size_t        queue_max;
    bool          is_crowded; /* on_drained is owed */

    struct timer     step; /* what the state waits for has taken too long */
    struct timer     late; /* the end must be told now, gone or not */
    struct child_end end;
    const char      *lost;   /* what it did that made us wait for its end */
    const char      *reason; /* why we ended it, before the words of the end; or "" */
    bool             told;   /* on_ended was called */
    bool             abandoned;
    bool             left_nothing; /* the helper said so */
};

/* children.c */
void children_end_orphans(struct children *c);
void children_forget(struct child *child); /* it is gone: from live to gone */

/* child.c */
void child_lost(struct child *child, const char *reason); /* it closed a stream and can't serve any more */
void child_out_ended(struct child *child);
void child_free(struct child *child); /* closes all that is open */

/* stream.c */
bool stream_open(struct child *child, struct error *err);
void stream_start_reading(struct child *child); /* once on_started was told: it comes before the first line */
void stream_close_one(struct poll **poll, int *fd);
bool stream_flush(struct child *child); /* writes what is queued; true: a callback ran */
void stream_close_in(struct child *child);
void stream_read_rest(struct child *child); /* what stdout and stderr still hold, then closes them */
void stream_close(struct child *child);

#endif
