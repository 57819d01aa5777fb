/* Calls of which a server of 2025-11-25 makes a task: they are followed as if it were none. */
#include "mcp/client/client_house.h"

#define CALL "{\"name\":\"a\",\"task\":{}}"
#define TASK                                                                                                           \
    "{\"task\":{\"taskId\":\"t-1\",\"status\":\"working\",\"createdAt\":\"2026-11-21T10:00:00Z\","                     \
    "\"lastUpdatedAt\":\"2026-11-21T10:00:00Z\",\"ttl\":null}}"
#define RELATED "\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"t-1\"}}"
#define STATUS(id, words)                                                                                              \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"" id                      \
    "\",\"status\":\"working\",\"statusMessage\":" words "}}"
#define ELICIT(id)                                                                                                     \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"," RELATED   \
    "}}"

static struct mail *
begin_task(bool follows_progress)
{
    struct mail *m;

    open_legacy((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .follows_task = true, .follows_progress = follows_progress},
             "tools/call", CALL);
    m = last();
    assert_says(m, "\"task\":{}");
    reply(m, 200, "result", TASK);
    assert_sent(last(), "tasks/result");
    assert_says(last(), "\"params\":{\"taskId\":\"t-1\"}");
    assert_false(str_eq(last()->e.id, m->e.id));
    assert_heard("");
    return last();
}

TEST(a_task_is_followed_to_its_result)
{
    struct mail *m = begin_task(false);

    reply(m, 200, "result", "{\"content\":[],\"isError\":true," RELATED "}");
    assert_heard("result {\"content\":[],\"isError\":true}\n");
    assert_int_equal(client_calls(house.client), 0);
    house_close();
}

TEST(what_else_stands_beside_its_task_in_a_result_stays)
{
    struct mail *m = begin_task(false);

    reply(m, 200, "result",
          "{\"_meta\":{\"a\":1,\"io.modelcontextprotocol/"
          "related-task\":{\"taskId\":\"t-1\"}},\"n\":12345678901234567890123}");
    assert_heard("result {\"_meta\":{\"a\":1},\"n\":12345678901234567890123}\n");
    house_close();
}

TEST(a_task_is_followed_to_its_error)
{
    struct mail *m = begin_task(false);

    reply(m, 200, "error", "{\"code\":4001,\"message\":\"no\"}");
    assert_heard("error answered 4001 no\n");
    house_close();
}

TEST(who_follows_no_task_gets_it)
{
    open_legacy((struct client_parts){0});
    ask("tools/call", CALL);
    reply(last(), 200, "result", "{\"task\":{\"taskId\":\"t-1\"}}");
    assert_heard("result {\"task\":{\"taskId\":\"t-1\"}}\n");
    ask_with((struct client_request){.level = -1, .follows_task = true}, "tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", "{\"task\":{\"taskId\":\"t-1\"}}"); /* of which it asked for none */
    assert_heard("result {\"task\":{\"taskId\":\"t-1\"}}\n");
    house_close();
}

TEST(a_server_that_makes_no_task_answers)
{
    open_legacy((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .follows_task = true}, "tools/call", CALL);
    reply(last(), 200, "result", "{\"content\":[]}");
    assert_heard("result {\"content\":[]}\n");
    house_close();
}

TEST(a_question_of_a_task_is_that_calls_wherever_it_is_asked)
{
    struct mail *m = begin_task(false);

    ask("tools/call", "{\"name\":\"b\"}");
    struct mail *other = last();
    say(m, STR(ELICIT("1")));
    assert_heard("call asked q elicitation/create\n");
    answer_question("{\"action\":\"decline\"}");
    assert_int_equal(last()->spec.kind, KIND_REPLY);
    say(other, STR(ELICIT("2")));
    assert_heard("call asked q elicitation/create\n");
    assert_int_equal(other->owed, 0);
    assert_int_equal(m->owed, 1);
    reply(m, 200, "result", "{\"content\":[]}");
    assert_null(house.question); /* gone with it */
    assert_heard("result {\"content\":[]}\n");
    house_close();
}

TEST(its_status_is_told_as_progress_until_it_tells_some_of_its_own)
{
    struct mail *m = begin_task(true);

    assert_true(m->e.progress_token.data == NULL);
    say(m, STR(STATUS("t-1", "\"half\"")));
    assert_heard("call told notifications/progress\n");
    say(m, STR(STATUS("t-1", "5")));
    say(m, STR(STATUS("t-2", "\"half\"")));
    assert_heard("told notifications/tasks/status\n");
    say(m, arena_printf(house.arena,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%.*s,"
                        "\"progress\":1}}",
                        STR_ARG((m - 1)->e.id)));
    assert_heard("call told notifications/progress\n");
    say(m, STR(STATUS("t-1", "\"nearly\"")));
    assert_heard("");
    house_close();
}

TEST(who_gives_up_a_followed_call_cancels_its_task)
{
    struct mail *m = begin_task(false);

    client_call_cancel(house.call, CLOSE_CANCELLED, "no more");
    assert_true(m->is_dropped);
    assert_sent(last(), "tasks/cancel");
    assert_says(last(), "\"params\":{\"taskId\":\"t-1\"}");
    reply(last(), 200, "error", "{\"code\":-32602,\"message\":\"it is over\"}");
    assert_heard("");
    house_close();
}

TEST(a_task_that_takes_too_long_is_cancelled)
{
    struct mail *m = begin_task(false);

    end_as(m, (struct mail_end){.why = CLOSE_TIMED_OUT, .words = "late", .retry = -1});
    assert_heard("error timed-out -32603 late\n");
    assert_sent(last(), "tasks/cancel");
    house_close();
}
