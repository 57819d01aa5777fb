/* What clients of a relay want to hear, all together, and who hears what its server says. */
#include "mcp/service/relay_house.h"

static struct buffer uris;

static void
note_uri(void *arg, struct str uri)
{
    (void)arg;
    assert_true(buffer_printf(&uris, "%.*s ", STR_ARG(uri)));
}

/* Whether this is subscribed to by a caller, and how much in all. */
static bool
has_uri_of(uint64_t caller, const char *uri, size_t count)
{
    char   find[100];
    size_t found = 0;

    uris = (struct buffer){.max = MIB(1)};
    service_each_subscription(house.service, caller, note_uri, NULL);
    snprintf(find, sizeof find, "%s ", uri);
    for (size_t i = 0; i < buffer_len(&uris); i++)
        found += buffer_str(&uris).data[i] == ' ';
    bool has = str_find(buffer_str(&uris), str_from(find)) >= 0;
    assert_int_equal(found, count);
    buffer_clear(&uris);
    return has;
}

static bool
has_uri(const char *uri, size_t count)
{
    return has_uri_of(0, uri, count);
}

TEST(the_relay_hears_once_a_turn_that_something_else_is_wanted)
{
    relay_open();
    house_turn();
    script.listened = 0;
    enter(&house.ada, "2025-11-25", "{}");
    house_turn();
    assert_int_equal(script.listened, 0);
    assert_int_equal(service_wishes(house.service, 0), 0);
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"a:1\"}"));
    say(&house.ada, ASK("2", "resources/subscribe", "{\"uri\":\"a:2\"}"));
    ask_modern(&house.bob, "1", "subscriptions/listen",
               "\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,\"resourceSubscriptions\":"
               "[\"a:2\",\"a:3\"]},",
               "{}");
    house_turn();
    assert_int_equal(script.listened, 1);
    assert_int_equal(service_wishes(house.service, 0), 1); /* it offers no changes of prompts */
    assert_true(has_uri("a:1", 3) && has_uri("a:2", 3) && has_uri("a:3", 3));
    assert_got(&house.bob, "{\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[");
    say(&house.ada, ASK("3", "resources/unsubscribe", "{\"uri\":\"a:1\"}"));
    house_turn();
    assert_int_equal(script.listened, 2);
    assert_false(has_uri("a:1", 2));
    house_turn();
    assert_int_equal(script.listened, 2);
    relay_close();
}

TEST(who_had_a_stream_listens_until_its_session_ends)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    struct exchange *x = open_stream(&house.ada);
    house_turn();
    assert_int_equal(service_wishes(house.service, 0), 7);
    exchange_close(x, CLOSE_CLIENT_LEFT);
    script.listened = 0;
    house_turn();
    assert_int_equal(service_wishes(house.service, 0), 7);
    open_stream(&house.ada);
    house_turn();
    assert_int_equal(script.listened, 0);
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    house_turn();
    assert_int_equal(script.listened, 1);
    assert_int_equal(service_wishes(house.service, 0), 0);
    relay_close();
}

TEST(who_listens_no_more_wants_nothing)
{
    relay_open();
    struct exchange *x =
        ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"resourcesListChanged\":true},", "{}");
    house_turn();
    assert_int_equal(service_wishes(house.service, 0), 4);
    exchange_close(x, CLOSE_CANCELLED);
    script.listened = 0;
    house_turn();
    assert_int_equal(script.listened, 1);
    assert_int_equal(service_wishes(house.service, 0), 0);
    relay_close();
}

TEST(listening_waits_until_the_server_is_known)
{
    relay_open();
    script.is_slow = true;
    ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true},", "{}");
    house_turn();
    assert_not_got(&house.bob, "acknowledged");
    assert_int_equal(service_wishes(house.service, 0), 0);
    request_relay_known(script.opening, &script.server);
    assert_got(&house.bob, "notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":"
                           "{\"toolsListChanged\":true}");
    house_turn();
    assert_int_equal(service_wishes(house.service, 0), 1);
    relay_close();
}

TEST(the_lowest_level_that_a_session_set_is_told)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    enter(&house.bob, "2025-11-25", "{}");
    house_turn();
    assert_int_equal(script.leveled, 0);
    say(&house.ada, ASK("1", "logging/setLevel", "{\"level\":\"error\"}"));
    say(&house.ada, ASK("2", "logging/setLevel", "{\"level\":\"warning\"}"));
    house_turn();
    assert_int_equal(script.leveled, 1);
    assert_int_equal(script.level, 3);
    say(&house.bob, ASK("1", "logging/setLevel", "{\"level\":\"error\"}"));
    house_turn();
    assert_int_equal(script.leveled, 1);
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    house_turn();
    assert_int_equal(script.level, 4);
    service_session_end(house.bob.session, CLOSE_SESSION_ENDED);
    house_turn();
    assert_int_equal(script.leveled, 3);
    assert_int_equal(script.level, -1);
    relay_close();
}

TEST(what_the_server_says_goes_to_who_asked_for_it)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    open_stream(&house.ada);
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"a:1\"}"));
    ask_modern(&house.bob, "1", "subscriptions/listen",
               "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:2\"]},", "{}");
    forget(&house.ada);
    forget(&house.bob);
    relay_say("notifications/tools/list_changed", NULL);
    relay_say("notifications/prompts/list_changed", NULL); /* which it did not say it would */
    relay_say("notifications/resources/list_changed", NULL);
    relay_say("notifications/resources/updated", "{\"uri\":\"a:1\"}");
    relay_say("notifications/resources/updated", "{\"uri\":\"a:2\"}");
    relay_say("notifications/resources/updated", "{}");
    relay_say("notifications/elicitation/complete", "{\"elicitationId\":\"e\"}");
    assert_got(&house.ada, "notifications/tools/list_changed");
    assert_got(&house.ada, "notifications/resources/list_changed");
    assert_got(&house.ada, "{\"uri\":\"a:1\"}");
    assert_not_got(&house.ada, "a:2");
    assert_not_got(&house.ada, "prompts");
    assert_not_got(&house.ada, "complete");
    assert_got(&house.bob, "notifications/tools/list_changed");
    assert_got(&house.bob, "\"uri\":\"a:2\"");
    assert_not_got(&house.bob, "a:1");
    assert_not_got(&house.bob, "resources/list_changed");
    relay_close();
}

TEST(an_update_of_what_lies_below_a_subscribed_resource_is_told)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    open_stream(&house.ada);
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"file:///a\"}"));
    ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"resourceSubscriptions\":[\"file:///\"]},",
               "{}");
    forget(&house.ada);
    relay_say("notifications/resources/updated", "{\"uri\":\"file:///ab\"}");
    assert_not_got(&house.ada, "updated");
    assert_got(&house.bob, "file:///ab");
    relay_say("notifications/resources/updated", "{\"uri\":\"file:///a/b/c\"}");
    assert_got(&house.ada, "{\"uri\":\"file:///a/b/c\"}");
    assert_got(&house.bob, "file:///a/b/c");
    relay_close();
}

TEST(a_log_of_no_call_goes_to_sessions_that_want_its_level)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    enter(&house.bob, "2025-11-25", "{}");
    open_stream(&house.ada);
    open_stream(&house.bob);
    say(&house.bob, ASK("1", "logging/setLevel", "{\"level\":\"error\"}"));
    forget(&house.bob);
    relay_say("notifications/message", "{\"level\":\"info\",\"data\":\"d\"}");
    assert_got(&house.ada,
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":"
               "\"d\"}}");
    assert_not_got(&house.bob, "message");
    relay_say("notifications/message", "{\"level\":\"error\",\"data\":\"d\"}");
    assert_got(&house.bob, "\"error\"");
    forget(&house.ada);
    relay_say("notifications/message", "{\"level\":\"odd\",\"data\":\"d\"}");
    assert_not_got(&house.ada, "odd");
    relay_close();
}

static void
tell_to(uint64_t caller, const char *method, const char *params)
{
    yyjson_doc *doc = yyjson_read(params, strlen(params), 0);

    service_relay_notification(house.service, caller, str_from(method), yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

/* --- tasks --- */

#define MAKES_TASKS "{\"tools\":{},\"tasks\":{\"requests\":{\"tools\":{\"call\":{}}}}}"
#define FOLLOWS     "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"

static struct exchange *
listen_for(const char *tasks, const char *capabilities)
{
    char filter[200];

    snprintf(filter, sizeof filter, "\"notifications\":{\"taskIds\":%s},", tasks);
    return ask_modern(&house.bob, "1", "subscriptions/listen", filter, capabilities);
}

static void
tell_task(const char *params)
{
    yyjson_doc *doc = yyjson_read(params, strlen(params), 0);

    request_relay_task(script.listener, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

TEST(news_of_tasks_go_to_who_listens_for_them)
{
    relay_open();
    script.server.capabilities = STR(MAKES_TASKS);
    struct exchange *x         = listen_for("[\"t-1\",\"of ada\",\"t-1\",\"t-2\"]", FOLLOWS);
    assert_int_equal(script.followed, 2);
    assert_got(&house.bob, "\"taskIds\":[\"t-");
    assert_not_got(&house.bob, "of ada");
    forget(&house.bob);
    tell_task("{\"taskId\":\"t-1\",\"status\":\"completed\",\"result\":{\"content\":[]}}");
    assert_str(
        buffer_str(&house.bob.got),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"t-1\",\"status\":"
        "\"completed\",\"result\":{\"content\":[]},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":1}}}\n");
    exchange_close(x, CLOSE_CLIENT_LEFT);
    assert_int_equal(script.followed, 0);
    relay_close();
}

TEST(who_does_not_follow_tasks_hears_no_news_of_them)
{
    relay_open();
    script.server.capabilities = STR(MAKES_TASKS);
    listen_for("[\"t-1\"]", "{}");
    assert_got(&house.bob, "\"code\":-32021");
    assert_got(&house.bob, "\"requiredCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    assert_int_equal(house.http_status, 400);
    assert_int_equal(script.followed, 0);
    script.server.capabilities = STR("{}"); /* a server without tasks does not know that word */
    listen_for("[\"u-1\"]", "{}");
    assert_got(&house.bob, "acknowledged\",\"params\":{\"notifications\":{}");
    relay_close();
}

TEST(tasks_that_are_no_list_of_names_are_refused)
{
    relay_open();
    static const char *const odd[] = {"\"t-1\"", "[\"t-1\",5]", "{\"t-1\":true}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        listen_for(odd[i], FOLLOWS);
        assert_got(&house.bob, "\"code\":-32602");
        forget(&house.bob);
        assert_int_equal(script.followed, 0);
    }
    relay_close();
}

TEST(who_cannot_be_told_of_a_task_follows_none)
{
    relay_open();
    listen_for("[\"t-1\",\"t-2\"]", FOLLOWS);
    assert_int_equal(script.followed, 2);
    house.bob.is_deaf = true;
    tell_task("{\"taskId\":\"t-1\",\"status\":\"working\"}");
    assert_int_equal(house.bob.why, CLOSE_CLIENT_STALLED);
    assert_int_equal(script.followed, 0);
    relay_close();
}

static void
make_task(struct request *r)
{
    request_follow_task(r, STR("t-1"));
    script_answer(r);
}

static void
end_task(struct request *r)
{
    request_leave_task(r, STR("t-1"));
    script_answer(r);
}

static size_t
tasks_wanted(void)
{
    size_t count = 0;

    uris = (struct buffer){.max = MIB(1)};
    service_each_followed_task(house.service, 0, note_uri, NULL);
    for (size_t i = 0; i < buffer_len(&uris); i++)
        count += buffer_str(&uris).data[i] == ' ';
    buffer_clear(&uris);
    return count;
}

TEST(a_session_hears_of_the_tasks_that_it_made_until_they_are_over)
{
    relay_open();
    script.serve = make_task;
    enter(&house.ada, "2025-11-25", "{}");
    enter(&house.bob, "2025-11-25", "{}");
    open_stream(&house.bob);
    say(&house.ada, ASK("1", "tools/call", "{\"name\":\"a\"}"));
    assert_int_equal(tasks_wanted(), 0); /* it has no stream */
    open_stream(&house.ada);
    house_turn();
    assert_int_equal(tasks_wanted(), 1);
    forget(&house.ada);
    relay_say("notifications/tasks/status", "{\"taskId\":\"t-2\",\"status\":\"working\"}");
    relay_say("notifications/tasks/status", "{}");
    tell_to(5, "notifications/tasks/status", "{\"taskId\":\"t-1\",\"status\":\"working\"}");
    relay_say("notifications/tasks/status", "{\"taskId\":\"t-1\",\"status\":\"working\",\"ttl\":null}");
    assert_str(buffer_str(&house.ada.got), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{"
                                           "\"taskId\":\"t-1\",\"status\":\"working\",\"ttl\":null}}\n");
    script.listened = 0;
    relay_say("notifications/tasks/status", "{\"taskId\":\"t-1\",\"status\":\"cancelled\"}");
    house_turn();
    assert_got(&house.ada, "cancelled");
    assert_int_equal(script.listened, 1);
    assert_int_equal(tasks_wanted(), 0);
    assert_not_got(&house.bob, "tasks/status");
    relay_close();
}

TEST(who_sees_the_end_of_a_task_is_told_no_more_of_it)
{
    relay_open();
    script.serve = make_task;
    enter(&house.ada, "2025-11-25", "{}");
    open_stream(&house.ada);
    say(&house.ada, ASK("1", "tools/call", "{\"name\":\"a\"}"));
    assert_int_equal(tasks_wanted(), 1);
    script.serve = end_task;
    say(&house.ada, ASK("2", "tools/call", "{\"name\":\"a\"}"));
    assert_int_equal(tasks_wanted(), 0);
    forget(&house.ada);
    relay_say("notifications/tasks/status", "{\"taskId\":\"t-1\",\"status\":\"completed\"}");
    assert_not_got(&house.ada, "tasks/status");
    relay_close();
}

TEST(new_roots_are_told_to_the_server)
{
    relay_open();
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/odd\"}");
    assert_int_equal(script.noted, 1);
    relay_close();
}

TEST(callers_want_and_hear_what_is_theirs_alone)
{
    relay_open();
    house.ada.caller = 7;
    house.bob.caller = 8;
    enter(&house.ada, "2025-11-25", "{}");
    open_stream(&house.ada);
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"a:1\"}"));
    ask_modern(&house.bob, "1", "subscriptions/listen",
               "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:1\",\"a:2\"]},", "{}");
    house_turn();
    assert_int_equal(service_wishes(house.service, 0), 0);
    assert_int_equal(service_wishes(house.service, 7), 7);
    assert_int_equal(service_wishes(house.service, 8), 1);
    assert_true(has_uri_of(7, "a:1", 1) && has_uri_of(8, "a:2", 2) && !has_uri("a:1", 0));
    forget(&house.ada);
    forget(&house.bob);

    tell_to(7, "notifications/resources/updated", "{\"uri\":\"a:1\"}");
    tell_to(7, "notifications/tools/list_changed", "{}");
    tell_to(7, "notifications/message", "{\"level\":\"error\",\"data\":\"of ada\"}");
    assert_got(&house.ada, "a:1");
    assert_got(&house.ada, "tools/list_changed");
    assert_got(&house.ada, "of ada");
    assert_int_equal(buffer_len(&house.bob.got), 0);
    forget(&house.ada);
    tell_to(8, "notifications/resources/updated", "{\"uri\":\"a:1\"}");
    tell_to(8, "notifications/tools/list_changed", "{}");
    tell_to(8, "notifications/message", "{\"level\":\"error\",\"data\":\"of bob\"}");
    tell_to(0, "notifications/resources/updated", "{\"uri\":\"a:2\"}");
    assert_int_equal(buffer_len(&house.ada.got), 0);
    assert_got(&house.bob, "a:1");
    assert_not_got(&house.bob, "a:2");
    relay_close();
}

TEST(a_session_is_of_the_caller_that_was_heard_in_it_last)
{
    relay_open();
    house.ada.caller = 7;
    enter(&house.ada, "2025-11-25", "{}");
    open_stream(&house.ada);
    house_turn();
    script.listened  = 0;
    house.ada.caller = 9; /* another token */
    say(&house.ada, ASK("1", "ping", "{}"));
    house_turn();
    assert_int_equal(script.listened, 1);
    assert_int_equal(service_wishes(house.service, 7), 0);
    assert_int_equal(service_wishes(house.service, 9), 7);
    relay_close();
}
