/* src/gateway/errand.h: work that blocks, for those who look after Gatehouse: the REST API and its own MCP server.
 *
 * The workers are everybody's: a search that takes its time must not keep calls from their DNS. So only a few errands
 * run at once, whoever they are for; the others wait, the first first. Owned by the network thread. */
#ifndef GATEHOUSE_GATEWAY_ERRAND_H
#define GATEHOUSE_GATEWAY_ERRAND_H

#include "gateway/gateway.h"

struct errands {
    struct loop           *loop;
    struct gateway        *gateway;
    struct registry_watch *watch;
    size_t                 open;    /* begun and not done */
    size_t                 working; /* of them those on a worker */
    struct list            waiting; /* of struct errand, by node: for a worker */
    bool                   is_closing;
};

/* Inside what it is for; zeroed, then the first three set. */
struct errand {
    void (*work)(struct errand *e); /* on a worker */
    void (*done)(struct errand *e); /* then on the network thread; once, whatever happens */
    bool changes;                   /* `work` changes something: it runs even when nobody waits for it any more */

    bool             is_unwanted; /* set on the way: who asked has left */
    bool             looks_again; /* set by `work`: mcp.json is other, `done` waits until the gateway has read it */
    bool             has_run;     /* `work` did; else it was not wanted any more, or there was no memory */
    struct errands  *all;
    struct list      node;
    struct timer     look;
    mono_time        look_until;
    struct registry *before; /* a reference: the registry that is to be replaced */
};

void errands_init(struct errands *all, struct loop *loop, struct gateway *gateway, struct registry_watch *watch);
/* Those under way are done before it returns: the loop turns until then. Before gateway and watch are freed. */
void errands_close(struct errands *all);
/* False: too many are open. */
bool errands_have_room(const struct errands *all);
/* `done` may be called before it returns. */
void errand_start(struct errands *all, struct errand *e);

#endif
