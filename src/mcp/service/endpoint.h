/* src/mcp/service/endpoint.h: a service at one URL over HTTP, for clients of both eras at once.
 *
 * Owned by the network thread. Which era a request is of is decided for each by itself (MCP 2026-07-28,
 * basic/versioning): a modern one is checked (rules.h) and goes to the service, a legacy one to its session, which has
 * a sealed id. Whoever owns the server calls both, once Host, Origin and token are checked, which is not done here:
 *
 *   on_head:     if (origin_check(...)) endpoint_take_head(e, r);        a refusal answers, and the request is dead
 *   on_request:  endpoint_take_request(e, r);
 *
 * A modern client that closes its stream has cancelled its request; a legacy one has not. Sessions that are silent for
 * the service's session_idle end. Errors carry the request's id; one that cannot be known is left out. */
#ifndef GATEHOUSE_MCP_SERVICE_ENDPOINT_H
#define GATEHOUSE_MCP_SERVICE_ENDPOINT_H

#include "http/server.h"
#include "mcp/service/running.h"

struct endpoint;

struct endpoint_parts {
    mono_time patience; /* a call without a message for so long fails; 0: it never does */
    /* The process hangs on an exchange what it needs (exchange.service), before it is judged. False: no memory, it is
     * refused. May be NULL. */
    bool (*attach)(void *owner, struct exchange *x, const struct http_request *r);
    /* `x` opens the session of that id, which then is the process's to end as well (service_session_end). False: there
     * is no room for it, `x` is refused. May be NULL. */
    bool (*open)(void *owner, struct exchange *x, struct str session_id);
    void *owner;
};

/* All borrowed but `parts`, which is copied. NULL: `err`. */
struct endpoint *endpoint_new(struct service *s, struct exchanges *all, const struct endpoint_parts *parts,
                              struct error *err);
/* Its sessions are the service's, and end with that. Before service_free and exchanges_clear. NULL is nothing. */
void endpoint_free(struct endpoint *e);

/* The head is there, the body not: refuses what needs no body to be refused. */
void endpoint_take_head(struct endpoint *e, struct http_request *r);
/* Head and body are there. */
void endpoint_take_request(struct endpoint *e, struct http_request *r);

#endif
