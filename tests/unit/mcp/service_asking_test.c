/* One handler, asked through by clients of both eras. */
#include "base/live.h"
#include "mcp/service/parts.h"
#include "mcp/service_house.h"

#define FORM                                                                                                           \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"}},"             \
    "\"required\":[\"name\"]}"

static size_t called;

static void
greet(struct request *r)
{
    yyjson_val *who = request_elicit(r, "who", "Your name?", FORM);

    called++;
    if (who == NULL)
        return;
    yyjson_val *name = yyjson_obj_get(elicitation_content(who), "name");
    request_say(r, "Hello, %s!", name == NULL ? "stranger" : yyjson_get_str(name));
    request_finish(r);
}

static void
ask_all(struct request *r)
{
    yyjson_mut_doc *doc    = request_doc(r);
    yyjson_mut_val *params = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_arr(doc, params, "messages");
    yyjson_mut_obj_add_int(doc, params, "maxTokens", 5);
    yyjson_val *who   = request_elicit(r, "who", "Your name?", FORM);
    yyjson_val *model = request_sample(r, "model", params);
    yyjson_val *roots = request_roots(r, "roots");
    called++;
    if (who == NULL || model == NULL || roots == NULL)
        return;
    request_say(r, "all answered");
    request_finish(r);
}

static void
ask_twice(struct request *r)
{
    yyjson_val *kept = request_kept(r, "dear");

    called++;
    if (kept == NULL)
        request_keep(r, "dear", yyjson_mut_int(request_doc(r), 42));
    if (request_elicit(r, "one", "1?", FORM) == NULL || request_elicit(r, "two", "2?", FORM) == NULL)
        return;
    request_say(r, "kept %d", (int)yyjson_get_int(kept));
    request_finish(r);
}

static void
ask_for_ever(struct request *r)
{
    yyjson_val *kept = request_kept(r, "n");
    char        key[20];

    snprintf(key, sizeof key, "k%d", (int)yyjson_get_int(kept));
    if (request_elicit(r, key, "?", FORM) != NULL) {
        snprintf(key, sizeof key, "k%d", (int)yyjson_get_int(kept) + 1);
        request_keep(r, "n", yyjson_mut_int(request_doc(r), yyjson_get_int(kept) + 1));
        request_elicit(r, key, "?", FORM);
    }
}

static void
ask_url(struct request *r)
{
    if (request_elicit_url(r, "page", "Sign in", "https://a.test/in") != NULL)
        request_finish(r);
}

#define CHOICES                                                                                                        \
    "{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"string\",\"default\":\"a\",\"oneOf\":[{\"const\":\"a\","   \
    "\"title\":\"A\"}]},"                                                                                              \
    "\"ok\":{\"type\":\"boolean\",\"default\":true}}}"
#define SEVERAL                                                                                                        \
    "{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"a\"]}}" \
    "}}"

static void
choose(struct request *r)
{
    if (request_elicit(r, "c", "?", CHOICES) != NULL && request_elicit(r, "s", "?", SEVERAL) != NULL)
        request_finish(r);
}

static void
ask_much(struct request *r)
{
    char *much = request_alloc(r, KIB(80));

    memset(much, 'x', KIB(80) - 1);
    request_keep(r, "much", yyjson_mut_str(request_doc(r), much));
    request_elicit(r, "who", "?", FORM);
}

static void
read_after_asking(struct request *r)
{
    yyjson_val *who = request_elicit(r, "who", "Your name?", FORM);

    if (who == NULL)
        return;
    request_add_resource_text(r, request_uri(r), "text/plain", STR("yours"));
    request_finish(r);
}

/* Its client leaves while it runs. */
static void
ask_nobody(struct request *r)
{
    exchange_close(r->x, CLOSE_CLIENT_LEFT);
    assert_null(request_elicit(r, "who", "Your name?", FORM));
}

static struct request *held;

static void
hold(struct request *r)
{
    held = r;
}

static const struct tool tools[] = {
    {.name = "nobody", .call = ask_nobody},
    {.name = "hold", .call = hold},
    {.name = "greet", .call = greet, .input = "{\"type\":\"object\"}"},
    {.name = "all", .call = ask_all},
    {.name = "twice", .call = ask_twice},
    {.name = "ever", .call = ask_for_ever},
    {.name = "page", .call = ask_url},
    {.name = "much", .call = ask_much},
    {.name = "choose", .call = choose},
    {.name = "samples", .call = greet, .needs = CLIENT_SAMPLES},
    {0},
};
static const struct prompt        prompts[]   = {{.name = "greet", .get = greet}, {.name = "all", .get = ask_all}, {0}};
static const struct resource      resources[] = {{.uri = "ask:who", .name = "who", .read = read_after_asking}, {0}};
static const struct service_table table       = {
          .name = "asking", .version = "1", .tools = tools, .prompts = prompts, .resources = resources, .fresh_ms = 9};

#define ALL               "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ADA               "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"
#define MODEL             "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"t\"},\"model\":\"m\"}"

static void
begin(void)
{
    called = 0;
    house_open(&table);
}

static void
begin_legacy(const char *revision)
{
    begin();
    enter(&house.ada, revision, ALL);
    forget(&house.ada);
}

static void
modern(const char *method, const char *name, const char *more)
{
    char params[70000];

    forget(&house.ada);
    snprintf(params, sizeof params, "\"name\":\"%s\",%s", name, more);
    ask_modern(&house.ada, "5", method, params, ALL);
}

/* The retry: with the state that came, and these responses. */
static void
retry(const char *method, const char *name, const char *responses)
{
    char more[70000];

    snprintf(more, sizeof more, "\"requestState\":\"%s\",\"inputResponses\":%s,", text_of(&house.ada, "requestState"),
             responses);
    modern(method, name, more);
}

TEST(a_legacy_client_is_asked_while_its_call_waits)
{
    begin_legacy("2025-11-25");
    struct exchange *x = say(&house.ada, CALL("1", "greet", "{}"));
    assert_got(
        &house.ada,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\",\"message\":"
        "\"Your name?\",\"requestedSchema\":{\"type\":\"object\",");
    assert_int_equal(x->owed, 1);
    house_turn();
    say(&house.ada, REPLY("1", ADA));
    assert_got(&house.ada, "=");
    assert_got(&house.ada, "Hello, Ada!");
    assert_int_equal(called, 2);
    assert_int_equal(house.noted_from_client, 1);
    assert_int_equal(house.ada.session->questions.count, 0);
    say(&house.ada, REPLY("1", ADA)); /* once more: to nothing */
    say(&house.ada, REPLY("77", ADA));
    house_close();
}

TEST(before_2025_11_25_a_form_has_no_mode)
{
    begin_legacy("2025-06-18");
    say(&house.ada, CALL("1", "greet", "{}"));
    assert_not_got(&house.ada, "\"mode\"");
    say(&house.ada, REPLY("1", "{\"action\":\"decline\"}"));
    assert_got(&house.ada, "Hello, stranger!");
    house_close();
}

TEST(before_2025_11_25_a_form_offers_less)
{
    begin_legacy("2025-06-18");
    say(&house.ada, CALL("1", "choose", "{}"));
    assert_got(&house.ada, "{\"c\":{\"type\":\"string\",\"enum\":[\"a\"],\"enumNames\":[\"A\"]},\"ok\":{\"type\":"
                           "\"boolean\",\"default\":true}}");
    say(&house.ada, REPLY("1", "{\"action\":\"accept\",\"content\":{\"c\":\"a\"}}"));
    assert_got(&house.ada, "a choice of several");
    house_close();
}

TEST(a_legacy_client_answers_several_questions_in_any_order)
{
    begin_legacy("2025-11-25");
    struct exchange *x = say(&house.ada, CALL("1", "all", "{}"));
    assert_int_equal(x->owed, 3);
    say(&house.ada, REPLY("3", "{\"roots\":[{\"uri\":\"file:///a\"}]}"));
    say(&house.ada, REPLY("1", ADA));
    assert_int_equal(called, 1);
    say(&house.ada, REPLY("2", MODEL));
    assert_int_equal(called, 2);
    assert_got(&house.ada, "all answered");
    house_close();
}

TEST(a_malformed_answer_is_asked_for_again)
{
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "greet", "{}"));
    say(&house.ada, REPLY("1", "{\"action\":\"accept\",\"content\":{\"name\":5}}"));
    assert_got(&house.ada, "\"id\":2,\"method\":\"elicitation/create\"");
    say(&house.ada, REPLY("2", ADA));
    assert_got(&house.ada, "Hello, Ada!");
    house_close();
}

TEST(a_client_that_refuses_to_answer_ends_the_call_in_words)
{
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "all", "{}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-1,\"message\":\"User rejected\"}}");
    assert_got(&house.ada, "={\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"The "
                           "client did not answer \\\"model\\\": User rejected\"}],\"isError\":true}}");
    say(&house.ada, REPLY("1", ADA)); /* late */
    house_turn();
    say(&house.ada, ASK("2", "prompts/get", "{\"name\":\"greet\"}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-1,\"message\":\"no\"}}");
    assert_got(&house.ada, "\"code\":-32603");
    house_close();
}

TEST(a_client_that_cannot_be_asked_is_told_so)
{
    begin();
    enter(&house.ada, "2025-11-25", "{}");
    say(&house.ada, CALL("1", "greet", "{}"));
    assert_got(&house.ada, "This needs a client that can ask its user");
    enter(&house.bob, "2025-03-26", ALL); /* it had no elicitation yet */
    say(&house.bob, CALL("1", "greet", "{}"));
    assert_got(&house.bob, "\"isError\":true");
    house_close();
    begin_legacy("2025-11-25");
    house.ada.is_deaf = true; /* takes JSON only */
    say(&house.ada, CALL("1", "greet", "{}"));
    assert_got(&house.ada, "it listens nowhere");
    house_close();
    begin();
    ask_modern(&house.ada, "1", "tools/call", "\"name\":\"samples\",", "{}");
    assert_got(&house.ada, "\"code\":-32021");
    assert_got(&house.ada, "\"data\":{\"requiredCapabilities\":{\"sampling\":{}}}");
    assert_int_equal(house.http_status, 400);
    ask_modern(&house.ada, "1", "tools/call", "\"name\":\"greet\",", "{}");
    assert_got(&house.ada, "\"requiredCapabilities\":{\"elicitation\":{\"form\":{}}}");
    house_close();
}

TEST(a_client_that_left_its_call_is_asked_on_its_stream)
{
    begin_legacy("2025-11-25");
    struct exchange *x = say(&house.ada, CALL("1", "twice", "{}"));
    exchange_lose_front(x);
    forget(&house.ada);
    say(&house.ada, REPLY("1", ADA));
    assert_int_equal(buffer_len(&house.ada.got), 0);
    open_stream(&house.ada);
    assert_got(&house.ada, "\"id\":2,\"method\":\"elicitation/create\"");
    say(&house.ada, REPLY("2", ADA));
    assert_int_equal(called, 3);
    house_turn();
    house_close();
}

TEST(a_modern_client_comes_again_with_its_answers)
{
    begin();
    modern("tools/call", "greet", "");
    assert_got(&house.ada, "\"resultType\":\"input_required\"");
    assert_got(&house.ada,
               "\"inputRequests\":{\"who\":{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\"");
    retry("tools/call", "greet", "{\"who\":" ADA ",\"other\":{}}");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_got(&house.ada, "Hello, Ada!");
    modern("prompts/get", "greet", "");
    retry("prompts/get", "greet", "{\"who\":" ADA "}");
    assert_got(&house.ada, "Hello, Ada!");
    house_close();
}

TEST(what_is_missing_or_malformed_is_asked_again_and_what_came_unasked_counts)
{
    static const char *const wrong[] = {"{}", "null", "{\"other\":" ADA "}", "{\"who\":12345}",
                                        "{\"who\":{\"action\":\"accept\"}}"};

    begin();
    for (size_t i = 0; i < 5; i++) {
        modern("tools/call", "greet", "");
        retry("tools/call", "greet", wrong[i]);
        assert_got(&house.ada, "\"resultType\":\"input_required\"");
    }
    modern("tools/call", "greet", "\"inputResponses\":{\"who\":" ADA "},");
    assert_got(&house.ada, "Hello, Ada!");
    house_close();
}

TEST(a_modern_client_may_answer_bit_by_bit_and_what_was_kept_comes_back)
{
    begin();
    modern("tools/call", "all", "");
    retry("tools/call", "all", "{\"who\":" ADA "}");
    assert_got(&house.ada, "\"inputRequests\":{\"model\":");
    assert_not_got(&house.ada, "\"who\":");
    retry("tools/call", "all", "{\"model\":" MODEL ",\"roots\":{\"roots\":[]}}");
    assert_got(&house.ada, "all answered");
    modern("tools/call", "twice", "");
    retry("tools/call", "twice", "{\"one\":" ADA "}");
    assert_got(&house.ada, "\"two\":");
    retry("tools/call", "twice", "{\"two\":" ADA "}");
    assert_got(&house.ada, "kept 42");
    house_close();
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "twice", "{}"));
    say(&house.ada, REPLY("1", ADA));
    say(&house.ada, REPLY("2", ADA));
    assert_got(&house.ada, "kept 42");
    house_close();
}

TEST(a_state_holds_for_its_request_only_and_not_when_it_was_touched)
{
    char more[4000];

    begin();
    modern("tools/call", "greet", "");
    snprintf(more, sizeof more, "\"requestState\":\"%s-TAMPERED\",", text_of(&house.ada, "requestState"));
    modern("tools/call", "greet", more);
    assert_got(&house.ada, "\"code\":-32602");
    modern("tools/call", "greet", "");
    retry("tools/call", "all", "{}");
    assert_got(&house.ada, "\"code\":-32602");
    modern("tools/call", "greet", "");
    retry("prompts/get", "greet", "{}");
    assert_got(&house.ada, "\"code\":-32602");
    modern("tools/call", "greet", "");
    snprintf(more, sizeof more, "\"arguments\":{\"a\":1},\"requestState\":\"%s\",",
             text_of(&house.ada, "requestState"));
    modern("tools/call", "greet", more);
    assert_got(&house.ada, "\"code\":-32602");
    modern("tools/call", "greet", "\"requestState\":5,");
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

/* Comes again with a state that has `is` where ours has `was`; they are of one length. */
static void
retry_with(const char *was, const char *is)
{
    struct arena    *a       = arena_new(KIB(8), MIB(1));
    const struct str purpose = STR("requestState of asking");
    struct str       state;
    char             more[4000];

    modern("tools/call", "greet", "");
    assert_true(seal_open(&house.key, purpose, str_from(text_of(&house.ada, "requestState")), a, &state));
    ptrdiff_t at = str_find(state, str_from(was));
    assert_true(at > 0);
    char *other = arena_cstr(a, state);
    memcpy(other + at, is, strlen(is));
    snprintf(more, sizeof more, "\"requestState\":\"%s\",\"inputResponses\":{\"who\":" ADA "},",
             seal_text(&house.key, purpose, str_from(other), a));
    modern("tools/call", "greet", more);
    arena_free(a);
}

TEST(a_state_is_of_no_use_after_ten_minutes)
{
    begin();
    retry_with("\"until\":1", "\"until\":1");
    assert_got(&house.ada, "Hello, Ada!");
    retry_with("\"until\":", "\"until\":1000"); /* the century before */
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(who_opens_the_service_may_have_states_live_longer)
{
    struct arena *a = arena_new(KIB(8), MIB(1));
    struct str    state;
    char          until[40];

    house_open_for(&table, (struct service_parts){.state_life = SECONDS(86400)});
    modern("tools/call", "greet", "");
    assert_true(
        seal_open(&house.key, STR("requestState of asking"), str_from(text_of(&house.ada, "requestState")), a, &state));
    ptrdiff_t at = str_find(state, STR("\"until\":"));
    assert_true(at > 0);
    snprintf(until, sizeof until, "%.*s", STR_ARG(str_take(str_skip(state, (size_t)at + 8), 20)));
    assert_true(strtoll(until, NULL, 10) > clock_wall() + SECONDS(80000));
    arena_free(a);
    house_close();
}

TEST(a_state_is_its_principals)
{
    begin();
    retry_with("\"principal\":\"local\"", "\"principal\":\"focal\"");
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
}

TEST(what_answers_to_a_question_is_for_nobody_else)
{
    char more[4000];

    begin();
    ask_modern(&house.ada, "1", "resources/list", "", ALL);
    assert_got(&house.ada, "\"ttlMs\":9,\"cacheScope\":\"public\"");
    forget(&house.ada);
    ask_modern(&house.ada, "2", "resources/read", "\"uri\":\"ask:who\",", ALL);
    snprintf(more, sizeof more, "\"uri\":\"ask:who\",\"requestState\":\"%s\",\"inputResponses\":{\"who\":" ADA "},",
             text_of(&house.ada, "requestState"));
    ask_modern(&house.ada, "3", "resources/read", more, ALL);
    assert_got(&house.ada, "\"ttlMs\":0,\"cacheScope\":\"private\"");
    house_close();
}

TEST(nobody_is_asked_for_ever_or_given_too_much_to_carry)
{
    begin();
    modern("tools/call", "ever", "");
    for (int i = 0; i < 8 && has_got(&house.ada, "input_required"); i++) {
        char responses[200];
        snprintf(responses, sizeof responses, "{\"k%d\":" ADA "}", i);
        retry("tools/call", "ever", responses);
        assert_int_equal(has_got(&house.ada, "input_required"), i < 7);
    }
    assert_got(&house.ada, "asked too often");
    modern("tools/call", "much", "");
    assert_got(&house.ada, "more than a client should carry");
    house_close();
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "greet", "{}"));
    for (int i = 1; i <= 8; i++) {
        char text[100];
        snprintf(text, sizeof text, REPLY("%d", "{}"), i);
        say(&house.ada, text);
    }
    assert_got(&house.ada, "asked too often");
    house_close();
}

TEST(a_page_to_open_has_an_id_in_2025_11_25_only)
{
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "page", "{}"));
    assert_got(&house.ada,
               "{\"mode\":\"url\",\"message\":\"Sign in\",\"url\":\"https://a.test/in\",\"elicitationId\":");
    say(&house.ada, REPLY("1", "{\"action\":\"accept\"}"));
    assert_got(&house.ada, "={");
    house_close();
    begin();
    modern("tools/call", "page", "");
    assert_got(&house.ada, "{\"mode\":\"url\",\"message\":\"Sign in\",\"url\":\"https://a.test/in\"}");
    house_close();
}

TEST(a_session_that_ends_while_its_client_is_asked_leaves_nothing)
{
    begin_legacy("2025-11-25");
    say(&house.ada, CALL("1", "all", "{}"));
    say(&house.ada, CALL("2", "greet", "{}"));
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}");
    say(&house.ada, REPLY("4", ADA));
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    house_turn();
    assert_int_equal(called, 2);
    house_close();
}

/* It waits to be called again, which nobody will: it is not the handler's any more. */
TEST(who_asks_when_nobody_is_left_is_done_with)
{
    begin();
    modern("tools/call", "nobody", "");
    house_turn();
    assert_int_equal(live_counts[LIVE_SERVICE_CALLS], 0);
    forget(&house.ada);
    exchange_close(ask_modern(&house.ada, "1", "tools/call", "\"name\":\"hold\",", ALL), CLOSE_CLIENT_LEFT);
    house_turn();
    assert_int_equal(live_counts[LIVE_SERVICE_CALLS], 1);
    assert_null(request_elicit(held, "who", "Your name?", FORM));
    assert_null(request_roots(held, "roots"));
    house_turn();
    assert_int_equal(live_counts[LIVE_SERVICE_CALLS], 0);
    house_close();
}
