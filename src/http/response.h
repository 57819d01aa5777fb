/* src/http/response.h: reads answers off a connection, one at a time (RFC 9112). Knows no socket.
 *
 *   HEAD --> BODY --> WHOLE        and from every state to BROKEN; response_begin goes back to HEAD
 *
 * llhttp parses, strictly; what it lets pass is checked here: Transfer-Encoding once and exactly "chunked", not beside
 * a Content-Length, not in HTTP/1.0; HTTP/1.x; status 100 to 599; how many bytes and fields there are, also in trailers
 * and chunk extensions. A body until the connection closes is legal only when neither framing header is there.
 * Informational answers (1xx) are skipped; 101 was not asked for, and is broken. Trailers are dropped. */
#ifndef GATEHOUSE_HTTP_RESPONSE_H
#define GATEHOUSE_HTTP_RESPONSE_H

#include <llhttp.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/headers.h"
#include "http/net.h"

enum response_state { RESPONSE_HEAD, RESPONSE_BODY, RESPONSE_WHOLE, RESPONSE_BROKEN };

/* Both may call response_stop; nothing is told after that. */
struct response_events {
    void (*on_head)(void *owner, int status, const struct http_headers *headers);
    void (*on_data)(void *owner, struct str bytes); /* a slice of what was fed */
};

struct response {
    llhttp_t                      parser;
    const struct response_events *events;
    void                         *owner;
    enum response_state           state;
    bool                          started;     /* a byte of it came */
    bool                          to_head;     /* it answers HEAD: no body follows, whatever the head says */
    bool                          keeps_alive; /* once whole: the connection may carry another */
    bool                          in_name;     /* a field's name is arriving */
    bool                          too_large;
    bool                          stopped;
    const char                   *why;      /* it is broken, found by us; NULL: the parser knows */
    struct blocks                *blocks;   /* lend the memory of a head, until on_head was told */
    struct buffer                 text;     /* name, value, name, value … of the fields; max: most bytes of a head */
    struct buffer                 fields;   /* of struct http_header: lengths while the head arrives, then slices */
    unsigned                      count;    /* of them */
    size_t                        overhead; /* bytes since something of the body came */
    mono_time                     idle;     /* the server's Keep-Alive timeout; -1: not said */
};

void response_init(struct response *r, struct blocks *blocks, size_t head_max, unsigned fields_max,
                   const struct response_events *events, void *owner);
void response_clear(struct response *r);
/* Forgets the last answer and awaits the next. */
void response_begin(struct response *r, bool to_head);

/* False: the answer is broken (or was already), which `err` explains. `*rest` is what stands behind a whole answer. */
bool response_feed(struct response *r, struct str bytes, struct str *rest, struct error *err);
/* The connection closed in good order. False: the answer was not whole. */
bool response_finish(struct response *r, struct error *err);
/* Inside a callback: tell no more; response_feed returns true soon. The answer is of no use then. */
void response_stop(struct response *r);

#endif
