/* Requests for services of the process: an endpoint reads and answers them. What it makes of them is the gateway's like
 * all else: it has a server, a session and a place in the log, and ends with them. */
#include "gateway/parts.h"

static struct route *
route_of(struct exchange *x)
{
    return x->service;
}

static bool
attach(void *owner, struct exchange *x, const struct http_request *r)
{
    struct server *s      = owner;
    struct visit  *l      = visit_of(s->gateway, s, r);
    struct labels *labels = labels_for(s, r, &x->message, l);
    bool           ok     = route_attach(x, s, l, labels);

    labels_unref(labels);
    if (!ok)
        return false;
    route_of(x)->is_served = true;
    if (s->bridge != NULL)
        bridge_attach(s->bridge, x);
    return true;
}

static bool
open_session(void *owner, struct exchange *x, struct str id)
{
    struct server     *s      = owner;
    struct label_texts texts  = *labels_texts(route_of(x)->labels);
    struct visit      *l      = NULL;
    struct labels     *labels = NULL;

    texts.session = id;
    labels        = labels_new(&texts);
    if (labels != NULL)
        l = visit_new(s->gateway, s, id, labels);
    if (l != NULL) {
        l->is_served = true;
        route_set_labels(x, labels);
        route_set_visit(x, l);
    }
    labels_unref(labels);
    return l != NULL;
}

bool
serve_endpoint(struct server *s, struct error *err)
{
    struct endpoint_parts parts = {.patience = s->entry->timeout, .attach = attach, .open = open_session, .owner = s};

    s->endpoint = endpoint_new(s->service, &s->gateway->exchanges, &parts, err);
    return s->endpoint != NULL;
}

bool
serve_open(struct server *s, struct error *err)
{
    const struct gateway_parts *gateway = &s->gateway->parts;

    if (gateway->service == NULL)
        return error_set(err, ERROR_NOT_FOUND, "this Gatehouse runs without it");
    s->service = gateway->service(gateway->service_owner, s->entry->name, err);
    if (s->service == NULL)
        return false;
    if (s->labels == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    const struct service_table *table = service_table_of(s->service);
    struct label_texts          texts = *labels_texts(s->labels);
    texts.server_name                 = str_from(table->name);
    texts.server_version              = str_from(table->version);
    struct labels *known              = labels_new(&texts);
    if (known != NULL) {
        labels_unref(s->labels);
        s->labels = known;
    }
    return serve_endpoint(s, err);
}

void
serve_close(struct server *s)
{
    endpoint_free(s->endpoint);
    s->endpoint = NULL;
}

void
serve_end_session(struct visit *l, enum close_reason why)
{
    struct service_session *session = service_session_find(l->server->service, visit_id(l));

    if (session != NULL)
        service_session_end(session, why);
}

/* `initialize` is over: what was agreed upon is known, or there is no session. */
static void
end_opening(struct exchange *x)
{
    struct route           *route    = route_of(x);
    struct visit           *l        = route->visit;
    struct service_session *session  = service_session_find(route->server->service, visit_id(l));
    struct str              revision = session == NULL ? STR_NONE : service_session_revision(session);

    if (revision.len == 0) {
        visit_end_later(l->server->gateway, l);
        return;
    }
    struct label_texts texts = *labels_texts(route->labels);
    texts.revision           = revision;
    struct labels *labels    = labels_new(&texts);
    if (labels == NULL)
        return;
    route_set_labels(x, labels);
    visit_set_labels(l, labels);
    labels_unref(labels);
}

void
serve_over(struct exchange *x, enum close_reason why)
{
    struct route  *route = route_of(x);
    struct server *s     = route->server;

    if (route->visit != NULL && str_eq(x->message.method, STR("initialize")))
        end_opening(x);
    if (why != CLOSE_ANSWERED)
        return;
    if (route->visit != NULL && x->kind == KIND_DELETE)
        visit_end_later(s->gateway, route->visit);
    if (x->kind == KIND_REQUEST) {
        s->last_us = clock_mono() - x->began;
        server_set_state(s, STATE_RUNNING, "");
    }
}

static bool
is_ours(const struct exchange *x, const struct server *s)
{
    const struct route *route = x->service;

    return route != NULL && route->server == s && route->is_served;
}

void
serve_hang_up(struct server *s, enum close_reason why)
{
    struct exchanges *all = &s->gateway->exchanges;

    if (s->endpoint == NULL)
        return;
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (struct exchange, x, &all->in_state[state], node)
            if (is_ours(x, s) && x->patience == 0)
                exchange_close(x, why);
}

size_t
serve_calls(const struct server *s)
{
    size_t count = 0;

    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        LIST_EACH (const struct exchange, x, &s->gateway->exchanges.in_state[state], node)
            count += x->kind == KIND_REQUEST && is_ours(x, s);
    return count;
}
