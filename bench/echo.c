#include "echo.h"

#include "json.h"

static void
add_head(struct bytes *answer, struct span id)
{
    bytes_add(answer, SPAN("{\"jsonrpc\":\"2.0\",\"id\":"));
    bytes_add(answer, id);
}

static void
add_error(struct bytes *answer, struct span id, int code, const char *text)
{
    add_head(answer, id);
    bytes_addf(answer, ",\"error\":{\"code\":%d,\"message\":\"%s\"}}", code, text);
}

static void
add_initialize(struct bytes *answer, struct span id, struct span message)
{
    struct span revision;

    if (!json_at(message, "params.protocolVersion", &revision))
        revision = SPAN("\"2025-11-25\"");
    add_head(answer, id);
    bytes_add(answer, SPAN(",\"result\":{\"protocolVersion\":"));
    bytes_add(answer, revision); /* whichever is wanted: nothing here depends on it */
    bytes_add(answer,
              SPAN(",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1.0.0\"}}}"));
}

static void
add_call(struct bytes *answer, struct span id, struct span message)
{
    struct span name, text;

    if (!json_string_at(message, "params.name", &name) || !span_equal(name, SPAN("echo"))) {
        add_error(answer, id, -32602, "there is no such tool: only echo");
        return;
    }
    if (!json_at(message, "params.arguments.text", &text) || text.data[0] != '"') {
        add_error(answer, id, -32602, "the argument text must be a string");
        return;
    }
    add_head(answer, id);
    bytes_add(answer, SPAN(",\"result\":{\"content\":[{\"type\":\"text\",\"text\":"));
    bytes_add(answer, text);
    bytes_add(answer, SPAN("}],\"isError\":false}}"));
}

enum echo_kind
echo_answer(struct span message, struct bytes *answer)
{
    struct span id, method, rest;
    bool        has_id     = json_at(message, "id", &id);
    bool        has_method = json_string_at(message, "method", &method);

    if (!has_method) {
        bool is_reply = has_id && (json_at(message, "result", &rest) || json_at(message, "error", &rest));
        if (is_reply)
            return ECHO_SILENT;
        add_error(answer, SPAN("null"), -32600, "not one JSON-RPC message");
        return ECHO_BAD;
    }
    if (!has_id)
        return ECHO_SILENT;

    if (span_equal(method, SPAN("tools/call"))) {
        add_call(answer, id, message);
    } else if (span_equal(method, SPAN("initialize"))) {
        add_initialize(answer, id, message);
        return ECHO_INITIALIZE;
    } else if (span_equal(method, SPAN("ping"))) {
        add_head(answer, id);
        bytes_add(answer, SPAN(",\"result\":{}}"));
    } else if (span_equal(method, SPAN("tools/list"))) {
        add_head(answer, id);
        bytes_add(answer, SPAN(",\"result\":{\"tools\":[{\"name\":\"echo\",\"description\":\"Gives the text back.\","
                               "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
                               "\"required\":[\"text\"]}}]}}"));
    } else {
        add_error(answer, id, -32601, "there is no such method");
    }
    return ECHO_ANSWERED;
}
