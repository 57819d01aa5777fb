/* subscriptions/listen: a modern client's request that stays open, and hears what it asked for. MCP 2026-07-28
 * basic/utilities/subscriptions. */
#include "mcp/service/relay.h"
#include "mcp/service/tasks.h"

/* In its request's arena. */
struct listener {
    struct list     node; /* on service->listeners */
    struct request *request;
    uint64_t        caller;
    unsigned        changes;
    struct map      uris;  /* -> bool */
    struct map      tasks; /* id -> struct follower *; NULL: of the service's own */
};

/* Of each change: who offers it, what a client calls it, and its notification. */
static const struct {
    enum change  change;
    enum feature feature;
    const char  *filter, *method;
} changes[] = {
    {CHANGE_TOOLS, FEATURE_TOOLS_CHANGE, "toolsListChanged", "notifications/tools/list_changed"},
    {CHANGE_PROMPTS, FEATURE_PROMPTS_CHANGE, "promptsListChanged", "notifications/prompts/list_changed"},
    {CHANGE_RESOURCES, FEATURE_RESOURCES_CHANGE, "resourcesListChanged", "notifications/resources/list_changed"},
};

static bool
unfollow(struct str id, void *value, void *arg)
{
    struct listener *l = arg;

    (void)id;
    l->request->service->table->relay->unfollow(*(struct follower **)value);
    return true;
}

static void
forget(struct request *r)
{
    struct listener *l = request_data(r);

    list_remove(&l->node);
    if (r->service->relayed != NULL)
        map_each(&l->tasks, unfollow, l);
    map_clear(&l->uris);
    map_clear(&l->tasks);
    r->service->listener_count--;
    r->service->has_wishes_changed = true;
}

/* {"io.modelcontextprotocol/subscriptionId":<the id of its request>} */
static void
put_subscription(struct listener *l, yyjson_mut_doc *doc, yyjson_mut_val *meta)
{
    struct str id = l->request->x->message.id;

    yyjson_mut_obj_add_val(doc, meta, META_KEY("subscriptionId"), yyjson_mut_rawncpy(doc, id.data, id.len));
}

/* Says it, and ends a listener that cannot be told. */
static void
tell(struct listener *l, struct note *n)
{
    struct request *r = l->request;
    size_t          len;

    put_subscription(l, n->doc, yyjson_mut_obj_add_obj(n->doc, n->params, "_meta"));
    char *text    = note_end(n, &len);
    bool  is_told = text != NULL && request_tell(r, str_of(text, len));
    free(text);
    if (!is_told && r->x != NULL)
        exchange_close(r->x, CLOSE_CLIENT_STALLED);
}

static void
tell_task(struct listener *l, const struct task *t)
{
    struct note n;

    note_begin(&n, "notifications/tasks");
    task_describe(t, n.doc, n.params, true);
    tell(l, &n);
}

/* --- what it asks for --- */

/* A list of strings, not too long; or NULL. */
static bool
is_names(yyjson_val *list)
{
    yyjson_val *name;
    size_t      index, max;

    if (list != NULL && (!yyjson_is_arr(list) || yyjson_arr_size(list) > SUBSCRIPTIONS_MOST))
        return false;
    yyjson_arr_foreach(list, index, max, name)
    {
        if (!yyjson_is_str(name))
            return false;
    }
    return true;
}

/* Each once. False: no memory. */
static bool
read_uris(struct listener *l, yyjson_val *list)
{
    yyjson_val *uri;
    size_t      index, max;

    yyjson_arr_foreach(list, index, max, uri)
    {
        if (map_get_or_add(&l->uris, json_str(uri)) == NULL)
            return false;
    }
    return true;
}

/* False: there is none, or it is not this client's. */
static bool
follow(struct listener *l, struct str id, struct follower **f)
{
    struct service     *s     = l->request->service;
    const struct relay *relay = s->table->relay;

    *f = relay == NULL ? NULL : relay->follow(l->request, id);
    return relay == NULL ? tasks_find(s->tasks, id, s->parts.principal) != NULL : *f != NULL;
}

/* Those that are not followed are not honoured; nor are those for which there is no memory. */
static void
read_tasks(struct listener *l, yyjson_val *list)
{
    yyjson_val *id;
    size_t      index, max;

    yyjson_arr_foreach(list, index, max, id)
    {
        struct follower *f;
        if (map_get(&l->tasks, json_str(id)) != NULL || !follow(l, json_str(id), &f))
            continue;
        struct follower **slot = map_get_or_add(&l->tasks, json_str(id));
        if (slot != NULL)
            *slot = f;
        else if (f != NULL)
            l->request->service->table->relay->unfollow(f);
    }
}

/* Who wants news of tasks is to know what tasks are. MCP io.modelcontextprotocol/tasks, "Task Status Notifications". */
static bool
may_follow(struct request *r)
{
    bool wants = yyjson_obj_get(json_member(r->params, "notifications"), "taskIds") != NULL;

    return !wants || !request_server_makes_tasks(r) || abilities_demand(r, CLIENT_FOLLOWS_TASKS);
}

static bool
read_filter(struct request *r, struct listener *l)
{
    yyjson_val *filter = json_member(r->params, "notifications");
    yyjson_val *uris   = yyjson_obj_get(filter, "resourceSubscriptions");
    yyjson_val *ids    = yyjson_obj_get(filter, "taskIds");

    if (filter == NULL || !is_names(uris) || !is_names(ids) ||
        ((r->service->features & FEATURE_SUBSCRIPTIONS) != 0 && !read_uris(l, uris)))
        return false;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (yyjson_is_true(yyjson_obj_get(filter, changes[i].filter)) &&
            (r->service->features & changes[i].feature) != 0)
            l->changes |= changes[i].change;
    read_tasks(l, ids);
    return true;
}

struct names {
    yyjson_mut_doc *doc;
    yyjson_mut_val *list;
};

static bool
put_name(struct str name, void *value, void *arg)
{
    const struct names *names = arg;

    (void)value;
    return yyjson_mut_arr_append(names->list, json_text(names->doc, name));
}

static void
put_names(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, const struct map *m)
{
    if (m->count > 0)
        map_each(m, put_name, &(struct names){doc, yyjson_mut_obj_add_arr(doc, into, key)});
}

/* What is honoured; first of all that is said. */
static void
acknowledge(struct listener *l)
{
    struct note n;

    note_begin(&n, "notifications/subscriptions/acknowledged");
    yyjson_mut_val *filter = yyjson_mut_obj_add_obj(n.doc, n.params, "notifications");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((l->changes & changes[i].change) != 0)
            yyjson_mut_obj_add_bool(n.doc, filter, changes[i].filter, true);
    put_names(n.doc, filter, "resourceSubscriptions", &l->uris);
    put_names(n.doc, filter, "taskIds", &l->tasks);
    tell(l, &n);
}

/* How a task is now: it may have ended before anybody listened. False once the map is gone. */
static bool
tell_now(struct str id, void *value, void *arg)
{
    struct listener      *l = arg;
    const struct service *s = l->request->service;
    const struct task    *t = tasks_find(s->tasks, id, s->parts.principal);

    (void)value;
    if (t != NULL)
        tell_task(l, t);
    return l->request->x != NULL;
}

void
serve_listen(struct request *r)
{
    struct listener *l = r->service->listener_count >= LISTENERS_MOST ? NULL : ARENA_NEW(r->arena, struct listener);

    if (!may_follow(r))
        return;
    if (l == NULL) {
        request_answer_error(r, RPC_INTERNAL, STR("Too many listen already"), NULL);
        return;
    }
    *l = (struct listener){.request = r,
                           .caller  = r->x->caller,
                           .uris    = MAP_OF(bool, SUBSCRIPTIONS_MOST),
                           .tasks   = MAP_OF(struct follower *, SUBSCRIPTIONS_MOST)};
    if (!read_filter(r, l)) {
        map_clear(&l->uris);
        request_refuse_params(r, "subscriptions/listen needs \"notifications\", what it wants to hear of");
        return;
    }
    r->service->listener_count++;
    r->service->has_wishes_changed = true;
    list_append(&r->service->listeners, &l->node);
    request_set_data(r, l);
    request_on_cancel(r, forget);
    r->x->patience = 0; /* it stays open as long as its client wants */
    loop_clear_timer(r->x->owner->loop, &r->x->expiry);
    request_forget_params(r);
    acknowledge(l);
    if (r->x != NULL && r->service->tasks != NULL)
        map_each(&l->tasks, tell_now, l);
}

unsigned
listeners_wish(const struct service *s, uint64_t caller)
{
    unsigned wishes = 0;

    LIST_EACH (const struct listener, l, &s->listeners, node)
        if (l->caller == caller)
            wishes |= l->changes;
    return wishes;
}

void
listeners_each_uri(const struct service *s, uint64_t caller, bool (*each)(struct str uri, void *value, void *arg),
                   void *arg)
{
    LIST_EACH (const struct listener, l, &s->listeners, node)
        if (l->caller == caller)
            map_each(&l->uris, each, arg);
}

/* --- what it hears --- */

void
listeners_tell_change(struct service *s, uint64_t to, enum change change)
{
    size_t i = 0;

    while (changes[i].change != change)
        i++;
    LIST_EACH (struct listener, l, &s->listeners, node) {
        struct note n;
        if ((l->changes & change) == 0 || !is_told(l->caller, to))
            continue;
        note_begin(&n, changes[i].method);
        tell(l, &n);
    }
}

static void
tell_update(struct listener *l, struct str uri)
{
    struct note n;

    note_begin(&n, "notifications/resources/updated");
    yyjson_mut_obj_add_val(n.doc, n.params, "uri", json_text(n.doc, uri));
    tell(l, &n);
}

void
listeners_tell_update(struct service *s, uint64_t to, struct str uri)
{
    LIST_EACH (struct listener, l, &s->listeners, node)
        if (is_told(l->caller, to) && subscription_find(&l->uris, uri) != NULL)
            tell_update(l, uri);
}

/* False once it cannot be told, and its map is gone. */
static bool
tell_one(struct str uri, void *value, void *arg)
{
    struct listener *l = arg;

    (void)value;
    tell_update(l, uri);
    return l->request->x != NULL;
}

void
listeners_tell_updates(struct service *s)
{
    LIST_EACH (struct listener, l, &s->listeners, node)
        map_each(&l->uris, tell_one, l);
}

void
listeners_tell_task(struct service *s, const struct task *t)
{
    LIST_EACH (struct listener, l, &s->listeners, node)
        if (map_get(&l->tasks, task_id(t)) != NULL)
            tell_task(l, t);
}

void
request_relay_task(struct request *r, yyjson_val *params)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(params);
    yyjson_val     *key;
    struct note     n;

    note_begin(&n, "notifications/tasks");
    while (n.params != NULL && (key = yyjson_obj_iter_next(&iter)) != NULL)
        yyjson_mut_obj_add(n.params, yyjson_val_mut_copy(n.doc, key),
                           yyjson_val_mut_copy(n.doc, yyjson_obj_iter_get_val(key)));
    tell(request_data(r), &n);
}

/* An end that was meant: the result that listen has. */
void
listeners_clear(struct service *s)
{
    for (struct list *node; (node = list_first(&s->listeners)) != NULL;) {
        struct listener *l      = LIST_OF(struct listener, node, node);
        struct request  *r      = l->request;
        yyjson_mut_val  *result = result_new(r, "complete");
        put_subscription(l, r->doc, yyjson_mut_obj_get(result, "_meta"));
        forget(r);
        request_on_cancel(r, NULL);
        request_answer(r, result);
    }
}
