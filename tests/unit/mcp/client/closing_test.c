/* A client may be closed, its call cancelled, in whatever its owner hears: nothing is touched afterwards. Each scene is
 * played once for each event in it. */
#include "mcp/client/client_house.h"

#define ELICIT  "{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}"
#define LOGGED  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}"
#define CHANGED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"
#define ASK                                                                                                            \
    "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"},\"b\":{\"method\":"       \
    "\"roots/list\"}}}"

static bool
is_open(void)
{
    return house.client != NULL;
}

static void
ask_if_open(const char *method)
{
    if (is_open())
        ask(method, "{\"name\":\"a\"}");
}

static void
legacy_scene(void)
{
    house_open(WAY_HTTP, (struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    ask_if_open("tools/list");
    struct mail *probe = last();
    head(probe, 405, NULL);
    end(probe, 405);
    struct mail *hello = last();
    head(hello, 200, "sid");
    answer(hello, "result", LEGACY_SERVER);
    go_on(202); /* open: the stream, both calls */
    struct mail *stream = &house.mails[3 < house.count ? 3 : 0], *call = &house.mails[4 < house.count ? 4 : 0];
    say(call, STR(ELICIT));
    say(call, STR(LOGGED));
    say(stream, STR(CHANGED));
    say(stream, STR(ELICIT));
    answer(call, "result", "{}");
    struct mail *list = &house.mails[5 < house.count ? 5 : 0];
    head(list, 404, NULL);
    end(list, 404); /* its session is gone */
    struct mail *again = last();
    answer(again, "error", "{\"code\":-32000,\"message\":\"no more\"}");
    ask_if_open("tools/list");
    if (is_open() && last()->is_open)
        reply(last(), 401, "error", "{\"code\":-32000,\"message\":\"who?\"}");
}

static void
modern_scene(void)
{
    house_open(WAY_HTTP, (struct client_parts){0});
    ask("tools/call", "{\"name\":\"a\"}");
    if (is_open())
        client_listen(house.client, &(struct client_wishes){WISH_TOOLS});
    struct mail *probe = last();
    reply(probe, 200, "result", MODERN_SERVER);
    struct mail *call = &house.mails[1 < house.count ? 1 : 0], *listen = last();
    say(call, STR(LOGGED));
    say(listen, STR(CHANGED));
    reply(call, 200, "result", ASK);
    if (house.question != NULL)
        question_refuse(house.question, -1, "no");
    ask_if_open("tools/call");
    if (is_open())
        reply(last(), 400, "error", "{\"code\":-32020,\"message\":\"\"}");
    if (is_open())
        reply(last(), 200, "result", "{\"tools\":[]}");
    if (is_open())
        end_as(last(), (struct mail_end){.why = CLOSE_CUT, .retry = -1});
}

static void
stdio_scene(void)
{
    house_open(WAY_STDIO, (struct client_parts){0});
    for (int i = 0; i < 3; i++)
        ask_if_open("tools/list");
    end_as(last(), (struct mail_end){.why = CLOSE_TIMED_OUT, .retry = -1});
    answer(last(), "result", LEGACY_SERVER);
    end(last(), 0);
    end_as(last(), (struct mail_end){.why = CLOSE_SESSION_ENDED, .retry = -1});
}

static void
play(void (*scene)(void), int least)
{
    int events = 1000;

    for (int at = 1; at <= events + 1; at++) {
        house.free_at = at;
        scene();
        if (house.client != NULL)
            events = house.events;
        assert_true(at > events || house.client == NULL);
        assert_int_equal(house.freed, house.client == NULL);
        house_close();
    }
    house.free_at = 0;
    assert_in_range(events, least, 100);
}

TEST(a_client_is_closed_in_whatever_it_says_of_a_legacy_server)
{
    play(legacy_scene, 9);
}

TEST(a_client_is_closed_in_whatever_it_says_of_a_modern_server)
{
    play(modern_scene, 8);
}

TEST(a_client_is_closed_in_whatever_it_says_of_a_child)
{
    play(stdio_scene, 5);
}

/* --- calls that are cancelled where they hear --- */

static int heard, cancel_at;

static void
cancel(struct client_call *call)
{
    if (++heard == cancel_at)
        client_call_cancel(call, CLOSE_CANCELLED, "enough");
}

static void
on_message_cancel(void *owner, struct client_call *call, const struct envelope *e)
{
    (void)owner, (void)e;
    cancel(call);
}

static void
on_question_cancel(void *owner, struct client_call *call, struct question_in *q)
{
    (void)owner;
    question_watch(q, &house.question);
    house.question = q;
    cancel(call);
}

static void
on_asked_cancel(void *owner, struct client_call *call)
{
    (void)owner;
    cancel(call);
}

static void
on_result_cancel(void *owner, struct client_call *call, yyjson_val *result)
{
    (void)owner, (void)result;
    client_call_cancel(call, CLOSE_CANCELLED, NULL); /* it is over, and this is nothing */
}

static void
on_error_cancel(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
                yyjson_val *data)
{
    (void)owner, (void)why, (void)code, (void)message, (void)data;
    client_call_cancel(call, CLOSE_CANCELLED, NULL);
}

static const struct call_events cancelling = {on_message_cancel, on_question_cancel, on_asked_cancel, on_result_cancel,
                                              on_error_cancel};

TEST(a_call_is_cancelled_in_whatever_it_hears)
{
    struct client_request request = {.method = STR("tools/call"), .level = -1};

    for (cancel_at = 1; cancel_at <= 4; cancel_at++) {
        heard = 0;
        open_modern((struct client_parts){0});
        client_call(house.client, &request, &cancelling, NULL, NULL);
        say(last(), STR(LOGGED));
        reply(last(), 200, "result", ASK);
        assert_int_equal(heard, cancel_at < 4 ? cancel_at : 4);
        assert_int_equal(client_calls(house.client), 0);
        assert_null(house.question);
        house_close();
        heard = 0;
        open_legacy((struct client_parts){0});
        client_call(house.client, &request, &cancelling, NULL, NULL);
        struct mail *m = last();
        for (int i = 0; i < 4; i++)
            say(m, i % 2 == 0 ? STR(ELICIT) : STR(LOGGED));
        answer(m, "result", "{}");
        assert_int_equal(client_calls(house.client), 0);
        assert_null(house.question);
        house_close();
    }
}

/* --- who is told of a loss makes new calls --- */

static void
on_error_again(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
               yyjson_val *data)
{
    (void)owner, (void)call, (void)why, (void)code, (void)message, (void)data;
    struct client_request           request = {.method = STR("tools/list"), .level = -1};
    static const struct call_events none;

    heard++;
    client_call(house.client, &request, &none, NULL, NULL);
}

TEST(calls_made_where_a_loss_is_told_belong_to_the_next_life)
{
    static const struct call_events again   = {.on_error = on_error_again};
    struct client_request           request = {.method = STR("tools/list"), .level = -1};

    heard = 0;
    house_open(WAY_HTTP, (struct client_parts){0});
    for (int i = 0; i < 3; i++)
        client_call(house.client, &request, &again, NULL, NULL);
    head(last(), 401, NULL);
    end(last(), 401);
    assert_int_equal(heard, 3);
    assert_int_equal(client_calls(house.client), 3);
    assert_heard("lost 0 401 it answered with HTTP status 401\n");
    assert_sent(last(), "server/discover");
    house_close();
}
