/* Whatever a child writes: no line of it breaks a channel that has two sessions, calls in flight and an open question.
 * The channel has no child, so that what it would say to it goes nowhere. */
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

static const struct channel_events events = {start,       unheard_ready,   on_down,   unheard_line,
                                             on_odd_line, on_session_lost, on_closed, on_trouble};

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

/* What forward() and channel_write_request would have done with a child. */
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
    s->calls++;
    x->back  = session_back(s);
    x->state = EXCHANGE_WAITING;
    list_remove(&x->node);
    list_append(&all->in_state[EXCHANGE_WAITING], &x->node);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop loop;
    static bool        is_up;
    struct exchanges   all;
    struct str         rest = str_of((const char *)data, size), line;

    if (size > KIB(64) || (!is_up && !(is_up = loop_init(&loop, NULL))))
        return 0;
    exchanges_init(&all, &loop, &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    struct arena   *scratch = arena_new(KIB(8), MIB(16));
    struct channel *c       = channel_new(&loop, &events, NULL, scratch, false, SECONDS(1));
    struct session *ada = session_new(c, "ada", NULL), *bob = session_new(c, "bob", NULL);
    c->state = CHANNEL_READY;
    put_in_flight(c, ada, &all,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":7}}}");
    put_in_flight(c, ada, &all,
                  "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a\"}}");
    while (str_cut(&rest, '\n', &line)) {
        char *copy = malloc(line.len > 0 ? line.len : 1); /* no byte behind it */
        if (line.len > 0)
            memcpy(copy, line.data, line.len);
        channel_take_line(c, str_of(copy, line.len), NULL);
        free(copy);
    }
    session_end(bob, CLOSE_SESSION_ENDED);
    session_end(ada, CLOSE_SESSION_ENDED);
    channel_close(c, CLOSE_SHUTDOWN);
    exchanges_clear(&all);
    arena_free(scratch);
    return 0;
}
