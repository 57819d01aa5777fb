/* src/mcp/http_back.h: an HTTP upstream as the back of the exchanges of one hop.
 *
 * The request goes out as it came; the answer passes as it comes, head and bytes, and is read on the way only as far as
 * routing and the log need: where a server-sent event ends, what the server asks of the client, whether the answer
 * came. Headers pass by an allow-list in both directions of trust: a server cannot speak from our origin, a cookie and
 * a token of ours never cross. MCP basic/transports "Streamable HTTP"; RFC 9110 section 7.6.1 (hop-by-hop). */
#ifndef GATEHOUSE_MCP_HTTP_BACK_H
#define GATEHOUSE_MCP_HTTP_BACK_H

#include "exchange/exchange.h"
#include "http/client.h"
#include "http/server.h"
#include "http/sse.h"

/* One registered HTTP server, as its calls need it. Borrowed by the calls: it outlives them (the gateway counts). */
struct http_upstream {
    struct loop              *loop;
    struct list               tellings; /* of struct telling, by node: messages of ours on their way */
    struct http_client       *client;
    struct http_origin       *origin;
    struct http_url           url;
    const struct http_header *headers; /* of the registry; the client's own Authorization goes before ours */
    size_t                    header_count;
    size_t                    message_max; /* bytes of an event */
    struct str                withheld;    /* a value of Authorization that never leaves: ours */
};

/* What the gateway wants to hear; each is called with an open exchange of the back. */
struct http_back_events {
    /* The head of the answer: Mcp-Session-Id, if it has one (else data is NULL). */
    void (*on_head)(struct exchange *x, int status, struct str session);
    /* A message that was read on the way: of an event stream, of a batch, the answer to `initialize`. True: it belongs
     * to another exchange and is on record there. */
    bool (*on_message)(struct exchange *x, const struct envelope *message);
    /* The upstream is to hear notifications/cancelled for `x`, which timed out: the gateway has the session. */
    void (*on_expired)(struct exchange *x);
    /* The stream ended cleanly, carried an event id, and the answer of `x` has not come. True: it is expected on a
     * resumed stream, `x` was set adrift. */
    bool (*on_adrift)(struct exchange *x);
    /* The log cannot keep up: what the upstream says is not read until it can. */
    bool (*is_behind)(struct exchange *x);
    /* The answer to one request, as it is about to pass, of which nothing is out yet: a body in JSON of up to 64 KiB,
     * or a refusal in our words. `e` shows it, and is empty when it is no answer. True: `x` is taken, WAITING and
     * without a back; it is the gateway's to answer, or to send elsewhere. May be NULL. */
    bool (*on_held)(struct exchange *x, const struct answer_head *head, struct str body, const struct envelope *e);
};

enum http_back_kind {
    HTTP_BACK_PLAIN,
    HTTP_BACK_REPEATABLE, /* GET and ping: doing it twice does no harm */
    HTTP_BACK_OPENING,    /* `initialize`: its answer is read */
};

/* The request of a hop on its way. `count` exchanges will be sent to it in this callback of the loop; with the last one
 * it starts. `r` is borrowed until then, its body until the answer ended or http_back_left. `scratch` is emptied, and
 * again with every message that comes. NULL: no memory. */
struct back *http_back_new(const struct http_upstream *to, const struct http_request *r, size_t count,
                           enum http_back_kind kind, const struct http_back_events *events, struct arena *scratch);
/* The client left: the connection to the upstream is closed, the upstream decides. The exchanges are unlinked. */
void http_back_left(struct back *back);

/* In whose name: absent is empty. */
struct http_tell {
    struct str session, revision, authorization; /* the client's own Authorization goes before the registry's */
};

/* Whether the value of an Authorization holds our own token, which never leaves. */
static inline bool
http_upstream_withholds(const struct http_upstream *to, struct str value)
{
    return to->withheld.len > 0 && str_find(value, to->withheld) >= 0;
}

/* A message of ours to the upstream, outside any exchange: notifications/cancelled. Its answer is not looked at, and
 * waited for only so long that a server which answers nothing holds no connection. */
void http_back_tell(struct http_upstream *to, struct str message, const struct http_tell *as);
/* What is on its way is given up. Before the upstream goes. */
void http_upstream_clear(struct http_upstream *to);

#endif
