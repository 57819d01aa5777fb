/* src/http/client.h: HTTP/1.1 calls to upstreams (RFC 9112) on kept connections. Owned by the network thread.
 *
 * Connections are pooled per origin (scheme, host, port). One that was idle longer than its server's Keep-Alive timeout
 * less a second, or on which anything arrives while it is idle, is dropped. Certificates are verified. Redirects are
 * answers like others: never followed. A call is sent again, once, on a fresh connection, only if the kernel took none
 * of its bytes, or it is `repeatable` and no byte of the answer came: no tool runs twice.
 *
 *   WAITING --> SENT --> ANSWERING --> ENDED        and from every state to ENDED, by failing or by http_call_cancel
 *   WAITING    for a connection: its address, connect(), TLS
 *   SENT       on its connection, no byte of the answer yet; may go back to WAITING once (see above)
 *   ANSWERING  bytes of the answer have come
 *   ENDED      told, or cancelled
 *
 * There is no time-out but for connecting: how long an answer may take is the caller's to say (http_call_cancel).
 * In steady state a call costs no malloc, no epoll_ctl and no look-up by name. */
#ifndef GATEHOUSE_HTTP_CLIENT_H
#define GATEHOUSE_HTTP_CLIENT_H

#include "http/headers.h"
#include "http/net.h"
#include "http/url.h"

struct http_client;
struct http_origin; /* scheme, host and port, with their connections and addresses */
struct http_call;

struct http_client_limits {
    size_t      head_bytes;  /* of an answer: status line and fields, informational answers before it, trailers */
    unsigned    headers;     /* fields of an answer */
    unsigned    connections; /* per origin; one more call than that is ERROR_FULL */
    unsigned    origins;     /* remembered; those without connection and holder make room */
    mono_time   idle;        /* how long a connection is kept when its server does not say */
    mono_time   connect;     /* for address, connect() and TLS together, when the call does not say */
    const char *ca_file;     /* authorities beside the system's; NULL: none; borrowed during http_client_new */
};

extern const struct http_client_limits http_client_limits_default;

struct http_call_spec {
    const struct http_url    *url;
    struct http_origin       *origin; /* of `url`, from http_client_origin; NULL: looked up */
    enum http_method          method; /* not OTHER */
    const struct http_header *headers;
    size_t                    header_count;
    struct str                body;            /* borrowed until the call ended */
    bool                      repeatable;      /* GET and ping: doing it twice does no harm */
    mono_time                 connect_timeout; /* 0: the limits' */
};

/* Any of these may cancel this or any other call, start new ones, pause and resume. */
struct http_call_events {
    /* Once, for the final answer (not 1xx). The slices are good during the call of this function. */
    void (*on_head)(void *owner, int status, const struct http_headers *headers);
    /* A piece of the body, without chunk framing, at most NET_INPUT bytes. */
    void (*on_data)(void *owner, struct str bytes);
    /* Last: `err` NULL when the answer was whole. The call is gone when this returns; cancelling it inside is nothing.
     * UNREACHABLE: no connection. CLOSED: the server ended it early. PROTOCOL, TOO_LARGE: no answer that can be read.
     */
    void (*on_end)(void *owner, const struct error *err);
};

/* NULL: no memory, or the system's certificate authorities cannot be read. */
struct http_client *http_client_new(struct net *net, const struct http_client_limits *limits, struct error *err);
/* Cancels all calls. Not from inside a callback of a call. NULL is nothing. */
void http_client_free(struct http_client *client);
/* For a reload or a suspended machine: connections in use are not pooled again either. */
void   http_client_drop_idle(struct http_client *client);
size_t http_client_connections(const struct http_client *client);
/* What those who gather answers take from; NULL: no bound. */
struct budget *http_client_budget(const struct http_client *client);

/* Looks an origin up once, for many calls. Held until it is released. NULL: the table is full, or no memory. */
struct http_origin *http_client_origin(struct http_client *client, const struct http_url *url, struct error *err);
void                http_origin_release(struct http_origin *origin); /* NULL is nothing */

/* Sends the request, or begins to connect. Written by us: Host (unless given), Content-Length (always for POST and
 * PUT). `url` and `headers` are borrowed during this call only. Events come only after it returned. NULL: a header that
 * is not one or is ours to write (ERROR_INVALID), every connection taken (ERROR_FULL), no memory. */
struct http_call *http_call_start(struct http_client *client, const struct http_call_spec *spec,
                                  const struct http_call_events *events, void *owner, struct error *err);
/* Stops reading from the server. What was read already (NET_INPUT bytes at most) is still told, the end too. */
void http_call_pause(struct http_call *call);
void http_call_resume(struct http_call *call);
/* No event any more; closes the connection if the request is on it. NULL is nothing. */
void http_call_cancel(struct http_call *call);

#endif
