/* src/mcp/service/stdio.h: a service on two descriptors: a JSON-RPC message a line, in and out. Owned by the network
 * thread.
 *
 *   UNDECIDED ---> LEGACY     by `initialize`: the one session of the process
 *       '--------> MODERN     by a request with a modern envelope other than server/discover, which decides nothing
 *   either ------> ENDING     the input ended: what is in flight is answered, then all is over
 *
 * MCP 2025-11-25 and 2026-07-28, basic/transports "stdio". A client that does not read has its lines wait, and no more
 * is read of it meanwhile: up to queue_max what is said on the way, which is dropped then; an answer has room for
 * line_max more, and becomes an error behind that. A line of the client's over line_max is skipped and answered with an
 * error. SIGPIPE is ignored from here on. */
#ifndef GATEHOUSE_MCP_SERVICE_STDIO_H
#define GATEHOUSE_MCP_SERVICE_STDIO_H

#include "mcp/service/running.h"

struct stdio;

struct stdio_parts {
    int       in, out;   /* pipes, sockets or terminals; non-blocking while it lives, and never closed here */
    size_t    line_max;  /* 0: 64 MiB */
    size_t    queue_max; /* 0: 8 MiB */
    mono_time patience;  /* as of an endpoint */
    /* The process hangs on an exchange what it needs (exchange.service), before it is judged. May be NULL. */
    bool (*attach)(void *owner, struct exchange *x);
    /* Once, from the loop: the input ended and what was in flight is answered and written, or nobody reads. */
    void (*on_ended)(void *owner);
    void *owner;
};

/* Borrows all but `parts`, which is copied. NULL: `err`. */
struct stdio *stdio_new(struct service *s, struct exchanges *all, const struct stdio_parts *parts, struct error *err);
/* Cuts what is open. May be called in on_ended. Before service_free and exchanges_clear. NULL is nothing. */
void stdio_free(struct stdio *io);

#endif
