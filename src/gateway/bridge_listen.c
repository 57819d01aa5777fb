/* What is told outside of calls: who listens or subscribed at the bridge, does so there as one. */
#include "gateway/bridge.h"

#include "mcp/json.h"

enum { URIS_MAX = 1024 };

#define AGAIN_AFTER SECONDS(5)

struct uris {
    struct str items[URIS_MAX];
    size_t     count;
};

static void
add_uri(void *arg, struct str uri)
{
    struct uris *all = arg;

    if (all->count < URIS_MAX)
        all->items[all->count++] = uri;
}

static void
note_uri(void *arg, struct str uri)
{
    (void)uri;
    *(bool *)arg = true;
}

static bool
is_wanted(const struct bridge *b)
{
    bool is_wanted = service_wishes(b->service) != 0;

    service_each_subscription(b->service, note_uri, &is_wanted);
    return is_wanted;
}

static void
tell_wishes(struct bridge *b)
{
    struct uris *all = calloc(1, sizeof *all);

    if (all == NULL || b->listening == NULL) {
        free(all);
        return;
    }
    if (!b->is_closing)
        service_each_subscription(b->service, add_uri, all);
    client_listen(b->listening->client, b->is_closing ? 0 : service_wishes(b->service), all->items, all->count);
    free(all);
}

void
bridge_attach_listener(struct bridge *b, struct peer *to)
{
    if (b->listening != NULL || b->is_closing || b->server == NULL || !is_wanted(b))
        return;
    b->listening = to;
    tell_wishes(b);
}

void
bridge_detach_listener(struct bridge *b, struct peer *from)
{
    if (b->listening != from)
        return;
    client_listen(from->client, 0, NULL, 0);
    b->listening = NULL;
}

void
bridge_listen(void *owner, struct service *s)
{
    struct bridge *b = owner;

    (void)s;
    if (b->listening != NULL) {
        tell_wishes(b);
        if (!is_wanted(b))
            bridge_detach_listener(b, b->listening);
        return;
    }
    LIST_EACH (struct peer, p, &b->peers, node)
        if (client_server(p->client) != NULL) {
            bridge_attach_listener(b, p);
            return;
        }
}

void
bridge_look_after_listening(struct bridge *b, mono_time now)
{
    if (b->listening != NULL || b->is_closing || now - b->listening_tried < AGAIN_AFTER || !is_wanted(b))
        return;
    b->listening_tried = now;
    struct list *last  = list_is_empty(&b->peers) ? NULL : b->peers.prev;
    if (last != NULL)
        client_open(LIST_OF(struct peer, last, node)->client); /* it attaches itself */
}

void
bridge_set_level(void *owner, struct service *s, int level)
{
    struct bridge *b = owner;

    (void)s;
    LIST_EACH (struct peer, p, &b->peers, node)
        if (p->era == CLIENT_LEGACY && level >= 0) {
            p->level = level;
            client_set_level(p->client, level);
        }
}

void
bridge_take_notification(void *owner, struct service *s, struct str method)
{
    struct bridge *b = owner;

    (void)s;
    if (!str_eq(method, STR("notifications/roots/list_changed")))
        return;
    LIST_EACH (struct peer, p, &b->peers, node)
        if (p->era == CLIENT_LEGACY)
            client_notify(p->client, "notifications/roots/list_changed", NULL);
}

/* Over stdio, logs of a call come outside of it. */
void
bridge_tell(struct bridge *b, struct peer *from, const struct envelope *e)
{
    yyjson_doc *doc    = json_read(e->message);
    yyjson_val *params = json_member(yyjson_doc_get_root(doc), "params");
    bool        is_log = str_eq(e->method, STR("notifications/message"));

    if (doc != NULL && !(is_log && crossings_take_log(from, params)) &&
        (b->listening == from || b->listening == NULL || is_log))
        service_relay_notification(b->service, e->method, params);
    yyjson_doc_free(doc);
}
