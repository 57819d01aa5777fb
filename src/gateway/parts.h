/* src/gateway/parts.h: what the files of the gateway share: servers.c (what is registered, now), pass.c (HTTP servers),
 * talk.c (stdio servers), bridge/bridge.c (servers of the other era), serve.c (services of the process), route.c
 * (requests). For this room only. */
#ifndef GATEHOUSE_GATEWAY_PARTS_H
#define GATEHOUSE_GATEWAY_PARTS_H

#include "gateway/caller.h"
#include "gateway/capture.h"
#include "gateway/era.h"
#include "gateway/gaps.h"
#include "gateway/gateway.h"
#include "mcp/hop_stream.h"
#include "mcp/http_back.h"
#include "mcp/service/endpoint.h"
#include "mcp/service/mirrored.h"
#include "mcp/session.h"

enum {
    SERVERS_MAX  = 10016, /* what a registry holds at most, with what is built in */
    SESSIONS_MAX = 20000,
    ADRIFT_MAX   = 64,
    HEADERS_MAX  = 64,
    STDERR_LINES = 200,
    STDERR_CUT   = 1000
};

#define TROUBLE_EVERY SECONDS(10)

/* A child may be fetched from a registry of packages before it first answers. */
#define OPENING_PATIENCE SECONDS(60)

/* One that has answered before is not fetched again: if it says nothing to `server/discover`, it does not know it. */
#define DISCOVER_PATIENCE SECONDS(10)

/* A registered server as it runs. Lives until it is retired and nothing refers to it. */
struct server {
    struct gateway            *gateway;
    struct list                node;     /* on gateway->servers or gateway->retired */
    struct registry           *registry; /* holds `entry` */
    const struct server_entry *entry;
    unsigned                   users; /* open exchanges and sessions */
    bool                       is_retired;

    struct http_upstream upstream; /* SERVER_HTTP */
    struct http_header   headers[HEADERS_MAX];

    struct eras eras; /* which it speaks; of a service: not used */

    struct list     channels; /* SERVER_STDIO: of struct lane, by node */
    size_t          isolated_count, shared_count;
    struct mirrored mirrored; /* what its modern clients repeat in header fields */

    struct bridge *bridge; /* to clients of the other era; NULL: none came yet */

    struct service  *service; /* SERVER_SERVICE: borrowed; else the bridge's, or NULL */
    struct endpoint *endpoint;

    struct labels        *guest;  /* of the last caller without a session; NULL: none since the server was learnt */
    struct labels        *labels; /* of exchanges without a session; what its last client said of itself */
    enum server_state     state;
    char                  detail[300];
    mono_time             since, last_check;
    int64_t               last_us;
    uint64_t              calls, errors;
    struct channel_counts lost; /* of channels that are gone */
    char                 *stderr_lines[STDERR_LINES];
    size_t                stderr_next;
    mono_time             trouble_told; /* in the log; 0: never */
    unsigned              troubles;     /* since then, and not told */
};

/* A channel and why it is there. */
struct lane {
    struct list     node;
    struct server  *server;
    struct channel *channel;
    enum era        era;
    bool            isolated;
    struct str      revision, capabilities; /* asked for by its first session; on the heap */
};

/* A session, of any kind of server; in gateway->sessions under "server\0id". */
struct visit {
    struct list     node; /* on gateway->visits, longest silent first */
    struct server  *server;
    struct labels  *labels;
    struct session *session; /* stdio; NULL: an HTTP server's or service's own */
    struct str      key;     /* behind it */
    mono_time       heard;
    size_t          open;      /* exchanges */
    bool            is_served; /* a session of server->service */
    bool            is_over;   /* ends with the turn */
    struct map      adrift;    /* HTTP: id -> struct exchange * */
    struct map      questions; /* HTTP: id -> struct exchange *, which asked */
    char            key_text[];
};

/* x->service: in the arena of the exchange. */
struct route {
    struct server *server;
    struct visit  *visit;         /* NULL: no session, or it has ended */
    struct labels *labels;        /* a reference */
    struct caller *caller;        /* a reference; of an exchange over the bridge */
    bool           asked;         /* it is in visit->questions */
    bool           is_served;     /* an exchange with server->service */
    bool           is_ours;       /* a message of ours to the server, for a client of the other era: it counts there */
    struct trial  *trial;         /* the server does not seem to speak its era: another is tried; NULL: none is */
    struct str     authorization; /* of its request, for what we tell the HTTP server in its name */
    unsigned       loose;         /* questions that are not: there is no session, or too many are open */
};

struct gateway {
    struct gateway_parts parts;
    struct registry     *registry;
    struct exchanges     exchanges;
    struct capture       capture;
    struct arena        *scratch;
    struct list          servers, retired; /* of struct server, by node */
    struct map           by_name;          /* -> struct server * */
    struct list          visits;           /* of struct visit, by node */
    struct map           sessions;         /* -> struct visit * */
    struct gaps          gaps;
    struct callers       callers; /* of bridges */
    struct timer         housekeeping, retry;
    struct list          delayed; /* of struct delayed, by node: requests that wait for the log */
    struct loop_hook     turn_end;
    bool                 has_over;   /* some visit is over */
    bool                 has_unused; /* some retired server is */
    uint64_t             process;    /* sealed into session ids */
    wall_time            started;
    bool                 is_draining;
};

/* servers.c */
struct server *server_find(struct gateway *g, struct str name);
void           server_retire(struct server *s);
void           server_set_state(struct server *s, enum server_state state, const char *detail);
/* When the turn ends. */
void server_release_if_unused(struct server *s);
void servers_free_unused(struct gateway *g);
void server_add_stderr(struct server *s, struct str line);

/* visits.c */
struct visit *visit_find(struct gateway *g, const struct server *s, struct str id);
struct visit *visit_new(struct gateway *g, struct server *s, struct str id, struct labels *labels);
void          visit_touch(struct gateway *g, struct visit *l);
void          visit_set_labels(struct visit *l, struct labels *labels);
struct str    visit_id(const struct visit *l);
/* The session that the request is of, and has been heard of now. NULL: none. */
struct visit *visit_of(struct gateway *g, const struct server *s, const struct http_request *r);
/* Ends what waits in it; the session of a stdio server too. */
void visit_end(struct gateway *g, struct visit *l, enum close_reason why);
/* The same when the turn ends: from inside a callback of what it would free. */
void visit_end_later(struct gateway *g, struct visit *l);
void visits_end_those_over(struct gateway *g);
void visits_housekeeping(struct gateway *g, mono_time now);

/* route.c */
struct labels *labels_of(struct server *s, const struct http_request *r, const struct envelope *e, struct str session);
/* A reference to those of the session when there is one, else of what the message says of its sender. */
struct labels *labels_for(struct server *s, const struct http_request *r, const struct envelope *e,
                          const struct visit *l);
struct labels *labels_with_server(struct labels *old, const struct envelope *answer);
bool           route_attach(struct exchange *x, struct server *s, struct visit *l, struct labels *labels);
void           route_set_visit(struct exchange *x, struct visit *l);
void           route_set_labels(struct exchange *x, struct labels *labels);

/* Makes the exchanges of a request and sends them. */
void gateway_route(struct gateway *g, struct http_request *r);

/* pass.c, talk.c: a request for a server of that kind; `xs` are its exchanges, `hop` their front. */
void pass_requests(struct gateway *g, struct server *s, struct http_request *r, struct hop *hop, struct exchange **xs,
                   size_t count);
void pass_left(struct exchange *x);
/* It timed out: the upstream is told to stop. */
void pass_expired(struct exchange *x);
void talk_requests(struct gateway *g, struct server *s, struct http_request *r, struct hop *hop, struct exchange **xs,
                   size_t count);
void talk_left(struct exchange *x);
/* What a server said to a modern client: its list of tools is learnt from. */
void talk_heard(struct exchange *x, struct str message);
/* How long it may take to be answered: longer while a child is to be opened for it. */
mono_time talk_patience(const struct server *s, const struct exchange *x);

/* bridge/bridge.c: clients of one era, servers of the other. */

/* The head or the whole of a request whose era its server does not speak, or that is of a session over the bridge.
 * True: it is taken, and answered or dead. */
bool bridge_takes_head(struct server *s, struct http_request *r);
bool bridge_takes_request(struct server *s, struct http_request *r);
/* The same of a request that is known to go over it. */
void bridge_take_request(struct bridge *b, struct http_request *r);
/* An exchange of the request that it takes, with its route: whose it is. */
void bridge_attach(const struct bridge *b, struct exchange *x);
/* Its sessions have ended: what is not about to be answered ends, no connection is kept. */
void bridge_retire(struct server *s);
/* No new calls: nobody listens any more, and who waits for a client's answers is told. */
void bridge_drain(struct server *s);
void bridge_housekeeping(struct server *s, mono_time now);
/* No connection to the server is left, but for what tells it so. */
void bridge_cut(struct server *s);
/* With its server; nothing of it is running. NULL is nothing. */
void bridge_free(struct bridge *b);
/* The server failed, or is another now: what is known of it counts no longer. */
void bridge_forget(struct server *s);
/* A session of ours with its stdio server, without an owner: as channel_events.on_session_lost. */
void bridge_session_lost(struct server *s, struct session *session);
void bridge_lane_closed(struct server *s, const struct lane *lane);

/* bridge/trial.c */

/* The answer to `x` is held (http_back_events.on_held). True: it shows a server of another era, which is tried. */
bool bridge_takes_held(struct exchange *x, const struct answer_head *head, struct str body, const struct envelope *e);
/* The same of a request that has become an exchange: `x` is GUARDING and was not sent; or WAITING, without a back and
 * not sent either, and its server has just shown by `words` ("refused server/discover") that it does not speak the era
 * of `x`. Its front is its hop, or NULL: the client left. Its message is whole while the client is there. Closes it,
 * now or later. */
void bridge_take(struct server *s, struct exchange *x, const char *words);
/* The server answered the `initialize` of `x` with `refusal`, an error, as the client would get it. True: `x`, WAITING
 * and without a back, is taken as by bridge_take; its session ends. False: the client gets the refusal. */
bool bridge_takes_refused(struct server *s, struct exchange *x, struct str refusal);
/* The exchange is over before the trial was. */
void trial_over(struct trial *t);

/* serve.c: an endpoint reads the requests and makes the exchanges. */
/* With server->service set: the endpoint. False: `err`. */
bool serve_endpoint(struct server *s, struct error *err);
bool serve_open(struct server *s, struct error *err);
void serve_close(struct server *s);
/* Before it is on record and counted. */
void   serve_over(struct exchange *x, enum close_reason why);
size_t serve_calls(const struct server *s); /* in flight */
void   serve_end_session(struct visit *l, enum close_reason why);
/* Ends what lasts as long as the client likes. */
void serve_hang_up(struct server *s, enum close_reason why);

/* The channel for a session that opens: shared by those that asked for the same revision with the same capabilities. */
struct lane *lane_for(struct server *s, const struct envelope *e, struct error *err);
/* That of all modern clients. */
struct lane *lane_for_modern(struct server *s, struct error *err);
void         lane_close(struct lane *lane, enum close_reason why);
void         talk_housekeeping(struct server *s, mono_time now);

#endif
