/* What a relay's server says that belongs to no call, and what of it anybody wants to hear. */
#include "mcp/service/relay.h"

#include "mcp/service/parts.h"

/* --- what is wanted --- */

/* Who had a stream once may come back for it. */
unsigned
service_wishes(const struct service *s, uint64_t caller)
{
    unsigned wishes = listeners_wish(s, caller);

    LIST_EACH (const struct service_session, session, &s->sessions, node)
        if (session->listens && session->caller == caller)
            wishes |= CHANGE_TOOLS | CHANGE_PROMPTS | CHANGE_RESOURCES;
    return wishes;
}

struct visit {
    struct map seen; /* name -> bool */
    void (*each)(void *arg, struct str name);
    void *arg;
};

/* Where there is no memory to know it one may be told twice. */
static bool
visit_name(struct str name, void *value, void *arg)
{
    struct visit *v = arg;

    (void)value;
    if (map_get(&v->seen, name) != NULL)
        return true;
    map_get_or_add(&v->seen, name);
    v->each(v->arg, name);
    return true;
}

void
service_each_subscription(const struct service *s, uint64_t caller, void (*each)(void *arg, struct str uri), void *arg)
{
    struct visit v = {.seen = MAP_OF(bool, SIZE_MAX), .each = each, .arg = arg};

    LIST_EACH (const struct service_session, session, &s->sessions, node)
        if (session->caller == caller)
            map_each(&session->subscriptions, visit_name, &v);
    listeners_each_uri(s, caller, visit_name, &v);
    map_clear(&v.seen);
}

bool
task_is_over(yyjson_val *task)
{
    static const char *const final[] = {"completed", "failed", "cancelled"};

    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (yyjson_equals_str(yyjson_obj_get(task, "status"), final[i]))
            return true;
    return false;
}

bool
request_follow_task(struct request *r, struct str id)
{
    if (r->session == NULL || r->session->tasks.count == r->session->tasks.max)
        return true;
    r->service->has_wishes_changed |= r->session->listens;
    return map_get_or_add(&r->session->tasks, id) != NULL;
}

static void
leave_task(struct service_session *session, struct str id)
{
    if (map_remove(&session->tasks, id))
        session->service->has_wishes_changed |= session->listens;
}

void
request_leave_task(struct request *r, struct str id)
{
    if (r->session != NULL)
        leave_task(r->session, id);
}

void
service_each_followed_task(const struct service *s, uint64_t caller, void (*each)(void *arg, struct str id), void *arg)
{
    struct visit v = {.seen = MAP_OF(bool, SIZE_MAX), .each = each, .arg = arg};

    LIST_EACH (const struct service_session, session, &s->sessions, node)
        if (session->caller == caller && session->listens)
            map_each(&session->tasks, visit_name, &v);
    map_clear(&v.seen);
}

static int
lowest_level(const struct service *s)
{
    int lowest = -1;

    LIST_EACH (const struct service_session, session, &s->sessions, node)
        if (session->level >= 0 && (lowest < 0 || session->level < lowest))
            lowest = session->level;
    return lowest;
}

bool
relay_tell_wishes(struct service *s)
{
    const struct relay *relay     = s->table->relay;
    bool                wishes    = s->has_wishes_changed;
    int                 level     = s->relayed == NULL || !s->has_levels_changed ? -1 : lowest_level(s);
    bool                is_louder = s->relayed != NULL && s->has_levels_changed && level != s->relayed->level;

    s->has_wishes_changed = s->has_levels_changed = false;
    if (relay == NULL)
        return false;
    if (is_louder) {
        s->relayed->level = level;
        relay->set_level(s->parts.owner, s, level);
    }
    if (wishes)
        relay->listen(s->parts.owner, s);
    return is_louder || wishes;
}

void
relay_take_notification(struct service_session *session, struct str method)
{
    struct service *s = session->service;

    if (s->relayed != NULL && session->is_open && str_eq(method, STR("notifications/roots/list_changed")))
        s->table->relay->take_notification(s->parts.owner, s, session->caller, method);
}

/* --- what is said --- */

/* {"jsonrpc":"2.0","method":…,"params":…} of malloc; NULL: no memory. `token` as written; no data: none. `method` lives
 * on. */
static char *
write_note(const char *method, yyjson_val *params, struct str token, enum revision revision, size_t *len)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(params);
    yyjson_val     *key;
    struct note     n;

    note_begin(&n, method);
    while (n.params != NULL && (key = yyjson_obj_iter_next(&iter)) != NULL) {
        bool is_newer = revision < SINCE_PROGRESS_TEXT && yyjson_equals_str(key, "message") && token.data != NULL;
        if (is_newer || yyjson_equals_str(key, "progressToken"))
            continue;
        yyjson_mut_obj_add(n.params, yyjson_val_mut_copy(n.doc, key),
                           yyjson_val_mut_copy(n.doc, yyjson_obj_iter_get_val(key)));
    }
    words_drop_envelope(n.params);
    if (token.data != NULL)
        yyjson_mut_obj_add_val(n.doc, n.params, "progressToken", yyjson_mut_rawncpy(n.doc, token.data, token.len));
    return note_end(&n, len);
}

static void
tell(struct request *r, const char *method, yyjson_val *params, struct str token)
{
    size_t len;
    char  *text = write_note(method, params, token, r->revision, &len);

    if (text != NULL)
        request_tell(r, str_of(text, len));
    free(text);
}

static struct str
token_of(const struct request *r)
{
    struct str token = r->x == NULL ? STR_NONE : r->x->message.progress_token;

    return token_is_valid(token) ? token : STR_NONE;
}

bool
request_follows_progress(const struct request *r)
{
    return token_of(r).data != NULL;
}

/* It must rise, also where the server began anew after it had asked. */
void
request_relay_progress(struct request *r, yyjson_val *params)
{
    struct str token    = token_of(r);
    double     progress = yyjson_get_num(yyjson_obj_get(params, "progress"));

    if (r->is_answered || token.data == NULL || (r->has_progress && progress <= r->progress))
        return;
    r->has_progress = true;
    r->progress     = progress;
    tell(r, "notifications/progress", params, token);
}

void
request_relay_log(struct request *r, yyjson_val *params)
{
    if (log_is_wanted(r, log_level_of(json_str_in(params, "level"))))
        tell(r, "notifications/message", params, STR_NONE);
}

static bool
say_to(struct service_session *session, const char *method, yyjson_val *params)
{
    size_t len;
    char  *text = write_note(method, params, STR_NONE, session->revision, &len);

    if (text == NULL)
        return false;
    session_say(session, str_of(text, len));
    free(text);
    return true;
}

static bool
tell_sessions(struct service *s, uint64_t caller, yyjson_val *params)
{
    int  level   = log_level_of(json_str_in(params, "level"));
    bool is_told = true;

    if (level < 0)
        return true;
    LIST_EACH (struct service_session, session, &s->sessions, node)
        if (session->is_open && session->stream != NULL && session->caller == caller && level >= session->level)
            is_told &= say_to(session, "notifications/message", params);
    return is_told;
}

static bool
tell_task(struct service *s, uint64_t caller, struct str id, yyjson_val *params)
{
    bool is_told = true;

    LIST_EACH (struct service_session, session, &s->sessions, node) {
        if (session->caller != caller || map_get(&session->tasks, id) == NULL)
            continue;
        is_told &= session->stream == NULL || say_to(session, "notifications/tasks/status", params);
        if (task_is_over(params))
            leave_task(session, id);
    }
    return is_told;
}

static void
tell_change(struct service *s, uint64_t caller, enum change change)
{
    sessions_tell_change(s, caller, change);
    listeners_tell_change(s, caller, change);
}

bool
service_relay_notification(struct service *s, uint64_t caller, struct str method, yyjson_val *params)
{
    struct str uri = json_str_in(params, "uri"), task = json_str_in(params, "taskId");

    if (str_eq(method, STR("notifications/tools/list_changed"))) {
        mirrored_clear(&s->relayed->mirrored);
        tell_change(s, caller, CHANGE_TOOLS);
    } else if (str_eq(method, STR("notifications/prompts/list_changed"))) {
        tell_change(s, caller, CHANGE_PROMPTS);
    } else if (str_eq(method, STR("notifications/resources/list_changed"))) {
        tell_change(s, caller, CHANGE_RESOURCES);
    } else if (str_eq(method, STR("notifications/resources/updated")) && uri.data != NULL) {
        sessions_tell_update(s, caller, uri);
        listeners_tell_update(s, caller, uri);
    } else if (str_eq(method, STR("notifications/tasks/status")) && task.data != NULL) {
        return tell_task(s, caller, task, params);
    } else if (str_eq(method, STR("notifications/message"))) {
        return tell_sessions(s, caller, params);
    }
    return true;
}
