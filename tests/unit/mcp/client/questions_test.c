/* What servers ask: requests of a legacy one, input_required of a modern one. */
#include "mcp/client/client_house.h"

#define ELICIT(id)                                                                                                     \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}"
#define ACCEPT "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"

/* --- legacy --- */

TEST(a_question_in_a_call_is_answered_under_its_own_id)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    struct mail *m = last();
    say(m, STR(ELICIT("\"x-\\u00e9\"")));
    assert_heard("call asked q elicitation/create\n");
    assert_int_equal(m->owed, 1);
    char *message = yyjson_val_write(question_params(house.question), 0, NULL);
    assert_string_equal(message, "{\"message\":\"Who?\"}");
    free(message);
    answer_question(ACCEPT);
    assert_null(house.question);
    assert_int_equal(m->owed, 0);
    assert_int_equal(last()->spec.kind, KIND_REPLY);
    assert_str(last()->spec.session, "the-session");
    assert_str(last()->spec.message, "{\"jsonrpc\":\"2.0\",\"id\":\"x-\\u00e9\",\"result\":" ACCEPT "}");
    answer_question(ACCEPT); /* gone */
    answer(m, "result", "{}");
    assert_heard("result {}\n");
    house_close();
}

TEST(a_call_whose_question_cannot_be_answered_ends)
{
    static const struct mail_end ends[] = {{.why = CLOSE_BUSY, .words = "too many connections", .retry = -1},
                                           {.why = CLOSE_ANSWERED, .status = 400, .words = "no", .retry = -1}};
    static const struct mail_end fine[] = {{.why = CLOSE_ANSWERED, .status = 200, .retry = -1},
                                           {.why = CLOSE_TIMED_OUT, .words = "late", .retry = -1}};

    open_legacy((struct client_parts){0});
    for (int i = 0; i < 2; i++) {
        ask("tools/call", "{\"name\":\"a\"}");
        struct mail *m = last();
        say(m, STR(ELICIT("1")));
        answer_question(ACCEPT);
        end_as(last(), fine[i]);
        say(m, STR(ELICIT("2")));
        answer_question(ACCEPT);
        buffer_reset(&house.heard);
        end_as(last(), ends[i]);
        assert_true(m->is_dropped);
        assert_str(last()->e.method, "notifications/cancelled");
        if (i == 0)
            assert_heard("error busy -32603 the answer to its question did not get there: too many connections\n");
        else
            assert_heard("error closed -32603 the answer to its question did not get there: no\n");
    }
    ask("tools/call", "{\"name\":\"a\"}");
    say(last(), STR(ELICIT("1")));
    answer_question(ACCEPT); /* closed with one on its way */
    house_close();
}

TEST(a_question_is_refused_with_an_error)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    say(last(), STR(ELICIT("1")));
    question_refuse(house.question, -1, "rejected");
    assert_str(last()->spec.message, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"rejected\"}}");
    house_close();
}

TEST(a_question_that_is_taken_back_or_whose_call_ends_is_gone)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    struct mail *m = last();
    say(m, STR(ELICIT("7")));
    say(m, STR(ELICIT("7"))); /* a stream that was taken up again */
    assert_heard("call asked q elicitation/create\n");
    say(m, STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}"));
    assert_null(house.question);
    assert_int_equal(m->owed, 0);
    say(m, STR(ELICIT("8")));
    assert_non_null(house.question);
    answer(m, "result", "{}");
    assert_null(house.question);
    house_close();
}

TEST(pings_are_answered_wherever_they_come)
{
    open_legacy((struct client_parts){0});
    struct mail *stream = last();
    assert_int_equal(stream->spec.kind, KIND_STREAM);
    say(stream, STR("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}"));
    assert_str(last()->spec.message, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}");
    assert_heard("");
    house_close();
}

TEST(a_question_outside_of_any_call_is_the_clients_and_of_the_only_call_when_there_is_one)
{
    open_legacy((struct client_parts){0});
    struct mail *stream = last();
    say(stream, STR(ELICIT("1")));
    assert_heard("asked elicitation/create\n");
    answer_question(ACCEPT);
    assert_int_equal(last()->spec.kind, KIND_REPLY);
    struct client_call *call = ask("tools/call", "{\"name\":\"a\"}");
    say(stream, STR(ELICIT("2")));
    assert_heard("call asked q elicitation/create\n");
    ask("tools/call", "{\"name\":\"b\"}");
    say(stream, STR(ELICIT("3")));
    assert_heard("asked elicitation/create\n");
    client_call_cancel(call, CLOSE_CANCELLED, NULL);
    house_close();
}

static const struct client_events deaf;

TEST(who_answers_nothing_refuses)
{
    static const struct call_events none;
    struct client_request           request = {.method = STR("tools/list"), .level = -1};

    open_legacy((struct client_parts){.events = &deaf});
    assert_int_equal(last()->spec.kind, KIND_NOTIFICATION); /* no stream is opened for questions */
    client_call(house.client, &request, &none, NULL, NULL);
    say(last(), STR(ELICIT("1")));
    assert_int_equal(last()->spec.kind, KIND_REPLY);
    assert_says(last(), "\"code\":-32601");
    house_close();
}

TEST(more_questions_than_can_be_open_are_refused)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    struct mail *m     = last();
    size_t       count = house.count;
    for (int i = 0; i < 65; i++)
        say(m, arena_printf(house.arena, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"roots/list\"}", i));
    assert_int_equal(house.count, count + 1);
    assert_says(last(), "\"id\":64,\"error\":{\"code\":-32603");
    assert_int_equal(m->owed, 64);
    house_close();
}

TEST(a_question_of_a_session_that_is_gone_is_answered_to_nobody)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    say(last(), STR(ELICIT("1")));
    ask("tools/list", NULL);
    head(last(), 404, NULL);
    end(last(), 404);
    assert_sent(last(), "initialize");
    size_t count = house.count;
    answer_question(ACCEPT);
    assert_int_equal(house.count, count);
    house_close();
}

static void
open_child(void)
{
    house_open(WAY_STDIO, (struct client_parts){.era = CLIENT_LEGACY});
    client_open(house.client);
    answer(last(), "result", LEGACY_SERVER);
    end(last(), 0);
    buffer_reset(&house.heard);
}

TEST(over_stdio_a_question_outlives_the_call_that_it_seemed_to_be_asked_in)
{
    struct mail *m;

    open_child();
    ask("tools/call", "{\"name\":\"a\"}");
    m = last();
    ask("tools/call", "{\"name\":\"b\"}");
    say(m, STR(ELICIT("7")));
    assert_heard("call asked q elicitation/create\n");
    answer(m, "result", "{}");
    assert_heard("result {}\nasked elicitation/create\n");
    answer_question(ACCEPT);
    assert_says(last(), "\"id\":7,\"result\"");
    house_close();
}

TEST(a_question_in_a_call_that_cannot_be_asked_is_outside_of_any)
{
    static const struct call_events unheard = {.on_result = on_result, .on_error = on_error};
    struct client_request           request = {.method = STR("tasks/get"), .level = -1};

    open_child();
    house.call = client_call(house.client, &request, &unheard, NULL, NULL);
    say(last(), STR(ELICIT("7")));
    assert_heard("asked elicitation/create\n");
    house_close();
}

/* --- modern --- */

#define ASK(more)                                                                                                      \
    "{\"resultType\":\"input_required\",\"inputRequests\":{\"who\":{\"method\":\"elicitation/create\",\"params\":{}}," \
    "\"roots\":{\"method\":\"roots/list\"}}" more "}"

TEST(all_answers_of_a_round_go_together_with_the_exact_state)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\",\"arguments\":{\"n\":1}}");
    struct str first = last()->e.id;
    reply(last(), 200, "result", ASK(",\"requestState\":\"s\\u00e9\\u0000 =\""));
    assert_heard("call asked who elicitation/create\ncall asked roots roots/list\ncall asked all\n");
    assert_int_equal(client_calls(house.client), 1);
    assert_string_equal(question_key(house.question), "roots");
    answer_question("{\"roots\":[]}");
    assert_int_equal(house.count, 1);
    house_close();
    assert_int_equal(first.len > 0, 1);
}

static struct question_in *asked[2];
static size_t              asked_count;
static bool                answers_at_once;

static void
keep_question(void *owner, struct client_call *call, struct question_in *q)
{
    (void)owner, (void)call;
    question_watch(q, &asked[asked_count]);
    asked[asked_count++] = q;
    if (!answers_at_once)
        return;
    yyjson_doc *doc = json_read(STR(ACCEPT));
    question_answer(q, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static const struct call_events keepers = {on_call_message, keep_question, NULL, on_result, on_error};

static struct mail *
ask_round(const char *result)
{
    yyjson_doc           *params  = json_read(STR("{\"name\":\"a\",\"arguments\":{\"n\":1}}"));
    struct client_request request = {.method = STR("tools/call"), .level = -1, .params = yyjson_doc_get_root(params)};

    asked_count = 0;
    house.call  = client_call(house.client, &request, &keepers, NULL, NULL);
    yyjson_doc_free(params);
    struct mail *m = last();
    reply(m, 200, "result", result);
    return m;
}

TEST(the_same_request_is_made_again_with_a_new_id)
{
    open_modern((struct client_parts){0});
    struct mail *m   = ask_round(ASK(",\"requestState\":\"s\\u00e9 =\""));
    yyjson_doc  *doc = json_read(STR(ACCEPT));
    question_answer(asked[1], yyjson_doc_get_root(doc));
    assert_null(asked[1]);
    assert_int_equal(house.count, 1);
    question_answer(asked[0], yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    assert_int_equal(house.count, 2);
    assert_sent(last(), "tools/call");
    assert_false(str_eq(last()->e.id, m->e.id));
    assert_says(last(), "\"params\":{\"name\":\"a\",\"arguments\":{\"n\":1},\"inputResponses\":{\"who\":" ACCEPT
                        ",\"roots\":" ACCEPT "},\"requestState\":\"s\xC3\xA9 =\",\"_meta\":{");
    assert_str(last()->spec.name, "a");
    reply(last(), 200, "result", "{\"content\":[]}");
    assert_heard("result {\"content\":[]}\n");
    house_close();
}

TEST(a_state_of_an_earlier_round_is_not_sent_when_none_came)
{
    open_modern((struct client_parts){0});
    answers_at_once = true;
    ask_round(ASK(",\"requestState\":\"one\""));
    assert_int_equal(house.count, 2);
    assert_says(last(), "requestState");
    reply(last(), 200, "result", "{\"resultType\":\"input_required\",\"inputRequests\":{}}");
    assert_int_equal(house.count, 3);
    assert_true(str_find(last()->spec.message, STR("requestState")) < 0);
    assert_true(str_find(last()->spec.message, STR("inputResponses")) < 0);
    answers_at_once = false;
    house_close();
}

TEST(a_state_alone_is_sent_back_at_once_but_not_for_ever)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    for (int i = 0; i < 100 && buffer_len(&house.heard) == 0; i++)
        reply(last(), 200, "result", "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
    assert_heard("error malformed -32603 it asks for input again and again\n");
    assert_int_equal(house.count, 33);
    house_close();
}

TEST(a_round_that_is_refused_ends_the_call)
{
    open_modern((struct client_parts){0});
    ask_round(ASK(""));
    question_refuse(asked[0], -1, "rejected by the user");
    assert_null(asked[0]);
    assert_null(asked[1]);
    assert_heard("error answered -1 rejected by the user\n");
    house_close();
}

TEST(who_answers_no_questions_ends_the_call_that_asks)
{
    static const struct call_events deaf_events = {NULL, NULL, NULL, on_result, on_error};
    struct client_request           request     = {.method = STR("tools/call"), .level = -1};

    open_modern((struct client_parts){0});
    client_call(house.client, &request, &deaf_events, NULL, NULL);
    reply(last(), 200, "result", ASK(""));
    assert_heard("error answered -32601 the server asks for elicitation/create, which this client does not answer\n");
    house_close();
}

TEST(input_that_is_asked_for_in_any_other_way_is_an_error)
{
    static const char *const results[] = {
        "{\"resultType\":\"input_required\"}",
        "{\"resultType\":\"input_required\",\"inputRequests\":[]}",
        "{\"resultType\":\"input_required\",\"requestState\":7}",
        "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{}}}",
        "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":7}}",
        "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\\u0000b\":{\"method\":\"roots/list\"}}}",
        "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":\"roots/"
        "list\"},\"a\":{\"method\":\"x\"}}}",
    };

    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        open_modern((struct client_parts){0});
        ask_round(results[i]);
        assert_heard("error malformed -32603 it asks for input in a way that the protocol does not have\n");
        house_close();
    }
}

TEST(a_modern_server_makes_no_requests)
{
    open_modern((struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    say(last(), STR(ELICIT("1")));
    assert_heard("");
    assert_int_equal(house.count, 1);
    house_close();
}

TEST(a_call_that_waits_for_answers_can_be_given_up)
{
    open_modern((struct client_parts){0});
    ask_round(ASK(""));
    client_call_cancel(house.call, CLOSE_CANCELLED, NULL);
    assert_null(asked[0]);
    assert_int_equal(client_calls(house.client), 0);
    assert_int_equal(house.count, 1);
    house_close();
}
