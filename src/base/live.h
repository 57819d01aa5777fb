/* src/base/live.h: how many objects of each kind there are now. Owned by the network thread: a counter each, no lock.
 *
 * What makes an object counts it up, what gives its memory back counts it down, and nobody else. A gateway without
 * clients has none of most kinds; `gatehouse status --json` shows them, and the tests that leave sessions in every way
 * (tests/fault) expect them back where they were. */
#ifndef GATEHOUSE_BASE_LIVE_H
#define GATEHOUSE_BASE_LIVE_H

#include <stddef.h>

enum live_kind {
    LIVE_EXCHANGES,      /* closed ones too, until the turn ends */
    LIVE_HOPS,           /* requests of clients that exchanges are to answer */
    LIVE_DELAYED,        /* requests that wait for the log */
    LIVE_API_JOBS,       /* requests under /api */
    LIVE_VISITS,         /* sessions, with either kind of server */
    LIVE_SESSIONS,       /* those with stdio servers, and those of services */
    LIVE_SERVICE_CALLS,  /* requests to services, until their handlers are done with them */
    LIVE_LANES,          /* why a channel is there */
    LIVE_CHANNELS,       /* until the child is gone */
    LIVE_CHANNEL_CALLS,  /* requests on their way to a child and back */
    LIVE_QUESTIONS,      /* what children asked clients */
    LIVE_HELD_MESSAGES,  /* for sessions that listen nowhere now */
    LIVE_ANSWER_STREAMS, /* of sessions, with those whose request is gone */
    LIVE_KEPT_EVENTS,    /* for clients that lose one */
    LIVE_CHILDREN,       /* until nothing of the tree is left */
    LIVE_UPSTREAM_CALLS, /* the back of exchanges with an HTTP server */
    LIVE_TELLINGS,       /* messages of ours to HTTP servers */
    LIVE_CLIENT_CALLS,   /* of ours to servers, with those that only wait for answers to their questions */
    LIVE_MAILS,          /* messages of our clients to servers */
    LIVE_HTTP_CALLS,     /* of the HTTP client */
    LIVE_DIALS,          /* connections to servers that are being made */
    LIVE_LOOKUPS,        /* of host names */
    LIVE_WIRES,          /* connections to servers, with those kept for the next call */
    LIVE_LINKS,          /* connections of clients */
    LIVE_CONNECTIONS,    /* both, with those that only linger */
    LIVE_POLLS,          /* descriptors that are watched */
    LIVE_WORKER_JOBS,
    LIVE_PEERS,      /* clients of ours, at servers of another era than their clients' */
    LIVE_CALLERS,    /* by the header fields of clients that are bridged */
    LIVE_CROSSINGS,  /* calls of theirs, with those that wait for a client to come back */
    LIVE_HELD_TASKS, /* of theirs, that clients follow */
    LIVE_FOLLOWERS,  /* of these, by listening */
    LIVE_SERVERS,    /* registered, and those removed that are still in use */
    LIVE_HELD_BYTES, /* of the budget memory.max */
    LIVE_KINDS
};

extern const char *const live_names[LIVE_KINDS]; /* as `status` shows them */
extern size_t            live_counts[LIVE_KINDS];

static inline void
live_begin(enum live_kind kind)
{
    live_counts[kind]++;
}

static inline void
live_end(enum live_kind kind)
{
    live_counts[kind]--;
}

#endif
