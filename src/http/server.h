/* src/http/server.h: HTTP/1.1 for those who connect to us (RFC 9112). Owned by the network thread.
 *
 * Requests of a connection are taken one at a time; pipelined ones wait, unread or in a bounded buffer, and are
 * answered in order. An answer is given inside the callbacks or any time later. Leaving counts at once: a client that
 * closes, or half-closes, before its answer is whole has gone. Nothing that could be read in two ways is passed on:
 * framing is checked beyond what the parser does (framing.h).
 *
 * The server answers by itself, with a JSON body: 400, 408, 413, 414, 417, 431, 501, 503, 505. At the limit of
 * connections the one that has been idle longest makes room, first of those that never asked, else of those that are
 * idle, or at their head, for a second; when there is none, accepting waits. */
#ifndef GATEHOUSE_HTTP_SERVER_H
#define GATEHOUSE_HTTP_SERVER_H

#include <sys/socket.h>

#include "http/conn.h"
#include "http/headers.h"

struct http_limits {
    size_t    header_bytes; /* request line and fields, chunk extensions and trailers: 431, 414 */
    size_t    body_bytes;   /* 413 */
    unsigned  headers;      /* fields: 431 */
    unsigned  connections;
    mono_time header_read; /* from the first byte to the whole head: 408 */
    mono_time body_read;   /* without a byte of the body: 408 */
    mono_time body_whole;  /* from the head to the whole body: 408 */
    mono_time idle;        /* between requests: closed */
    mono_time send;        /* without progress, once the answer is whole: closed */
};

extern const struct http_limits http_limits_default;

/* One request and its answer. Slices are good until the answer ended; those of the body from on_request on. */
struct http_request {
    enum http_method       method;
    struct str             method_name;
    struct str             target; /* as written */
    struct str             path;   /* of the target, before '?', not decoded */
    struct str             query;  /* behind '?'; data is NULL when there is none */
    struct http_headers    headers;
    struct str             body;
    const struct sockaddr *peer;
    const struct sockaddr *local;
    mono_time              began; /* when its first byte was read */

    void *user;    /* the answerer's */
    bool  starved; /* when on_gone is called: it did not leave, there was no memory for what it is to read */
    /* Set by the answerer, unless it answers inside on_request: the client left before the answer was whole; the
     * request is dead when this returns, answer no more. */
    void (*on_gone)(struct http_request *r);
    /* What was queued fell under the low mark: go on. May be NULL. */
    void (*on_writable)(struct http_request *r);
};

struct http_server_events {
    /* A connection was accepted, nothing was read: whether it may stay. One that may not is told 403. NULL: all may. */
    bool (*may_connect)(void *owner, int fd);
    /* The head is whole, the body not read: may answer now, to refuse. Then the body is not waited for and the
     * connection closes. May be NULL. */
    void (*on_head)(void *owner, struct http_request *r);
    void (*on_request)(void *owner, struct http_request *r);
};

struct http_server;

/* `fixed_headers`: whole lines ("X-A: b\r\n"…) put on every answer, also on those the server gives by itself; copied.
 */
struct http_server *http_server_new(struct net *net, const struct http_limits *limits, struct str fixed_headers,
                                    const struct http_server_events *events, void *owner, struct error *err);
/* `address` is numeric. May be called several times, for 127.0.0.1 and ::1. Port 0 picks one; `bound` may be NULL. */
bool http_server_listen(struct http_server *s, const char *address, uint16_t port, uint16_t *bound, struct error *err);
void http_server_set_limits(struct http_server *s, const struct http_limits *limits);
size_t http_server_connections(const struct http_server *s);
/* Accepts no more, closes idle connections, and each other one after its answer. `done` is called when none is left,
 * from the loop. */
void http_server_drain(struct http_server *s, void (*done)(void *owner));
/* Cuts what is left (on_gone is called). Not from inside a callback of this server. NULL is nothing. */
void http_server_free(struct http_server *s);

/* Answers: Date, Content-Length, Transfer-Encoding, Connection and the fixed headers are the server's to write. Control
 * characters in a value become spaces. All of these may be called in any callback; none calls back. */

/* The whole answer; the request is dead afterwards. */
void http_answer(struct http_request *r, int status, const struct http_header *headers, size_t count, struct str body);
/* The head alone. `length` -1: chunked (HTTP/1.0: until the connection closes). False: no memory, or the client is
 * lost, which on_gone tells later. */
bool http_answer_head(struct http_request *r, int status, const struct http_header *headers, size_t count,
                      int64_t length);
/* False: the queue is over its mark. The bytes were taken all the same; pause the source until on_writable. */
bool http_answer_write(struct http_request *r, struct str bytes);
/* The answer is whole; the request is dead afterwards. One that is shorter than its declared length is cut. */
void http_answer_end(struct http_request *r);
/* Closes so that the client sees the answer broken; the request is dead afterwards. */
void   http_answer_cut(struct http_request *r);
size_t http_answer_queued(const struct http_request *r);
/* Of what peers make us hold: what waits for this client is taken from it. NULL: no bound. */
struct budget *http_request_budget(const struct http_request *r);
/* For an answer that goes on for hours: the request's bytes are given back, its slices are empty from now on. */
void http_request_forget(struct http_request *r);

#endif
