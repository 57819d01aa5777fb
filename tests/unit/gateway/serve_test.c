/* What is built in, behind the gateway: a server like any, with sessions, states and a place in the log. */
#include <stdlib.h>

#include "gateway/gateway.h"
#include "http/wire.h"
#include "mcp/service/running.h"
#include "store/query.h"
#include "test.h"

#define PLAIN  "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nUser-Agent: u/1\r\n"
#define MODERN PLAIN "MCP-Protocol-Version: 2026-07-28\r\n"
#define META                                                                                                           \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                           \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bob\",\"version\":\"3\"},"                                     \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define REQUEST(id, method, params)                                                                                    \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define OPENING                                                                                                        \
    REQUEST("0", "initialize",                                                                                         \
            "\"protocolVersion\":\"1999-01-01\",\"capabilities\":{},\"clientInfo\":{\"name\":\"ada\","                 \
            "\"version\":\"2\"}")
#define GREET REQUEST("1", "tools/call", "\"name\":\"greet\"")

static struct here {
    struct wire         wire;
    struct settings     settings;
    struct http_server *server;
    uint16_t            port;
    struct session_key  key;
    struct service     *service;
    struct traffic     *traffic;
    struct gateway     *gateway;
    struct request     *held;
    int                 client;
    struct buffer       got;
    char                session[SESSION_ID_SIZE], directory[64], path[96];
    struct buffer       log;   /* of the rows: a line each */
    size_t              asked; /* for the service */
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
    here.held = NULL;
    request_finish(r);
}

static void
hold(struct request *r)
{
    here.held = r;
    request_on_cancel(r, on_stop);
}

static const struct tool          tools[] = {{.name = "greet", .call = greet}, {.name = "hold", .call = hold}, {0}};
static const struct service_table table   = {.name = "keeper", .version = "7", .tools = tools};

static void
on_head(void *owner, struct http_request *r)
{
    (void)owner;
    gateway_take_head(here.gateway, r);
}

static void
on_request(void *owner, struct http_request *r)
{
    (void)owner;
    gateway_take_request(here.gateway, r);
}

static struct registry *
registry_of(const char *text)
{
    static char *const           environment[] = {NULL};
    const struct registry_source from          = {
                 .path = "/home/ada/.gatehouse/mcp.json", .environment = environment, .has_built_in = true};

    struct registry *r = registry_parse(&from, str_from(text), NULL);
    assert_non_null(r);
    return r;
}

static void
set_registry(const char *text)
{
    struct registry *r = registry_of(text);

    gateway_set_registry(here.gateway, r);
    registry_unref(r);
}

static void
open_service(void)
{
    struct error err = {0};

    here.service = service_new(&table,
                               &(struct service_parts){.loop         = &here.wire.loop,
                                                       .key          = &here.key,
                                                       .principal    = "local",
                                                       .sessions_max = 2,
                                                       .is_legacy    = true,
                                                       .is_modern    = true},
                               &err);
    assert_non_null(here.service);
}

static struct service *
find_service(void *owner, struct str name, struct error *err)
{
    (void)owner, (void)err;
    assert_str(name, "snapshots");
    here.asked++;
    return here.service;
}

static void
begin_with(const char *registry)
{
    static const struct http_server_events events = {.on_head = on_head, .on_request = on_request};
    struct error                           err    = {0};

    here = (struct here){
        .client = -1, .got = {.max = MIB(8)}, .log = {.max = MIB(1)}, .directory = "/tmp/gatehouse-serve-XXXXXX"};
    assert_non_null(mkdtemp(here.directory));
    snprintf(here.path, sizeof here.path, "%s/traffic.db", here.directory);
    assert_true(traffic_open(&here.traffic, here.path, NULL, &err));
    assert_true(settings_init(&here.settings, &err));
    wire_init(&here.wire);
    here.server = http_server_new(&here.wire.net, &http_limits_default, STR_NONE, &events, NULL, &err);
    assert_true(http_server_listen(here.server, "127.0.0.1", 0, &here.port, &err));
    open_service();
    struct registry *first = registry_of(registry);
    here.gateway           = gateway_new(&(struct gateway_parts){.loop        = &here.wire.loop,
                                                                 .settings    = &here.settings,
                                                                 .traffic     = here.traffic,
                                                                 .session_key = &here.key,
                                                                 .service     = find_service},
                                         first, &err);
    registry_unref(first);
    assert_non_null(here.gateway);
}

static void
begin(void)
{
    begin_with("");
}

static bool
note_row(const struct exchange_view *x, void *arg)
{
    (void)arg;
    return buffer_printf(&here.log, "%.*s %.*s: %.*s %.*s, %s, %d, of %.*s %.*s %.*s, %.*s %.*s\n", STR_ARG(x->server),
                         STR_ARG(x->transport), STR_ARG(x->method), STR_ARG(x->target), outcome_name(x->outcome),
                         x->http_status, STR_ARG(x->client), STR_ARG(x->client_version), STR_ARG(x->revision),
                         STR_ARG(x->server_name), STR_ARG(x->server_version));
}

static void
finish(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-slots", "-reserve"};
    char                     path[128];
    struct error             err = {0};

    if (here.client >= 0)
        close(here.client);
    http_server_free(here.server);
    gateway_free(here.gateway);
    assert_int_equal(service_sessions(here.service), 0);
    service_free(here.service);
    wire_clear(&here.wire);
    traffic_close(here.traffic);
    struct reader *r = reader_open(here.path, &err);
    assert_non_null(r);
    assert_true(query_run(r, &(struct query){.ascending = true}, note_row, NULL, &err));
    reader_close(r);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(path, sizeof path, "%s%s", here.path, ends[i]);
        unlink(path);
    }
    rmdir(here.directory);
    settings_clear(&here.settings);
    buffer_clear(&here.got);
}

/* After finish: what is on record. */
static void
assert_log(const char *wanted)
{
    if (!str_eq(buffer_str(&here.log), str_from(wanted)))
        fail_msg("on record:\n%.*s\nwanted:\n%s", STR_ARG(buffer_str(&here.log)), wanted);
    buffer_clear(&here.log);
}

static void
send_alone(const char *method, const char *lines, const char *body)
{
    struct buffer text = {.max = MIB(1)};

    if (here.client >= 0)
        close(here.client);
    here.client = wire_connect(here.port);
    buffer_reset(&here.got);
    assert_true(buffer_printf(&text, "%s /s/snapshots/mcp HTTP/1.0\r\nHost: x\r\n%s", method, lines));
    if (strcmp(method, "POST") == 0)
        assert_true(buffer_printf(&text, "Content-Length: %zu\r\n", strlen(body)));
    assert_true(buffer_printf(&text, "\r\n%s", body));
    wire_send(&here.wire, here.client, buffer_str(&text));
    buffer_clear(&text);
}

static bool
got(const char *text)
{
    return wire_has(here.client, &here.got, text);
}

static void
assert_answer(int wanted, const char *text, const char *method, const char *lines, const char *body)
{
    uint64_t status = 0;

    send_alone(method, lines, body);
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_true(str_to_u64(str_take(str_skip(buffer_str(&here.got), 9), 3), &status));
    if ((int)status != wanted || !got(text))
        fail_msg("wanted %d with %s, got %.*s", wanted, text, STR_ARG(buffer_str(&here.got)));
}

static const char *
in_session(const char *lines)
{
    static char all[1024];

    snprintf(all, sizeof all, "%sMcp-Session-Id: %s\r\n", lines, here.session);
    return all;
}

static void
open_session(void)
{
    assert_answer(200, "\"protocolVersion\":\"2025-11-25\"", "POST", PLAIN, OPENING);
    struct str answer = buffer_str(&here.got), line;
    ptrdiff_t  at     = str_find_nocase(answer, STR("mcp-session-id: "));
    assert_true(at > 0);
    answer = str_skip(answer, (size_t)at + 16);
    assert_true(str_cut(&answer, '\r', &line));
    snprintf(here.session, sizeof here.session, "%.*s", STR_ARG(line));
}

static void
copy_status(void *arg, const struct server_status *status)
{
    *(struct server_status *)arg = *status;
}

static struct server_status
status_now(void)
{
    struct server_status status;

    assert_true(gateway_server(here.gateway, STR("snapshots"), copy_status, &status));
    return status;
}

TEST(it_is_there_without_an_entry_and_runs)
{
    begin();
    struct server_status status = status_now();
    assert_int_equal(status.entry->kind, SERVER_SERVICE);
    assert_int_equal(status.state, STATE_RUNNING);
    assert_str(status.server_name, "keeper");
    finish();
    assert_log("");
}

TEST(a_session_is_counted_named_and_on_record_until_it_is_deleted)
{
    begin();
    open_session();
    assert_int_equal(status_now().sessions, 1);
    assert_answer(200, "Hello!", "POST", in_session(PLAIN), GREET);
    assert_int_equal(status_now().calls, 2);
    assert_answer(200, "", "DELETE", in_session(""), "");
    WAIT_FOR(&here.wire, status_now().sessions == 0);
    assert_int_equal(service_sessions(here.service), 0);
    assert_answer(404, "-32001", "POST", in_session(PLAIN), GREET);
    finish();
    assert_log("snapshots built-in: initialize , ok, 200, of ada 2 2025-11-25, keeper 7\n"
               "snapshots built-in: tools/call greet, ok, 200, of ada 2 2025-11-25, keeper 7\n"
               "snapshots built-in: DELETE , ok, 200, of ada 2 2025-11-25, keeper 7\n"
               "snapshots built-in: tools/call greet, refused, 404, of   , keeper 7\n");
}

TEST(a_modern_client_is_named_by_each_request)
{
    begin();
    assert_answer(200, "Hello!", "POST", MODERN "Mcp-Method: tools/call\r\nMcp-Name: greet\r\n",
                  REQUEST("1", "tools/call", META ",\"name\":\"greet\""));
    assert_answer(400, "-32020", "POST", MODERN, REQUEST("2", "tools/list", META));
    assert_int_equal(status_now().errors, 1);
    finish();
    assert_log("snapshots built-in: tools/call greet, ok, 200, of bob 3 2026-07-28, keeper 7\n"
               "snapshots built-in: tools/list , refused, 400, of bob 3 2026-07-28, keeper 7\n");
}

TEST(sessions_end_when_they_are_silent)
{
    begin();
    here.settings.session.idle = MILLISECONDS(1);
    open_session();
    WAIT_FOR(&here.wire, service_sessions(here.service) == 0);
    assert_int_equal(status_now().sessions, 0);
    finish();
    buffer_clear(&here.log);
}

TEST(one_session_too_many_is_refused_and_leaves_none)
{
    begin();
    open_session();
    open_session();
    assert_answer(503, "too many sessions", "POST", PLAIN, OPENING);
    assert_int_equal(status_now().sessions, 2);
    finish();
    buffer_clear(&here.log);
}

TEST(an_entry_switches_it_off_and_its_sessions_end)
{
    begin();
    open_session();
    set_registry("{\"mcpServers\": {\"snapshots\": {\"enabled\": false}}}");
    assert_int_equal(service_sessions(here.service), 0);
    assert_int_equal(status_now().state, STATE_DISABLED);
    assert_answer(503, "disabled", "POST", PLAIN, OPENING);
    set_registry("{}");
    open_session();
    finish();
    buffer_clear(&here.log);
}

TEST(what_is_switched_off_at_the_start_is_not_even_made)
{
    begin_with("{\"mcpServers\": {\"snapshots\": {\"enabled\": false}}}");
    assert_int_equal(here.asked, 0);
    set_registry("{}");
    assert_int_equal(here.asked, 1);
    open_session();
    finish();
    buffer_clear(&here.log);
}

TEST(an_entry_of_a_persons_has_its_place)
{
    begin();
    set_registry("{\"mcpServers\": {\"snapshots\": {\"command\": \"/nonexistent\"}}}");
    assert_int_equal(status_now().entry->kind, SERVER_STDIO);
    assert_answer(400, "begin with initialize", "POST", PLAIN, GREET);
    finish();
    buffer_clear(&here.log);
}

TEST(what_listens_ends_with_its_removal_and_a_call_runs_on)
{
    begin();
    send_alone("POST", MODERN "Mcp-Method: tools/call\r\nMcp-Name: hold\r\n",
               REQUEST("1", "tools/call", META ",\"name\":\"hold\""));
    WAIT_FOR(&here.wire, here.held != NULL);
    int caller  = here.client;
    here.client = -1;
    send_alone("POST", MODERN "Mcp-Method: subscriptions/listen\r\n",
               REQUEST("2", "subscriptions/listen", META ",\"notifications\":{\"toolsListChanged\":true}"));
    WAIT_FOR(&here.wire, got("acknowledged"));
    assert_int_equal(status_now().calls_in_flight, 2);
    set_registry("{\"mcpServers\": {\"snapshots\": {\"enabled\": false}}}");
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_non_null(here.held);
    request_say(here.held, "Done.");
    request_finish(here.held);
    buffer_reset(&here.got);
    WAIT_FOR(&here.wire, wire_read(caller, &here.got, NULL));
    assert_true(str_find(buffer_str(&here.got), STR("Done.")) > 0);
    close(caller);
    finish();
    buffer_clear(&here.log);
}

TEST(a_drain_lets_calls_finish_and_hangs_up_on_those_that_listen)
{
    begin();
    send_alone("POST", MODERN "Mcp-Method: subscriptions/listen\r\n",
               REQUEST("2", "subscriptions/listen", META ",\"notifications\":{\"toolsListChanged\":true}"));
    WAIT_FOR(&here.wire, got("acknowledged"));
    gateway_drain(here.gateway);
    WAIT_FOR(&here.wire, wire_read(here.client, &here.got, NULL));
    assert_int_equal(gateway_in_flight(here.gateway), 0);
    finish();
    buffer_clear(&here.log);
}

TEST(the_gateway_ends_with_a_call_in_flight)
{
    begin();
    send_alone("POST", MODERN "Mcp-Method: tools/call\r\nMcp-Name: hold\r\n",
               REQUEST("1", "tools/call", META ",\"name\":\"hold\""));
    WAIT_FOR(&here.wire, here.held != NULL);
    finish();
    assert_null(here.held);
    buffer_clear(&here.log);
}
