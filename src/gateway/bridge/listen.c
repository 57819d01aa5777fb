/* What is told outside of calls: who listens or subscribed at the bridge, does so there as one. */
#include "gateway/bridge/bridge.h"

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
is_wanted(const struct bridge *b, const struct caller *by)
{
    bool is_wanted = service_wishes(b->service, caller_number(by)) != 0;

    service_each_subscription(b->service, caller_number(by), note_uri, &is_wanted);
    return is_wanted;
}

static void
tell_wishes(const struct bridge *b, struct peer *to)
{
    struct uris *all = calloc(1, sizeof *all);

    if (all == NULL)
        return;
    service_each_subscription(b->service, caller_number(to->caller), add_uri, all);
    client_listen(to->client, service_wishes(b->service, caller_number(to->caller)), all->items, all->count);
    free(all);
}

static bool
has_listener(const struct bridge *b, const struct caller *for_whom)
{
    LIST_EACH (const struct peer, p, &b->peers, node)
        if (p->listens && p->caller == for_whom)
            return true;
    return false;
}

/* Sessions over HTTP are of one server, which would tell each of a caller's the same; children are servers of their
 * own. */
static bool
may_listen(const struct bridge *b, const struct peer *p)
{
    return !p->listens && client_server(p->client) != NULL &&
           (b->server->entry->kind == SERVER_STDIO || !has_listener(b, p->caller));
}

void
bridge_attach_listener(struct bridge *b, struct peer *to)
{
    if (b->is_closing || !may_listen(b, to) || !is_wanted(b, to->caller))
        return;
    to->listens = true;
    tell_wishes(b, to);
}

void
bridge_detach_listener(struct peer *from)
{
    if (!from->listens)
        return;
    from->listens = false;
    client_listen(from->client, 0, NULL, 0);
}

void
bridge_listen(void *owner, struct service *s)
{
    struct bridge *b = owner;

    (void)s;
    LIST_EACH (struct peer, p, &b->peers, node) {
        if (b->is_closing || !is_wanted(b, p->caller))
            bridge_detach_listener(p);
        else if (p->listens)
            tell_wishes(b, p);
        else
            bridge_attach_listener(b, p);
    }
}

void
bridge_look_after_listening(struct bridge *b, mono_time now)
{
    if (b->is_closing || now - b->listening_tried < AGAIN_AFTER)
        return;
    b->listening_tried = now;
    LIST_EACH (struct peer, p, &b->peers, node)
        if (!p->is_refused && !has_listener(b, p->caller) && is_wanted(b, p->caller))
            client_open(p->client); /* it attaches itself */
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
bridge_take_notification(void *owner, struct service *s, uint64_t caller, struct str method)
{
    struct bridge *b = owner;

    (void)s;
    if (!str_eq(method, STR("notifications/roots/list_changed")))
        return;
    LIST_EACH (struct peer, p, &b->peers, node)
        if (p->era == CLIENT_LEGACY && caller_number(p->caller) == caller)
            client_notify(p->client, "notifications/roots/list_changed", NULL);
}

/* Over stdio, logs of a call come outside of it. */
void
bridge_tell(struct bridge *b, struct peer *from, const struct envelope *e)
{
    yyjson_doc *doc    = json_read(e->message);
    yyjson_val *params = json_member(yyjson_doc_get_root(doc), "params");
    bool        is_log = str_eq(e->method, STR("notifications/message"));
    bool        is_due = is_log || from->listens || !has_listener(b, from->caller);

    if (str_eq(e->method, STR("notifications/tools/list_changed")))
        tasks_forget_tools(from);
    if (doc != NULL && !(is_log && crossings_take_log(from, params)) && is_due)
        service_relay_notification(b->service, caller_number(from->caller), e->method, params);
    yyjson_doc_free(doc);
}
