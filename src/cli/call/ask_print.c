/* What is asked of the person, in words. */
#include "base/log.h"
#include "cli/call/ask.h"
#include "cli/grid.h"
#include "http/url.h"
#include "mcp/json.h"

static void
put_head(const char *server, bool colour, const char *what, struct str message, struct buffer *out)
{
    buffer_append(out, STR("\n"));
    style_append(out, colour, STYLE_BOLD, STR("? "));
    buffer_append_printable(out, str_from(server), true);
    buffer_append(out, str_from(what));
    if (message.len > 0) {
        buffer_append(out, STR(": "));
        buffer_append_printable(out, str_take(message, KIB(16)), false);
    }
    buffer_append_char(out, '\n');
}

void
ask_print_form(const char *server, bool colour, yyjson_val *params, struct buffer *out)
{
    put_head(server, colour, " asks", json_str_in(params, "message"), out);
    buffer_append(out, STR("  An empty line takes what is in brackets; /decline says no, /cancel puts it off.\n"));
}

/* It is shown whole, and nothing is fetched. MCP 2025-11-25 client/elicitation, "Safe URL Handling". */
void
ask_print_url(const char *server, bool colour, yyjson_val *params, struct buffer *out)
{
    struct str      url = json_str_in(params, "url");
    struct http_url parts;

    put_head(server, colour, " wants you to open a page", json_str_in(params, "message"), out);
    buffer_append(out, STR("\n  "));
    buffer_append_printable(out, url, true);
    buffer_append(out, STR("\n\n"));
    if (http_url_parse(url, &parts, NULL))
        buffer_printf(out, "  It is at %.*s%s. It is not opened for you: do so, if you trust it, then say yes.\n",
                      STR_ARG(parts.host), parts.tls ? "" : ", and not encrypted");
    else
        buffer_append(out, STR("  That is no address of a page: better say no.\n"));
    buffer_append(out, STR("  Agree? [y]es, [n]o, /cancel > "));
}

static void
put_message(yyjson_val *message, struct buffer *out)
{
    yyjson_val *content = yyjson_obj_get(message, "content"), *block;
    size_t      i, count;

    buffer_append(out, STR("  "));
    buffer_append_printable(out, str_take(json_str_in(message, "role"), 40), true);
    buffer_append(out, STR(": "));
    if (yyjson_is_arr(content)) {
        yyjson_arr_foreach(content, i, count, block)
        {
            buffer_append_printable(out, json_str_in(block, "text"), false);
        }
    } else if (yyjson_obj_get(content, "text") != NULL) {
        buffer_append_printable(out, json_str_in(content, "text"), false);
    } else {
        buffer_append_printable(out, str_take(json_str_in(content, "type"), 40), true);
    }
    buffer_append_char(out, '\n');
}

void
ask_print_text(const char *server, bool colour, yyjson_val *params, struct buffer *out)
{
    struct str  prompt = json_str_in(params, "systemPrompt");
    yyjson_val *most   = yyjson_obj_get(params, "maxTokens"), *message;
    size_t      i, count;

    put_head(server, colour, " asks a model for a text; you may write it", STR_NONE, out);
    if (prompt.len > 0) {
        buffer_append(out, STR("  system: "));
        buffer_append_printable(out, prompt, false);
        buffer_append_char(out, '\n');
    }
    yyjson_arr_foreach(yyjson_obj_get(params, "messages"), i, count, message)
    {
        put_message(message, out);
    }
    if (yyjson_is_uint(most))
        buffer_printf(out, "  At most %llu tokens. ", (unsigned long long)yyjson_get_uint(most));
    else
        buffer_append(out, STR("  "));
    buffer_append(out, STR("An empty line ends it; /decline says no.\n  > "));
}
