/* A client whose memory runs out at any point loses a call, a question or the server, says so where it can, and holds
 * nothing after. */
#include "each_failure.h"
#include "mcp/client/client_house.h"

#define ELICIT "{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}"
#define TOOLS                                                                                                          \
    "{\"tools\":[{\"name\":\"a\",\"inputSchema\":{\"properties\":{\"r\":{\"type\":\"string\",\"x-mcp-header\":"        \
    "\"R\"}}}},{\"name\":\"b\",\"inputSchema\":{\"properties\":{\"r\":{\"type\":\"null\",\"x-mcp-header\":\"R\"}}}}]}"
#define ASK                                                                                                            \
    "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"}}}"

static size_t results;

static void
count_result(void *owner, struct client_call *call, yyjson_val *result)
{
    (void)owner, (void)call, (void)result;
    results++;
}

static void
no_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)owner, (void)call, (void)why, (void)code, (void)message, (void)data;
}

static void
answer_it(void *owner, struct client_call *call, struct question_in *q)
{
    (void)owner, (void)call;
    question_answer(q, question_params(q)); /* NULL is a result too, of roots */
}

static const struct call_events events = {.on_question = answer_it, .on_result = count_result, .on_error = no_error};

static void
call_with(struct client_request request, const char *params)
{
    yyjson_doc *doc = json_read(str_from(params));

    request.params = yyjson_doc_get_root(doc);
    client_call(house.client, &request, &events, NULL, NULL);
    yyjson_doc_free(doc);
}

static bool
plays_modern(void *arg)
{
    (void)arg;
    results = 0;
    house_open(WAY_HTTP, (struct client_parts){.capabilities = STR("{\"roots\":{}}")});
    if (house.client != NULL) {
        client_listen(house.client, &(struct client_wishes){WISH_TOOLS, &STR("a:1"), 1});
        call_with((struct client_request){.method = STR("tools/list"), .level = 1}, "{}");
        if (house.count > 0)
            reply(last(), 200, "result", MODERN_SERVER);
        for (size_t i = 1; i < house.count && i < 32; i++) {
            struct mail *m = &house.mails[i];
            if (str_eq(m->e.method, STR("tools/list")))
                reply(m, 200, "result", TOOLS);
            else if (str_eq(m->e.method, STR("tools/call")) && str_find(m->spec.message, STR("\"s\"")) < 0)
                reply(m, 200, "result", ASK);
            else if (str_eq(m->e.method, STR("tools/call")))
                reply(m, 200, "result", "{\"content\":[]}");
            if (i == 1)
                call_with((struct client_request){.method = STR("tools/call"), .level = -1},
                          "{\"name\":\"a\",\"arguments\":{\"r\":\"x\"}}");
        }
        pass(MINUTES(2));
    }
    house_close();
    return results == 2;
}

static bool
plays_legacy(void *arg)
{
    (void)arg;
    results = 0;
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
    if (house.client != NULL) {
        client_listen(house.client, &(struct client_wishes){WISH_TOOLS, &STR("a:1"), 1});
        client_set_level(house.client, 2);
        call_with((struct client_request){.method = STR("tools/call"), .level = -1}, "{\"name\":\"a\"}");
        if (house.count > 0) {
            head(last(), 200, "sid");
            answer(&house.mails[0], "result", LEGACY_SERVER);
            end(&house.mails[0], 200);
            go_on(202);
        }
        for (size_t i = 2; i < house.count && i < 32; i++) {
            struct mail *m = &house.mails[i];
            if (m->spec.kind == KIND_REQUEST && str_eq(m->e.method, STR("tools/call"))) {
                say(m, STR(ELICIT));
                end_as(
                    m,
                    (struct mail_end){
                        .why = CLOSE_ANSWERED, .status = 200, .is_stream = true, .retry = 0, .last_event = STR("e1")});
                pass(MILLISECONDS(100));
                if (last()->spec.kind == KIND_STREAM)
                    say(last(),
                        arena_printf(house.arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{}}", STR_ARG(m->e.id)));
            }
        }
        pass(MINUTES(2));
    }
    house_close();
    return results == 1;
}

static bool
plays_task(void *arg)
{
    bool is_told = false;

    (void)arg;
    results = 0;
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_MODERN, .capabilities = STR("{\"roots\":{}}")});
    if (house.client != NULL) {
        call_with((struct client_request){.method           = STR("tools/call"),
                                          .level            = -1,
                                          .follows_task     = true,
                                          .follows_progress = true,
                                          .capabilities     = STR("{\"roots\":{}}")},
                  "{\"name\":\"a\"}");
        for (size_t i = 0; i < house.count && i < 32; i++) {
            struct mail *m = &house.mails[i];
            if (str_eq(m->e.method, STR("tools/call")))
                reply(m, 200, "result", "{\"resultType\":\"task\",\"taskId\":\"t\",\"status\":\"working\"}");
            else if (str_eq(m->e.method, STR("tasks/update")))
                reply(m, 200, "result", "{}");
            else
                reply(m, 200, "result",
                      is_told ? "{\"status\":\"completed\",\"result\":{}}"
                              : "{\"status\":\"input_required\",\"statusMessage\":\"s\",\"inputRequests\":"
                                "{\"a\":{\"method\":\"roots/list\"}}}");
            is_told = is_told || str_eq(m->e.method, STR("tasks/update"));
            pass(MINUTES(1));
        }
    }
    house_close();
    return results == 1;
}

TEST(a_task_without_memory_for_it)
{
    assert_true(plays_task(NULL));
    assert_each_failure(plays_task, NULL);
}

TEST(a_modern_server_without_memory_for_it)
{
    assert_true(plays_modern(NULL));
    assert_each_failure(plays_modern, NULL);
}

TEST(a_legacy_server_without_memory_for_it)
{
    assert_true(plays_legacy(NULL));
    assert_each_failure(plays_legacy, NULL);
}
