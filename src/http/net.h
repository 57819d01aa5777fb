/* src/http/net.h: what the connections of one loop share. Owned by the network thread.
 *
 * One buffer to receive into, blocks of memory lent to connections while a message passes, and the work that is done
 * once a turn: writing out what was gathered, telling failures, freeing what closed. */
#ifndef GATEHOUSE_HTTP_NET_H
#define GATEHOUSE_HTTP_NET_H

#include "base/budget.h"
#include "base/buffer.h"
#include "base/loop.h"

enum {
    NET_INPUT      = 64 << 10, /* the most a connection hands on at once */
    NET_HEAD_BLOCK = 2 << 10,  /* first room for a head, and a small body behind it, or for the fields of a head */
    NET_OUT_BLOCK  = 16 << 10, /* first room for what a connection gathers to send */
    NET_HEADS_KEPT = 256,
    NET_OUTS_KEPT  = 64,
};

/* Blocks of one size, kept for the next who needs one: a connection at rest holds none, nor does an idle stream. */
struct blocks {
    size_t        size;
    size_t        most; /* kept */
    size_t        count;
    struct block *kept;
};

struct net {
    struct loop     *loop;
    struct budget   *budget; /* of what peers make us hold; NULL has no bound */
    char            *input;  /* NET_INPUT bytes, shared by all who receive */
    struct blocks    heads;
    struct blocks    outs;
    struct list      conns;     /* of struct conn, by node: all that are open */
    struct list      finishing; /* of struct conn, by node: nobody's any more, still writing out */
    struct list      closed;    /* of struct conn, by node: freed when the turn ends */
    size_t           finishing_count;
    struct list      to_flush; /* of struct conn, by flush: gathered something, or failed and did not say so yet */
    struct loop_hook hook;
};

/* Also has SIGPIPE ignored: a peer that left is an errno. */
bool net_init(struct net *net, struct loop *loop, struct budget *budget, struct error *err);
/* Cuts the finishing ones; all others must have been closed. */
void net_clear(struct net *net);

/* The loop's time: when this turn began, to a millisecond, without asking the clock. Good enough for deadlines. */
static inline mono_time
net_now(const struct net *net)
{
    return (mono_time)uv_now(&net->loop->uv) * 1000;
}

/* Gives an empty buffer a block to begin with; without memory, or when the block is larger than it may be, it stays
 * empty. */
void blocks_lend(struct blocks *pool, struct buffer *b);
/* Empties the buffer and takes its memory back. */
void blocks_take_back(struct blocks *pool, struct buffer *b);

#endif
