/* What a server tells of itself: the GET stream and resources/subscribe of a legacy one, subscriptions/listen of a
 * modern one. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#include "mcp/log_level.h"

static bool
declares(const struct client *c, unsigned wish)
{
    return ((wish & WISH_TOOLS) && client_declares(c, "tools", "listChanged")) ||
           ((wish & WISH_PROMPTS) && client_declares(c, "prompts", "listChanged")) ||
           ((wish & WISH_RESOURCES) && client_declares(c, "resources", "listChanged"));
}

static bool
has_subjects(const struct client *c)
{
    return c->uris.count > 0 && client_declares(c, "resources", "subscribe");
}

static bool
has_tasks(const struct client *c)
{
    yyjson_val *extensions = json_member(yyjson_doc_get_root(c->declared), "extensions");

    return c->tasks.count > 0 && (c->declared == NULL || json_member(extensions, META_KEY("tasks")) != NULL);
}

/* Longer each time that it brought nothing. */
static void
listen_later(struct client *c, mono_time after)
{
    mono_time wait = after < 0 ? RETRY : after;

    for (unsigned i = 0; i < c->failures && wait < BACK_OFF_MOST; i++)
        wait = wait < MILLISECONDS(100) ? MILLISECONDS(200) : wait * 2;
    c->failures++;
    loop_set_timer(c->loop, &c->again, loop_now(c->loop) + (wait > BACK_OFF_MOST ? BACK_OFF_MOST : wait));
}

/* --- legacy: the stream --- */

/* It is there, or will not be: the calls need not wait any more. */
static void
go_on(struct client *c)
{
    if (!c->is_awaited)
        return;
    c->is_awaited = false;
    if (c->stream != NULL)
        loop_clear_timer(c->loop, &c->again);
    client_opened(c);
}

static void
on_stream_head(void *owner, int status, struct str session)
{
    struct client *c = owner;

    (void)session;
    client_enter(c);
    c->has_streamed |= status == 200;
    if (status == 200)
        go_on(c);
    client_leave(c);
}

/* Some servers answer there what was asked elsewhere. */
static void
hear_answer(struct client *c, const struct envelope *e)
{
    char digits[STR_DIGITS];

    LIST_EACH (struct client_call, call, &c->calls, node) {
        if (!str_eq(e->id, str_of_u64(digits, call->id)))
            continue;
        call_take(call, e);
        return;
    }
}

static void
on_stream_message(void *owner, const struct envelope *e)
{
    struct client *c = owner;

    client_enter(c);
    c->failures = 0;
    go_on(c);
    if (c->is_gone)
        ;
    else if (e->kind == MESSAGE_RESULT || e->kind == MESSAGE_ERROR)
        hear_answer(c, e);
    else
        client_hear(c, NULL, e);
    client_leave(c);
}

static void
on_stream_end(void *owner, const struct mail_end *end)
{
    struct client *c = owner;

    client_enter(c);
    c->stream = NULL;
    if (end->last_event.len > 0) {
        free(c->last_event);
        c->last_event = text_copy(end->last_event);
    }
    if (!client_is_http(c))
        client_lose(c, end->why == CLOSE_ANSWERED ? CLOSE_CUT : end->why, 0, 0,
                    end->words != NULL && end->words[0] != '\0' ? end->words : "it ended");
    else if (end->status == 404 && c->has_streamed && c->session[0] != '\0')
        client_reopen(c);
    else if (end->status >= 400 && end->status < 500)
        c->is_deaf = true;
    else
        listen_later(c, end->why == CLOSE_ANSWERED ? end->retry : -1);
    go_on(c);
    client_leave(c);
}

static void
open_stream(struct client *c)
{
    static const struct mail_events events = {
        .on_head = on_stream_head, .on_message = on_stream_message, .on_end = on_stream_end};
    struct mail_spec spec = letter_spec(c, KIND_STREAM, false);

    if (c->last_event != NULL)
        spec.last_event = str_from(c->last_event);
    c->stream  = way_send(c->way, &spec, &events, c, NULL);
    c->is_deaf = c->stream == NULL;
}

static bool
wants_stream(const struct client *c)
{
    return !c->is_deaf &&
           (!client_is_http(c) || c->events.on_question != NULL || declares(c, c->wishes) || has_subjects(c));
}

static void
update_stream(struct client *c)
{
    struct mail *stream = c->stream;

    if (stream == NULL && wants_stream(c) && !timer_is_set(&c->again)) {
        open_stream(c);
    } else if (stream != NULL && !wants_stream(c)) {
        c->stream = NULL;
        c->way->ops->drop(stream, CLOSE_CANCELLED);
    }
}

/* --- legacy: what is subscribed to --- */

static void
tell(struct client *c, const char *method, const char *name, struct str value)
{
    static const struct call_events none;
    bool                            no_memory = false;
    yyjson_alc                      memory    = json_heap(&no_memory);
    yyjson_mut_doc                 *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val                 *params    = yyjson_mut_obj(doc);
    struct client_request           request   = {.method = str_from(method), .level = -1};

    yyjson_mut_obj_add_val(doc, params, name, json_text(doc, value));
    yyjson_doc *made = no_memory ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    request.params = yyjson_doc_get_root(made);
    if (made != NULL)
        call_start(c, &request, &none, NULL, CALL_OURS, NULL);
    yyjson_doc_free(made);
}

static bool
subscribe(struct str uri, void *value, void *arg)
{
    struct uri_wish *wish = value;
    struct client   *c    = arg;

    if (wish->is_told || c->state != CLIENT_OPEN)
        return c->state == CLIENT_OPEN;
    wish->is_told = true;
    tell(c, "resources/subscribe", "uri", uri);
    return true;
}

/* The old wishes of which nothing is among the new. */
static bool
unsubscribe(struct str uri, void *value, void *arg)
{
    const struct uri_wish *wish = value;
    struct client         *c    = arg;

    if (wish->is_told && c->state == CLIENT_OPEN && map_get(&c->uris, uri) == NULL)
        tell(c, "resources/unsubscribe", "uri", uri);
    return true;
}

static bool
forget_told(struct str uri, void *value, void *arg)
{
    (void)uri, (void)arg;
    ((struct uri_wish *)value)->is_told = false;
    return true;
}

/* --- modern --- */

bool
listen_takes(struct client *c, struct client_call *call, const struct envelope *e)
{
    if (call == NULL || !call->is_listener)
        return false;
    c->failures = 0;
    if (!str_eq(e->method, STR("notifications/subscriptions/acknowledged")))
        return false;
    struct client_call *former = c->former;
    c->former                  = NULL;
    if (call == c->listener && former != NULL)
        client_call_cancel(former, CLOSE_CANCELLED, NULL);
    else
        c->former = former;
    return true;
}

/* False: it was not the one that counts. */
static bool
forget_listener(struct client *c, const struct client_call *call)
{
    if (call == c->former)
        c->former = NULL;
    if (call != c->listener)
        return false;
    c->listener = NULL;
    return true;
}

static void
on_listened(void *owner, struct client_call *call, yyjson_val *result)
{
    (void)result;
    if (forget_listener(owner, call)) /* it goes down, and comes up again */
        listen_later(owner, -1);
}

static void
on_unheard(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct client *c = owner;

    (void)message, (void)data;
    if (!forget_listener(c, call))
        return;
    if ((why == CLOSE_ANSWERED && code != CODE_INTERNAL) || (call->status >= 400 && call->status < 500))
        c->is_deaf = true;
    else
        listen_later(c, -1);
}

static bool
add_name(struct str name, void *value, void *arg)
{
    yyjson_mut_doc *doc = arg;

    (void)value;
    yyjson_mut_arr_append(yyjson_mut_doc_get_root(doc), json_text(doc, name));
    return true;
}

static void
add_names(yyjson_mut_doc *doc, yyjson_mut_val *filter, const char *key, const struct map *names)
{
    yyjson_mut_val *all = yyjson_mut_arr(doc);

    yyjson_mut_doc_set_root(doc, all);
    map_each(names, add_name, doc);
    yyjson_mut_obj_add_val(doc, filter, key, all);
}

/* {"notifications":{...}}; NULL: no memory. */
static yyjson_doc *
listen_params(const struct client *c)
{
    bool            no_memory = false;
    yyjson_alc      memory    = json_heap(&no_memory);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *params = yyjson_mut_obj(doc), *filter = yyjson_mut_obj_add_obj(doc, params, "notifications");

    if (declares(c, c->wishes & WISH_TOOLS))
        yyjson_mut_obj_add_true(doc, filter, "toolsListChanged");
    if (declares(c, c->wishes & WISH_PROMPTS))
        yyjson_mut_obj_add_true(doc, filter, "promptsListChanged");
    if (declares(c, c->wishes & WISH_RESOURCES))
        yyjson_mut_obj_add_true(doc, filter, "resourcesListChanged");
    if (has_subjects(c))
        add_names(doc, filter, "resourceSubscriptions", &c->uris);
    if (has_tasks(c))
        add_names(doc, filter, "taskIds", &c->tasks);
    yyjson_doc *made = no_memory ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    return made;
}

static void
open_listener(struct client *c)
{
    static const struct call_events events  = {.on_result = on_listened, .on_error = on_unheard};
    struct client_request           request = {.method = STR("subscriptions/listen"), .level = -1};
    yyjson_doc                     *params  = listen_params(c);

    request.params       = yyjson_doc_get_root(params);
    request.follows_task = has_tasks(c); /* it is refused to who does not */
    if (params != NULL)
        c->listener = call_start(c, &request, &events, c, CALL_OURS | CALL_LISTENS, NULL);
    yyjson_doc_free(params);
    if (c->listener == NULL && c->state == CLIENT_OPEN && !c->is_gone)
        listen_later(c, -1);
}

static bool
wants_listener(const struct client *c)
{
    return !c->is_deaf && (declares(c, c->wishes) || has_subjects(c) || has_tasks(c));
}

/* The former one stays until the new one is acknowledged: nothing is missed. */
static void
update_listener(struct client *c)
{
    struct client_call *former = c->former;

    c->former   = c->listener;
    c->listener = NULL;
    if (former != NULL)
        client_call_cancel(former, CLOSE_CANCELLED, NULL);
    if (wants_listener(c))
        open_listener(c);
    former = c->former;
    if (c->listener != NULL || former == NULL)
        return;
    c->former = NULL;
    client_call_cancel(former, CLOSE_CANCELLED, NULL);
}

/* --- both --- */

static void
listen_again(struct timer *again)
{
    struct client *c = LIST_OF(struct client, again, again);

    client_enter(c);
    if (c->is_awaited)
        go_on(c);
    else if (c->state == CLIENT_OPEN && c->era == CLIENT_LEGACY)
        update_stream(c);
    else if (c->state == CLIENT_OPEN && c->listener == NULL && wants_listener(c))
        open_listener(c);
    client_leave(c);
}

static void
apply_level(struct client *c)
{
    if (c->level < 0 || c->level >= LOG_LEVELS || c->level == c->level_told || c->era != CLIENT_LEGACY ||
        !client_declares(c, "logging", NULL))
        return;
    c->level_told = c->level;
    tell(c, "logging/setLevel", "level", str_from(log_levels[c->level]));
}

void
listen_init(struct client *c)
{
    c->uris  = MAP_OF(struct uri_wish, URIS_MOST);
    c->tasks = MAP_OF(bool, TASKS_MOST);
    timer_init(&c->again, listen_again);
}

void
listen_clear(struct client *c)
{
    map_clear(&c->uris);
    map_clear(&c->tasks);
    free(c->last_event);
}

bool
listen_first(struct client *c)
{
    update_stream(c);
    if (c->stream == NULL || !client_is_http(c))
        return false;
    c->is_awaited = true;
    loop_set_timer(c->loop, &c->again, loop_now(c->loop) + STREAM_WAIT);
    return true;
}

void
listen_begin(struct client *c)
{
    if (c->era == CLIENT_MODERN) {
        if (wants_listener(c))
            open_listener(c);
        return;
    }
    apply_level(c);
    update_stream(c);
    if (client_declares(c, "resources", "subscribe"))
        map_each(&c->uris, subscribe, c);
}

/* The wishes stay. */
void
listen_stop(struct client *c)
{
    struct mail *stream = c->stream;

    loop_clear_timer(c->loop, &c->again);
    map_each(&c->uris, forget_told, NULL);
    free(c->last_event);
    c->last_event   = NULL;
    c->is_deaf      = false;
    c->has_streamed = c->is_awaited = false;
    c->failures                     = 0;
    c->stream                       = NULL;
    c->listener = c->former = NULL; /* they end with the other calls */
    if (stream != NULL)
        c->way->ops->drop(stream, CLOSE_CANCELLED);
}

struct comparison {
    const struct map *with;
    bool              is_same;
};

static bool
is_also_there(struct str name, void *value, void *arg)
{
    struct comparison *comparison = arg;

    (void)value;
    comparison->is_same = map_get(comparison->with, name) != NULL;
    return comparison->is_same;
}

static bool
has_same_names(const struct map *one, const struct map *other)
{
    struct comparison comparison = {.with = other, .is_same = one->count == other->count};

    if (comparison.is_same)
        map_each(one, is_also_there, &comparison);
    return comparison.is_same;
}

/* What the server was told of the URIs that are wished for again. */
static bool
keep_told(struct str uri, void *value, void *arg)
{
    const struct uri_wish *old = map_get(arg, uri);

    if (old != NULL)
        *(struct uri_wish *)value = *old;
    return true;
}

/* False: too many, or no memory; nothing is left of it. */
static bool
add_all(struct map *to, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (map_get_or_add(to, names[i]) != NULL)
            continue;
        map_clear(to);
        return false;
    }
    return true;
}

static void
apply_wishes(struct client *c, const struct map *old_uris)
{
    c->is_deaf = false;
    loop_clear_timer(c->loop, &c->again);
    if (c->era == CLIENT_MODERN) {
        update_listener(c);
        return;
    }
    update_stream(c);
    map_each(old_uris, unsubscribe, c);
    if (client_declares(c, "resources", "subscribe"))
        map_each(&c->uris, subscribe, c);
}

bool
client_listen(struct client *c, const struct client_wishes *wishes)
{
    struct map uris = MAP_OF(struct uri_wish, URIS_MOST), tasks = MAP_OF(bool, TASKS_MOST), old = c->uris;

    if (!add_all(&uris, wishes->uris, wishes->uri_count))
        return false;
    if (!add_all(&tasks, wishes->tasks, wishes->task_count)) {
        map_clear(&uris);
        return false;
    }
    bool nothing = c->wishes == wishes->changes && has_same_names(&c->uris, &uris) && has_same_names(&c->tasks, &tasks);
    map_each(&uris, keep_told, &c->uris);
    client_enter(c);
    map_clear(&c->tasks);
    c->uris   = uris;
    c->tasks  = tasks;
    c->wishes = wishes->changes;
    if (!nothing && c->state == CLIENT_OPEN)
        apply_wishes(c, &old);
    map_clear(&old);
    client_leave(c);
    return true;
}

void
client_set_level(struct client *c, int level)
{
    client_enter(c);
    c->level = level;
    if (c->state == CLIENT_OPEN)
        apply_level(c);
    client_leave(c);
}
