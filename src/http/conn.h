/* src/http/conn.h: a connected stream socket, plain or TLS, with a queue of what is to be written. Owned by the network
 * thread.
 *
 *   CONNECTING --> AGREEING --> OPEN --> LEFT        and from every state to FINISHING, then CLOSED
 *   CONNECTING  the descriptor's connect() is under way (for those with on_ready)
 *   AGREEING    TLS handshake
 *   OPEN        bytes pass
 *   LEFT        the peer closed or it failed; on_closed was called, conn_close is awaited
 *   FINISHING   nobody's any more; writes out its queue, then lingers so that the peer reads it (RFC 9112 section 9.6)
 *   CLOSED      freed when the loop's turn ends, never earlier
 *
 * What is written is gathered and leaves in one send when the turn ends, so that head and body, or ten events, cost one
 * system call. The poll handle stays: a request costs no epoll_ctl. Callbacks come from the loop only, never from
 * inside a function of this file; each of them may close the connection. */
#ifndef GATEHOUSE_HTTP_CONN_H
#define GATEHOUSE_HTTP_CONN_H

#include "http/net.h"
#include "http/tls.h"

enum {
    CONN_HIGH    = 64 << 10, /* more than this queued: the source should pause */
    CONN_LOW     = 16 << 10, /* on_drained comes when the queue fell under this */
    CONN_AT_ONCE = 16 << 10, /* a write of this size does not wait for the turn's end */
};

struct conn;

struct conn_events {
    /* `bytes` lie in the net's shared buffer: valid during the call. */
    void (*on_data)(void *owner, struct str bytes);
    /* The queue was over CONN_HIGH and fell under CONN_LOW. May be NULL. */
    void (*on_drained)(void *owner);
    /* Connected, and TLS agreed. Given for outgoing connections, NULL for accepted ones. */
    void (*on_ready)(void *owner);
    /* The peer closed, or half-closed (err NULL), or it failed. Call conn_close or conn_finish. */
    void (*on_closed)(void *owner, const struct error *err);
    /* True: while reading is off, leaving counts at once, and what the peer sent before is not read any more. False: it
     * is told when all that was sent has been read. */
    bool notice_leaving;
};

/* Takes `fd` (non-blocking; connected, or connecting when on_ready is given) and `tls` (NULL: plain), also when it
 * fails. `events` is borrowed for good. Reading is on. */
struct conn *conn_new(struct net *net, int fd, struct tls_session *tls, const struct conn_events *events, void *owner,
                      struct error *err);
/* Off: what comes stays in the kernel. */
void conn_set_reading(struct conn *c, bool on);

/* Small: gathered. CONN_AT_ONCE and more: sent now, behind what was gathered; what the kernel does not take is copied.
 * False: no memory, or over the budget, or the peer has left: the connection is lost, which on_closed tells later. */
bool conn_write(struct conn *c, struct str bytes);
/* To gather without a copy: room for `len` bytes (NULL as above), filled by the caller and then counted. */
char *conn_reserve(struct conn *c, size_t len);
void  conn_reserved(struct conn *c, size_t len);

/* Bytes not yet taken by the kernel. */
size_t conn_queued(const struct conn *c);
/* More than CONN_HIGH was queued, and on_drained has not come since. */
bool conn_is_full(const struct conn *c);
/* Bytes the kernel took so far, ever (under TLS: of ours, before encryption). */
uint64_t conn_written(const struct conn *c);

/* At once, what is queued is lost; no callback any more. NULL is nothing. */
void conn_close(struct conn *c);
/* The same with a reset, so that a peer that reads until the end sees that this was none. */
void conn_abort(struct conn *c);
/* Closes when the queue is written and the peer had a moment to read it; no callback any more. Given up after 10 s
 * without progress. */
void conn_finish(struct conn *c);

#endif
