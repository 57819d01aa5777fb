/* What a relay's server asks of clients, in both eras: each answer is the relay's once. */
#include "mcp/service/parts.h"
#include "mcp/service/relay_house.h"

#define ALL               "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ADA               "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"
#define FORM                                                                                                           \
    "{\"mode\":\"form\",\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"c\":{\"type\":"   \
    "\"string\",\"oneOf\":[{\"const\":\"a\",\"title\":\"A\"}]}}}}"
#define SEVERAL                                                                                                        \
    "{\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"array\"}}}}"
#define PAGE "{\"mode\":\"url\",\"message\":\"?\",\"url\":\"https://a.test/\",\"elicitationId\":\"e1\"}"

enum { ASKED_MOST = 8 };

/* What the server asks, and what it was told. */
static struct {
    const char   *keys[ASKED_MOST], *methods[ASKED_MOST], *params[ASKED_MOST];
    size_t        count;
    bool          is_kept;           /* something is kept for the next round */
    bool          asks_again;        /* the same once more, after the answers */
    struct buffer answers, refusals; /* key and JSON, each on a line */
} server;

static void
note(struct buffer *into, const char *key, yyjson_val *value)
{
    char *text = yyjson_val_write(value, 0, NULL);

    assert_true(buffer_printf(into, "%s %s\n", key, text));
    free(text);
}

static size_t
ask_all(struct request *r)
{
    size_t waits = 0;

    for (size_t i = 0; i < server.count; i++) {
        yyjson_doc *params;
        yyjson_val *refusal;
        script_read(server.params[i], &params);
        yyjson_val *answer =
            request_ask(r, server.keys[i], str_from(server.methods[i]), yyjson_doc_get_root(params), &refusal);
        yyjson_doc_free(params);
        assert_true(answer == NULL || refusal == NULL);
        if (answer != NULL)
            note(&server.answers, server.keys[i], answer);
        if (refusal != NULL)
            note(&server.refusals, server.keys[i], refusal);
        waits += answer == NULL && refusal == NULL;
    }
    return waits;
}

static void
ask_then_answer(struct request *r)
{
    if (server.is_kept && request_kept(r, "call") != NULL)
        note(&server.answers, "kept", request_kept(r, "call"));
    else if (server.is_kept)
        request_keep(r, "call", yyjson_mut_int(request_doc(r), 42));
    size_t waits = ask_all(r);
    if (waits == 0 && server.asks_again) {
        server.asks_again = false;
        waits             = ask_all(r);
    }
    if (waits == 0)
        script_answer(r);
}

static void
asks(const char *key, const char *method, const char *params)
{
    server.keys[server.count]     = key;
    server.methods[server.count]  = method;
    server.params[server.count++] = params;
}

static void
begin(void)
{
    relay_open();
    server.count   = 0;
    server.is_kept = server.asks_again = false;
    server.answers = server.refusals = (struct buffer){.max = MIB(1)};
    script.serve                     = ask_then_answer;
    script.result                    = "{\"content\":[]}";
}

static void
finish(void)
{
    buffer_clear(&server.answers);
    buffer_clear(&server.refusals);
    relay_close();
}

static void
begin_legacy(const char *revision, const char *capabilities)
{
    begin();
    enter(&house.ada, revision, capabilities);
    forget(&house.ada);
}

static void
modern(const char *method, const char *more, const char *capabilities)
{
    char params[70000];

    forget(&house.bob);
    snprintf(params, sizeof params, "\"name\":\"n\",%s", more);
    ask_modern(&house.bob, "5", method, params, capabilities);
    house_turn();
}

static void
retry(const char *responses)
{
    char more[70000];

    snprintf(more, sizeof more, "\"requestState\":\"%s\",\"inputResponses\":%s,", text_of(&house.bob, "requestState"),
             responses);
    modern("tools/call", more, ALL);
}

#define assert_text(buffer, text)                                                                                      \
    do {                                                                                                               \
        if (!str_eq(buffer_str(&(buffer)), STR(text)))                                                                 \
            fail_msg("%.*s", STR_ARG(buffer_str(&(buffer))));                                                          \
    } while (0)

TEST(a_legacy_client_is_asked_on_its_calls_stream)
{
    begin_legacy("2025-11-25", ALL);
    asks("who", "elicitation/create", FORM);
    asks("where", "roots/list", NULL);
    say(&house.ada, CALL("1", "n", "{}"));
    assert_got(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\",\"params\":" FORM "}");
    assert_got(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"roots/list\",\"params\":{}}");
    say(&house.ada, REPLY("2", "{\"roots\":[]}"));
    assert_int_equal(script.served, 1);
    say(&house.ada, REPLY("1", ADA));
    assert_int_equal(script.served, 2);
    assert_text(server.answers, "who " ADA "\nwhere {\"roots\":[]}\n");
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    finish();
}

TEST(under_one_key_something_else_may_be_asked_later)
{
    begin_legacy("2025-11-25", ALL);
    asks("who", "elicitation/create", FORM);
    server.asks_again = true;
    say(&house.ada, CALL("1", "n", "{}"));
    say(&house.ada, REPLY("1", ADA));
    assert_not_got(&house.ada, "result");
    assert_got(&house.ada, "\"id\":2,\"method\":\"elicitation/create\"");
    say(&house.ada, REPLY("2", "{\"action\":\"decline\"}"));
    assert_text(server.answers, "who " ADA "\nwho {\"action\":\"decline\"}\n");
    assert_got(&house.ada, "\"result\"");
    finish();
}

TEST(what_a_legacy_client_refuses_the_relay_is_told)
{
    begin_legacy("2025-06-18", "{\"elicitation\":{}}");
    asks("who", "elicitation/create", FORM);
    asks("several", "elicitation/create", SEVERAL);
    asks("model", "sampling/createMessage", "{\"messages\":[],\"maxTokens\":1}");
    asks("page", "elicitation/create", PAGE);
    asks("odd", "odd/one", NULL);
    say(&house.ada, CALL("1", "n", "{}"));
    assert_got(&house.ada,
               "\"params\":{\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"c\":"
               "{\"type\":\"string\",\"enum\":[\"a\"],\"enumNames\":[\"A\"]}}}}");
    server.count = 1; /* what was refused it does not ask again */
    say(&house.ada, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"no\",\"data\":3}}");
    assert_text(
        server.refusals,
        "several {\"code\":-32602,\"message\":\"This needs a client of 2025-11-25 or later: it asks for a choice "
        "of several\"}\n"
        "model {\"code\":-32601,\"message\":\"The client does not support this\"}\n"
        "page {\"code\":-32601,\"message\":\"The client does not support this\"}\n"
        "odd {\"code\":-32601,\"message\":\"Method not found\"}\n"
        "who {\"code\":-1,\"message\":\"no\",\"data\":3}\n");
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    finish();
}

TEST(a_page_has_an_id_in_the_one_revision_that_gives_it_one)
{
    begin_legacy("2025-11-25", ALL);
    asks("page", "elicitation/create", PAGE);
    asks("other", "elicitation/create", "{\"mode\":\"url\",\"message\":\"?\",\"url\":\"https://b.test/\"}");
    say(&house.ada, CALL("1", "n", "{}"));
    assert_got(&house.ada, PAGE);
    assert_got(&house.ada, "\"url\":\"https://b.test/\",\"elicitationId\":\"");
    modern("tools/call", "", ALL);
    assert_got(&house.bob, "{\"mode\":\"url\",\"message\":\"?\",\"url\":\"https://a.test/\"}");
    finish();
}

TEST(a_message_of_several_blocks_is_several_to_an_older_client)
{
    static const char params[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
        "\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":{\"type\":\"audio\",\"mimeType\":\"m\"}}],"
        "\"maxTokens\":1,\"_meta\":{\"progressToken\":\"theirs\"}}";

    begin_legacy("2024-11-05", ALL);
    asks("model", "sampling/createMessage", params);
    say(&house.ada, CALL("1", "n", "{}"));
    assert_got(&house.ada,
               "\"params\":{\"maxTokens\":1,\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\","
               "\"text\":\"a\"}},{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"b\"}},"
               "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"[audio, m]\"}}]}}");
    modern("tools/call", "", ALL);
    assert_got(&house.bob, "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}");
    assert_not_got(&house.bob, "theirs");
    finish();
}

static void
pass(mono_time time)
{
    timer_wheel_tick(&house.loop.timers, clock_mono() + time);
}

TEST(a_legacy_client_that_is_silent_is_a_refusal_to_the_relay)
{
    begin_legacy("2025-11-25", ALL);
    asks("who", "elicitation/create", FORM);
    say(&house.ada, CALL("1", "n", "{}"));
    pass(LEG_MOST + SECONDS(1));
    assert_text(server.refusals, "who {\"code\":-32603,\"message\":\"The client did not answer in time\"}\n");
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    say(&house.ada, REPLY("1", ADA)); /* too late */
    assert_int_equal(script.served, 2);
    finish();
}

TEST(a_legacy_client_that_listens_nowhere_cannot_be_asked)
{
    begin_legacy("2025-11-25", ALL);
    asks("who", "elicitation/create", FORM);
    house.ada.is_deaf = true;
    say(&house.ada, CALL("1", "n", "{}"));
    assert_text(server.refusals,
                "who {\"code\":-32603,\"message\":\"The client cannot be asked: it listens nowhere\"}\n");
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    finish();
}

TEST(a_modern_client_comes_again_with_the_answers)
{
    begin();
    server.is_kept = true;
    asks("who", "elicitation/create", FORM);
    asks("where", "roots/list", NULL);
    modern("tools/call", "", ALL);
    assert_got(&house.bob, "\"resultType\":\"input_required\"");
    assert_got(&house.bob, "\"inputRequests\":{\"who\":{\"method\":\"elicitation/create\",\"params\":" FORM
                           "},\"where\":{\"method\":\"roots/list\",\"params\":{}}}");
    retry("{\"who\":" ADA ",\"other\":{}}"); /* one is missing, and asked again */
    assert_params("{\"name\":\"n\"}");
    assert_text(server.answers, "kept 42\nwho " ADA "\n");
    assert_got(&house.bob, "\"inputRequests\":{\"where\":{");
    server.count   = 1;
    server.keys[0] = "where", server.methods[0] = "roots/list", server.params[0] = NULL;
    retry("{\"where\":{\"roots\":[]}}");
    assert_text(server.answers, "kept 42\nwho " ADA "\nkept 42\nwhere {\"roots\":[]}\n");
    assert_got(&house.bob, "\"result\":{\"content\":[],\"resultType\":\"complete\"");
    finish();
}

TEST(answers_do_not_pile_up_in_what_a_modern_client_carries)
{
    char   responses[9000];
    size_t first;

    begin();
    asks("who", "elicitation/create", FORM);
    asks("where", "roots/list", NULL);
    modern("tools/call", "", ALL);
    first = strlen(text_of(&house.bob, "requestState"));
    snprintf(responses, sizeof responses, "{\"who\":{\"action\":\"accept\",\"content\":{\"much\":\"%08000d\"}}}", 0);
    retry(responses);
    assert_in_range(strlen(text_of(&house.bob, "requestState")), first - 8, first + 8);
    finish();
}

TEST(an_answer_of_no_shape_is_asked_for_again)
{
    begin();
    asks("who", "elicitation/create", FORM);
    modern("tools/call", "", ALL);
    retry("{\"who\":\"Ada\"}");
    assert_got(&house.bob, "input_required");
    retry("{\"who\":{\"name\":\"Ada\"}}");
    assert_got(&house.bob, "input_required");
    assert_text(server.answers, "");
    retry("[]");
    assert_got(&house.bob, "input_required");
    finish();
}

TEST(a_state_of_another_request_is_refused)
{
    char more[70000];

    begin();
    asks("who", "elicitation/create", FORM);
    modern("tools/call", "", ALL);
    snprintf(more, sizeof more, "\"requestState\":\"%s\",\"arguments\":{\"other\":1},",
             text_of(&house.bob, "requestState"));
    modern("tools/call", more, ALL);
    assert_got(&house.bob, "\"code\":-32602");
    modern("tools/call", "\"requestState\":\"mine\",", ALL);
    assert_got(&house.bob, "\"code\":-32602");
    assert_int_equal(script.served, 1);
    finish();
}

TEST(what_a_modern_client_cannot_the_relay_may_refuse_as_it_is)
{
    begin();
    asks("model", "sampling/createMessage", "{\"messages\":[],\"tools\":[]}");
    modern("tools/call", "", "{\"sampling\":{}}");
    assert_text(server.refusals, "model {\"code\":-32021,\"message\":\"Missing required client capability\",\"data\":"
                                 "{\"requiredCapabilities\":{\"sampling\":{\"tools\":{}}}}}\n");
    assert_got(&house.bob, "\"result\":{\"content\":[]"); /* as it did here */
    buffer_reset(&server.refusals);
    server.count = 0;
    asks("where", "roots/list", NULL);
    modern("completion/complete", "", ALL);
    assert_text(server.refusals,
                "where {\"code\":-32601,\"message\":\"A client cannot be asked while it waits for this\"}\n");
    finish();
}

TEST(a_call_that_goes_on_may_ask_at_any_time)
{
    begin();
    script.serve = script_hold;
    asks("who", "elicitation/create", FORM);
    modern("tools/call", "", ALL);
    assert_not_got(&house.bob, "result");
    struct request *r = script.held;
    request_keep(r, "call", yyjson_mut_int(request_doc(r), 1));
    assert_int_equal(ask_all(r), 1);
    house_turn();
    assert_got(&house.bob, "\"resultType\":\"input_required\"");
    assert_int_equal(script.stopped, 0); /* the relay let go of it when it asked */
    script.serve = ask_then_answer;
    retry("{\"who\":" ADA "}");
    assert_text(server.answers, "who " ADA "\n");
    assert_got(&house.bob, "\"resultType\":\"complete\"");
    finish();
}

TEST(a_legacy_call_that_goes_on_may_ask_at_any_time)
{
    begin_legacy("2025-11-25", ALL);
    script.serve = script_hold;
    asks("who", "elicitation/create", FORM);
    say(&house.ada, CALL("1", "n", "{}"));
    assert_int_equal(ask_all(script.held), 1);
    house_turn();
    assert_got(&house.ada, "\"method\":\"elicitation/create\"");
    say(&house.ada, REPLY("1", ADA));
    assert_int_equal(script.served, 2);
    assert_int_equal(ask_all(script.held), 0);
    assert_text(server.answers, "who " ADA "\n");
    script_answer(script.held);
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    finish();
}

TEST(who_is_asked_and_leaves_is_cancelled_at_the_relay)
{
    begin();
    script.serve = script_hold;
    asks("who", "elicitation/create", FORM);
    modern("tools/call", "", ALL);
    struct exchange *x = script.held->x;
    ask_all(script.held);
    exchange_close(x, CLOSE_CANCELLED);
    house_turn();
    assert_int_equal(script.stopped, 1);
    assert_int_equal(house.bob.ends, 1);
    finish();
}

/* More than a client should carry: it ends, and what runs at the server is stopped. */
TEST(a_relay_is_told_when_a_question_could_not_be_put)
{
    static char much[KIB(80)];

    begin();
    memset(much, 'x', sizeof much - 1);
    script.serve = script_hold;
    asks("who", "elicitation/create", FORM);
    modern("tools/call", "", ALL);
    request_keep(script.held, "much", yyjson_mut_str(request_doc(script.held), much));
    ask_all(script.held);
    house_turn();
    assert_int_equal(script.stopped, 1);
    assert_got(&house.bob, "\"code\":-32603");
    finish();
}

/* It asks anew whatever it is told. */
static void
ask_for_ever(struct request *r)
{
    script_hold(r);
    ask_all(r);
    ask_all(r);
}

TEST(a_server_that_never_has_enough_is_stopped)
{
    char reply[200];

    begin_legacy("2025-11-25", ALL);
    script.serve = ask_for_ever;
    asks("who", "elicitation/create", FORM);
    say(&house.ada, CALL("1", "n", "{}"));
    for (int i = 1; i <= RELAYED_ROUNDS_MOST; i++) {
        assert_not_got(&house.ada, "error");
        snprintf(reply, sizeof reply, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":" ADA "}", i);
        say(&house.ada, reply);
    }
    assert_got(&house.ada, "\"error\":{\"code\":-32603,\"message\":\"The client was asked too often\"}");
    assert_int_equal(script.stopped, 1);
    finish();
}

TEST(no_more_is_asked_at_once_than_a_client_can_take)
{
    static char keys[QUESTIONS_MOST + 1][8];

    begin_legacy("2025-11-25", ALL);
    script.serve = script_hold;
    say(&house.ada, CALL("1", "n", "{}"));
    for (int i = 0; i <= QUESTIONS_MOST; i++) {
        yyjson_val *refusal;
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        assert_null(request_ask(script.held, keys[i], STR("roots/list"), NULL, &refusal));
        assert_int_equal(refusal != NULL, i == QUESTIONS_MOST);
    }
    finish();
}
