/* Legacy clients. What belongs to no call goes to a session's GET stream; while none is open only that it changed is
 * remembered, not the message: the bound is the number of things that can change. */
#include "mcp/service/parts.h"

#include "base/live.h"

static void send_exchange(struct back *back, struct exchange *x);
static void lose_exchange(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops session_ops = {send_exchange, lose_exchange, NULL};

static struct service_session *
session_of(struct back *back)
{
    return LIST_OF(struct service_session, back, back);
}

/* The one session of a process on stdio has no id, and lasts as long as that. */
static void
expect_idle(struct service_session *session)
{
    struct loop *loop = session->service->parts.loop;

    if (session->service->parts.session_idle > 0 && session->id_len > 0)
        loop_set_timer(loop, &session->idle, loop_now(loop) + session->service->parts.session_idle);
}

static void
on_idle(struct timer *idle)
{
    struct service_session *session = LIST_OF(struct service_session, idle, idle);

    if (session->stream != NULL || !list_is_empty(&session->requests))
        expect_idle(session);
    else
        service_session_end(session, CLOSE_SESSION_ENDED);
}

struct service_session *
service_session_new(struct service *s, struct str id)
{
    struct service_session *session;

    if ((s->parts.sessions_max > 0 && s->session_count >= s->parts.sessions_max) ||
        (id.len > 0 && map_get(&s->session_by_id, id) != NULL) ||
        (session = calloc(1, sizeof *session + id.len)) == NULL)
        return NULL;
    struct service_session **slot = id.len == 0 ? &session : map_get_or_add(&s->session_by_id, id);
    if (slot == NULL) {
        free(session);
        return NULL;
    }
    *session = (struct service_session){.back          = {&session_ops},
                                        .service       = s,
                                        .by_id         = MAP_OF(struct request *, SIZE_MAX),
                                        .questions     = MAP_OF(struct question *, SIZE_MAX),
                                        .subscriptions = MAP_OF(bool, SUBSCRIPTIONS_MOST),
                                        .tasks         = MAP_OF(bool, SUBSCRIPTIONS_MOST),
                                        .revision      = REVISION_2025_11_25,
                                        .level         = -1,
                                        .id_len        = id.len};
    *slot    = session;
    if (id.len > 0)
        memcpy(session->id, id.data, id.len);
    list_init(&session->requests);
    list_append(&s->sessions, &session->node);
    timer_init(&session->idle, on_idle);
    answer_streams_init(&session->streams, s->parts.loop);
    s->session_count++;
    live_begin(LIVE_SESSIONS);
    expect_idle(session);
    return session;
}

void
service_session_end(struct service_session *session, enum close_reason why)
{
    struct service *s = session->service;

    for (struct list *node; (node = list_first(&session->requests)) != NULL;) {
        struct request *r = LIST_OF(struct request, node, of_session);
        if (r->x != NULL)
            exchange_close(r->x, why);
        request_leave_session(r);
    }
    if (session->stream != NULL)
        exchange_close(session->stream, why);
    if (session->id_len > 0)
        map_remove(&s->session_by_id, service_session_id(session));
    loop_clear_timer(s->parts.loop, &session->idle);
    list_remove(&session->node);
    s->session_count--;
    s->has_wishes_changed = s->has_levels_changed = true;
    map_clear(&session->by_id);
    map_clear(&session->questions);
    map_clear(&session->subscriptions);
    map_clear(&session->tasks);
    answer_streams_clear(&session->streams);
    live_end(LIVE_SESSIONS);
    free((char *)(uintptr_t)session->client.name.data);
    free(session->capabilities);
    free(session);
}

void
sessions_clear(struct service *s)
{
    for (struct list *node; (node = list_first(&s->sessions)) != NULL;)
        service_session_end(LIST_OF(struct service_session, node, node), CLOSE_SHUTDOWN);
}

/* --- what was not asked for --- */

bool
session_say(struct service_session *session, struct str message)
{
    struct exchange *x = session->stream;

    if (x == NULL || x->front == NULL || !x->front->ops->message(x->front, x, message, false))
        return false;
    exchange_note(x, FROM_SERVER, message, false);
    return true;
}

/* Of each change: who offers it, and its notification. */
static const struct {
    enum change  change;
    enum feature feature;
    const char  *message;
} changes[] = {
    {CHANGE_TOOLS, FEATURE_TOOLS_CHANGE, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"},
    {CHANGE_PROMPTS, FEATURE_PROMPTS_CHANGE, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}"},
    {CHANGE_RESOURCES, FEATURE_RESOURCES_CHANGE,
     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}"},
};

static void
tell_changes(struct service_session *session)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((session->changes & changes[i].change) != 0 && session_say(session, str_from(changes[i].message)))
            session->changes &= ~(unsigned)changes[i].change;
}

void
sessions_tell_change(struct service *s, uint64_t to, enum change change)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (changes[i].change == change && (s->features & changes[i].feature) == 0)
            return;
    LIST_EACH (struct service_session, session, &s->sessions, node) {
        if (!session->is_open || !is_told(session->caller, to))
            continue;
        session->changes |= change;
        tell_changes(session);
    }
}

static bool
say_updated(struct service_session *session, struct str uri)
{
    struct note n;
    size_t      len;

    note_begin(&n, "notifications/resources/updated");
    yyjson_mut_obj_add_val(n.doc, n.params, "uri", json_text(n.doc, uri));
    char *text    = note_end(&n, &len);
    bool  is_said = text != NULL && session_say(session, str_of(text, len));
    free(text);
    return is_said;
}

static void
tell_or_note(struct service_session *session, struct str uri, bool *is_due)
{
    if (*is_due || (session->stream != NULL && say_updated(session, uri)))
        return;
    *is_due              = true;
    session->has_updates = true;
}

void
sessions_tell_update(struct service *s, uint64_t to, struct str uri)
{
    LIST_EACH (struct service_session, session, &s->sessions, node) {
        bool *is_due = is_told(session->caller, to) ? subscription_find(&session->subscriptions, uri) : NULL;
        if (is_due != NULL)
            tell_or_note(session, uri, is_due);
    }
}

static bool
tell_each(struct str uri, void *value, void *arg)
{
    tell_or_note(arg, uri, value);
    return true;
}

void
sessions_tell_updates(struct service *s)
{
    LIST_EACH (struct service_session, session, &s->sessions, node)
        map_each(&session->subscriptions, tell_each, session);
}

static bool
tell_if_due(struct str uri, void *value, void *arg)
{
    bool *is_due = value;

    if (*is_due && say_updated(arg, uri))
        *is_due = false;
    return true;
}

static void
open_stream(struct service_session *session, struct exchange *x)
{
    struct service *s = session->service;

    if (session->stream != NULL)
        exchange_close(session->stream, CLOSE_ANSWERED); /* the newer one counts */
    session->stream       = x;
    s->has_wishes_changed = s->has_wishes_changed || !session->listens;
    session->listens      = true;
    tell_changes(session);
    if (session->has_updates) {
        session->has_updates = false;
        map_each(&session->subscriptions, tell_if_due, session);
    }
    if (session->stream == x)
        asking_flush(session);
}

/* --- what comes --- */

static void
send_exchange(struct back *back, struct exchange *x)
{
    struct service_session *session = session_of(back);

    expect_idle(session);
    session->service->has_wishes_changed |= session->caller != x->caller;
    session->caller = x->caller;
    if (x->kind == KIND_REQUEST) {
        struct request *r = request_new(session->service, session, x);
        if (r != NULL)
            request_serve(r);
        return;
    }
    if (x->kind == KIND_STREAM) {
        open_stream(session, x);
        return;
    }
    if (x->kind == KIND_NOTIFICATION && x->message.cancelled_id.data != NULL)
        request_cancel_by_id(session, x->message.cancelled_id);
    else if (x->kind == KIND_NOTIFICATION)
        relay_take_notification(session, x->message.method);
    if (x->kind == KIND_REPLY)
        asking_take_reply(session, x); /* which may end the session: not looked at any more */
    exchange_lose_back(x);
    exchange_close(x, CLOSE_ANSWERED);
}

static void
lose_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    struct service_session *session = session_of(back);

    (void)why;
    if (session->stream == x)
        session->stream = NULL;
}

/* --- who they are --- */

/* Cut at a character. */
static struct str
read_word(yyjson_val *info, const char *key)
{
    struct str word = json_str_in(info, key);
    size_t     len  = word.len < CLIENT_MOST ? word.len : CLIENT_MOST;

    while (len > 0 && len < word.len && (word.data[len] & 0xC0) == 0x80)
        len--;
    return str_take(word, len);
}

static struct request_client
read_names(yyjson_val *info)
{
    return (struct request_client){read_word(info, "name"), read_word(info, "version")};
}

/* Both in one piece of memory. */
void
session_keep_client(struct service_session *session, yyjson_val *info)
{
    struct request_client c     = read_names(info);
    char                 *bytes = malloc(c.name.len + c.version.len + 1);

    free((char *)(uintptr_t)session->client.name.data); /* it may open again when that failed */
    session->client = (struct request_client){0};
    if (bytes == NULL)
        return;
    if (c.name.len > 0)
        memcpy(bytes, c.name.data, c.name.len);
    if (c.version.len > 0)
        memcpy(bytes + c.name.len, c.version.data, c.version.len);
    session->client = (struct request_client){str_of(bytes, c.name.len), str_of(bytes + c.name.len, c.version.len)};
}

struct request_client
request_client(struct request *r)
{
    if (r->session == NULL)
        return read_names(json_member(r->meta, META_KEY("clientInfo")));
    return (struct request_client){arena_str(r->arena, r->session->client.name), /* the session may end earlier */
                                   arena_str(r->arena, r->session->client.version)};
}

bool
session_keep_capabilities(struct request *r, yyjson_val *capabilities)
{
    size_t len  = 0;
    char  *text = yyjson_val_write(capabilities, 0, &len);

    if (text == NULL || len > CAPABILITIES_MOST) {
        free(text);
        request_refuse_params(r, "There is no room for the capabilities that initialize names");
        return false;
    }
    free(r->session->capabilities);
    r->session->capabilities = text;
    return true;
}

/* Nobody could use a session whose opening failed. Its front may be about to use it: it goes when the turn ends. */
void
session_end_opening(struct request *r)
{
    struct service_session *session = r->session;

    if (session == NULL || session->opener != r)
        return;
    session->opener = NULL;
    if (!session->is_open && session->id_len > 0)
        loop_set_timer(r->service->parts.loop, &session->idle, loop_now(r->service->parts.loop));
}

struct service_session *
service_session_find(struct service *s, struct str id)
{
    struct service_session **slot = id.len == 0 ? NULL : map_get(&s->session_by_id, id);

    return slot == NULL ? NULL : *slot;
}

struct back *
service_session_back(struct service_session *session)
{
    return &session->back;
}

struct str
service_session_id(const struct service_session *session)
{
    return str_of(session->id, session->id_len);
}

struct str
service_session_revision(const struct service_session *session)
{
    return session->is_open ? str_from(revision_names[session->revision]) : STR("");
}

struct answer_streams *
service_session_streams(struct service_session *session)
{
    return &session->streams;
}

bool
service_session_has_stream(const struct service_session *session)
{
    return session->stream != NULL;
}

size_t
service_sessions(const struct service *s)
{
    return s->session_count;
}
