/* bench/client.h: an MCP client's side of one connection, as far as a measurement needs it.
 *
 * Opening is blocking, with time-outs; the calls of load.c go over the same socket without blocking. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "wire.h"

struct target {
    char     host[64]; /* as written: goes into Host */
    char     path[512];
    uint16_t port;
};

bool target_parse(struct target *t, const char *url); /* http://127.0.0.1:PORT/path, or localhost, or [::1] */

struct client {
    const struct target *target;
    int                  fd; /* -1 when there is none */
    struct http_in       in;
    char                 session[256]; /* "" before client_open() and when the server gives none */
    bool                 is_modern;    /* of revision 2026-07-28: no session, an envelope in each request */
    bool                 is_open;      /* initialized: the revision goes into each request's head */
    char                 why[256];     /* what failed, for people */
};

void client_init(struct client *c, const struct target *t);
bool client_connect(struct client *c, bool quietly); /* `quietly`: leave `why` alone, the caller tries again */
/* Connects, then initialize and notifications/initialized; a modern one asks server/discover. */
bool client_open(struct client *c);
void client_close(struct client *c); /* may be connected again */
void client_clear(struct client *c);

/* What a modern request has in its params, as a member. */
#define CLIENT_ENVELOPE                                                                                                \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":"    \
    "{\"name\":\"gatehouse-bench\",\"version\":\"1.0.0\"},\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* What a request is, for a modern one's head. */
struct rpc {
    const char *method;
    const char *name; /* of the tool; NULL: no tool's */
};

/* Adds the head of a POST with a body of `body_len` bytes. */
void client_add_head(const struct client *c, struct bytes *out, struct rpc rpc, size_t body_len);

/* Sends a whole body, waits for the answer; it stands in c->in until http_next(). */
bool client_exchange(struct client *c, struct rpc rpc, struct span body);

/* The JSON-RPC answer in an HTTP answer: its body, or the last message of its event stream. */
bool client_message(const struct http_in *in, struct span *message);

#endif
