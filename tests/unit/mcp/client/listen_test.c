/* What a server tells of itself: the GET stream and subscriptions of a legacy one, subscriptions/listen of a modern
 * one. */
#include "mcp/client/client_house.h"

#define CHANGED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"

static const struct client_events quiet  = {on_open, on_lost, on_message, NULL};
static const struct str           uris[] = {{"a:1", 3}, {"a:2", 3}};

/* --- legacy --- */

TEST(a_wish_opens_the_stream_and_subscribes)
{
    open_legacy((struct client_parts){.events = &quiet});
    size_t count = house.count;
    assert_true(client_listen(house.client, &(struct client_wishes){WISH_PROMPTS})); /* it declares none */
    assert_int_equal(house.count, count);
    assert_true(client_listen(house.client, &(struct client_wishes){WISH_TOOLS, uris, 1}));
    assert_int_equal(house.count, count + 2);
    assert_int_equal(house.mails[count].spec.kind, KIND_STREAM);
    assert_sent(last(), "resources/subscribe");
    assert_says(last(), "\"params\":{\"uri\":\"a:1\"}");
    reply(last(), 200, "result", "{}");
    say(&house.mails[count], STR(CHANGED));
    assert_heard("told notifications/tools/list_changed\n");
    assert_true(client_listen(house.client, &(struct client_wishes){WISH_TOOLS, uris, 1})); /* nothing new */
    assert_int_equal(house.count, count + 2);
    assert_true(client_listen(house.client, &(struct client_wishes){WISH_TOOLS, uris + 1, 1}));
    assert_int_equal(house.count, count + 4);
    assert_sent(&house.mails[count + 2], "resources/unsubscribe");
    assert_sent(&house.mails[count + 3], "resources/subscribe");
    assert_true(client_listen(house.client, &(struct client_wishes){0}));
    assert_true(house.mails[count].is_dropped);
    house_close();
}

TEST(a_stream_that_ends_is_opened_again_from_where_it_was)
{
    open_legacy((struct client_parts){0});
    struct mail *stream = last();
    size_t       count  = house.count;
    head(stream, 200, NULL);
    end_as(stream,
           (struct mail_end){.why = CLOSE_ANSWERED, .status = 200, .retry = SECONDS(2), .last_event = STR("e9")});
    pass(SECONDS(1));
    assert_int_equal(house.count, count);
    pass(SECONDS(1) + MILLISECONDS(50));
    assert_int_equal(house.count, count + 1);
    assert_int_equal(last()->spec.kind, KIND_STREAM);
    assert_str(last()->spec.last_event, "e9");
    head(last(), 200, NULL);
    end_as(last(), (struct mail_end){.why = CLOSE_CUT, .status = 200, .retry = -1});
    pass(SECONDS(1) + MILLISECONDS(50));
    assert_int_equal(house.count, count + 1); /* longer each time */
    pass(SECONDS(2));
    assert_int_equal(house.count, count + 2);
    house_close();
}

static void
open_up_to_the_stream(void)
{
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
    ask("tools/call", "{\"name\":\"a\"}");
    head(last(), 200, "the-session");
    answer(last(), "result", LEGACY_SERVER);
    end(last(), 202);
    assert_int_equal(last()->spec.kind, KIND_STREAM);
    assert_heard("");
}

TEST(calls_wait_until_the_stream_is_there_on_which_a_server_may_ask)
{
    open_up_to_the_stream();
    head(last(), 200, NULL);
    assert_heard("open 2025-11-25\n");
    assert_sent(last(), "tools/call");
    house_close();
    open_up_to_the_stream();
    pass(MILLISECONDS(900));
    assert_heard("");
    pass(MILLISECONDS(200)); /* it is in no hurry */
    assert_heard("open 2025-11-25\n");
    assert_sent(last(), "tools/call");
    house_close();
    open_up_to_the_stream();
    struct mail *stream = last();
    end_as(stream, (struct mail_end){.why = CLOSE_CUT, .retry = -1});
    assert_heard("open 2025-11-25\n");
    assert_sent(last(), "tools/call");
    pass(SECONDS(2));
    assert_int_equal(last()->spec.kind, KIND_STREAM);
    house_close();
}

TEST(a_server_without_a_stream_is_not_asked_again)
{
    static const int statuses[] = {400, 404, 405};

    for (size_t i = 0; i < 3; i++) {
        open_up_to_the_stream();
        head(last(), statuses[i], NULL);
        assert_heard("");
        end(last(), statuses[i]);
        assert_heard("open 2025-11-25\n");
        size_t count = house.count;
        pass(MINUTES(5));
        assert_int_equal(house.count, count);
        assert_non_null(client_server(house.client));
        house_close();
    }
}

TEST(a_stream_of_a_session_that_is_gone_opens_another_with_all_its_wishes)
{
    open_legacy((struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){WISH_TOOLS, uris, 2});
    client_set_level(house.client, 5);
    assert_sent(last(), "logging/setLevel");
    assert_says(last(), "\"level\":\"critical\"");
    struct mail *stream = &house.mails[2];
    head(stream, 200, NULL);
    end(stream, 200);
    pass(SECONDS(2));
    head(last(), 404, NULL);
    end(last(), 404);
    assert_sent(last(), "initialize");
    head(last(), 200, "another");
    answer(last(), "result", LEGACY_SERVER);
    size_t count = house.count;
    go_on(202);
    assert_heard("open 2025-11-25\n");
    assert_int_equal(house.count, count + 4); /* level, stream, two subscriptions */
    for (size_t i = count; i < house.count; i++)
        assert_str(house.mails[i].spec.session, "another");
    house_close();
}

TEST(what_is_asked_elsewhere_may_be_answered_on_the_stream)
{
    open_legacy((struct client_parts){0});
    struct mail *stream = last();
    ask_with((struct client_request){.level = -1, .follows_progress = true}, "tools/call", "{\"name\":\"a\"}");
    struct str id = last()->e.id;
    say(stream, arena_printf(house.arena,
                             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                             "%.*s,\"progress\":1}}",
                             STR_ARG(id)));
    say(stream, arena_printf(house.arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{}}", STR_ARG(id)));
    assert_heard("call told notifications/progress\nresult {}\n");
    house_close();
}

TEST(a_channel_listens_always_and_is_lost_with_its_stream)
{
    house_open(WAY_STDIO, (struct client_parts){.era = CLIENT_LEGACY, .events = &quiet});
    client_open(house.client);
    answer(last(), "result", LEGACY_SERVER);
    end(last(), 0);
    assert_int_equal(last()->spec.kind, KIND_STREAM);
    say(last(), STR(CHANGED));
    end_as(last(), (struct mail_end){.why = CLOSE_CUT, .words = "it exited", .retry = -1});
    assert_heard("open 2025-11-25\ntold notifications/tools/list_changed\nlost 0 0 it exited\n");
    house_close();
}

TEST(the_level_is_told_when_it_is_another_and_to_who_logs)
{
    open_legacy((struct client_parts){.events = &quiet});
    size_t count = house.count;
    client_set_level(house.client, 2);
    client_set_level(house.client, 2);
    assert_int_equal(house.count, count + 1);
    client_set_level(house.client, 0);
    assert_says(last(), "\"debug\"");
    house_close();
    open_modern((struct client_parts){0});
    client_set_level(house.client, 2);
    assert_int_equal(house.count, 0);
    house_close();
}

TEST(notifications_of_ours_go_to_legacy_servers)
{
    open_legacy((struct client_parts){.events = &quiet});
    client_notify(house.client, "notifications/roots/list_changed", NULL);
    assert_str(last()->spec.message, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    assert_int_equal(last()->spec.kind, KIND_NOTIFICATION);
    house_close();
    open_modern((struct client_parts){0});
    client_notify(house.client, "notifications/roots/list_changed", NULL);
    assert_int_equal(house.count, 0);
    house_close();
}

/* --- modern --- */

static void
acknowledge(struct mail *m)
{
    say(m, STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{}}"));
}

TEST(a_wish_is_listened_for_and_anew_when_it_changes)
{
    open_modern((struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){WISH_TOOLS, uris, 1});
    struct mail *first = last();
    assert_sent(first, "subscriptions/listen");
    assert_int_equal(first->spec.patience, 0);
    assert_says(first, "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:1\"]}");
    acknowledge(first);
    say(first, STR(CHANGED));
    assert_heard("told notifications/tools/list_changed\n");
    assert_int_equal(client_calls(house.client), 0); /* it is none of the owner's */
    client_listen(house.client, &(struct client_wishes){WISH_PROMPTS});
    struct mail *second = last();
    assert_says(second, "\"notifications\":{\"promptsListChanged\":true}");
    assert_true(first->is_open); /* until the other one hears */
    acknowledge(second);
    assert_true(first->is_dropped);
    client_listen(house.client, &(struct client_wishes){0});
    assert_true(second->is_dropped);
    assert_int_equal(house.count, 2);
    house_close();
}

TEST(what_a_modern_server_does_not_declare_is_left_out)
{
    house_open(WAY_HTTP, (struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){WISH_TOOLS | WISH_PROMPTS | WISH_RESOURCES, uris, 1});
    client_open(house.client);
    reply(last(), 200, "result", MODERN_SERVER);
    assert_says(last(), "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:1\"]}");
    house_close();
}

TEST(news_of_tasks_are_listened_for_where_there_are_tasks)
{
    static const struct str tasks[] = {{"t-1", 3}, {"t-2", 3}};

    house_open(WAY_HTTP, (struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){.tasks = tasks, .task_count = 2});
    client_open(house.client);
    reply(last(), 200, "result", MODERN_SERVER);
    assert_int_equal(house.count, 1); /* it has none */
    house_close();
    open_modern((struct client_parts){0});
    assert_true(client_listen(house.client, &(struct client_wishes){.tasks = tasks, .task_count = 1}));
    assert_says(last(), "\"notifications\":{\"taskIds\":[\"t-1\"]}");
    assert_says(last(), "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}");
    acknowledge(last());
    say(last(), STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"t-1\"}}"));
    assert_heard("told notifications/tasks\n");
    size_t count = house.count;
    client_listen(house.client, &(struct client_wishes){.tasks = tasks, .task_count = 1}); /* nothing new */
    assert_int_equal(house.count, count);
    client_listen(house.client, &(struct client_wishes){.tasks = tasks + 1, .task_count = 1});
    assert_says(last(), "\"notifications\":{\"taskIds\":[\"t-2\"]}");
    house_close();
}

TEST(a_subscription_that_drops_or_ends_well_is_opened_again)
{
    open_modern((struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){WISH_TOOLS});
    acknowledge(last());
    end_as(last(), (struct mail_end){.why = CLOSE_CUT, .status = 200, .retry = -1});
    assert_int_equal(house.count, 1);
    pass(SECONDS(1) + MILLISECONDS(50));
    assert_int_equal(house.count, 2);
    acknowledge(last());
    reply(last(), 200, "result", "{\"resultType\":\"complete\"}");
    pass(SECONDS(1) + MILLISECONDS(50));
    assert_int_equal(house.count, 3);
    for (int i = 0; i < 8; i++) { /* it does not come up: ever longer */
        end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .retry = -1});
        pass(SECONDS(31));
    }
    assert_int_equal(house.count, 11);
    end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .retry = -1});
    pass(SECONDS(29));
    assert_int_equal(house.count, 11);
    house_close();
}

TEST(a_server_that_has_no_subscriptions_is_not_asked_again)
{
    open_modern((struct client_parts){0});
    client_listen(house.client, &(struct client_wishes){WISH_TOOLS});
    reply(last(), 404, "error", "{\"code\":-32601,\"message\":\"no\"}");
    pass(MINUTES(5));
    assert_int_equal(house.count, 1);
    assert_heard("");
    client_listen(house.client, &(struct client_wishes){WISH_PROMPTS});
    assert_int_equal(house.count, 2);
    house_close();
}

TEST(more_uris_than_can_be_listened_to_are_refused)
{
    static struct str many[8193];
    static char       names[8193][16];

    for (size_t i = 0; i < 8193; i++) {
        snprintf(names[i], sizeof names[i], "u:%zu", i);
        many[i] = str_from(names[i]);
    }
    open_modern((struct client_parts){0});
    assert_false(client_listen(house.client, &(struct client_wishes){0, many, 8193}));
    assert_false(client_listen(house.client, &(struct client_wishes){0, many, 1, many, 8193}));
    assert_int_equal(house.count, 0);
    house_close();
}
