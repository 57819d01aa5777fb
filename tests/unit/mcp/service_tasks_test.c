/* subscriptions/listen and tasks: what a modern client comes back for. */
#include "mcp/service_house.h"

static struct request *held;
static size_t          stopped;

#define FORM    "{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}},\"required\":[\"ok\"]}"
#define YES     "{\"action\":\"accept\",\"content\":{\"ok\":true}}"
#define FOLLOWS "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"

static void
stop(struct request *r)
{
    (void)r;
    stopped++;
}

static void
work(struct request *r)
{
    request_on_cancel(r, stop);
    if (!request_become_task(r))
        request_say(r, "at once ");
    held = r;
}

static void
confirm(struct request *r)
{
    request_become_task(r);
    yyjson_val *one = request_elicit(r, "one", "1?", FORM);
    yyjson_val *two = request_elicit(r, "two", "2?", FORM);
    if (one == NULL || two == NULL)
        return;
    request_say(r, "both");
    request_finish(r);
}

static void
ask_then_work(struct request *r)
{
    if (request_elicit(r, "first", "?", FORM) == NULL)
        return;
    request_become_task(r);
    request_say(r, "done");
    request_finish(r);
}

static const struct tool tools[] = {
    {.name = "work", .call = work},
    {.name = "confirm", .call = confirm},
    {.name = "first", .call = ask_then_work},
    {.name = "must", .call = work, .needs = CLIENT_FOLLOWS_TASKS},
    {0},
};
static const struct resource      resources[] = {{.uri = "a:b", .name = "a", .read = work}, {0}};
static const struct service_table table       = {
          .name = "tasks", .version = "1", .tools = tools, .resources = resources, .makes_tasks = true};

static void
begin(void)
{
    held    = NULL;
    stopped = 0;
    house_open(&table);
}

static struct exchange *
call(const char *name)
{
    char params[100];

    forget(&house.ada);
    snprintf(params, sizeof params, "\"name\":\"%s\",", name);
    return ask_modern(&house.ada, "1", "tools/call", params, FOLLOWS);
}

/* tasks/get and its kind of the task `id`. */
static void
task(const char *method, const char *id, const char *more)
{
    char params[500];

    forget(&house.ada);
    snprintf(params, sizeof params, "\"taskId\":\"%s\",%s", id, more);
    ask_modern(&house.ada, "\"t\"", method, params, FOLLOWS);
}

static void
take_id(char id[64])
{
    snprintf(id, 64, "%s", text_of(&house.ada, "taskId"));
}

TEST(a_task_is_answered_at_once_found_at_once_and_has_its_result_in_the_end)
{
    char id[64];

    begin();
    call("work");
    assert_got(&house.ada, "\"result\":{\"resultType\":\"task\",");
    assert_got(&house.ada, "\"status\":\"working\",\"createdAt\":\"20");
    assert_got(&house.ada, "\"ttlMs\":3600000,\"pollIntervalMs\":500}");
    take_id(id);
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_got(&house.ada, "\"status\":\"working\"");
    house_turn();
    request_progress(held, 5, 0, NULL);
    request_say(held, "done");
    request_finish(held);
    house_turn();
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"completed\"");
    assert_got(&house.ada, "\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}");
    task("tasks/cancel", id, "");
    assert_got(&house.ada, "\"result\":{\"resultType\":\"complete\",\"_meta\":");
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"completed\"");
    task("tasks/get", "nothing", "");
    assert_got(&house.ada, "\"code\":-32602");
    assert_int_equal(stopped, 0);
    house_close();
}

TEST(a_task_fails_with_an_error_and_completes_with_a_failure_of_its_tool)
{
    char id[64];

    begin();
    call("work");
    take_id(id);
    request_refuse(held, 5, "broken");
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"failed\"");
    assert_got(&house.ada, "\"error\":{\"code\":5,\"message\":\"broken\"}");
    call("work");
    take_id(id);
    request_fail(held, "no luck");
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"completed\"");
    assert_got(&house.ada, "\"isError\":true");
    house_close();
}

TEST(a_client_that_follows_no_tasks_waits_or_is_refused)
{
    begin();
    ask_modern(&house.ada, "1", "tools/call", "\"name\":\"work\",", "{}");
    assert_int_equal(buffer_len(&house.ada.got), 0);
    request_finish(held);
    assert_got(&house.ada, "at once");
    ask_modern(&house.ada, "1", "tools/call", "\"name\":\"must\",", "{}");
    assert_got(&house.ada,
               "\"data\":{\"requiredCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}");
    forget(&house.ada);
    ask_modern(&house.ada, "1", "tasks/get", "\"taskId\":\"x\",", "{}");
    assert_got(&house.ada, "\"code\":-32021");
    enter(&house.bob, "2025-11-25", "{}");
    forget(&house.bob);
    say(&house.bob, CALL("1", "work", "{}"));
    request_finish(held);
    assert_got(&house.bob, "at once");
    ask_modern(&house.ada, "1", "server/discover", "", "{}");
    assert_got(&house.ada, "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}");
    house_close();
}

TEST(a_task_asks_and_goes_on_when_all_is_answered)
{
    char id[64];

    begin();
    call("confirm");
    assert_not_got(&house.ada, "inputRequests");
    take_id(id);
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"input_required\"");
    assert_got(&house.ada, "\"inputRequests\":{\"one\":{\"method\":\"elicitation/create\"");
    assert_got(&house.ada, "\"two\":{");
    assert_not_got(&house.ada, "requestState");
    task("tasks/update", id, "\"inputResponses\":{\"one\":" YES ",\"three\":5},");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    task("tasks/get", id, "");
    assert_not_got(&house.ada, "\"one\":{");
    assert_got(&house.ada, "\"two\":{");
    task("tasks/update", id, "\"inputResponses\":{\"two\":5},");
    task("tasks/update", id, "\"inputResponses\":{\"two\":" YES "},");
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"completed\"");
    assert_got(&house.ada, "both");
    task("tasks/update", id, "");
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(a_call_may_ask_first_and_become_a_task_then)
{
    char more[4000], id[64];

    begin();
    call("first");
    assert_got(&house.ada, "\"resultType\":\"input_required\"");
    snprintf(more, sizeof more, "\"name\":\"first\",\"requestState\":\"%s\",\"inputResponses\":{\"first\":" YES "},",
             text_of(&house.ada, "requestState"));
    forget(&house.ada);
    ask_modern(&house.ada, "2", "tools/call", more, FOLLOWS);
    assert_got(&house.ada, "\"resultType\":\"task\"");
    assert_not_got(&house.ada, "requestState");
    take_id(id);
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"text\":\"done\"");
    house_close();
}

TEST(a_cancelled_task_stops_its_handler)
{
    char id[64];

    begin();
    call("work");
    take_id(id);
    task("tasks/cancel", id, "");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_int_equal(stopped, 1);
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"cancelled\"");
    house_turn();
    call("confirm");
    take_id(id);
    task("tasks/cancel", id, "");
    task("tasks/get", id, "");
    assert_got(&house.ada, "\"status\":\"cancelled\"");
    call("work"); /* one that runs when all ends */
    house_close();
    assert_int_equal(stopped, 2);
}

static struct exchange *
listen_to(struct client *c, const char *filter)
{
    char params[500];

    snprintf(params, sizeof params, "\"notifications\":%s,", filter);
    return ask_modern(c, "\"L\"", "subscriptions/listen", params, FOLLOWS);
}

#define OF_L "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"L\"}"

TEST(who_listens_is_told_first_what_is_honoured_and_then_what_was_asked_for)
{
    begin();
    struct exchange *x =
        listen_to(&house.bob, "{\"toolsListChanged\":true,\"promptsListChanged\":true,\"resourcesListChanged\":false,"
                              "\"resourceSubscriptions\":[\"a:b\"],\"taskIds\":[\"unknown\"]}");
    assert_str(buffer_str(&house.bob.got),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{"
               "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:b\"]}," OF_L "}}\n");
    forget(&house.bob);
    service_tools_changed(house.service);
    service_prompts_changed(house.service);
    service_resources_changed(house.service);
    service_resource_updated(house.service, STR("a:b"));
    service_resource_updated(house.service, STR("a:c"));
    assert_str(buffer_str(&house.bob.got),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" OF_L "}}\n"
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a:b\"," OF_L
               "}}\n");
    assert_false(timer_is_set(&x->expiry));
    forget(&house.bob);
    say_by(&house.bob, service_back(house.service),
           "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"L\"}}");
    service_tools_changed(house.service);
    assert_int_equal(buffer_len(&house.bob.got), 0);
    listen_to(&house.bob, "5");
    assert_got(&house.bob, "\"code\":-32602");
    house_close();
}

TEST(a_listener_that_cannot_be_told_ends_and_the_others_hear_of_the_end)
{
    begin();
    listen_to(&house.ada, "{\"toolsListChanged\":true}");
    listen_to(&house.bob, "{\"toolsListChanged\":true}");
    house.ada.is_deaf = true;
    service_tools_changed(house.service);
    assert_int_equal(house.ada.ends, 1);
    assert_int_equal(house.ada.why, CLOSE_CLIENT_STALLED);
    forget(&house.bob);
    service_free(house.service);
    house.service = NULL;
    assert_got(&house.bob, "={\"jsonrpc\":\"2.0\",\"id\":\"L\",\"result\":{\"resultType\":\"complete\",\"_meta\":{"
                           "\"io.modelcontextprotocol/serverInfo\":");
    assert_got(&house.bob, "\"io.modelcontextprotocol/subscriptionId\":\"L\"}");
    house_close();
}

TEST(what_becomes_of_a_task_is_told_to_who_follows_it)
{
    char id[64], filter[100];

    begin();
    call("confirm");
    take_id(id);
    snprintf(filter, sizeof filter, "{\"taskIds\":[\"%s\"]}", id);
    listen_to(&house.bob, filter);
    assert_got(&house.bob, "\"taskIds\":[\"");
    assert_got(&house.bob, "\"status\":\"input_required\""); /* how it is now */
    forget(&house.bob);
    task("tasks/update", id, "\"inputResponses\":{\"one\":" YES ",\"two\":" YES "},");
    assert_got(&house.bob, "\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"");
    assert_got(&house.bob, "\"status\":\"working\"");
    assert_got(&house.bob, "\"status\":\"completed\"");
    assert_got(&house.bob, "both");
    forget(&house.bob);
    listen_to(&house.bob, filter); /* it is over already */
    assert_got(&house.bob, "\"status\":\"completed\"");
    house_close();
}

TEST(news_of_tasks_are_for_who_says_that_it_follows_them)
{
    begin();
    ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"taskIds\":[]},", "{}");
    assert_got(&house.bob, "\"code\":-32021");
    assert_got(&house.bob, "\"requiredCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    assert_int_equal(house.http_status, 400);
    house_close();
}
