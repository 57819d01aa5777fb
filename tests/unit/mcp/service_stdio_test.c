#include <fcntl.h>
#include <stdlib.h>

#include "http/wire.h"
#include "mcp/service/stdio.h"
#include "test.h"

#define MODERN                                                                                                         \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                           \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define REQUEST(id, method, params)                                                                                    \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}\n"
#define OPENING(revision)                                                                                              \
    REQUEST("0", "initialize",                                                                                         \
            "\"protocolVersion\":\"" revision "\",\"capabilities\":{},\"clientInfo\":{"                                \
            "\"name\":\"c\",\"version\":\"1\"}")
#define CALL(id, name, more) REQUEST(id, "tools/call", "\"name\":\"" name "\"" more)
#define TOLD                 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"

static struct here {
    struct wire      wire;
    struct exchanges exchanges;
    struct service  *service;
    struct stdio    *io;
    int              ends[2]; /* ours, its */
    struct buffer    got;
    struct request  *held;
    size_t           ended, stopped;
} here;

static void
greet(struct request *r)
{
    request_say(r, "Hello!");
    request_finish(r);
}

static void
on_stop(struct request *r)
{
    here.stopped++;
    here.held = NULL;
    request_finish(r);
}

static void
hold(struct request *r)
{
    here.held = r;
    request_on_cancel(r, on_stop);
}

/* Says much on the way. */
static void
chat(struct request *r)
{
    static char much[KIB(64)];

    memset(much, 'x', sizeof much - 1);
    for (int i = 1; i <= 100; i++)
        request_progress(r, i, 100, much);
    greet(r);
}

static const struct tool tools[] = {
    {.name = "greet", .call = greet}, {.name = "hold", .call = hold}, {.name = "chat", .call = chat}, {0}};
static const struct service_table table = {.name = "here", .version = "1", .tools = tools};
static const struct session_key   key;

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

static void
on_ended(void *owner)
{
    (void)owner;
    here.ended++;
}

static void
begin_with(struct stdio_parts parts, bool is_legacy)
{
    struct service_parts service = {.loop         = &here.wire.loop,
                                    .key          = &key,
                                    .principal    = "local",
                                    .sessions_max = 2,
                                    .session_idle = MILLISECONDS(1),
                                    .is_legacy    = is_legacy,
                                    .is_modern    = true};
    struct error         err     = {0};

    here = (struct here){.got = {.max = MIB(64)}};
    wire_init(&here.wire);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, here.ends), 0);
    assert_true(fd_set_nonblocking(here.ends[0]));
    exchanges_init(&here.exchanges, &here.wire.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    here.service = service_new(&table, &service, &err);
    if (here.service == NULL)
        fail_msg("%s", err.text);
    if (parts.in == 0)
        parts.in = parts.out = here.ends[1];
    parts.patience = SECONDS(30);
    parts.on_ended = on_ended;
    here.io        = stdio_new(here.service, &here.exchanges, &parts, &err);
    if (here.io == NULL)
        fail_msg("%s", err.text);
}

static void
begin(void)
{
    begin_with((struct stdio_parts){0}, true);
}

static void
finish(void)
{
    stdio_free(here.io);
    service_free(here.service);
    exchanges_clear(&here.exchanges);
    if (here.ends[0] >= 0)
        close(here.ends[0]);
    close(here.ends[1]);
    buffer_clear(&here.got);
    wire_clear(&here.wire);
}

static void
say(const char *lines)
{
    wire_send(&here.wire, here.ends[0], str_from(lines));
}

static bool
got(const char *text)
{
    return wire_has(here.ends[0], &here.got, text);
}

#define WAIT(expression) WAIT_FOR(&here.wire, expression)
/* The next line has the text, and nothing else came. */
#define assert_answer(lines, text)                                                                                     \
    do {                                                                                                               \
        buffer_reset(&here.got);                                                                                       \
        say(lines);                                                                                                    \
        WAIT(got("\n"));                                                                                               \
        if (!got(text))                                                                                                \
            fail_msg("wanted %s, got %.*s", text, STR_ARG(buffer_str(&here.got)));                                     \
    } while (0)

TEST(a_legacy_client_opens_its_session_and_calls)
{
    begin();
    assert_answer(OPENING("2025-06-18"), "\"protocolVersion\":\"2025-06-18\"");
    assert_answer(TOLD REQUEST("1", "tools/list", ""), "\"id\":1,\"result\"");
    assert_answer(CALL("\"a\"", "greet", ""), "\"id\":\"a\",\"result\"");
    assert_true(got("Hello!"));
    assert_answer(OPENING("2025-06-18"), "\"code\":-32600");
    assert_answer(REQUEST("2", "nothing/here", ""), "\"code\":-32601");
    finish();
}

TEST(before_the_opening_a_client_may_ping)
{
    begin();
    assert_answer(REQUEST("1", "tools/list", ""), "\"id\":1,\"error\":{\"code\":-32600");
    assert_answer(REQUEST("2", "ping", ""), "\"id\":2,\"result\":{}");
    timer_wheel_tick(&here.wire.loop.timers, clock_mono() + SECONDS(60)); /* however long it is silent then */
    assert_answer(REQUEST("3", "initialize", ""), "\"id\":3,\"error\":{\"code\":-32602");
    assert_answer(OPENING("2025-11-25"), "\"id\":0,\"result\"");
    finish();
}

TEST(a_modern_request_decides_and_an_opening_is_too_late_then)
{
    begin();
    assert_answer(REQUEST("1", "tools/list", MODERN), "\"resultType\":\"complete\"");
    assert_answer(OPENING("2025-11-25"), "\"code\":-32022");
    assert_true(got("\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":\"2025-11-25\"}"));
    assert_answer(REQUEST("2", "tools/list", ""), "\"id\":2,\"error\":{\"code\":-32602");
    assert_answer(REQUEST("3", "ping", MODERN), "\"code\":-32601");
    assert_answer("[{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\",\"params\":{" MODERN "}}]\n",
                  "\"code\":-32600");
    finish();
}

TEST(discovery_decides_nothing)
{
    begin();
    assert_answer(REQUEST("1", "server/discover", MODERN), "\"supportedVersions\"");
    assert_answer(REQUEST("2", "server/discover", ""), "\"code\":-32602");
    assert_answer(OPENING("2025-11-25"), "\"protocolVersion\":\"2025-11-25\"");
    finish();
}

TEST(a_service_without_legacy_clients_names_what_it_speaks)
{
    begin_with((struct stdio_parts){0}, false);
    assert_answer(OPENING("2025-11-25"), "\"code\":-32022");
    assert_answer(REQUEST("1", "tools/list", ""), "\"code\":-32602");
    assert_answer(REQUEST("1", "tools/list", MODERN), "\"result\"");
    finish();
}

TEST(a_batch_is_one_line_where_there_are_batches)
{
    begin();
    assert_answer("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]\n", "\"code\":-32600");
    assert_answer(OPENING("2025-03-26"), "2025-03-26");
    assert_answer("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"x\"},"
                  "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}]\n",
                  "\"id\":2,");
    assert_true(got("[{\"jsonrpc\":\"2.0\",\"id\":1,"));
    assert_answer("[]\n", "\"code\":-32600");
    assert_answer("[{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]\n" REQUEST("9", "ping", ""), "\"id\":9");
    finish();
}

TEST(no_other_revision_has_batches)
{
    static const char *const openings[] = {OPENING("2024-11-05"), OPENING("2025-06-18"), OPENING("2025-11-25")};

    for (size_t i = 0; i < 3; i++) {
        begin();
        assert_answer(openings[i], "\"id\":0");
        assert_answer("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]\n", "\"2.0\",\"error\":{\"code\":-32600");
        finish();
    }
}

TEST(what_cannot_be_read_is_answered_and_what_is_no_request_is_not)
{
    begin();
    assert_answer("{\n", "\"2.0\",\"error\":{\"code\":-32700");
    assert_answer("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}\n", "\"2.0\",\"error\":{\"code\":-32600");
    assert_answer("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\r\n  \n" TOLD REQUEST("6", "ping", ""), "\"id\":6");
    assert_true(str_starts(buffer_str(&here.got), STR("{\"jsonrpc\":\"2.0\",\"id\":6")));
    finish();
}

TEST(a_line_that_is_too_long_is_skipped_and_said)
{
    char *line = malloc(KIB(8));

    memset(line, 'x', KIB(8));
    line[KIB(8) - 1] = '\0';
    begin_with((struct stdio_parts){.line_max = KIB(4)}, true);
    say(line);
    assert_answer("\n", "longer than 4096");
    assert_answer(REQUEST("6", "ping", ""), "\"id\":6");
    finish();
    free(line);
}

TEST(the_end_of_the_input_waits_for_what_is_in_flight)
{
    begin();
    assert_answer(OPENING("2025-11-25"), "\"id\":0");
    say(CALL("1", "hold", ""));
    WAIT(here.held != NULL);
    shutdown(here.ends[0], SHUT_WR);
    wire_rest(&here.wire);
    assert_int_equal(here.ended, 0);
    request_finish(here.held);
    WAIT(here.ended == 1);
    assert_true(got("\"id\":1,\"result\""));
    assert_int_equal(here.exchanges.open, 0);
    assert_int_equal(service_sessions(here.service), 0);
    finish();
}

TEST(who_only_listens_does_not_put_off_the_end)
{
    begin();
    assert_answer(REQUEST("1", "subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}," MODERN),
                  "notifications/subscriptions/acknowledged");
    service_tools_changed(here.service);
    WAIT(got("notifications/tools/list_changed"));
    shutdown(here.ends[0], SHUT_WR);
    WAIT(here.ended == 1);
    finish();
}

TEST(a_client_that_is_gone_ends_what_it_waited_for)
{
    begin();
    assert_answer(OPENING("2025-11-25"), "\"id\":0");
    say(CALL("1", "hold", ""));
    WAIT(here.held != NULL);
    close(here.ends[0]);
    here.ends[0] = -1;
    request_say(here.held, "too late");
    request_finish(here.held);
    WAIT(here.ended == 1);
    assert_int_equal(here.exchanges.open, 0);
    finish();
}

TEST(a_cancelled_call_is_not_answered)
{
    static const char *const openings[] = {OPENING("2025-11-25"), REQUEST("0", "tools/list", MODERN)};
    static const char *const calls[]    = {CALL("1", "hold", ""), CALL("1", "hold", "," MODERN)};

    for (size_t i = 0; i < 2; i++) {
        begin();
        assert_answer(openings[i], "\"id\":0");
        say(calls[i]);
        WAIT(here.held != NULL);
        buffer_reset(&here.got);
        say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n");
        WAIT(here.stopped == 1);
        wire_rest(&here.wire);
        assert_false(got("\n"));
        finish();
    }
}

TEST(a_client_that_does_not_read_is_not_read_and_loses_no_answer)
{
    struct buffer lines = {.max = MIB(4)};

    begin();
    assert_answer(OPENING("2025-11-25"), "\"id\":0");
    for (int i = 1; i <= 20000; i++)
        assert_true(buffer_printf(&lines, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}\n", i));
    for (struct str rest = buffer_str(&lines); rest.len > 0;) {
        ssize_t put = send(here.ends[0], rest.data, rest.len, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN)
            wire_read(here.ends[0], &here.got, NULL); /* only now, both ways are full */
        rest = str_skip(rest, put < 0 ? 0 : (size_t)put);
        loop_turn(&here.wire.loop, 0);
    }
    WAIT(got("\"id\":20000,"));
    buffer_clear(&lines);
    size_t     answers = 0;
    struct str rest    = buffer_str(&here.got), line;
    while (str_cut(&rest, '\n', &line))
        answers++;
    assert_int_equal(answers, 20001);
    finish();
}

TEST(what_is_said_on_the_way_is_dropped_before_an_answer_is)
{
    begin_with((struct stdio_parts){.queue_max = KIB(256)}, true);
    assert_answer(OPENING("2025-11-25"), "\"id\":0");
    say(CALL("1", "chat", ",\"_meta\":{\"progressToken\":\"p\"}"));
    WAIT(got("Hello!"));
    assert_true(got("notifications/progress"));
    assert_true(buffer_len(&here.got) < MIB(2));
    finish();
}

TEST(a_file_is_read_to_its_end_and_one_is_written)
{
    FILE *in = tmpfile(), *out = tmpfile();
    char  text[KIB(4)];

    fputs(OPENING("2025-11-25") TOLD CALL("1", "greet", ""), in);
    fflush(in);
    rewind(in);
    begin_with((struct stdio_parts){.in = fileno(in), .out = fileno(out)}, true);
    WAIT(here.ended == 1);
    rewind(out);
    size_t len = fread(text, 1, sizeof text, out);
    assert_true(str_find(str_of(text, len), STR("Hello!")) > 0);
    finish();
    fclose(in);
    fclose(out);
}

TEST(the_descriptors_are_as_they_were_when_it_is_over)
{
    begin();
    assert_true((fcntl(here.ends[1], F_GETFL) & O_NONBLOCK) != 0);
    stdio_free(here.io);
    here.io = NULL;
    assert_int_equal(fcntl(here.ends[1], F_GETFL) & O_NONBLOCK, 0);
    finish();
}
