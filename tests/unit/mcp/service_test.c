#include "mcp/service_house.h"

static void
greet(struct request *r)
{
    request_say(r, "Hello, %.*s x%d!", STR_ARG(request_string(r, "name")), (int)request_integer(r, "times"));
    request_finish(r);
}

static void
break_down(struct request *r)
{
    request_fail(r, "it broke");
}

static void
refuse(struct request *r)
{
    request_refuse(r, (int)request_integer(r, "code"), "refused");
}

static void
add(struct request *r)
{
    yyjson_mut_doc *doc = request_doc(r);
    yyjson_mut_val *sum = yyjson_mut_obj(doc);

    if (request_flag(r, "wrong"))
        yyjson_mut_obj_add_str(doc, sum, "sum", "three");
    else
        yyjson_mut_obj_add_int(doc, sum, "sum", 3);
    request_set_structured(r, sum);
    request_finish(r);
}

static const struct resource linked = {.uri = "note://1", .name = "one"};

static void
show(struct request *r)
{
    request_add_image(r, STR("png"), "image/png");
    request_add_audio(r, STR("wav"), "audio/wav");
    request_add_link(r, &linked);
    request_add_resource_text(r, STR("note://1"), "text/plain", STR("inside"));
    request_add_text(r, STR("broken \xFF text"));
    request_finish(r);
}

static void
list(struct request *r)
{
    yyjson_mut_val *values = yyjson_mut_arr(request_doc(r));

    yyjson_mut_arr_add_int(request_doc(r), values, 1);
    request_set_structured(r, values);
    request_finish(r);
}

static const struct icon icons[] = {{.src = "https://a.test/i.png", .mime_type = "image/png", .sizes = "48x48"}, {0}};

static const struct tool tools[] = {
    {.name        = "greet",
     .title       = "Greeter",
     .description = "Greets.",
     .call        = greet,
     .hints       = TOOL_READS | TOOL_INSIDE,
     .icons       = icons,
     .input       = "{\"type\":\"object\",\n\"properties\":{\"name\":{\"type\":\"string\"},\"times\":{\"type\":"
                    "\"integer\",\"default\":2}},\"required\":[\"name\"]}"},
    {.name = "fail", .description = "Fails.", .call = break_down},
    {.name = "hidden", .description = "Not listed.", .call = break_down, .is_unlisted = true},
    {.name  = "refuse",
     .call  = refuse,
     .input = "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"integer\"}}}"},
    {.name   = "add",
     .call   = add,
     .input  = "{\"type\":\"object\"}",
     .output = "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"integer\"}},\"required\":[\"sum\"]}"},
    {.name = "show", .call = show},
    {.name = "list", .call = list, .output = "{\"type\":\"array\"}"},
    {0},
};

static void
read_note(struct request *r)
{
    struct str id = request_variable(r, "id");

    if (str_eq(id, STR("none"))) {
        request_finish(r);
        return;
    }
    request_add_resource_text(r, request_uri(r), "text/plain", id.data == NULL ? STR("fixed") : id);
    request_finish(r);
}

static void
complete_id(struct request *r)
{
    char digits[STR_DIGITS];

    for (uint64_t i = 0; i < 120; i++)
        request_add_value(r, str_of_u64(digits, i));
    request_finish(r);
}

static const struct resource resources[] = {
    {.uri = "note://fixed", .name = "fixed", .title = "Fixed", .mime_type = "text/plain", .size = 5, .read = read_note},
    {0},
};
static const struct argument          variables[] = {{.name = "id", .complete = complete_id}, {0}};
static const struct resource_template templates[] = {
    {.uri_template = "note://{id}/text", .name = "note", .read = read_note, .variables = variables}, {0}};

static void
tell_story(struct request *r)
{
    request_add_text(r, request_string(r, "about"));
    request_set_role(r, "assistant");
    request_say(r, "Once upon a time.");
    request_finish(r);
}

static const struct argument about[]   = {{.name = "about", .is_required = true, .title = "About"}, {0}};
static const struct prompt   prompts[] = {
      {.name = "story", .description = "A story.", .get = tell_story, .arguments = about}, {0}};

static const struct service_table table = {.name         = "house",
                                           .title        = "House",
                                           .version      = "1.0",
                                           .website      = "https://a.test",
                                           .instructions = "Be kind.",
                                           .tools        = tools,
                                           .resources    = resources,
                                           .templates    = templates,
                                           .prompts      = prompts,
                                           .page         = 2,
                                           .fresh_ms     = 5000};

#define MODERN(method, params) ask_modern(&house.ada, "1", method, params, "{}")

TEST(every_revision_is_agreed_on_and_another_is_answered_with_the_newest)
{
    static const char *const wanted[][2] = {{"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"},
                                            {"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"},
                                            {"2026-07-28", "2025-11-25"}, {"1.0", "2025-11-25"}};

    house_open(&table);
    for (size_t i = 0; i < 6; i++) {
        enter(&house.ada, wanted[i][0], "{}");
        assert_string_equal(text_of(&house.ada, "protocolVersion"), wanted[i][1]);
        assert_got(&house.ada, "\"serverInfo\":{\"name\":\"house\"");
        assert_got(&house.ada, "\"instructions\":\"Be kind.\"");
        assert_int_equal(has_got(&house.ada, "\"title\":\"House\""), strcmp(wanted[i][1], "2025-06-18") >= 0);
        assert_int_equal(has_got(&house.ada, "\"completions\":{}"), strcmp(wanted[i][1], "2025-03-26") >= 0);
        assert_int_equal(has_got(&house.ada, "websiteUrl"), strcmp(wanted[i][1], "2025-11-25") >= 0);
        assert_true(str_eq(service_session_revision(house.ada.session), str_from(wanted[i][1])));
        service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
        forget(&house.ada);
    }
    house_close();
}

TEST(before_initialize_only_ping_is_served_and_initialize_comes_once)
{
    house_open(&table);
    house.ada.session = service_session_new(house.service, STR("ada"));
    say(&house.ada, ASK("1", "tools/list", "{}"));
    assert_got(&house.ada, "\"code\":-32600");
    say(&house.ada, ASK("\"p\"", "ping", "{}"));
    assert_got(&house.ada, "={\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}\n");
    say(&house.ada, ASK("2", "initialize", "{}"));
    assert_got(&house.ada, "\"code\":-32602");
    assert_str(service_session_revision(house.ada.session), "");
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("3", "initialize",
                        "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\","
                        "\"version\":\"1\"}}"));
    assert_got(&house.ada, "\"code\":-32600");
    house_close();
}

TEST(a_table_that_the_protocol_does_not_allow_is_an_error_at_the_start)
{
    static const struct tool twice[]   = {{.name = "a", .call = greet}, {.name = "a", .call = greet}, {0}};
    static const struct tool odd[]     = {{.name = "a b", .call = greet}, {0}};
    static const struct tool schema[]  = {{.name = "a", .call = greet, .input = "{\"type\":\"objekt\"}"}, {0}};
    static const struct tool no_root[] = {{.name = "a", .call = greet, .input = "{\"type\":\"array\"}"}, {0}};
    static const struct resource_template level[] = {{.name = "a", .uri_template = "a{+b}", .read = read_note}, {0}};
    const struct service_table            wrong[] = {
                   {.name = "x", .version = "1", .tools = twice},     {.name = "x", .version = "1", .tools = odd},
                   {.name = "x", .version = "1", .tools = schema},    {.name = "x", .version = "1", .tools = no_root},
                   {.name = "x", .version = "1", .templates = level}, {.name = "x"}};

    house_open(&table);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = {0};
        assert_null(service_new(&wrong[i], service_parts_of(house.service), &err));
        assert_int_not_equal(err.code, ERROR_NONE);
    }
    house_close();
}

TEST(a_list_comes_in_pages_and_a_cursor_holds_for_its_list_only)
{
    char params[600];

    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "tools/list", "{}"));
    assert_got(&house.ada, "{\"name\":\"greet\",\"title\":\"Greeter\",\"description\":\"Greets.\",\"inputSchema\":{"
                           "\"type\":\"object\",\"properties\"");
    assert_got(&house.ada, "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}");
    assert_got(&house.ada, "\"sizes\":[\"48x48\"]");
    assert_not_got(&house.ada, "ttlMs");
    snprintf(params, sizeof params, "\"cursor\":\"%s\",", text_of(&house.ada, "nextCursor"));
    forget(&house.ada);
    MODERN("tools/list", params);
    assert_got(&house.ada, "\"tools\":[{\"name\":\"refuse\"");
    assert_got(&house.ada, "\"ttlMs\":5000,\"cacheScope\":\"public\"");
    assert_got(&house.ada, "\"nextCursor\":");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_got(&house.ada, "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"house\"");
    assert_not_got(&house.ada, "hidden");
    forget(&house.ada);
    MODERN("prompts/list", params);
    assert_got(&house.ada, "\"code\":-32602");
    params[20] = params[20] == 'A' ? 'B' : 'A';
    forget(&house.ada);
    MODERN("tools/list", params);
    assert_got(&house.ada, "\"code\":-32602");
    forget(&house.ada);
    MODERN("resources/list", "");
    assert_got(&house.ada, "\"resources\":[{\"uri\":\"note://fixed\",\"name\":\"fixed\",\"title\":\"Fixed\","
                           "\"mimeType\":\"text/plain\",\"size\":5}]");
    assert_not_got(&house.ada, "nextCursor");
    MODERN("resources/templates/list", "");
    assert_got(&house.ada, "\"resourceTemplates\":[{\"uriTemplate\":\"note://{id}/text\",\"name\":\"note\"}]");
    house_close();
}

/* Wherever it was changed: in what it says, in what it begins with, in what it is sealed with. */
TEST(a_cursor_that_was_touched_is_none)
{
    char cursor[600], params[700];

    house_open(&table);
    MODERN("tools/list", "");
    snprintf(cursor, sizeof cursor, "%s", text_of(&house.ada, "nextCursor"));
    for (size_t i = 0; i + 1 < strlen(cursor); i++) { /* the last letter has bits that say nothing */
        char was  = cursor[i];
        cursor[i] = was == 'A' ? 'B' : 'A';
        snprintf(params, sizeof params, "\"cursor\":\"%s\",", cursor);
        cursor[i] = was;
        forget(&house.ada);
        MODERN("tools/list", params);
        assert_got(&house.ada, "\"code\":-32602");
    }
    house_close();
}

TEST(what_a_revision_does_not_have_is_left_out_of_its_lists)
{
    house_open(&(struct service_table){.name = "x", .version = "1", .tools = tools, .prompts = prompts});
    enter(&house.ada, "2024-11-05", "{}");
    say(&house.ada, ASK("1", "tools/list", "{}"));
    say(&house.ada, ASK("2", "prompts/list", "{}"));
    assert_not_got(&house.ada, "title");
    assert_not_got(&house.ada, "annotations");
    assert_not_got(&house.ada, "icons");
    assert_not_got(&house.ada, "outputSchema");
    enter(&house.bob, "2025-06-18", "{}");
    say(&house.bob, ASK("1", "tools/list", "{}"));
    assert_got(&house.bob, "\"title\":\"Greeter\"");
    assert_got(&house.bob, "\"outputSchema\":{\"type\":\"object\"");
    assert_not_got(&house.bob, "\"outputSchema\":{\"type\":\"array\"");
    assert_not_got(&house.bob, "icons");
    house_close();
}

TEST(arguments_are_filled_checked_and_what_is_wrong_is_said_as_the_revision_has_it)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    enter(&house.bob, "2025-06-18", "{}");
    forget(&house.ada);
    say(&house.ada, CALL("\"x\"", "greet", "{\"name\":\"Ada\"}"));
    assert_got(&house.ada, "={\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
                           "\"Hello, Ada x2!\"}]}}\n");
    forget(&house.ada);
    say(&house.ada, CALL("2", "greet", "{\"name\":5}"));
    assert_got(&house.ada, "\"isError\":true");
    assert_got(&house.ada, "name");
    say(&house.bob, CALL("2", "greet", "{\"name\":5}"));
    assert_got(&house.bob, "\"code\":-32602");
    forget(&house.ada);
    say(&house.ada, CALL("3", "greet", "[]"));
    assert_got(&house.ada, "\"code\":-32602");
    forget(&house.ada);
    say(&house.ada, ASK("4", "tools/call", "{\"name\":\"nothing\"}"));
    assert_got(&house.ada, "\"code\":-32602,\"message\":\"Unknown tool: nothing\"");
    forget(&house.ada);
    say(&house.ada, ASK("5", "tools/call", "{\"name\":\"hidden\"}"));
    assert_got(&house.ada, "{\"type\":\"text\",\"text\":\"it broke\"}],\"isError\":true}");
    forget(&house.ada);
    say(&house.ada, CALL("6", "refuse", "{\"code\":77}"));
    assert_got(&house.ada, "\"error\":{\"code\":77,\"message\":\"refused\"}");
    say(&house.ada, CALL("7", "refuse", "{\"code\":-32021}"));
    assert_got(&house.ada, "\"error\":{\"code\":-32603,");
    house_close();
}

TEST(a_structured_result_is_checked_and_said_in_words_too)
{
    house_open(&table);
    enter(&house.ada, "2025-06-18", "{}");
    enter(&house.bob, "2025-03-26", "{}");
    forget(&house.ada);
    forget(&house.bob);
    say(&house.ada, CALL("1", "add", "{}"));
    assert_got(&house.ada, "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"sum\\\":3}\"}],\"structuredContent\":{"
                           "\"sum\":3}}");
    say(&house.bob, CALL("1", "add", "{}"));
    assert_got(&house.bob, "sum");
    assert_not_got(&house.bob, "structuredContent");
    say(&house.ada, CALL("2", "add", "{\"wrong\":true}"));
    assert_got(&house.ada, "\"code\":-32603");
    forget(&house.ada);
    say(&house.ada, CALL("3", "list", "{}"));
    assert_got(&house.ada, "\"text\":\"[1]\"");
    assert_not_got(&house.ada, "structuredContent");
    forget(&house.ada);
    MODERN("tools/call", "\"name\":\"list\",");
    assert_got(&house.ada, "\"structuredContent\":[1]");
    house_close();
}

TEST(blocks_that_a_revision_does_not_have_become_words)
{
    house_open(&table);
    enter(&house.ada, "2025-06-18", "{}");
    enter(&house.bob, "2024-11-05", "{}");
    say(&house.ada, CALL("1", "show", "{}"));
    assert_got(&house.ada, "{\"type\":\"image\",\"data\":\"cG5n\",\"mimeType\":\"image/png\"}");
    assert_got(&house.ada, "{\"type\":\"audio\",\"data\":\"d2F2\",\"mimeType\":\"audio/wav\"}");
    assert_got(&house.ada, "{\"type\":\"resource_link\",\"uri\":\"note://1\",\"name\":\"one\"}");
    assert_got(&house.ada, "{\"type\":\"resource\",\"resource\":{\"uri\":\"note://1\",\"mimeType\":\"text/plain\","
                           "\"text\":\"inside\"}}");
    assert_got(&house.ada, "broken \xEF\xBF\xBD text");
    say(&house.bob, CALL("1", "show", "{}"));
    assert_got(&house.bob, "{\"type\":\"text\",\"text\":\"[audio, audio/wav]\"}");
    assert_got(&house.bob, "{\"type\":\"text\",\"text\":\"one: note://1\"}");
    house_close();
}

TEST(a_resource_is_read_by_its_uri_or_its_template)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "resources/read", "{\"uri\":\"note://fixed\"}"));
    assert_got(&house.ada,
               "{\"contents\":[{\"uri\":\"note://fixed\",\"mimeType\":\"text/plain\",\"text\":\"fixed\"}]}");
    say(&house.ada, ASK("2", "resources/read", "{\"uri\":\"note://a%20b/text\"}"));
    assert_got(&house.ada, "\"text\":\"a b\"");
    say(&house.ada, ASK("3", "resources/read", "{\"uri\":\"note://a/b/text\"}"));
    assert_got(&house.ada, "\"code\":-32002,\"message\":\"Resource not found\",\"data\":{\"uri\":\"note://a/b/text\"}");
    MODERN("resources/read", "\"uri\":\"note://none/text\",");
    assert_got(&house.ada,
               "\"code\":-32602,\"message\":\"Resource not found\",\"data\":{\"uri\":\"note://none/text\"}");
    forget(&house.ada);
    MODERN("resources/read", "\"uri\":\"note://fixed\",");
    assert_got(&house.ada, "\"ttlMs\":5000,\"cacheScope\":\"public\"");
    forget(&house.ada);
    say(&house.ada, ASK("4", "resources/read", "{}"));
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(a_prompt_has_messages_by_role_and_its_arguments_are_strings)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "prompts/get", "{\"name\":\"story\",\"arguments\":{\"about\":\"cats\"}}"));
    assert_got(&house.ada, "{\"description\":\"A story.\",\"messages\":[{\"role\":\"user\",\"content\":{\"type\":"
                           "\"text\",\"text\":\"cats\"}},{\"role\":\"assistant\",");
    forget(&house.ada);
    say(&house.ada, ASK("2", "prompts/get", "{\"name\":\"story\"}"));
    assert_got(&house.ada, "\"code\":-32602");
    forget(&house.ada);
    say(&house.ada, ASK("3", "prompts/get", "{\"name\":\"story\",\"arguments\":{\"about\":5}}"));
    assert_got(&house.ada, "\"code\":-32602");
    forget(&house.ada);
    say(&house.ada, ASK("4", "prompts/get", "{\"name\":\"nothing\"}"));
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(a_completion_gives_a_hundred_values_at_most)
{
    house_open(&table);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
    say(&house.ada, ASK("1", "completion/complete",
                        "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"note://{id}/text\"},\"argument\":{\"name\":"
                        "\"id\",\"value\":\"\"}}"));
    assert_got(&house.ada, "\"99\"],\"total\":120,\"hasMore\":true}");
    forget(&house.ada);
    say(&house.ada, ASK("2", "completion/complete",
                        "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"story\"},\"argument\":{\"name\":\"about\","
                        "\"value\":\"\"}}"));
    assert_got(&house.ada, "{\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false}}");
    forget(&house.ada);
    say(&house.ada, ASK("3", "completion/complete",
                        "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"none\"},\"argument\":{\"name\":\"a\",\"value\":"
                        "\"\"}}"));
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(each_era_has_its_methods)
{
    house_open(&table);
    MODERN("server/discover", "");
    assert_got(&house.ada, "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\":true},"
                           "\"resources\":{\"subscribe\":true,\"listChanged\":true},\"prompts\":{\"listChanged\":true},"
                           "\"completions\":{}}");
    forget(&house.ada);
    MODERN("ping", "");
    assert_got(&house.ada, "\"code\":-32601");
    assert_int_equal(house.http_status, 404);
    assert_false(service_has_method(house.service, STR("initialize")));
    assert_false(service_has_method(house.service, STR("tasks/get")));
    assert_true(service_has_method(house.service, STR("subscriptions/listen")));
    enter(&house.bob, "2025-11-25", "{}");
    forget(&house.bob);
    say(&house.bob, ASK("1", "server/discover", "{}"));
    assert_got(&house.bob, "\"code\":-32601");
    forget(&house.bob);
    say(&house.bob, ASK("2", "logging/setLevel", "{\"level\":\"info\"}"));
    assert_got(&house.bob, "\"code\":-32601"); /* not declared */
    house_close();
}

TEST(sessions_are_found_counted_bounded_and_end_in_silence)
{
    house_open_for(&table, (struct service_parts){.sessions_max = 2, .session_idle = MILLISECONDS(100)});
    enter(&house.ada, "2025-11-25", "{}");
    enter(&house.bob, "2025-11-25", "{}");
    assert_null(service_session_new(house.service, STR("carl")));
    assert_ptr_equal(service_session_find(house.service, STR("ada")), house.ada.session);
    assert_null(service_session_find(house.service, STR("carl")));
    assert_int_equal(service_sessions(house.service), 2);
    open_stream(&house.ada); /* who listens is not silent */
    for (mono_time until = clock_mono() + SECONDS(5); service_sessions(house.service) > 1 && clock_mono() < until;)
        loop_turn(&house.loop, MILLISECONDS(20));
    assert_null(service_session_find(house.service, STR("bob")));
    assert_non_null(service_session_find(house.service, STR("ada")));
    house_close();
}
