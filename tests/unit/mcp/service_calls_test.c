/* What happens on the way: progress, logs, time, cancellation, answers that come later. */
#include "mcp/service_house.h"

static struct request *held; /* what a handler has in hand */
static size_t          stopped;

static void
report(struct request *r)
{
    request_progress(r, 0, 100, "begun");
    request_progress(r, 50.5, 100, NULL);
    request_progress(r, 50, 100, NULL); /* does not rise */
    request_progress(r, 100, 0, NULL);
    request_log_text(r, "info", "one");
    request_log(r, "error", "disk", yyjson_mut_int(request_doc(r), 2));
    request_log_text(r, "loud", "no level");
    request_finish(r);
    request_finish(r); /* once is enough */
    request_progress(r, 200, 0, NULL);
}

static void
hold(struct request *r)
{
    held = r;
}

static void
stop(struct request *r)
{
    (void)r;
    stopped++;
}

static void
hold_and_hear(struct request *r)
{
    request_on_cancel(r, stop);
    hold(r);
}

static void
wake(struct request *r)
{
    request_say(r, "woken");
    request_finish(r);
}

static void
sleep_a_moment(struct request *r)
{
    request_on_cancel(r, stop);
    request_after(r, MILLISECONDS(30), wake);
}

static const struct tool tools[] = {
    {.name = "report", .call = report},
    {.name = "hold", .call = hold},
    {.name = "hear", .call = hold_and_hear},
    {.name = "sleep", .call = sleep_a_moment},
    {0},
};
static const struct service_table table = {.name = "calls", .version = "1", .tools = tools, .logs = true};

static void
begin(void)
{
    held    = NULL;
    stopped = 0;
    house_open(&table);
}

TEST(progress_rises_and_has_the_token_as_it_was_written)
{
    begin();
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("1", "report", "{}"));
    assert_got(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":9,"
                           "\"progress\":0,\"total\":100,\"message\":\"begun\"}}\n");
    assert_got(&house.ada, "\"progress\":50.5,\"total\":100}}\n");
    assert_not_got(&house.ada, "\"progress\":50,");
    assert_not_got(&house.ada, "\"progress\":200");
    enter(&house.bob, "2024-11-05", "{}");
    forget(&house.bob);
    say(&house.bob, CALL("1", "report", "{}"));
    assert_not_got(&house.bob, "begun");
    forget(&house.bob);
    say(&house.bob, ASK("2", "tools/call", "{\"name\":\"report\"}"));
    assert_not_got(&house.bob, "progress");
    house_close();
}

TEST(logs_are_told_from_the_level_that_a_session_or_a_request_names)
{
    begin();
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("1", "report", "{}"));
    assert_got(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
                           "\"data\":\"one\"}}\n");
    say(&house.ada, ASK("2", "logging/setLevel", "{\"level\":\"error\"}"));
    assert_got(&house.ada, "\"id\":2,\"result\":{}}");
    forget(&house.ada);
    say(&house.ada, CALL("3", "report", "{}"));
    assert_got(&house.ada, "\"params\":{\"level\":\"error\",\"logger\":\"disk\",\"data\":2}}\n");
    assert_not_got(&house.ada, "\"info\"");
    assert_not_got(&house.ada, "loud");
    say(&house.ada, ASK("4", "logging/setLevel", "{\"level\":\"loud\"}"));
    assert_got(&house.ada, "\"code\":-32602");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"report\",", "{}");
    assert_not_got(&house.bob, "notifications/message");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"report\",",
               "{},\"io.modelcontextprotocol/logLevel\":\"warning\"");
    assert_got(&house.bob, "\"logger\":\"disk\"");
    assert_not_got(&house.bob, "\"info\"");
    house_close();
}

TEST(an_answer_may_come_later)
{
    begin();
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("1", "hold", "{}"));
    house_turn();
    request_say(held, "late");
    request_finish(held);
    assert_got(&house.ada, "\"text\":\"late\"");
    house_turn();
    forget(&house.ada);
    say(&house.ada, CALL("2", "sleep", "{}"));
    assert_not_got(&house.ada, "woken");
    for (mono_time until = clock_mono() + SECONDS(5); !has_got(&house.ada, "woken") && clock_mono() < until;)
        loop_turn(&house.loop, MILLISECONDS(5));
    assert_got(&house.ada, "woken");
    assert_int_equal(stopped, 0);
    house_close();
}

TEST(a_client_that_cancels_gets_nothing_and_the_handler_is_told)
{
    begin();
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("7", "sleep", "{}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"7\"}}");
    assert_int_equal(stopped, 0); /* another id: 7 is not "7" */
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}");
    assert_int_equal(stopped, 1);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    assert_int_equal(house.ada.why, CLOSE_ANSWERED); /* of the notification itself */
    say(&house.ada, CALL("7", "hear", "{}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}");
    assert_int_equal(stopped, 2);
    house_turn();
    house_close();
}

TEST(a_modern_client_cancels_by_its_own_front_only)
{
    begin();
    ask_modern(&house.ada, "1", "tools/call", "\"name\":\"hear\",", "{}");
    say_by(&house.bob, service_back(house.service),
           "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    assert_int_equal(stopped, 0);
    say_by(&house.ada, service_back(house.service),
           "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    assert_int_equal(stopped, 1);
    house_close();
}

TEST(a_handler_that_answers_when_nobody_is_left_does_no_harm)
{
    begin();
    struct exchange *x = ask_modern(&house.ada, "1", "tools/call", "\"name\":\"hold\",", "{}");
    exchange_close(x, CLOSE_CLIENT_LEFT);
    house_turn();
    house_turn();
    request_progress(held, 5, 0, NULL);
    request_log_text(held, "info", "x");
    request_say(held, "to nobody");
    request_finish(held);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    house_turn();

    enter(&house.bob, "2025-11-25", "{}"); /* nor when its session is gone */
    say(&house.bob, CALL("1", "hold", "{}"));
    service_session_end(house.bob.session, CLOSE_SESSION_ENDED);
    assert_int_equal(house.bob.why, CLOSE_SESSION_ENDED);
    house_turn();
    request_after(held, 0, wake);
    house_turn();

    say_by(&house.ada, service_back(house.service), /* nor when all is over */
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}");
    house_close();
}

TEST(thousands_of_calls_of_one_session_wait_and_are_cancelled)
{
    char text[200];

    begin();
    enter(&house.ada, "2025-11-25", "{}");
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, CALL("%d", "hear", "{}"), i);
        say(&house.ada, text);
    }
    for (int i = 0; i < 10000; i += 2) {
        snprintf(text, sizeof text,
                 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%d}}", i);
        say(&house.ada, text);
    }
    assert_int_equal(stopped, 5000);
    house_turn();
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    assert_int_equal(stopped, 10000);
    house_close();
}

TEST(what_changes_is_told_on_the_get_stream_or_remembered_until_there_is_one)
{
    static const struct resource      resources[] = {{.uri = "a:b", .name = "a", .read = wake}, {0}};
    static const struct service_table watched     = {
            .name = "watched", .version = "1", .tools = tools, .resources = resources};

    house_open(&watched);
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"a:b\"}"));
    forget(&house.ada);
    service_tools_changed(house.service);
    service_tools_changed(house.service);
    service_prompts_changed(house.service); /* it has none */
    service_resource_updated(house.service, STR("a:b"));
    service_resource_updated(house.service, STR("a:b"));
    service_resource_updated(house.service, STR("a:c"));
    assert_int_equal(buffer_len(&house.ada.got), 0);
    assert_false(service_session_has_stream(house.ada.session));
    open_stream(&house.ada);
    assert_true(service_session_has_stream(house.ada.session));
    assert_str(buffer_str(&house.ada.got),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n"
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a:b\"}}\n");
    forget(&house.ada);
    service_resource_updated(house.service, STR("a:b"));
    assert_got(&house.ada, "resources/updated");
    say(&house.ada, ASK("2", "resources/unsubscribe", "{\"uri\":\"a:b\"}"));
    forget(&house.ada);
    service_resource_updated(house.service, STR("a:b"));
    assert_int_equal(buffer_len(&house.ada.got), 0);
    say(&house.ada, ASK("3", "resources/subscribe", "{\"uri\":\"a:c\"}"));
    assert_got(&house.ada, "\"code\":-32002");
    house_close();
}

TEST(a_session_stays_while_a_call_of_it_runs)
{
    held = NULL;
    house_open_for(&table, (struct service_parts){.session_idle = SECONDS(10)});
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, CALL("1", "hold", "{}"));
    timer_wheel_tick(&house.loop.timers, clock_mono() + SECONDS(12));
    assert_int_equal(service_sessions(house.service), 1);
    request_finish(held);
    house_turn();
    timer_wheel_tick(&house.loop.timers, clock_mono() + SECONDS(24));
    assert_int_equal(service_sessions(house.service), 0);
    house_close();
}
