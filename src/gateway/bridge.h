/* src/gateway/bridge.h: clients of one era, a server of the other: a service of the toolkit whose table is that server.
 *
 *   client -> endpoint -> service -> relay (bridge_call.c) -> client half (mcp/client/) -> way -> server
 *
 * bridge.c makes it when it is first needed; bridge_trial.c finds out which era a server is of; bridge_clients.c keeps
 * who we are at the server, bridge_call.c carries one call, bridge_parked.c those that wait for a modern client to come
 * back; bridge_listen.c what is told outside of calls. For these files only. Owned by the network thread. */
#ifndef GATEHOUSE_GATEWAY_BRIDGE_H
#define GATEHOUSE_GATEWAY_BRIDGE_H

#include "gateway/parts.h"
#include "mcp/client/client.h"
#include "mcp/service/relay.h"

enum {
    PARKED_ID_SIZE   = 33,   /* 16 random bytes in hexadecimal */
    PEERS_MAX        = 64,   /* per server: sets of capabilities of its clients */
    CAPABILITIES_MAX = 4096, /* bytes of one */
    QUESTIONS_MAX    = 64,   /* open at once in a call */
    OUTCOME_MAX      = 256 << 10
};

/* How long the answer to a call that had been parked is there for a client that asks again. */
#define OUTCOME_KEPT SECONDS(60) /* at most: no longer than bridge.wait */

struct bridge {
    struct gateway      *gateway;
    struct server       *server;
    struct service_table table;
    struct service      *service;
    struct endpoint     *endpoint;
    struct list          peers; /* of struct peer, by node; used last is last */
    size_t               peer_count;
    mono_time            listening_tried;
    struct map           parked;          /* id -> struct crossing * */
    struct list          parked_in_order; /* of struct crossing, by of_parked; parked last is last */
    bool                 is_over_sse;     /* found out: it speaks HTTP+SSE, so all goes over the bridge */
    bool                 is_closing;      /* nothing new begins */
};

/* Who waits for a peer to be open. */
struct waiter {
    struct list node; /* on peer->waiting; in no list when it waits no longer */
    void (*on_open)(struct waiter *w, const struct client_server *server);
    void (*on_lost)(struct waiter *w, int code, int status, const char *words);
};

/* Gatehouse as one client of the server: of a legacy one for each set of capabilities, of a modern one for all. */
struct peer {
    struct list        node; /* on bridge->peers */
    struct bridge     *bridge;
    enum client_era    era;
    bool               is_over_sse, was_open, is_going;
    bool               listens; /* what the server tells outside of calls is heard here */
    struct client     *client;
    struct labels     *labels;       /* of what it sends */
    struct str         capabilities; /* legacy: what the server may ask; on the heap */
    struct list        waiting;      /* of struct waiter, by node */
    struct list        crossings;    /* of struct crossing, by node; oldest first */
    struct timer       opening;
    mono_time          used; /* last */
    int                level;
    struct session    *session; /* with a stdio server; NULL: none */
    const struct lane *lane;    /* of a modern child, */
    struct way        *way;     /* and the way to it, the client's; else NULL */
    struct timer       losing;  /* its session is lost: it goes with the turn */
};

/* Something that the server asks in a call. */
struct asked {
    struct list         node; /* on crossing->questions */
    struct question_in *q;    /* NULL: the server has taken it back */
    char                key[];
};

/* A request of a client that waits for a crossing. In the request's memory; its request_data. */
struct asker {
    struct list      node; /* on crossing->askers */
    struct crossing *crossing;
    struct request  *request;
};

/* One call on its way over the bridge and back: of one request, or, parked, of one after the other.
 *
 *   ASKING --> OVER                       no question, or a client that is asked while its call waits
 *     ^  |
 *     |  v
 *    PARKED --> OVER                      a modern client was told what is asked, and is to come back with answers
 */
struct crossing {
    struct list         node; /* on peer->crossings */
    struct list         of_parked;
    struct bridge      *bridge;
    struct peer        *peer;      /* NULL: over */
    struct client_call *call;      /* NULL: over */
    struct list         askers;    /* of struct asker, by node */
    struct list         questions; /* of struct asked, by node */
    size_t              question_count;
    struct timer        gather, expiry;
    unsigned            depth;     /* of its functions on the stack: it is not freed then */
    bool                is_modern; /* its client is */
    bool                is_over;
    char                id[PARKED_ID_SIZE]; /* "": was never parked */

    /* What became of it, kept for who asks again. */
    char *outcome; /* JSON: the result, or the data of the error; of malloc; NULL: none */
    int   code;    /* 0: a result */
    char *message; /* of the error, of malloc */
};

/* bridge.c */
/* NULL: `err`. */
struct bridge *bridge_of(struct server *s, struct error *err);

/* bridge_clients.c */
/* Of what Gatehouse itself says to the server, as its client. NULL: no memory. */
struct labels *bridge_labels(const struct server *s, bool over_sse);
/* The peer for a client with these capabilities (a JSON object as text), opened or not. NULL: `err`. */
struct peer *peer_for(struct bridge *b, enum client_era era, bool over_sse, struct str capabilities, struct error *err);
/* The peer for this request, of the era that the server speaks. NULL: refused. */
struct peer *peer_for_request(struct bridge *b, struct request *r);
/* A crossing of it is over. */
void peer_left(struct peer *p);
/* What is open on it ends. */
void peer_free(struct peer *p);
void peers_free(struct bridge *b);
/* Tells it now, or later; opens it when it is not. */
void peer_wait(struct peer *p, struct waiter *w);
void peers_housekeeping(struct bridge *b, mono_time now);

/* bridge_open.c */
/* What crosses of a client's capabilities: tasks have no counterpart in the other era. Of malloc; NULL: no memory. */
char *bridge_capabilities_text(yyjson_val *said);
/* Those of the request's client, in its memory. */
struct str bridge_capabilities(struct request *r);
/* The service is that server, from now on. False: no memory. */
bool bridge_tell_server(struct service *to, const struct client_server *server);
/* A client opens: the server is told to it when it is open. */
void bridge_open_client(struct request *r);

/* bridge_pages.c */
/* `data` of -32042: its pages are asked of a modern client. False: it is an error like others. */
bool pages_ask(struct request *r, yyjson_val *data);
/* Whether the client has been to all pages that it was asked to go to; true when there were none. Else it is asked
 * again, or `r` was refused. */
bool pages_are_seen(struct request *r);

/* bridge_call.c */
void crossing_serve(struct request *r);
/* Asks everybody who waits for it what the server asks. */
void crossing_ask(struct crossing *c);
/* What is open ends: the server is told, who waits gets `words`. */
void crossing_cut(struct crossing *c, enum close_reason why, const char *words);
void crossing_free(struct crossing *c);
/* Nobody waits for it, and nobody will come. */
void crossing_give_up(struct crossing *c, enum close_reason why, const char *reason);
/* A question or a notification that the server did not put to any call, over a transport where it cannot. */
void crossings_take_question(struct peer *p, struct question_in *q);
bool crossings_take_log(struct peer *p, yyjson_val *params);
/* `r` waits for it. False: no memory, refused. */
bool crossing_add_asker(struct crossing *c, struct request *r);

/* bridge_parked.c */
/* The client is to come back for it: it can be found. False: there is no room. */
bool crossing_park(struct crossing *c, struct request *r);
/* What it came to, for who asks again; nothing when it was never parked. `value` may be NULL. */
void crossing_keep_outcome(struct crossing *c, int code, struct str message, yyjson_val *value);
void crossing_expire(struct timer *expiry);
/* Nobody waits for it now. */
void crossing_await(struct crossing *c);
/* That of which the client of `r` has come back. NULL: answered with an error, or from what is kept. `is_retry`: it is
 * a retry of such a call. */
struct crossing *crossing_parked_of(struct bridge *b, struct request *r, bool *is_retry);
/* It is over: its outcome is kept for a while when it was parked, else it is freed. */
void crossing_settle(struct crossing *c);
void crossing_unpark(struct crossing *c);
/* All for which nobody waits. */
void parked_give_up(struct bridge *b, const char *reason);

/* bridge_listen.c */
void bridge_listen(void *owner, struct service *s);
void bridge_set_level(void *owner, struct service *s, int level);
void bridge_take_notification(void *owner, struct service *s, struct str method);
void bridge_tell(struct bridge *b, struct peer *from, const struct envelope *e);
/* `to`, which is open now, hears what is told outside of calls, if nobody else does. */
void bridge_attach_listener(struct bridge *b, struct peer *to);
/* Who listens is not forgotten when the server was away. */
void bridge_look_after_listening(struct bridge *b, mono_time now);
void bridge_detach_listener(struct peer *from);

#endif
