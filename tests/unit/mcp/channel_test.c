#include "mcp/channel.h"

#include "mcp/channel_house.h"

#define CALL(id, token)                                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":" id                                                                                  \
    ",\"method\":\"tools/call\",\"params\":{\"name\":\"x\",\"_meta\":{\"progressToken\":" token "}}}"

TEST(the_greeting_is_asked_for_once_and_given_to_every_session)
{
    begin(false);
    open_both();
    assert_int_equal(channel_counts(house.channel)->starts, 1);
    leave(&house.bob);
    house.bob.session = session_new(house.channel, "bob", NULL);
    say(&house.bob, INITIALIZE("7"));
    assert_true(got(&house.bob, "\"id\":7,\"result\":" GREETING));
    assert_false(child_heard("initialize\""));
    finish();
}

TEST(ids_and_progress_tokens_are_numbered_anew_and_come_back_as_written)
{
    begin(false);
    open_both();
    say(&house.ada, CALL("\"a\\u0062\"", "\"t\""));
    say(&house.bob, CALL("12345678901234567890", "9"));
    WAIT(child_heard("\"id\":3"));
    assert_true(
        child_heard("\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"x\",\"_meta\":{\"progressToken\":2}"));
    child_says(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":3,\"progress\":1}}");
    WAIT(got(&house.bob, "\"progressToken\":9"));
    child_says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n"
               "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    WAIT(got(&house.ada, "\"id\":\"a\\u0062\",\"result\":{}"));
    assert_int_equal(count_of(&house.bob.got, "\"id\":12345678901234567890,\"result\":{}"), 1);
    assert_int_equal(house.odd, 1); /* answered twice */
    assert_false(got(&house.ada, "progress"));
    assert_int_equal(channel_calls(house.channel), 0);
    finish();
}

TEST(an_answer_that_cannot_be_held_for_its_client_fails_the_call)
{
    begin(false);
    open_both();
    say(&house.ada, CALL("\"one\"", "1"));
    WAIT(child_heard("\"id\":2"));
    house.ada.is_full = true;
    child_says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    WAIT(channel_calls(house.channel) == 0);
    assert_int_equal(house.why, CLOSE_BUSY);
    assert_string_equal(house.detail, "no memory for its answer (memory.max)");
    finish();
}

#define QUESTION "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}"

TEST(a_question_goes_to_the_session_whose_calls_alone_are_in_flight)
{
    begin(false);
    open_both();
    struct exchange *x = say(&house.ada, CALL("1", "1"));
    child_says(QUESTION);
    WAIT(got(&house.ada, "roots/list"));
    assert_int_equal(x->owed, 1);
    say(&house.bob, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"roots\":[\"bob\"]}}"); /* not his to answer */
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"roots\":[]}}");
    WAIT(child_heard("{\"roots\":[]}"));
    assert_false(child_heard("bob"));
    assert_int_equal(x->owed, 0);
    say(&house.bob, CALL("1", "1"));
    child_says(QUESTION);
    WAIT(child_heard("isolated"));
    assert_int_equal(channel_counts(house.channel)->refused_questions, 1);
    finish();
}

TEST(a_client_that_is_there_and_cannot_be_asked_is_not_waited_for)
{
    begin(false);
    open_both();
    house.ada.is_deaf  = true;
    struct exchange *x = say(&house.ada, CALL("1", "1"));
    child_says(QUESTION);
    WAIT(child_heard("listens nowhere"));
    assert_int_equal(x->owed, 0);
    assert_true(timer_is_set(&x->expiry));
    finish();
}

TEST(questions_that_nobody_answers_make_room)
{
    char text[128];

    begin(true);
    open_both();
    open_stream(&house.ada);
    for (int i = 0; i < 4140; i++) {
        snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":\"q%d.\",\"method\":\"roots/list\"}", i);
        child_says(text);
    }
    WAIT(got(&house.ada, "q4139."));
    WAIT(child_heard("\"id\":\"q43.\",\"error\""));
    assert_false(child_heard("\"id\":\"q44.\",\"error\""));
    finish();
}

TEST(what_is_held_for_a_session_is_bounded_and_comes_with_its_stream)
{
    begin(true);
    open_both();
    for (int i = 0; i < 100; i++)
        child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    WAIT(channel_counts(house.channel)->dropped == 36);
    open_stream(&house.ada);
    assert_int_equal(count_of(&house.ada.got, "list_changed"), 64);
    child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    WAIT(count_of(&house.ada.got, "list_changed") == 65);
    finish();
}

TEST(a_session_that_ends_while_the_child_opens_takes_nobody_with_it)
{
    begin(false);
    say(&house.ada, INITIALIZE("1"));
    say(&house.bob, INITIALIZE("2"));
    WAIT(child_heard("initialize"));
    leave(&house.ada);
    child_answers("initialize", "\"result\":" GREETING);
    WAIT(got(&house.bob, "\"id\":2,\"result\":" GREETING));
    finish();
}

TEST(a_refusal_reaches_all_who_wait_in_the_childs_words)
{
    begin(false);
    say(&house.ada, INITIALIZE("1"));
    say(&house.bob, INITIALIZE("2"));
    child_answers("initialize", "\"error\":{\"code\":-32602,\"message\":\"no key\"}");
    WAIT(got(&house.ada, "no key") && got(&house.bob, "\"id\":2,\"error\":{\"code\":-32602"));
    WAIT(house.downs == 1);
    assert_string_equal(channel_words(house.channel), "refused initialize");
    finish();
}

TEST(a_child_that_dies_is_started_again_at_once_and_then_with_a_wait)
{
    begin(false);
    open_both();
    for (int i = 0; i < 2; i++) {
        say(&house.ada, CALL("1", "1"));
        if (i > 0)
            child_answers("initialize", "\"result\":" GREETING);
        WAIT(child_heard("tools/call"));
        close(house.peer);
        house.peer = -1;
        buffer_reset(&house.heard);
        WAIT(house.downs == (size_t)i + 1);
        assert_int_equal(house.why, CLOSE_CUT);
    }
    struct exchange *x = say(&house.ada, CALL("1", "1"));
    assert_int_equal(x->state, EXCHANGE_CLOSED);
    assert_int_equal(house.why, CLOSE_UNREACHABLE);
    assert_true(str_find(x->detail, STR("it is started again in ")) > 0);
    finish();
}

/* The child hears ada's call, is ended by `end`, and bob calls while it goes. */
static void
call_while_it_goes(void (*end)(void))
{
    begin(false);
    open_both();
    say(&house.ada, CALL("1", "1"));
    WAIT(child_heard("tools/call"));
    end();
    struct exchange *x = say(&house.bob, CALL("2", "2"));
    assert_int_equal(x->state, EXCHANGE_WAITING);
}

/* It was ada's call that was lost; bob's is answered by the next child. */
static void
next_answers(void)
{
    assert_int_equal(house.why, CLOSE_CUT);
    close(house.peer);
    house.peer = -1;
    buffer_reset(&house.heard);
    child_answers("initialize", "\"result\":" GREETING);
    child_answers("tools/call", "\"result\":{}");
    WAIT(got(&house.bob, "\"id\":2,\"result\":{}"));
    finish();
}

static void
kill_it(void)
{
    child_kill(channel_child(house.channel));
}

static void
restart_it(void)
{
    channel_restart(house.channel);
}

TEST(what_comes_while_a_child_is_dying_waits_for_the_next)
{
    call_while_it_goes(kill_it);
    say(&house.bob, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    assert_int_equal(house.why, CLOSE_ANSWERED);
    WAIT(house.downs == 1);
    next_answers();
}

TEST(what_comes_while_an_isolated_child_is_dying_hears_how_it_died)
{
    begin(true);
    open_both();
    child_kill(channel_child(house.channel));
    say(&house.ada, CALL("2", "2"));
    WAIT(house.lost == 1);
    assert_int_equal(house.why, CLOSE_UNREACHABLE);
    assert_string_equal(house.detail, "it was stopped: was killed by SIGKILL");
    finish();
}

TEST(a_restart_is_no_failure_and_keeps_what_comes_meanwhile)
{
    call_while_it_goes(restart_it);
    WAIT(house.downs == 1);
    assert_string_equal(house.detail, "it was restarted");
    assert_int_equal(channel_down_since(house.channel), 0);
    next_answers();
}

TEST(which_command_could_not_be_started_is_the_operators_to_know)
{
    begin(false);
    house.command = "/no/such/place/server";
    say(&house.ada, INITIALIZE("1"));
    WAIT(house.downs == 1);
    assert_int_equal(house.why, CLOSE_UNREACHABLE);
    assert_string_equal(house.detail, "it could not be started");
    assert_true(str_find(str_from(channel_words(house.channel)), STR("/no/such/place/server")) > 0);
    say(&house.ada, INITIALIZE("1"));
    WAIT(house.downs == 2);
    say(&house.ada, INITIALIZE("1"));
    assert_true(str_starts(str_from(house.detail), STR("it could not be started; it is started again in ")));
    channel_restart(house.channel); /* the operator has mended it */
    house.command      = NULL;
    struct exchange *x = say(&house.ada, INITIALIZE("1"));
    assert_int_equal(x->state, EXCHANGE_WAITING);
    finish();
}

TEST(the_lowest_level_is_asked_for_and_each_session_hears_its_own)
{
    begin(false);
    open_both();
    open_stream(&house.ada);
    open_stream(&house.bob);
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"debug\"}}");
    child_answers("logging/setLevel", "\"result\":{}");
    say(&house.bob, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"error\"}}");
    assert_true(got(&house.bob, "\"id\":1,\"result\":{}"));
    child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}");
    WAIT(got(&house.ada, "\"info\""));
    assert_false(got(&house.bob, "\"info\""));
    leave(&house.ada);
    WAIT(child_heard("\"params\":{\"level\":\"error\"}")); /* nobody wants less any more */
    finish();
}

TEST(the_child_hears_of_the_first_subscription_and_of_the_last)
{
    begin(false);
    open_both();
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}");
    child_answers("resources/subscribe", "\"result\":{}");
    WAIT(got(&house.ada, "\"result\":{}"));
    say(&house.bob, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}");
    assert_true(got(&house.bob, "\"result\":{}"));
    leave(&house.ada);
    wire_rest(&house.wire);
    assert_false(child_heard("unsubscribe"));
    say(&house.bob, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":\"a:b\"}}");
    WAIT(child_heard("unsubscribe"));
    finish();
}

TEST(an_isolated_session_is_lost_with_its_child_and_its_channel_ends_with_it)
{
    begin(true);
    open_both();
    say(&house.ada, CALL("1", "1"));
    WAIT(child_heard("tools/call"));
    close(house.peer);
    house.peer = -1;
    WAIT(house.lost == 1);
    assert_int_equal(house.why, CLOSE_CUT);
    leave(&house.ada);
    assert_int_equal(house.closed, 1);
    finish();
}

TEST(lines_that_are_no_messages_are_counted_and_taken_by_nobody)
{
    begin(true);
    open_both();
    say(&house.ada, CALL("1", "1"));
    child_says("hello\n{\"jsonrpc\":\"2.0\"}\n\n[]\n[1]\n{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"result\":{}}\n\xff\xfe");
    WAIT(house.odd == 6);
    assert_int_equal(channel_calls(house.channel), 1);
    finish();
}

/* The child dies, and the next call starts another, which greets. */
static void
start_again(void)
{
    close(house.peer);
    house.peer = -1;
    WAIT(house.downs == 1);
    buffer_reset(&house.heard);
    say(&house.ada, CALL("9", "9"));
    child_answers("initialize", "\"result\":" GREETING);
}

/* An answer of more bytes than a line may have here. */
static void
child_says_too_much(int id)
{
    char line[400];

    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"t\":\"%0*d\"}}", id, 340, 7);
    child_says(line);
}

TEST(a_line_without_room_whose_begin_names_its_call_fails_that_call)
{
    begin(false);
    house.line_max = 300;
    open_both();
    say(&house.ada, CALL("1", "1"));
    struct exchange *bob = say(&house.bob, CALL("1", "1"));
    WAIT(child_heard("\"id\":3"));
    child_says_too_much(2);
    WAIT(house.why == CLOSE_TOO_LARGE); /* ada's exchange is gone by the end of that turn */
    assert_int_equal(house.odd, 1);
    assert_int_equal(bob->state, EXCHANGE_WAITING);
    assert_int_equal(bob->dropped, 0);
    child_says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    WAIT(got(&house.bob, "\"result\""));
    finish();
}

TEST(a_line_without_room_that_answers_nobody_fails_no_call)
{
    begin(false);
    house.line_max = 300;
    open_both();
    say(&house.ada, CALL("1", "1"));
    WAIT(child_heard("\"id\":2"));
    child_says_too_much(9);
    WAIT(house.odd == 1);
    child_says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    WAIT(got(&house.ada, "\"result\""));
    assert_int_equal(house.why, CLOSE_ANSWERED);
    finish();
}

TEST(a_line_without_room_is_told_to_whoever_waited_for_it)
{
    begin(false);
    house.line_max = 300;
    open_both();
    struct exchange *ada = say(&house.ada, CALL("1", "1"));
    struct exchange *bob = say(&house.bob, CALL("1", "1"));
    WAIT(child_heard("\"id\":3"));
    char line[400];
    memset(line, ' ', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    child_says(line);
    WAIT(house.odd == 1);
    assert_string_equal(house.trouble,
                        "said a line of 399 bytes, over message.max or what is left of memory.max: it was "
                        "dropped, and whoever waits for it waits for its time-out");
    assert_int_equal(ada->dropped, 399);
    child_says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    WAIT(got(&house.ada, "\"result\""));
    assert_int_equal(house.why, CLOSE_ANSWERED);
    timer_wheel_tick(&house.wire.loop.timers, clock_mono() + SECONDS(31));
    assert_int_equal(bob->state, EXCHANGE_CLOSED);
    assert_int_equal(house.why, CLOSE_TIMED_OUT);
    assert_string_equal(house.detail, "no answer within 30000 ms; what may have been it, 399 bytes, had no room "
                                      "(message.max, memory.max)");
    finish();
}

#define SUBSCRIBE "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a:"

TEST(what_sessions_want_of_a_child_that_starts_again_and_cannot_be_told_is_told_to_the_operator)
{
    static char uri[100000];

    begin(false);
    house.queue_max = 4096;
    open_both();
    snprintf(uri, sizeof uri, SUBSCRIBE "%090000d\"}}", 0);
    say(&house.ada, uri);
    child_answers("resources/subscribe", "\"result\":{}");
    start_again();
    WAIT(house.trouble[0] != '\0');
    assert_int_equal(strncmp(house.trouble, "could not be subscribed again to a:000", 38), 0);
    assert_non_null(strstr(house.trouble, "after its restart: its input queue (stdio.queue) is full"));
    finish();
}

TEST(a_long_subscription_is_told_again_and_its_refusal_to_the_operator)
{
    static char uri[100000];

    begin(false);
    open_both();
    snprintf(uri, sizeof uri, SUBSCRIBE "%090000d\"}}", 0);
    say(&house.ada, uri);
    child_answers("resources/subscribe", "\"result\":{}");
    start_again();
    child_answers("resources/subscribe", "\"error\":{\"code\":-32002,\"message\":\"gone\"}");
    WAIT(house.trouble[0] != '\0');
    assert_int_equal(strncmp(house.trouble, "refused a log level or a subscription that its sessions want: {", 63), 0);
    assert_non_null(strstr(house.trouble, "\"gone\""));
    finish();
}
