/* src/mcp/service/running.h: a service that runs: what its fronts (endpoint.h for HTTP, stdio.h) need of it.
 *
 * A legacy client's exchanges go to its session, a modern one's to the service itself: both are a `back`. A front has
 * checked before what only it can see (headers, sessions) and what decides the HTTP status (rules.h); the back does the
 * methods. An answer whose HTTP status is not 200 has it in x->http_status before the front gets it. */
#ifndef GATEHOUSE_MCP_SERVICE_RUNNING_H
#define GATEHOUSE_MCP_SERVICE_RUNNING_H

#include "exchange/exchange.h"
#include "mcp/service/service.h"
#include "mcp/session_id.h"

struct answer_streams;
struct param_rules;
struct service_session;
struct task_store;

struct service_parts {
    struct loop              *loop;
    const struct session_key *key;       /* seals session ids, cursors and requestState; borrowed */
    void                     *owner;     /* for handlers */
    const char               *principal; /* whose process or port it is, while nobody else is known: "local" */
    size_t                    sessions_max;
    mono_time                 session_idle;         /* a session ends after so much silence; 0: never */
    mono_time                 state_life;           /* how long a requestState is good; 0: ten minutes */
    struct task_store        *tasks;                /* where tasks outlive the process; NULL: in memory only */
    bool                      is_legacy, is_modern; /* which eras it speaks */
    bool asks_anyway; /* a legacy client is asked also what it did not say it can: there are servers that do not look */
};

/* Compiles the tables. NULL: `err` names the entry and what is wrong with it. `table` and `parts` are borrowed, as
 * long as the service lives (of `parts` a copy is made). */
struct service *service_new(const struct service_table *table, const struct service_parts *parts, struct error *err);
/* The process will end: who listens gets the result that says so (MCP 2026-07-28 basic/utilities/subscriptions). */
void service_drain(struct service *s);
/* Ends its sessions and all that is open. NULL is nothing. */
void service_free(struct service *s);
/* Modern clients' exchanges. */
struct back                *service_back(struct service *s);
const struct service_table *service_table_of(const struct service *s);
const struct service_parts *service_parts_of(const struct service *s);
/* The tool of that name, listed or not; NULL: none. */
const struct tool *service_tool(const struct service *s, struct str name);
/* Which arguments of a tool stand in header fields too, as far as the server that is relayed said so; NULL: none. */
const struct param_rules *service_param_rules(const struct service *s, struct str tool);
/* Whether a modern client may send that method here: -32601 else. */
bool service_has_method(const struct service *s, struct str method);

/* A legacy client. `id` is copied ("" on stdio) and found by service_session_find until the session ends. NULL: no
 * memory, or too many sessions. */
struct service_session *service_session_new(struct service *s, struct str id);
void                    service_session_end(struct service_session *session, enum close_reason why);
struct service_session *service_session_find(struct service *s, struct str id);
/* Its requests, notifications, replies, and its GET stream (KIND_STREAM). */
struct back *service_session_back(struct service_session *session);
struct str   service_session_id(const struct service_session *session);
/* As agreed in `initialize`; "" before. */
struct str service_session_revision(const struct service_session *session);
/* Its event streams, for a front whose client may be cut off and ask for what followed. */
struct answer_streams *service_session_streams(struct service_session *session);
bool                   service_session_has_stream(const struct service_session *session);
size_t                 service_sessions(const struct service *s);

#endif
