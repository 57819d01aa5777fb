/* What a child says, and to whom it goes. */
#include "mcp/channel_parts.h"

static const char *const level_words[] = {"debug", "info",     "notice", "warning",
                                          "error", "critical", "alert",  "emergency"};

int
log_level_of(struct str word)
{
    for (int i = 0; i < 8; i++)
        if (str_eq(word, str_from(level_words[i])))
            return i;
    return -1;
}

/* The newest call of the session in flight; with `only_heard` one whose client still listens. NULL: none. */
static struct call *
newest_call(const struct channel *c, const struct session *s, bool only_heard)
{
    for (struct list *node = c->calls.prev; node != &c->calls; node = node->prev) {
        struct call *call = LIST_OF(struct call, node, node);
        if (call->session == s && (!only_heard || call->x->front != NULL))
            return call;
    }
    return NULL;
}

static bool
hold(struct session *s, struct str message)
{
    struct held *held = s->held_count >= HELD_MAX || message.len > MIB(1) ? NULL : malloc(sizeof *held + message.len);

    if (held == NULL) {
        s->channel->counts.dropped++;
        return false;
    }
    held->len = message.len;
    memcpy(held->bytes, message.data, message.len);
    list_append(&s->held, &held->node);
    s->held_count++;
    return true;
}

bool
session_deliver(struct session *s, struct exchange *on, struct str message)
{
    struct call     *other  = on != NULL && on->front != NULL ? NULL : newest_call(s->channel, s, true);
    struct exchange *target = on != NULL && on->front != NULL ? on : s->stream != NULL ? s->stream : NULL;

    if (target == NULL && other != NULL)
        target = other->x;
    struct exchange *noted = on != NULL ? on : target;
    if (noted != NULL) {
        if (noted->first_byte == 0)
            noted->first_byte = clock_mono();
        exchange_note(noted, FROM_SERVER, message, false);
    }
    if (target != NULL && target->front != NULL && target->front->ops->message(target->front, target, message, false))
        return true;
    return noted == NULL || on != NULL ? hold(s, message) : false;
}

void
question_drop(struct channel *c, struct str id, struct question *q)
{
    list_remove(&q->of_call);
    map_remove(&c->questions, id);
    free(q);
}

static void
refuse_question(struct channel *c, struct str id, const char *why)
{
    c->counts.refused_questions++;
    channel_tell(c, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32603,\"message\":\"%s\"}}", STR_ARG(id),
                 why);
}

/* Whose client may be asked: the session whose calls alone are in flight; with none in flight, the only session. */
static struct session *
who_is_asked(const struct channel *c)
{
    if (c->in_flight == 0)
        return c->session_count == 1 ? LIST_OF(struct session, list_first(&c->sessions), node) : NULL;
    for (struct list *node = c->calls.prev; node != &c->calls; node = node->prev) {
        const struct call *call = LIST_OF(struct call, node, node);
        if (call->session != NULL)
            return call->session->calls == c->in_flight ? call->session : NULL;
    }
    return NULL;
}

static void
take_question(struct channel *c, const struct envelope *e)
{
    if (str_eq(e->method, STR("ping"))) {
        channel_tell(c, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{}}", STR_ARG(e->id));
        return;
    }
    struct session *s = who_is_asked(c);
    if (s == NULL) {
        refuse_question(c, e->id,
                        "Gatehouse cannot tell which client is meant: several sessions share this server. Set "
                        "\\\"sessionMode\\\": \\\"isolated\\\" on its entry");
        return;
    }
    struct question  *q    = calloc(1, sizeof *q);
    struct question **slot = q == NULL ? NULL : map_get_or_add(&c->questions, e->id);
    if (slot == NULL || *slot != NULL) {
        free(q);
        refuse_question(c, e->id, slot == NULL ? "too many questions are open" : "this id is in use");
        return;
    }
    struct call *call = newest_call(c, s, false);
    *q                = (struct question){.session = s, .call = call, .on = call == NULL ? NULL : call->x};
    *slot             = q;
    list_init(&q->of_call);
    if (call != NULL) {
        list_append(&call->questions, &q->of_call);
        exchange_owe(call->x, 1);
    }
    if (session_deliver(s, q->on, e->message))
        return;
    if (q->on != NULL)
        exchange_owe(q->on, -1);
    question_drop(c, e->id, q);
    refuse_question(c, e->id, "the client listens nowhere");
}

static void
odd_line(struct channel *c, struct str line, const char *why)
{
    c->counts.odd_lines++;
    c->events->on_odd_line(c->owner, c, line, why);
}

/* The answer to `call`, with its id as the client wrote it. */
static void
answer_call(struct channel *c, struct call *call, const struct envelope *e)
{
    struct exchange *x       = call->x;
    struct buffer    message = {.max = SIZE_MAX / 2};

    call_forget(c, call);
    exchange_lose_back(x);
    if (!append_rewritten(&message, e->message, &(struct rewrite){e->id, x->message.id}, 1)) {
        exchange_fail(x, CLOSE_BUSY, "no memory for its answer");
        return;
    }
    if (x->first_byte == 0)
        x->first_byte = clock_mono();
    exchange_judge(x, e);
    exchange_note(x, FROM_SERVER, buffer_str(&message), false);
    if (x->front != NULL)
        x->front->ops->message(x->front, x, buffer_str(&message), true);
    exchange_close(x, CLOSE_ANSWERED);
    buffer_clear(&message);
}

static void
take_opening_answer(struct channel *c, struct call *call, const struct envelope *e)
{
    struct session *s = call->session;

    if (e->kind == MESSAGE_ERROR || e->result.data == NULL) {
        snprintf(c->words, sizeof c->words, "%s",
                 e->kind == MESSAGE_ERROR ? "refused initialize" : "answered initialize without a protocolVersion");
        if (call->x != NULL)
            answer_call(c, call, e);
        else
            call_forget(c, call);
        child_kill(c->child);
        return;
    }
    if (s != NULL) {
        s->is_open = true;
        snprintf(s->revision, sizeof s->revision, "%.*s", STR_ARG(e->revision));
        answer_call(c, call, e);
    } else {
        call_forget(c, call);
    }
    channel_set_ready(c, e);
}

static void
take_answer(struct channel *c, const struct envelope *e)
{
    uint64_t      number;
    struct call **slot = str_to_u64(e->id, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;

    if (slot == NULL) {
        odd_line(c, e->message, "an answer to nothing that was asked");
        return;
    }
    struct call *call = *slot;
    if (call->opens)
        take_opening_answer(c, call, e);
    else if (call->x != NULL)
        answer_call(c, call, e);
    else
        call_forget(c, call);
}

static void
take_progress(struct channel *c, const struct envelope *e)
{
    uint64_t      number;
    struct call **slot    = str_to_u64(e->progress_token, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;
    struct buffer message = {.max = SIZE_MAX / 2};

    if (slot == NULL || (*slot)->x == NULL || (*slot)->x->message.progress_token.data == NULL) {
        odd_line(c, e->message, "progress of nothing that was asked");
        return;
    }
    struct exchange *x = (*slot)->x;
    if (append_rewritten(&message, e->message, &(struct rewrite){e->progress_token, x->message.progress_token}, 1))
        session_deliver((*slot)->session, x, buffer_str(&message));
    buffer_clear(&message);
}

/* The child withdraws a question. */
static void
take_withdrawal(struct channel *c, const struct envelope *e)
{
    struct question **slot = map_get(&c->questions, e->cancelled_id);

    if (slot == NULL)
        return;
    struct question *q = *slot;
    session_deliver(q->session, q->on, e->message);
    if (q->on != NULL)
        exchange_owe(q->on, -1);
    question_drop(c, e->cancelled_id, q);
}

struct subscription_search {
    struct str uri;
    bool       found;
};

static bool
covers(struct str subscribed, void *value, void *arg)
{
    struct subscription_search *search = arg;

    (void)value;
    struct str rest = str_skip(search->uri, subscribed.len); /* the URI may be a sub-resource */
    bool       ends = rest.len == 0 || str_ends(subscribed, STR("/")) || str_index(STR("/?#"), rest.data[0]) >= 0;
    search->found   = ends && str_starts(search->uri, subscribed);
    return !search->found;
}

static bool
is_for(const struct session *s, const struct envelope *e)
{
    if (str_eq(e->method, STR("notifications/message")))
        return s->level < 0 || log_level_of(e->level) < 0 || log_level_of(e->level) >= s->level;
    if (str_eq(e->method, STR("notifications/resources/updated"))) {
        struct subscription_search search = {.uri = e->target};
        map_each(&s->subscriptions, covers, &search);
        return search.found;
    }
    return true;
}

static void
take_notification(struct channel *c, const struct envelope *e)
{
    if (str_eq(e->method, STR("notifications/progress"))) {
        take_progress(c, e);
        return;
    }
    if (str_eq(e->method, STR("notifications/cancelled"))) {
        take_withdrawal(c, e);
        return;
    }
    bool is_log = str_eq(e->method, STR("notifications/message"));
    LIST_EACH (struct session, s, &c->sessions, node) {
        if (!is_for(s, e))
            continue;
        struct call *call = is_log && s->calls == 1 ? newest_call(c, s, false) : NULL;
        session_deliver(s, call == NULL ? NULL : call->x, e->message);
    }
}

static bool
take_element(struct str element, void *arg)
{
    struct channel *c = arg;

    channel_take_line(c, element);
    return c->child != NULL;
}

void
channel_take_line(struct channel *c, struct str line)
{
    struct envelope e;
    struct error    err = {0};

    if (str_trim(line).len == 0)
        return;
    if (message_is_batch(line)) {
        if (!batch_each(line, take_element, c, &err) && err.code != ERROR_NONE)
            odd_line(c, line, err.text);
        return;
    }
    arena_reset(c->scratch);
    if (!envelope_parse(&e, line, c->scratch, &err)) {
        odd_line(c, line, err.text);
        return;
    }
    if (e.kind == MESSAGE_REQUEST)
        take_question(c, &e);
    else if (e.kind == MESSAGE_NOTIFICATION)
        take_notification(c, &e);
    else
        take_answer(c, &e);
}
