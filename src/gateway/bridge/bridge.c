/* The bridge of a server: what it is made of, which requests go over it, how it ends. */
#include "gateway/bridge/bridge.h"

#include "mcp/revision.h"

/* The longest bridge.wait and a little: which of them are still good the table of parked calls knows. */
#define STATE_LIFE (SECONDS(86400) + MINUTES(1))

static const struct relay relay = {
    .open              = bridge_open_client,
    .serve             = crossing_serve,
    .listen            = bridge_listen,
    .set_level         = bridge_set_level,
    .take_notification = bridge_take_notification,
    .follow            = news_follow,
    .unfollow          = news_unfollow,
};

void
bridge_free(struct bridge *b)
{
    if (b == NULL)
        return;
    peers_free(b);
    while (!list_is_empty(&b->parked_in_order))
        crossing_free(LIST_OF(struct crossing, list_first(&b->parked_in_order), of_parked));
    kept_tasks_clear(b);
    endpoint_free(b->endpoint);
    service_free(b->service);
    map_clear(&b->parked);
    map_clear(&b->held);
    free((char *)(uintptr_t)b->table.name);
    free(b);
}

static struct bridge *
bridge_new(struct server *s, struct error *err)
{
    struct gateway *g    = s->gateway;
    struct bridge  *b    = calloc(1, sizeof *b);
    char           *name = strndup(s->entry->name.data, s->entry->name.len);

    if (b == NULL || name == NULL) {
        free(b);
        free(name);
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    b->gateway = g;
    b->server  = s;
    b->table   = (struct service_table){.name = name, .version = GATEHOUSE_VERSION, .relay = &relay};
    b->parked  = MAP_OF(struct crossing *, SIZE_MAX); /* bounded by bridge.parked */
    list_init(&b->peers);
    b->held = MAP_OF(struct held_task *, SIZE_MAX);
    list_init(&b->parked_in_order);
    list_init(&b->held_in_order);
    b->kept_by_id = MAP_OF(struct kept_task *, SIZE_MAX); /* the same */
    list_init(&b->kept_tasks);
    b->service = service_new(&b->table,
                             &(struct service_parts){.loop         = g->parts.loop,
                                                     .key          = g->parts.session_key,
                                                     .owner        = b,
                                                     .principal    = "local",
                                                     .sessions_max = SESSIONS_MAX,
                                                     .state_life   = STATE_LIFE,
                                                     .is_legacy    = true,
                                                     .is_modern    = true},
                             err);
    if (b->service == NULL) {
        bridge_free(b);
        return NULL;
    }
    return b;
}

struct bridge *
bridge_of(struct server *s, struct error *err)
{
    if (s->bridge != NULL)
        return s->bridge;
    struct bridge *b = bridge_new(s, err);
    if (b == NULL)
        return NULL;
    s->service = b->service;
    if (!serve_endpoint(s, err)) {
        s->service = NULL;
        bridge_free(b);
        return NULL;
    }
    b->endpoint = s->endpoint;
    s->bridge   = b;
    return b;
}

/* --- which requests --- */

static struct str
field(const struct http_request *r, struct str name)
{
    struct str value = http_header(&r->headers, name);

    return value.data == NULL ? STR_NONE : str_trim(value);
}

/* All of it, because no client can reach the server otherwise. */
static bool
takes_all(const struct server *s)
{
    return s->entry->is_sse || (s->bridge != NULL && s->bridge->is_over_sse);
}

/* A session that is not known and has an id that Gatehouse gave out was one over the bridge, before a restart. What
 * pass-through sessions with stdio servers have is theirs to refuse. */
static bool
is_lost_session(const struct server *s, struct str id)
{
    struct session_seal seal;

    return s->entry->kind == SERVER_HTTP && id.len > 0 && session_id_open(s->gateway->parts.session_key, id, &seal);
}

/* By what the head says. `is_known`: that is enough. */
static bool
takes_by_head(struct server *s, const struct http_request *r, bool *is_known)
{
    struct str    id      = field(r, STR("mcp-session-id"));
    struct str    version = field(r, STR("mcp-protocol-version"));
    struct visit *l       = id.len == 0 ? NULL : visit_find(s->gateway, s, id);

    *is_known = true;
    if (takes_all(s))
        return true;
    if (l != NULL)
        return l->is_served;
    if (is_lost_session(s, id))
        return true;
    if (r->method == HTTP_METHOD_POST && version.len == 0 && id.len == 0)
        *is_known = eras_may_speak(&s->eras, ERA_LEGACY) && eras_may_speak(&s->eras, ERA_MODERN);
    return *is_known && !eras_may_speak(&s->eras, revision_is_modern(version) ? ERA_MODERN : ERA_LEGACY);
}

/* The era of a request whose head does not say. MCP 2026-07-28 basic/versioning. */
static enum era
era_of_body(struct gateway *g, struct str body)
{
    struct envelope e;
    struct error    err = {0};

    arena_reset(g->scratch);
    if (message_is_batch(body) || !envelope_parse(&e, body, g->scratch, &err))
        return ERA_LEGACY;
    return e.modern_revision.data != NULL || str_eq(e.method, STR("server/discover")) ? ERA_MODERN : ERA_LEGACY;
}

static struct bridge *
bridge_for(struct server *s, struct http_request *r)
{
    struct error   err = {0};
    struct bridge *b   = bridge_of(s, &err);

    if (b == NULL)
        refuse_request(r, 503, -32603, STR_NONE, err.text, NULL);
    return b;
}

bool
bridge_takes_head(struct server *s, struct http_request *r)
{
    bool is_known;

    if (!takes_by_head(s, r, &is_known))
        return false;
    struct bridge *b = bridge_for(s, r);
    if (b != NULL)
        endpoint_take_head(b->endpoint, r);
    return true;
}

bool
bridge_takes_request(struct server *s, struct http_request *r)
{
    bool is_known;
    bool is_taken = takes_by_head(s, r, &is_known);

    if (!is_known)
        is_taken = !eras_may_speak(&s->eras, era_of_body(s->gateway, r->body));
    if (!is_taken)
        return false;
    struct bridge *b = bridge_for(s, r);
    if (b != NULL)
        bridge_take_request(b, r);
    return true;
}

/* Fields are for servers of HTTP: children have no use for them, and serve all alike. */
void
bridge_take_request(struct bridge *b, struct http_request *r)
{
    const struct server *s   = b->server;
    struct error         err = {0};

    if (s->entry->kind == SERVER_HTTP &&
        !caller_find(&s->gateway->callers, &r->headers, s->upstream.withheld, &b->arriving, &err)) {
        refuse_request(r, err.code == ERROR_TOO_LARGE ? 431 : 503, -32603, STR_NONE, err.text, NULL);
        return;
    }
    endpoint_take_request(b->endpoint, r);
    caller_unref(b->arriving);
    b->arriving = NULL;
}

void
bridge_attach(const struct bridge *b, struct exchange *x)
{
    ((struct route *)x->service)->caller = caller_ref(b->arriving);
    x->caller                            = caller_number(b->arriving);
}

/* --- its end --- */

void
bridge_retire(struct server *s)
{
    if (s->bridge == NULL)
        return;
    s->bridge->is_closing = true;
    service_drain(s->bridge->service);
    peers_housekeeping(s->bridge, loop_now(s->gateway->parts.loop));
    if (s->is_retired && s->entry->kind == SERVER_STDIO) /* its children stop */
        bridge_cut(s);
}

void
bridge_drain(struct server *s)
{
    bridge_retire(s);
}

void
bridge_housekeeping(struct server *s, mono_time now)
{
    if (s->bridge != NULL)
        peers_housekeeping(s->bridge, now);
}

void
bridge_cut(struct server *s)
{
    if (s->bridge == NULL)
        return;
    s->bridge->is_closing = true;
    peers_free(s->bridge);
}

void
bridge_forget(struct server *s)
{
    eras_forget(&s->eras);
    if (s->bridge != NULL)
        s->bridge->is_over_sse = false;
}
