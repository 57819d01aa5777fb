/* What is sent, and who is told what comes back. */
#include "mcp/client/parts.h"

struct mail_spec
letter_spec(const struct client *c, enum exchange_kind kind, bool is_modern)
{
    struct mail_spec spec = {.kind = kind, .is_modern = is_modern};

    if (c->revision != NULL && (is_modern || strcmp(c->revision, "2025-06-18") >= 0))
        spec.revision = str_from(c->revision);
    if (!is_modern && c->session[0] != '\0')
        spec.session = str_from(c->session);
    return spec;
}

/* --- letters of calls --- */

static void
on_head(void *owner, int status, struct str session)
{
    struct letter      *l    = owner;
    struct client_call *call = l->call;
    struct client      *c    = l->client;

    l->status = status;
    if (call == NULL)
        return;
    call->status = status;
    if (!call->is_opening || call->is_modern || session.data == NULL || session.len >= sizeof c->session)
        return;
    memcpy(c->session, session.data, session.len);
    c->session[session.len] = '\0';
}

static void
on_challenge(void *owner, struct str challenge)
{
    struct client_call *call = ((struct letter *)owner)->call;

    if (call != NULL)
        text_set(&call->challenge, challenge);
}

static void
on_message(void *owner, const struct envelope *e)
{
    struct letter *l = owner;
    struct client *c = l->client;

    client_enter(c);
    if (l->call != NULL)
        call_take(l->call, e);
    client_leave(c);
}

static void
letter_bury(struct letter *l)
{
    loop_clear_timer(l->client->loop, &l->rest);
    list_remove(&l->node);
    list_append(&l->client->dead_letters, &l->node);
}

static void
on_end(void *owner, const struct mail_end *end)
{
    struct letter      *l    = owner;
    struct client      *c    = l->client;
    struct client_call *call = l->call;

    client_enter(c);
    l->mail = NULL;
    l->call = NULL;
    letter_bury(l);
    if (call != NULL) {
        call->letter = NULL;
        call->status = end->status != 0 ? end->status : call->status;
        call_take_end(call, end);
    }
    client_leave(c);
}

static const struct mail_events events = {
    .on_head = on_head, .on_message = on_message, .on_end = on_end, .on_challenge = on_challenge};

/* It talks on and on behind its answer. */
static void
tire(struct timer *rest)
{
    struct letter *l = LIST_OF(struct letter, rest, rest);
    struct client *c = l->client;

    client_enter(c);
    struct mail *mail = l->mail;
    l->mail           = NULL;
    letter_bury(l);
    c->way->ops->drop(mail, CLOSE_ANSWERED);
    client_leave(c);
}

/* NULL: no memory. */
static struct letter *
letter_new(struct client *c, struct client_call *call)
{
    struct letter *l = malloc(sizeof *l);

    if (l == NULL)
        return NULL;
    *l = (struct letter){.client = c, .call = call};
    timer_init(&l->rest, tire);
    list_append(&c->letters, &l->node);
    return l;
}

bool
letter_send(struct client_call *call, const struct mail_spec *spec, struct error *err)
{
    struct client *c = call->client;
    struct letter *l = letter_new(c, call);

    if (l == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a message to the server");
    call->letter = l;
    call->status = 0;
    text_set(&call->challenge, STR_NONE);
    l->mail = way_send(c->way, spec, &events, l, err);
    if (l->mail != NULL)
        return true;
    l->call      = NULL;
    call->letter = NULL;
    letter_free(l);
    return false;
}

void
letter_leave(struct letter *l, enum close_reason why)
{
    struct client *c = l->client;

    l->call = NULL;
    if (l->mail == NULL)
        return;
    if (why == CLOSE_ANSWERED) {
        loop_set_timer(c->loop, &l->rest, loop_now(c->loop) + LETTER_REST);
        return;
    }
    struct mail *mail = l->mail;
    l->mail           = NULL;
    letter_bury(l);
    c->way->ops->drop(mail, why);
}

void
letter_free(struct letter *l)
{
    list_remove(&l->node);
    free(l);
}

/* --- what needs no answer --- */

static void
on_tell_head(void *owner, int status, struct str session)
{
    (void)owner, (void)status, (void)session;
}

static void
on_tell_message(void *owner, const struct envelope *e)
{
    (void)owner, (void)e; /* some servers answer notifications */
}

static void
on_tell_end(void *owner, const struct mail_end *end)
{
    struct client *c = owner;

    (void)end;
    c->tells--;
}

/* --- replies --- */

static struct client_call *
call_with_id(struct client *c, uint64_t id)
{
    LIST_EACH (struct client_call, call, &c->calls, node)
        if (call->id == id)
            return call;
    return NULL;
}

static bool
is_delivered(const struct mail_end *end)
{
    if (end->status != 0)
        return end->status < 300;
    return end->why == CLOSE_ANSWERED || end->why == CLOSE_TIMED_OUT; /* it took it, and said nothing of that */
}

/* What was asked in the middle of a call and is not answered keeps the server waiting: the call ends, in words. */
static void
on_reply_end(void *owner, const struct mail_end *end)
{
    struct letter      *l    = owner;
    struct client      *c    = l->client;
    struct client_call *call = is_delivered(end) ? NULL : call_with_id(c, l->about);
    char                words[256];

    client_enter(c);
    c->tells--;
    l->mail = NULL;
    letter_bury(l);
    if (call != NULL) {
        snprintf(words, sizeof words, "the answer to its question did not get there: %s",
                 end->words != NULL && end->words[0] != '\0' ? end->words : close_info[end->why].text);
        if (call_is_to_be_told(call))
            call_tell_cancelled(call, words);
        call_fail(call, end->why == CLOSE_ANSWERED ? CLOSE_CUT : end->why, words);
    }
    client_leave(c);
}

bool
letter_reply(struct client_call *call, char *message, size_t len, struct error *err)
{
    static const struct mail_events replied = {
        .on_head = on_tell_head, .on_message = on_tell_message, .on_end = on_reply_end};
    struct client   *c    = call->client;
    struct mail_spec spec = letter_spec(c, KIND_REPLY, false);
    struct letter   *l    = message == NULL ? NULL : letter_new(c, NULL);

    if (l == NULL || c->tells >= TELLS_MOST) {
        free(message);
        if (l != NULL)
            letter_free(l);
        return error_set(err, ERROR_MEMORY, "no memory for a message to the server");
    }
    l->about      = call->id;
    spec.message  = str_of(message, len);
    spec.patience = c->patience;
    l->mail       = way_send(c->way, &spec, &replied, l, err);
    free(message);
    if (l->mail == NULL) {
        letter_free(l);
        return false;
    }
    c->tells++;
    return true;
}

bool
letter_tell(struct client *c, enum exchange_kind kind, char *message, size_t len, struct error *err)
{
    struct mail_spec spec = letter_spec(c, kind, false);

    return letter_tell_as(c, &spec, message, len, err);
}

bool
letter_tell_as(struct client *c, const struct mail_spec *as, char *message, size_t len, struct error *err)
{
    static const struct mail_events none = {
        .on_head = on_tell_head, .on_message = on_tell_message, .on_end = on_tell_end};
    struct mail_spec spec = *as;
    bool             is_sent;

    if (spec.kind != KIND_DELETE && message == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a message to the server");
    if (c->tells >= TELLS_MOST) {
        free(message);
        return error_set(err, ERROR_FULL, "%d messages to the server are on their way", TELLS_MOST);
    }
    spec.message  = str_of(message, len);
    spec.patience = c->patience;
    is_sent       = way_send(c->way, &spec, &none, c, err) != NULL;
    c->tells += is_sent;
    free(message);
    return is_sent;
}
