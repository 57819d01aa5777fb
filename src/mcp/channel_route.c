/* What a child says, and to whom it goes. */
#include "mcp/channel_parts.h"

#include "base/live.h"

/* The newest call of the session in flight; with `only_heard` one whose client still listens. NULL: none. */
static struct call *
newest_call(const struct channel *c, const struct session *s, bool only_heard)
{
    for (struct list *node = c->calls.prev; node != &c->calls; node = node->prev) {
        struct call *call = LIST_OF(struct call, node, node);
        if (call->session == s && (!only_heard || exchange_is_heard(call->x)))
            return call;
    }
    return NULL;
}

static enum delivery
hold(struct session *s, struct str message)
{
    bool         fits = s->held_count < HELD_MAX && message.len <= HELD_BYTES - s->held_bytes;
    struct held *held = fits ? malloc(sizeof *held + message.len) : NULL;

    if (held == NULL) {
        s->channel->counts.dropped++;
        return LOST;
    }
    held->len = message.len;
    memcpy(held->bytes, message.data, message.len);
    list_append(&s->held, &held->node);
    s->held_count++;
    s->held_bytes += message.len;
    live_begin(LIVE_HELD_MESSAGES);
    return HELD;
}

void
channel_note(struct exchange *x, struct str message)
{
    if (x->first_byte == 0)
        x->first_byte = loop_now(x->owner->loop);
    exchange_note(x, FROM_SERVER, message, false);
}

/* To the client of `on`, else to the GET stream, else to a client that waits for another call. */
enum delivery
session_deliver(struct session *s, struct exchange *on, struct str message)
{
    struct call     *other  = newest_call(s->channel, s, true);
    struct exchange *ways[] = {on, s->stream, other == NULL ? NULL : other->x};
    struct exchange *taker  = NULL;

    for (size_t i = 0; i < 3 && taker == NULL; i++) {
        struct exchange *x = ways[i];
        if (x != NULL && x->front != NULL && x->front->ops->message(x->front, x, message, false))
            taker = x;
    }
    if (on != NULL || taker != NULL)
        channel_note(on != NULL ? on : taker, message);
    return taker != NULL ? DELIVERED : hold(s, message);
}

/* The question is answered, or void: nobody waits for the client on its account. */
void
question_drop(struct channel *c, struct question *q)
{
    list_remove(&q->node);
    list_remove(&q->of_call);
    if (q->on != NULL && q->is_owed)
        exchange_owe(q->on, -1);
    map_remove(&c->questions, str_of(q->id, q->id_len));
    live_end(LIVE_QUESTIONS);
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

void
session_drop_held(struct session *s, struct held *held)
{
    list_remove(&held->node);
    s->held_count--;
    s->held_bytes -= held->len;
    live_end(LIVE_HELD_MESSAGES);
    free(held);
}

/* There are too many: the server hears that it has no answer. */
static void
take_back(struct channel *c, struct question *q)
{
    refuse_question(c, str_of(q->id, q->id_len), "the client did not answer");
    if (q->on != NULL)
        exchange_press(q->on);
    question_drop(c, q);
}

/* One more that is open. When there are too many, the oldest is taken back. NULL: no memory, or the id is in use. */
static struct question *
question_new(struct channel *c, struct session *s, struct str id)
{
    if (map_get(&c->questions, id) != NULL)
        return NULL;
    if (c->questions.count == QUESTIONS_MAX)
        take_back(c, LIST_OF(struct question, list_first(&c->asked), node));
    struct question  *q    = malloc(sizeof *q + id.len);
    struct question **slot = q == NULL ? NULL : map_get_or_add(&c->questions, id);
    if (slot == NULL) {
        free(q);
        return NULL;
    }
    *slot = q;
    *q    = (struct question){.session = s, .id_len = id.len};
    memcpy(q->id, id.data, id.len);
    list_init(&q->of_call);
    list_append(&c->asked, &q->node);
    live_begin(LIVE_QUESTIONS);
    return q;
}

/* Nothing says in which call a child asks. Most do it as they are called: of those that came just now it is likely the
 * oldest that was not asked anything, else the newest of all. A client's own session does not care; over the bridge
 * (gateway/bridge/call.c) the question is asked in that call alone. */
static struct call *
call_that_asks(struct channel *c, struct session *s)
{
    mono_time just_now = loop_now(c->loop) - ASKS_WITHIN;

    LIST_EACH (struct call, call, &c->calls, node)
        if (call->session == s && call->x != NULL && !call->is_asked && call->x->began >= just_now)
            return call;
    return newest_call(c, s, false);
}

static void
ask_in_call(struct channel *c, struct call *call, struct question *q)
{
    size_t open = 0;

    LIST_EACH (const struct question, other, &call->questions, of_call)
        open++;
    if (open == QUESTIONS_OF_CALL)
        take_back(c, LIST_OF(struct question, list_first(&call->questions), of_call));
    call->is_asked = true;
    q->on          = call->x;
    list_append(&call->questions, &q->of_call);
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
    struct question *q = question_new(c, s, e->id);
    if (q == NULL) {
        refuse_question(c, e->id, "this id is in use, or there is no memory");
        return;
    }
    struct call *call = call_that_asks(c, s);
    if (call != NULL)
        ask_in_call(c, call, q);
    switch (session_deliver(s, q->on, e->message)) {
    case DELIVERED:
        q->is_owed = q->on != NULL;
        if (q->is_owed)
            exchange_owe(q->on, 1);
        break;
    case HELD:
        if (q->on == NULL || !exchange_is_heard(q->on))
            break;
        session_drop_held(
            s, LIST_OF(struct held, s->held.prev,
                       node)); /* its client is there and cannot be asked: better told now than after the time-out */
        __attribute__((fallthrough));
    case LOST:
        question_drop(c, q);
        refuse_question(c, e->id, "the client listens nowhere");
        break;
    }
}

void
channel_odd_line(struct channel *c, struct str line, const char *why)
{
    c->counts.odd_lines++;
    c->events->on_odd_line(c->owner, c, line, why);
}

void
channel_answer(struct exchange *x, struct str message)
{
    exchange_note(x, FROM_SERVER, message, false);
    bool is_taken = x->front == NULL || x->front->ops->message(x->front, x, message, true);
    if (!is_taken && x->front != NULL)
        exchange_fail(x, CLOSE_BUSY, "no memory for its answer (memory.max)");
    exchange_close(x, CLOSE_ANSWERED);
}

/* The ids of an answer, or of its subscription, as the client wrote them. */
static bool
restore_ids(struct str *message, const struct envelope *e, const struct exchange *x, bool only, struct buffer *copy)
{
    const struct rewrite edits[] = {{e->id, x->message.id}, {e->subscription, x->message.id}};

    if (!x->is_modern || e->subscription.data == NULL || !str_eq(e->subscription, e->id))
        return rewrite_one(message, edits[0], only, copy);
    if (!append_rewritten(copy, *message, edits, 2))
        return false;
    *message = buffer_str(copy);
    return true;
}

/* An `initialize` that was refused may be somebody else's to answer. */
static bool
is_taken_over(struct channel *c, const struct call *call, struct str refusal)
{
    return call->opens && c->events->on_refused != NULL && c->events->on_refused(c->owner, c, call->x, refusal);
}

/* The answer to `call`, with its id as the client wrote it; when it is the `only` one, written over the child's. */
static void
answer_call(struct channel *c, struct call *call, const struct envelope *e, bool only)
{
    struct exchange *x       = call->x;
    struct str       message = e->message;
    struct buffer    copy    = {.max = SIZE_MAX / 2};

    if (call->session != NULL && e->kind == MESSAGE_ERROR && str_eq(x->message.method, STR("resources/subscribe")))
        session_forget_subscription(call->session, x->message.target);
    call_forget(c, call);
    exchange_lose_back(x);
    if (!restore_ids(&message, e, x, only, &copy)) {
        buffer_clear(&copy);
        exchange_fail(x, CLOSE_BUSY, "no memory for its answer");
        return;
    }
    if (!is_taken_over(c, call, message)) {
        if (x->first_byte == 0)
            x->first_byte = clock_mono();
        if (c->is_modern && e->kind == MESSAGE_ERROR)
            x->http_status = modern_status(e->error_code);
        exchange_judge(x, e);
        channel_answer(x, message);
    }
    buffer_clear(&copy);
}

/* Those who wait to be opened hear why they are not. */
static void
refuse_openings(struct channel *c, const struct envelope *e)
{
    LIST_EACH (struct call, call, &c->waiting, node)
        if (call->opens)
            answer_call(c, call, e, false);
}

static void
take_opening_answer(struct channel *c, struct call *ours, const struct envelope *e)
{
    const char *wrong = NULL;

    call_forget(c, ours);
    if (e->kind == MESSAGE_ERROR)
        wrong = "refused initialize";
    else if (e->result.data == NULL)
        wrong = "answered initialize without a protocolVersion";
    else if (!channel_set_ready(c, e))
        wrong = "answered initialize with more than 4 MiB";
    if (wrong == NULL)
        return;
    snprintf(c->words, sizeof c->words, "%s", wrong);
    if (e->kind == MESSAGE_ERROR)
        refuse_openings(c, e);
    child_kill(c->child);
}

/* What was asked for its sessions together: a log level, subscriptions. */
static void
take_answer_to_us(struct channel *c, struct call *ours, const struct envelope *e)
{
    call_forget(c, ours);
    if (e->kind == MESSAGE_ERROR)
        channel_trouble(c, "refused a log level or a subscription that its sessions want: %.*s",
                        STR_ARG(str_take(e->message, 200)));
}

static void
take_answer(struct channel *c, const struct envelope *e)
{
    uint64_t      number;
    struct call **slot = str_to_u64(e->id, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;

    if (slot == NULL) {
        channel_odd_line(c, e->message, "an answer to nothing that was asked");
        return;
    }
    struct call *call = *slot;
    if (call->opens && c->is_modern)
        modern_take_opening(c, call, e);
    else if (call->opens)
        take_opening_answer(c, call, e);
    else if (call->x != NULL)
        answer_call(c, call, e, true);
    else
        take_answer_to_us(c, call, e);
}

void
channel_take_progress(struct channel *c, const struct envelope *e)
{
    uint64_t      number;
    struct call **slot    = str_to_u64(e->progress_token, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;
    struct str    message = e->message;
    struct buffer copy    = {.max = SIZE_MAX / 2};

    if (slot == NULL || (*slot)->x == NULL || (*slot)->x->message.progress_token.data == NULL) {
        channel_odd_line(c, e->message, "progress of nothing that was asked");
        return;
    }
    struct exchange *x = (*slot)->x;
    if (rewrite_one(&message, (struct rewrite){e->progress_token, x->message.progress_token}, true, &copy)) {
        bool is_heard = x->front != NULL;
        if (is_heard)
            channel_note(x, message);
        if (is_heard)
            x->front->ops->message(x->front, x, message, false); /* one that takes JSON only goes without */
        else if ((*slot)->session != NULL)
            session_deliver((*slot)->session, x, message);
    } else {
        channel_trouble(c, "said how far a call is: it was dropped, there was no memory to pass it on");
    }
    buffer_clear(&copy);
}

/* The child withdraws a question. */
static void
take_withdrawal(struct channel *c, const struct envelope *e)
{
    struct question **slot = map_get(&c->questions, e->cancelled_id);

    if (slot == NULL)
        return;
    session_deliver((*slot)->session, (*slot)->on, e->message);
    question_drop(c, *slot);
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
        channel_take_progress(c, e);
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

/* What there is no memory for may have answered any call: none is left to wait in vain. */
static void
take_unread(struct channel *c, struct str line, const struct error *err)
{
    if (err->code == ERROR_MEMORY)
        channel_stop(c, "said more than there is memory for, and was stopped");
    else
        channel_odd_line(c, line, err->text);
}

static bool
take_element(struct str element, void *arg)
{
    struct channel *c = arg;

    channel_take_line(c, element, NULL);
    return c->child != NULL;
}

void
channel_take_line(struct channel *c, struct str line, struct skim *begun)
{
    struct envelope e;
    struct error    err = {0};

    if (str_trim_front(line).len == 0)
        return;
    if (message_is_batch(line)) {
        if (!batch_each(line, take_element, c, &err) && err.code != ERROR_NONE)
            take_unread(c, line, &err);
        return;
    }
    arena_reset(c->scratch);
    if (!envelope_parse_begun(&e, line, begun, c->scratch, &err)) {
        take_unread(c, line, &err);
        return;
    }
    if (e.kind == MESSAGE_REQUEST)
        (c->is_modern ? modern_take_question : take_question)(c, &e);
    else if (e.kind == MESSAGE_NOTIFICATION)
        (c->is_modern ? modern_take_notification : take_notification)(c, &e);
    else
        take_answer(c, &e);
}
