/* src/mcp/client/client.h: the client half of the protocol: one MCP server as one client sees it.
 *
 *   NEW ---> PROBING ---> OPENING ---> OPEN        and from every state to LOST, from which client_open begins again
 *   PROBING   which era it is of is not known: server/discover was sent (MCP 2026-07-28 basic/versioning, mcp.md 7.2)
 *   OPENING   legacy: initialize was sent, notifications/initialized follows
 *   OPEN      calls pass; those made before wait for it
 *
 * A call is made the same way whatever the server speaks: method and params, without the envelope of 2026-07-28, which
 * is put around it here; so are HTTP's fields. What a server asks comes as a question, whether it is a request of its
 * own (legacy) or an entry of inputRequests (modern): when all of a round are answered the call is repeated by itself,
 * with requestState. A legacy event stream that ends before its answer is resumed (Last-Event-ID); a session that is
 * gone (404, of some 400) is opened again, once, and calls that had not been answered by then are sent again only when
 * they were refused with that. Owned by the network thread; callbacks may do anything, also close the client. */
#ifndef GATEHOUSE_MCP_CLIENT_CLIENT_H
#define GATEHOUSE_MCP_CLIENT_CLIENT_H

#include <yyjson.h>

#include "mcp/client/way.h"

struct client;
struct client_call;
struct question_in; /* something that the server asks */

enum client_era { CLIENT_ANY_ERA, CLIENT_LEGACY, CLIENT_MODERN };

/* Who it is, once it is open. JSON as it came; STR_NONE: not said. Lives as long as the client is open. */
struct client_server {
    enum client_era era;
    struct str      revision;     /* as agreed: "2025-11-25" */
    struct str      info;         /* serverInfo, an object */
    struct str      capabilities; /* an object */
    struct str      instructions; /* text */
    struct str      session;      /* Mcp-Session-Id; empty: it gave none */
};

struct client_events {
    /* Also when its session was opened again. It may come inside of client_open and client_call. */
    void (*on_open)(void *owner, struct client *c, const struct client_server *server);
    /* It could not be opened, or is lost (its child died, its session is gone and no other came): calls that were open
     * have been told. `code` is JSON-RPC's of its refusal, or 0; `status` HTTP's, or 0. client_open tries anew. */
    void (*on_lost)(void *owner, struct client *c, int code, int status, const char *words);
    /* A notification outside of any call: list_changed, resources/updated, message. */
    void (*on_message)(void *owner, struct client *c, const struct envelope *e);
    /* A question outside of any call (legacy: on the GET stream; while one call alone is open it is that call's). NULL:
     * they are refused with -32601, and no GET stream is opened for them. */
    void (*on_question)(void *owner, struct client *c, struct question_in *q);
};

struct client_parts {
    struct loop    *loop;
    struct way     *way;           /* taken over: freed with the client */
    struct str      name, version; /* clientInfo */
    struct str      capabilities;  /* what may be asked of us: a JSON object, as MCP's ClientCapabilities */
    enum client_era era;           /* CLIENT_ANY_ERA: found out; else taken as known, without a probe */
    bool discovers; /* CLIENT_MODERN: server/discover is asked all the same, and who does not answer it as one of
                       that era does is lost */
    struct str                  revision; /* legacy: what is offered; empty: 2025-11-25 */
    mono_time                   patience; /* of what a call does not say itself */
    mono_time                   probe;    /* how long a server may be silent to server/discover over stdio; 0: 10 s */
    const struct client_events *events;
    void                       *owner;
};

/* Texts are copied. NULL: `err`. */
struct client *client_new(const struct client_parts *parts, struct error *err);
/* Drops its calls without telling, ends its session at the server (DELETE), frees it. NULL is nothing. */
void client_free(struct client *c);
/* Begins to open; harmless when it is opening or open. client_call does it by itself. */
void                        client_open(struct client *c);
const struct client_server *client_server(const struct client *c); /* NULL: it is not open */
size_t                      client_calls(const struct client *c);  /* open */
/* For on_lost with the status 401 or 403: what WWW-Authenticate wants; STR_NONE: nothing. */
struct str client_challenge(const struct client *c);

struct call_events {
    /* A notification of this call: progress (with our token), message. May be NULL. */
    void (*on_message)(void *owner, struct client_call *call, const struct envelope *e);
    /* NULL: it is asked outside of any call; refused with -32601 when nobody hears that either. */
    void (*on_question)(void *owner, struct client_call *call, struct question_in *q);
    /* Of a modern server: all questions of this round have been told. May be NULL. */
    void (*on_asked)(void *owner, struct client_call *call);
    /* The end, one of these, once; the call is gone when it returns. `result` is an object, as it came; good during the
     * call. resultType is "complete", absent, or of an extension ("task"). */
    void (*on_result)(void *owner, struct client_call *call, yyjson_val *result);
    /* `code` is JSON-RPC's; -32603 with `why` not CLOSE_ANSWERED when there was no answer: unreachable, cut, timed out.
     * `data` may be NULL. */
    void (*on_error)(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
                     yyjson_val *data);
};

struct client_request {
    struct str  method;
    yyjson_val *params; /* an object, or NULL; copied. A _meta in it goes along, but what is the envelope's is ours */
    struct str  capabilities;     /* of this call (modern); empty: the client's */
    bool        follows_progress; /* a token of ours goes along */
    /* A call of which the server makes a task is followed to its end as if it had been none: its questions are asked
     * (on_question, on_asked), its status messages told as progress if progress is followed, cancelling cancels the
     * task, and on_result or on_error say what it came to. Of a legacy server a call asks for that itself: by `task`,
     * an object, in its params; a modern one is told that it may make one. There tasks/get can be followed, too: until
     * that task is over, which goes on when this call is cancelled. */
    bool      follows_task;
    int       level;    /* modern: logs from there on (log_level.h); -1: none */
    mono_time patience; /* 0: the client's */
    yyjson_val
        *input_schema; /* of the tool that is called, for Mcp-Param-*; NULL: what tools/list of this client said */
};

/* NULL: `err`. */
struct client_call *client_call(struct client *c, const struct client_request *request,
                                const struct call_events *events, void *owner, struct error *err);
/* HTTP status of its latest answer, or of that for which the client could not be opened; 0: none, or no HTTP. For
 * on_error: a 401 has no words of JSON-RPC. */
int client_call_status(const struct client_call *call);
/* What WWW-Authenticate wants that came with it, a 401 or 403; STR_NONE: nothing. */
struct str client_call_challenge(const struct client_call *call);
/* Nobody wants it any more: the server is told (notifications/cancelled, or the stream is closed), no event comes. */
void client_call_cancel(struct client_call *call, enum close_reason why, const char *reason);

/* A question. It is gone when it was answered, when the server takes it back, or with its call. */
const char *question_key(const struct question_in *q); /* modern: its key; legacy: one of ours, of no other question of
                                                          the call */
struct str  question_method(const struct question_in *q);
yyjson_val *question_params(const struct question_in *q); /* an object, or NULL */
/* `result` is copied; NULL: an empty one. A question that is answered already, or gone, is nothing. */
void question_answer(struct question_in *q, yyjson_val *result);
/* A modern server has no word for that: the call ends with this error. */
void question_refuse(struct question_in *q, int code, const char *words);
/* Kept beyond the callbacks: NULL is put there when it goes. */
void question_watch(struct question_in *q, struct question_in **place);

/* A notification of ours: roots/list_changed. Nothing when the server's era has none such. */
void client_notify(struct client *c, const char *method, yyjson_val *params);

/* What the server is to tell of itself, until told otherwise: kept through reopening. Legacy: the GET stream is opened
 * (and again when it ends), resources/subscribe and unsubscribe are called; modern: subscriptions/listen is opened, and
 * anew when the wish changes. What the server does not declare is left out. */
enum client_wish { WISH_TOOLS = 1 << 0, WISH_PROMPTS = 1 << 1, WISH_RESOURCES = 1 << 2 };
struct client_wishes {
    unsigned          changes; /* of enum client_wish */
    const struct str *uris;    /* of resources; copied */
    size_t            uri_count;
    const struct str *tasks; /* modern, of the extension: their ids; copied */
    size_t            task_count;
};
/* False: too many, or no memory. */
bool client_listen(struct client *c, const struct client_wishes *wishes);
/* Legacy: logging/setLevel, when the server logs and the level is another than before. Modern: nothing (each call says
 * its own). */
void client_set_level(struct client *c, int level);

#endif
