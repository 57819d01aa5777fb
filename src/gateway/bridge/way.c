/* How a peer's messages get to its server, and what that says to it gets back. */
#include "base/random.h"
#include "gateway/bridge/bridge.h"
#include "mcp/client/way_http.h"
#include "mcp/client/way_sse.h"
#include "mcp/client/way_stdio.h"

/* --- they are exchanges, as all --- */

static bool
attach(void *owner, struct exchange *x, const struct mail_spec *spec)
{
    struct peer *p = owner;

    (void)spec;
    if (!route_attach(x, p->bridge->server, NULL, p->labels))
        return false;
    ((struct route *)x->service)->is_ours = true;
    return true;
}

static void
on_heard(void *owner, struct exchange *x, int status)
{
    struct peer *p = owner;

    (void)status;
    x->first_byte              = x->first_byte == 0 ? clock_mono() : x->first_byte;
    p->bridge->server->last_us = clock_mono() - x->began;
    server_set_state(p->bridge->server, STATE_RUNNING, "");
}

static bool
is_behind(struct exchange *x)
{
    const struct traffic *traffic = ((struct route *)x->service)->server->gateway->parts.traffic;

    return traffic != NULL && traffic_is_behind(traffic);
}

/* A session with a child, as those of clients have: one that asked for the same shares it. */
static struct way *
way_to_child(struct peer *p, const struct way_hooks *hooks, struct error *err)
{
    struct server *s = p->bridge->server;
    char           id[32];
    uint64_t       number;

    bool            is_modern = p->era == CLIENT_MODERN;
    struct envelope opening   = {.revision = STR("2025-11-25"), .capabilities = p->capabilities};
    struct lane    *lane      = is_modern ? lane_for_modern(s, err) : lane_for(s, &opening, err);
    if (lane == NULL)
        return NULL;
    if (is_modern) {
        p->lane = lane;
        p->way  = way_stdio_new_modern(&s->gateway->exchanges, lane->channel, NULL, hooks);
        if (p->way == NULL)
            error_set(err, ERROR_MEMORY, "no memory");
        return p->way;
    }
    random_bytes(&number, sizeof number);
    snprintf(id, sizeof id, "bridge-%016llx", (unsigned long long)number);
    p->session      = session_new(lane->channel, id, NULL);
    struct way *way = p->session == NULL ? NULL : way_stdio_new(&s->gateway->exchanges, p->session, hooks);
    if (way != NULL)
        return way;
    if (p->session == NULL && channel_sessions(lane->channel) == 0)
        lane_close(lane, CLOSE_BUSY);
    error_set(err, ERROR_MEMORY, "no memory");
    return NULL;
}

struct way *
peer_way(struct peer *p, struct error *err)
{
    struct server   *s     = p->bridge->server;
    struct gateway  *g     = s->gateway;
    struct way_hooks hooks = {attach, on_heard, is_behind, p, caller_fields(p->caller)};

    if (s->entry->kind == SERVER_STDIO)
        return way_to_child(p, &hooks, err);
    struct way *way = p->is_over_sse ? way_sse_new(&g->exchanges, &s->upstream, &hooks)
                                     : way_http_new(&g->exchanges, &s->upstream, &hooks, g->scratch);
    if (way == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    return way;
}
