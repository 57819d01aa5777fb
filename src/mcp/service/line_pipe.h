/* src/mcp/service/line_pipe.h: two descriptors, as lines in and lines out. Owned by the network thread.
 *
 * Nothing blocks. What is written waits in a queue until it is flushed, which the owner does once at a turn's end;
 * while the queue is over its mark nothing is read, for what is read makes more of it. */
#ifndef GATEHOUSE_MCP_SERVICE_LINE_PIPE_H
#define GATEHOUSE_MCP_SERVICE_LINE_PIPE_H

#include "base/loop.h"
#include "child/lines.h"

struct line_pipe {
    struct loop               *loop;
    const struct lines_events *events; /* of whole lines; each answers whether to go on */
    void (*on_end)(void *owner);       /* no more will come */
    void         *owner;
    int           in_fd, out_fd, in_flags, out_flags; /* flags: as they were */
    struct poll  *in, *out;                           /* `out` only once it did not take all at once */
    struct timer  again;                              /* a file is read, and not watched */
    bool          has_ended, is_held, is_broken, is_dup;
    struct lines  lines;
    struct buffer queue;
    char         *piece;
};

/* `loop` to `owner` are set. The descriptors are non-blocking until it is closed, and stay open. Reading starts. False:
 * it needs no closing. */
bool line_pipe_open(struct line_pipe *p, int in, int out, size_t line_max, struct error *err);
/* Not from within `events`. */
void line_pipe_close(struct line_pipe *p);

/* Queues a line; what ends a line within it becomes a space. False: no memory, or more than `most` bytes would wait, of
 * which a line alone is never too many; nothing was queued. */
bool line_pipe_write(struct line_pipe *p, struct str line, size_t most);
/* Writes what can be. False: nobody reads any more. */
bool   line_pipe_flush(struct line_pipe *p);
size_t line_pipe_queued(const struct line_pipe *p);
/* No more is read while the owner has enough to do. */
void line_pipe_hold(struct line_pipe *p, bool is_held);

#endif
