#include "mcp/header_value.h"
#include "mcp/param_rules.h"
#include "mcp/service/mirrored.h"
#include "mcp/service/rules.h"
#include "test.h"

#define VERSION "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""
#define META    "\"_meta\":{" VERSION ",\"io.modelcontextprotocol/clientCapabilities\":{}}"

static void
never(struct request *r)
{
    request_finish(r);
}

static const struct tool tools[] = {
    {.name = "plain", .call = never, .input = "{\"type\":\"object\"}"},
    {.name  = "asks",
     .call  = never,
     .needs = CLIENT_ELICITS | CLIENT_ELICITS_URL | CLIENT_SAMPLES | CLIENT_FOLLOWS_TASKS},
    {.name  = "mirrors",
     .call  = never,
     .input = "{\"type\":\"object\",\"properties\":{"
              "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
              "\"where\":{\"type\":\"object\",\"properties\":{\"floor\":{\"type\":\"integer\",\"x-mcp-header\":"
              "\"Floor\"}}},"
              "\"now\":{\"type\":\"boolean\",\"x-mcp-header\":\"Now\"},"
              "\"rest\":{\"type\":\"string\"}}}"},
    {0},
};
static const struct resource      resources[] = {{.uri = "a:b", .name = "b", .read = never}, {0}};
static const struct service_table table       = {
          .name = "t", .version = "1", .tools = tools, .resources = resources, .makes_tasks = true};

static struct loop              loop;
static const struct session_key key;

static struct service *
make(const struct service_table *of, struct service_parts parts)
{
    struct error err = {0};

    assert_true(loop_init(&loop, &err));
    parts.loop        = &loop;
    parts.key         = &key;
    parts.principal   = "local";
    struct service *s = service_new(of, &parts, &err);
    if (s == NULL)
        fail_msg("%s", err.text);
    return s;
}

static void
unmake(struct service *s)
{
    service_free(s);
    loop_clear(&loop);
}

/* One message and the fields that come with it: "Name: value\n"... */
static struct refusal refusal;
static struct arena  *arena;

static bool
check_at(struct service_parts parts, const char *fields, const char *message)
{
    struct service    *s     = make(&table, parts);
    struct error       err   = {0};
    struct rules      *rules = rules_new(s, &err);
    struct http_header items[16];
    struct envelope    e;
    struct str         rest = str_from(fields), line;

    struct http_headers headers = {items, 0};
    while (str_cut(&rest, '\n', &line)) {
        ptrdiff_t colon        = str_index(line, ':');
        items[headers.count++] = (struct http_header){str_take(line, (size_t)colon), str_skip(line, (size_t)colon + 1)};
    }
    arena_free(arena);
    arena = arena_new(KIB(8), MIB(1));
    assert_non_null(rules);
    assert_true(envelope_parse(&e, str_from(message), arena, &err));
    refusal = (struct refusal){0};
    bool ok = rules_check(rules, &e, fields == NULL ? NULL : &headers, arena, &refusal);
    rules_free(rules);
    unmake(s);
    return ok;
}

static const struct service_parts both = {.is_legacy = true, .is_modern = true};

static bool
check(const char *fields, const char *message)
{
    return check_at(both, fields, message);
}

#define assert_refused(status_, code_, fields, message)                                                                \
    do {                                                                                                               \
        assert_false(check(fields, message));                                                                          \
        assert_int_equal(refusal.status, status_);                                                                     \
        assert_int_equal(refusal.code, code_);                                                                         \
    } while (0)

#define REQUEST(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define V                       "MCP-Protocol-Version: 2026-07-28\n"
#define LIST                    REQUEST("tools/list", META)
#define CALL(name, arguments)   REQUEST("tools/call", META ",\"name\":\"" name "\",\"arguments\":{" arguments "}")
#define CALLED                  V "Mcp-Method: tools/call\nMcp-Name: "

TEST(a_complete_request_passes_with_its_fields_and_on_stdio_without)
{
    assert_true(check(V "Mcp-Method: tools/list\n", LIST));
    assert_true(check("mcp-protocol-version:2026-07-28\nMCP-METHOD:  tools/list  \n", LIST));
    assert_true(check(NULL, LIST));
    assert_true(check(CALLED "plain\n", CALL("plain", "")));
    assert_true(check(CALLED "=?base64?cGxhaW4=?=\n", CALL("plain", "")));
}

TEST(an_envelope_that_is_not_complete_is_told_first)
{
    assert_refused(400, -32602, V, REQUEST("tools/list", ""));
    assert_refused(400, -32602, V, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    assert_refused(400, -32602, V, REQUEST("tools/list", "\"_meta\":{" VERSION "}"));
    assert_refused(400, -32602, V,
                   REQUEST("tools/list", "\"_meta\":{\"io.modelcontextprotocol/clientCapabilities\":{}}"));
    assert_refused(400, -32602, "",
                   REQUEST("x", "\"_meta\":{" VERSION ",\"io.modelcontextprotocol/clientCapabilities\":[]}"));
    assert_refused(400, -32602, NULL, REQUEST("tools/list", "\"_meta\":[]"));
}

#define OTHER(version)                                                                                                 \
    REQUEST("tools/list", "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version                          \
                          "\",\"io.modelcontextprotocol/clientCapabilities\":{}}")

TEST(a_version_header_that_differs_is_told_before_one_that_is_not_spoken)
{
    assert_refused(400, -32020, V "Mcp-Method: x\n", OTHER("v999.0.0"));
    assert_refused(400, -32020, "Mcp-Method: tools/list\n", LIST);
    assert_refused(400, -32020, V V, LIST);
    assert_refused(400, -32022, "MCP-Protocol-Version: v999.0.0\n", OTHER("v999.0.0"));
    assert_str(refusal.data, "{\"supported\":[\"2026-07-28\"],\"requested\":\"v999.0.0\"}");
    assert_refused(400, -32022, "MCP-Protocol-Version: 2025-11-25\n", OTHER("2025-11-25"));
    assert_refused(400, -32022, NULL, OTHER("2099-01-01"));
}

TEST(a_service_that_is_not_modern_names_what_it_speaks)
{
    assert_false(check_at((struct service_parts){.is_legacy = true}, V, LIST));
    assert_int_equal(refusal.code, -32022);
    assert_str(refusal.data, "{\"supported\":[\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"],"
                             "\"requested\":\"2026-07-28\"}");
}

TEST(method_and_name_are_the_same_in_the_fields)
{
    assert_refused(400, -32020, V, LIST);
    assert_refused(400, -32020, V "Mcp-Method: TOOLS/LIST\n", LIST);
    assert_refused(400, -32020, V "Mcp-Method: tools/list\nmcp-method: tools/list\n", LIST);
    assert_refused(400, -32020, V "Mcp-Method: tools/call\n", CALL("plain", ""));
    assert_refused(400, -32020, CALLED "Plain\n", CALL("plain", ""));
    assert_true(check(CALLED "  plain  \n", CALL("plain", "")));
    assert_refused(400, -32020, CALLED "=?base64?cGxhaW4?=\n", CALL("plain", ""));
    assert_refused(400, -32020, CALLED "caf\xc3\xa9\n", CALL("caf\xc3\xa9", ""));
    assert_true(check(CALLED "=?base64?Y2Fmw6k=?=\n", CALL("caf\xc3\xa9", "")));
    assert_refused(400, -32020, V "Mcp-Method: resources/read\nMcp-Name: a\n",
                   REQUEST("resources/read", META ",\"uri\":\"a:b\",\"name\":\"a\""));
    assert_true(
        check(V "Mcp-Method: resources/read\nMcp-Name: a:b\n", REQUEST("resources/read", META ",\"uri\":\"a:b\"")));
    assert_refused(400, -32020, V "Mcp-Method: tasks/get\nMcp-Name: t2\n",
                   REQUEST("tasks/get", META ",\"taskId\":\"t1\""));
}

TEST(where_no_name_is_due_one_may_stand_that_is_right)
{
    assert_true(check(V "Mcp-Method: tools/list\nMcp-Name: anything\n", LIST));
    assert_refused(400, -32020, V "Mcp-Method: x/y\nMcp-Name: b\n", REQUEST("x/y", META ",\"name\":\"a\""));
    assert_true(check(V "Mcp-Method: tools/call\n", REQUEST("tools/call", META))); /* its method says what is wrong */
}

TEST(a_method_that_is_not_there_is_not_found_once_its_fields_are_right)
{
    assert_refused(404, -32601, V "Mcp-Method: unknown/method\n", REQUEST("unknown/method", META));
    assert_refused(404, -32601, V "Mcp-Method: initialize\n", REQUEST("initialize", META));
    assert_refused(404, -32601, NULL, REQUEST("ping", META));
    assert_refused(400, -32020, V, REQUEST("unknown/method", META));
}

#define ABLE(capabilities)                                                                                             \
    REQUEST("tools/call", "\"name\":\"asks\",\"_meta\":{" VERSION                                                      \
                          ",\"io.modelcontextprotocol/clientCapabilities\":{" capabilities "}}")

TEST(what_a_tool_needs_of_its_client_is_asked_for_as_objects)
{
    assert_refused(400, -32021, CALLED "asks\n", ABLE(""));
    assert_str(refusal.data, "{\"requiredCapabilities\":{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},"
                             "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}");
    assert_refused(400, -32021, CALLED "asks\n", ABLE("\"elicitation\":{\"url\":{}},\"sampling\":{}"));
    assert_str(refusal.data, "{\"requiredCapabilities\":{\"elicitation\":{\"form\":{}},"
                             "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}");
    assert_true(check(NULL, ABLE("\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"extensions\":{"
                                 "\"io.modelcontextprotocol/tasks\":{}}")));
}

TEST(arguments_that_are_mirrored_are_the_same_in_the_fields)
{
#define MIRRORED CALLED "mirrors\n"
    assert_true(check(MIRRORED, CALL("mirrors", "")));
    assert_true(check(MIRRORED "mcp-param-region: eu\nMcp-Param-Floor: 3\nMcp-Param-Now: true\n",
                      CALL("mirrors", "\"region\":\"eu\",\"where\":{\"floor\":3},\"now\":true")));
    assert_true(check(MIRRORED "Mcp-Param-Floor: 3.0\n", CALL("mirrors", "\"where\":{\"floor\":3}")));
    assert_true(check(MIRRORED "Mcp-Param-Region:\n", CALL("mirrors", "\"region\":\"\"")));
    assert_true(
        check(MIRRORED "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\n", CALL("mirrors", "\"region\":\" padded \"")));
    assert_true(check(MIRRORED "Mcp-Param-Region: SGVsbG8=\n", CALL("mirrors", "\"region\":\"SGVsbG8=\"")));
    assert_true(check(MIRRORED "Mcp-Param-Region: =?base64?eu\n", CALL("mirrors", "\"region\":\"=?base64?eu\"")));
    assert_true(check(MIRRORED "Mcp-Param-Rest: lies\n", CALL("mirrors", "\"rest\":\"r\"")));
    assert_true(check(MIRRORED, CALL("mirrors", "\"region\":null")));
    assert_refused(400, -32020, MIRRORED, CALL("mirrors", "\"region\":\"eu\""));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Region: EU\n", CALL("mirrors", "\"region\":\"eu\""));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Region: eu\n", CALL("mirrors", "\"region\":null"));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Floor: 4\n", CALL("mirrors", "\"where\":{\"floor\":3}"));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Floor: three\n", CALL("mirrors", "\"where\":{\"floor\":3}"));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Now: True\n", CALL("mirrors", "\"now\":true"));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Region: =?base64?SGVsbG8?=\n",
                   CALL("mirrors", "\"region\":\"Hello\""));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Region: =?base64?SGVs!!!bG8=?=\n",
                   CALL("mirrors", "\"region\":\"Hello\""));
    assert_refused(400, -32020, MIRRORED "Mcp-Param-Region: eu\nMcp-Param-Region: eu\n",
                   CALL("mirrors", "\"region\":\"eu\""));
}

TEST(a_notification_may_not_lie_of_itself)
{
#define TOLD "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}"
    assert_true(check(V, TOLD));
    assert_true(check(V "Mcp-Method: notifications/cancelled\n", TOLD));
    assert_refused(400, -32020, V "Mcp-Method: tools/call\n", TOLD);
    assert_true(check(NULL, TOLD));
}

TEST(a_refusal_is_written_with_the_id_as_it_came_or_without)
{
    struct buffer  b = {.max = KIB(1)};
    struct refusal r = {.code = -1, .message = STR("no \"x\""), .data = STR("{}")};

    assert_true(append_refusal(&b, STR("\"a\""), &r));
    assert_str(buffer_str(&b),
               "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-1,\"message\":\"no \\\"x\\\"\",\"data\":{}}}");
    buffer_reset(&b);
    r.data = STR_NONE;
    assert_true(append_refusal(&b, STR_NONE, &r));
    assert_str(buffer_str(&b), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"no \\\"x\\\"\"}}");
    buffer_clear(&b);
    arena_free(arena);
    arena = NULL;
}

static void
assert_schema(const char *schema, const char *wrong)
{
    struct error        err   = {0};
    struct param_rules *rules = param_rules_compile(str_from(schema), &err);

    if (wrong == NULL && rules == NULL)
        fail_msg("%s: %s", schema, err.text);
    if (wrong != NULL && (rules != NULL || str_find(str_from(err.text), str_from(wrong)) < 0))
        fail_msg("%s: \"%s\" instead of %s", schema, err.text, wrong);
    param_rules_free(rules);
}

TEST(annotations_that_the_protocol_does_not_allow_are_told_at_start)
{
#define OF(type, name) "{\"properties\":{\"a\":{\"type\":\"" type "\",\"x-mcp-header\":" name "}}}"
    assert_schema(OF("string", "\"A\""), NULL);
    assert_schema(OF("integer", "\"A-b.c\""), NULL);
    assert_schema(OF("string", "\"\""), "no name");
    assert_schema(OF("string", "\"a b\""), "no name");
    assert_schema(OF("string", "\"a:b\""), "no name");
    assert_schema(OF("string", "\"a\\u0000b\""), "no name");
    assert_schema(OF("string", "\"\xc3\xa9\""), "no name");
    assert_schema(OF("string", "7"), "no name");
    assert_schema(OF("number", "\"A\""), "needs the type");
    assert_schema(OF("object", "\"A\""), "needs the type");
    assert_schema("{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}}", "needs the type");
    assert_schema("{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
                  "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}}",
                  "twice");
    assert_schema("{\"type\":\"string\",\"x-mcp-header\":\"A\"}", "does not stand");
    assert_schema("{\"allOf\":[" OF("string", "\"A\"") "]}", "does not stand");
    assert_schema("{\"$defs\":{\"x\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}", "does not stand");
    assert_schema("{\"properties\":{\"a\":{\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}}",
                  "does not stand");
    assert_schema("{\"properties\":{\"x-mcp-header\":{\"type\":\"string\"}}}", NULL); /* a property of that name */
    assert_schema("{\"const\":{\"x-mcp-header\":\"A\"}}", NULL);
    assert_schema("{", "not JSON");
}

TEST(a_service_with_such_a_tool_is_not_made)
{
    static const struct tool wrong[] = {
        {.name  = "bad",
         .call  = never,
         .input = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}"},
        {0}};
    static const struct service_table of  = {.name = "t", .version = "1", .tools = wrong};
    struct service                   *s   = make(&of, both);
    struct error                      err = {0};

    assert_null(rules_new(s, &err));
    assert_true(str_find(str_from(err.text), STR("tool bad")) >= 0);
    unmake(s);
}

/* ---- for a server behind us ---- */

/* What the lists of tools taught, and what is asked of whom. NULL: nothing was learnt. */
static bool
check_for_child(const char *list, const char *fields, const char *message)
{
    struct http_header  items[16];
    struct http_headers headers = {items, 0};
    struct mirrored     learnt;
    struct envelope     e;
    struct str          rest = str_from(fields), line;

    while (str_cut(&rest, '\n', &line)) {
        ptrdiff_t colon        = str_index(line, ':');
        items[headers.count++] = (struct http_header){str_take(line, (size_t)colon), str_skip(line, (size_t)colon + 1)};
    }
    arena_free(arena);
    arena = arena_new(KIB(8), MIB(1));
    assert_true(envelope_parse(&e, str_from(message), arena, NULL));
    refusal = (struct refusal){0};
    mirrored_init(&learnt);
    if (list != NULL)
        mirrored_learn(&learnt, str_from(list));
    bool ok = rules_check_head(&e, &headers, arena, &refusal) && mirrored_check(&learnt, &e, &headers, arena, &refusal);
    mirrored_clear(&learnt);
    return ok;
}

#define assert_not_for_child(status_, code_, list, fields, message)                                                    \
    do {                                                                                                               \
        assert_false(check_for_child(list, fields, message));                                                          \
        assert_int_equal(refusal.status, status_);                                                                     \
        assert_int_equal(refusal.code, code_);                                                                         \
    } while (0)

TEST(fields_are_compared_for_a_server_that_does_not_see_them)
{
    assert_true(
        check_for_child(NULL, V "Mcp-Method: x/y\n", REQUEST("x/y", META))); /* whether there is one: its to say */
    assert_true(check_for_child(NULL, CALLED "plain\n", CALL("plain", "")));
    assert_not_for_child(400, -32602, NULL, V "Mcp-Method: x/y\n", REQUEST("x/y", "\"_meta\":{" VERSION "}"));
    assert_not_for_child(400, -32602, NULL, V "Mcp-Method: x/y\n", REQUEST("x/y", ""));
    assert_not_for_child(400, -32020, NULL, "Mcp-Method: x/y\n", REQUEST("x/y", META));
    assert_not_for_child(400, -32020, NULL, V, REQUEST("x/y", META));
    assert_not_for_child(400, -32020, NULL, V "Mcp-Method: x/z\n", REQUEST("x/y", META));
    assert_not_for_child(400, -32020, NULL, V "Mcp-Method: tools/call\n", CALL("plain", ""));
    assert_not_for_child(400, -32020, NULL, CALLED "plane\n", CALL("plain", ""));
    assert_true(check_for_child(NULL, V "Mcp-Method: completion/complete\n",
                                REQUEST("completion/complete", META ",\"ref\":{\"name\":\"r\"}")));
}

TEST(what_no_revision_of_ours_says_of_its_fields_is_for_the_server)
{
    const char *message = REQUEST("tools/list", "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"v9\","
                                                "\"io.modelcontextprotocol/clientCapabilities\":{}}");

    assert_true(check_for_child(NULL, "MCP-Protocol-Version: v9\n", message));
    assert_not_for_child(400, -32020, NULL, V, message);
}

#define LISTED(schema)                                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"plain\",\"inputSchema\":" schema "}]}}"
#define MIRRORING "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}"

TEST(which_arguments_stand_in_fields_is_learnt_from_lists)
{
    assert_true(check_for_child(NULL, CALLED "plain\nMcp-Param-A: other\n", CALL("plain", "\"a\":\"b\"")));
    assert_true(check_for_child(LISTED(MIRRORING), CALLED "plain\nMcp-Param-A: b\n", CALL("plain", "\"a\":\"b\"")));
    assert_true(check_for_child(LISTED(MIRRORING), CALLED "other\n", CALL("other", "\"a\":\"b\"")));
    assert_not_for_child(400, -32020, LISTED(MIRRORING), CALLED "plain\n", CALL("plain", "\"a\":\"b\""));
    assert_not_for_child(400, -32020, LISTED(MIRRORING), CALLED "plain\nMcp-Param-A: c\n",
                         CALL("plain", "\"a\":\"b\""));
    assert_true(check_for_child(LISTED("{\"x-mcp-header\":\"A\"}"), CALLED "plain\n", CALL("plain", "")));
    assert_true(check_for_child("[1,", CALLED "plain\n", CALL("plain", "")));
}

TEST(a_list_takes_back_what_another_said)
{
    struct mirrored learnt;

    mirrored_init(&learnt);
    mirrored_learn(&learnt, STR(LISTED(MIRRORING)));
    mirrored_learn(&learnt, STR(LISTED(MIRRORING)));
    assert_int_equal(learnt.tools.count, 1);
    mirrored_learn(&learnt, STR(LISTED("{\"type\":\"object\"}")));
    assert_int_equal(learnt.tools.count, 0);
    mirrored_clear(&learnt);
}
