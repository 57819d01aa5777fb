/* src/child/lines.h: bytes cut into lines, whatever pieces they come in.
 *
 * A line ends with "\n" or "\r\n", or with the end of it all: a last line without newline is a line. Those that lie
 * whole in a piece are given as slices of it, nothing is copied; only the incomplete one at a piece's end is held, and
 * a long one is lent (base/lent.h) when it is given. A line over `max` is skipped to its end and told, or given cut
 * when `cut` is set. */
#ifndef GATEHOUSE_CHILD_LINES_H
#define GATEHOUSE_CHILD_LINES_H

#include "base/budget.h"
#include "base/buffer.h"

struct lines {
    struct buffer  held;    /* the incomplete line */
    size_t         max;     /* most bytes of a line, without its end */
    size_t         skipped; /* bytes of the line that is being skipped; 0: none is */
    bool           cut;
    struct budget *budget; /* what is held is taken from it; NULL: no bound but `max` */
};

/* Both answer whether to go on: false stops the feeding at once, and the rest of the piece is lost. */
struct lines_events {
    bool (*on_line)(void *owner, struct str line);
    /* So many bytes were skipped: over `max`, or there was no memory. NULL when the lines are cut. */
    bool (*on_oversize)(void *owner, size_t bytes);
    /* What came so far of a line that is longer than LENT_MIN, and the begin of one that is about to be skipped; it may
     * have moved since the last time. NULL: of no use. */
    void (*on_part)(void *owner, struct str so_far);
};

/* False: stopped by a callback, after which `l` may only be cleared. */
bool lines_feed(struct lines *l, struct str bytes, const struct lines_events *events, void *owner);
/* The end: gives the last line, if one is incomplete. */
bool lines_finish(struct lines *l, const struct lines_events *events, void *owner);
void lines_clear(struct lines *l);

/* Of a text that is to be one line: its line ends become spaces, which mean the same in JSON. Some readers end a line
 * at a carriage return, others at a newline. */
void line_flatten(char *text, size_t len);

#endif
