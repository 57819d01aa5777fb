/* src/mcp/service/relay.h: a service whose answers somebody else gives: another MCP server, of whatever era.
 *
 * With a relay in its table a service has no tools, resources or prompts of its own. The toolkit does all that is
 * between it and its clients: eras, HTTP's rules, sessions, streams, cursors excepted; who subscribed to what; who
 * wants which log; requestState, whose seal binds an answer to the request it was asked in. The relay gets each request
 * as it came and gives an answer in JSON; what is of one era in it is put in the other's words here (relay.c):
 *
 *   to a modern client   resultType, _meta serverInfo, ttlMs 0 and cacheScope private where they are missing;
 *                        -32002 becomes -32602
 *   to a legacy client   resultType, ttlMs, cacheScope and modern _meta keys are left out; structuredContent that is no
 *                        object, and an outputSchema that is none of an object, too; -32602 of resources/read with
 *                        data.uri becomes -32002; to one of 2025-11-25 a server with the extension for tasks has the
 *                        capability, and each of its tools may be called as one
 *
 * `initialize` and `server/discover` are answered here from what the relay says of the server. Arguments that a tool
 * wants in header fields are looked at here, too, once a modern client has listed it: the server knows no such fields.
 *
 * When a modern client was asked (request_ask) its request ends with the turn, without a word to the relay, which lets
 * go of it when it asks and is called with another. If it could not be asked after all, its stop is called. */
#ifndef GATEHOUSE_MCP_SERVICE_RELAY_H
#define GATEHOUSE_MCP_SERVICE_RELAY_H

#include "mcp/service/service.h"

struct follower; /* of a task: the relay's */

/* What is known of the server. JSON objects as it wrote them; STR_NONE: not said. */
struct relay_server {
    struct str info, capabilities, instructions /* text */;
};

struct relay {
    /* A client opens, asks who this is, or wants to listen to it: request_relay_known, now or later, or
     * request_refuse_with. */
    void (*open)(struct request *r);
    /* Any other method that the client's era has, but those below. Called again, from its beginning, when all is
     * answered that it asked. To be answered by request_finish_with or request_refuse_with. */
    void (*serve)(struct request *r);
    /* What callers subscribed to, or that anybody listens, has changed: service_each_subscription says to what. */
    void (*listen)(void *owner, struct service *s);
    /* The lowest level that a legacy session set is another; -1: none has. */
    void (*set_level)(void *owner, struct service *s, int level);
    /* A notification of a legacy client that is for the server: notifications/roots/list_changed. */
    void (*take_notification)(void *owner, struct service *s, uint64_t caller, struct str method);
    /* The client of `r` listens for news of that task. What is returned is told it by request_relay_task, not before
     * the turn's end, until it is given to `unfollow`, once; NULL: it has no such task, or too many listen for it. */
    struct follower *(*follow)(struct request *r, struct str id);
    void (*unfollow)(struct follower *f);
};

/* Of a request: as it came. */
struct str request_method(const struct request *r);
/* An object, or NULL: without what is between the client and us: the envelope in its _meta, the token of progress,
 * requestState and inputResponses. */
yyjson_val *request_params(struct request *r);
bool        request_is_modern(const struct request *r);
/* In which it came. NULL: over, nobody wants the answer. */
struct exchange *request_exchange(const struct request *r);
struct str       request_revision(const struct request *r);
unsigned         request_abilities(const struct request *r); /* of enum client_ability */
struct str       request_capabilities(struct request *r);    /* the client's, as a JSON object */
/* By what is known of it, in the words of its era. Of a service that relays nothing: that service. */
bool request_server_makes_tasks(const struct request *r);
bool request_follows_progress(const struct request *r); /* it sent a token */
int  request_level(const struct request *r);            /* logs from here on are wanted (log_level.h); -1: modern: none,
                                                           legacy: all */

/* The server is known: what was opened is answered from it. False: there was no memory, it is as it was. */
bool service_relay_known(struct service *s, const struct relay_server *server);
void request_relay_known(struct request *r, const struct relay_server *server);
/* The end: a result, an object, as the server gave it; copied. */
void request_finish_with(struct request *r, yyjson_val *result);
/* The end: an error, as the server gave it. `data` may be NULL. */
void request_refuse_with(struct request *r, int code, struct str message, yyjson_val *data);

/* The refusal that follows is 401 or 403 over HTTP, with what WWW-Authenticate is to want, or STR_NONE; unless
 * something of the answer is out already, or it stands in a batch: then only the words are told. */
void request_challenge(struct request *r, int status, struct str challenge);

/* On the way: params of notifications/progress and notifications/message as the server sent them. The client's token is
 * put into the first; the second only goes to who wants that level. */
void request_relay_progress(struct request *r, yyjson_val *params);
void request_relay_log(struct request *r, yyjson_val *params);
/* To who listens: params of notifications/tasks. It may end the request. */
void request_relay_task(struct request *r, yyjson_val *params);

/* Asks the client what the server asks: `method` is elicitation/create, sampling/createMessage or roots/list, `key` the
 * relay's word for it. As request_elicit: the client's result, or NULL: not yet; a form is put in the words of the
 * client's revision. `*refusal`, when it is not NULL: the client answered with an error, or cannot be asked that; it is
 * the relay's to tell the server (JSON-RPC error object). */
yyjson_val *request_ask(struct request *r, const char *key, struct str method, yyjson_val *params,
                        yyjson_val **refusal);

/* The same of what is asked in a task: as inputRequests has it, of `doc`; NULL: `*refusal`. A `refusal` of NULL: nobody
 * wants to know why. */
yyjson_mut_val *request_show_question(struct request *r, yyjson_mut_doc *doc, struct str method, yyjson_val *params,
                                      yyjson_val **refusal);
/* Whether it is what a client may answer to that. */
bool request_answer_fits(const struct request *r, struct str method, yyjson_val *result);
/* Answers and returns false when the client lacks one of them (enum client_ability). */
bool request_demand(struct request *r, unsigned abilities);

/* Clients are told apart by exchange.caller; a session is of the caller that was heard in it last. What those of one
 * have subscribed to and listen for, all together. Wishes are of WISH_… (client.h): 1 tools, 2 prompts, 4 resources. */
unsigned service_wishes(const struct service *s, uint64_t caller);
void     service_each_subscription(const struct service *s, uint64_t caller, void (*each)(void *arg, struct str uri),
                                   void *arg);
/* A legacy client has made that task, and hears of it while it has a stream; until that said that it is over, or it
 * found out otherwise; of more than there is room for it does not. False: no memory. */
bool request_follow_task(struct request *r, struct str id);
void request_leave_task(struct request *r, struct str id);
/* By its status, in the words of either era. */
bool task_is_over(yyjson_val *task);
/* Those of the caller's that have a stream. */
void service_each_followed_task(const struct service *s, uint64_t caller, void (*each)(void *arg, struct str id),
                                void *arg);
/* A notification of the server that belongs to no request, as it came to this caller: list_changed and
 * resources/updated go to who asked; message to legacy sessions that want its level; tasks/status to those that follow
 * that task; others are dropped. False: there was no memory to tell somebody. */
bool service_relay_notification(struct service *s, uint64_t caller, struct str method, yyjson_val *params);

#endif
