#include "mcp/client/way_stdio.h"

#include <sys/un.h>

#include "child/test_paths.h"
#include "mcp/client/ways.h"
#include "mcp/test_paths.h"
#include "mcp/unheard.h"

#define OPENS(id)                                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","     \
    "\"capabilities\":{},\"clientInfo\":{\"name\":\"a\",\"version\":\"1\"}}}"
#define GREETING                                                                                                       \
    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"w\",\"version\":\"1\"}}"
#define CALL     "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}"
#define LOG      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}"
#define CHANGED  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"
#define QUESTION "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}"
#define REPLY    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"roots\":[]}}"

/* A channel whose child the test plays on a socket. */
static struct children *children;
static struct channel  *channel, *modern;
static struct session  *session;
static struct buffer    heard;
static int              listener, peer;
static char             path[64];

static struct child *
start(void *owner, const struct child_events *events, struct channel *c, struct error *err)
{
    char *const argv[] = {(char *)(uintptr_t)TEST_MCP_PEER, path, NULL};
    char *const env[]  = {(char[]){"PATH=/usr/bin:/bin"}, NULL};

    (void)owner;
    return child_start(children, &(struct child_spec){.argv = argv, .env = env}, events, c, err);
}

static void
hear_words(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c, (void)words;
}

static void
hear_odd_line(void *owner, struct channel *c, struct str line, const char *why)
{
    (void)owner, (void)c, (void)line, (void)why;
}

static void
hear_lost(void *owner, struct session *s)
{
    (void)owner, (void)s;
}

static void
hear_closed(void *owner, struct channel *c)
{
    (void)owner, (void)c;
    channel = NULL;
}

static void
strand(void *owner, struct channel *c, struct exchange *x, const char *words)
{
    (void)owner, (void)c;
    exchange_fail(x, CLOSE_UNREACHABLE, "%s", words);
}

static void
lose_modern(void *owner, struct channel *c, const char *words)
{
    (void)owner, (void)c, (void)words;
    way_stdio_lose_modern(ways.way);
}

static void
modern_closed(void *owner, struct channel *c)
{
    (void)owner, (void)c;
    modern = NULL;
}

static const struct channel_events events        = {.start           = start,
                                                    .on_ready        = unheard_ready,
                                                    .on_down         = hear_words,
                                                    .on_stderr       = unheard_line,
                                                    .on_odd_line     = hear_odd_line,
                                                    .on_session_lost = hear_lost,
                                                    .on_closed       = hear_closed,
                                                    .on_trouble      = hear_words};
static const struct channel_events modern_events = {.start           = start,
                                                    .on_ready        = unheard_ready,
                                                    .on_down         = hear_words,
                                                    .on_stderr       = unheard_line,
                                                    .on_odd_line     = hear_odd_line,
                                                    .on_session_lost = hear_lost,
                                                    .on_closed       = modern_closed,
                                                    .on_trouble      = hear_words,
                                                    .on_other_era    = lose_modern,
                                                    .on_stranded     = strand};

static void
begin(void)
{
    static const struct way_hooks hooks = {0};
    struct sockaddr_un            at    = {.sun_family = AF_UNIX};
    struct error                  err   = {0};

    ways_begin();
    peer  = -1;
    heard = (struct buffer){.max = MIB(8)};
    snprintf(path, sizeof path, "/tmp/gatehouse-way-test-%d", getpid());
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    children = children_new(&ways.wire.loop, TEST_HELPER, &err);
    assert_non_null(children);
    channel  = channel_new(&ways.wire.loop, &events, NULL, ways.scratch, false, SECONDS(5));
    session  = session_new(channel, "s", NULL);
    modern   = NULL;
    ways.way = way_stdio_new(&ways.exchanges, session, &hooks);
}

/* Both eras. */
static void
begin_both(void)
{
    static const struct way_hooks hooks = {0};

    begin();
    ways_free_way();
    modern   = channel_new_modern(&ways.wire.loop, &modern_events, NULL, ways.scratch, SECONDS(5));
    ways.way = way_stdio_new_modern(&ways.exchanges, modern, session, &hooks);
}

static void
end_session(void)
{
    if (session != NULL)
        session_end(session, CLOSE_SESSION_ENDED);
    session = NULL;
}

static void
finish(void)
{
    ways_free_way();
    end_session();
    if (channel != NULL)
        channel_close(channel, CLOSE_SHUTDOWN);
    if (modern != NULL)
        channel_close(modern, CLOSE_SHUTDOWN);
    if (peer >= 0)
        close(peer);
    WAYS_WAIT(children_count(children) == 0);
    children_free(children);
    buffer_clear(&heard);
    close(listener);
    unlink(path);
    ways_finish();
}

static bool
child_heard(const char *text)
{
    if (peer < 0)
        peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer >= 0 && wire_has(peer, &heard, text);
}

static void
child_says(const char *line)
{
    wire_send(&ways.wire, peer, str_from(line));
    wire_send(&ways.wire, peer, STR("\n"));
}

/* The child answers the newest request: the channel numbers them from 1 on. */
static void
child_answers(unsigned number, const char *result)
{
    char text[512];

    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":%s}", number, result);
    child_says(text);
}

static void
open_way(void)
{
    struct box b = {0}, t = {0};

    box_request(&b, OPENS("0"));
    WAYS_WAIT(child_heard("initialize"));
    child_answers(1, GREETING);
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_ANSWERED);
    assert_int_equal(b.status, 0);
    assert_int_equal(b.heads, 0);
    box_assert(&b, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":" GREETING "}\n");
    box_send(&t, &(struct mail_spec){.kind    = KIND_NOTIFICATION,
                                     .message = STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}")});
    WAYS_WAIT(t.ends == 1);
    box_assert(&t, "");
}

TEST(a_session_is_opened_and_a_call_answered_under_its_own_id)
{
    struct box b = {0};

    begin();
    open_way();
    box_request(&b, CALL);
    WAYS_WAIT(child_heard("tools/call"));
    child_says(LOG);
    child_answers(2, "{}");
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_ANSWERED);
    box_assert(&b, LOG "\n{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n");
    finish();
}

static struct box reply;

static void
answer_it(struct box *b, const struct envelope *e)
{
    (void)b;
    if (e->kind == MESSAGE_REQUEST)
        box_send(&reply, &(struct mail_spec){.kind = KIND_REPLY, .message = STR(REPLY)});
}

TEST(a_question_may_be_answered_at_once)
{
    struct box b = {.on_each = answer_it};

    begin();
    reply = (struct box){0};
    open_way();
    box_request(&b, CALL);
    WAYS_WAIT(child_heard("tools/call"));
    child_says(QUESTION);
    WAYS_WAIT(child_heard(REPLY));
    WAYS_WAIT(reply.ends == 1);
    child_answers(2, "{}");
    WAYS_WAIT(b.ends == 1);
    box_assert(&b, QUESTION "\n{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n");
    box_assert(&reply, "");
    finish();
}

TEST(what_is_said_outside_of_calls_goes_to_who_listens)
{
    struct box s = {0};

    begin();
    open_way();
    child_says(CHANGED);
    wire_rest(&ways.wire);
    box_send(&s, &(struct mail_spec){.kind = KIND_STREAM});
    child_says(LOG);
    WAYS_WAIT(str_find(buffer_str(&s.got), STR("notifications/message")) > 0);
    box_assert(&s, CHANGED "\n" LOG "\n");
    finish();
    assert_int_equal(s.ends, 0);
}

static void
lose_all(struct box *b, const struct envelope *e)
{
    (void)b, (void)e;
    ways_free_way();
    end_session();
}

TEST(who_is_told_may_free_the_way_and_end_the_session)
{
    struct box b = {.on_each = lose_all};

    begin();
    open_way();
    box_request(&b, CALL);
    WAYS_WAIT(child_heard("tools/call"));
    child_says(LOG);
    child_answers(2, "{}");
    WAYS_WAIT(session == NULL);
    wire_rest(&ways.wire);
    assert_int_equal(b.ends, 0);
    box_assert(&b, LOG "\n");
    finish();
}

TEST(a_session_that_ends_ends_its_mails_and_takes_no_more)
{
    struct box b = {0}, c = {0};

    begin();
    open_way();
    box_request(&b, CALL);
    WAYS_WAIT(child_heard("tools/call"));
    way_stdio_lose(ways.way);
    end_session();
    assert_int_equal(b.ends, 0); /* not inside of that */
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_SESSION_ENDED);
    box_request(&c, CALL);
    WAYS_WAIT(c.ends == 1);
    assert_int_equal(c.why, CLOSE_SESSION_ENDED);
    box_assert(&b, "");
    box_assert(&c, "");
    finish();
}

TEST(a_dropped_call_is_cancelled_at_the_child)
{
    struct box b = {0};

    begin();
    open_way();
    box_request(&b, CALL);
    WAYS_WAIT(child_heard("tools/call"));
    ways.way->ops->drop(b.mail, CLOSE_CANCELLED);
    WAYS_WAIT(child_heard("notifications/cancelled"));
    wire_rest(&ways.wire);
    assert_int_equal(b.ends, 0);
    box_assert(&b, "");
    finish();
}

#define META                                                                                                           \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/"                 \
    "clientCapabilities\":{}}"
#define LISTS "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\",\"params\":{" META "}}"
#define FINDS "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"server/discover\",\"params\":{" META "}}"

static void
box_request_modern(struct box *b, const char *message)
{
    box_send(b, &(struct mail_spec){
                    .kind = KIND_REQUEST, .message = str_from(message), .is_modern = true, .patience = SECONDS(30)});
}

TEST(a_modern_message_goes_to_a_modern_child)
{
    struct box b = {0};

    begin_both();
    box_request_modern(&b, LISTS);
    WAYS_WAIT(child_heard("server/discover"));
    child_answers(1, "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}");
    WAYS_WAIT(child_heard("tools/list"));
    child_answers(2, "{\"resultType\":\"complete\",\"tools\":[]}");
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_ANSWERED);
    box_assert(&b, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"tools\":[]}}\n");
    finish();
}

TEST(a_child_of_the_other_era_is_told_by_an_end_and_opened_anew)
{
    struct box b = {0}, c = {0};

    begin_both();
    box_request_modern(&b, FINDS);
    WAYS_WAIT(child_heard("server/discover"));
    child_says("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}");
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_UNREACHABLE);
    box_request_modern(&c, LISTS);
    WAYS_WAIT(c.ends == 1);
    assert_int_equal(c.why, CLOSE_UNREACHABLE);
    close(peer);
    peer = -1;
    open_way();
    box_assert(&b, "");
    box_assert(&c, "");
    finish();
}
