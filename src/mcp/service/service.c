#include "mcp/service/parts.h"

#include "mcp/service/tasks.h"

static void send_exchange(struct back *back, struct exchange *x);
static void lose_exchange(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops service_ops = {send_exchange, lose_exchange, NULL};

const char *const revision_names[REVISIONS] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};

/* clang-format off */
#define BOTH (ERA_LEGACY | ERA_MODERN)

const struct method methods[] = {
    {"tools/call",               BOTH,       FEATURE_TOOLS,         METHOD_ASKS,                serve_tools_call,     serve_by_relay},
    {"tools/list",               BOTH,       FEATURE_TOOLS,         METHOD_LASTS,               serve_tools_list,     serve_by_relay},
    {"resources/read",           BOTH,       FEATURE_RESOURCES,     METHOD_ASKS | METHOD_LASTS, serve_resources_read, serve_by_relay},
    {"resources/list",           BOTH,       FEATURE_RESOURCES,     METHOD_LASTS,               serve_resources_list, serve_by_relay},
    {"resources/templates/list", BOTH,       FEATURE_RESOURCES,     METHOD_LASTS,               serve_templates_list, serve_by_relay},
    {"prompts/get",              BOTH,       FEATURE_PROMPTS,       METHOD_ASKS,                serve_prompts_get,    serve_by_relay},
    {"prompts/list",             BOTH,       FEATURE_PROMPTS,       METHOD_LASTS,               serve_prompts_list,   serve_by_relay},
    {"completion/complete",      BOTH,       FEATURE_COMPLETIONS,   0,                          serve_complete,       serve_by_relay},
    {"server/discover",          ERA_MODERN, 0,                     METHOD_LASTS,               serve_discover,       serve_when_known},
    {"subscriptions/listen",     ERA_MODERN, 0,                     0,                          serve_listen,         serve_when_known},
    {"tasks/get",                ERA_MODERN, FEATURE_TASKS,         0,                          serve_tasks_get,      serve_by_relay},
    {"tasks/update",             ERA_MODERN, FEATURE_TASKS,         0,                          serve_tasks_update,   serve_by_relay},
    {"tasks/cancel",             ERA_MODERN, FEATURE_TASKS,         0,                          serve_tasks_cancel,   serve_by_relay},
    {"ping",                     ERA_LEGACY, 0,                     METHOD_OPENS,               serve_ping,           serve_ping},
    {"initialize",               ERA_LEGACY, 0,                     METHOD_OPENS,               serve_initialize,     serve_initialize_when_known},
    {"logging/setLevel",         ERA_LEGACY, FEATURE_LOGS,          0,                          serve_set_level,      serve_set_level},
    {"resources/subscribe",      ERA_LEGACY, FEATURE_SUBSCRIPTIONS, 0,                          serve_subscribe,      take_subscription},
    {"resources/unsubscribe",    ERA_LEGACY, FEATURE_SUBSCRIPTIONS, 0,                          serve_unsubscribe,    serve_unsubscribe},
    {0},
};
/* clang-format on */

const struct method *
method_find(struct str name)
{
    for (const struct method *m = methods; m->name != NULL; m++)
        if (str_eq(name, str_from(m->name)))
            return m;
    return NULL;
}

request_handler
service_handler(const struct service *s, const struct method *m, unsigned era)
{
    if (m == NULL)
        return s->relayed == NULL ? NULL : serve_by_relay;
    request_handler serve    = s->relayed == NULL ? m->serve : m->relay;
    bool            is_tasks = m->feature == FEATURE_TASKS && s->relayed != NULL; /* of 2025-11-25, too */
    if ((m->eras & era) == 0 && !is_tasks)
        return NULL;
    return serve == serve_by_relay || (m->feature & ~s->features) == 0 ? serve : NULL;
}

static bool
end_turn(struct loop_hook *hook)
{
    struct service *s         = LIST_OF(struct service, hook, turn_end);
    bool            made_work = !list_is_empty(&s->unsettled);

    requests_settle(s);
    requests_sweep(s);
    return relay_tell_wishes(s) || made_work;
}

struct service *
service_new(const struct service_table *table, const struct service_parts *parts, struct error *err)
{
    struct service *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a service");
        return NULL;
    }
    *s = (struct service){.table         = table,
                          .parts         = *parts,
                          .back          = {&service_ops},
                          .turn_end      = {.run = end_turn},
                          .cancellable   = MAP_OF(struct request *, SIZE_MAX),
                          .session_by_id = MAP_OF(struct service_session *, SIZE_MAX)};
    list_init(&s->requests);
    list_init(&s->ended);
    list_init(&s->unsettled);
    list_init(&s->sessions);
    list_init(&s->listeners);
    loop_add_hook(parts->loop, &s->turn_end);
    if ((table->relay != NULL && !relayed_open(s, err)) || !tables_compile(s, err)) {
        error_wrap(err, "the service %s", table->name == NULL ? "without a name" : table->name);
        service_free(s);
        return NULL;
    }
    s->tasks = (s->features & FEATURE_TASKS) == 0 ? NULL : tasks_new(s, err);
    if ((s->features & FEATURE_TASKS) != 0 && s->tasks == NULL) {
        error_wrap(err, "the tasks of the service %s", table->name);
        service_free(s);
        return NULL;
    }
    return s;
}

void
service_drain(struct service *s)
{
    listeners_clear(s);
}

void
service_free(struct service *s)
{
    if (s == NULL)
        return;
    sessions_clear(s);
    listeners_clear(s);
    tasks_free(s->tasks);
    requests_clear(s);
    loop_remove_hook(&s->turn_end);
    tables_clear(s);
    relayed_close(s);
    map_clear(&s->cancellable);
    map_clear(&s->session_by_id);
    free(s);
}

/* Legacy clients' requests come by their session's back. */
static void
send_exchange(struct back *back, struct exchange *x)
{
    struct service *s = LIST_OF(struct service, back, back);

    if (x->kind == KIND_REQUEST) {
        struct request *r = request_new(s, NULL, x);
        if (r != NULL)
            request_serve(r);
        return;
    }
    if (str_eq(x->message.method, STR("notifications/cancelled")) && x->message.cancelled_id.data != NULL)
        request_cancel_by_front(s, x->front, x->message.cancelled_id);
    exchange_lose_back(x);
    exchange_close(x, CLOSE_ANSWERED);
}

static void
lose_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)x, (void)why; /* what is open belongs to its request */
}

struct back *
service_back(struct service *s)
{
    return &s->back;
}

const struct service_table *
service_table_of(const struct service *s)
{
    return s->table;
}

const struct service_parts *
service_parts_of(const struct service *s)
{
    return &s->parts;
}

bool
service_has_method(const struct service *s, struct str method)
{
    return service_handler(s, method_find(method), ERA_MODERN) != NULL;
}

void
service_tools_changed(struct service *s)
{
    sessions_tell_change(s, EVERY_CALLER, CHANGE_TOOLS);
    listeners_tell_change(s, EVERY_CALLER, CHANGE_TOOLS);
}

void
service_prompts_changed(struct service *s)
{
    sessions_tell_change(s, EVERY_CALLER, CHANGE_PROMPTS);
    listeners_tell_change(s, EVERY_CALLER, CHANGE_PROMPTS);
}

void
service_resources_changed(struct service *s)
{
    sessions_tell_change(s, EVERY_CALLER, CHANGE_RESOURCES);
    listeners_tell_change(s, EVERY_CALLER, CHANGE_RESOURCES);
}

void
service_resource_updated(struct service *s, struct str uri)
{
    sessions_tell_update(s, EVERY_CALLER, uri);
    listeners_tell_update(s, EVERY_CALLER, uri);
}

void
service_resources_updated(struct service *s)
{
    sessions_tell_updates(s);
    listeners_tell_updates(s);
}

bool
service_is_heard(const struct service *s)
{
    if (s->listener_count > 0)
        return true;
    LIST_EACH (struct service_session, session, &s->sessions, node)
        if (session->stream != NULL || session->subscriptions.count > 0)
            return true;
    return false;
}
