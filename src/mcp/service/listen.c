/* subscriptions/listen: a modern client's request that stays open, and hears what it asked for. MCP 2026-07-28
 * basic/utilities/subscriptions. */
#include "mcp/service/parts.h"

#include "mcp/service/tasks.h"

/* In its request's arena. */
struct listener {
    struct list     node; /* on service->listeners */
    struct request *request;
    uint64_t        caller;
    unsigned        changes;
    struct map      uris, tasks; /* -> bool */
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

static void
forget(struct request *r)
{
    struct listener *l = request_data(r);

    list_remove(&l->node);
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

/* --- what it asks for --- */

/* The strings of a list, each once. False: it is no list of strings, or too long. */
static bool
read_names(yyjson_val *list, struct map *into)
{
    yyjson_val *name;
    size_t      index, max;

    if (list != NULL && !yyjson_is_arr(list))
        return false;
    yyjson_arr_foreach(list, index, max, name)
    {
        if (!yyjson_is_str(name) || map_get_or_add(into, json_str(name)) == NULL)
            return false;
    }
    return true;
}

static bool
is_followed(struct request *r, struct str id)
{
    return request_can(r, CLIENT_FOLLOWS_TASKS) &&
           tasks_find(r->service->tasks, id, r->service->parts.principal) != NULL;
}

/* Tasks that are not this client's are not honoured, so not remembered. */
static bool
read_filter(struct request *r, struct listener *l)
{
    yyjson_val *filter = json_member(r->params, "notifications");
    yyjson_val *ids    = yyjson_obj_get(filter, "taskIds"), *id;
    size_t      index, max;

    if (filter == NULL || !read_names(yyjson_obj_get(filter, "resourceSubscriptions"), &l->uris) ||
        !read_names(ids, &l->tasks))
        return false;
    yyjson_arr_foreach(ids, index, max, id)
    {
        if (!is_followed(r, json_str(id)))
            map_remove(&l->tasks, json_str(id));
    }
    if ((r->service->features & FEATURE_SUBSCRIPTIONS) == 0)
        map_clear(&l->uris);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (yyjson_is_true(yyjson_obj_get(filter, changes[i].filter)) &&
            (r->service->features & changes[i].feature) != 0)
            l->changes |= changes[i].change;
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

void
serve_listen(struct request *r)
{
    struct listener *l = r->service->listener_count >= LISTENERS_MOST ? NULL : ARENA_NEW(r->arena, struct listener);

    if (l == NULL) {
        request_answer_error(r, RPC_INTERNAL, STR("Too many listen already"), NULL);
        return;
    }
    *l = (struct listener){.request = r,
                           .caller  = r->x->caller,
                           .uris    = MAP_OF(bool, SUBSCRIPTIONS_MOST),
                           .tasks   = MAP_OF(bool, SUBSCRIPTIONS_MOST)};
    if (!read_filter(r, l)) {
        map_clear(&l->uris);
        map_clear(&l->tasks);
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
listeners_tell_task(struct service *s, struct task *t)
{
    LIST_EACH (struct listener, l, &s->listeners, node) {
        struct note n;
        if (map_get(&l->tasks, task_id(t)) == NULL)
            continue;
        note_begin(&n, "notifications/tasks");
        task_describe(t, n.doc, n.params, true);
        tell(l, &n);
    }
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
