/* src/mcp/client/way.h: how messages of ours get to one MCP server, and what it says to them comes back.
 *
 * A way hides the transport: Streamable HTTP (way_http.h: http_back carries it), stdio (way_stdio.h: a session of a
 * channel does), HTTP+SSE of 2024-11-05 (way_sse.h). A message that is sent is an exchange whose front the way is: it
 * is guarded, timed, captured and drained as any other. Who uses a way (client.h) sees no exchange, no header and no
 * event stream; the way knows nothing of eras, methods or questions. Owned by the network thread. */
#ifndef GATEHOUSE_MCP_CLIENT_WAY_H
#define GATEHOUSE_MCP_CLIENT_WAY_H

#include "exchange/exchange.h"

struct way;
struct mail;

/* One message to the server. All is borrowed during way_send. */
struct mail_spec {
    enum exchange_kind
               kind;    /* KIND_STREAM: what the server says outside of calls (a GET); KIND_DELETE ends a session */
    struct str message; /* one JSON-RPC message; empty for a stream and a delete */
    bool       is_modern;
    mono_time  patience;    /* without a message; 0: as long as it lasts */
    bool       is_farewell; /* a request whose answer nobody wants: it goes on alone when the way is freed */

    /* Fields of HTTP; other ways do without. Absent: data is NULL. */
    struct str                session;  /* Mcp-Session-Id */
    struct str                revision; /* MCP-Protocol-Version */
    struct str                method;   /* Mcp-Method, modern */
    struct str                name;     /* Mcp-Name, modern: as it is, the way encodes it */
    const struct http_header *params;   /* Mcp-Param-*, encoded (mirror.h) */
    size_t                    param_count;
    struct str                last_event; /* Last-Event-ID: what followed it is asked for */
};

/* How it ended. */
struct mail_end {
    enum close_reason why;        /* CLOSE_ANSWERED, or what went wrong */
    int               status;     /* HTTP; 0: none came, or no HTTP */
    const char       *words;      /* for a person; "" when all is well */
    struct str        last_event; /* the id of the last event; empty: none had one. What followed can be asked for */
    mono_time         retry;      /* as the server asked to wait before that; -1: it did not say */
    bool              is_stream;  /* it was answered by an event stream */
};

/* What comes back. In any of these the mail, and others, may be dropped and new ones sent. */
struct mail_events {
    /* HTTP: status, and Mcp-Session-Id if it has one (else data is NULL). Other ways: never. */
    void (*on_head)(void *owner, int status, struct str session);
    /* Each message of the server that came in answer: notifications and questions on the way, last the answer itself
     * (also an error in the body of a 4xx). Good during the call. */
    void (*on_message)(void *owner, const struct envelope *e);
    /* Once, last; the mail is gone when this returns. Without a message before it there was no answer. */
    void (*on_end)(void *owner, const struct mail_end *end);
    /* HTTP, 401 or 403: what its WWW-Authenticate wants, when it has one. Before its message and its end. May be NULL.
     */
    void (*on_challenge)(void *owner, struct str challenge);
};

enum way_kind {
    WAY_HTTP,  /* each message has a hop of its own; a stream of 2025-03-26 on can be resumed; headers count */
    WAY_STDIO, /* one channel for all; opened by whoever is first */
    WAY_SSE,   /* HTTP+SSE: one stream brings all */
};

struct way_ops {
    enum way_kind kind;
    /* NULL: `err`; then nothing was sent and no event comes. Events come only after it returned. */
    struct mail *(*send)(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
                         struct error *err);
    /* Nobody wants to know any more: no event comes. `why` is on record: CLOSE_CANCELLED, CLOSE_TIMED_OUT, … or
     * CLOSE_ANSWERED: its answer was had, and the stream went on behind it. A modern server hears of it by the way (an
     * HTTP stream is closed; over stdio notifications/cancelled is sent); what a legacy one is to hear, the client has
     * told. */
    void (*drop)(struct mail *mail, enum close_reason why);
    /* So many more questions of the server on this mail wait for us (fewer: negative): its patience stops while any
     * does. NULL: the way sees that by itself. */
    void (*owe)(struct mail *mail, int questions);
    /* Drops what is open, frees the way; no event comes any more. What needs no answer (notifications, replies, a
     * DELETE) goes on alone. Also called inside of events. */
    void (*free)(struct way *way);
};

struct way {
    const struct way_ops *ops;
};

/* What the process hangs on the exchanges of a way, and adds to them; `owner` is its. */
struct way_hooks {
    /* Its place in the log: sets x->service. False: no memory. May be NULL. */
    bool (*attach)(void *owner, struct exchange *x, const struct mail_spec *spec);
    /* The server answered, something: it is up. May be NULL. */
    void (*on_heard)(void *owner, struct exchange *x, int status);
    /* The log cannot keep up: read no further. May be NULL: it always can. */
    bool (*is_behind)(struct exchange *x);
    void *owner;
    /* Over HTTP: of the client for whom we speak, on each message. Borrowed as long as the way lives. */
    struct http_headers fields;
};

static inline struct mail *
way_send(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
         struct error *err)
{
    return way->ops->send(way, spec, events, owner, err);
}

#endif
