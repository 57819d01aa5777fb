/* A relay over HTTP: what its clients see of status, stream and session. */
#include "mcp/service/relay.h"
#include "mcp/service_wire.h"

static struct {
    const char     *result; /* NULL: refused with `code` */
    int             code;
    int             status; /* with which it is refused; 0: none of its own */
    bool            is_down, asks;
    struct request *held;
    size_t          served, stopped;
} far;

static void
open_far(struct request *r)
{
    struct relay_server server = {STR("{\"name\":\"far\"}"), STR("{\"tools\":{\"listChanged\":true}}"), STR_NONE};

    if (far.status != 0)
        request_challenge(r, far.status, STR("Bearer realm=\"far\""));
    if (far.is_down)
        request_refuse_with(r, -32603, STR("It is down"), NULL);
    else
        request_relay_known(r, &server);
}

static void
on_stopped(struct request *r)
{
    (void)r;
    far.stopped++;
    far.held = NULL;
}

static void
answer(struct request *r)
{
    yyjson_doc *doc = far.result == NULL ? NULL : yyjson_read(far.result, strlen(far.result), 0);

    if (far.status != 0)
        request_challenge(r, far.status, STR("Bearer realm=\"far\""));
    if (doc == NULL)
        request_refuse_with(r, far.code, STR("no"), NULL);
    else
        request_finish_with(r, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static void
serve_far(struct request *r)
{
    yyjson_val *refusal = NULL;

    far.served++;
    if (str_eq(request_method(r), STR("tools/call")) && far.result == NULL && far.code == 0) {
        far.held = r;
        request_on_cancel(r, on_stopped);
    } else if (!far.asks || request_ask(r, "where", STR("roots/list"), NULL, &refusal) != NULL) {
        answer(r);
    } else if (refusal != NULL) {
        request_refuse_with(r, (int)yyjson_get_sint(yyjson_obj_get(refusal, "code")), STR("cannot"),
                            yyjson_obj_get(refusal, "data"));
    }
}

static void
listen_far(void *owner, struct service *s)
{
    (void)owner, (void)s;
}

static const struct relay         relay = {.open = open_far, .serve = serve_far, .listen = listen_far};
static const struct service_table table = {.name = "near", .version = "1", .relay = &relay};

static void
begin(void)
{
    memset(&far, 0, sizeof far);
    begin_on(&table, (struct service_parts){.principal    = "local",
                                            .sessions_max = 100,
                                            .session_idle = SECONDS(60),
                                            .is_legacy    = true,
                                            .is_modern    = true});
}

#define CALLED  MODERN "Mcp-Method: tools/call\r\nMcp-Name: n\r\n"
#define MODERNS REQUEST("1", "tools/call", "\"name\":\"n\"," META)

TEST(a_modern_client_sees_errors_as_its_revision_has_them)
{
    begin();
    far.code = -32601;
    assert_answer(404, "\"id\":1,\"error\":{\"code\":-32601", "POST", MODERN "Mcp-Method: odd/one\r\n",
                  REQUEST("1", "odd/one", META));
    assert_int_equal(far.served, 1);
    assert_answer(404, "-32601", "POST", MODERN "Mcp-Method: ping\r\n", REQUEST("1", "ping", META));
    assert_answer(400, "-32020", "POST", MODERN "Mcp-Method: tools/call\r\nMcp-Name: other\r\n", MODERNS);
    assert_answer(400, "-32020", "POST", MODERN "Mcp-Method: tools/call\r\n", MODERNS);
    assert_answer(400, "-32020", "POST", MODERN, REQUEST("1", "odd/one", META));
    assert_int_equal(far.served, 1); /* what breaks a rule gets no further */
    far.code = -32602;
    assert_answer(200, "\"code\":-32602", "POST", CALLED, MODERNS);
    far.asks = true;
    assert_answer(400, "\"code\":-32021,\"message\":\"cannot\",\"data\":{\"requiredCapabilities\":{\"roots\":{}}}",
                  "POST", CALLED, MODERNS);
    finish();
}

#define CHALLENGE "\r\nWWW-Authenticate: Bearer realm=\"far\"\r\n"

TEST(a_challenge_is_the_status_of_a_refusal_in_either_era)
{
    begin();
    far.code   = -32601;
    far.status = 401;
    assert_answer(401, CHALLENGE, "POST", CALLED, MODERNS);
    assert_answer(401, "\"id\":1,\"error\":{\"code\":-32601", "POST", CALLED, MODERNS);
    far.status = 403;
    assert_answer(403, CHALLENGE, "POST", CALLED, MODERNS);
    far.is_down = true;
    assert_answer(403, CHALLENGE, "POST", MODERN "Mcp-Method: server/discover\r\n",
                  REQUEST("1", "server/discover", META));
    assert_answer(403, CHALLENGE, "POST", PLAIN, OPENING("2025-11-25"));
    far.is_down = false;
    far.result  = "{\"content\":[]}"; /* which is none */
    assert_answer(200, "\"content\":[]", "POST", CALLED, MODERNS);
    finish();
}

#define LISTED                                                                                                         \
    "{\"tools\":[{\"name\":\"n\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","     \
    "\"x-mcp-header\":\"A\"}}}},{\"name\":\"bad\",\"inputSchema\":{\"properties\":{\"a\":{\"type\":\"array\","         \
    "\"x-mcp-header\":\"A\"}}}}]}"
#define WITH_A REQUEST("1", "tools/call", "\"name\":\"n\",\"arguments\":{\"a\":\"x\"}," META)

TEST(arguments_that_a_listed_tool_wants_in_the_head_must_stand_there)
{
    begin();
    far.result = "{\"content\":[]}";
    assert_answer(200, "result", "POST", CALLED, WITH_A); /* nobody has listed it */
    far.result = LISTED;
    assert_answer(200, "\"x-mcp-header\"", "POST", MODERN "Mcp-Method: tools/list\r\n",
                  REQUEST("1", "tools/list", META));
    far.result = "{\"content\":[]}";
    assert_answer(400, "\"code\":-32020", "POST", CALLED, WITH_A);
    assert_answer(400, "\"code\":-32020", "POST", CALLED "Mcp-Param-A: y\r\n", WITH_A);
    assert_answer(200, "\"content\":[]", "POST", CALLED "Mcp-Param-A: x\r\n", WITH_A);
    assert_answer(200, "\"content\":[]", "POST", MODERN "Mcp-Method: tools/call\r\nMcp-Name: bad\r\n",
                  REQUEST("1", "tools/call", "\"name\":\"bad\",\"arguments\":{\"a\":[]}," META));
    service_relay_notification(here.service, 0, STR("notifications/tools/list_changed"), NULL);
    assert_answer(200, "\"content\":[]", "POST", CALLED, WITH_A); /* who knows */
    far.result = LISTED;
    assert_int_equal(ask("POST", MODERN "Mcp-Method: tools/list\r\n", REQUEST("1", "tools/list", META)), 200);
    far.result = "{\"tools\":[]}";
    assert_int_equal(ask("POST", MODERN "Mcp-Method: tools/list\r\n", REQUEST("1", "tools/list", META)), 200);
    assert_answer(200, "result", "POST", CALLED, WITH_A);
    finish();
}

TEST(a_modern_client_is_asked_in_its_answer)
{
    begin();
    far.asks   = true;
    far.result = "{\"content\":[]}";
    assert_answer(200, "\"inputRequests\":{\"where\":{\"method\":\"roots/list\",\"params\":{}}}", "POST", CALLED,
                  REQUEST("1", "tools/call",
                          "\"name\":\"n\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                          "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}"));
    assert_true(got("Content-Type: application/json"));
    finish();
}

TEST(a_session_with_a_server_that_is_down_is_not_there)
{
    begin();
    far.is_down = true;
    assert_answer(200, "\"error\":{\"code\":-32603,\"message\":\"It is down\"}", "POST", PLAIN, OPENING("2025-11-25"));
    WAIT_FOR(&here.wire, service_sessions(here.service) == 0);
    far.is_down = false;
    open_session(OPENING("2025-11-25"));
    far.result = "{\"tools\":[]}";
    assert_answer(200, "\"result\":{\"tools\":[]}", "POST", in_session(PLAIN), LIST);
    assert_int_equal(ask("DELETE", in_session(""), ""), 200);
    assert_int_equal(service_sessions(here.service), 0);
    finish();
}

TEST(who_leaves_is_cancelled_when_its_era_says_so)
{
    begin();
    send_alone("POST", CALLED, MODERNS);
    WAIT_FOR(&here.wire, far.held != NULL);
    close(here.client);
    here.client = -1;
    WAIT_FOR(&here.wire, far.stopped == 1);
    open_session(OPENING("2025-11-25"));
    send_alone("POST", in_session(PLAIN), REQUEST("1", "tools/call", "\"name\":\"n\""));
    WAIT_FOR(&here.wire, far.held != NULL);
    close(here.client);
    here.client = -1;
    assert_int_equal(ask("POST", in_session(PLAIN), REQUEST("2", "ping", "")), 200);
    assert_int_equal(far.stopped, 1);
    assert_int_equal(ask("DELETE", in_session(""), ""), 200);
    WAIT_FOR(&here.wire, far.stopped == 2);
    finish();
}
