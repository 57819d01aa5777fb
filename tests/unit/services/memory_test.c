/* The admin without memory: what it answers is right, or says what failed; and nothing is kept. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "each_failure.h"
#include "mcp/service_house.h"
#include "services/admin/admin.h"

static const char registry[] =
    "{\"mcpServers\": {\n"
    "\"weather\": {\"url\": \"http://localhost:9000/mcp\", \"headers\": {\"X-Key\": \"k\"}},\n"
    "\"files\": {\"command\": \"npx\", \"args\": [\"-y\", \"p\"]},\n"
    "\"not a name\": {\"url\": \"http://localhost:9001/mcp\"}}}";

struct bench {
    char                directory[64], registry_path[96], traffic_path[96];
    struct settings     settings;
    struct budget       budget;
    struct net          net;
    struct http_client *client;
    struct gateway     *gateway;
    struct errands      errands;
    struct admin       *admin;
};

static struct bench bench;

static void
open_gateway(void)
{
    char *const            environment[] = {NULL};
    struct registry_source source        = {.path = bench.registry_path, .environment = environment};
    struct gateway_parts   parts         = {.loop        = &house.loop,
                                            .settings    = &bench.settings,
                                            .client      = bench.client,
                                            .session_key = &house.key,
                                            .environment = environment};
    struct error           err           = {0};
    struct registry       *first         = registry_load(&source, NULL);

    bench.gateway = gateway_new(&parts, first, &err);
    registry_unref(first);
    assert_non_null(bench.gateway);
    errands_init(&bench.errands, &house.loop, bench.gateway, NULL);
}

static void
open_admin(void)
{
    struct admin_parts parts = {.loop          = &house.loop,
                                .settings      = &bench.settings,
                                .gateway       = bench.gateway,
                                .errands       = &bench.errands,
                                .session_key   = &house.key,
                                .traffic_path  = bench.traffic_path,
                                .registry_path = bench.registry_path,
                                .port          = 3333};
    struct error       err   = {0};

    bench.admin = admin_new(&parts, &err);
    if (bench.admin == NULL)
        fail_msg("%s", err.text);
    house.service = admin_service(bench.admin);
    house.ada     = (struct client){.front = {&front_ops}, .got = {.max = MIB(64)}};
}

static void
open_bench(void)
{
    struct error err = {0};

    bench = (struct bench){.directory = "/tmp/gatehouse-admin.XXXXXX", .budget.max = MIB(64)};
    house = (struct house){.key = {{7}}};
    assert_non_null(mkdtemp(bench.directory));
    snprintf(bench.registry_path, sizeof bench.registry_path, "%s/mcp.json", bench.directory);
    snprintf(bench.traffic_path, sizeof bench.traffic_path, "%s/traffic.db", bench.directory);
    assert_true(file_replace(bench.registry_path, str_from(registry), 0600, &err));
    assert_true(settings_init(&bench.settings, &err));
    assert_true(loop_init(&house.loop, &err));
    assert_true(net_init(&bench.net, &house.loop, &bench.budget, &err));
    bench.client = http_client_new(&bench.net, &http_client_limits_default, &err);
    assert_non_null(bench.client);
    exchanges_init(&house.exchanges, &house.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    open_gateway();
    open_admin();
}

static void
close_bench(void)
{
    char lock[128];

    errands_close(&bench.errands);
    admin_free(bench.admin);
    assert_int_equal(house.exchanges.open, 0);
    exchanges_clear(&house.exchanges);
    gateway_free(bench.gateway);
    http_client_free(bench.client);
    net_clear(&bench.net);
    loop_clear(&house.loop);
    settings_clear(&bench.settings);
    buffer_clear(&house.ada.got);
    snprintf(lock, sizeof lock, "%s.lock", bench.registry_path);
    unlink(lock);
    unlink(bench.registry_path);
    rmdir(bench.directory);
}

struct question {
    const char *call;   /* params of tools/call */
    const char *answer; /* what is in it when all is well */
};

/* The answer, or why there is none, has come. The client's own memory is there before. */
static bool
asks(void *arg)
{
    const struct question *q    = arg;
    struct client         *c    = &house.ada;
    struct error           err  = {0};
    size_t                 ends = c->ends;
    char                   text[1000];

    forget(c);
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{%s,\"_meta\":{"
             "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
             "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
             q->call);
    struct exchange *x = exchange_new(&house.exchanges, KIND_REQUEST, &c->front);
    if (x == NULL)
        return false;
    x->is_modern = true;
    if (!envelope_parse(&x->message, str_from(text), x->arena, &err)) {
        exchange_close(x, CLOSE_BUSY);
        return false;
    }
    assert_true(exchange_guard(x));
    exchange_send(x, service_back(house.service));
    while (c->ends == ends || bench.errands.open > 0)
        loop_turn(&house.loop, MILLISECONDS(10));
    if (buffer_len(&c->got) > 0 && !has_got(c, q->answer) && !has_got(c, "\"isError\":true") &&
        !has_got(c, "\"error\":{"))
        fail_msg("neither whole nor an error: %.*s", STR_ARG(buffer_str(&c->got)));
    return has_got(c, q->answer);
}

static void
answers_without_memory(struct question q)
{
    open_bench();
    assert_true(buffer_reserve(&house.ada.got, MIB(1)));
    if (!asks(&q)) /* once undisturbed: what is kept for the next is there */
        fail_msg("%.*s", STR_ARG(buffer_str(&house.ada.got)));
    assert_each_failure(asks, &q);
    close_bench();
}

TEST(a_list_without_memory_is_whole_or_fails)
{
    answers_without_memory(
        (struct question){"\"name\":\"list_servers\",\"arguments\":{\"format\":\"detailed\"}", "\"X-Key\":\"***\""});
}

TEST(a_search_without_memory_is_whole_or_fails)
{
    answers_without_memory(
        (struct question){"\"name\":\"search_records\",\"arguments\":{\"serverName\":\"wether\",\"text\":\"x\"}",
                          "did you mean \\\"weather\\\""});
}

TEST(a_server_that_is_there_already_is_not_added_whatever_fails)
{
    answers_without_memory((struct question){
        "\"name\":\"add_server\",\"arguments\":{\"name\":\"weather\",\"url\":\"http://localhost:9/mcp\"}",
        "\"isError\":true"});
}

TEST(a_server_that_is_not_there_is_not_removed_whatever_fails)
{
    answers_without_memory((struct question){"\"name\":\"remove_server\",\"arguments\":{\"name\":\"file\"}",
                                             "did you mean \\\"files\\\""});
}
