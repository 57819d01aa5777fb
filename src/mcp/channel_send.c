/* What goes to a child: requests, and that nobody waits for one any more. */
#include "mcp/channel_parts.h"

/* Numbers a request and writes it. False: the child takes no more now; the call is as it was. */
bool
channel_write_request(struct channel *c, struct call *call, struct str message, struct str id, struct str token)
{
    uint64_t       number = c->next_number + 1;
    char           digits[STR_DIGITS];
    struct buffer  line    = {.max = SIZE_MAX / 2};
    struct str     written = str_of_u64(digits, number);
    struct rewrite edits[] = {{id, written}, {token, written}};
    struct call  **slot    = map_get_or_add(&c->by_number, MAP_KEY_U64(number));

    if (slot == NULL)
        return false;
    if (!append_rewritten(&line, message, edits, 2) || !child_write(c->child, buffer_str(&line))) {
        buffer_clear(&line);
        map_remove(&c->by_number, MAP_KEY_U64(number));
        return false;
    }
    buffer_clear(&line);
    *slot = call;
    call_enlist(call, &c->calls);
    c->next_number = call->number = number;
    if (call->x != NULL)
        c->in_flight++;
    if (call->session != NULL)
        call->session->calls++;
    return true;
}

/* A request that no client made: its answer is looked at only when it opens the channel. False: it was not sent. */
bool
channel_request_of_ours(struct channel *c, struct str message)
{
    struct call    *call = calloc(1, sizeof *call);
    struct envelope e;

    if (call == NULL)
        return false;
    list_init(&call->node);
    list_init(&call->questions);
    arena_reset(c->scratch);
    if (!envelope_parse(&e, message, c->scratch, NULL)) {
        free(call);
        return false;
    }
    call->opens = str_eq(e.method, c->is_modern ? STR("server/discover") : STR("initialize"));
    if (channel_write_request(c, call, message, e.id, STR_NONE))
        return true;
    free(call);
    return false;
}

bool
channel_takes(const struct channel *c)
{
    return c->state == CHANNEL_READY && child_takes_lines(c->child);
}

bool
channel_tell(struct channel *c, const char *format, ...)
{
    struct buffer line = {.max = MIB(1)};
    va_list       args;

    if (c->child == NULL)
        return false;
    va_start(args, format);
    bool ok = buffer_vprintf(&line, format, args) && child_write(c->child, buffer_str(&line));
    va_end(args);
    buffer_clear(&line);
    if (!ok && channel_takes(c) && child_queued(c->child) == 0) /* an empty queue takes any line: it was memory */
        channel_stop(c, "could not be told what it waits for: no memory");
    return ok;
}

/* The same place in a copy. */
static struct str
moved(struct str place, struct str from, struct str to)
{
    return place.data == NULL ? STR_NONE : str_of(to.data + (place.data - from.data), place.len);
}

void
channel_forward(struct channel *c, struct session *s, struct exchange *x, struct str message, struct str id,
                struct str token)
{
    struct call *call = ARENA_NEW(x->arena, struct call);
    struct error err  = {0};

    if (call == NULL) {
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return;
    }
    *call = (struct call){.x = x, .session = s, .opens = s != NULL && str_eq(x->message.method, STR("initialize"))};
    list_init(&call->node);
    list_init(&call->questions);
    if (call->opens && buffer_len(&c->opening) == 0 && !buffer_append(&c->opening, message)) {
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_BUSY, "initialize is larger than 1 MiB");
        return;
    }
    if (c->state == CHANNEL_IDLE && !channel_open(c, &err)) {
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_UNREACHABLE, "%s", err.text);
        return;
    }
    if (channel_takes(c) && !call->opens) {
        if (channel_write_request(c, call, message, id, token))
            return;
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_BUSY, "its input queue is full");
        return;
    }
    call_enlist(call, &c->waiting);
    if (call->opens && c->state == CHANNEL_READY) {
        channel_answer_from_greeting(c, call);
        return;
    }
    call->line = arena_str(x->arena, message);
    if (call->line.data == NULL) {
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return;
    }
    call->id    = moved(id, message, call->line);
    call->token = moved(token, message, call->line);
}

static struct call *
call_of(struct channel *c, const struct exchange *x)
{
    LIST_EACH (struct call, call, &c->calls, node)
        if (call->x == x)
            return call;
    LIST_EACH (struct call, call, &c->waiting, node)
        if (call->x == x)
            return call;
    return NULL;
}

void
channel_cancel(struct channel *c, struct exchange *x, enum close_reason why)
{
    struct call *call = call_of(c, x);

    if (call == NULL)
        return;
    if (call->number != 0 && !call->is_silent)
        channel_tell(c,
                     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
                     "cancelled\",\"params\":{\"requestId\":%llu,\"reason\":\"%s\"}}",
                     (unsigned long long)call->number, close_info[why].text);
    call_forget(c, call);
}
