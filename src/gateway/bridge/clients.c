/* Who Gatehouse is at a server to which it bridges: a client for each caller (caller.h), because who opened a session
 * is who it belongs to; of a legacy server one for each set of capabilities, too, because what it may ask is said when
 * a session opens. To a modern one calls say it each. */
#include "gateway/bridge/bridge.h"

#include "base/live.h"
#include "mcp/client/way_stdio.h"
#include "mcp/json.h"

#define OPENING_LEAST SECONDS(60) /* of a child, which may be fetched first */

/* --- what the server says --- */

static void
end_opening(struct peer *p)
{
    loop_clear_timer(p->bridge->gateway->parts.loop, &p->opening);
}

/* Those who wait may free the peer, with the last of them or before. */
static struct waiter *
next_waiter(struct peer *p)
{
    struct list *node = list_first(&p->waiting);

    if (node == NULL)
        return NULL;
    list_remove(node);
    return LIST_OF(struct waiter, node, node);
}

/* What the server is called, and as whom it knows us: for the log. */
static void
learn_server(struct peer *p, const struct client_server *server)
{
    struct label_texts texts = *labels_texts(p->labels);
    yyjson_doc        *doc   = json_read(server->info);
    yyjson_val        *info  = yyjson_doc_get_root(doc);

    texts.session        = server->session;
    texts.revision       = server->revision;
    texts.server_name    = json_str_in(info, "name");
    texts.server_version = json_str_in(info, "version");
    struct labels *known = labels_new(&texts);
    if (known != NULL) {
        labels_unref(p->labels);
        p->labels = known;
    }
    texts.client = texts.client_version = texts.session = STR_NONE;
    struct server *s                                    = p->bridge->server;
    known                                               = labels_new(&texts);
    if (known != NULL) {
        labels_unref(s->labels);
        s->labels = known;
    }
    yyjson_doc_free(doc);
}

static void
on_open(void *owner, struct client *c, const struct client_server *server)
{
    struct peer   *p = owner;
    struct server *s = p->bridge->server;

    end_opening(p);
    eras_learn(&s->eras, p->era == CLIENT_MODERN ? ERA_MODERN : ERA_LEGACY, true);
    server_set_state(s, STATE_RUNNING, "");
    learn_server(p, server);
    p->was_open   = true;
    p->is_refused = false;
    tasks_forget_tools(p);
    if (p->era == CLIENT_LEGACY && p->level >= 0)
        client_set_level(c, p->level);
    bridge_tell_server(p->bridge->service, server);
    bridge_attach_listener(p->bridge, p);
    struct list *waiting = &p->waiting;
    while (!list_is_empty(waiting) && client_server(p->client) != NULL) {
        bool           is_last = waiting->next->next == waiting;
        struct waiter *w       = next_waiter(p);
        w->on_open(w, server);
        if (is_last)
            return;
    }
}

static void
on_lost(void *owner, struct client *c, int code, int status, const char *words)
{
    struct peer *p = owner;
    char         text[300];

    (void)c;
    snprintf(text, sizeof text, "%s", words);
    end_opening(p);
    bridge_detach_listener(p);
    held_end_all(p, text);
    p->is_refused = status_is_of_caller(status);
    if (p->is_refused) /* that says nothing of the server */
        loop_set_timer(p->bridge->gateway->parts.loop, &p->losing, loop_now(p->bridge->gateway->parts.loop));
    else if (!p->was_open)
        bridge_forget(p->bridge->server);
    else if (!p->is_over_sse) /* it may come back as another */
        eras_forget(&p->bridge->server->eras);
    p->was_open          = false;
    struct list *waiting = &p->waiting;
    while (!list_is_empty(waiting)) {
        bool           is_last = waiting->next->next == waiting;
        struct waiter *w       = next_waiter(p);
        w->on_lost(w, code, status, text);
        if (is_last)
            return;
    }
}

static void
on_message(void *owner, struct client *c, const struct envelope *e)
{
    struct peer *p = owner;

    (void)c;
    bridge_tell(p->bridge, p, e);
}

static void
on_question(void *owner, struct client *c, struct question_in *q)
{
    (void)c;
    crossings_take_question(owner, q);
}

static const struct client_events client_events = {on_open, on_lost, on_message, on_question};

/* It is silent: whoever waits is told, and the next call tries anew. */
static void
expire_opening(struct timer *opening)
{
    struct peer *p = LIST_OF(struct peer, opening, opening);

    struct list *waiting = &p->waiting;
    while (!list_is_empty(waiting)) {
        bool           is_last = waiting->next->next == waiting;
        struct waiter *w       = next_waiter(p);
        w->on_lost(w, 0, 0, "the server did not answer in time");
        if (is_last)
            return;
    }
}

/* --- its life --- */

static bool
is_idle(const struct peer *p)
{
    return list_is_empty(&p->crossings) && list_is_empty(&p->waiting) && list_is_empty(&p->tasks) && !p->listens;
}

/* One whose caller was refused stays while that tries again. */
static void
lose(struct timer *losing)
{
    struct peer *p = LIST_OF(struct peer, losing, losing);

    if (!p->is_refused || is_idle(p))
        peer_free(p);
}

void
bridge_session_lost(struct server *s, struct session *session)
{
    if (s->bridge == NULL)
        return;
    LIST_EACH (struct peer, p, &s->bridge->peers, node)
        if (p->session == session)
            loop_set_timer(s->gateway->parts.loop, &p->losing, loop_now(s->gateway->parts.loop));
}

void
bridge_lane_closed(struct server *s, const struct lane *lane)
{
    if (s->bridge == NULL)
        return;
    LIST_EACH (struct peer, p, &s->bridge->peers, node) {
        if (p->lane != lane)
            continue;
        way_stdio_lose_modern(p->way);
        p->lane = NULL;
        loop_set_timer(s->gateway->parts.loop, &p->losing, loop_now(s->gateway->parts.loop));
    }
}

struct labels *
bridge_labels(const struct server *s, bool over_sse)
{
    struct label_texts texts = *labels_texts(s->labels);

    texts.client         = STR("gatehouse");
    texts.client_version = STR(GATEHOUSE_VERSION);
    texts.transport      = over_sse ? STR("sse") : texts.transport;
    return labels_new(&texts);
}

static struct client *
client_of(struct peer *p, struct error *err)
{
    const struct server   *s        = p->bridge->server;
    struct way            *way      = peer_way(p, err);
    const struct settings *settings = s->gateway->parts.settings;
    struct client_parts    parts    = {.loop         = s->gateway->parts.loop,
                                       .way          = way,
                                       .name         = STR("gatehouse"),
                                       .version      = STR(GATEHOUSE_VERSION),
                                       .capabilities = p->capabilities,
                                       .era          = p->era,
                                       .discovers    = p->era == CLIENT_MODERN,
                                       .patience     = time_max(s->entry->timeout, settings->bridge.wait),
                                       .events       = &client_events,
                                       .owner        = p};

    if (way == NULL)
        return NULL;
    struct client *c = client_new(&parts, err);
    if (c == NULL)
        way->ops->free(way);
    return c;
}

void
peer_free(struct peer *p)
{
    if (p == NULL)
        return;
    struct bridge *b = p->bridge;
    p->is_going      = true;
    bridge_detach_listener(p);
    while (!list_is_empty(&p->crossings))
        crossing_cut(LIST_OF(struct crossing, list_first(&p->crossings), node), CLOSE_SHUTDOWN,
                     "the connection to the server was closed");
    held_end_all(p, "the connection to the server was closed");
    tasks_forget_tools(p);
    if (!list_is_empty(&p->node))
        b->peer_count--;
    list_remove(&p->node);
    end_opening(p);
    loop_clear_timer(b->gateway->parts.loop, &p->losing);
    client_free(p->client);
    if (p->session != NULL)
        session_end(p->session, CLOSE_SESSION_ENDED);
    labels_unref(p->labels);
    caller_unref(p->caller);
    free((char *)(uintptr_t)p->capabilities.data);
    live_end(LIVE_PEERS);
    free(p);
}

void
peer_left(struct peer *p)
{
    p->used = loop_now(p->bridge->gateway->parts.loop);
    if (p->bridge->is_closing && !p->is_going && is_idle(p))
        peer_free(p);
}

static struct peer *
peer_new(struct bridge *b, enum client_era era, bool over_sse, struct str capabilities, struct caller *caller,
         struct error *err)
{
    struct peer *p    = calloc(1, sizeof *p);
    char        *copy = strndup(capabilities.data, capabilities.len);

    if (p == NULL || copy == NULL) {
        free(p);
        free(copy);
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    *p = (struct peer){.bridge       = b,
                       .era          = era,
                       .is_over_sse  = over_sse,
                       .capabilities = str_of(copy, capabilities.len),
                       .caller       = caller_ref(caller),
                       .labels       = bridge_labels(b->server, over_sse),
                       .level        = -1};
    list_init(&p->node);
    list_init(&p->waiting);
    list_init(&p->crossings);
    list_init(&p->tasks);
    tasks_open_tools(p);
    timer_init(&p->opening, expire_opening);
    timer_init(&p->losing, lose);
    live_begin(LIVE_PEERS);
    if (p->labels == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    else
        p->client = client_of(p, err);
    if (p->client == NULL) {
        peer_free(p);
        return NULL;
    }
    list_append(&b->peers, &p->node);
    b->peer_count++;
    return p;
}

static struct peer *
least_used(const struct bridge *b, bool is_open)
{
    LIST_EACH (struct peer, p, &b->peers, node)
        if (is_idle(p) && (client_server(p->client) != NULL) == is_open)
            return p;
    return NULL;
}

/* The one that was not used for longest makes room; first those that are not open: nobody's wrong token costs another
 * its session. */
static bool
make_room(struct bridge *b)
{
    size_t       most  = b->server->entry->kind == SERVER_HTTP ? PEERS_OF_CALLERS : PEERS_MAX;
    struct peer *other = b->peer_count < most ? NULL : least_used(b, false);

    if (b->peer_count < most)
        return true;
    if (other == NULL)
        other = least_used(b, true);
    peer_free(other);
    return other != NULL;
}

struct peer *
peer_for(struct bridge *b, enum client_era era, bool over_sse, struct str capabilities, struct caller *caller,
         struct error *err)
{
    struct str   wanted = era == CLIENT_MODERN ? STR("{}") : capabilities;
    struct peer *found  = NULL;

    LIST_EACH (struct peer, p, &b->peers, node)
        if (p->caller == caller && p->era == era && p->is_over_sse == over_sse && str_eq(p->capabilities, wanted))
            found = p;
    if (found == NULL && !make_room(b)) {
        error_set(err, ERROR_FULL, "too many kinds of clients use this server at once");
        return NULL;
    }
    if (found == NULL)
        found = peer_new(b, era, over_sse, wanted, caller, err);
    if (found == NULL)
        return NULL;
    found->used = loop_now(b->gateway->parts.loop);
    list_remove(&found->node);
    list_append(&b->peers, &found->node);
    return found;
}

/* What is known of the server decides, and what it was last found to be: a client of one era is here because the server
 * is of the other. */
static enum client_era
era_for(const struct bridge *b, const struct request *r)
{
    const struct eras *eras = &b->server->eras;

    if (b->server->entry->is_sse || b->is_over_sse)
        return CLIENT_LEGACY;
    if (request_is_modern(r))
        return eras->legacy == SPOKEN_NO ? CLIENT_MODERN : CLIENT_LEGACY;
    return eras->modern == SPOKEN_NO ? CLIENT_LEGACY : CLIENT_MODERN;
}

struct caller *
caller_of_request(const struct request *r)
{
    const struct exchange *x = request_exchange(r);

    return x == NULL ? NULL : ((struct route *)x->service)->caller;
}

bool
status_is_of_caller(int status)
{
    return status == 401 || status == 403;
}

void
waiter_challenge(const struct waiter *w, int status, struct request *r)
{
    if (status_is_of_caller(status))
        request_challenge(r, status, client_challenge(w->peer->client));
}

/* Of one that is over nobody knows any more whose it was; and nobody waits for what it would come to. */
struct peer *
peer_for_request(struct bridge *b, struct request *r)
{
    struct error    err          = {0};
    enum client_era era          = era_for(b, r);
    struct str      capabilities = era == CLIENT_MODERN ? STR("{}") : bridge_capabilities(r);
    bool            over_sse     = b->server->entry->is_sse || b->is_over_sse;
    struct peer    *p            = NULL;

    if (b->is_closing)
        error_set(&err, ERROR_BUSY, "the server is being changed: call again");
    else if (request_exchange(r) == NULL)
        error_set(&err, ERROR_CLOSED, "the client has left");
    else
        p = peer_for(b, era, over_sse, capabilities, caller_of_request(r), &err);
    if (p == NULL)
        request_refuse_with(r, -32603, str_from(err.text), NULL);
    return p;
}

void
peer_wait(struct peer *p, struct waiter *w)
{
    const struct client_server *server = client_server(p->client);
    struct gateway             *g      = p->bridge->gateway;

    w->peer = p;
    if (server != NULL) {
        list_init(&w->node);
        w->on_open(w, server);
        return;
    }
    list_append(&p->waiting, &w->node);
    if (!timer_is_set(&p->opening))
        loop_set_timer(g->parts.loop, &p->opening,
                       loop_now(g->parts.loop) + (p->bridge->server->entry->kind == SERVER_STDIO
                                                      ? time_max(p->bridge->server->entry->timeout, OPENING_LEAST)
                                                      : p->bridge->server->entry->timeout));
    client_open(p->client);
}

void
peers_free(struct bridge *b)
{
    while (!list_is_empty(&b->peers))
        peer_free(LIST_OF(struct peer, list_first(&b->peers), node));
}

void
peers_housekeeping(struct bridge *b, mono_time now)
{
    mono_time idle = b->is_closing ? 0 : b->gateway->parts.settings->session.idle;

    if (b->is_closing) {
        parked_give_up(b, "the client did not come back");
        held_give_up(b, "the server is being changed, or Gatehouse ends");
        bridge_listen(b, b->service); /* no more */
    }
    bridge_look_after_listening(b, now);
    for (struct list *node = b->peers.next, *next; node != &b->peers; node = next) {
        struct peer *p = LIST_OF(struct peer, node, node);
        next           = node->next;
        if (is_idle(p) && now - p->used >= idle)
            peer_free(p);
    }
}
