#include "mcp/client/mirror.h"

#include "mcp/header_value.h"
#include "mcp/param_rules.h"
#include "test.h"

static struct arena *arena;

static yyjson_doc *
json(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), YYJSON_READ_BIGNUM_AS_RAW);

    assert_non_null(doc);
    return doc;
}

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
    "\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"
    "\"loud\":{\"type\":\"boolean\",\"x-mcp-header\":\"Loud\"},"
    "\"plain\":{\"type\":\"string\"},"
    "\"deep\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"x-mcp-header\":\"Deep-Name\"}}}}}";

/* All fields, "Name: value" lines; what is written must also be what the server side accepts. */
static void
assert_fields(const char *arguments, const char *expected)
{
    yyjson_doc               *of = json(schema), *with = json(arguments);
    const struct http_header *params;
    size_t                    count;
    struct error              err  = {0};
    struct buffer             text = {.max = KIB(4)};

    arena = arena_new(KIB(1), MIB(1));
    assert_true(mirror_arguments(yyjson_doc_get_root(of), yyjson_doc_get_root(with), arena, &params, &count, &err));
    for (size_t i = 0; i < count; i++)
        assert_true(buffer_printf(&text, "%.*s: %.*s\n", STR_ARG(params[i].name), STR_ARG(params[i].value)));
    if (!str_eq(buffer_str(&text), str_from(expected)))
        fail_msg("%s: got %.*s", arguments, STR_ARG(buffer_str(&text)));

    struct param_rules *rules   = param_rules_of(yyjson_doc_get_root(of), &err);
    struct http_headers headers = {(struct http_header *)(uintptr_t)params, count};
    if (!param_rules_hold(rules, yyjson_doc_get_root(with), &headers, arena, &err))
        fail_msg("%s: %s", arguments, err.text);
    param_rules_free(rules);
    buffer_clear(&text);
    arena_free(arena);
    yyjson_doc_free(of);
    yyjson_doc_free(with);
}

TEST(annotated_arguments_stand_in_fields_and_others_do_not)
{
    assert_fields("{\"region\":\"us-west1\",\"count\":7,\"loud\":true,\"plain\":\"x\"}",
                  "Mcp-Param-Region: us-west1\nMcp-Param-Count: 7\nMcp-Param-Loud: true\n");
    assert_fields("{\"deep\":{\"name\":\"n\"},\"loud\":false}", "Mcp-Param-Loud: false\nMcp-Param-Deep-Name: n\n");
    assert_fields("{\"region\":null}", "");
    assert_fields("{\"region\":[1],\"deep\":\"no object\"}", "");
    assert_fields("{}", "");
}

TEST(numbers_are_written_in_decimal)
{
    assert_fields("{\"count\":-12}", "Mcp-Param-Count: -12\n");
    assert_fields("{\"count\":7.0}", "Mcp-Param-Count: 7\n");
    assert_fields("{\"count\":18446744073709551615}", "Mcp-Param-Count: 18446744073709551615\n");
    assert_fields("{\"count\":123456789012345678901234567890}", "Mcp-Param-Count: 123456789012345678901234567890\n");
    assert_fields("{\"count\":0.5}", "Mcp-Param-Count: 0.5\n");
}

TEST(what_no_field_can_hold_is_written_in_base64)
{
    assert_fields("{\"region\":\"\"}", "Mcp-Param-Region: \n");
    assert_fields("{\"region\":\"a b\"}", "Mcp-Param-Region: a b\n");
    assert_fields("{\"region\":\" padded \"}", "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\n");
    assert_fields("{\"region\":\"M\xc3\xbcnchen\"}", "Mcp-Param-Region: =?base64?TcO8bmNoZW4=?=\n");
    assert_fields("{\"region\":\"a\\r\\nb\"}", "Mcp-Param-Region: =?base64?YQ0KYg==?=\n");
    assert_fields("{\"region\":\"\\ta\"}", "Mcp-Param-Region: =?base64?CWE=?=\n");
    assert_fields("{\"region\":\"=?base64?YQ==?=\"}", "Mcp-Param-Region: =?base64?PT9iYXNlNjQ/WVE9PT89?=\n");
    assert_fields("{\"region\":\"=?base64?\"}", "Mcp-Param-Region: =?base64?\n");
}

TEST(a_tool_whose_annotations_are_not_allowed_is_not_for_http)
{
    yyjson_doc               *bad = json("{\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}");
    yyjson_doc               *of  = json(schema);
    const struct http_header *params;
    size_t                    count;
    struct error              err = {0};

    assert_true(mirror_is_valid(NULL, &err));
    assert_true(mirror_is_valid(yyjson_doc_get_root(of), &err));
    assert_false(mirror_is_valid(yyjson_doc_get_root(bad), &err));
    assert_int_equal(err.code, ERROR_INVALID);
    arena = arena_new(KIB(1), MIB(1));
    assert_false(mirror_arguments(yyjson_doc_get_root(bad), NULL, arena, &params, &count, &err));
    assert_int_equal(count, 0);
    assert_true(mirror_arguments(yyjson_doc_get_root(of), NULL, arena, &params, &count, &err));
    assert_int_equal(count, 0);
    arena_free(arena);
    yyjson_doc_free(of);
    yyjson_doc_free(bad);
}
