/* A child has answered `initialize`: its sessions get the greeting, it gets what they had asked for and what waited. */
#include "mcp/channel_parts.h"
#include "mcp/revision.h"

/* A session's `initialize`: what the child said to ours. */
void
channel_answer_from_greeting(struct channel *c, struct call *call)
{
    struct exchange *x       = call->x;
    struct session  *s       = call->session;
    struct buffer    message = {.max = MIB(8)};
    bool ok = buffer_printf(&message, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":", STR_ARG(x->message.id)) &&
              buffer_append(&message, buffer_str(&c->greeting)) && buffer_append(&message, STR("}"));

    call_forget(c, call);
    exchange_lose_back(x);
    if (!ok) {
        exchange_fail(x, CLOSE_BUSY, "no memory");
    } else {
        s->is_open = true;
        snprintf(s->revision, sizeof s->revision, "%s", c->revision);
        s->streams.is_primed = revision_has_polling(session_revision(s));
        x->judged            = true;
        x->first_byte        = clock_mono();
        channel_answer(x, buffer_str(&message));
    }
    buffer_clear(&message);
}

#define NOT_TOLD "after its restart: its input queue (stdio.queue) is full, or there is no memory"

static bool
subscribe_again(struct str uri, void *value, void *arg)
{
    struct buffer message = {.max = SIZE_MAX / 2};

    (void)value;
    bool ok =
        buffer_append(&message,
                      STR("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"resources/subscribe\",\"params\":{\"uri\":")) &&
        buffer_append_json(&message, uri) && buffer_append(&message, STR("}}")) &&
        channel_request_of_ours(arg, buffer_str(&message));
    if (!ok)
        channel_trouble(arg, "could not be subscribed again to %.*s " NOT_TOLD, STR_ARG(str_take(uri, 200)));
    buffer_clear(&message);
    return true;
}

void
channel_flush_waiting(struct channel *c)
{
    for (struct list *node; channel_takes(c) && (node = list_first(&c->waiting)) != NULL;) {
        struct call *call = LIST_OF(struct call, node, node);
        if (call->opens) {
            channel_answer_from_greeting(c, call);
            continue;
        }
        struct exchange *x = call->x;
        if (!channel_write_request(c, call, call->line, call->id, call->token)) {
            call->is_silent = true;
            exchange_fail(x, CLOSE_BUSY, "its input queue is full");
        }
    }
}

void
channel_settle_level(struct channel *c)
{
    struct buffer message = {.max = KIB(1)};
    int           lowest  = -1;

    LIST_EACH (const struct session, s, &c->sessions, node)
        if (s->level >= 0 && (lowest < 0 || s->level < lowest))
            lowest = s->level;
    if (lowest < 0 || lowest == c->level || !channel_takes(c))
        return;
    bool ok =
        buffer_printf(&message,
                      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"%s\"}}",
                      log_levels[lowest]) &&
        channel_request_of_ours(c, buffer_str(&message));
    if (ok)
        c->level = lowest;
    else
        channel_trouble(
            c, "could not be told the log level %s: its input queue (stdio.queue) is full, or there is no memory",
            log_levels[lowest]);
    buffer_clear(&message);
}

/* After a restart the child knows nothing of what its sessions had asked for. */
static void
tell_again(struct channel *c)
{
    c->is_told_initialized = channel_tell(c, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    map_each(&c->subscribed, subscribe_again, c);
    channel_settle_level(c);
}

/* False: the greeting cannot be kept. */
bool
channel_set_ready(struct channel *c, const struct envelope *answer)
{
    buffer_reset(&c->greeting);
    if (!buffer_append(&c->greeting, answer->result))
        return false;
    snprintf(c->revision, sizeof c->revision, "%.*s", STR_ARG(answer->revision));
    loop_clear_timer(c->loop, &c->expiry);
    c->state      = CHANNEL_READY;
    c->down_since = 0;
    c->events->on_ready(c->owner, c, answer);
    if (c->counts.starts > 1)
        tell_again(c);
    channel_flush_waiting(c);
    return true;
}
