#include "exchange/envelope.h"
#include "exchange/skim.h"

#include "test.h"

static struct arena   *arena;
static struct envelope env;

static bool
parse(struct str text)
{
    struct error err = {0};

    arena_free(arena);
    arena   = arena_new(4096, MIB(16));
    bool ok = envelope_parse(&env, text, arena, &err);
    if (!ok)
        assert_true(err.text[0] != '\0');
    return ok;
}

static void
done(void)
{
    arena_free(arena);
    arena = NULL;
}

TEST(ids_and_tokens_are_found_as_they_were_written)
{
    struct str text = STR("{ \"jsonrpc\" : \"2.0\", \"id\" : \"a\\\"b\", \"method\":\"tools/call\","
                          "\"params\":{\"name\":\"f\\u0061st\",\"_meta\":{\"progressToken\": 12345678901234567890 }}}");

    assert_true(parse(text));
    assert_int_equal(env.kind, MESSAGE_REQUEST);
    assert_str(env.id, "\"a\\\"b\"");
    assert_true(env.id.data > text.data && env.id.data < text.data + text.len); /* a place in the message */
    assert_str(env.method, "tools/call");
    assert_str(env.target, "fast");
    assert_str(env.progress_token, "12345678901234567890");
    assert_true(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":-12,\"method\":\"ping\"}")));
    assert_str(env.id, "-12");
    done();
}

TEST(a_subscription_is_found_as_it_was_written)
{
    struct str news = STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{"
                          "\"io.modelcontextprotocol/subscriptionId\": \"7\"}}}");
    struct str end  = STR("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"_meta\":{"
                           "\"io.modelcontextprotocol/subscriptionId\":7}}}");

    assert_true(parse(news));
    assert_str(env.subscription, "\"7\"");
    assert_true(env.subscription.data > news.data && env.subscription.data < news.data + news.len);
    assert_true(parse(end));
    assert_str(env.subscription, "7");
    assert_true(env.subscription.data > end.data && env.subscription.data < end.data + end.len);
    done();
}

TEST(a_modern_request_says_what_its_client_can_and_which_logs_it_wants)
{
    assert_true(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{"
                          "\"io.modelcontextprotocol/clientCapabilities\":{},"
                          "\"io.modelcontextprotocol/logLevel\":\"inf\\u006f\"}}}")));
    assert_true(env.has_abilities);
    assert_str(env.log_level, "info");
    assert_true(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{"
                          "\"io.modelcontextprotocol/clientCapabilities\":[]}}}")));
    assert_false(env.has_abilities);
    assert_true(env.log_level.data == NULL);
    done();
}

TEST(what_a_request_is_about_is_what_its_method_names)
{
    static const struct {
        const char *method, *target;
    } cases[] = {{"tools/call", "n"}, {"resources/read", "u"}, {"tasks/get", "t"}, {"x/y", "n"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {.max = KIB(1)};
        assert_true(
            buffer_printf(&text,
                          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"taskId\":\"t\",\"uri\":\"u\","
                          "\"name\":\"n\"}}",
                          cases[i].method));
        assert_true(parse(buffer_str(&text)));
        assert_true(str_eq(env.target, str_from(cases[i].target)));
        buffer_clear(&text);
    }
    done();
}

TEST(an_id_may_be_as_long_as_it_may_and_no_longer)
{
    char          digits[ID_MAX + 2];
    struct buffer text = {.max = KIB(64)};

    for (int len = ID_MAX; len <= ID_MAX + 1; len++) {
        memset(digits, '7', sizeof digits);
        buffer_reset(&text);
        buffer_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"method\":\"ping\"}", len, digits);
        assert_int_equal(parse(buffer_str(&text)), len == ID_MAX);
        assert_int_equal(env.id.len, len == ID_MAX ? (size_t)ID_MAX : 0); /* one that is too long is not echoed */
    }
    buffer_clear(&text);
    done();
}

TEST(each_kind_is_told_from_the_others)
{
    assert_true(
        parse(STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"7\"}}")));
    assert_int_equal(env.kind, MESSAGE_NOTIFICATION);
    assert_str(env.cancelled_id, "\"7\"");
    assert_true(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"isError\":true}}")));
    assert_int_equal(env.kind, MESSAGE_RESULT);
    assert_true(env.is_tool_error);
    assert_true(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"\"}}")));
    assert_int_equal(env.kind, MESSAGE_ERROR);
    assert_int_equal(env.error_code, -32700);
    assert_null(env.id.data);
    done();
}

TEST(the_opening_says_who_and_what)
{
    assert_true(parse(
        STR("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\","
            "\"capabilities\":{ \"roots\" : {} },\"clientInfo\":{\"name\":\"ada\",\"version\":\"1\"}}}")));
    assert_str(env.revision, "2025-06-18");
    assert_str(env.capabilities, "{\"roots\":{}}");
    assert_str(env.peer_name, "ada");
    assert_true(
        parse(STR("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\": {\"protocolVersion\":\"2025-06-18\",\"x\":\"}\"} }")));
    assert_str(env.result, "{\"protocolVersion\":\"2025-06-18\",\"x\":\"}\"}");
    done();
}

TEST(what_is_no_message_is_refused_with_words)
{
    static const char *const wrong[] = {
        "",
        "nonsense",
        "[]",
        "1",
        "{}",
        "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"ID\":2}",
        "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1e2,\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":-0,\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1e400,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"name\":\"b\",\"name\":\"c\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"Name\":\"b\",\"name\":\"c\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{},\"_meta\":{}}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{\"progressToken\":1,\"progressToken\":2}"
        "}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{\"ProgressToken\":1}}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"requestId\":2}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestID\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"ref\":{\"name\":\"b\",\"name\":\"c\"}}}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\"} x",
        "{\"jsonrpc\":\"2.0\",\"method\":\"\xFF\"}",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (parse(str_from(wrong[i])))
            fail_msg("accepted: %s", wrong[i]);
    done();
}

TEST(the_id_of_a_broken_reply_is_not_to_be_echoed)
{
    assert_false(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}")));
    assert_null(env.id.data);
    assert_false(parse(STR("{\"jsonrpc\":\"2.0\",\"id\":1}")));
    assert_true(str_eq(env.id, STR("1"))); /* it may have been a request */
    done();
}

/* `levels` of arrays in the member "x" of a message. */
static bool
parse_nested(size_t levels)
{
    struct buffer b = {.max = KIB(64)};

    buffer_append(&b, STR("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"x\":["));
    for (size_t i = 1; i < levels; i++)
        buffer_append(&b, STR("[],["));
    for (size_t i = 0; i < levels; i++)
        buffer_append(&b, STR("]"));
    buffer_append(&b, STR("}"));
    bool ok = parse(buffer_str(&b));
    buffer_clear(&b);
    return ok;
}

TEST(nesting_has_a_bound)
{
    assert_true(parse_nested(DEPTH_MAX - 1)); /* the message itself is a level */
    assert_false(parse_nested(DEPTH_MAX));
    done();
}

static bool
count_bytes(struct str element, void *arg)
{
    *(size_t *)arg += element.len;
    return true;
}

TEST(the_elements_of_a_batch_are_its_bytes)
{
    struct error err   = {0};
    size_t       bytes = 0;

    assert_true(message_is_batch(STR(" [1]")));
    assert_true(batch_each(STR(" [ {\"a\":\"]\"} ,\n{\"b\":[{}]} ] "), count_bytes, &bytes, &err));
    assert_int_equal(bytes, 9 + 10);
    assert_false(batch_each(STR("[]"), count_bytes, &bytes, &err));
    assert_false(batch_each(STR("[1]"), count_bytes, &bytes, &err));
    assert_false(batch_each(STR("[{}"), count_bytes, &bytes, &err));
}

TEST(errors_of_ours_echo_the_id)
{
    struct buffer b = {.max = KIB(1)};

    assert_true(append_error_message(&b, STR("\"x\""), -32603, STR("a \"b\""), "timed-out"));
    assert_str(buffer_str(&b),
               "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32603,\"message\":\"a \\\"b\\\"\","
               "\"data\":{\"reason\":\"timed-out\"}}}");
    buffer_clear(&b);
}

/* The same message, larger than a tree is made of: a member that means nothing before the others. */
static struct str
enlarged(struct buffer *space, const char *text)
{
    *space = (struct buffer){.max = MIB(2)};
    assert_true(buffer_append(space, STR("{\"padding\":[")));
    for (int i = 0; i < 40000; i++)
        assert_true(buffer_append(space, STR("{\"a\":1},")));
    assert_true(buffer_append(space, STR("\"\"],")) && buffer_append(space, str_from(text + 1)));
    return buffer_str(space);
}

static void
same(struct str one, struct str other)
{
    assert_int_equal(one.data == NULL, other.data == NULL);
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.data == NULL ? "" : one.data, other.data == NULL ? "" : other.data, one.len);
}

TEST(a_large_message_says_the_same_as_a_small_one)
{
    static const char *const texts[] = {
        "{ \"jsonrpc\" : \"2.0\", \"id\" : \"a\\\"b\", \"method\":\"tools/call\", "
        "\"params\":{\"arguments\":{\"name\":[1,2]},"
        "\"name\":\"f\\u0061st\",\"_meta\":{\"progressToken\": 12345678901234567890,"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"} }}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/"
        "read\",\"params\":{\"name\":\"n\",\"uri\":\"u\",\"_meta\":{"
        "\"io.modelcontextprotocol/logLevel\":\"debug\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":7}}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":-7}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"\",\"x\":{}}}",
        "{\"jsonrpc\":\"2.0\",\"id\":102,\"method\":\"completion/complete\",\"params\":{\"ref\":{\"name\":\"r\"}}}",
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"protocolVersion\":\"2025-11-25\",\"serverInfo\":{\"name\":\"w\","
        "\"version\":\"2\"},\"isError\":true, \"z\":[]}}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"data\":{\"code\":1},\"code\":-32001,\"message\":\"no\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{\"capabilities\":{\"roots\":{}},"
        "\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"},\"protocolVersion\":\"2025-06-18\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"m\\u0065thod\":\"ping\"}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer   space;
        struct error    err   = {0};
        struct envelope large = {0};
        struct arena   *other = arena_new(4096, MIB(1)); /* a tree would not fit */
        assert_true(parse(str_from(texts[i])));
        struct str message = enlarged(&space, texts[i]);
        assert_true(envelope_parse(&large, message, other, &err));
        assert_int_equal(large.kind, env.kind);
        assert_int_equal(large.error_code, env.error_code);
        assert_int_equal(large.is_tool_error, env.is_tool_error);
        same(large.id, env.id);
        assert_true(large.id.data == NULL ||
                    (large.id.data > message.data && large.id.data < message.data + message.len));
        same(large.method, env.method);
        same(large.target, env.target);
        same(large.progress_token, env.progress_token);
        same(large.cancelled_id, env.cancelled_id);
        same(large.revision, env.revision);
        same(large.modern_revision, env.modern_revision);
        same(large.capabilities, env.capabilities);
        same(large.log_level, env.log_level);
        same(large.subscription, env.subscription);
        assert_int_equal(large.has_abilities, env.has_abilities);
        same(large.result, env.result);
        same(large.peer_name, env.peer_name);
        same(large.peer_version, env.peer_version);
        arena_free(other);
        buffer_clear(&space);
    }
    done();
}

TEST(a_large_message_is_refused_for_what_a_small_one_is)
{
    static const char *const values[] = {
        "0",
        "-0.5e+10",
        "1E5",
        "\"\\u00e9\\n\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "[ ]",
        "{ }",
        "[[{}],[]]",
        "true",
        "null",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "-",
        "tru",
        "nul",
        "NaN",
        "",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "[}",
        "{]",
        "[",
        "{\"a\":1",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "\"",
        "'a'",
        "1}",
        "{\"a\":1,}",
        "[1]]",
        "\"a\" \"b\"",
        "1,\"id\":2",
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buffer space;
        struct error  err = {0};
        char          text[200];
        snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"x\":%s}}", values[i]);
        bool            small = parse(str_from(text));
        struct arena   *other = arena_new(4096, MIB(1));
        struct envelope large;
        bool            ok = envelope_parse(&large, enlarged(&space, text), other, &err);
        if (ok != small)
            fail_msg("%s: %d small, %d large: %s", values[i], small, ok, err.text);
        arena_free(other);
        buffer_clear(&space);
    }
    done();
}

static bool
count_one(struct str element, void *arg)
{
    (void)element;
    ++*(size_t *)arg;
    return true;
}

TEST(a_large_batch_is_taken_apart_like_a_small_one)
{
    struct buffer space = {.max = MIB(2)};
    struct error  err   = {0};
    size_t        seen  = 0;

    assert_true(buffer_append(&space, STR("[")));
    for (int i = 1; i < BATCH_MOST; i++)
        assert_true(buffer_printf(&space, "{\"a\":[1,2,\"]}%0400d\"]}, ", i));
    assert_true(buffer_append(&space, STR("{}]")));
    assert_true(batch_each(buffer_str(&space), count_one, &seen, &err));
    assert_int_equal(seen, BATCH_MOST);
    assert_true(buffer_append(&space, STR("]")));
    assert_false(batch_each(buffer_str(&space), count_one, &seen, &err));
    buffer_clear(&space);
}

TEST(a_batch_of_too_many_messages_is_none)
{
    static const char *const elements[] = {"{},", "{\"a\":\"0123456789012345678901234567890123456789\"},"};
    struct error             err        = {0};
    size_t                   seen       = 0;

    for (size_t i = 0; i < 2; i++) { /* a small one, and one that is skimmed */
        struct buffer space = {.max = MIB(2)};
        assert_true(buffer_append(&space, STR("[")));
        for (int n = 0; n < (i == 0 ? BATCH_MOST : 10 * BATCH_MOST); n++)
            assert_true(buffer_append(&space, str_from(elements[i])));
        assert_true(buffer_append(&space, STR("{}]")));
        assert_false(batch_each(buffer_str(&space), count_one, &seen, &err));
        assert_string_equal(err.text, "the batch has more than 1000 messages");
        assert_int_equal(seen, 0);
        buffer_clear(&space);
    }
}
