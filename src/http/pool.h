/* src/http/pool.h: origins and their open connections. For client.c only. Owned by the network thread.
 *
 * A *wire* is one connection to an origin with the reader of its answers. It is busy (has a user) or at rest in the
 * pool. At rest it is dropped when its time is over, when anything arrives, or when it closes. */
#ifndef GATEHOUSE_HTTP_POOL_H
#define GATEHOUSE_HTTP_POOL_H

#include "base/map.h"
#include "http/client.h"
#include "http/conn.h"
#include "http/resolve.h"
#include "http/response.h"

/* What the user of a busy wire hears. Each may give the wire back or close it. */
struct wire_events {
    void (*on_ready)(void *user); /* once, for a fresh one: connected, TLS agreed */
    void (*on_head)(void *user, int status, const struct http_headers *headers);
    void (*on_data)(void *user, struct str bytes);
    void (*on_drained)(void *user);                         /* there is room for more of the request */
    void (*on_whole)(void *user);                           /* the answer; follow with wire_rest or wire_close */
    void (*on_failed)(void *user, const struct error *err); /* follow with wire_close */
};

struct pool {
    struct net               *net;
    struct http_client_limits limits; /* its `ca_file` is the pool's own copy, or NULL */
    struct tls_context       *tls;    /* NULL until the first origin that needs it */
    const struct wire_events *events;
    struct map                origins; /* "https://host:port" -> struct http_origin * */
    size_t                    wires;   /* all there are */
    unsigned                  epoch;   /* wires of an older one are not pooled again */
};

struct http_origin {
    struct pool    *pool;
    struct resolver resolver;
    struct list     resting; /* of struct wire, by node; the one used last first */
    struct list     busy;    /* of struct wire, by node */
    unsigned        count;   /* wires, and calls on their way to one */
    unsigned        holders; /* http_client_origin without http_origin_release, and calls */
    bool            tls;
};

struct wire {
    struct list         node;
    struct http_origin *origin;
    struct conn        *conn; /* NULL: closed, only waits to be freed */
    struct response     response;
    struct timer        rest;           /* its time in the pool is over */
    void               *user;           /* NULL: at rest */
    uint64_t            written_before; /* of conn_written, when its user began */
    unsigned            epoch;
    bool                feeding; /* its answer reader is on the stack */
};

bool pool_init(struct pool *p, struct net *net, const struct http_client_limits *limits,
               const struct wire_events *events, struct error *err);
/* Every wire must have been given back. */
void pools_clear(struct pool *p);
void pool_drop_resting(struct pool *p);

/* Finds or adds it, and counts a holder. */
struct http_origin *pool_origin(struct pool *p, const struct http_url *url, struct error *err);

/* A resting one, now its user's. NULL: there is none. */
struct wire *wire_take(struct http_origin *o, void *user, bool to_head);
/* A fresh one on a connected socket, taken also when it fails. `o->count` has been raised by the caller before. */
struct wire *wire_new(struct http_origin *o, int fd, void *user, bool to_head, struct error *err);
/* The user is done, the answer is whole: into the pool, if it may carry another; else closed. */
void wire_rest(struct wire *w);
void wire_close(struct wire *w);
/* The kernel took bytes of the user's request. */
bool wire_was_written(const struct wire *w);

#endif
