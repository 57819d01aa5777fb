/* What is told outside of calls: who listens or subscribed at the bridge, does so there as one. */
#include "gateway/bridge/bridge.h"

#include "base/log.h"
#include "mcp/json.h"

enum { NAMES_MAX = 1024 };

#define AGAIN_AFTER SECONDS(5)

struct names {
    struct str items[NAMES_MAX];
    size_t     count;
};

static void
add_name(void *arg, struct str name)
{
    struct names *all = arg;

    if (all->count < NAMES_MAX)
        all->items[all->count++] = name;
}

static void
note_name(void *arg, struct str name)
{
    (void)name;
    *(bool *)arg = true;
}

static bool
is_wanted(const struct bridge *b, const struct caller *by)
{
    bool is_wanted = service_wishes(b->service, caller_number(by)) != 0;

    service_each_subscription(b->service, caller_number(by), note_name, &is_wanted);
    service_each_followed_task(b->service, caller_number(by), note_name, &is_wanted);
    return is_wanted;
}

void
bridge_trouble(const struct bridge *b, const char *words)
{
    log_line(LOG_WARN, "%.*s %s", STR_ARG(b->server->entry->name), words);
}

/* False: no memory. */
static bool
ask_for_wishes(const struct bridge *b, struct peer *to)
{
    uint64_t      caller = caller_number(to->caller);
    struct names *all    = calloc(2, sizeof *all); /* URIs, tasks */

    if (all == NULL)
        return false;
    service_each_subscription(b->service, caller, add_name, &all[0]);
    service_each_followed_task(b->service, caller, add_name, &all[1]);
    bool is_asked = client_listen(to->client, &(struct client_wishes){.changes    = service_wishes(b->service, caller),
                                                                      .uris       = all[0].items,
                                                                      .uri_count  = all[0].count,
                                                                      .tasks      = all[1].items,
                                                                      .task_count = all[1].count});
    free(all);
    return is_asked;
}

static void
tell_wishes(const struct bridge *b, struct peer *to)
{
    if (!ask_for_wishes(b, to))
        bridge_trouble(b, "is not asked for all that its clients listen for: there is no memory");
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
    client_listen(from->client, &(struct client_wishes){0});
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

static bool
tell_of_task(struct bridge *b, struct peer *from, yyjson_val *params)
{
    yyjson_doc *told = legacy_task_news(params);
    bool        is_told =
        told != NULL && service_relay_notification(b->service, caller_number(from->caller),
                                                   STR("notifications/tasks/status"), yyjson_doc_get_root(told));

    yyjson_doc_free(told);
    return is_told;
}

/* Over stdio, logs of a call come outside of it. */
void
bridge_tell(struct bridge *b, struct peer *from, const struct envelope *e)
{
    yyjson_doc *doc     = json_read(e->message);
    yyjson_val *params  = json_member(yyjson_doc_get_root(doc), "params");
    bool        is_log  = str_eq(e->method, STR("notifications/message"));
    bool        is_due  = is_log || from->listens || !has_listener(b, from->caller);
    bool        is_told = doc != NULL;

    if (str_eq(e->method, STR("notifications/tools/list_changed")))
        tasks_forget_tools(from);
    if (str_eq(e->method, STR("notifications/tasks/status")))
        news_take_status(from, json_str_in(params, "taskId"));
    else if (str_eq(e->method, STR("notifications/tasks")))
        is_told = doc != NULL && tell_of_task(b, from, params);
    else if (doc != NULL && !(is_log && crossings_take_log(from, params)) && is_due)
        is_told = service_relay_notification(b->service, caller_number(from->caller), e->method, params);
    if (!is_told)
        bridge_trouble(b, "said something outside of calls: it was dropped, there was no memory to pass it on");
    yyjson_doc_free(doc);
}
