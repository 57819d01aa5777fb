#include "api/entry.h"

#include <yyjson.h>

#include "test.h"

static const struct exchange_view exchange = {
    .id          = 1838321273371003904,
    .at          = 1795269731482731,
    .server      = {"weather", 7},
    .session     = {"s-1", 3},
    .method      = {"tools/call", 10},
    .jsonrpc_id  = {"7", 1},
    .kind        = KIND_REQUEST,
    .outcome     = OUTCOME_OK,
    .http_status = 200,
    .duration_us = 1234,
    .tokens_in   = 3,
    .tokens_out  = 4,
};

static void
shows(enum message_from from, struct str text, const char *const *wanted)
{
    struct buffer       out = {.max = MIB(1)};
    struct print        p   = {.to = &out};
    struct message_view m   = {.at = exchange.at + 900, .from = from, .text = text};

    entry_print(&p, &exchange, &m, from == FROM_CLIENT);
    assert_false(p.failed);
    for (; *wanted != NULL; wanted++)
        if (str_find(buffer_str(&out), str_from(*wanted)) < 0)
            fail_msg("%.*s has no %s", STR_ARG(buffer_str(&out)), *wanted);
    yyjson_doc *doc = yyjson_read(out.data, buffer_len(&out), YYJSON_READ_BIGNUM_AS_RAW);
    assert_non_null(doc);
    yyjson_doc_free(doc);
    buffer_clear(&out);
}

#define SHOWS(from, text, ...) shows((from), STR(text), (const char *const[]){__VA_ARGS__, NULL})

TEST(a_request_and_its_answer)
{
    SHOWS(FROM_CLIENT, "{\"id\":7, \"method\":\"tools/call\"}", "\"direction\":\"request\"", "\"id\":7,",
          "\"request\":{\"id\":7, \"method\":\"tools/call\"}", "\"durationMs\":0.000", "\"inputTokens\":3",
          "\"timestamp\":\"2026-11-21T14:02:11.482731Z\"", "\"exchangeId\":\"1838321273371003904\"");
    SHOWS(FROM_SERVER, "{\"id\":\"7\",\"result\":{}}", "\"direction\":\"response\"", "\"id\":\"7\"",
          "\"response\":{\"id\":\"7\",\"result\":{}}", "\"durationMs\":1.234", "\"httpStatus\":200",
          "\"outputTokens\":4", "\"outcome\":\"ok\"", "\"timestamp\":\"2026-11-21T14:02:11.483631Z\"");
}

TEST(what_the_server_says_on_the_way)
{
    SHOWS(FROM_SERVER, "{\"method\":\"notifications/progress\",\"params\":{}}", "\"direction\":\"sse-event\"",
          "\"method\":\"notifications/progress\"", "\"id\":null", "\"from\":\"server\"",
          "\"sseEvent\":{\"event\":\"message\",\"data\":\"{\\\"method\\\":");
    SHOWS(FROM_CLIENT, "{\"id\":1,\"result\":{}}", "\"direction\":\"response\"", "\"from\":\"client\"");
}

TEST(what_is_no_json_is_a_text)
{
    SHOWS(FROM_SERVER, "oops {", "\"response\":\"oops {\"", "\"id\":\"7\"");
    SHOWS(FROM_SERVER, "", "\"response\":\"\"");
    SHOWS(FROM_CLIENT, "\"\xff\"", "\"request\":\"\\\"\xef\xbf\xbd\\\"\"");
    SHOWS(FROM_SERVER, "{\"result\":1e999999}", "\"response\":{\"result\":1e999999}");
}

TEST(what_is_too_large_is_said_by_its_size)
{
    struct buffer       out  = {.max = KIB(64)};
    struct print        p    = {.to = &out};
    char               *text = calloc(1, 20000);
    struct message_view m    = {.from = FROM_SERVER, .text = str_of(text, 20000)};

    entry_print(&p, &exchange, &m, false);
    assert_true(!p.failed && str_find(buffer_str(&out), STR("\"omittedBytes\":20000}")) > 0);
    free(text);
    buffer_clear(&out);
}

TEST(an_exchange_without_messages)
{
    struct buffer out = {.max = KIB(64)};
    struct print  p   = {.to = &out};

    entry_print(&p, &exchange, NULL, true);
    assert_true(str_find(buffer_str(&out), STR("\"direction\":\"request\"")) > 0);
    assert_true(str_find(buffer_str(&out), STR("\"request\":")) < 0);
    buffer_clear(&out);
}
