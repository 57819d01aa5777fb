#include "mcp/service/parts.h"

#include "mcp/service/tasks.h"

static void send_exchange(struct back *back, struct exchange *x);
static void lose_exchange(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops service_ops = {send_exchange, lose_exchange, NULL};

const char *const revision_names[REVISIONS] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};

/* clang-format off */
const struct method methods[] = {
    {"tools/call",               ERA_LEGACY | ERA_MODERN, FEATURE_TOOLS,       serve_tools_call},
    {"tools/list",               ERA_LEGACY | ERA_MODERN, FEATURE_TOOLS,       serve_tools_list},
    {"resources/read",           ERA_LEGACY | ERA_MODERN, FEATURE_RESOURCES,   serve_resources_read},
    {"resources/list",           ERA_LEGACY | ERA_MODERN, FEATURE_RESOURCES,   serve_resources_list},
    {"resources/templates/list", ERA_LEGACY | ERA_MODERN, FEATURE_RESOURCES,   serve_templates_list},
    {"prompts/get",              ERA_LEGACY | ERA_MODERN, FEATURE_PROMPTS,     serve_prompts_get},
    {"prompts/list",             ERA_LEGACY | ERA_MODERN, FEATURE_PROMPTS,     serve_prompts_list},
    {"completion/complete",      ERA_LEGACY | ERA_MODERN, FEATURE_COMPLETIONS, serve_complete},
    {"server/discover",          ERA_MODERN,              0,                   serve_discover},
    {"subscriptions/listen",     ERA_MODERN,              0,                   serve_listen},
    {"tasks/get",                ERA_MODERN,              FEATURE_TASKS,       serve_tasks_get},
    {"tasks/update",             ERA_MODERN,              FEATURE_TASKS,       serve_tasks_update},
    {"tasks/cancel",             ERA_MODERN,              FEATURE_TASKS,       serve_tasks_cancel},
    {"ping",                     ERA_LEGACY,              0,                   serve_ping},
    {"initialize",               ERA_LEGACY,              0,                   serve_initialize},
    {"logging/setLevel",         ERA_LEGACY,              FEATURE_LOGS,        serve_set_level},
    {"resources/subscribe",      ERA_LEGACY,              FEATURE_RESOURCES,   serve_subscribe},
    {"resources/unsubscribe",    ERA_LEGACY,              FEATURE_RESOURCES,   serve_unsubscribe},
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

static bool
end_turn(struct loop_hook *hook)
{
    struct service *s         = LIST_OF(struct service, hook, turn_end);
    bool            made_work = !list_is_empty(&s->unsettled);

    requests_settle(s);
    requests_sweep(s);
    return made_work;
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
    if (!tables_compile(s, err)) {
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
    const struct method *m = method_find(method);

    return m != NULL && (m->eras & ERA_MODERN) != 0 && (m->feature & ~s->features) == 0;
}

void
service_tools_changed(struct service *s)
{
    sessions_tell_change(s, CHANGE_TOOLS);
    listeners_tell_change(s, CHANGE_TOOLS);
}

void
service_prompts_changed(struct service *s)
{
    sessions_tell_change(s, CHANGE_PROMPTS);
    listeners_tell_change(s, CHANGE_PROMPTS);
}

void
service_resources_changed(struct service *s)
{
    sessions_tell_change(s, CHANGE_RESOURCES);
    listeners_tell_change(s, CHANGE_RESOURCES);
}

void
service_resource_updated(struct service *s, struct str uri)
{
    sessions_tell_update(s, uri);
    listeners_tell_update(s, uri);
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
