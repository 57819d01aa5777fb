/* src/gateway/gateway.h: what chooses and connects: registry, routing, capture. It writes no transport of its own.
 *
 * Takes the requests under /s/{name}/mcp and /servers/{name}/mcp, finds the registered server, makes the exchanges and
 * sends them to its back. Owned by the network thread. */
#ifndef GATEHOUSE_GATEWAY_GATEWAY_H
#define GATEHOUSE_GATEWAY_GATEWAY_H

#include "base/settings.h"
#include "child/child.h"
#include "exchange/exchange.h"
#include "gateway/era.h"
#include "gateway/registry/registry.h"
#include "http/client.h"
#include "http/server.h"
#include "mcp/session_id.h"
#include "store/traffic.h"

struct gateway;
struct service;

/* All borrowed, and outlive the gateway. */
struct gateway_parts {
    struct loop              *loop;
    const struct settings    *settings;
    struct http_client       *client;
    struct children          *children;
    struct traffic           *traffic; /* NULL: nothing is captured */
    const struct session_key *session_key;
    char *const              *environment; /* ours, for the children's allow-list */
    struct str                token;       /* the local token: never passed on */
    /* What is built in under that name, to be made when it is first asked for; it outlives the gateway, which ends its
     * sessions, silent ones too (service_parts.session_idle is 0). NULL: `err`. May be NULL: nothing is there. */
    struct service *(*service)(void *owner, struct str name, struct error *err);
    void *service_owner;
};

/* `first` is the registry at start; a reference is taken. */
struct gateway *gateway_new(const struct gateway_parts *parts, struct registry *first, struct error *err);
/* Ends sessions and children, closes what is open. Before children_stop_all and the end of the loop. NULL is nothing.
 */
void gateway_free(struct gateway *g);
/* What the settings it was given say is other now: what was copied is copied again. */
void gateway_settings_changed(struct gateway *g);
/* No new calls; those in flight go on. */
void gateway_drain(struct gateway *g);
/* Answers what is still in flight with an error: the time for draining is over. */
void gateway_cut(struct gateway *g);
/* Exchanges that are open: what a drain waits for. */
size_t gateway_in_flight(const struct gateway *g);

/* A fresh registry: new servers appear, changed and removed ones end their sessions. Takes a reference. */
void             gateway_set_registry(struct gateway *g, struct registry *fresh);
struct registry *gateway_registry(const struct gateway *g);

/* Whether the path is ours: /s/... or /servers/... */
bool gateway_owns(struct str path);
/* The head is there, the body not: refuses what needs no body to be refused (answers, and the request is dead). */
void gateway_take_head(struct gateway *g, struct http_request *r);
/* Head and body are there. */
void gateway_take_request(struct gateway *g, struct http_request *r);

enum server_state {
    STATE_IDLE,    /* not used since start, or its child was stopped for want of sessions */
    STATE_RUNNING, /* its child runs; an HTTP server answered last */
    STATE_STARTING,
    STATE_DOWN, /* `detail` says why */
    STATE_WRONG,
    STATE_DISABLED,
};

const char *server_state_name(enum server_state state);

/* What is known now of one registered server. Slices are good during the call of `each`. */
struct server_status {
    const struct server_entry *entry;
    enum server_state          state;
    struct str                 detail;     /* "connection refused (127.0.0.1:9000)", the entry's error */
    mono_time                  since;      /* of the state; 0: since start */
    mono_time                  last_check; /* when it last answered, or failed to; 0: never */
    int64_t                    last_us;    /* how long that took */
    struct str                 server_name, server_version, revision; /* as it said */
    size_t                     sessions, calls_in_flight, children;
    pid_t                      pid;           /* of its shared child; 0: none */
    uint64_t                   calls, errors; /* since start */
    uint64_t                   odd_lines, refused_questions, dropped, restarts;
    struct eras                eras; /* which it has shown to speak */
};

void gateway_each_server(const struct gateway *g, void (*each)(void *arg, const struct server_status *status),
                         void                 *arg);
/* False: no such server. */
bool gateway_server(const struct gateway *g, struct str                                name,
                    void (*each)(void *arg, const struct server_status *status), void *arg);
/* The last lines that a server's children wrote to stderr, oldest first, as they wrote them. */
void gateway_stderr_each(const struct gateway *g, struct str name, void (*each)(void *arg, struct str line), void *arg);
/* Ends the shared children of a stdio server; they start again when next needed. */
bool gateway_restart_server(struct gateway *g, struct str name, struct error *err);

/* Each session that is open now, and the name of the client whose it is (empty: it did not say). */
void gateway_each_session(const struct gateway *g, void (*each)(void *arg, struct str server, struct str client),
                          void                 *arg);

struct gateway_totals {
    size_t    sessions, exchanges, streams, children;
    size_t    retired;       /* servers that left the registry and are still used by what is under way */
    uint64_t  calls, errors; /* since start */
    wall_time started;
};
void gateway_totals(const struct gateway *g, struct gateway_totals *out);

#endif
