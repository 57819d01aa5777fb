#include "mcp/channel_parts.h"

#include <assert.h>

#include "base/live.h"

static void send_exchange(struct back *back, struct exchange *x);
static void cancel_exchange(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops session_ops = {send_exchange, cancel_exchange, NULL};

static struct session *
session_of(struct back *back)
{
    return LIST_OF(struct session, back, back);
}

struct session *
session_new(struct channel *c, const char *id, void *owner)
{
    struct session *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    *s = (struct session){.back          = {&session_ops},
                          .channel       = c,
                          .owner         = owner,
                          .level         = -1,
                          .heard         = clock_mono(),
                          .subscriptions = MAP_OF(char, SUBSCRIPTIONS_MAX)};
    snprintf(s->id, sizeof s->id, "%s", id);
    list_init(&s->held);
    answer_streams_init(&s->streams, c->loop);
    list_append(&c->sessions, &s->node);
    c->session_count++;
    live_begin(LIVE_SESSIONS);
    return s;
}

/* Ours to answer, without the child. */
static void
answer_here(struct exchange *x, const char *result)
{
    struct str message =
        arena_printf(x->arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}", STR_ARG(x->message.id), result);

    exchange_lose_back(x);
    if (message.data == NULL) {
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return;
    }
    x->judged     = true;
    x->first_byte = clock_mono();
    exchange_note(x, FROM_SERVER, message, false);
    if (x->front != NULL)
        x->front->ops->message(x->front, x, message, true);
    exchange_close(x, CLOSE_ANSWERED);
}

static void
subscribe(struct session *s, struct exchange *x)
{
    unsigned *count  = map_get_or_add(&s->channel->subscribed, x->message.target);
    bool      is_new = map_get(&s->subscriptions, x->message.target) == NULL;

    if (count == NULL || (is_new && map_get_or_add(&s->subscriptions, x->message.target) == NULL)) {
        if (count != NULL && *count == 0)
            map_remove(&s->channel->subscribed, x->message.target);
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_BUSY, "no memory, or too many subscriptions");
        return;
    }
    if (is_new && ++*count > 1 && s->channel->state == CHANNEL_READY) {
        answer_here(x, "{}"); /* another session has subscribed already */
        return;
    }
    channel_forward(s->channel, s, x, x->message.message, x->message.id, x->message.progress_token);
}

/* One session fewer wants it. True: nobody does any more. */
static bool
lose_subscription(struct channel *c, struct str uri)
{
    unsigned *count = map_get(&c->subscribed, uri);

    if (count == NULL || --*count > 0)
        return count == NULL;
    map_remove(&c->subscribed, uri);
    return true;
}

void
session_forget_subscription(struct session *s, struct str uri)
{
    if (map_remove(&s->subscriptions, uri))
        lose_subscription(s->channel, uri);
}

static void
unsubscribe(struct session *s, struct exchange *x)
{
    if (map_remove(&s->subscriptions, x->message.target) && !lose_subscription(s->channel, x->message.target))
        answer_here(x, "{}");
    else
        channel_forward(s->channel, s, x, x->message.message, x->message.id, x->message.progress_token);
}

/* The child is told the lowest level that any session wants. */
static void
set_level(struct session *s, struct exchange *x)
{
    struct channel *c      = s->channel;
    int             level  = log_level_of(x->message.level);
    int             lowest = level;

    if (level < 0) {
        channel_forward(s->channel, s, x, x->message.message, x->message.id, x->message.progress_token);
        return;
    }
    s->level = level;
    LIST_EACH (struct session, other, &c->sessions, node)
        if (other->level >= 0 && other->level < lowest)
            lowest = other->level;
    if (c->state == CHANNEL_READY && c->level == lowest) {
        answer_here(x, "{}");
        return;
    }
    c->level = lowest;
    if (lowest == level) {
        channel_forward(s->channel, s, x, x->message.message, x->message.id, x->message.progress_token);
        return;
    }
    static const struct str head = {"{\"jsonrpc\":\"2.0\",\"id\":", 23};
    struct str              message =
        arena_printf(x->arena, "%.*s%.*s,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"%s\"}}", STR_ARG(head),
                     STR_ARG(x->message.id), log_levels[lowest]);
    if (message.data == NULL) {
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return;
    }
    channel_forward(s->channel, s, x, message, str_of(message.data + head.len, x->message.id.len), STR_NONE);
}

static void
send_request(struct session *s, struct exchange *x)
{
    static const struct {
        const char *method;
        void (*send)(struct session *s, struct exchange *x);
    } special[] = {
        {"resources/subscribe", subscribe}, {"resources/unsubscribe", unsubscribe}, {"logging/setLevel", set_level}};

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (str_eq(x->message.method, str_from(special[i].method))) {
            special[i].send(s, x);
            return;
        }
    channel_forward(s->channel, s, x, x->message.message, x->message.id, x->message.progress_token);
}

static struct call *
call_with_id(const struct session *s, const struct list *calls, struct str id)
{
    LIST_EACH (struct call, call, calls, node)
        if (call->session == s && !call->opens && str_eq(call->x->message.id, id))
            return call;
    return NULL;
}

/* The client gave up on a call: the child hears of it under its own number, and not at all of one that still waits. */
static void
cancel_call(struct session *s, const struct exchange *x)
{
    struct channel *c       = s->channel;
    struct call    *waiting = call_with_id(s, &c->waiting, x->message.cancelled_id);
    struct call    *call    = waiting != NULL ? waiting : call_with_id(s, &c->calls, x->message.cancelled_id);

    if (call == NULL)
        return;
    if (waiting == NULL) {
        char          digits[STR_DIGITS];
        struct str    number = str_of_u64(digits, call->number);
        struct buffer line   = {.max = MIB(1)};
        if (append_rewritten(&line, x->message.message, &(struct rewrite){x->message.cancelled_id, number}, 1))
            call->is_silent = c->child != NULL && child_write(c->child, buffer_str(&line)); /* else in our words */
        buffer_clear(&line);
    }
    exchange_close(call->x, CLOSE_CANCELLED);
}

static void
finish_here(struct exchange *x, bool is_taken)
{
    exchange_lose_back(x);
    if (is_taken)
        exchange_close(x, CLOSE_ANSWERED);
    else
        exchange_fail(x, CLOSE_BUSY, "its input queue is full");
}

static void
send_notification(struct session *s, struct exchange *x)
{
    struct channel *c        = s->channel;
    bool            is_taken = true;

    if (str_eq(x->message.method, STR("notifications/cancelled"))) {
        cancel_call(s, x);
    } else if (!channel_takes(c)) {
        is_taken = true; /* a child that is not open yet, or no longer, has nothing to be told about */
    } else if (str_eq(x->message.method, STR("notifications/initialized"))) {
        if (!c->is_told_initialized)
            is_taken = c->is_told_initialized = child_write(c->child, x->message.message);
    } else {
        is_taken = child_write(c->child, x->message.message);
    }
    finish_here(x, is_taken);
}

static void
send_reply(struct session *s, struct exchange *x)
{
    struct channel   *c        = s->channel;
    struct question **slot     = map_get(&c->questions, x->message.id);
    struct question  *q        = slot != NULL && (*slot)->session == s ? *slot : NULL;
    bool              is_void  = q == NULL || c->child == NULL || !child_takes_lines(c->child);
    bool              is_taken = is_void || child_write(c->child, x->message.message);

    if (q != NULL && is_taken) {
        if (q->on != NULL) {
            x->is_silent = true; /* on record with the exchange that asked */
            exchange_note(q->on, FROM_CLIENT, x->message.message, false);
        }
        question_drop(c, q);
    }
    finish_here(x, is_taken);
}

static void
send_stream(struct session *s, struct exchange *x)
{
    s->stream = x;
    for (struct list *node; (node = list_first(&s->held)) != NULL;) {
        struct held *held = LIST_OF(struct held, node, node);
        exchange_note(x, FROM_SERVER, str_of(held->bytes, held->len), false);
        if (x->front != NULL)
            x->front->ops->message(x->front, x, str_of(held->bytes, held->len), false);
        session_drop_held(s, held);
    }
}

static void
send_exchange(struct back *back, struct exchange *x)
{
    struct session *s = session_of(back);

    s->heard = loop_now(s->channel->loop);
    if (x->kind == KIND_REQUEST)
        send_request(s, x);
    else if (x->kind == KIND_NOTIFICATION)
        send_notification(s, x);
    else if (x->kind == KIND_REPLY)
        send_reply(s, x);
    else if (x->kind == KIND_STREAM)
        send_stream(s, x);
    else
        exchange_close(x, CLOSE_ANSWERED); /* a DELETE: the gateway ends the session */
}

static void
cancel_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    struct session *s = session_of(back);

    s->heard = loop_now(s->channel->loop);
    if (s->stream == x)
        s->stream = NULL;
    channel_cancel(s->channel, x, why);
}

static void
drop_questions(struct session *s)
{
    struct channel *c = s->channel;

    LIST_EACH (struct question, q, &c->asked, node) {
        if (q->session != s)
            continue;
        channel_tell(c,
                     "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32603,\"message\":\"the session ended\"}}",
                     STR_ARG(str_of(q->id, q->id_len)));
        question_drop(c, q);
    }
}

static bool
drop_subscription(struct str uri, void *value, void *arg)
{
    struct channel *c       = arg;
    struct buffer   message = {.max = KIB(64)};

    (void)value;
    if (lose_subscription(c, uri) && c->state == CHANNEL_READY && c->session_count > 1 &&
        buffer_append(&message,
                      STR("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":")) &&
        buffer_append_json(&message, uri) && buffer_append(&message, STR("}}")))
        channel_request_of_ours(c, buffer_str(&message));
    buffer_clear(&message);
    return true;
}

/* Any exchange of the session that is open. */
static struct exchange *
open_exchange(const struct session *s)
{
    LIST_EACH (struct call, call, &s->channel->calls, node)
        if (call->session == s)
            return call->x;
    LIST_EACH (struct call, call, &s->channel->waiting, node)
        if (call->session == s)
            return call->x;
    return s->stream;
}

void
session_end(struct session *s, enum close_reason why)
{
    struct channel *c = s->channel;

    for (struct exchange *x; (x = open_exchange(s)) != NULL;)
        exchange_close(x, why);
    drop_questions(s);
    map_each(&s->subscriptions, drop_subscription, c);
    map_clear(&s->subscriptions);
    for (struct list *node; (node = list_first(&s->held)) != NULL;)
        session_drop_held(s, LIST_OF(struct held, node, node));
    answer_streams_clear(&s->streams);
    channel_remove_session(c, s);
    live_end(LIVE_SESSIONS);
    free(s);
}

struct back *
session_back(struct session *s)
{
    return &s->back;
}

const char *
session_id(const struct session *s)
{
    return s->id;
}

void *
session_owner(const struct session *s)
{
    return s->owner;
}

struct channel *
session_channel(const struct session *s)
{
    return s->channel;
}

struct str
session_revision(const struct session *s)
{
    return str_from(s->revision);
}

struct answer_streams *
session_streams(struct session *s)
{
    return &s->streams;
}

bool
session_has_stream(const struct session *s)
{
    return s->stream != NULL;
}

size_t
session_open(const struct session *s)
{
    return s->calls + (s->stream != NULL ? 1 : 0);
}

mono_time
session_last_heard(const struct session *s)
{
    return s->heard;
}

bool
session_is_open(const struct session *s)
{
    return s->is_open;
}
