/* A service whose memory runs out at any point answers each request, on two descriptors and over HTTP, or ends; and
 * holds nothing after. */
#include "each_failure.h"

#include <stdlib.h>

#include "http/wire.h"
#include "mcp/service/endpoint.h"
#include "mcp/service/relay.h"
#include "mcp/service/stdio.h"

#define META                                                                                                           \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                           \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

static void
greet(struct request *r)
{
    request_say(r, "Hello!");
    request_finish(r);
}

static const struct tool tools[] = {
    {.name  = "greet",
     .call  = greet,
     .input = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":"
              "\"string\",\"x-mcp-header\":\"B\"}}}}}"},
    {.name = "samples", .call = greet, .needs = CLIENT_SAMPLES},
    {0}};
static const struct service_table table = {.name = "memory", .version = "1", .tools = tools};

/* --- a server behind a relay --- */

static yyjson_doc *result; /* read once: what it says is there */

static void
open_far(struct request *r)
{
    struct relay_server far = {STR("{\"name\":\"far\"}"), STR("{\"tools\":{},\"resources\":{\"subscribe\":true}}"),
                               STR("Do.")};

    request_relay_known(r, &far);
}

static void
ask_far(struct request *r)
{
    yyjson_val *refusal = NULL;

    request_keep(r, "k", yyjson_mut_int(request_doc(r), 1));
    if (request_ask(r, "where", STR("roots/list"), request_params(r), &refusal) == NULL && refusal == NULL)
        return;
    if (refusal == NULL)
        request_finish_with(r, yyjson_doc_get_root(result));
    else
        request_refuse_with(r, -32603, STR("refused"), refusal);
}

static void
count_uri(void *arg, struct str uri)
{
    *(size_t *)arg += uri.len;
}

static void
listen_far(void *owner, struct service *s)
{
    size_t bytes = 0;

    (void)owner;
    service_each_subscription(s, 0, count_uri, &bytes);
    service_relay_notification(s, 0, STR("notifications/resources/updated"), yyjson_doc_get_root(result));
    service_relay_notification(s, 0, STR("notifications/message"), yyjson_doc_get_root(result));
}

static struct follower *
follow_far(struct request *r, struct str id)
{
    (void)r, (void)id;
    return NULL;
}

static void
hear_level(void *owner, struct service *s, int level)
{
    (void)owner, (void)s, (void)level;
}

static const struct relay         far_relay = {open_far, ask_far, listen_far, hear_level, NULL, follow_far, NULL};
static const struct service_table far_table = {.name = "near", .version = "1", .relay = &far_relay};

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
    *(bool *)owner = true;
}

/* What it says and what must have been said then. */
struct talk {
    const struct service_table *table;
    const char                 *lines, *answers[6];
    FILE                       *in, *out;
};

static bool
runs(struct talk *t, struct service *s, struct exchanges *all)
{
    bool               has_ended = false;
    struct error       err       = {0};
    struct stdio_parts parts     = {
            .in = fileno(t->in), .out = fileno(t->out), .patience = SECONDS(5), .on_ended = on_ended, .owner = &has_ended};
    struct stdio *io = stdio_new(s, all, &parts, &err);

    if (io == NULL) {
        assert_int_equal(err.code, ERROR_MEMORY);
        return false;
    }
    for (int i = 0; i < 500 && !has_ended; i++)
        loop_turn(all->loop, MILLISECONDS(5));
    assert_true(has_ended);
    stdio_free(io);
    return true;
}

static bool
was_answered(const struct talk *t)
{
    static char text[KIB(16)];
    ssize_t     len = pread(fileno(t->out), text, sizeof text, 0);
    bool        ok  = len >= 0;

    for (size_t i = 0; t->answers[i] != NULL; i++)
        ok = ok && str_find(str_of(text, (size_t)len), str_from(t->answers[i])) >= 0;
    return ok;
}

/* True when all was answered well. */
static bool
serves(void *arg)
{
    static const struct session_key key;
    struct talk                    *t   = arg;
    struct error                    err = {0};
    struct loop                     loop;
    struct exchanges                all;

    if (!loop_init(&loop, &err))
        return false;
    assert_int_equal(lseek(fileno(t->in), 0, SEEK_SET), 0);
    assert_int_equal(lseek(fileno(t->out), 0, SEEK_SET), 0);
    assert_int_equal(ftruncate(fileno(t->out), 0), 0);
    exchanges_init(&all, &loop, &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    struct service_parts parts = {
        .loop = &loop, .key = &key, .principal = "local", .is_legacy = true, .is_modern = true};
    struct service *s  = service_new(t->table, &parts, &err);
    bool            ok = s != NULL && runs(t, s, &all);
    assert_int_equal(all.open, 0);
    service_free(s);
    exchanges_clear(&all);
    loop_clear(&loop);
    return ok && was_answered(t);
}

static void
play(struct talk t)
{
    t.in  = tmpfile();
    t.out = tmpfile();
    assert_non_null(t.in);
    assert_non_null(t.out);
    assert_int_equal(write(fileno(t.in), t.lines, strlen(t.lines)), (ssize_t)strlen(t.lines));
    assert_each_failure(serves, &t);
    fclose(t.in);
    fclose(t.out);
}

TEST(a_legacy_client_is_answered_or_told)
{
    play((struct talk){
        .table   = &table,
        .lines   = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                   "\"2025-03-26\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}\n"
                   "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
                   "\"tools/list\"}]\n{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":"
                   "\"greet\"}}\n{\n",
        .answers = {"\"id\":0,\"result\"", "\"id\":1,\"result\"", "\"id\":2,\"result\"", "\"id\":3,\"result\"",
                    "-32700"}});
}

TEST(a_modern_client_is_answered_or_told)
{
    play((struct talk){
        .table = &table,
        .lines =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"greet\"," META
            "}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"samples\"," META
            "}}\n{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"x\"}}\n",
        .answers = {"\"id\":1,\"result\"", "-32021", "-32022"}});
}

static void
play_relayed(const char *lines, const char *first, const char *second, const char *third)
{
    static const char text[] = "{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":[1],\"uri\":"
                               "\"a:b\",\"level\":\"alert\"}";

    result = yyjson_read(text, sizeof text - 1, 0);
    assert_non_null(result);
    play((struct talk){.table = &far_table, .lines = lines, .answers = {first, second, third}});
    yyjson_doc_free(result);
}

TEST(a_legacy_client_of_a_relay_is_answered_or_told)
{
    play_relayed("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                 "\"2025-11-25\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}\n"
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}\n"
                 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"n\",\"_meta\":{"
                 "\"progressToken\":1}}}\n"
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"roots\":[]}}\n",
                 "\"name\":\"far\"", "\"id\":1,\"result\":{}", "\"id\":2,\"result\":{\"content\"");
}

TEST(a_modern_client_of_a_relay_is_answered_or_told)
{
    play_relayed("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server/discover\",\"params\":{" META "}}\n"
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"n\",\"_meta\":{"
                 "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                 "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}}}\n"
                 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"n\"," META "}}\n",
                 "\"id\":0,\"result\"", "\"input_required\"",
                 "\"id\":2,\"error\":{\"code\":-32603,\"message\":\"refused\"");
}

/* --- over HTTP --- */

static struct endpoint *endpoint;

static void
on_head(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_head(endpoint, r);
}

static void
on_request(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_request(endpoint, r);
}

/* Whether the answer to `request` is there, or an end, before long. */
static bool
asks(struct loop *loop, uint16_t port, const char *request, const char *answer)
{
    int    client = wire_connect(port);
    char   text[KIB(8)];
    size_t len = 0;

    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (int i = 0; i < 20; i++) {
        loop_turn(loop, MILLISECONDS(2));
        ssize_t got = recv(client, text + len, sizeof text - len, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        len += got > 0 ? (size_t)got : 0;
    }
    close(client);
    return str_find(str_of(text, len), str_from(answer)) >= 0;
}

static bool
talks(struct service *s, struct exchanges *all, struct net *net, const char *const texts[2])
{
    static const struct http_server_events events = {.on_head = on_head, .on_request = on_request};
    struct error                           err    = {0};
    uint16_t                               port   = 0;
    struct http_server *server = http_server_new(net, &http_limits_default, STR_NONE, &events, NULL, &err);
    bool                ok     = server != NULL && http_server_listen(server, "127.0.0.1", 0, &port, &err);

    endpoint = !ok ? NULL : endpoint_new(s, all, &(struct endpoint_parts){.patience = SECONDS(5)}, &err);
    ok       = endpoint != NULL && asks(all->loop, port, texts[0], texts[1]);
    http_server_free(server);
    endpoint_free(endpoint);
    return ok;
}

static bool
serves_http(void *arg)
{
    static const struct session_key key;
    struct error                    err = {0};
    struct loop                     loop;
    struct net                      net;
    struct exchanges                all;

    if (!loop_init(&loop, &err))
        return false;
    if (!net_init(&net, &loop, NULL, &err)) {
        loop_clear(&loop);
        return false;
    }
    exchanges_init(&all, &loop, &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    struct service_parts parts = {
        .loop = &loop, .key = &key, .principal = "local", .is_legacy = true, .is_modern = true};
    struct service *s  = service_new(&table, &parts, &err);
    bool            ok = s != NULL && talks(s, &all, &net, arg);
    service_free(s);
    exchanges_clear(&all);
    net_clear(&net);
    loop_clear(&loop);
    return ok;
}

#define POST(fields, length, body)                                                                                     \
    "POST /mcp HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\n" fields "Content-Length: " length             \
    "\r\n\r\n" body

TEST(over_http_a_session_is_opened_or_the_client_told)
{
    const char *texts[] = {POST("", "128",
                                "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{}}}      "),
                           "\"id\":0,\"result\""};

    assert_each_failure(serves_http, texts);
}

TEST(over_http_a_modern_client_is_answered_or_told)
{
    const char *texts[] = {
        POST("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: greet\r\nMcp-Param-B: "
             "=?base64?w6k=?=\r\n",
             "214",
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"greet\",\"arguments\":{"
             "\"a\":{\"b\":\"\xc3\xa9\"}}," META "}}"),
        "\"id\":1,\"result\""};

    assert_each_failure(serves_http, texts);
}
