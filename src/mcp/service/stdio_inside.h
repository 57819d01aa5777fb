/* src/mcp/service/stdio_inside.h: what the two files of a service on stdio share.
 *
 *   stdio.c         its life, its eras, what comes in
 *   stdio_front.c   what goes out: answers, one by one or a batch of them together */
#ifndef GATEHOUSE_MCP_SERVICE_STDIO_INSIDE_H
#define GATEHOUSE_MCP_SERVICE_STDIO_INSIDE_H

#include "mcp/service/line_pipe.h"
#include "mcp/service/rules.h"
#include "mcp/service/stdio.h"

enum stdio_era { STDIO_UNDECIDED, STDIO_LEGACY, STDIO_MODERN };

struct stdio {
    struct front            front;
    struct service         *service;
    struct exchanges       *all;
    struct stdio_parts      parts;
    struct rules           *rules;
    struct line_pipe        pipe;
    enum stdio_era          era;
    struct service_session *session;   /* legacy; NULL: none yet */
    struct exchange        *stream;    /* what the session says beside its calls; NULL: none */
    struct list             exchanges; /* of struct exchange, by front_node; the open ones but those of batches */
    struct list             batches;   /* of struct stdio_batch, by node */
    size_t                  open;      /* requests */
    struct loop_hook        turn_end;
    bool                    has_ended, is_told;
};

/* The answers of a batch are one line, when all are there. */
struct stdio_batch {
    struct front  front;
    struct list   node; /* on io->batches */
    struct stdio *io;
    struct list   exchanges; /* of struct exchange, by front_node */
    struct buffer joined;    /* "[a,b" */
};

/* stdio_front.c */
extern const struct front_ops stdio_ops;
/* Frees itself when the last of its exchanges has ended. NULL: no memory. */
struct stdio_batch *stdio_batch_new(struct stdio *io);
/* What has to be said: the queue's bound is for what may be left out. */
void stdio_say(struct stdio *io, struct str line);

#endif
