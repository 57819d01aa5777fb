#include "mcp/service_wire.h"

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
begin_with(struct service_parts parts)
{
    begin_on(&table, parts);
}

static void
begin(void)
{
    begin_with((struct service_parts){
        .principal = "local", .sessions_max = 100, .session_idle = SECONDS(60), .is_legacy = true, .is_modern = true});
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
