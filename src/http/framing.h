/* src/http/framing.h: where a request begins and ends, read from a stream that may be cut anywhere. No sockets here.
 *
 *   step = framing_feed(&f, &bytes)     takes what it can use off the front of `bytes`
 *     FRAMING_MORE     all was taken, give more when it comes
 *     FRAMING_HEAD     the head is whole, the request's fields are set; feed on, even with nothing left
 *     FRAMING_WHOLE    the request is whole; what is left of `bytes` belongs to the next; framing_reset before it
 *     FRAMING_REFUSED  `status` and `why` say what to answer; the connection is of no use any more
 *
 * llhttp parses; this adds what it lets through (9.2.1: an empty Transfer-Encoding) and what a gateway must not guess
 * about (RFC 9112 sections 3 and 6): single spaces in the request line; exactly one Host in HTTP/1.1; Transfer-Encoding
 * at most once, exactly `chunked`, never in HTTP/1.0; bounds on the bytes and the number of fields, over chunk
 * extensions and trailers too. Trailers are dropped. */
#ifndef GATEHOUSE_HTTP_FRAMING_H
#define GATEHOUSE_HTTP_FRAMING_H

#include <llhttp.h>

#include "http/server.h"

enum framing_step { FRAMING_MORE, FRAMING_HEAD, FRAMING_WHOLE, FRAMING_REFUSED };

struct framing {
    llhttp_t                  parser;
    struct net               *net;
    const struct http_limits *limits;
    struct http_request      *request; /* gets the fields */
    struct buffer             head;    /* as it came; all slices point into it, and a small body stands behind it */
    struct buffer             fields;  /* of struct http_header: request->headers.items */
    struct buffer             body;    /* a body that found no room behind the head */
    size_t                    body_len;
    size_t                    budgeted;   /* taken from the budget for `body` */
    size_t                    body_bytes; /* read while in the body, framing included */
    size_t                    chunks;
    unsigned                  hosts;
    unsigned                  codings; /* Transfer-Encoding fields */
    int                       status;
    const char               *why;
    bool                      head_is_whole;
    bool                      in_body;
    bool                      body_is_behind; /* in `head` */
    bool                      url_is_whole;
    bool                      value_is_next;
    bool                      is_chunked;
    bool                      is_whole;
    bool                      expects_continue;
    bool                      keep_alive;
    bool                      is_http10;
};

void framing_init(struct framing *f, struct net *net, const struct http_limits *limits, struct http_request *request);
/* For the next request; gives all memory back. */
void framing_reset(struct framing *f);
/* Gives the memory of the request back; what was learnt of its framing stays, for the answer. */
void framing_forget(struct framing *f);

enum framing_step framing_feed(struct framing *f, struct str *bytes);

#endif
