/* src/http/conn_inside.h: a connection's state, between conn.c (its life) and conn_out.c (its queue) only. */
#ifndef GATEHOUSE_HTTP_CONN_INSIDE_H
#define GATEHOUSE_HTTP_CONN_INSIDE_H

#include "base/lent.h"
#include "http/conn.h"

enum { CONN_QUEUE_MAX = 1 << 30 }; /* the budget stops it long before */

enum conn_state { CONN_CONNECTING, CONN_AGREEING, CONN_OPEN, CONN_LEFT, CONN_FINISHING, CONN_CLOSED };

struct conn {
    struct list               node;  /* on net->conns, finishing or closed */
    struct list               flush; /* on net->to_flush */
    struct net               *net;
    struct poll              *poll;
    struct tls_session       *tls; /* NULL: plain */
    const struct conn_events *events;
    void                     *owner;
    struct buffer             out;  /* to be written; its first block is lent by the net */
    struct lent              *lent; /* to be written before `out`: `rest` lies in it; NULL: nothing */
    struct str                rest;
    size_t                    budgeted; /* taken from the budget for both */
    uint64_t                  written;
    struct timer              deadline; /* while FINISHING */
    int                       fd;
    int                       watched; /* events of the poll handle */
    int                       failed;  /* errno of a write that failed and was not told yet */
    enum conn_state           state;
    bool                      reading;
    bool                      blocked;   /* the kernel takes no more: wait until writable */
    bool                      full;      /* was over CONN_HIGH */
    bool                      half_shut; /* FINISHING: all is written, our side is shut */
    enum tls_result           tls_read;  /* what the last read or handshake waits for */
    enum tls_result           tls_write; /* and the last write */
};

/* Hands what is queued, and then `more`, to the kernel; returns how much of `more` it took. After a failure `failed` is
 * set, and the connection is on net->to_flush. */
size_t conn_send(struct conn *c, struct str more);
/* Drops what is queued, and gives its memory and its share of the budget back. */
void conn_queue_clear(struct conn *c);

#endif
