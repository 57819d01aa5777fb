/* src/mcp/hop.h: one HTTP request of a client, as the front of the exchanges that it brought.
 *
 *   SILENT ---> JSON      the first message is the last: one JSON object (a batch: their array, when all are there)
 *      |------> STREAM    a message comes before the last, or 5 s pass (50 ms, when the client follows streams):
 *      |                  server-sent events, a comment every 15 s
 *      '------> PASSING   an HTTP upstream's answer, head and bytes as they come
 *   any of them ---> DONE
 *
 * A hop lives until its answer is whole, or the client left, and none of its exchanges is open; then it frees itself.
 * The stream of a legacy session's call may outlive it (hop_stream.h).
 * MCP 2025-11-25, basic/transports "Streamable HTTP"; errors of ours carry the request's id. */
#ifndef GATEHOUSE_MCP_HOP_H
#define GATEHOUSE_MCP_HOP_H

#include "exchange/exchange.h"
#include "http/server.h"

struct answer_stream;
struct answer_streams;

enum hop_shape { HOP_SILENT, HOP_JSON, HOP_STREAM, HOP_PASSING, HOP_DONE };

struct hop {
    struct front         front;
    struct loop         *loop;
    struct http_request *request;   /* NULL once answered, or the client left */
    struct list          exchanges; /* of struct exchange, by front_node; the open ones */
    enum hop_shape       shape;
    bool                 is_batch;
    bool                 accepts_stream;
    bool                 is_stream; /* what passes is text/event-stream */
    bool                 is_inside; /* an event that passes has begun and not ended: nothing of ours may stand here */
    size_t               share;     /* what may wait for the client beyond the first message */
    size_t               first;     /* bytes of that first message */
    struct budget       *budget;
    struct buffer        joined;       /* answers of a batch that were not sent yet: "[a,b" */
    size_t               joined_taken; /* from the budget */
    bool                 is_torn;      /* something that had to be said was not held */
    int                  status;       /* of a batch: 200 once one was answered, else of the last that failed */
    struct timer         quiet;        /* 5 s or 50 ms to a stream, then 15 s between comments */
    char                 server[72];   /* the upstream's name, for messages */
    struct str           challenge;    /* WWW-Authenticate of the exchange that is being answered; empty: none */
    struct buffer        session;      /* Mcp-Session-Id for the head of the answer to `initialize`; empty: none */
    /* The client left: what becomes of each exchange is for the gateway to say. It closes `x`, or lets it go on without
     * a front. */
    void (*on_left)(struct exchange *x);
    /* Whether the request may still be taken back (hop_release): no stream begins meanwhile. NULL: never. */
    bool (*is_undecided)(struct exchange *x);

    /* Of a legacy session: what is streamed has ids. NULL: it has none. */
    struct answer_streams *streams;
    struct answer_stream  *stream; /* which it carries; NULL: none */
    uint64_t               after;  /* the client has its events up to this one */
    mono_time              retry;  /* how long the client is to wait before it comes back; 0: as usual */
};

/* NULL: no memory; the request is still the caller's to answer. */
struct hop *hop_new(struct loop *loop, struct http_request *r, void (*on_left)(struct exchange *x));
/* The hop becomes the front of `x`. */
void hop_adopt(struct hop *hop, struct exchange *x);
void hop_set_server(struct hop *hop, struct str name);
/* What is streamed has ids and is kept for a while: for a legacy client. `streams` live as long as its exchanges. */
void hop_set_streams(struct hop *hop, struct answer_streams *streams);
void hop_set_undecided(struct hop *hop, bool (*is_undecided)(struct exchange *x));
/* Goes into the head of the answer. False: no memory. */
bool hop_set_session(struct hop *hop, struct str id);
/* An answer is made here, message by message: after 5 s without one it becomes a stream; a
 * call of a client that follows streams (answer_stream.h) after 50 ms. */
void hop_expect(struct hop *hop);
/* Opens the stream at once: a GET. */
void hop_open_stream(struct hop *hop);
/* The request that `x` alone came in, of whose answer nothing is out: it is the caller's from now on, to be answered in
 * another way. `x` has no front any more, and what it borrows of the request is good as long as that is. NULL: it is no
 * longer there, and nothing has changed. Frees the hop. */
struct http_request *hop_release(struct exchange *x);
/* Header fields of the request that `x` came in; NULL: it is no longer there. */
const struct http_headers *hop_headers(const struct exchange *x);
/* Nothing was sent and nothing will be: for who made a hop and could not go on. Closes its exchanges. */
void hop_drop(struct hop *hop, enum close_reason why, const char *text);

/* Answers a request that has no exchange: status, JSON-RPC code, words. An `id` without data becomes null; `data` is a
 * JSON object or NULL. */
void refuse_request(struct http_request *r, int status, int code, struct str id, const char *text, const char *data);

#endif
