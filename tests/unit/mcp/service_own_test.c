/* What a service of a person's own data needs: who the client is, a list of resources that no table holds, more about a
 * result, and whether anybody would hear of a change. */
#include "mcp/service_house.h"

static void
say_client(struct request *r)
{
    struct request_client c    = request_client(r);
    yyjson_mut_val       *meta = yyjson_mut_str(request_doc(r), "known");

    request_add_meta(r, "test/client", meta);
    request_write(r, "%.*s|", STR_ARG(str_take(c.name, 20))); /* bit by bit, in one block */
    request_write_text(r, c.version);
    request_write(r, "|%zu", c.name.len);
    request_say(r, "in a block of its own");
    request_write(r, "the %s", "last");
    request_finish(r);
}

static void
break_down(struct request *r)
{
    request_add_meta(r, "test/client", yyjson_mut_str(request_doc(r), "forgotten"));
    request_write(r, "this, too");
    request_fail(r, "it is %s", "broken");
}

static void
read_one(struct request *r)
{
    request_add_resource_text(r, request_uri(r), NULL, STR("text"));
    request_finish(r);
}

/* Two pages of them: the request_value of the first is none. */
static void
list(struct request *r)
{
    static const struct resource links[]  = {{.uri = "own://1", .name = "one", .title = "The first"},
                                             {.uri = "own://2", .name = "two"}};
    bool                         is_first = request_value(r).data == NULL;

    if (!is_first && !str_eq(request_value(r), STR("behind 1"))) {
        request_refuse(r, -32602, "no such place");
        return;
    }
    request_add_link(r, is_first ? &links[0] : &links[1]);
    if (is_first)
        request_set_next(r, STR("behind 1"));
    request_finish(r);
}

static const struct tool tools[] = {
    {.name = "who", .call = say_client},
    {.name  = "fail",
     .call  = break_down,
     .input = JSON({"type": "object", "properties": {"n": {"type": "integer"}}})}, {0},
};
static const struct resource          resources[] = {{.uri = "own://fixed", .name = "fixed", .read = read_one}, {0}};
static const struct resource_template templates[] = {{.name = "own", .uri_template = "own://{id}", .read = read_one},
                                                     {0}};
static const struct service_table     table       = {.name           = "own",
                                                     .version        = "1",
                                                     .tools          = tools,
                                                     .resources      = resources,
                                                     .templates      = templates,
                                                     .list_resources = list,
                                                     .failing        = "Error: "};

TEST(a_handler_knows_what_the_client_calls_itself_in_both_eras)
{
    char long_name[400];

    house_open(&table);
    enter(&house.ada, "2024-11-05", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("1", "who", "{}"));
    assert_got(&house.ada,
               "[{\"type\":\"text\",\"text\":\"c|1|1\"},{\"type\":\"text\",\"text\":\"in a block of its own\"},"
               "{\"type\":\"text\",\"text\":\"the last\"}]");
    assert_got(&house.ada, "\"_meta\":{\"test/client\":\"known\"}");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"who\",",
               "{},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"b\",\"version\":\"2.0\"}");
    assert_got(&house.bob, "\"text\":\"b|2.0|1\"");
    assert_got(&house.bob, "\"_meta\":{\"test/client\":\"known\",\"io.modelcontextprotocol/serverInfo\":");
    forget(&house.bob);
    ask_modern(&house.bob, "2", "tools/call", "\"name\":\"who\",", "{}");
    assert_got(&house.bob, "\"text\":\"||0\"");
    forget(&house.bob);
    snprintf(long_name, sizeof long_name,
             "{},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"x%0150d\u00e9%0150d\"}", 0, 0);
    ask_modern(&house.bob, "3", "tools/call", "\"name\":\"who\",", long_name);
    assert_got(&house.bob, "||200\"");
    house_close();
}

TEST(a_clients_long_name_is_cut_at_a_character)
{
    char info[600] = "{},\"io.modelcontextprotocol/clientInfo\":{\"version\":\"1\",\"name\":\"x";

    house_open(&table);
    for (int i = 0; i < 110; i++)
        snprintf(info + strlen(info), sizeof info - strlen(info), "\u00e9");
    snprintf(info + strlen(info), sizeof info - strlen(info), "\"}");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"who\",", info);
    assert_got(&house.bob, "|1|199\"");
    house_close();
}

TEST(what_a_failed_tool_says_begins_as_the_service_wants_it)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("1", "fail", "{}"));
    assert_got(&house.ada,
               "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: it is broken\"}],\"isError\":true}");
    forget(&house.ada);
    say(&house.ada, CALL("2", "fail", "{\"n\":\"x\"}"));
    assert_got(&house.ada, "\"text\":\"Error: Invalid arguments of the tool fail: ");
    assert_got(&house.ada, "\"isError\":true");
    house_close();
}

TEST(resources_beside_the_table_are_listed_page_by_page)
{
    char params[3000];

    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "resources/list", "{}"));
    assert_got(&house.ada, "\"resources\":[{\"uri\":\"own://fixed\",\"name\":\"fixed\"},"
                           "{\"uri\":\"own://1\",\"name\":\"one\",\"title\":\"The first\"}],\"nextCursor\":\"");
    snprintf(params, sizeof params,
             "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/list\",\"params\":{\"cursor\":\"%s\"}}",
             text_of(&house.ada, "nextCursor"));
    forget(&house.ada);
    say(&house.ada, params);
    assert_got(&house.ada, "\"resources\":[{\"uri\":\"own://2\",\"name\":\"two\"}]}");
    forget(&house.ada);
    say(&house.ada, ASK("3", "resources/list", "{\"cursor\":\"behind 1\"}"));
    assert_got(&house.ada, "\"code\":-32602"); /* places are sealed */
    ask_modern(&house.bob, "1", "resources/list", "", "{}");
    assert_got(&house.bob, "\"own://1\"");
    assert_got(&house.bob, "\"ttlMs\":0");
    house_close();
}

TEST(whether_anybody_would_hear_of_a_change_is_known)
{
    house_open(&table);
    assert_false(service_is_heard(house.service));
    enter(&house.ada, "2025-11-25", "{}");
    assert_false(service_is_heard(house.service));
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"own://1\"}"));
    assert_true(service_is_heard(house.service));
    say(&house.ada, ASK("2", "resources/unsubscribe", "{\"uri\":\"own://1\"}"));
    assert_false(service_is_heard(house.service));
    open_stream(&house.ada);
    assert_true(service_is_heard(house.service));
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    house_turn();
    assert_false(service_is_heard(house.service));
    ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"resourcesListChanged\":true},", "{}");
    assert_true(service_is_heard(house.service));
    house_close();
}

TEST(when_it_is_not_known_what_changed_all_subscribers_hear_of_theirs)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, ASK("1", "resources/subscribe", "{\"uri\":\"own://1\"}"));
    say(&house.ada, ASK("2", "resources/subscribe", "{\"uri\":\"own://2\"}"));
    open_stream(&house.ada);
    ask_modern(&house.bob, "1", "subscriptions/listen", "\"notifications\":{\"resourceSubscriptions\":[\"own://3\"]},",
               "{}");
    forget(&house.ada);
    forget(&house.bob);
    service_resources_updated(house.service);
    assert_got(&house.ada, "{\"uri\":\"own://1\"}");
    assert_got(&house.ada, "{\"uri\":\"own://2\"}");
    assert_got(&house.bob, "\"uri\":\"own://3\"");
    assert_not_got(&house.bob, "own://1");
    house.bob.is_deaf = true;
    service_resources_updated(house.service); /* who cannot be told ends */
    assert_false(house.bob.ends == 0);
    house_close();
}
