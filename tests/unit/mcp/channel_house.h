/* tests/unit/mcp/channel_house.h: a channel whose child the test plays on a socket, and clients that are nothing but
 * what they got. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_CHANNEL_HOUSE_H
#define GATEHOUSE_TESTS_UNIT_MCP_CHANNEL_HOUSE_H

#include <sys/un.h>

#include "child/test_paths.h"
#include "http/wire.h"
#include "mcp/session.h"
#include "mcp/test_paths.h"
#include "mcp/unheard.h"

struct client {
    struct front    front;
    struct session *session;
    struct buffer   got; /* messages, each on a line */
    bool            is_deaf, is_full;
};

struct house {
    struct wire       wire;
    struct children  *children;
    struct exchanges  exchanges;
    struct arena     *scratch;
    struct channel   *channel;
    struct client     ada, bob;
    int               listener, peer; /* the child's end */
    char              path[64];
    struct buffer     heard; /* by the child */
    size_t            downs, lost, odd, closed;
    enum close_reason why;    /* of the last exchange that closed */
    int               status; /* and HTTP's */
    char              detail[200];
    char              trouble[400]; /* the last that was told */
    size_t            queue_max, line_max;
    const char       *command; /* in place of the peer; NULL: the peer */
    char              server[40], other_era[200], stranded[200], refusal[400]; /* the last that was told */
    bool              takes_refused;
};

static struct house house;

#define GREETING                                                                                                       \
    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"w\",\"version\":\"1\"}}"
#define INITIALIZE(id)                                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","     \
    "\"capabilities\":{},\"clientInfo\":{\"name\":\"a\",\"version\":\"1\"}}}"
#define WAIT(expression) WAIT_FOR(&house.wire, expression)

static inline bool
front_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct client *c = LIST_OF(struct client, front, front);

    (void)x;
    if ((c->is_deaf && !last) || c->is_full)
        return false;
    buffer_append(&c->got, message);
    return buffer_append_char(&c->got, '\n');
}

static const struct front_ops front_ops = {.message = front_message, .end = unheard_end};

static inline struct child *
start(void *owner, const struct child_events *events, struct channel *c, struct error *err)
{
    const char *command = house.command != NULL ? house.command : TEST_MCP_PEER;
    char *const argv[]  = {(char *)(uintptr_t)command, house.path, NULL};
    char *const env[]   = {(char[]){"PATH=/usr/bin:/bin"}, NULL};

    (void)owner;
    return child_start(
        house.children,
        &(struct child_spec){.argv = argv, .env = env, .queue_max = house.queue_max, .line_max = house.line_max},
        events, c, err);
}

static inline void
on_down(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c, (void)words;
    house.downs++;
}

static inline void
on_odd_line(void *owner, struct channel *c, struct str line, const char *why)
{
    (void)owner, (void)c, (void)line, (void)why;
    house.odd++;
}

static inline void
on_session_lost(void *owner, struct session *s)
{
    (void)owner, (void)s;
    house.lost++;
}

static inline void
on_closed(void *owner, struct channel *c)
{
    (void)owner, (void)c;
    house.closed++;
    house.channel = NULL;
}

static inline void
on_trouble(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c;
    snprintf(house.trouble, sizeof house.trouble, "%s", words);
}

static inline void
on_ready(void *owner, struct channel *c, const struct envelope *answer)
{
    (void)owner, (void)c;
    snprintf(house.server, sizeof house.server, "%.*s", STR_ARG(answer->peer_name));
}

static inline void
on_other_era(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c;
    snprintf(house.other_era, sizeof house.other_era, "%s", words);
}

static inline void
on_stranded(void *owner, struct channel *c, struct exchange *x, const char *words)
{
    (void)owner, (void)c;
    snprintf(house.stranded, sizeof house.stranded, "%.*s: %s", STR_ARG(x->message.id), words);
    exchange_close(x, CLOSE_REFUSED);
}

static inline bool
on_refused(void *owner, struct channel *c, struct exchange *x, struct str refusal)
{
    (void)owner, (void)c;
    snprintf(house.refusal, sizeof house.refusal, "%.*s", STR_ARG(refusal));
    if (house.takes_refused)
        exchange_close(x, CLOSE_REFUSED);
    return house.takes_refused;
}

static const struct channel_events events = {
    .start           = start,
    .on_ready        = on_ready,
    .on_down         = on_down,
    .on_stderr       = unheard_line,
    .on_odd_line     = on_odd_line,
    .on_session_lost = on_session_lost,
    .on_closed       = on_closed,
    .on_trouble      = on_trouble,
    .on_refused      = on_refused,
    .on_other_era    = on_other_era,
    .on_stranded     = on_stranded,
};

static inline void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static inline void
on_close(struct exchange *x, enum close_reason why)
{
    house.why    = why;
    house.status = x->http_status;
    snprintf(house.detail, sizeof house.detail, "%.*s", STR_ARG(x->detail));
}

static inline void
begin_house(void)
{
    struct sockaddr_un at  = {.sun_family = AF_UNIX};
    struct error       err = {0};

    house = (struct house){.peer = -1, .heard = {.max = MIB(8)}};
    wire_init(&house.wire);
    snprintf(house.path, sizeof house.path, "/tmp/gatehouse-channel-test-%d", getpid());
    unlink(house.path);
    house.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", house.path);
    assert_int_equal(bind(house.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(house.listener, 8), 0);
    house.children = children_new(&house.wire.loop, TEST_HELPER, &err);
    assert_non_null(house.children);
    exchanges_init(&house.exchanges, &house.wire.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    house.scratch = arena_new(KIB(8), MIB(8));
    house.ada = house.bob = (struct client){.front = {&front_ops}, .got = {.max = MIB(8)}};
}

static inline void
begin(bool isolated)
{
    begin_house();
    house.channel     = channel_new(&house.wire.loop, &events, NULL, house.scratch, isolated, SECONDS(5));
    house.ada.session = session_new(house.channel, "ada", NULL);
    if (!isolated)
        house.bob.session = session_new(house.channel, "bob", NULL);
}

static inline void
leave(struct client *c)
{
    if (c->session != NULL)
        session_end(c->session, CLOSE_SESSION_ENDED);
    c->session = NULL;
}

static inline void
finish(void)
{
    leave(&house.ada);
    leave(&house.bob);
    if (house.channel != NULL)
        channel_close(house.channel, CLOSE_SHUTDOWN);
    if (house.peer >= 0)
        close(house.peer);
    WAIT(children_count(house.children) == 0);
    children_free(house.children);
    exchanges_clear(&house.exchanges);
    arena_free(house.scratch);
    buffer_clear(&house.heard);
    buffer_clear(&house.ada.got);
    buffer_clear(&house.bob.got);
    close(house.listener);
    unlink(house.path);
    wire_clear(&house.wire);
}

/* A request, notification or reply of the client, a modern one when it has no session; `text` lives as long as the
 * test. */
static inline struct exchange *
say(struct client *c, const char *text)
{
    static const enum exchange_kind kinds[] = {KIND_REQUEST, KIND_NOTIFICATION, KIND_REPLY, KIND_REPLY};
    struct exchange                *x       = exchange_new(&house.exchanges, KIND_REQUEST, &c->front);

    assert_true(envelope_parse(&x->message, str_from(text), x->arena, NULL));
    x->kind      = kinds[x->message.kind];
    x->patience  = SECONDS(30);
    x->is_modern = c->session == NULL;
    assert_true(exchange_guard(x));
    exchange_send(x, c->session == NULL ? channel_back(house.channel) : session_back(c->session));
    return x;
}

static inline void
open_stream(struct client *c)
{
    struct exchange *x = exchange_new(&house.exchanges, KIND_STREAM, &c->front);

    assert_true(exchange_guard(x));
    exchange_send(x, session_back(c->session));
}

static inline bool
has_child(void)
{
    if (house.peer < 0)
        house.peer = accept4(house.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return house.peer >= 0;
}

static inline bool
child_heard(const char *text)
{
    return has_child() && wire_has(house.peer, &house.heard, text);
}

static inline void
child_says(const char *line)
{
    WAIT(has_child());
    wire_send(&house.wire, house.peer, str_from(line));
    wire_send(&house.wire, house.peer, STR("\n"));
}

static inline bool
got(const struct client *c, const char *text)
{
    return str_find(buffer_str(&c->got), str_from(text)) >= 0;
}

static inline size_t
count_of(const struct buffer *b, const char *text)
{
    size_t count = 0;

    for (struct str rest = buffer_str(b);; count++) {
        ptrdiff_t at = str_find(rest, str_from(text));
        if (at < 0)
            return count;
        rest = str_skip(rest, (size_t)at + 1);
    }
}

/* The child's number of what it heard last, and its answer to that. */
static inline void
child_answers(const char *method, const char *result)
{
    char text[1024], key[128];

    snprintf(key, sizeof key, "\"method\":\"%s\"", method);
    WAIT(child_heard(key));
    ptrdiff_t  at     = str_find(buffer_str(&house.heard), str_from(key));
    struct str before = str_take(buffer_str(&house.heard), (size_t)at), number = STR_NONE;
    for (ptrdiff_t id; (id = str_find(before, STR("\"id\":"))) >= 0;) {
        before = str_skip(before, (size_t)id + 5);
        number = before;
    }
    number = str_take(number, (size_t)str_index(number, ','));
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s}", STR_ARG(number), result);
    child_says(text);
    buffer_reset(&house.heard);
}

static inline void
open_both(void)
{
    say(&house.ada, INITIALIZE("\"first\""));
    if (house.bob.session != NULL)
        say(&house.bob, INITIALIZE("1"));
    child_answers("initialize", "\"result\":" GREETING);
    WAIT(got(&house.ada, "\"id\":\"first\",\"result\":" GREETING));
    if (house.bob.session != NULL)
        WAIT(got(&house.bob, "\"id\":1,\"result\":" GREETING));
    buffer_reset(&house.ada.got);
    buffer_reset(&house.bob.got);
}

#endif
