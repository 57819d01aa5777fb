#include "mcp/client/mail.h"

#include "base/live.h"

enum { ASKED_MAX = 64, PARSED_FIRST = 2048, PARSED_MOST = 256 << 20 };

#define TELL_PATIENCE SECONDS(10) /* of what waits for no more than a status */

/* What the server asked, in the arena of the exchange. */
struct asking {
    struct list node; /* on mail->asked */
    struct str  id;   /* as written */
};

static void be_late(struct timer *later);
static bool end_turn(struct loop_hook *turn_end);

void
carrier_init(struct carrier *c, const struct way_ops *ops, struct exchanges *all, const struct way_hooks *hooks)
{
    *c = (struct carrier){.way.ops = ops, .all = all, .hooks = *hooks};
    list_init(&c->mails);
}

static bool
is_awaited(const struct exchange *x)
{
    return x->kind == KIND_REQUEST || x->kind == KIND_STREAM;
}

/* Nobody is told of its end, which comes by itself. */
static void
let_alone(struct mail *m)
{
    m->events  = NULL;
    m->carrier = NULL;
    list_remove(&m->node);
}

void
carrier_clear(struct carrier *c)
{
    for (struct list *node; (node = list_first(&c->mails)) != NULL;) {
        struct mail *m = LIST_OF(struct mail, node, node);
        if (m->x != NULL && m->x->back != NULL && (m->is_farewell || !is_awaited(m->x)))
            let_alone(m);
        else
            mail_drop(m, CLOSE_CANCELLED);
    }
}

static void
mail_free(struct mail *m)
{
    loop_clear_timer(m->loop, &m->later);
    loop_remove_hook(&m->turn_end);
    list_remove(&m->node);
    if (m->type->clear != NULL)
        m->type->clear(m);
    buffer_clear(&m->last_event);
    buffer_clear(&m->challenge);
    live_end(LIVE_MAILS);
    free(m);
}

/* The message as the exchange needs it, and its place in the log. */
static bool
prepare(struct mail *m, const struct mail_spec *spec, struct error *err)
{
    const struct way_hooks *hooks = &m->carrier->hooks;
    struct exchange        *x     = m->x;

    x->is_modern = spec->is_modern;
    x->patience  = spec->patience;
    if ((spec->is_farewell || !is_awaited(x)) && (x->patience == 0 || x->patience > TELL_PATIENCE))
        x->patience = TELL_PATIENCE;
    if (spec->message.len > 0) {
        struct str message = arena_str(x->arena, spec->message); /* the back borrows it to the end */
        if (message.data == NULL)
            return error_set(err, ERROR_MEMORY, "no memory for a message");
        if (!envelope_parse(&x->message, message, x->arena, err))
            return false;
    }
    if (hooks->attach != NULL && !hooks->attach(hooks->owner, x, spec))
        return error_set(err, ERROR_MEMORY, "no memory for a message");
    if (spec->message.len > 0)
        exchange_note(x, FROM_CLIENT, x->message.message, false);
    return true;
}

struct mail *
mail_new(struct carrier *c, const struct mail_type *type, const struct mail_spec *spec,
         const struct mail_events *events, void *owner, struct error *err)
{
    struct mail     *m = calloc(1, type->size);
    struct exchange *x = m == NULL ? NULL : exchange_new(c->all, spec->kind, &m->front);

    if (x == NULL) {
        free(m);
        error_set(err, ERROR_MEMORY, "no memory for a message");
        return NULL;
    }
    *m = (struct mail){.front          = {&type->front},
                       .carrier        = c,
                       .type           = type,
                       .loop           = c->all->loop,
                       .x              = x,
                       .events         = events,
                       .owner          = owner,
                       .inside         = 1,
                       .turn_end.run   = end_turn,
                       .is_farewell    = spec->is_farewell,
                       .end            = {.retry = -1},
                       .last_event.max = KIB(4),
                       .challenge.max  = KIB(8)};
    timer_init(&m->later, be_late);
    list_init(&m->turn_end.node);
    list_init(&m->asked);
    list_append(&c->mails, &m->node);
    live_begin(LIVE_MAILS);
    if (prepare(m, spec, err)) {
        (void)exchange_guard(x); /* one that is refused is closed, which is told later */
        return m;
    }
    exchange_lose_front(x);
    exchange_close(x, CLOSE_BUSY);
    mail_free(m);
    return NULL;
}

void
mail_note_challenge(struct mail *m, int status, const struct http_headers *headers)
{
    bool is_refusal = status == 401 || status == 403;

    for (size_t i = 0; is_refusal && i < headers->count; i++) {
        const struct http_header *h = &headers->items[i];
        if (!str_eq_nocase(h->name, STR("www-authenticate")) || h->value.len == 0 ||
            !buffer_reserve(&m->challenge, h->value.len + 2)) /* what has no room is left out as a whole */
            continue;
        if (buffer_len(&m->challenge) > 0) /* RFC 9110 section 5.3: several fields of a name are one list */
            buffer_append(&m->challenge, STR(", "));
        buffer_append(&m->challenge, h->value);
    }
}

static void
tell_challenge(struct mail *m)
{
    if (buffer_len(&m->challenge) == 0 || !mail_is_wanted(m))
        return;
    if (m->events->on_challenge != NULL)
        m->events->on_challenge(m->owner, buffer_str(&m->challenge));
    buffer_reset(&m->challenge);
}

static void
tell_end(struct mail *m)
{
    m->inside++;
    tell_challenge(m);
    m->inside--;
    const struct mail_events *events = m->events;

    m->events = NULL;
    if (m->carrier != NULL)
        list_remove(&m->node);
    m->carrier        = NULL;
    m->end.words      = m->words;
    m->end.last_event = buffer_str(&m->last_event);
    if (events != NULL)
        events->on_end(m->owner, &m->end);
    mail_free(m);
}

static void
settle(struct mail *m)
{
    m->inside++;
    if (m->type->settle != NULL && mail_is_wanted(m))
        m->type->settle(m);
    m->inside--;
}

/* The exchange is closed: what was held back, then the end. */
static void
finish(struct mail *m)
{
    m->is_ending = true;
    settle(m);
    tell_end(m);
}

/* What was put off. The mail may be gone afterwards. */
static void
catch_up(struct mail *m)
{
    loop_clear_timer(m->loop, &m->later);
    loop_remove_hook(&m->turn_end);
    if (m->x == NULL) {
        finish(m);
        return;
    }
    settle(m);
    if (m->x == NULL) /* it ended meanwhile, and waits again */
        return;
    if (m->words[0] != '\0')
        exchange_fail(m->x, m->drop, "%s", m->words);
    else if (!mail_is_wanted(m) && !m->x->judged)
        exchange_close(m->x, m->drop);
}

static void
be_late(struct timer *later)
{
    catch_up(LIST_OF(struct mail, later, later));
}

static bool
end_turn(struct loop_hook *turn_end)
{
    catch_up(LIST_OF(struct mail, turn_end, turn_end));
    return true;
}

void
mail_wait(struct mail *m)
{
    if (timer_is_set(&m->later))
        return;
    loop_set_timer(m->loop, &m->later, loop_now(m->loop));
    loop_add_hook(m->loop, &m->turn_end);
}

struct mail *
mail_sent(struct mail *m)
{
    m->inside--;
    if (m->x == NULL)
        mail_wait(m);
    return m;
}

void
mail_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct mail *m = mail_of(front);

    (void)head_is_out;
    m->x = NULL;
    if (m->words[0] != '\0') { /* it failed here */
        why = m->drop;
    } else if (why != CLOSE_ANSWERED) {
        snprintf(m->words, sizeof m->words, "it %s%s%.*s", close_info[why].text, x->detail.len > 0 ? ": " : "",
                 STR_ARG(x->detail));
    } else if (m->end.status >= 300) {
        snprintf(m->words, sizeof m->words, "it answered with HTTP status %d", m->end.status);
    }
    m->end.why = why;
    list_init(&m->asked); /* they lie in the arena of the exchange */
    m->asked_count = 0;
    if (m->inside > 0 || (m->type->is_late && mail_is_wanted(m)))
        mail_wait(m);
    else
        finish(m);
}

void
mail_drop(struct mail *m, enum close_reason why)
{
    let_alone(m);
    m->drop = why;
    if (m->is_ending) /* who drops it is told the last of it right now */
        return;
    if (m->inside > 0)
        mail_wait(m);
    else if (m->x == NULL)
        mail_free(m);
    else if (!m->x->judged)
        exchange_close(m->x, why);
}

void
mail_fail(struct mail *m, enum close_reason why, const char *words)
{
    if (m->words[0] != '\0')
        return;
    m->drop = why;
    snprintf(m->words, sizeof m->words, "%s", words);
    mail_wait(m);
}

void
mail_tell_head(struct mail *m, int status, struct str session)
{
    m->end.status = status;
    if (!mail_is_wanted(m) || m->events->on_head == NULL)
        return;
    m->inside++;
    m->events->on_head(m->owner, status, session);
    m->inside--;
}

static bool
tell_message(struct str text, void *arg)
{
    struct mail    *m = arg;
    struct arena   *a = arena_new(PARSED_FIRST, PARSED_MOST);
    struct envelope e;
    struct error    err = {0};

    if (a != NULL && envelope_parse(&e, text, a, &err)) {
        m->inside++;
        tell_challenge(m);
        if (mail_is_wanted(m))
            m->events->on_message(m->owner, &e);
        m->inside--;
    } else if (a == NULL || err.code == ERROR_MEMORY) {
        mail_fail(m, CLOSE_BUSY, "there is no memory for what it says");
    }
    arena_free(a);
    return mail_is_wanted(m);
}

bool
mail_tell_messages(struct mail *m, struct str text)
{
    if (!mail_is_wanted(m))
        return false;
    if (message_is_batch(text))
        batch_each(text, tell_message, m, NULL);
    else if (str_trim(text).len > 0)
        tell_message(text, m);
    return mail_is_wanted(m);
}

void
mail_take_question(struct mail *m, struct str id)
{
    struct asking *q = m->asked_count == ASKED_MAX ? NULL : ARENA_NEW(m->x->arena, struct asking);

    if (q != NULL)
        q->id = arena_str(m->x->arena, id);
    if (q == NULL || q->id.data == NULL) {
        exchange_press(m->x);
        return;
    }
    list_append(&m->asked, &q->node);
    m->asked_count++;
    exchange_owe(m->x, 1);
}

static struct asking *
find_asking(const struct mail *m, struct str id)
{
    LIST_EACH (struct asking, q, &m->asked, node)
        if (str_eq(q->id, id))
            return q;
    return NULL;
}

void
carrier_join_reply(struct carrier *c, struct exchange *reply)
{
    LIST_EACH (struct mail, m, &c->mails, node) {
        struct asking *q = m->x == NULL ? NULL : find_asking(m, reply->message.id);
        if (q == NULL)
            continue;
        list_remove(&q->node);
        m->asked_count--;
        reply->is_silent = true;
        exchange_note(m->x, FROM_CLIENT, reply->message.message, false);
        exchange_owe(m->x, -1);
        return;
    }
}
