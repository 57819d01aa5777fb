/* tests/unit/mcp/service_wire.h: a service at one URL over HTTP, and a client that is a socket. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_SERVICE_WIRE_H
#define GATEHOUSE_TESTS_UNIT_MCP_SERVICE_WIRE_H

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

static inline void
on_head(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_head(here.endpoint, r);
}

static inline void
on_request(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_request(here.endpoint, r);
}

static inline void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static inline void
on_close(struct exchange *x, enum close_reason why)
{
    (void)x;
    here.closed++;
    here.why = why;
}

static inline bool
judge(struct exchange *x, struct error *err)
{
    (void)x;
    return !here.refuses || error_set(err, ERROR_DENIED, "not today");
}

static bool (*const stages[])(struct exchange *x, struct error *err) = {judge, NULL};

static inline void
begin_on(const struct service_table *table, struct service_parts parts)
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
    here.service = service_new(table, &parts, &err);
    if (here.service == NULL)
        fail_msg("%s", err.text);
    here.endpoint =
        endpoint_new(here.service, &here.exchanges, &(struct endpoint_parts){.patience = SECONDS(30)}, &err);
    assert_non_null(here.endpoint);
}

static inline void
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
static inline void
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

static inline void
send_alone(const char *method, const char *lines, const char *body)
{
    if (here.client >= 0)
        close(here.client);
    here.client = wire_connect(here.port);
    buffer_reset(&here.got);
    send_on(here.client, method, lines, body);
}

static inline bool
got(const char *text)
{
    return wire_has(here.client, &here.got, text);
}

/* Waits for the whole answer; its status. */
static inline int
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

static inline const char *
in_session(const char *lines)
{
    static char all[1024];

    snprintf(all, sizeof all, "%sMcp-Session-Id: %s\r\n", lines, here.session);
    return all;
}

static inline void
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

#endif
