/* What an upstream says in an event stream, message by message: each is noted on the exchange that it answers. */
#include "mcp/http_back_parts.h"

static struct exchange *
find_exchange(const struct http_back *hb, struct str id)
{
    LIST_EACH (struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST && str_eq(x->message.id, id))
            return x;
    return NULL;
}

/* `begun`: it was walked as it came; NULL: it was not. */
static void
take_message(struct http_back *hb, struct str message, struct skim *begun)
{
    struct envelope  e;
    struct exchange *x = http_back_first(hb);

    if (x == NULL || message.len == 0)
        return;
    arena_reset(hb->scratch);
    if (!envelope_parse_begun(&e, message, begun, hb->scratch, NULL)) {
        exchange_note(x, FROM_SERVER, message, false);
        return;
    }
    if (e.kind == MESSAGE_RESULT || e.kind == MESSAGE_ERROR) {
        struct exchange *answered = find_exchange(hb, e.id);
        if (answered != NULL) {
            exchange_judge(answered, &e);
            exchange_note(answered, FROM_SERVER, message, false);
            hb->events->on_message(answered, &e);
            return;
        }
    }
    if (!hb->events->on_message(x, &e))
        exchange_note(x, FROM_SERVER, message, false);
}

static bool
take_each(struct str message, void *arg)
{
    take_message(arg, message, NULL);
    return true;
}

void
http_back_take_messages(struct http_back *hb, struct str text, bool as_followed)
{
    struct skim *begun = hb->begun;

    hb->begun = NULL;
    if (message_is_batch(text))
        batch_each(text, take_each, hb, NULL);
    else
        take_message(hb, text, as_followed ? begun : NULL);
    skim_free(begun);
}

void
http_back_follow(struct http_back *hb, struct str so_far)
{
    if (so_far.len > LENT_MIN)
        skim_follow(&hb->begun, so_far);
}

static bool
on_event(void *owner, const struct sse_event *event)
{
    struct http_back *hb = owner;

    hb->has_event_id |= event->has_id;
    http_back_take_messages(hb, event->data, !event->is_joined);
    return true;
}

void
http_back_take_stream(struct http_back *hb, struct str bytes)
{
    struct error err = {0};

    if (!sse_feed(&hb->events_in, bytes, on_event, hb, &err)) {
        http_back_finish(hb, err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_TOO_LARGE, err.text);
        return;
    }
    http_back_follow(hb, sse_data_so_far(&hb->events_in));
    if (buffer_len(&hb->events_in.partial) > 0) /* comments do not count */
        exchange_hear(http_back_first(hb), bytes.len);
    http_back_pass(hb, bytes, !sse_is_between_events(&hb->events_in));
    http_back_pause(hb);
}

void
http_back_end_stream(struct http_back *hb)
{
    LIST_EACH (struct exchange, x, &hb->exchanges, back_node) {
        if (x->kind != KIND_REQUEST || x->judged)
            continue;
        if (hb->has_event_id && hb->events->on_adrift(x)) /* unlinks it from both ends */
            continue;
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_CUT, "the event stream ended without the answer");
    }
}
