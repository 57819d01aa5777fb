/* A channel of 2026-07-28: its child is asked `server/discover` before anything else, and has no sessions after. */
#include "mcp/channel_parts.h"

#include <yyjson.h>

#include "mcp/json.h"
#include "mcp/revision.h"

/* The other half of "a subscription ends by a message and its result": how long the second may take. */
#define LISTEN_END SECONDS(1)

#define DISCOVER                                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server/discover\",\"params\":{\"_meta\":{"                             \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                                      \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"gatehouse\",\"version\":\"" GATEHOUSE_VERSION "\"},"           \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}"

static struct channel *
channel_of(struct back *back)
{
    return LIST_OF(struct channel, back, back);
}

/* Ids on the wire are the channel's: what a client cancels over HTTP, it cancels by leaving. */
static void
send_notification(struct channel *c, struct exchange *x)
{
    bool is_for_child = !str_eq(x->message.method, STR("notifications/cancelled")) && channel_takes(c);
    bool is_taken     = !is_for_child || child_write(c->child, x->message.message);

    exchange_lose_back(x);
    if (is_taken)
        exchange_close(x, CLOSE_ANSWERED);
    else
        exchange_fail(x, CLOSE_BUSY, "its input queue is full");
}

/* The parts of a lasting one are not where its bytes are. */
static void
send_lasting(struct channel *c, struct exchange *x)
{
    struct envelope e;

    arena_reset(c->scratch);
    if (envelope_parse(&e, x->message.message, c->scratch, NULL)) {
        channel_forward(c, NULL, x, e.message, e.id, e.progress_token);
        return;
    }
    exchange_lose_back(x);
    exchange_fail(x, CLOSE_BUSY, "no memory");
}

static void
send_exchange(struct back *back, struct exchange *x)
{
    struct channel *c = channel_of(back);

    if (x->kind != KIND_REQUEST)
        send_notification(c, x);
    else if (x->is_lasting)
        send_lasting(c, x);
    else
        channel_forward(c, NULL, x, x->message.message, x->message.id, x->message.progress_token);
}

static void
cancel_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    channel_cancel(channel_of(back), x, why);
}

static const struct back_ops modern_ops = {send_exchange, cancel_exchange, NULL};

struct channel *
channel_new_modern(struct loop *loop, const struct channel_events *events, void *owner, struct arena *scratch,
                   mono_time patience)
{
    struct channel *c = channel_new(loop, events, owner, scratch, false, patience);

    if (c == NULL)
        return NULL;
    c->is_modern = true;
    c->back.ops  = &modern_ops;
    if (buffer_append(&c->opening, STR(DISCOVER)))
        return c;
    channel_free(c);
    return NULL;
}

struct back *
channel_back(struct channel *c)
{
    return &c->back;
}

int
modern_status(int code)
{
    switch (code) {
    case -32601:
        return 404;
    case -32700:
    case -32600:
    case -32020:
    case -32021:
    case -32022:
        return 400;
    default:
        return 200;
    }
}

/* ---- opening ---- */

static void
strand_waiting(struct channel *c)
{
    for (struct list *node; (node = list_first(&c->waiting)) != NULL;) {
        struct call     *call = LIST_OF(struct call, node, node);
        struct exchange *x    = call->x;
        call_forget(c, call);
        exchange_lose_back(x);
        c->events->on_stranded(c->owner, c, x, c->words);
    }
}

static void
leave_era(struct channel *c, const char *words)
{
    snprintf(c->words, sizeof c->words, "%s", words);
    c->events->on_other_era(c->owner, c, c->words);
    strand_waiting(c);
    channel_close(c, CLOSE_UNREACHABLE);
}

void
modern_take_silence(struct channel *c)
{
    leave_era(c, "said nothing to server/discover");
}

void
modern_take_end(struct channel *c)
{
    strand_waiting(c);
}

/* Whether an answer to `server/discover` is one of our era: a result, or a refusal of our revision, that names some
 * revision of it; a result that names none does not say otherwise. */
static bool
is_of_our_era(const struct envelope *e)
{
    yyjson_doc *doc     = yyjson_read(e->message.data, e->message.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root    = yyjson_doc_get_root(doc);
    yyjson_val *data    = yyjson_obj_get(yyjson_obj_get(root, "error"), "data");
    bool        is_won  = e->kind == MESSAGE_RESULT;
    yyjson_val *named   = is_won ? yyjson_obj_get(yyjson_obj_get(root, "result"), "supportedVersions")
                                 : yyjson_obj_get(data, "supported");
    bool        is_ours = is_won && !yyjson_is_arr(named);
    yyjson_val *revision;
    size_t      index, max;

    yyjson_arr_foreach(named, index, max, revision) if (yyjson_is_str(revision)) is_ours |=
        revision_is_modern(json_str(revision));
    yyjson_doc_free(doc);
    return is_ours && (is_won || e->error_code == -32022);
}

void
modern_take_opening(struct channel *c, struct call *ours, const struct envelope *e)
{
    struct envelope known = *e;

    call_forget(c, ours);
    if (!is_of_our_era(e)) {
        leave_era(c, e->kind == MESSAGE_RESULT ? "names no revision of this era" : "refused server/discover");
        return;
    }
    loop_clear_timer(c->loop, &c->expiry);
    known.revision = str_from(modern_revisions[0]);
    c->state       = CHANNEL_READY;
    c->down_since  = 0;
    c->events->on_ready(c->owner, c, &known);
    channel_flush_waiting(c);
}

/* ---- what it says ---- */

void
modern_take_question(struct channel *c, const struct envelope *e)
{
    c->counts.refused_questions++;
    channel_tell(
        c,
        "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"a server of 2026-07-28 asks "
        "in its results\"}}",
        STR_ARG(e->id));
}

static struct call *
call_numbered(struct channel *c, struct str id)
{
    uint64_t      number;
    struct call **slot = str_to_u64(id, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;

    return slot == NULL || (*slot)->x == NULL ? NULL : *slot;
}

/* The call in flight that asked for logs. NULL: none did, or several. */
static struct call *
call_that_logs(const struct channel *c)
{
    struct call *found = NULL;

    LIST_EACH (struct call, call, &c->calls, node) {
        if (call->x == NULL || call->x->message.log_level.data == NULL)
            continue;
        if (found != NULL)
            return NULL;
        found = call;
    }
    return found;
}

static void
deliver(struct exchange *x, struct str message)
{
    channel_note(x, message);
    if (x->front != NULL)
        x->front->ops->message(x->front, x, message, false); /* one that takes JSON only goes without */
}

/* For a subscription: under the id that its client gave it. */
static void
take_news(struct channel *c, const struct envelope *e)
{
    struct call  *call    = call_numbered(c, e->subscription);
    struct str    message = e->message;
    struct buffer copy    = {.max = SIZE_MAX / 2};

    if (call == NULL || !exchange_is_listening(call->x)) {
        channel_odd_line(c, message, "for a subscription that nobody has");
        return;
    }
    struct exchange *x = call->x;
    x->patience        = 0; /* it stays open as long as its client wants */
    if (rewrite_one(&message, (struct rewrite){e->subscription, x->message.id}, true, &copy))
        deliver(x, message);
    else
        exchange_fail(x, CLOSE_BUSY, "no memory for what it was told");
    buffer_clear(&copy);
}

/* The child ends a subscription: its result comes as well. */
static void
take_end(struct channel *c, const struct envelope *e)
{
    struct call *call = call_numbered(c, e->cancelled_id);

    if (call == NULL || !exchange_is_listening(call->x))
        return;
    call->is_silent   = true;
    call->x->patience = LISTEN_END;
    exchange_press(call->x);
}

void
modern_take_notification(struct channel *c, const struct envelope *e)
{
    struct call *call = NULL;

    if (str_eq(e->method, STR("notifications/progress")))
        channel_take_progress(c, e);
    else if (str_eq(e->method, STR("notifications/cancelled")))
        take_end(c, e);
    else if (e->subscription.data != NULL)
        take_news(c, e);
    else if (str_eq(e->method, STR("notifications/message")) && (call = call_that_logs(c)) != NULL)
        deliver(call->x, e->message);
    else
        c->counts.dropped++;
}
