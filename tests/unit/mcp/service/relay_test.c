/* What a relay is asked, and what its clients get. */
#include "mcp/service/relay_house.h"

TEST(a_legacy_client_opens_when_the_server_is_known)
{
    relay_open();
    script.is_slow = true;
    enter(&house.ada, "2025-06-18", "{\"roots\":{}}");
    assert_int_equal(script.opened, 1);
    assert_string_equal(service_session_revision(house.ada.session).data, "");
    assert_true(str_eq(request_method(script.opening), STR("initialize")));
    assert_true(str_eq(request_revision(script.opening), STR("2025-06-18")));
    assert_true(str_eq(request_capabilities(script.opening), STR("{\"roots\":{}}")));
    assert_int_equal(request_abilities(script.opening), CLIENT_HAS_ROOTS);
    say(&house.ada, ASK("5", "tools/list", "{}"));
    assert_got(&house.ada, "\"code\":-32600"); /* not yet */
    say(&house.ada, ASK("6", "ping", "{}"));
    assert_got(&house.ada, "\"id\":6,\"result\":{}");
    forget(&house.ada);
    request_relay_known(script.opening, &script.server);
    assert_got(
        &house.ada,
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":"
        "{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},\"prompts\":{},"
        "\"logging\":{},\"completions\":{},\"experimental\":{\"x\":{}},\"odd\":{\"y\":1}},"
        "\"serverInfo\":{\"name\":\"far\",\"version\":\"9\"},\"instructions\":\"Be kind.\"}}");
    assert_true(str_eq(service_session_revision(house.ada.session), STR("2025-06-18")));
    relay_close();
}

TEST(each_revision_is_told_of_what_it_knows)
{
    relay_open();
    enter(&house.ada, "2024-11-05", "{}");
    assert_not_got(&house.ada, "completions");
    assert_not_got(&house.ada, "extensions");
    enter(&house.bob, "2025-11-25", "{}");
    assert_got(&house.bob, "\"completions\":{}");
    assert_got(&house.bob, "\"extensions\":{\"a.test/b\":{\"c\":1}}");
    assert_got(&house.bob, "\"tasks\":{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");
    assert_not_got(&house.bob, "\"list\":{}");
    relay_close();
}

TEST(a_client_of_the_revision_with_tasks_may_ask_for_one_of_an_extended_server)
{
    static const char *const others[] = {"2024-11-05", "2025-03-26", "2025-06-18"};

    relay_open();
    script.result = "{\"tools\":[{\"name\":\"a\",\"execution\":{\"taskSupport\":\"required\"}},{\"name\":\"b\"}]}";
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, ASK("1", "tools/list", "{}"));
    assert_got(&house.ada, "{\"name\":\"a\",\"execution\":{\"taskSupport\":\"optional\"}},"
                           "{\"name\":\"b\",\"execution\":{\"taskSupport\":\"optional\"}}");
    relay_close();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        relay_open();
        enter(&house.ada, others[i], "{}");
        assert_not_got(&house.ada, "tasks");
        script.result = "{\"tools\":[{\"name\":\"b\"}]}";
        say(&house.ada, ASK("1", "tools/list", "{}"));
        assert_not_got(&house.ada, "execution");
        relay_close();
    }
    relay_open();
    script.server.capabilities = STR("{\"tools\":{},\"tasks\":{\"list\":{}}}");
    enter(&house.ada, "2025-11-25", "{}");
    assert_not_got(&house.ada, "tasks");
    script.result = "{\"tools\":[{\"name\":\"b\"}]}";
    say(&house.ada, ASK("1", "tools/list", "{}"));
    assert_not_got(&house.ada, "execution");
    relay_close();
}

TEST(a_modern_client_discovers_the_server)
{
    relay_open();
    ask_modern(&house.bob, "1", "server/discover", "", "{}");
    assert_got(&house.bob, "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\":true}");
    assert_got(&house.bob, "\"logging\":{}");
    assert_got(&house.bob, "\"extensions\":{\"a.test/b\":{\"c\":1}}");
    assert_got(&house.bob, "\"instructions\":\"Be kind.\",\"ttlMs\":0,\"cacheScope\":\"private\"");
    assert_got(&house.bob, "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"far\",\"version\":\"9\"}");
    assert_not_got(&house.bob, "\"tasks\"");
    relay_close();
}

TEST(a_server_that_says_nothing_of_itself_is_called_as_the_table_says)
{
    relay_open();
    script.server = (struct relay_server){{0}, {0}, {0}};
    enter(&house.ada, "2025-11-25", "{}");
    assert_got(&house.ada, "\"capabilities\":{},\"serverInfo\":{\"name\":\"near\",\"version\":\"1\"}}");
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"a:b\"}"));
    assert_got(&house.ada, "\"id\":1,\"error\":{\"code\":-32601");
    say(&house.ada, ASK("2", "logging/setLevel", "{\"level\":\"info\"}"));
    assert_got(&house.ada, "\"id\":2,\"error\":{\"code\":-32601");
    relay_close();
}

TEST(a_session_ends_when_its_server_cannot_be_opened)
{
    relay_open();
    script.is_slow = true;
    script.error   = "It is down";
    script.code    = -32603;
    enter(&house.ada, "2025-11-25", "{}");
    assert_got(&house.ada, "\"error\":{\"code\":-32603,\"message\":\"It is down\"}");
    for (int i = 0; i < 5 && service_sessions(house.service) > 0; i++)
        loop_turn(&house.loop, MILLISECONDS(20));
    assert_int_equal(service_sessions(house.service), 0);
    relay_close();
}

TEST(an_opening_that_nobody_waits_for_any_more_is_answered_to_nobody)
{
    relay_open();
    script.is_slow = true;
    enter(&house.ada, "2025-11-25", "{}");
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    request_relay_known(script.opening, &script.server);
    house_turn();
    ask_modern(&house.bob, "1", "server/discover", "", "{}");
    ask_modern(&house.bob, "2", "subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true},", "{}");
    assert_int_equal(script.opened, 3);
    request_refuse_with(script.opening, -32603, STR("No"), NULL);
    assert_got(&house.bob, "\"id\":2,\"error\"");
    relay_close();
}

TEST(a_request_comes_as_it_was_sent_but_for_the_envelope)
{
    relay_open();
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"n\",\"arguments\":{\"big\":12345678901234567890123},", "{}");
    assert_string_equal(script.method, "tools/call");
    assert_params("{\"name\":\"n\",\"arguments\":{\"big\":12345678901234567890123}}");
    say_by(&house.bob, service_back(house.service),
           "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"odd/one\",\"params\":{\"_meta\":{\"traceparent\":\"00\","
           "\"progressToken\":1,\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
           "\"io.modelcontextprotocol/logLevel\":\"info\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    assert_string_equal(script.method, "odd/one");
    assert_params("{\"_meta\":{\"traceparent\":\"00\"}}");
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, CALL("1", "n", "{\"a\":[1,null]}"));
    assert_params("{\"name\":\"n\",\"arguments\":{\"a\":[1,null]}}");
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"other/one\"}");
    assert_string_equal(script.method, "other/one");
    assert_params("none");
    relay_close();
}

TEST(methods_of_the_other_era_are_not_there)
{
    static const char *const modern[] = {"ping", "initialize", "logging/setLevel", "resources/subscribe"};

    relay_open();
    for (size_t i = 0; i < sizeof modern / sizeof *modern; i++) {
        forget(&house.bob);
        ask_modern(&house.bob, "1", modern[i], "", "{}");
        assert_got(&house.bob, "\"code\":-32601");
        assert_int_equal(house.http_status, 404);
    }
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "server/discover", "{}"));
    assert_got(&house.ada, "\"id\":1,\"error\":{\"code\":-32601");
    assert_int_equal(script.served, 0);
    say(&house.ada, ASK("2", "tasks/get", "{}")); /* which both eras have, each in its way */
    assert_int_equal(script.served, 1);
    relay_close();
}

/* One result, asked for by both. */
static void
both(const char *method, const char *result)
{
    char text[500];

    script.result = result;
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"uri\":\"a:b\"}}",
             method);
    forget(&house.ada);
    forget(&house.bob);
    say(&house.ada, text);
    ask_modern(&house.bob, "1", method, "\"uri\":\"a:b\",", "{}");
}

TEST(a_result_gets_what_a_modern_client_must_find_in_it)
{
    relay_open();
    ask_modern(&house.bob, "1", "tools/list", "", "{}"); /* who the server is was not told yet */
    assert_got(&house.bob, "\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"}");
    enter(&house.ada, "2025-11-25", "{}");
    both("tools/list", "{\"tools\":[]}");
    assert_got(&house.bob,
               "\"result\":{\"tools\":[],\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\","
               "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"far\",\"version\":\"9\"}}}");
    assert_got(&house.ada, "\"result\":{\"tools\":[]}}");
    both("tools/call", "{\"content\":[],\"_meta\":{\"k\":1}}");
    assert_got(&house.bob, "\"result\":{\"content\":[],\"_meta\":{\"k\":1,\"io.modelcontextprotocol/serverInfo\":");
    assert_got(&house.bob, "\"resultType\":\"complete\"}");
    assert_not_got(&house.bob, "ttlMs");
    both("resources/read", "{\"contents\":[],\"ttlMs\":7,\"cacheScope\":\"public\",\"resultType\":\"complete\"}");
    assert_got(&house.bob, "\"ttlMs\":7,\"cacheScope\":\"public\"");
    assert_got(&house.ada, "\"result\":{\"contents\":[]}}");
    relay_close();
}

TEST(a_legacy_client_gets_nothing_that_its_era_does_not_have)
{
    relay_open();
    enter(&house.ada, "2025-06-18", "{}");
    both("tools/call", "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"t\"}],"
                       "\"structuredContent\":{\"a\":1},"
                       "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{},\"k\":1}}");
    assert_got(&house.ada,
               "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":{\"a\":1},"
               "\"_meta\":{\"k\":1}}");
    both("tools/call", "{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":[1]}");
    assert_got(&house.ada, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}}");
    assert_got(&house.bob, "\"structuredContent\":[1]");
    both("tools/call", "{\"content\":[],\"structuredContent\":[1]}"); /* it is lost nowhere */
    assert_got(&house.ada, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"[1]\"}]}}");
    both("tools/list", "{\"tools\":[{\"name\":\"a\",\"outputSchema\":{\"type\":\"array\"}},{\"name\":\"b\","
                       "\"outputSchema\":{\"type\":\"object\"}}],\"ttlMs\":1,\"cacheScope\":\"private\"}");
    assert_got(&house.ada,
               "\"result\":{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\",\"outputSchema\":{\"type\":\"object\"}}]}}");
    both("tools/call", "{\"resultType\":\"task\",\"taskId\":\"x\"}");
    assert_got(&house.ada, "\"error\":{\"code\":-32603");
    assert_got(&house.bob, "\"resultType\":\"task\",\"taskId\":\"x\"");
    relay_close();
}

TEST(blocks_that_an_old_revision_does_not_have_are_said_in_words)
{
    relay_open();
    enter(&house.ada, "2024-11-05", "{}");
    both("tools/call", "{\"content\":[{\"type\":\"audio\",\"data\":\"\",\"mimeType\":\"audio/wav\"},{\"type\":"
                       "\"resource_link\",\"uri\":\"a:b\",\"name\":\"n\"}]}");
    assert_got(&house.ada,
               "[{\"type\":\"text\",\"text\":\"[audio, audio/wav]\"},{\"type\":\"text\",\"text\":\"n: a:b\"}]");
    assert_got(&house.bob, "\"type\":\"audio\"");
    both("prompts/get", "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"audio\",\"mimeType\":\"m\"}}]}");
    assert_got(&house.ada, "{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"[audio, m]\"}}");
    relay_close();
}

TEST(what_is_no_result_is_an_error)
{
    relay_open();
    script.result = "[]";
    ask_modern(&house.bob, "1", "tools/list", "", "{}");
    assert_got(&house.bob, "\"code\":-32603");
    relay_close();
}

static void
both_fail(const char *method, int code, const char *data)
{
    script.error = "no";
    script.code  = code;
    script.data  = data;
    both(method, NULL);
}

TEST(errors_have_the_codes_and_the_status_of_the_clients_era)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    both_fail("resources/read", -32002, NULL);
    assert_got(&house.ada, "\"error\":{\"code\":-32002,\"message\":\"no\"}");
    assert_got(&house.bob, "\"error\":{\"code\":-32602,\"message\":\"no\",\"data\":{\"uri\":\"a:b\"}}");
    assert_int_equal(house.error_code, -32602);
    both_fail("resources/read", -32602, "{\"uri\":\"a:b\"}");
    assert_got(&house.ada, "\"error\":{\"code\":-32002,\"message\":\"no\",\"data\":{\"uri\":\"a:b\"}}");
    assert_got(&house.bob, "\"code\":-32602");
    both_fail("resources/read", -32602, "{\"other\":1}");
    assert_got(&house.ada, "\"code\":-32602");
    both_fail("tools/call", -32602, "{\"uri\":\"a:b\"}");
    assert_got(&house.ada, "\"code\":-32602");
    both_fail("tools/list", -32601, NULL);
    assert_got(&house.bob, "\"code\":-32601");
    assert_int_equal(house.http_status, 404);
    both_fail("tools/call", -32021, "{\"requiredCapabilities\":{\"sampling\":{}}}");
    assert_got(&house.bob, "\"data\":{\"requiredCapabilities\":{\"sampling\":{}}}");
    assert_int_equal(house.http_status, 400);
    both_fail("tools/call", -32042, "{\"elicitations\":[]}");
    assert_got(&house.ada, "\"code\":-32042,\"message\":\"no\",\"data\":{\"elicitations\":[]}");
    assert_got(&house.bob, "\"code\":-32021,\"message\":\"no\",\"data\":{\"requiredCapabilities\":"
                           "{\"elicitation\":{\"url\":{}}}}");
    forget(&house.bob);
    ask_modern(&house.bob, "1", "tools/call", "", "{\"elicitation\":{\"url\":{}}}");
    assert_got(&house.bob, "\"code\":-32603,\"message\":\"no\",\"data\":{\"elicitations\":[]}");
    relay_close();
}

TEST(a_failed_tool_is_on_record_as_failed)
{
    relay_open();
    script.result      = "{\"content\":[],\"isError\":true}";
    struct exchange *x = ask_modern(&house.bob, "1", "tools/call", "\"name\":\"n\",", "{}");
    assert_true(x->failed);
    relay_close();
}

TEST(who_leaves_is_cancelled_at_the_relay)
{
    relay_open();
    script.serve       = script_hold;
    struct exchange *x = ask_modern(&house.bob, "1", "tools/call", "\"name\":\"n\",", "{}");
    assert_non_null(script.held);
    exchange_close(x, CLOSE_CANCELLED);
    assert_int_equal(script.stopped, 1);
    assert_null(script.held);
    house_turn();
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, CALL("7", "n", "{}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}");
    assert_int_equal(script.stopped, 2);
    say(&house.ada, CALL("8", "n", "{}"));
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    assert_int_equal(script.stopped, 3);
    relay_close();
}

static void
tell_on_the_way(struct request *r)
{
    static const char *const progress[] = {
        "{\"progressToken\":\"theirs\",\"progress\":1,\"total\":3,\"message\":\"m\"}", "{\"progress\":1}",
        "{\"progress\":2.5,\"_meta\":{\"k\":1}}"};
    static const char *const logs[] = {"{\"level\":\"info\",\"data\":1}",
                                       "{\"level\":\"error\",\"data\":{\"a\":2},\"logger\":\"l\",\"_meta\":{\"k\":1}}"};
    yyjson_doc              *doc;

    for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
        script_read(progress[i], &doc);
        request_relay_progress(r, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        script_read(logs[i], &doc);
        request_relay_log(r, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    script_answer(r);
}

TEST(progress_has_the_clients_token_and_rises)
{
    relay_open();
    script.serve = tell_on_the_way;
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"n\",", "{}");
    assert_got(&house.bob,
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1,\"total\":3,"
               "\"message\":\"m\",\"progressToken\":\"p\"}}\n"
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":2.5,"
               "\"_meta\":{\"k\":1},\"progressToken\":\"p\"}}\n=");
    enter(&house.ada, "2024-11-05", "{}");
    say(&house.ada, CALL("1", "n", "{}"));
    assert_got(&house.ada, "\"params\":{\"progress\":1,\"total\":3,\"progressToken\":9}}");
    forget(&house.ada);
    say(&house.ada, ASK("2", "tools/call", "{\"name\":\"n\"}"));
    assert_not_got(&house.ada, "progress");
    relay_close();
}

TEST(logs_go_to_who_wants_their_level)
{
    relay_open();
    script.serve = tell_on_the_way;
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "tools/call", "{\"name\":\"n\"}"));
    assert_got(&house.ada,
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}");
    assert_got(&house.ada, "\"params\":{\"level\":\"error\",\"data\":{\"a\":2},\"logger\":\"l\",\"_meta\":{\"k\":1}}");
    say(&house.ada, ASK("2", "logging/setLevel", "{\"level\":\"warning\"}"));
    forget(&house.ada);
    say(&house.ada, ASK("3", "tools/call", "{\"name\":\"n\"}"));
    assert_not_got(&house.ada, "\"info\"");
    assert_got(&house.ada, "\"error\"");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"n\",", "{}");
    assert_not_got(&house.bob, "notifications/message");
    ask_modern(&house.bob, "2", "tools/call", "\"name\":\"n\",", "{},\"io.modelcontextprotocol/logLevel\":\"error\"");
    assert_not_got(&house.bob, "\"info\"");
    assert_got(&house.bob, "\"logger\":\"l\"");
    relay_close();
}
