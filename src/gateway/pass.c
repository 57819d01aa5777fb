/* Requests for HTTP servers: they pass through; what is read on the way says whose session it is and what is due. */
#include "gateway/parts.h"

enum { LOOSE_MAX = 64 };

static struct route *
route_of(struct exchange *x)
{
    return x->service;
}

static void
on_head(struct exchange *x, int status, struct str session)
{
    struct route   *route = route_of(x);
    struct gateway *g     = route->server->gateway;

    x->first_byte          = clock_mono();
    route->server->last_us = x->first_byte - x->began;
    server_set_state(route->server, STATE_RUNNING, "");
    if (str_eq(x->message.method, STR("initialize")) && session.len > 0 && status < 300) {
        const struct label_texts *old   = labels_texts(route->labels);
        struct label_texts        texts = *old;
        texts.session                   = session;
        struct labels *labels           = labels_new(&texts);
        struct visit  *l                = labels == NULL ? NULL : visit_find(g, route->server, session);
        if (l == NULL && labels != NULL)
            l = visit_new(g, route->server, session, labels);
        if (labels != NULL)
            route_set_labels(x, labels);
        route_set_visit(x, l);
        labels_unref(labels);
    } else if (route->visit != NULL && (status == 404 || (x->kind == KIND_DELETE && status < 300))) {
        visit_end(g, route->visit, CLOSE_SESSION_ENDED);
    }
}

/* Who the server is, for this exchange and all that follow. */
static void
learn_server(struct route *route, struct exchange *x, const struct envelope *e)
{
    struct labels *labels = labels_with_server(route->labels, e);

    if (labels == NULL)
        return;
    route_set_labels(x, labels);
    if (route->visit != NULL)
        visit_set_labels(route->visit, labels);
    struct label_texts texts = *labels_texts(labels);
    texts.session            = STR_NONE;
    struct labels *known     = labels_new(&texts);
    labels_unref(labels);
    if (known == NULL)
        return;
    labels_unref(route->server->labels);
    labels_unref(route->server->guest);
    route->server->guest  = NULL;
    route->server->labels = known;
}

/* The server asks something while a call waits. */
static void
take_question(struct exchange *x, struct str id)
{
    struct route     *route = route_of(x);
    struct exchange **slot  = route->visit == NULL ? NULL : map_get_or_add(&route->visit->questions, id);

    if (slot == NULL) {
        if (++route->loose >= LOOSE_MAX)
            exchange_press(x);
        return;
    }
    if (*slot == x)
        return;
    if (*slot != NULL) /* two calls of the session, one id: who asked last is answered */
        exchange_owe(*slot, -1);
    *slot        = x;
    route->asked = true;
    exchange_owe(x, 1);
}

static bool
on_message(struct exchange *x, const struct envelope *e)
{
    struct route     *route = route_of(x);
    struct visit     *l     = route->visit;
    struct exchange **slot;

    if (e->kind == MESSAGE_REQUEST && x->kind == KIND_REQUEST) {
        take_question(x, e->id);
    } else if ((e->kind == MESSAGE_RESULT || e->kind == MESSAGE_ERROR) && l != NULL && x->kind == KIND_STREAM &&
               (slot = map_get(&l->adrift, e->id)) != NULL) {
        struct exchange *due = *slot;
        map_remove(&l->adrift, e->id);
        exchange_judge(due, e);
        exchange_note(due, FROM_SERVER, e->message, false);
        exchange_close(due, CLOSE_ANSWERED);
        return true;
    } else if (e->kind == MESSAGE_RESULT && e->peer_name.data != NULL && str_eq(x->message.method, STR("initialize"))) {
        learn_server(route, x, e);
    }
    return false;
}

/* In our words, outside any exchange. */
static void
tell_cancelled(struct exchange *x, struct str id, const char *reason)
{
    struct route *route   = route_of(x);
    struct buffer message = {.max = KIB(8)};

    if (buffer_printf(&message,
                      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%.*s,"
                      "\"reason\":\"%s\"}}",
                      STR_ARG(id), reason))
        http_back_tell(&route->server->upstream, buffer_str(&message),
                       &(struct http_tell){.session       = route->visit == NULL ? STR_NONE : visit_id(route->visit),
                                           .revision      = labels_texts(route->labels)->revision,
                                           .authorization = route->authorization});
    buffer_clear(&message);
}

/* The upstream should stop; it has the session and knows the id. */
void
pass_expired(struct exchange *x)
{
    if (x->kind == KIND_REQUEST && !x->is_modern && !str_eq(x->message.method, STR("initialize")))
        tell_cancelled(x, x->message.id, "no answer in time");
}

/* False: no session could bring the answer. */
static bool
set_adrift(struct exchange *x)
{
    struct route     *route = route_of(x);
    struct exchange **slot;

    if (route->visit == NULL || x->is_modern || x->kind != KIND_REQUEST || x->message.id.data == NULL)
        return false;
    slot = map_get_or_add(&route->visit->adrift, x->message.id);
    if (slot == NULL || *slot != NULL)
        return false;
    *slot = x;
    exchange_set_adrift(x);
    return true;
}

static bool
is_behind(struct exchange *x)
{
    struct traffic *traffic = route_of(x)->server->gateway->parts.traffic;

    return traffic != NULL && traffic_is_behind(traffic);
}

static const struct http_back_events back_events = {on_head,    on_message, pass_expired,
                                                    set_adrift, is_behind,  bridge_takes_held};

/* The connection closes and the upstream decides; a modern upstream takes that as a cancellation. */
void
pass_left(struct exchange *x)
{
    if (route_of(x)->trial != NULL) {
        exchange_close(x, CLOSE_CLIENT_LEFT);
        return;
    }
    if (x->judged) { /* it has its answer: it left the rest of the stream */
        exchange_close(x, CLOSE_ANSWERED);
        return;
    }
    if (x->back != NULL && x->kind == KIND_NOTIFICATION && x->message.cancelled_id.data != NULL)
        tell_cancelled(x, x->message.cancelled_id,
                       "cancelled"); /* it may not have reached the upstream; twice does no harm */
    if (x->back != NULL && !x->is_modern && x->kind == KIND_REQUEST)
        http_back_left(x->back);
    if (!set_adrift(x))
        exchange_close(x, x->is_modern ? CLOSE_CANCELLED : CLOSE_CLIENT_LEFT);
}

/* A client's answer to a question belongs to the exchange that asked. */
static void
join_reply(struct exchange *x)
{
    struct visit     *l    = route_of(x)->visit;
    struct exchange **slot = l == NULL ? NULL : map_get(&l->questions, x->message.id);

    if (slot == NULL)
        return;
    struct exchange *asked = *slot;
    map_remove(&l->questions, x->message.id);
    x->is_silent = true;
    exchange_note(asked, FROM_CLIENT, x->message.message, false);
    exchange_owe(asked, -1);
}

/* The call that a client gives up on is over for it: a cancelled request gets no response. Without a session nobody can
 * tell whose call it is, for other clients use the same ids: then the upstream decides. */
static void
cancel_call(struct gateway *g, const struct route *route, struct str id)
{
    if (route->visit == NULL)
        return;
    for (size_t state = EXCHANGE_WAITING; state <= EXCHANGE_ADRIFT; state++)
        LIST_EACH (struct exchange, other, &g->exchanges.in_state[state], node)
            if (other->kind == KIND_REQUEST && route_of(other) != NULL && route_of(other)->visit == route->visit &&
                route_of(other)->server == route->server && str_eq(other->message.id, id)) {
                exchange_close(other, CLOSE_CANCELLED);
                return;
            }
}

/* The request ends before the exchange does. */
static void
keep_authorization(struct exchange *x, const struct http_request *r)
{
    struct str value = http_header(&r->headers, STR("authorization"));

    if (value.len > 0)
        route_of(x)->authorization = arena_str(x->arena, value);
}

void
pass_requests(struct gateway *g, struct server *s, struct http_request *r, struct hop *hop, struct exchange **xs,
              size_t count)
{
    enum http_back_kind kind = xs[0]->kind == KIND_STREAM || str_eq(xs[0]->message.method, STR("ping"))
                                   ? HTTP_BACK_REPEATABLE
                               : str_eq(xs[0]->message.method, STR("initialize")) ? HTTP_BACK_OPENING
                                                                                  : HTTP_BACK_PLAIN;
    struct back        *back = http_back_new(&s->upstream, r, count, kind, &back_events, g->scratch);

    if (back == NULL) {
        hop_drop(hop, CLOSE_BUSY, "no memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        keep_authorization(xs[i], r);
        if (xs[i]->kind == KIND_REPLY)
            join_reply(xs[i]);
        else if (xs[i]->message.cancelled_id.data != NULL)
            cancel_call(g, xs[i]->service, xs[i]->message.cancelled_id);
    }
    for (size_t i = 0; i < count; i++)
        exchange_send(xs[i], back);
}
