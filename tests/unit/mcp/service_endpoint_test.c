#include "http/wire.h"
#include "mcp/service/endpoint.h"
#include "test.h"

#define TYPE   "Content-Type: application/json\r\n"
#define BOTH   "Accept: application/json, text/event-stream\r\n"
#define PLAIN  TYPE BOTH
#define MODERN PLAIN "MCP-Protocol-Version: 2026-07-28\r\n"
#define META                                                                                                           \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                           \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define REQUEST(id, method, params)                                                                                    \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define OPENING(revision)                                                                                              \
    REQUEST("0", "initialize",                                                                                         \
            "\"protocolVersion\":\"" revision "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\","                 \
            "\"version\":\"1\"}")
#define TOLD "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define LIST REQUEST("7", "tools/list", "")

static struct here {
    struct wire         wire;
    struct http_server *server;
    uint16_t            port;
    struct exchanges    exchanges;
    struct service     *service;
    struct endpoint    *endpoint;
    struct session_key  key;
    int                 client;
    struct buffer       got;
    char                session[SESSION_ID_SIZE];
    struct request     *held;
    size_t              stopped, closed;
    enum close_reason   why; /* of the last that closed */
    bool                refuses;
} here;

static void
greet(struct request *r)
{
    struct str name = request_string(r, "name");

    request_say(r, "Hello, %.*s!", STR_ARG(name));
    request_finish(r);
}

static void
on_stop(struct request *r)
{
    here.stopped++;
    here.held = NULL;
    request_finish(r);
}

/* The test says when. */
static void
hold(struct request *r)
{
    here.held = r;
    request_on_cancel(r, on_stop);
    request_progress(r, 1, 2, NULL);
}

/* Says more on the way than a client may leave unread. */
static void
chat(struct request *r)
{
    static char much[KIB(64)];

    memset(much, 'x', sizeof much - 1);
    for (int i = 1; i <= 400; i++)
        request_progress(r, i, 400, much);
    request_finish(r);
}

static const struct tool tools[] = {
    {.name = "chat", .call = chat},
    {.name  = "greet",
     .call  = greet,
     .input = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"x-mcp-header\":\"Name\"}}}"},
    {.name = "hold", .call = hold},
    {.name = "samples", .call = greet, .needs = CLIENT_SAMPLES},
    {0},
};
static const struct service_table table = {.name = "here", .version = "1", .tools = tools};

static void
on_head(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_head(here.endpoint, r);
}

static void
on_request(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_request(here.endpoint, r);
}

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    (void)x;
    here.closed++;
    here.why = why;
}

static bool
judge(struct exchange *x, struct error *err)
{
    (void)x;
    return !here.refuses || error_set(err, ERROR_DENIED, "not today");
}

static bool (*const stages[])(struct exchange *x, struct error *err) = {judge, NULL};

static void
begin_with(struct service_parts parts)
{
    static const struct http_server_events events = {.on_head = on_head, .on_request = on_request};
    struct error                           err    = {0};

    here = (struct here){.client = -1, .got = {.max = MIB(8)}};
    wire_init(&here.wire);
    parts.loop  = &here.wire.loop;
    parts.key   = &here.key;
    here.server = http_server_new(&here.wire.net, &http_limits_default, STR_NONE, &events, NULL, &err);
    assert_true(http_server_listen(here.server, "127.0.0.1", 0, &here.port, &err));
    exchanges_init(&here.exchanges, &here.wire.loop,
                   &(struct exchange_hooks){.stages = stages, .on_message = on_message, .on_close = on_close});
    here.service = service_new(&table, &parts, &err);
    if (here.service == NULL)
        fail_msg("%s", err.text);
    here.endpoint =
        endpoint_new(here.service, &here.exchanges, &(struct endpoint_parts){.patience = SECONDS(30)}, &err);
    assert_non_null(here.endpoint);
}

static void
begin(void)
{
    begin_with((struct service_parts){
        .principal = "local", .sessions_max = 100, .session_idle = SECONDS(60), .is_legacy = true, .is_modern = true});
}

static void
finish(void)
{
    if (here.client >= 0)
        close(here.client);
    http_server_free(here.server);
    endpoint_free(here.endpoint);
    service_free(here.service);
    exchanges_clear(&here.exchanges);
    buffer_clear(&here.got);
    wire_clear(&here.wire);
}

/* On a connection of its own, by HTTP/1.0, so that the answer comes without chunks and ends with the connection. */
static void
send_on(int fd, const char *method, const char *lines, const char *body)
{
    struct buffer text = {.max = MIB(1)};

    assert_true(buffer_printf(&text, "%s /mcp HTTP/1.0\r\nHost: x\r\n%s", method, lines));
    if (strcmp(method, "POST") == 0)
        assert_true(buffer_printf(&text, "Content-Length: %zu\r\n", strlen(body)));
    assert_true(buffer_printf(&text, "\r\n%s", body));
    wire_send(&here.wire, fd, buffer_str(&text));
    buffer_clear(&text);
}

static void
send_alone(const char *method, const char *lines, const char *body)
{
    if (here.client >= 0)
        close(here.client);
    here.client = wire_connect(here.port);
    buffer_reset(&here.got);
    send_on(here.client, method, lines, body);
}

static bool
got(const char *text)
{
    return wire_has(here.client, &here.got, text);
}

/* Waits for the whole answer; its status. */
static int
ask(const char *method, const char *lines, const char *body)
{
    uint64_t status = 0;

    send_alone(method, lines, body);
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_true(str_to_u64(str_take(str_skip(buffer_str(&here.got), 9), 3), &status));
    return (int)status;
}

#define assert_answer(status_, text, method, lines, body)                                                              \
    do {                                                                                                               \
        int status_got = ask(method, lines, body);                                                                     \
        if (status_got != (status_) || !got(text))                                                                     \
            fail_msg("wanted %d with %s, got %.*s", status_, text, STR_ARG(buffer_str(&here.got)));                    \
    } while (0)

static const char *
in_session(const char *lines)
{
    static char all[1024];

    snprintf(all, sizeof all, "%sMcp-Session-Id: %s\r\n", lines, here.session);
    return all;
}

static void
open_session(const char *opening)
{
    assert_int_equal(ask("POST", PLAIN, opening), 200);
    struct str answer = buffer_str(&here.got), line;
    ptrdiff_t  at     = str_find_nocase(answer, STR("mcp-session-id: "));
    assert_true(at > 0);
    answer = str_skip(answer, (size_t)at + 16);
    assert_true(str_cut(&answer, '\r', &line));
    snprintf(here.session, sizeof here.session, "%.*s", STR_ARG(line));
}

static const char *
called(const char *name)
{
    static char lines[512];

    snprintf(lines, sizeof lines, MODERN "Mcp-Method: tools/call\r\nMcp-Name: %s\r\n", name);
    return lines;
}

TEST(a_modern_request_is_answered_without_a_session)
{
    begin();
    assert_answer(200, "\"name\":\"greet\"", "POST", MODERN "Mcp-Method: tools/list\r\n",
                  REQUEST("1", "tools/list", META));
    assert_true(got("Content-Type: application/json"));
    assert_false(got("Session-Id"));
    assert_answer(200, "Hello, Ada!", "POST",
                  MODERN "Mcp-Method: tools/call\r\nMcp-Name: greet\r\nMcp-Param-Name: Ada\r\n",
                  REQUEST("1", "tools/call", META ",\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}"));
    finish();
}

TEST(a_modern_request_that_breaks_a_rule_is_refused_with_its_id)
{
    begin();
    assert_answer(400, "\"id\":\"a\",\"error\":{\"code\":-32020", "POST", MODERN, REQUEST("\"a\"", "tools/list", META));
    assert_answer(400, "\"code\":-32602", "POST", MODERN, REQUEST("1", "tools/list", ""));
    assert_answer(404, "\"id\":1,\"error\":{\"code\":-32601", "POST", MODERN "Mcp-Method: initialize\r\n",
                  REQUEST("1", "initialize", META));
    assert_answer(400, "\"requiredCapabilities\":{\"sampling\":{}}", "POST", called("samples"),
                  REQUEST("1", "tools/call", META ",\"name\":\"samples\""));
    assert_answer(400, "\"code\":-32020", "POST", called("greet"),
                  REQUEST("1", "tools/call", META ",\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}"));
    assert_answer(400, "\"supported\":[\"2026-07-28\"],\"requested\":\"v9\"", "POST",
                  PLAIN "MCP-Protocol-Version: v9\r\n",
                  REQUEST("1", "tools/list",
                          "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"v9\","
                          "\"io.modelcontextprotocol/clientCapabilities\":{}}"));
    assert_answer(400, "\"id\":1,\"error\":{\"code\":-32602", "POST", PLAIN, REQUEST("1", "server/discover", ""));
    assert_answer(400, "-32600", "POST", MODERN, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    assert_answer(400, "-32600", "POST", PLAIN, "[" REQUEST("1", "tools/list", META) "]");
    assert_answer(400, "-32600", "POST", MODERN, "[" LIST "]");
    assert_answer(202, "\r\n\r\n", "POST", MODERN,
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    finish();
}

TEST(a_legacy_session_is_opened_used_and_deleted)
{
    begin();
    open_session(OPENING("2025-06-18"));
    assert_true(got("\"protocolVersion\":\"2025-06-18\""));
    assert_int_equal(service_sessions(here.service), 1);
    assert_int_equal(ask("POST", in_session(PLAIN "MCP-Protocol-Version: 2025-06-18\r\n"), TOLD), 202);
    assert_answer(200, "\"id\":7,\"result\"", "POST", in_session(PLAIN), LIST);
    assert_answer(200, "Hello, Ada!", "POST", in_session(PLAIN),
                  REQUEST("1", "tools/call", "\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}"));
    assert_int_equal(ask("DELETE", in_session(""), ""), 200);
    assert_int_equal(service_sessions(here.service), 0);
    assert_answer(404, "\"id\":7,\"error\":{\"code\":-32001", "POST", in_session(PLAIN), LIST);
    assert_int_equal(ask("DELETE", in_session(""), ""), 404);
    assert_int_equal(ask("GET", in_session(BOTH), ""), 404);
    finish();
}

TEST(what_a_legacy_client_does_wrong_is_told_by_status_and_code)
{
    begin();
    assert_answer(400, "\"id\":7,\"error\":{\"code\":-32000", "POST", PLAIN, LIST);
    assert_answer(404, "\"code\":-32001", "POST", PLAIN "Mcp-Session-Id: nobody\r\n", LIST);
    assert_answer(404, "\"code\":-32001", "POST", PLAIN "Mcp-Session-Id: nobody\r\n", OPENING("2025-11-25"));
    assert_answer(400, "\"code\":-32020", "POST", MODERN, OPENING("2025-11-25"));
    assert_answer(400, "\"id\":1,\"error\":{\"code\":-32602", "POST", PLAIN, REQUEST("1", "initialize", ""));
    assert_answer(400, "\"id\":1,\"error\":{\"code\":-32602", "POST", PLAIN,
                  REQUEST("1", "initialize", "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}"));
    assert_int_equal(service_sessions(here.service), 0); /* none stays behind a refusal */
    assert_answer(400, "\"code\":-32600", "POST", PLAIN, "{\"jsonrpc\":\"2.0\",\"method\":\"initialize\"}");
    assert_answer(400, "\"code\":-32600", "POST", PLAIN, "[" OPENING("2025-03-26") "]");
    open_session(OPENING("2025-11-25"));
    assert_answer(400, "\"id\":0,\"error\":{\"code\":-32600", "POST", in_session(PLAIN), OPENING("2025-11-25"));
    assert_answer(400, "\"code\":-32000", "POST", in_session(PLAIN "MCP-Protocol-Version: 1999-01-01\r\n"), LIST);
    assert_answer(400, "\"code\":-32600", "POST", in_session(PLAIN), "[" LIST "]");
    assert_int_equal(ask("GET", in_session(BOTH "MCP-Protocol-Version: 1999-01-01\r\n"), ""), 400);
    assert_int_equal(service_sessions(here.service), 1);
    finish();
}

TEST(an_opening_heeds_no_version_header_and_answers_with_what_it_speaks)
{
    begin();
    assert_answer(200, "\"protocolVersion\":\"2025-11-25\"", "POST",
                  PLAIN "MCP-Protocol-Version: 1999-01-01\r\nMcp-Method: x\r\n", OPENING("1999-01-01"));
    assert_answer(200, "\"protocolVersion\":\"2024-11-05\"", "POST", PLAIN, OPENING("2024-11-05"));
    finish();
}

TEST(what_is_no_message_is_refused_with_an_id_only_if_it_has_one)
{
    static const struct {
        const char *body, *error;
    } cases[] = {
        {"", "\"2.0\",\"error\":{\"code\":-32700"},
        {"{", "\"2.0\",\"error\":{\"code\":-32700"},
        {"[]", "\"2.0\",\"error\":{\"code\":-32600"},
        {"[1]", "\"2.0\",\"error\":{\"code\":-32600"},
        {"1", "\"2.0\",\"error\":{\"code\":-32600"},
        {"\"x\"", "\"2.0\",\"error\":{\"code\":-32600"},
        {"null", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"x\"}", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"x\"}", "\"2.0\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"x\"}", "\"id\":5,\"error\":{\"code\":-32600"},
        {"{\"id\":\"five\",\"method\":\"x\"}", "\"id\":\"five\",\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"x\",\"params\":[]}", "\"id\":5,\"error\":{\"code\":-32600"},
    };

    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_answer(400, cases[i].error, "POST", PLAIN, cases[i].body);
        assert_answer(400, cases[i].error, "POST", MODERN, cases[i].body);
    }
    assert_int_equal(service_sessions(here.service), 0);
    assert_int_equal(here.exchanges.open, 0);
    finish();
}

TEST(what_the_head_says_is_judged_before_the_body)
{
    begin();
    assert_answer(415, "-32000", "POST", "Content-Type: text/plain\r\n" BOTH, LIST);
    assert_answer(406, "-32000", "POST", TYPE "Accept: application/json\r\n", LIST);
    assert_answer(406, "-32000", "POST", TYPE "Accept: text/event-stream\r\n", LIST);
    assert_answer(400, "-32602", "POST",
                  TYPE "Accept: text/*;q=0.5\r\nAccept: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\n",
                  LIST);
    assert_answer(400, "-32602", "POST", TYPE "Accept: */*\r\nMCP-Protocol-Version: 2026-07-28\r\n", LIST);
    assert_answer(405, "Allow: POST\r\n", "GET", BOTH, "");
    assert_answer(405, "Allow: POST\r\n", "DELETE", "", "");
    assert_answer(405, "Allow: POST\r\n", "PUT", "", "");
    open_session(OPENING("2025-11-25"));
    assert_int_equal(ask("GET", in_session("Accept: application/json\r\n"), ""), 406);
    assert_int_equal(ask("GET", in_session(BOTH "MCP-Protocol-Version: 2026-07-28\r\n"), ""), 405);
    assert_int_equal(ask("DELETE", in_session("MCP-Protocol-Version: 2026-07-28\r\n"), ""), 405);
    assert_answer(400, "given twice", "POST", in_session(PLAIN "Mcp-Session-Id: other\r\n"), LIST);
    finish();
}

TEST(a_batch_is_answered_together_where_there_are_batches)
{
    begin();
    open_session(OPENING("2025-03-26"));
    assert_int_equal(ask("POST", in_session(PLAIN), "[" TOLD "]"), 202);
    assert_answer(200, "\"id\":2", "POST", in_session(PLAIN),
                  "[" REQUEST("1", "ping", "") "," TOLD "," REQUEST("2", "ping", "") "]");
    assert_true(got("[{") && got("\"id\":1"));
    assert_answer(400, "-32600", "POST", in_session(PLAIN), "[" OPENING("2025-03-26") "," LIST "]");
    assert_answer(400, "-32600", "POST", in_session(PLAIN), "[" LIST ",{\"jsonrpc\":\"2.0\",\"id\":null}]");
    finish();
}

TEST(a_batch_of_which_one_speaks_on_the_way_becomes_a_stream)
{
    begin();
    open_session(OPENING("2025-03-26"));
    send_alone("POST", in_session(PLAIN),
               "[" REQUEST("1", "tools/call", "\"name\":\"hold\",\"_meta\":{\"progressToken\":1}") "," TOLD "," REQUEST(
                   "2", "ping", "") "]");
    WAIT_FOR(&here.wire, got("\"id\":2,\"result\":{}"));
    assert_true(got("notifications/progress"));
    request_finish(here.held);
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_true(got("\"id\":1,\"result\""));
    finish();
}

TEST(a_batch_whose_client_does_not_read_ends_what_was_not_begun)
{
    begin();
    open_session(OPENING("2025-03-26"));
    send_alone("POST", in_session(PLAIN),
               "[" REQUEST("1", "tools/call", "\"name\":\"chat\",\"_meta\":{\"progressToken\":1}") "," TOLD "," REQUEST(
                   "2", "ping", "") "]");
    WAIT_FOR(&here.wire, here.closed == 4); /* the opening among them */
    assert_int_equal(ask("POST", in_session(PLAIN), REQUEST("3", "ping", "")), 200);
    finish();
}

TEST(a_session_has_one_stream)
{
    begin();
    open_session(OPENING("2025-11-25"));
    send_alone("GET", in_session(BOTH), "");
    WAIT_FOR(&here.wire, got("Content-Type: text/event-stream"));
    int first   = here.client;
    here.client = -1;
    assert_int_equal(ask("GET", in_session(BOTH), ""), 409);
    close(first);
    for (int status = 409; status == 409;) {
        send_alone("GET", in_session(BOTH), "");
        WAIT_FOR(&here.wire, got("HTTP/1.1 "));
        status = got("HTTP/1.1 200") ? 200 : 409;
    }
    assert_int_equal(ask("DELETE", in_session(""), ""), 200);
    finish();
}

TEST(a_modern_client_that_leaves_has_cancelled)
{
    begin();
    send_alone("POST", called("hold"), REQUEST("1", "tools/call", META ",\"name\":\"hold\""));
    WAIT_FOR(&here.wire, here.held != NULL);
    close(here.client);
    here.client = -1;
    WAIT_FOR(&here.wire, here.closed == 1);
    assert_int_equal(here.why, CLOSE_CANCELLED);
    WAIT_FOR(&here.wire, here.stopped == 1);
    finish();
}

TEST(a_legacy_client_that_leaves_has_not_cancelled)
{
    begin();
    open_session(OPENING("2025-06-18"));
    size_t closed = here.closed;
    send_alone("POST", in_session(PLAIN), REQUEST("1", "tools/call", "\"name\":\"hold\""));
    WAIT_FOR(&here.wire, here.held != NULL);
    close(here.client);
    here.client = -1;
    wire_rest(&here.wire);
    assert_int_equal(here.closed, closed);
    assert_int_equal(here.stopped, 0);
    request_finish(here.held);
    WAIT_FOR(&here.wire, here.closed == closed + 1);
    assert_int_equal(here.why, CLOSE_ANSWERED);
    finish();
}

TEST(progress_makes_a_stream_and_the_answer_ends_it)
{
    begin();
    send_alone("POST", called("hold"),
               REQUEST("1", "tools/call",
                       "\"name\":\"hold\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                       "\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":\"p\"}"));
    WAIT_FOR(&here.wire, got("\"progressToken\":\"p\""));
    assert_true(got("text/event-stream"));
    request_finish(here.held);
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_true(got("\"resultType\":\"complete\""));
    finish();
}

TEST(a_silent_session_ends)
{
    begin_with((struct service_parts){.principal    = "local",
                                      .sessions_max = 100,
                                      .session_idle = MILLISECONDS(50),
                                      .is_legacy    = true,
                                      .is_modern    = true});
    open_session(OPENING("2025-11-25"));
    WAIT_FOR(&here.wire, service_sessions(here.service) == 0);
    assert_int_equal(ask("POST", in_session(PLAIN), LIST), 404);
    finish();
}

TEST(a_stage_that_refuses_ends_a_request_and_all_of_a_batch)
{
    begin();
    open_session(OPENING("2025-03-26"));
    here.refuses = true;
    assert_answer(403, "not today", "POST", in_session(PLAIN), LIST);
    assert_answer(403, "not today", "POST", in_session(PLAIN), "[" LIST "," REQUEST("8", "ping", "") "]");
    assert_true(got("\"id\":8"));
    assert_answer(403, "\"id\":null", "POST", in_session(PLAIN), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
    assert_int_equal(ask("POST", PLAIN, OPENING("2025-11-25")), 403);
    assert_int_equal(service_sessions(here.service), 1);
    finish();
}

TEST(a_service_of_one_era_refuses_the_other_and_says_which_it_speaks)
{
    begin_with((struct service_parts){.principal = "local", .sessions_max = 100, .is_modern = true});
    assert_answer(400, "\"supported\":[\"2026-07-28\"],\"requested\":\"2025-11-25\"", "POST", PLAIN,
                  OPENING("2025-11-25"));
    assert_answer(400, "-32602", "POST", PLAIN, LIST);
    finish();
    begin_with((struct service_parts){.principal = "local", .sessions_max = 100, .is_legacy = true});
    assert_answer(400, "\"supported\":[\"2025-11-25\"", "POST", MODERN "Mcp-Method: tools/list\r\n",
                  REQUEST("1", "tools/list", META));
    open_session(OPENING("2025-11-25"));
    finish();
}

TEST(sessions_are_bounded)
{
    begin_with((struct service_parts){.principal = "local", .sessions_max = 1, .is_legacy = true});
    open_session(OPENING("2025-11-25"));
    assert_answer(503, "\"id\":0", "POST", PLAIN, OPENING("2025-11-25"));
    finish();
}
