/* A legacy stream that ended before its answer: what followed is asked for by a GET. MCP 2025-11-25 basic/transports
 * "Resumability". */
#include "mcp/client/parts.h"

#include <stdlib.h>

static void
resume(struct timer *timer)
{
    struct client_call *call = LIST_OF(struct client_call, timer, timer);
    struct client      *c    = call->client;
    struct mail_spec    spec = letter_spec(c, KIND_STREAM, false);
    struct error        err  = {0};

    client_enter(c);
    spec.last_event = str_from(call->last_event);
    spec.patience   = call->patience;
    call->state     = CALL_SENT;
    if (call->generation != c->generation || c->state != CLIENT_OPEN)
        call_fail(call, CLOSE_SESSION_ENDED, NULL);
    else if (!letter_send(call, &spec, &err))
        call_fail_for(call, &err);
    else if (call->question_count > 0 && c->way->ops->owe != NULL)
        c->way->ops->owe(call->letter->mail, (int)call->question_count);
    client_leave(c);
}

void
resume_init(struct client_call *call)
{
    timer_init(&call->timer, resume);
}

static mono_time
wait_for(const struct mail_end *end)
{
    mono_time wait = end->retry < 0 ? RETRY : end->retry;

    return wait > RETRY_MOST ? RETRY_MOST : wait;
}

/* Within its patience, counted from the last message; while it waits for us it has no hurry. */
bool
resume_may(const struct client_call *call, const struct mail_end *end)
{
    const struct client *c = call->client;
    bool is_late    = call->question_count == 0 && loop_now(c->loop) + wait_for(end) > call->heard + call->patience;
    bool ended_well = end->why == CLOSE_ANSWERED || end->why == CLOSE_CUT ||
                      (end->why == CLOSE_UNREACHABLE && call->last_event != NULL);

    return !call->is_modern && !call->is_opening && client_is_http(c) && c->state == CLIENT_OPEN &&
           call->generation == c->generation && ended_well && call->status < 300 && !is_late &&
           call->resumes < RESUMES_MOST && (end->last_event.len > 0 || call->last_event != NULL);
}

void
resume_later(struct client_call *call, const struct mail_end *end)
{
    struct client *c = call->client;

    call->resumes++;
    if (end->last_event.len > 0 && !str_eq(end->last_event, str_from(call->last_event))) {
        char *kept = text_copy(end->last_event);
        if (kept == NULL) {
            call_fail(call, CLOSE_BUSY, "no memory to take its answer up again");
            return;
        }
        free(call->last_event);
        call->last_event = kept;
        call->resumes    = 1;
    }
    call->state = CALL_RESUMING;
    loop_set_timer(c->loop, &call->timer, loop_now(c->loop) + wait_for(end));
}
