/* What a server says beside its answers, and what it is told that needs none. */
#include "mcp/client/parts.h"

static struct client_call *
call_with_token(struct client *c, struct client_call *call, struct str token)
{
    char digits[STR_DIGITS];

    if (call != NULL && str_eq(token, str_of_u64(digits, call->token)))
        return call;
    LIST_EACH (struct client_call, other, &c->calls, node) /* some servers tell it on the GET stream */
        if (str_eq(token, str_of_u64(digits, other->token)))
            return other;
    return NULL;
}

static void
hear_progress(struct client *c, struct client_call *call, const struct envelope *e)
{
    struct client_call *whose = call_with_token(c, call, e->progress_token);

    if (whose == NULL || !whose->follows_progress || whose->events.on_message == NULL)
        return;
    whose->heard        = loop_now(c->loop);
    whose->has_progress = true;
    whose->events.on_message(whose->owner, whose, e);
}

void
client_hear(struct client *c, struct client_call *call, const struct envelope *e)
{
    bool is_owners = call != NULL && !call->is_ours && call->events.on_message != NULL;

    if (e->kind == MESSAGE_REQUEST) {
        if (c->era == CLIENT_LEGACY && c->state >= CLIENT_OPENING)
            question_take(c, call, e);
    } else if (str_eq(e->method, STR("notifications/cancelled"))) {
        questions_withdraw(c, e->cancelled_id);
    } else if (str_eq(e->method, STR("notifications/progress"))) {
        hear_progress(c, call, e);
    } else if (listen_takes(c, call, e) || task_hear(c, e)) {
        return;
    } else if (is_owners && str_eq(e->method, STR("notifications/message"))) {
        call->events.on_message(call->owner, call, e);
    } else if (c->events.on_message != NULL) {
        c->events.on_message(c->owner, c, e);
    }
}

void
client_notify(struct client *c, const char *method, yyjson_val *params)
{
    size_t len = 0;

    if (c->is_gone || c->state != CLIENT_OPEN || c->era != CLIENT_LEGACY)
        return;
    client_enter(c);
    char *message = compose_notification(method, params, &len);
    letter_tell(c, KIND_NOTIFICATION, message, len, NULL);
    client_leave(c);
}
