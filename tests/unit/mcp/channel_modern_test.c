#include "mcp/channel.h"

#include "mcp/channel_house.h"

/* A channel of 2026-07-28: clients without sessions, a child that is asked `server/discover`. */

#define META                                                                                                           \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}"
#define CALL(id, meta)                                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"x\",\"_meta\":{" meta META    \
    "}}}"
#define LISTEN(id)                                                                                                     \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":{"           \
    "\"toolsListChanged\":true},\"_meta\":{" META "}}}"
#define OF_LISTEN(id) "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":" id "}"
#define DISCOVERED                                                                                                     \
    "\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{},\"_meta\":{"                               \
    "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"weather\",\"version\":\"2\"}}}"

static void
begin_modern(mono_time patience)
{
    begin_house();
    house.channel = channel_new_modern(&house.wire.loop, &events, NULL, house.scratch, patience);
}

/* Ready, and its first call answered. */
static void
open_modern(void)
{
    say(&house.ada, CALL("\"first\"", ""));
    child_answers("server/discover", DISCOVERED);
    child_answers("tools/call", "\"result\":{}");
    WAIT(got(&house.ada, "\"id\":\"first\",\"result\":{}"));
    buffer_reset(&house.ada.got);
}

TEST(a_child_is_asked_what_it_is_before_it_gets_what_waits)
{
    begin_modern(SECONDS(5));
    say(&house.ada, CALL("\"a\"", ""));
    say(&house.bob, CALL("1", ""));
    WAIT(child_heard("\"id\":1,\"method\":\"server/discover\""));
    assert_true(child_heard("clientInfo\":{\"name\":\"gatehouse\""));
    assert_false(child_heard("tools/call"));
    assert_int_equal(channel_state(house.channel), CHANNEL_OPENING);
    child_answers("server/discover", DISCOVERED);
    WAIT(child_heard("\"id\":3,\"method\":\"tools/call\""));
    assert_string_equal(house.server, "weather");
    child_says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"n\":2}}");
    WAIT(got(&house.ada, "\"id\":\"a\",\"result\":{\"n\":2}"));
    assert_true(got(&house.bob, "\"id\":1,\"result\":{}"));
    assert_false(child_heard("initialize"));
    finish();
}

TEST(ids_and_tokens_of_modern_calls_come_back_as_written)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, CALL("\"a\"", "\"progressToken\":\"t\","));
    WAIT(child_heard("\"id\":3"));
    assert_true(child_heard("\"progressToken\":3"));
    child_says(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":3,\"progress\":1}}");
    WAIT(got(&house.ada, "\"progressToken\":\"t\""));
    child_says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"resultType\":\"input_required\",\"requestState\":\"s\"}}");
    WAIT(got(&house.ada, "\"id\":\"a\",\"result\":{\"resultType\":\"input_required\",\"requestState\":\"s\"}"));
    finish();
}

TEST(a_refusal_of_our_revision_that_names_it_is_of_our_era)
{
    begin_modern(SECONDS(5));
    say(&house.ada, CALL("1", ""));
    child_answers("server/discover",
                  "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2027-01-01\"]}}");
    WAIT(channel_state(house.channel) == CHANNEL_READY);
    child_answers("tools/call", "\"error\":{\"code\":-32022,\"message\":\"no\"}");
    WAIT(got(&house.ada, "\"id\":1,\"error\":{\"code\":-32022"));
    finish();
}

static void
expect_other_era(const char *answer)
{
    begin_modern(SECONDS(5));
    say(&house.ada, CALL("1", ""));
    child_answers("server/discover", answer);
    WAIT(house.closed == 1);
    assert_true(house.other_era[0] != '\0');
    assert_int_equal(strncmp(house.stranded, "1: ", 3), 0);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    finish();
}

TEST(a_child_of_the_other_era_gets_nothing_of_what_waits)
{
    expect_other_era("\"error\":{\"code\":-32601,\"message\":\"Method not found\"}");
    expect_other_era("\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2025-11-25\"]}}");
    expect_other_era("\"error\":{\"code\":-32602,\"message\":\"Received request before initialization was complete\"}");
    expect_other_era("\"result\":{\"supportedVersions\":[\"2025-11-25\"]}");
}

TEST(a_child_that_says_nothing_is_of_the_other_era_after_a_while)
{
    begin_modern(MILLISECONDS(50));
    say(&house.ada, CALL("\"q\"", ""));
    WAIT(house.closed == 1);
    assert_string_equal(house.other_era, "said nothing to server/discover");
    assert_string_equal(house.stranded, "\"q\": said nothing to server/discover");
    finish();
}

TEST(a_child_that_ends_at_once_shows_nothing_of_its_era)
{
    begin_modern(SECONDS(5));
    house.command = "/bin/false";
    say(&house.ada, CALL("1", ""));
    WAIT(house.downs == 1);
    assert_string_equal(house.stranded, "1: exited with status 1");
    assert_string_equal(house.other_era, "");
    house.command = "/no/such/place/server"; /* that is no answer of a server at all */
    say(&house.ada, CALL("2", ""));
    WAIT(house.downs == 2);
    assert_string_equal(house.stranded, "1: exited with status 1");
    assert_int_equal(house.why, CLOSE_UNREACHABLE);
    finish();
}

TEST(a_subscription_is_told_under_the_id_of_its_client)
{
    begin_modern(SECONDS(5));
    open_modern();
    struct exchange *x = say(&house.ada, LISTEN("\"7\""));
    say(&house.bob, LISTEN("7"));
    WAIT(child_heard("\"id\":4"));
    child_says(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":"
        "{},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":3}}}");
    WAIT(got(&house.ada, "acknowledged\",\"params\":{\"notifications\":{}," OF_LISTEN("\"7\"")));
    assert_int_equal(x->patience, 0);
    child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" OF_LISTEN("4") "}}");
    WAIT(got(&house.bob, "list_changed\",\"params\":{" OF_LISTEN("7") "}"));
    assert_false(got(&house.ada, "list_changed"));
    child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" OF_LISTEN(
        "9") "}}\n"
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    child_says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"resultType\":\"complete\"," OF_LISTEN("3") "}}");
    WAIT(got(&house.ada,
             "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{\"resultType\":\"complete\"," OF_LISTEN("\"7\"")));
    assert_int_equal(house.odd, 1);
    assert_int_equal(channel_counts(house.channel)->dropped, 1);
    assert_int_equal(channel_calls(house.channel), 1);
    finish();
}

TEST(a_subscription_whose_end_is_announced_ends)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, LISTEN("7"));
    WAIT(child_heard("\"id\":3"));
    child_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}");
    WAIT(channel_calls(house.channel) == 0); /* its result did not come */
    assert_int_equal(house.why, CLOSE_TIMED_OUT);
    assert_false(child_heard("notifications/cancelled"));
    finish();
}

TEST(a_call_that_nobody_waits_for_is_cancelled)
{
    begin_modern(SECONDS(5));
    open_modern();
    struct exchange *x = say(&house.ada, CALL("\"a\"", ""));
    struct exchange *y = say(&house.ada, LISTEN("\"b\""));
    WAIT(child_heard("\"id\":4"));
    exchange_close(x, CLOSE_CANCELLED);
    exchange_close(y, CLOSE_CANCELLED);
    WAIT(child_heard("notifications/cancelled\",\"params\":{\"requestId\":3"));
    WAIT(child_heard("notifications/cancelled\",\"params\":{\"requestId\":4"));
    assert_int_equal(channel_calls(house.channel), 0);
    assert_true(channel_lonely_since(house.channel) != 0);
    finish();
}

TEST(what_a_client_says_beside_its_calls_passes_but_for_ids_that_are_not_its_own)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}");
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/of/ours\"}");
    WAIT(child_heard("notifications/of/ours"));
    assert_false(child_heard("cancelled"));
    finish();
}

#define LOGS "\"io.modelcontextprotocol/logLevel\":\"info\","
#define LOG  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"d\"}}"

TEST(a_log_message_goes_to_the_only_call_that_asked_for_any)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, CALL("1", ""));
    WAIT(child_heard("\"id\":3"));
    child_says(LOG);
    WAIT(channel_counts(house.channel)->dropped == 1);
    say(&house.bob, CALL("2", LOGS));
    WAIT(child_heard("\"id\":4"));
    child_says(LOG);
    WAIT(got(&house.bob, "notifications/message"));
    say(&house.ada, CALL("3", LOGS));
    WAIT(child_heard("\"id\":5"));
    child_says(LOG);
    WAIT(channel_counts(house.channel)->dropped == 2);
    assert_false(got(&house.ada, "notifications/message"));
    finish();
}

TEST(a_modern_child_asks_nobody)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, CALL("1", ""));
    child_says("{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"elicitation/create\",\"params\":{}}");
    WAIT(child_heard("\"id\":\"e\",\"error\":{\"code\":-32601"));
    assert_int_equal(channel_counts(house.channel)->refused_questions, 1);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    finish();
}

TEST(a_modern_child_that_dies_ends_its_calls_and_is_asked_again)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, LISTEN("1"));
    say(&house.bob, CALL("2", ""));
    WAIT(child_heard("\"id\":4"));
    close(house.peer);
    house.peer = -1;
    WAIT(house.downs == 1);
    assert_int_equal(house.why, CLOSE_CUT);
    assert_int_equal(channel_calls(house.channel), 0);
    open_modern();
    assert_int_equal(channel_counts(house.channel)->starts, 2);
    finish();
}

TEST(an_error_of_a_modern_child_has_the_status_of_its_code)
{
    begin_modern(SECONDS(5));
    open_modern();
    say(&house.ada, CALL("1", ""));
    child_answers("tools/call", "\"error\":{\"code\":-32601,\"message\":\"no\"}");
    WAIT(got(&house.ada, "-32601"));
    assert_int_equal(house.status, 404);
    finish();
}

TEST(an_initialize_that_is_refused_may_be_taken_over)
{
    for (int taken = 0; taken < 2; taken++) {
        begin(false);
        house.takes_refused = taken == 1;
        say(&house.ada, INITIALIZE("\"i\""));
        child_answers("initialize", "\"error\":{\"code\":-32022,\"message\":\"no\"}");
        WAIT(house.downs == 1);
        assert_string_equal(house.refusal,
                            "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"error\":{\"code\":-32022,\"message\":\"no\"}}");
        assert_int_equal(got(&house.ada, "-32022"), taken == 0);
        finish();
    }
}
