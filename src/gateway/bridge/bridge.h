/* src/gateway/bridge/bridge.h: clients of one era, a server of the other: a service of the toolkit whose table is that
 * server.
 *
 *   client -> endpoint -> service -> relay (call.c) -> client half (mcp/client/) -> way -> server
 *
 * bridge.c makes it when it is first needed; trial.c finds out which era a server is of; clients.c keeps
 * who we are at the server (for each caller: caller.h), way.c gets there, call.c carries one call,
 * asking.c what is asked in it, parked.c those that wait for a modern client to come back;
 * listen.c what is told outside of calls; tasks_legacy.c tasks of a modern server for legacy clients,
 * tasks_kept.c those of ours; task_calls.c and tasks_modern.c tasks of a legacy server for modern
 * clients, task_words.c what these call them, held.c those that are followed, looks.c how they are, news.c
 * who is told that by itself. For these files only. Owned by the network thread. */
#ifndef GATEHOUSE_GATEWAY_BRIDGE_BRIDGE_H
#define GATEHOUSE_GATEWAY_BRIDGE_BRIDGE_H

#include "gateway/parts.h"
#include "mcp/client/client.h"
#include "mcp/service/relay.h"

enum {
    PARKED_ID_SIZE   = 33,   /* 16 random bytes in hexadecimal */
    PEERS_MAX        = 64,   /* per server of stdio: sets of capabilities of its clients; */
    PEERS_OF_CALLERS = 256,  /* over HTTP: of each caller */
    CAPABILITIES_MAX = 4096, /* bytes of one */
    QUESTIONS_MAX    = 64,   /* open at once in a call */
    OUTCOME_MAX      = 256 << 10
};

/* How long the answer to a call that had been parked is there for a client that asks again. */
#define OUTCOME_KEPT SECONDS(60) /* at most: no longer than bridge.wait */
/* How long a task that wants input may take to ask for it; until then it is at work. */
#define ASKED_SOON MILLISECONDS(500)

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
    struct map           held;            /* id -> struct held_task * */
    struct list          held_in_order;   /* of struct held_task, by node; asked about last is last */
    struct map           kept_by_id;      /* -> struct kept_task * */
    struct list          kept_tasks;      /* of struct kept_task, by node; newest is last */
    size_t               kept_bytes;
    struct caller       *arriving;    /* whose request is being taken */
    bool                 is_over_sse; /* found out: it speaks HTTP+SSE, so all goes over the bridge */
    bool                 is_closing;  /* nothing new begins */
};

/* Who waits for a peer to be open. */
struct waiter {
    struct list  node; /* on peer->waiting; in no list when it waits no longer */
    struct peer *peer; /* for which it waited last */
    void (*on_open)(struct waiter *w, const struct client_server *server);
    void (*on_lost)(struct waiter *w, int code, int status, const char *words);
};

/* Gatehouse as one client of the server: of each caller (caller.h), for a legacy one of each set of its capabilities.
 */
struct peer {
    struct list        node; /* on bridge->peers */
    struct bridge     *bridge;
    enum client_era    era;
    bool               is_over_sse, was_open, is_going;
    bool               is_refused; /* its caller is, when it last opened */
    bool               listens;    /* what the server tells outside of calls is heard here */
    struct client     *client;
    struct caller     *caller;       /* a reference: whose fields its messages carry; NULL: none, or a child */
    struct labels     *labels;       /* of what it sends */
    struct str         capabilities; /* legacy: what the server may ask; on the heap */
    struct list        waiting;      /* of struct waiter, by node */
    struct list        crossings;    /* of struct crossing, by node; oldest first */
    struct list        tasks;        /* of struct held_task, by of_peer */
    struct map         tools;        /* legacy, that makes tasks: name -> bool: it makes nothing else of that tool */
    bool               knows_tools;  /* all of them */
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
    struct list         node;
    struct question_in *q; /* NULL: the server has taken it back */
    char                key[];
};

struct asked_list {
    struct list items; /* of struct asked, by node */
    size_t      count; /* at most QUESTIONS_MAX */
};

/* A request of a client that waits for a crossing. In the request's memory; its request_data. */
struct asker {
    struct list      node; /* on crossing->askers */
    struct crossing *crossing;
    struct request  *request;
};

/* What a legacy client wants to do with a modern server's tasks. STOP_LOOK, STOP and LOOK follow each other. */
enum task_errand { TASK_NONE, TASK_MAKE, TASK_LOOK, TASK_WAIT, TASK_STOP_LOOK, TASK_STOP };

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
    struct peer        *peer;   /* NULL: over */
    struct client_call *call;   /* NULL: over */
    struct caller      *caller; /* a reference: who alone may come back for it */
    struct list         askers; /* of struct asker, by node */
    struct asked_list   questions;
    struct timer        gather, expiry;
    struct waiter       opening;     /* before it is called: what the server makes of it must be known first */
    unsigned            pages;       /* of its tools, that were read for that */
    bool                is_called;   /* what the client asked went to the server */
    bool                may_be_task; /* its client follows tasks, and the server makes one of it */
    unsigned            depth;       /* of its functions on the stack: it is not freed then */
    bool                is_modern;   /* its client is */
    bool                is_over;
    bool                follows_task; /* the server makes tasks only, of which the client knows nothing */
    enum task_errand    errand;
    char                id[PARKED_ID_SIZE]; /* "": was never parked */

    /* What became of it, kept for who asks again. */
    char *outcome; /* JSON: the result, or the data of the error; of malloc; NULL: none */
    int   code;    /* 0: a result */
    char *message; /* of the error, of malloc */
};

/* A task of a legacy server that modern clients follow. */
struct held_task {
    struct list         node;    /* on bridge->held_in_order */
    struct list         of_peer; /* on peer->tasks */
    struct bridge      *bridge;
    struct peer        *peer;
    char               *theirs; /* its id at the server; of malloc */
    wall_time           made;
    struct client_call *result;    /* tasks/result, on which it asks; NULL: none is open */
    struct list         looks;     /* of struct look, by node */
    struct list         followers; /* of struct follower, by node: who is told news of it */
    struct asked_list   questions;
    struct timer        quiet;  /* when what it asks is shown */
    struct timer        expiry; /* when nobody asked about it for so long */
    unsigned            depth;  /* of functions on the stack: it is not freed then */
    bool                is_over /* at the server */, is_gone;
    char                id[PARKED_ID_SIZE];
};

/* Somebody wants to know how such a task is, or does something with it. */
struct look {
    struct list         node;    /* on task->looks */
    struct held_task   *task;    /* NULL: not found yet */
    struct request     *request; /* of the client that is to know: tasks/…, or subscriptions/listen */
    yyjson_mut_doc     *doc;     /* holds what is made for it */
    yyjson_mut_val     *fields;  /* of the task, as they were last told */
    struct client_call *call;    /* to the server; NULL: none */
    unsigned            rounds;  /* how often the server was asked how it is */
    bool                waits;   /* for questions */
    bool                is_news; /* what its client cannot be asked is left out; else it is refused to the server */
    /* The end, one of these, once, when it is on no list any more and nothing is open for it. `task` is of `doc`; NULL:
     * no memory. */
    void (*on_task)(struct look *l, yyjson_mut_val *task);
    void (*on_refusal)(struct look *l, int code, struct str words, yyjson_val *data);
};

/* bridge.c */
/* NULL: `err`. */
struct bridge *bridge_of(struct server *s, struct error *err);

/* clients.c */
/* Of what Gatehouse itself says to the server, as its client. NULL: no memory. */
struct labels *bridge_labels(const struct server *s, bool over_sse);
/* The peer for a caller with these capabilities (a JSON object as text), opened or not. NULL: `err`. */
struct peer *peer_for(struct bridge *b, enum client_era era, bool over_sse, struct str capabilities,
                      struct caller *caller, struct error *err);
/* Whose request it is, while it is not over. */
struct caller *caller_of_request(const struct request *r);
/* Whether an answer of the server has the status that says to its client who may ask: 401, 403. */
bool status_is_of_caller(int status);
/* For a waiter's on_lost: such a status is what its request is answered with, and what the server wants to be shown. */
void waiter_challenge(const struct waiter *w, int status, struct request *r);
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

/* way.c */
/* The way to its server, by what that speaks. NULL: `err`. */
struct way *peer_way(struct peer *p, struct error *err);

/* open.c */
/* What crosses of a client's capabilities: tasks have no counterpart in the other era. Of malloc; NULL: no memory. */
char *bridge_capabilities_text(yyjson_val *said);
/* Those of the request's client, in its memory. */
struct str bridge_capabilities(struct request *r);
/* The service is that server, from now on. False: no memory. */
bool bridge_tell_server(struct service *to, const struct client_server *server);
/* A client opens: the server is told to it when it is open. */
void bridge_open_client(struct request *r);

/* pages.c */
/* `data` of -32042: its pages are asked of a modern client. False: it is an error like others. */
bool pages_ask(struct request *r, yyjson_val *data);
/* Whether the client has been to all pages that it was asked to go to; true when there were none. Else it is asked
 * again, or `r` was refused. */
bool pages_are_seen(struct request *r);

/* asked.c */
/* False: there are too many, or no memory; the server was told. */
bool asked_take(struct asked_list *l, struct question_in *q);
/* It is being answered, or is gone: NULL. */
struct question_in *asked_pop(struct asked_list *l, struct asked *a);
void                asked_clear(struct asked_list *l);

/* asking.c */
/* Asks everybody who waits for it what the server asks. */
void crossing_ask(struct crossing *c);
/* Of call_events; and the timer `gather`. */
void crossing_on_question(void *owner, struct client_call *call, struct question_in *q);
void crossing_on_asked(void *owner, struct client_call *call);
void crossing_on_quiet(struct timer *gather);
/* A question that the server did not put to any call, over a transport where it cannot. */
void crossings_take_question(struct peer *p, struct question_in *q);

/* call.c */
void crossing_serve(struct request *r);
/* `depth` was raised: what is over now may go. */
void crossing_leave(struct crossing *c);
/* It waits no longer. */
void crossing_drop_asker(struct asker *a);
/* What is open ends: the server is told, who waits gets `words`. */
void crossing_cut(struct crossing *c, enum close_reason why, const char *words);
void crossing_free(struct crossing *c);
/* Nobody waits for it, and nobody will come. */
void crossing_give_up(struct crossing *c, enum close_reason why, const char *reason);
/* A log message that the server did not put to any call. */
bool crossings_take_log(struct peer *p, yyjson_val *params);
/* `r` waits for it. False: no memory, refused. */
bool crossing_add_asker(struct crossing *c, struct request *r);
/* Its call has ended: what is still asked is asked in another. */
void crossing_pass_on_questions(struct crossing *c);
/* What was to be known first is: the server is called. */
void crossing_go(struct crossing *c);
/* It cannot be: the end. */
void crossing_fail(struct crossing *c, const char *words);
/* Of who waits for it; NULL: nobody does. */
struct request *crossing_request(struct crossing *c);

/* A new one. */
void crossing_begin(struct request *r, enum task_errand errand);
/* Whoever waits for it is answered. */
void crossing_finish(struct crossing *c, yyjson_val *result);
void crossing_refuse(struct crossing *c, int code, struct str message, yyjson_val *data);

/* tasks_legacy.c */
/* True: it was of tasks, and is served. */
bool legacy_task_serve(struct request *r);
/* What the server is to be asked on that errand; `*params`, the caller's, holds some of it. False: no memory. */
bool legacy_task_prepare(struct crossing *c, struct request *r, struct client_request *request, yyjson_doc **params);
/* Whether the server is to be asked something more, on the errand that is set then. */
bool legacy_task_goes_on(struct crossing *c, yyjson_val *result);
/* Answers `r`'s crossing, which has an errand. */
void legacy_task_end(struct crossing *c, struct request *r, yyjson_val *result);
/* Whether that error says that it makes tasks only. */
bool legacy_task_is_needed(const struct crossing *c, int code, yyjson_val *data);
/* Params of notifications/tasks as those of notifications/tasks/status. NULL: no memory. */
yyjson_doc *legacy_task_news(yyjson_val *params);
/* A copy that says to which task it belongs. NULL: no memory. */
yyjson_doc *legacy_task_relate(yyjson_val *value, struct str id);

/* tasks_kept.c: documents of the caller's; NULL: no memory, or `err` */
struct kept_task;
/* As the answer to who asked for it. */
yyjson_doc *kept_task_new(struct bridge *b, const struct caller *by, yyjson_val *wish, yyjson_val *result,
                          struct error *err);
/* NULL: there is none, or it is another caller's. */
const struct kept_task *kept_task_find(struct bridge *b, struct str id, const struct caller *by);
yyjson_doc             *kept_task_describe(const struct kept_task *t);
yyjson_doc             *kept_task_result(const struct kept_task *t);
void                    kept_tasks_clear(struct bridge *b);

/* parked.c */
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

/* task_calls.c */
void tasks_open_tools(struct peer *p);
/* They have changed. */
void tasks_forget_tools(struct peer *p);
/* Of a result that a client gets, if it is a list of tools. */
void tasks_learn(struct peer *p, struct request *r, yyjson_val *result);
/* True: crossing_go or crossing_fail comes, now or later, unless it is cut before. */
bool tasks_prepare(struct crossing *c, struct request *r);
/* Params as the server is to get them: `*made` is the caller's; NULL: as they are. False: no memory. */
bool tasks_fit_request(struct crossing *c, struct request *r, struct client_request *request, yyjson_doc **made);
/* A result that is a task, as its client gets it: `*made` is the caller's; NULL: it is none. False: no room. */
bool tasks_take(struct crossing *c, yyjson_val *result, yyjson_doc **made);

/* task_words.c: `into` is of `doc`; what there is no memory for is missing */
void task_put_fields(const struct held_task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *task,
                     const char *status);
/* As an answer to tools/call has it. */
void held_describe(const struct held_task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *task);
void task_put_result(yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *result);
void task_put_error(yyjson_mut_doc *doc, yyjson_mut_val *into, int code, struct str message, yyjson_val *data);

/* tasks_modern.c */
/* True: it was of tasks, and is served. */
bool modern_task_serve(struct request *r);

/* looks.c */
/* Of that task; */
void look_begin(struct look *l, struct held_task *t);
/* its end comes: how it is; */
void look_at_task(struct look *l);
/* this one comes, of the caller's, or that of its refusal. */
void look_ask_server(struct look *l, const char *method, const struct call_events *events);
/* Nobody wants to know any more: no end comes. */
void look_end(struct look *l);
void look_refuse(struct look *l, int code, struct str words, yyjson_val *data);
/* All that is asked about it now is refused; */
void looks_end(struct held_task *t, int code, const char *words);
/* what waits for its questions is told them, */
void looks_show(struct held_task *t);
/* or asks anew how it is. */
void looks_again(struct held_task *t);

/* news.c */
/* Of struct relay. */
struct follower *news_follow(struct request *r, struct str id);
void             news_unfollow(struct follower *f);
/* Something has changed. */
void news_wake(struct held_task *t);
/* The server says so, of a task that it calls that. */
void news_take_status(struct peer *from, struct str theirs);
/* It is known no longer. */
void news_end(struct held_task *t, int code, const char *words);

/* held.c */
/* NULL: there is no room, or no memory. */
struct held_task *held_new(struct peer *p, struct str theirs);
/* NULL: there is none, or it is another caller's. */
struct held_task *held_find(struct bridge *b, struct str id, const struct caller *by);
void              held_touch(struct held_task *t);
/* Around what may end it. */
void held_enter(struct held_task *t);
void held_leave(struct held_task *t);
/* It is known no longer. The server is not told; */
void held_end(struct held_task *t, int code, const char *words);
/* it is, unless it is over. */
void held_drop(struct held_task *t, const char *words);
void held_end_all(struct peer *p, const char *words);
void held_give_up(struct bridge *b, const char *words);
/* {"taskId":…}, as the server calls it; the caller's. NULL: no memory. */
yyjson_doc *held_params(const struct held_task *t);
bool        held_may_cancel(const struct held_task *t);
void        held_cancel(struct peer *p, struct str theirs);
/* It wants input: looks_show comes when it has asked, or after a while. */
void held_hear(struct held_task *t);
bool held_asks(struct held_task *t);
/* True: it is asked in a task that is held. */
bool held_take_question(struct peer *p, struct question_in *q);

/* listen.c */
void bridge_listen(void *owner, struct service *s);
void bridge_set_level(void *owner, struct service *s, int level);
void bridge_take_notification(void *owner, struct service *s, uint64_t caller, struct str method);
void bridge_tell(struct bridge *b, struct peer *from, const struct envelope *e);
/* `to`, which is open now, hears what is told outside of calls, if nobody else does. */
void bridge_attach_listener(struct bridge *b, struct peer *to);
/* For the operator: what no client hears of. */
void bridge_trouble(const struct bridge *b, const char *words);
/* Who listens is not forgotten when the server was away. */
void bridge_look_after_listening(struct bridge *b, mono_time now);
void bridge_detach_listener(struct peer *from);

#endif
