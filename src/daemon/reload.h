/* src/daemon/reload.h: SIGHUP reads gatehouse.yaml again. Owned by the network thread; a worker reads.
 *
 * What a running gateway can take over counts from then on; of what is fixed at its start the log says that it wants a
 * restart. A file that is wrong changes nothing. The environment and the command line are those of the start, and win
 * as they did. */
#ifndef GATEHOUSE_DAEMON_RELOAD_H
#define GATEHOUSE_DAEMON_RELOAD_H

#include "base/loop.h"
#include "base/settings.h"

struct reload {
    struct loop                  *loop;
    const struct settings_source *from;
    struct settings              *now; /* what counts; its texts are those of the start, or `held`'s */
    void (*on_change)(void *owner);    /* `now` is other */
    void           *owner;
    struct settings held; /* the last that was read */
    bool            again, closed;
    bool            reading; /* a worker has it: only the next three are its own then */
    bool            ok;
    struct settings fresh;
    struct error    err;
};

/* What is being read when it is called may be of before: it is read once more. */
void reload_look(struct reload *r);
/* Nothing is taken over any more. */
void reload_close(struct reload *r);
/* Behind the end of the loop. */
void reload_clear(struct reload *r);

#endif
