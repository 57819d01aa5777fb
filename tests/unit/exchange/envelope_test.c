#include "exchange/envelope.h"

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
