/* Whatever a child writes: no line of it breaks a channel that has two sessions, calls in flight and an open question,
 * or one of 2026-07-28 with a call and a subscription. The channel has no child, so that what it would say to it goes
 * nowhere. */
#include <stdlib.h>

#include "mcp/channel_parts.h"
#include "mcp/unheard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct child *
start(void *owner, const struct child_events *events, struct channel *c, struct error *err)
{
    (void)owner, (void)events, (void)c;
    error_set(err, ERROR_UNREACHABLE, "there is none");
    return NULL;
}

static void
on_down(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c, (void)words;
}

static void
on_odd_line(void *owner, struct channel *c, struct str line, const char *why)
{
    (void)owner, (void)c, (void)line, (void)why;
}

static void
on_session_lost(void *owner, struct session *s)
{
    (void)owner, (void)s;
}

static void
on_closed(void *owner, struct channel *c)
{
    (void)owner, (void)c;
}

static void
on_trouble(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c, (void)words;
}

static const struct channel_events events = {
    .start           = start,
    .on_ready        = unheard_ready,
    .on_down         = on_down,
    .on_stderr       = unheard_line,
    .on_odd_line     = on_odd_line,
    .on_session_lost = on_session_lost,
    .on_closed       = on_closed,
    .on_trouble      = on_trouble,
};

/* A client that reads every other message. */
static unsigned given, seen;

static bool
front_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    (void)front, (void)x;
    for (size_t i = 0; i < message.len; i++)
        seen += (unsigned char)message.data[i]; /* every byte of it is there */
    return last || ++given % 2 == 0;
}

static const struct front_ops front_ops = {.message = front_message, .end = unheard_end};
static struct front           front     = {&front_ops};

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
}

/* What channel_forward() and channel_write_request would have done with a child. */
static void
put_in_flight(struct channel *c, struct session *s, struct exchanges *all, const char *text)
{
    struct exchange *x    = exchange_new(all, KIND_REQUEST, &front);
    struct call     *call = ARENA_NEW(x->arena, struct call);

    envelope_parse(&x->message, str_from(text), x->arena, NULL);
    exchange_guard(x);
    *call = (struct call){.x = x, .session = s, .number = ++c->next_number};
    list_init(&call->questions);
    list_append(&c->calls, &call->node);
    *(struct call **)map_get_or_add(&c->by_number, MAP_KEY_U64(call->number)) = call;
    c->in_flight++;
    if (s != NULL)
        s->calls++;
    x->is_modern = s == NULL;
    x->back      = s == NULL ? channel_back(c) : session_back(s);
    x->state     = EXCHANGE_WAITING;
    list_remove(&x->node);
    list_append(&all->in_state[EXCHANGE_WAITING], &x->node);
}

static void
take_lines(struct channel *c, struct str rest)
{
    struct str line;

    c->state = CHANNEL_READY;
    while (str_cut(&rest, '\n', &line)) {
        char *copy = malloc(line.len > 0 ? line.len : 1); /* no byte behind it */
        if (line.len > 0)
            memcpy(copy, line.data, line.len);
        channel_take_line(c, str_of(copy, line.len), NULL);
        free(copy);
    }
}

static void
play_legacy(struct loop *loop, struct exchanges *all, struct arena *scratch, struct str lines)
{
    struct channel *c   = channel_new(loop, &events, NULL, scratch, false, SECONDS(1));
    struct session *ada = session_new(c, "ada", NULL), *bob = session_new(c, "bob", NULL);

    put_in_flight(c, ada, all,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":7}}}");
    put_in_flight(c, ada, all,
                  "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a\"}}");
    take_lines(c, lines);
    session_end(bob, CLOSE_SESSION_ENDED);
    session_end(ada, CLOSE_SESSION_ENDED);
    channel_close(c, CLOSE_SHUTDOWN);
}

static void
play_modern(struct loop *loop, struct exchanges *all, struct arena *scratch, struct str lines)
{
    struct channel *c = channel_new_modern(loop, &events, NULL, scratch, SECONDS(1));

    put_in_flight(c, NULL, all,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":7,"
                  "\"io.modelcontextprotocol/logLevel\":\"info\"}}}");
    put_in_flight(c, NULL, all, "{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"subscriptions/listen\",\"params\":{}}");
    take_lines(c, lines);
    channel_close(c, CLOSE_SHUTDOWN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop loop;
    static bool        is_up;
    struct exchanges   all;
    struct str         lines = str_of((const char *)data, size);

    if (size > KIB(64) || (!is_up && !(is_up = loop_init(&loop, NULL))))
        return 0;
    exchanges_init(&all, &loop, &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    struct arena *scratch = arena_new(KIB(8), MIB(16));
    play_legacy(&loop, &all, scratch, lines);
    play_modern(&loop, &all, scratch, lines);
    exchanges_clear(&all);
    arena_free(scratch);
    return 0;
}
