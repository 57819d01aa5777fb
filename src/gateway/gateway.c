#include "gateway/parts.h"

#include "base/live.h"
#include "base/random.h"

#define HOUSEKEEPING_EVERY SECONDS(1)
#define RETRY_AFTER        MILLISECONDS(10)
#define DELAY_MOST         SECONDS(30) /* a request may wait so long for the log */

static struct gateway *
gateway_of(struct exchange *x)
{
    return x->owner->hooks.owner;
}

struct labels *
capture_labels_of(struct exchange *x)
{
    struct route *route = x->service;

    return route == NULL ? NULL : route->labels;
}

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    if (x->service == NULL)
        return;
    capture_message(&gateway_of(x)->capture, x, capture_labels_of(x), from, bytes, continues);
    if (x->is_modern && from == FROM_SERVER && !continues)
        talk_heard(x, bytes);
}

/* Questions of an exchange that is over are void. */
static bool
find_asked(struct str id, void *value, void *arg)
{
    struct {
        const struct exchange *x;
        struct str             id;
    } *search = arg;

    if (*(struct exchange **)value != search->x)
        return true;
    search->id = id;
    return false;
}

static void
forget_questions(struct visit *l, const struct exchange *x)
{
    for (;;) {
        struct {
            const struct exchange *x;
            struct str             id;
        } search = {.x = x};
        map_each(&l->questions, find_asked, &search);
        if (search.id.data == NULL)
            return;
        map_remove(&l->questions, search.id);
    }
}

static void
count_call(struct server *s, const struct exchange *x, enum close_reason why)
{
    const struct route *route = x->service;

    if (x->kind != KIND_REQUEST)
        return;
    if (why == CLOSE_UNREACHABLE && s->entry->kind == SERVER_HTTP && !route->is_served) {
        server_set_state(s, STATE_DOWN, x->detail.data == NULL ? "" : x->detail.data);
        bridge_forget(s);
    }
    if (route->is_ours || x->is_silent)
        return;
    s->calls++;
    s->errors += why != CLOSE_ANSWERED || x->failed || x->http_status >= 400;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    struct gateway *g     = gateway_of(x);
    struct route   *route = x->service;

    if (route == NULL)
        return;
    struct server *s = route->server;
    if (route->trial != NULL)
        trial_over(route->trial);
    if (route->is_served)
        serve_over(x, why);
    struct visit *l = route->visit;
    capture_close(&g->capture, x, route->labels, why);
    count_call(s, x, why);
    if (l != NULL && route->asked)
        forget_questions(l, x);
    if (l != NULL && map_get(&l->adrift, x->message.id) != NULL &&
        *(struct exchange **)map_get(&l->adrift, x->message.id) == x) {
        map_remove(&l->adrift, x->message.id);
        if (why == CLOSE_TIMED_OUT)
            pass_expired(x); /* no back was left to do it */
    }
    if (l != NULL && l->session != NULL && !session_is_open(l->session) && str_eq(x->message.method, STR("initialize")))
        visit_end_later(g, l); /* the session did not come about */
    route_set_visit(x, NULL);
    labels_unref(route->labels);
    caller_unref(route->caller);
    x->service = NULL;
    s->users--;
    server_release_if_unused(s);
}

/* Stages: what judges an exchange before it leaves the house. */
static bool
admit_while_running(struct exchange *x, struct error *err)
{
    if (gateway_of(x)->is_draining && (x->kind == KIND_REQUEST || x->kind == KIND_STREAM))
        return error_set(err, ERROR_FULL, "Gatehouse is shutting down");
    return true;
}

static bool
admit_while_recorded(struct exchange *x, struct error *err)
{
    struct traffic *traffic = gateway_of(x)->parts.traffic;

    if (traffic != NULL && traffic_refuses(traffic))
        return error_set(err, ERROR_FULL,
                         "calls cannot be recorded, the disk being full, and capture.on_full is refuse");
    return true;
}

static bool (*const stages[])(struct exchange *x, struct error *err) = {admit_while_running, admit_while_recorded,
                                                                        NULL};

static void
keep_house(struct timer *timer)
{
    struct gateway *g   = LIST_OF(struct gateway, timer, housekeeping);
    mono_time       now = clock_mono();

    gaps_look(&g->gaps, g->parts.traffic);
    visits_housekeeping(g, now);
    LIST_EACH (struct server, s, &g->servers, node) {
        bridge_housekeeping(s, now);
        talk_housekeeping(s, now);
    }
    loop_set_timer(g->parts.loop, &g->housekeeping, now + HOUSEKEEPING_EVERY);
}

static bool
end_turn(struct loop_hook *hook)
{
    struct gateway *g = LIST_OF(struct gateway, hook, turn_end);

    visits_end_those_over(g);
    servers_free_unused(g);
    return false;
}

/* A request that came while the log could not keep up: it waits, and nothing more is read of its connection. */
struct delayed {
    struct list          node; /* on gateway->delayed */
    struct http_request *request;
};

static void
on_delayed_gone(struct http_request *r)
{
    struct delayed *waiting = r->user;

    list_remove(&waiting->node);
    live_end(LIVE_DELAYED);
    free(waiting);
}

static void
take_delayed(struct timer *timer)
{
    struct gateway *g = LIST_OF(struct gateway, timer, retry);

    for (struct list *node; (node = list_first(&g->delayed)) != NULL;) {
        struct delayed      *waiting = LIST_OF(struct delayed, node, node);
        struct http_request *r       = waiting->request;
        if (traffic_is_behind(g->parts.traffic) && loop_now(g->parts.loop) - r->began < DELAY_MOST) {
            loop_set_timer(g->parts.loop, &g->retry, clock_mono() + RETRY_AFTER);
            return;
        }
        on_delayed_gone(r); /* it waits no longer */
        if (traffic_is_behind(g->parts.traffic))
            refuse_request(r, 503, -32603, STR_NONE, "calls cannot be recorded as fast as they come",
                           "{\"reason\":\"busy\"}");
        else
            gateway_route(g, r);
    }
}

void
gateway_take_request(struct gateway *g, struct http_request *r)
{
    bool is_behind = g->parts.traffic != NULL && (traffic_is_behind(g->parts.traffic) || !list_is_empty(&g->delayed));

    if (!is_behind) {
        gateway_route(g, r);
        return;
    }
    struct delayed *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        refuse_request(r, 503, -32603, STR_NONE, "no memory", NULL);
        return;
    }
    waiting->request = r;
    r->user          = waiting;
    r->on_gone       = on_delayed_gone;
    list_append(&g->delayed, &waiting->node);
    live_begin(LIVE_DELAYED);
    if (!timer_is_set(&g->retry))
        loop_set_timer(g->parts.loop, &g->retry, clock_mono() + RETRY_AFTER);
}

struct gateway *
gateway_new(const struct gateway_parts *parts, struct registry *first, struct error *err)
{
    struct gateway *g = calloc(1, sizeof *g);

    if (g == NULL || (g->scratch = arena_new(KIB(64), MIB(256))) == NULL) {
        free(g);
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    g->parts    = *parts;
    g->started  = clock_wall();
    g->by_name  = MAP_OF(struct server *, SERVERS_MAX);
    g->sessions = MAP_OF(struct visit *, SESSIONS_MAX);
    random_bytes(&g->process, sizeof g->process);
    callers_init(&g->callers);
    list_init(&g->servers);
    list_init(&g->retired);
    list_init(&g->visits);
    list_init(&g->delayed);
    timer_init(&g->retry, take_delayed);
    g->turn_end.run = end_turn;
    loop_add_hook(parts->loop,
                  &g->turn_end); /* before that of the exchanges: what ends here is freed in the same turn */
    exchanges_init(
        &g->exchanges, parts->loop,
        &(struct exchange_hooks){.stages = stages, .on_message = on_message, .on_close = on_close, .owner = g});
    capture_init(&g->capture, parts->loop, parts->traffic, &g->exchanges);
    timer_init(&g->housekeeping, keep_house);
    loop_set_timer(parts->loop, &g->housekeeping, clock_mono() + HOUSEKEEPING_EVERY);
    gateway_set_registry(g, first);
    return g;
}

void
gateway_free(struct gateway *g)
{
    if (g == NULL)
        return;
    g->is_draining = true;
    loop_clear_timer(g->parts.loop, &g->housekeeping);
    loop_clear_timer(g->parts.loop, &g->retry);
    LIST_EACH (struct server, s, &g->servers, node)
        bridge_cut(s);
    LIST_EACH (struct server, s, &g->retired, node)
        bridge_cut(s);
    for (struct list *node; (node = list_first(&g->delayed)) != NULL;) {
        struct http_request *r = LIST_OF(struct delayed, node, node)->request;
        on_delayed_gone(r);
        http_answer_cut(r);
    }
    for (struct list *node; (node = list_first(&g->servers)) != NULL;)
        server_retire(LIST_OF(struct server, node, node));
    exchanges_clear(&g->exchanges);
    servers_free_unused(g);
    callers_clear(&g->callers);
    capture_clear(&g->capture);
    loop_remove_hook(&g->turn_end);
    registry_unref(g->registry);
    map_clear(&g->by_name);
    map_clear(&g->sessions);
    arena_free(g->scratch);
    free(g);
}

void
gateway_settings_changed(struct gateway *g)
{
    LIST_EACH (struct server, s, &g->servers, node)
        s->upstream.message_max = g->parts.settings->message.max;
}

void
gateway_drain(struct gateway *g)
{
    g->is_draining = true;
    LIST_EACH (struct server, s, &g->servers, node)
        bridge_drain(s);
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (struct exchange, x, &g->exchanges.in_state[state], node)
            if (exchange_is_listening(x))
                exchange_close(x, CLOSE_SHUTDOWN);
    LIST_EACH (struct server, s, &g->servers, node)
        serve_hang_up(s, CLOSE_SHUTDOWN);
}

void
gateway_cut(struct gateway *g)
{
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        for (struct list *node; (node = list_first(&g->exchanges.in_state[state])) != NULL;)
            exchange_close(LIST_OF(struct exchange, node, node), CLOSE_SHUTDOWN);
}

size_t
gateway_in_flight(const struct gateway *g)
{
    return g->exchanges.open;
}

void
gateway_totals(const struct gateway *g, struct gateway_totals *out)
{
    *out =
        (struct gateway_totals){.sessions = g->sessions.count, .exchanges = g->exchanges.open, .started = g->started};
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (const struct exchange, x, &g->exchanges.in_state[state], node)
            out->streams += x->kind == KIND_STREAM;
    LIST_EACH (const struct server, s, &g->retired, node)
        out->retired++;
    LIST_EACH (const struct server, s, &g->servers, node) {
        out->calls += s->calls;
        out->errors += s->errors;
        LIST_EACH (const struct lane, lane, &s->channels, node)
            out->children += channel_child(lane->channel) != NULL;
    }
}
