/* A call of which a modern server makes a task: its owner hears of none. */
#include "mcp/client/client_house.h"

#define TASK(status, more)                                                                                             \
    "{\"resultType\":\"task\",\"taskId\":\"t1\",\"status\":\"" status                                                  \
    "\",\"createdAt\":\"2026-11-22T00:00:00Z\",\"lastUpdatedAt\":\"2026-11-22T00:00:00Z\",\"ttlMs\":60000" more "}"
#define SEEN(status, more) "{\"resultType\":\"complete\",\"taskId\":\"t1\",\"status\":\"" status "\"" more "}"
#define WHO                "\"who\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}"
#define ROOTS              "\"roots\":{\"method\":\"roots/list\"}"
#define ASKS(requests)     SEEN("input_required", ",\"inputRequests\":{" requests "}")
#define ACCEPT             "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"
#define SOON               MILLISECONDS(300) /* more than the 200 ms that the server wants */

/* Until it is a task. */
static void
begin_with(struct client_request request)
{
    open_modern((struct client_parts){.capabilities = STR("{\"roots\":{},\"extensions\":{\"a.test/b\":{}}}")});
    request.level        = -1;
    request.follows_task = true;
    ask_with(request, "tools/call", "{\"name\":\"a\"}");
    assert_says(last(), "\"roots\":{},\"extensions\":{\"a.test/b\":{},\"io.modelcontextprotocol/tasks\":{}}");
    reply(last(), 200, "result", TASK("working", ",\"pollIntervalMs\":200"));
    assert_heard("");
}

static void
begin(void)
{
    begin_with((struct client_request){0});
}

/* It is looked at, and that is what is seen. */
static void
see(const char *task)
{
    size_t count = house.count;

    pass(SOON);
    assert_int_equal(house.count, count + 1);
    assert_sent(last(), "tasks/get");
    reply(last(), 200, "result", task);
}

static bool
is_sent(const char *method)
{
    for (size_t i = 0; i < house.count; i++)
        if (str_eq(house.mails[i].e.method, str_from(method)))
            return true;
    return false;
}

TEST(a_task_is_looked_at_until_it_is_over)
{
    begin();
    assert_int_equal(client_calls(house.client), 1);
    pass(MILLISECONDS(100));
    assert_int_equal(house.count, 1); /* not sooner than the server wants */
    see(SEEN("working", ""));
    assert_says(last(), "\"params\":{\"taskId\":\"t1\",\"_meta\":{");
    assert_says(last(), "\"extensions\":{\"a.test/b\":{},\"io.modelcontextprotocol/tasks\":{}}");
    assert_str(last()->spec.method, "tasks/get");
    assert_str(last()->spec.name, "t1");
    assert_heard("");
    see(SEEN("completed", ",\"result\":{\"content\":[]}"));
    assert_heard("result {\"content\":[]}\n");
    assert_int_equal(client_calls(house.client), 0);
    pass(MINUTES(2));
    assert_int_equal(house.count, 3);
    house_close();
}

TEST(what_a_task_came_to_is_what_its_call_came_to)
{
    static const char *const cases[][2] = {
        {SEEN("failed", ",\"error\":{\"code\":4001,\"message\":\"no\",\"data\":1}"), "error answered 4001 no\n"},
        {SEEN("failed", ",\"statusMessage\":\"it burnt\""), "error answered -32603 it burnt\n"},
        {SEEN("failed", ""), "error answered -32603 its task has failed\n"},
        {SEEN("cancelled", ""), "error answered -32603 its task was cancelled\n"},
        {SEEN("completed", ""), "error malformed -32603 its task is completed and has no result\n"},
        {SEEN("odd", ""), "error malformed -32603 its task has a status that the protocol does not have\n"},
        {"{}", "error malformed -32603 its task has a status that the protocol does not have\n"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        see(cases[i][0]);
        assert_true(str_eq(buffer_str(&house.heard), str_from(cases[i][1])));
        buffer_reset(&house.heard);
        house_close();
    }
}

TEST(a_task_that_is_over_at_once_is_looked_at_at_once)
{
    open_modern((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .follows_task = true}, "tools/call", "{\"name\":\"a\"}");
    reply(last(), 200, "result", TASK("completed", ""));
    assert_sent(last(), "tasks/get");
    reply(last(), 200, "result", SEEN("completed", ",\"result\":{\"n\":1}"));
    assert_heard("result {\"n\":1}\n");
    house_close();
}

TEST(a_task_is_looked_at_neither_all_the_time_nor_hardly_ever)
{
    static const struct {
        const char *says;
        mono_time   least, most;
    } cases[] = {{",\"pollIntervalMs\":0", MILLISECONDS(10), MILLISECONDS(100)},
                 {",\"pollIntervalMs\":1e15", SECONDS(59), SECONDS(61)},
                 {",\"pollIntervalMs\":-1", MILLISECONDS(900), MILLISECONDS(1200)},
                 {"", MILLISECONDS(900), MILLISECONDS(1200)}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        open_modern((struct client_parts){0});
        ask_with((struct client_request){.level = -1, .follows_task = true}, "tools/call", "{\"name\":\"a\"}");
        snprintf(text, sizeof text, TASK("working", "%s"), cases[i].says);
        reply(last(), 200, "result", text);
        pass(cases[i].least);
        assert_int_equal(house.count, 1);
        pass(cases[i].most - cases[i].least);
        assert_int_equal(house.count, 2);
        house_close();
    }
}

TEST(what_a_task_says_of_its_state_is_progress)
{
    begin_with((struct client_request){.follows_progress = true});
    see(SEEN("working", ",\"statusMessage\":\"half\""));
    assert_heard("call told notifications/progress\n");
    see(SEEN("working", ",\"statusMessage\":\"half\"")); /* nothing new */
    assert_heard("");
    see(SEEN("working", ",\"statusMessage\":\"nearly\""));
    assert_heard("call told notifications/progress\n");
    house_close();
    begin();
    see(SEEN("working", ",\"statusMessage\":\"half\"")); /* nobody wants to know */
    assert_heard("");
    house_close();
}

TEST(what_a_task_asks_is_asked_and_answered_together)
{
    begin();
    see(ASKS(WHO "," ROOTS));
    assert_heard("call asked who elicitation/create\ncall asked roots roots/list\ncall asked all\n");
    struct question_in *second = house.question;
    assert_non_null(second);
    see(ASKS(WHO "," ROOTS)); /* it is looked at while a person thinks, and nothing is asked twice */
    assert_heard("");
    answer_question("{\"roots\":[]}");
    assert_false(is_sent("tasks/update"));
    see(ASKS(ROOTS)); /* somebody else has answered the other */
    assert_sent(last(), "tasks/update");
    assert_says(last(), "\"taskId\":\"t1\"");
    assert_says(last(), "\"inputResponses\":{\"roots\":{\"roots\":[]}}");
    assert_str(last()->spec.name, "t1");
    reply(last(), 200, "result", "{\"resultType\":\"complete\"}");
    see(SEEN("completed", ",\"result\":{}"));
    assert_heard("result {}\n");
    house_close();
}

TEST(a_question_that_stays_open_behind_its_answer_is_asked_again)
{
    begin();
    for (int i = 0; i < 2; i++) {
        see(ASKS(WHO));
        assert_heard("call asked who elicitation/create\ncall asked all\n");
        answer_question(ACCEPT);
        assert_sent(last(), "tasks/update");
        assert_says(last(), "\"inputResponses\":{\"who\":" ACCEPT "}");
        reply(last(), 200, "result", "{}");
    }
    house_close();
}

TEST(an_answer_waits_for_the_look_that_is_out)
{
    begin();
    see(ASKS(WHO));
    pass(SOON);
    assert_sent(last(), "tasks/get");
    struct mail *look = last();
    answer_question(ACCEPT);
    assert_int_equal(last() == look, 1);
    reply(look, 200, "result", ASKS(WHO));
    assert_sent(last(), "tasks/update");
    house_close();
}

TEST(a_task_that_asks_without_end_is_let_go)
{
    char text[400];

    begin();
    for (int i = 0; i < 5000 && buffer_len(&house.heard) == 0 && house.count < MAILS - 8; i++) {
        house.is_silent = true;
        snprintf(text, sizeof text,
                 "{\"taskId\":\"t1\",\"status\":\"input_required\",\"inputRequests\":{\"k%d\":"
                 "{\"method\":\"roots/list\"}}}",
                 i);
        see(text);
        house.is_silent = false;
        if (house.call == NULL)
            break;
        answer_question("{}");
        reply(last(), 200, "result", "{}");
    }
    assert_null(house.call);
    assert_sent(last(), "tasks/cancel");
    house_close();
}

TEST(a_task_asks_as_the_protocol_has_it_or_not_at_all)
{
    static const char *const wrong[] = {"\"a\":{}", "\"a\":{\"method\":5}", "\"\\u0000\":{\"method\":\"roots/list\"}"};
    char                     text[400];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin();
        snprintf(text, sizeof text, ASKS("%s"), wrong[i]);
        see(text);
        assert_heard("error malformed -32603 it asks for input in a way that the protocol does not have\n");
        assert_sent(last(), "tasks/cancel");
        house_close();
    }
}

TEST(a_refusal_ends_the_call_and_its_task)
{
    begin();
    see(ASKS(WHO));
    buffer_reset(&house.heard);
    question_refuse(house.question, -1, "not now");
    assert_heard("error answered -1 not now\n");
    assert_sent(last(), "tasks/cancel");
    assert_says(last(), "\"params\":{\"taskId\":\"t1\"");
    house_close();
}

TEST(who_cancels_the_call_cancels_the_task)
{
    begin();
    pass(SOON);
    struct mail *look = last();
    client_call_cancel(house.call, CLOSE_CANCELLED, "enough");
    assert_sent(last(), "tasks/cancel");
    assert_true(last()->spec.is_farewell); /* also when nobody stays for it */
    assert_str(last()->spec.name, "t1");
    assert_true(look->is_dropped);
    size_t count = house.count;
    reply(last(), 200, "result", "{}");
    pass(MINUTES(2));
    assert_int_equal(house.count, count);
    assert_heard("");
    house_close();
}

TEST(who_only_looks_at_a_task_leaves_it_alone)
{
    open_modern((struct client_parts){0});
    ask_with((struct client_request){.level = -1, .follows_task = true}, "tasks/get", "{\"taskId\":\"t1\"}");
    reply(last(), 200, "result", SEEN("working", ",\"pollIntervalMs\":200"));
    see(ASKS(WHO));
    assert_heard("call asked who elicitation/create\ncall asked all\n");
    client_call_cancel(house.call, CLOSE_CANCELLED, "enough");
    assert_false(is_sent("tasks/cancel"));
    ask_with((struct client_request){.level = -1, .follows_task = true}, "tasks/get", "{\"taskId\":\"t1\"}");
    reply(last(), 200, "result", SEEN("completed", ",\"result\":{}"));
    assert_heard("result {}\n");
    ask("tasks/get", "{\"taskId\":\"t1\"}"); /* and who does not follow it gets what is seen */
    reply(last(), 200, "result", SEEN("working", ""));
    assert_heard("result " SEEN("working", "") "\n");
    house_close();
}

TEST(a_look_that_comes_to_nothing_is_tried_again)
{
    begin();
    for (int i = 0; i < 6; i++) {
        assert_heard("");
        pass(MINUTES(1));
        assert_sent(last(), "tasks/get");
        end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .words = "no route", .retry = -1});
        if (i == 2) { /* those in a row count */
            pass(MINUTES(1));
            reply(last(), 200, "result", SEEN("working", ""));
            i = -1;
            if (house.count > 12)
                break;
        }
    }
    for (int i = 0; i < 6; i++) {
        pass(MINUTES(1));
        end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .words = "no route", .retry = -1});
    }
    assert_heard("error unreachable -32603 no route\n");
    house_close();
    begin();
    pass(SOON);
    reply(last(), 200, "error", "{\"code\":-32602,\"message\":\"Unknown task\"}");
    assert_heard("error answered -32602 Unknown task\n");
    house_close();
}

TEST(a_client_may_be_closed_while_it_follows)
{
    for (int at = 1; at < 6; at++) {
        begin_with((struct client_request){.follows_progress = true});
        house.free_at = house.events + at;
        for (int i = 0; i < 3 && house.client != NULL; i++) {
            pass(SOON);
            reply(last(), 200, "result",
                  i == 0   ? SEEN("working", ",\"statusMessage\":\"half\"")
                  : i == 1 ? ASKS(WHO "," ROOTS)
                           : SEEN("completed", ",\"result\":{}"));
        }
        house.free_at = 0;
        house_close();
    }
    begin();
    house_close(); /* while it rests */
    begin();
    pass(SOON);
    house_close(); /* while it is looked at */
}
