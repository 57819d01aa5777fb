/* Calls: what is put around them, what makes them go out again, how they end. */
#include "mcp/client/client_house.h"

/* --- what is sent --- */

TEST(a_legacy_call_goes_without_an_envelope)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    assert_str(last()->spec.session, "the-session");
    assert_str(last()->spec.revision, "2025-11-25");
    assert_null(last()->spec.method.data);
    assert_false(last()->spec.is_modern);
    assert_true(str_find(last()->spec.message, STR("params")) < 0);
    ask("tools/call", "{\"name\":\"a\",\"_meta\":{\"traceparent\":\"t\",\"progressToken\":\"theirs\","
                      "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}");
    assert_says(last(), "\"params\":{\"name\":\"a\",\"_meta\":{\"traceparent\":\"t\"}}");
    house_close();
}

TEST(a_modern_call_says_all_of_itself)
{
    open_modern((struct client_parts){.capabilities = STR("{\"roots\":{}}")});
    ask_with((struct client_request){.level = 3, .follows_progress = true}, "tools/call",
             "{\"name\":\"a\",\"_meta\":{\"traceparent\":\"t\",\"io.modelcontextprotocol/logLevel\":\"debug\"}}");
    assert_str(last()->spec.method, "tools/call");
    assert_str(last()->spec.name, "a");
    assert_str(last()->spec.revision, "2026-07-28");
    assert_null(last()->spec.session.data);
    assert_says(last(), "\"_meta\":{\"traceparent\":\"t\",\"progressToken\":");
    assert_says(last(), "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}");
    assert_says(last(), "\"io.modelcontextprotocol/logLevel\":\"warning\"");
    ask_with((struct client_request){.level = -1, .capabilities = STR("{\"sampling\":{}}")}, "ping", NULL);
    assert_says(last(), "\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}}");
    assert_true(str_find(last()->spec.message, STR("logLevel")) < 0);
    house_close();
}

TEST(the_field_of_the_name_says_what_the_method_is_about)
{
    static const char *const cases[][3] = {{"prompts/get", "{\"name\":\"p\"}", "p"},
                                           {"resources/read", "{\"uri\":\"a:b\",\"name\":\"n\"}", "a:b"},
                                           {"tasks/get", "{\"taskId\":\"t1\"}", "t1"},
                                           {"completion/complete", "{\"name\":\"n\"}", NULL}};

    open_modern((struct client_parts){0});
    for (size_t i = 0; i < 4; i++) {
        ask(cases[i][0], cases[i][1]);
        assert_true(str_eq(last()->spec.name, str_from(cases[i][2])));
    }
    house_close();
}

/* --- what comes back --- */

TEST(a_result_is_told_as_it_came)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    answer(last(), "result", "{\"resultType\":\"what\",\"n\":123456789012345678901234567890,\"content\":[]}");
    assert_heard("result {\"resultType\":\"what\",\"n\":123456789012345678901234567890,\"content\":[]}\n");
    assert_int_equal(client_calls(house.client), 0);
    answer(last(), "result", "{}"); /* a second one is nobody's */
    end(last(), 200);
    assert_heard("");
    house_close();
}

TEST(an_error_is_told_with_its_code)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "error", "{\"code\":-32602,\"message\":\"no such tool\"}");
    assert_heard("error answered -32602 no such tool\n");
    ask("tools/call", "{\"name\":\"a\"}");
    say(last(), STR("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what?\"}}"));
    assert_heard("error answered -32700 what?\n");
    house_close();
}

TEST(what_answers_somebody_else_is_no_answer)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    say(last(), STR("{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}"));
    say(last(), STR("{\"jsonrpc\":\"2.0\",\"id\":\"3\",\"result\":{}}"));
    assert_heard("");
    end(last(), 200);
    assert_heard("error closed -32603 it ended before it had answered\n");
    house_close();
}

TEST(a_call_knows_what_it_was_challenged_with)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    head(last(), 401, NULL);
    challenge(last(), "Bearer a");
    end(last(), 401);
    assert_heard("error malformed -32603 it answered with HTTP status 401\nwanted of it, 401: Bearer a\n");
    ask("tools/list", NULL);
    head(last(), 403, NULL);
    challenge(last(), "Bearer b");
    answer(last(), "error", "{\"code\":-32001,\"message\":\"no\"}");
    assert_heard("error answered -32001 no\nwanted of it, 403: Bearer b\n");
    ask("tools/list", NULL);
    head(last(), 401, NULL);
    end(last(), 401);
    assert_heard("error malformed -32603 it answered with HTTP status 401\n");
    house_close();
}

TEST(a_call_without_an_answer_says_why)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    head(last(), 401, NULL);
    end(last(), 401);
    assert_heard("error malformed -32603 it answered with HTTP status 401\n");
    ask("tools/list", NULL);
    end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .words = "no route", .retry = -1});
    assert_heard("error unreachable -32603 no route\n");
    assert_non_null(client_server(house.client)); /* another call may get through */
    house_close();
}

TEST(modern_results_are_complete_unless_they_say_otherwise)
{
    open_modern((struct client_parts){.capabilities = STR("{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}")});
    ask("tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", "{\"content\":[]}");
    assert_heard("result {\"content\":[]}\n");
    ask("tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", "{\"resultType\":\"task\",\"taskId\":\"t\"}");
    assert_heard("result {\"resultType\":\"task\",\"taskId\":\"t\"}\n");
    ask_with((struct client_request){.level = -1, .capabilities = STR("{}")}, "tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", "{\"resultType\":\"task\",\"taskId\":\"t\"}");
    assert_heard("error malformed -32603 its result is of the type \"task\", which we do not know\n");
    ask("tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", "{\"resultType\":5}");
    assert_heard("error malformed -32603 its result is of the type \"\", which we do not know\n");
    assert_int_equal(house.count, 4); /* none was sent twice */
    house_close();
}

TEST(progress_and_logs_go_to_their_call)
{
    open_legacy((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .follows_progress = true}, "tools/call", "{\"name\":\"a\"}");
    struct mail *m = last();
    assert_true(str_eq(m->e.progress_token, m->e.id));
    say(m, arena_printf(house.arena,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%.*s,"
                        "\"progress\":1}}",
                        STR_ARG(m->e.id)));
    say(m, STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
               "progress\",\"params\":{\"progressToken\":99,\"progress\":1}}"));
    say(m,
        STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}"));
    say(m, STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"));
    assert_heard("call told notifications/progress\ncall told notifications/message\n"
                 "told notifications/tools/list_changed\n");
    house_close();
}

/* --- again --- */

TEST(a_session_that_is_gone_is_opened_again_and_what_was_refused_is_sent_again)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    struct mail *slow = last();
    ask("tools/call", "{\"name\":\"a\"}");
    reply(last(), 404, "error", "{\"code\":-32001,\"message\":\"Session not found\"}");
    assert_sent(last(), "initialize");
    assert_null(last()->spec.session.data);
    assert_null(client_server(house.client));
    size_t before = house.count;
    head(last(), 200, "another");
    answer(last(), "result", LEGACY_SERVER);
    assert_true(slow->is_open);
    go_on(202);
    assert_heard("open 2025-11-25\n");
    assert_sent(last(), "tools/call");
    assert_int_equal(house.count, before + 3);
    assert_str(last()->spec.session, "another");
    answer(last(), "result", "{}");
    answer(slow, "result", "{}"); /* it had not been refused */
    assert_heard("result {}\nresult {}\n");
    house_close();
}

TEST(a_call_is_refused_with_404_only_once)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    head(last(), 404, NULL);
    end(last(), 404);
    head(last(), 200, "another");
    answer(last(), "result", LEGACY_SERVER);
    go_on(202);
    assert_heard("open 2025-11-25\n");
    struct mail *again = last();
    assert_sent(again, "tools/list");
    head(again, 404, NULL);
    end(again, 404);
    assert_heard("error session-ended -32603 its session is gone\n");
    house_close();
}

TEST(a_400_that_speaks_of_the_session_is_such_a_404)
{
    open_legacy((struct client_parts){0});
    ask("tools/list", NULL);
    reply(last(), 400, "error", "{\"code\":-32000,\"message\":\"Bad Request: No valid session ID provided\"}");
    assert_sent(last(), "initialize");
    head(last(), 200, "another");
    answer(last(), "result", LEGACY_SERVER);
    go_on(202);
    assert_heard("open 2025-11-25\n");
    assert_sent(last(), "tools/list");
    reply(last(), 400, "error", "{\"code\":-32000,\"message\":\"it is late\"}");
    assert_heard("error answered -32000 it is late\n");
    house_close();
}

TEST(a_method_that_is_not_found_is_no_session_that_is)
{
    open_legacy((struct client_parts){0});
    ask("what/ever", NULL);
    reply(last(), 404, "error", "{\"code\":-32601,\"message\":\"no\"}");
    assert_heard("error answered -32601 no\n");
    house_close();
}

TEST(a_version_that_is_refused_later_is_chosen_again_once)
{
    const char *error = "{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":[\"2026-07-28\"]}}";

    open_modern((struct client_parts){0});
    ask("tools/list", NULL);
    reply(last(), 400, "error", error);
    assert_int_equal(house.count, 2);
    assert_sent(last(), "tools/list");
    reply(last(), 400, "error", error);
    assert_heard("error answered -32022 \n");
    house_close();
}

/* --- streams that end early --- */

static void
let_end(mono_time retry, const char *event)
{
    head(last(), 200, NULL);
    end_as(last(),
           (struct mail_end){
               .why = CLOSE_ANSWERED, .status = 200, .retry = retry, .is_stream = true, .last_event = str_from(event)});
}

TEST(a_stream_that_ends_early_is_taken_up_again_after_the_time_it_said)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    struct str id     = last()->e.id;
    size_t     before = house.count;
    let_end(MILLISECONDS(500), "e1");
    pass(MILLISECONDS(440));
    assert_int_equal(house.count, before);
    pass(MILLISECONDS(80));
    assert_int_equal(house.count, before + 1);
    assert_int_equal(last()->spec.kind, KIND_STREAM);
    assert_str(last()->spec.last_event, "e1");
    assert_str(last()->spec.session, "the-session");
    assert_heard("");
    say(last(), arena_printf(house.arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"ok\":1}}", STR_ARG(id)));
    assert_heard("result {\"ok\":1}\n");
    end(last(), 200);
    house_close();
}

TEST(it_waits_a_second_when_nothing_was_said)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    size_t before = house.count;
    let_end(-1, "e1");
    pass(MILLISECONDS(900));
    assert_int_equal(house.count, before);
    pass(MILLISECONDS(140));
    assert_int_equal(house.count, before + 1);
    house_close();
}

TEST(a_stream_that_brings_nothing_new_is_given_up)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    size_t before = house.count;
    for (int i = 0; i < 20 && buffer_len(&house.heard) == 0; i++) {
        let_end(0, "e1");
        pass(MILLISECONDS(100));
    }
    assert_heard("error closed -32603 it ended before it had answered\n");
    assert_int_equal(house.count, before + 5);
    house_close();
}

TEST(a_server_that_never_answers_what_it_promised_runs_out_of_time)
{
    char   event[8];
    size_t n = 0;

    open_legacy((struct client_parts){.patience = SECONDS(3)});
    ask("tools/call", "{\"name\":\"a\"}");
    while (buffer_len(&house.heard) == 0) {
        snprintf(event, sizeof event, "e%zu", n++);
        let_end(MILLISECONDS(500), event);
        pass(MILLISECONDS(500));
        assert_true(n < 10);
    }
    assert_heard("error closed -32603 it ended before it had answered\n");
    house_close();
}

TEST(a_stream_without_an_id_and_a_server_without_such_streams_end_the_call)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    let_end(-1, NULL);
    assert_heard("error closed -32603 it ended before it had answered\n");
    ask("tools/call", "{\"name\":\"a\"}");
    let_end(-1, "e1");
    pass(SECONDS(2));
    head(last(), 405, NULL);
    end(last(), 405);
    assert_heard("error malformed -32603 it answered with HTTP status 405\n");
    house_close();
}

TEST(a_modern_stream_is_never_taken_up_again)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    let_end(0, "e1");
    assert_heard("error closed -32603 it ended before it had answered\n");
    house_close();
}

/* --- given up --- */

TEST(a_legacy_server_hears_of_a_cancellation)
{
    open_legacy((struct client_parts){0});
    struct client_call *call = ask("tools/call", "{\"name\":\"a\"}");
    struct mail        *m    = last();
    client_call_cancel(call, CLOSE_CANCELLED, "no longer \"needed\"");
    assert_true(m->is_dropped);
    assert_int_equal(m->why, CLOSE_CANCELLED);
    assert_int_equal(last()->spec.kind, KIND_NOTIFICATION);
    assert_str(last()->e.method, "notifications/cancelled");
    assert_true(str_eq(last()->e.cancelled_id, m->e.id));
    assert_says(last(), "\"reason\":\"no longer \\\"needed\\\"\"");
    assert_heard("");
    house_close();
}

TEST(a_modern_one_hears_of_it_by_the_way)
{
    open_modern((struct client_parts){0});
    struct client_call *call = ask("tools/call", "{\"name\":\"a\"}");
    client_call_cancel(call, CLOSE_CLIENT_LEFT, NULL);
    assert_int_equal(house.count, 1);
    assert_true(last()->is_dropped);
    house_close();
}

TEST(a_call_that_took_too_long_is_cancelled_at_the_server)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    struct str id = last()->e.id;
    end_as(last(), (struct mail_end){.why = CLOSE_TIMED_OUT, .words = "it took too long", .retry = -1});
    assert_heard("error timed-out -32603 it took too long\n");
    assert_str(last()->e.method, "notifications/cancelled");
    assert_true(str_eq(last()->e.cancelled_id, id));
    house_close();
}

TEST(a_stream_that_goes_on_behind_its_answer_is_closed)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    answer(last(), "result", "{}");
    assert_true(last()->is_open);
    pass(SECONDS(3));
    assert_true(last()->is_dropped);
    assert_int_equal(last()->why, CLOSE_ANSWERED);
    house_close();
}

TEST(a_child_that_is_gone_takes_all_calls_with_it)
{
    house_open(WAY_STDIO, (struct client_parts){.era = CLIENT_LEGACY});
    client_open(house.client);
    answer(last(), "result", LEGACY_SERVER);
    end(last(), 0);
    buffer_reset(&house.heard);
    ask("tools/list", NULL);
    ask("prompts/list", NULL);
    end_as(last(), (struct mail_end){.why = CLOSE_SESSION_ENDED, .words = "it exited", .retry = -1});
    assert_heard("error session-ended -32603 it exited\nerror session-ended -32603 it exited\nlost 0 0 it exited\n");
    ask("tools/list", NULL);
    assert_sent(last(), "initialize");
    house_close();
}

TEST(more_calls_than_can_be_open_are_refused)
{
    struct error err = {0};

    house_open(WAY_HTTP, (struct client_parts){0});
    for (int i = 0; i < 16384; i++)
        assert_non_null(ask("tools/list", NULL));
    struct client_request one = {.method = STR("tools/list"), .level = -1};
    assert_null(client_call(house.client, &one, &house_call_events, NULL, &err));
    assert_int_equal(err.code, ERROR_FULL);
    house_close();
}

TEST(a_call_that_cannot_be_sent_is_none)
{
    open_legacy((struct client_parts){0});
    house.refuses = true;
    assert_null(ask("tools/list", NULL));
    assert_heard("");
    assert_int_equal(client_calls(house.client), 0);
    house_close();
}

/* --- header fields of arguments --- */

#define REGION "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}}}"
#define BROKEN "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}"
#define TOOLS                                                                                                          \
    "{\"tools\":[{\"name\":\"good\",\"inputSchema\":" REGION "},{\"name\":\"bad\",\"inputSchema\":" BROKEN             \
    "},{\"name\":\"plain\",\"inputSchema\":{\"type\":\"object\"}}]}"

static void
assert_region(const char *value)
{
    assert_int_equal(last()->spec.param_count, value != NULL);
    if (value == NULL)
        return;
    assert_str(last()->spec.params[0].name, "Mcp-Param-Region");
    assert_true(str_eq(last()->spec.params[0].value, str_from(value)));
}

TEST(arguments_are_repeated_as_the_last_list_said_and_broken_tools_are_not_shown)
{
    open_modern((struct client_parts){0});
    ask("tools/list", NULL);
    reply(last(), 200, "result", TOOLS);
    assert_heard("result {\"tools\":[{\"name\":\"good\",\"inputSchema\":" REGION
                 "},{\"name\":\"plain\",\"inputSchema\":{\"type\":\"object\"}}]}\n");
    ask("tools/call", "{\"name\":\"good\",\"arguments\":{\"region\":\"eu\"}}");
    assert_region("eu");
    ask("tools/call", "{\"name\":\"good\",\"arguments\":{}}");
    assert_region(NULL);
    ask("tools/call", "{\"name\":\"plain\",\"arguments\":{\"region\":\"eu\"}}");
    assert_region(NULL);
    house_close();
}

TEST(a_schema_that_is_given_counts)
{
    yyjson_doc *schema = json_read(STR(REGION));

    open_modern((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .input_schema = yyjson_doc_get_root(schema)}, "tools/call",
             "{\"name\":\"x\",\"arguments\":{\"region\":\"us\"}}");
    assert_region("us");
    yyjson_doc_free(schema);
    house_close();
}

TEST(fields_that_are_refused_are_made_anew_from_a_new_list_once)
{
    const char *mismatch = "{\"code\":-32020,\"message\":\"Mcp-Param-Region is missing\"}";

    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"good\",\"arguments\":{\"region\":\"eu\"}}");
    reply(last(), 400, "error", mismatch);
    assert_sent(last(), "tools/list");
    reply(last(), 200, "result", "{\"tools\":[],\"nextCursor\":\"n\"}");
    assert_sent(last(), "tools/list");
    assert_says(last(), "\"cursor\":\"n\"");
    reply(last(), 200, "result", TOOLS);
    assert_sent(last(), "tools/call");
    assert_region("eu");
    assert_heard("");
    assert_int_equal(client_calls(house.client), 1);
    reply(last(), 400, "error", mismatch);
    assert_heard("error answered -32020 Mcp-Param-Region is missing\n");
    house_close();
}

TEST(a_list_that_cannot_be_had_is_no_reason_to_forget_the_call)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"good\"}");
    reply(last(), 400, "error", "{\"code\":-32020,\"message\":\"no\"}");
    struct mail *list = last();
    ask("tools/call", "{\"name\":\"good\"}");
    reply(last(), 400, "error", "{\"code\":-32020,\"message\":\"no\"}");
    size_t before = house.count; /* both wait for one list */
    end_as(list, (struct mail_end){.why = CLOSE_CUT, .retry = -1});
    assert_int_equal(house.count, before + 2);
    assert_sent(last(), "tools/call");
    house_close();
}
