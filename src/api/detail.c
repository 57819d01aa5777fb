#include "api/detail.h"

#include "base/json.h"

enum { NAME_CHARACTERS = 80, VALUE_CHARACTERS = 40, NAMES_OF_TOOLS = 3, NAMES_OF_OTHERS = 2, URI_END = 30 };

/* How many bytes the first `characters` have. */
static size_t
bytes_of(struct str text, size_t characters)
{
    size_t i = 0;

    for (; i < text.len && characters > 0; characters--)
        do
            i++;
        while (i < text.len && ((uint8_t)text.data[i] & 0xc0) == 0x80);
    return i;
}

static void
add_cut(struct buffer *out, struct str text, size_t characters)
{
    size_t whole = bytes_of(text, characters);

    if (whole < text.len)
        whole = bytes_of(text, characters - 1);
    buffer_append(out, str_take(text, whole));
    if (whole < text.len)
        buffer_append(out, STR("…"));
}

/* Texts between quotes, everything else as JSON. */
static void
add_value(struct buffer *out, yyjson_val *value)
{
    if (yyjson_is_str(value)) {
        buffer_append_char(out, '"');
        add_cut(out, json_str(value), VALUE_CHARACTERS);
        buffer_append_char(out, '"');
        return;
    }
    size_t len  = 0;
    char  *json = yyjson_val_write(value, 0, &len);
    if (json != NULL)
        add_cut(out, str_of(json, len), VALUE_CHARACTERS);
    free(json);
}

/* `name(arg: "value", …)` */
static void
say_call(struct buffer *out, yyjson_val *params)
{
    yyjson_val *arguments = yyjson_obj_get(params, "arguments");
    yyjson_val *key, *value;
    size_t      i, max;

    add_cut(out, json_str_in(params, "name"), NAME_CHARACTERS);
    buffer_append_char(out, '(');
    yyjson_obj_foreach(arguments, i, max, key, value)
    {
        if (buffer_len(out) > DETAIL_CHARACTERS)
            break;
        buffer_append(out, i == 0 ? STR("") : STR(", "));
        add_cut(out, json_str(key), VALUE_CHARACTERS);
        buffer_append(out, STR(": "));
        add_value(out, value);
    }
    buffer_append_char(out, ')');
}

/* Shortened in the middle: its ends tell most. */
static void
say_uri(struct buffer *out, yyjson_val *params)
{
    struct str uri = json_str_in(params, "uri");

    if (bytes_of(uri, DETAIL_CHARACTERS) == uri.len) {
        buffer_append(out, uri);
        return;
    }
    size_t from = uri.len - URI_END;
    while (from < uri.len && ((uint8_t)uri.data[from] & 0xc0) == 0x80)
        from++;
    buffer_append(out, str_take(uri, bytes_of(uri, DETAIL_CHARACTERS - URI_END - 1)));
    buffer_append(out, STR("…"));
    buffer_append(out, str_skip(uri, from));
}

static void
say_cursor(struct buffer *out, yyjson_val *params)
{
    struct str cursor = json_str_in(params, "cursor");

    if (cursor.len > 0) {
        buffer_append(out, STR("cursor: "));
        add_cut(out, cursor, VALUE_CHARACTERS);
    }
}

/* `5 tools: a, b, c, +2` */
static void
say_list(struct buffer *out, yyjson_val *result, const char *key, const char *noun, size_t names)
{
    yyjson_val *list = yyjson_obj_get(result, key);
    size_t      size = yyjson_arr_size(list), i, max;
    yyjson_val *item;

    buffer_printf(out, "%zu %s%s", size, noun, size == 1 ? "" : "s");
    yyjson_arr_foreach(list, i, max, item)
    {
        if (i == names)
            break;
        buffer_append(out, i == 0 ? STR(": ") : STR(", "));
        add_cut(out, json_str_in(item, "name"), VALUE_CHARACTERS);
    }
    if (size > names)
        buffer_printf(out, ", +%zu", size - names);
}

static void
say_tools(struct buffer *out, yyjson_val *result)
{
    say_list(out, result, "tools", "tool", NAMES_OF_TOOLS);
}

static void
say_resources(struct buffer *out, yyjson_val *result)
{
    say_list(out, result, "resources", "resource", NAMES_OF_OTHERS);
}

static void
say_templates(struct buffer *out, yyjson_val *result)
{
    say_list(out, result, "resourceTemplates", "template", NAMES_OF_OTHERS);
}

static void
say_prompts(struct buffer *out, yyjson_val *result)
{
    say_list(out, result, "prompts", "prompt", NAMES_OF_OTHERS);
}

static void
say_peer(struct buffer *out, yyjson_val *result)
{
    yyjson_val *info = yyjson_obj_get(result, "serverInfo");

    buffer_append(out, STR("→ "));
    add_cut(out, json_str_in(info, "name"), NAME_CHARACTERS);
    if (json_str_in(info, "version").len > 0) {
        buffer_append_char(out, '@');
        add_cut(out, json_str_in(info, "version"), VALUE_CHARACTERS);
    }
}

static void
say_prompt(struct buffer *out, yyjson_val *result)
{
    size_t size = yyjson_arr_size(yyjson_obj_get(result, "messages"));

    if (json_str_in(result, "description").len > 0) {
        add_cut(out, json_str_in(result, "description"), VALUE_CHARACTERS);
        buffer_append_char(out, ' ');
    }
    buffer_printf(out, "(%zu message%s)", size, size == 1 ? "" : "s");
}

static void
say_content(struct buffer *out, yyjson_val *result)
{
    yyjson_val *item;
    size_t      i, max;

    yyjson_arr_foreach(yyjson_obj_get(result, "content"), i, max, item)
    {
        if (json_str_in(item, "text").len > 0) {
            add_cut(out, json_str_in(item, "text"), VALUE_CHARACTERS);
            return;
        }
    }
}

static void
say_contents(struct buffer *out, yyjson_val *result)
{
    yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(result, "contents"));
    struct str  text  = json_str_in(first, "text");
    struct str  type  = json_str_in(first, "mimeType");

    if (first == NULL)
        return;
    if (text.data == NULL)
        text = json_str_in(first, "blob");
    add_cut(out, type.len == 0 ? STR("no type") : type, VALUE_CHARACTERS);
    buffer_printf(out, ", %zu bytes", text.len);
}

/* clang-format off */
static const struct {
    const char *method;
    void      (*request)(struct buffer *out, yyjson_val *params);
    void      (*answer)(struct buffer *out, yyjson_val *result);
} forms[] = {
    {"initialize",               NULL,       say_peer},
    {"tools/call",               say_call,   say_content},
    {"tools/list",               say_cursor, say_tools},
    {"resources/list",           say_cursor, say_resources},
    {"resources/templates/list", say_cursor, say_templates},
    {"resources/read",           say_uri,    say_contents},
    {"prompts/list",             say_cursor, say_prompts},
    {"prompts/get",              say_call,   say_prompt},
};
/* clang-format on */

/* No line ends or other controls: it is one line. */
static void
cut_whole(struct buffer *out)
{
    struct str text  = buffer_str(out);
    size_t     whole = bytes_of(text, DETAIL_CHARACTERS);

    if (whole < text.len) {
        out->end = out->from + bytes_of(text, DETAIL_CHARACTERS - 1);
        buffer_append(out, STR("…"));
    }
    for (size_t i = out->from; i < out->end; i++)
        if ((uint8_t)out->data[i] < ' ')
            out->data[i] = ' ';
}

void
detail_append(struct buffer *out, struct str method, yyjson_val *message)
{
    yyjson_val *error  = yyjson_obj_get(message, "error");
    yyjson_val *result = yyjson_obj_get(message, "result");

    if (error != NULL) {
        buffer_append(out, STR("Error: "));
        add_cut(out, json_str_in(error, "message"), DETAIL_CHARACTERS);
    }
    for (size_t i = 0; message != NULL && error == NULL && i < sizeof forms / sizeof forms[0]; i++) {
        if (!str_eq(method, str_from(forms[i].method)))
            continue;
        if (result != NULL && forms[i].answer != NULL)
            forms[i].answer(out, result);
        else if (result == NULL && forms[i].request != NULL)
            forms[i].request(out, yyjson_obj_get(message, "params"));
    }
    cut_whole(out);
}
