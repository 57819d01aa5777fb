#include "cli/call/list.h"

#include "base/format.h"
#include "base/json.h"
#include "base/nearest.h"
#include "cli/call/value.h"
#include "cli/grid.h"

const struct list_kind list_kinds[LIST_KINDS + 1] = {
    [LIST_TOOLS]     = {"tools/list", "tools", "tools", "tool"},
    [LIST_RESOURCES] = {"resources/list", "resources", "resources", "resource"},
    [LIST_TEMPLATES] = {"resources/templates/list", "resourceTemplates", "resources", "resource template"},
    [LIST_PROMPTS]   = {"prompts/list", "prompts", "prompts", "prompt"},
};

static const struct grid_column columns[] = {
    {"NAME", .shorten = SHORTEN_MIDDLE, .least = 16},
    {"TYPE"},
    {"TEXT", .shorten = SHORTEN_END, .least = 20},
};

yyjson_val *
list_find(yyjson_val *list, struct str name)
{
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(list, i, count, each)
    {
        if (str_eq(json_str_in(each, "name"), name))
            return each;
    }
    return NULL;
}

struct str
list_nearest(yyjson_val *list, struct str name)
{
    struct str  nearest = STR_NONE;
    unsigned    best    = NEAREST_NONE;
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(list, i, count, each)
    {
        struct str known    = json_str_in(each, "name");
        unsigned   distance = nearest_distance(name, known);
        if (distance < best) {
            best    = distance;
            nearest = known;
        }
    }
    return nearest;
}

/* Its first line: what follows is for the model. */
static struct str
first_line(struct str text)
{
    ptrdiff_t end = str_index(str_trim(text), '\n');

    return end < 0 ? str_trim(text) : str_trim(str_take(str_trim(text), (size_t)end));
}

static bool
is_required(yyjson_val *schema, yyjson_val *name)
{
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, count, each)
    {
        if (yyjson_equals(each, name))
            return true;
    }
    return false;
}

/* What it is, its choices, its default. */
static void
describe(yyjson_val *root, yyjson_val *property, struct buffer *out)
{
    yyjson_val *schema = value_schema(root, property), *usual = yyjson_obj_get(schema, "default");
    yyjson_val *choices = yyjson_obj_get(schema, "enum");
    struct str  about   = first_line(json_str_in(property, "description"));
    char       *json;

    buffer_append(out, about.len > 0 ? about : first_line(json_str_in(schema, "description")));
    if (choices != NULL && (json = yyjson_val_write(choices, 0, NULL)) != NULL) {
        buffer_printf(out, "%sone of %s", buffer_len(out) > 0 ? "; " : "", json);
        free(json);
    }
    if (usual != NULL && (json = yyjson_val_write(usual, 0, NULL)) != NULL) {
        buffer_printf(out, "%s(%s)", buffer_len(out) > 0 ? " " : "", json);
        free(json);
    }
}

static void
add_arguments(struct grid *g, yyjson_val *schema)
{
    yyjson_val *name, *property;
    size_t      i, count;

    yyjson_obj_foreach(yyjson_obj_get(schema, "properties"), i, count, name, property)
    {
        struct buffer left = {.max = KIB(4)}, type = {.max = KIB(4)}, text = {.max = KIB(16)};

        buffer_append(&left, STR("      "));
        buffer_append(&left, json_str(name));
        value_print_types(schema, property, &type);
        buffer_append(&type, is_required(schema, name) ? STR(", needed") : STR(""));
        describe(schema, property, &text);
        grid_add(g, STYLE_PLAIN, buffer_str(&left));
        grid_add(g, STYLE_PLAIN, buffer_str(&type));
        grid_add(g, STYLE_DIM, buffer_str(&text));
        buffer_clear(&left);
        buffer_clear(&type);
        buffer_clear(&text);
    }
}

/* A prompt's: texts all of them. */
static void
add_prompt_arguments(struct grid *g, yyjson_val *prompt)
{
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(yyjson_obj_get(prompt, "arguments"), i, count, each)
    {
        struct buffer left = {.max = KIB(4)};
        buffer_append(&left, STR("      "));
        buffer_append(&left, json_str_in(each, "name"));
        grid_add(g, STYLE_PLAIN, buffer_str(&left));
        grid_add(g, STYLE_PLAIN,
                 yyjson_is_true(yyjson_obj_get(each, "required")) ? STR("a string, needed") : STR("a string"));
        grid_add(g, STYLE_DIM, first_line(json_str_in(each, "description")));
        buffer_clear(&left);
    }
}

/* Name or address, what kind, what it is for. */
static void
add_item(struct grid *g, yyjson_val *item)
{
    struct str uri = json_str_in(item, "uri"), title = json_str_in(item, "title"),
               about   = json_str_in(item, "description");
    struct buffer left = {.max = KIB(8)}, type = {.max = KIB(1)};
    yyjson_val   *size = yyjson_obj_get(item, "size");

    if (uri.len == 0)
        uri = json_str_in(item, "uriTemplate");
    if (title.len == 0)
        title = json_str_in(yyjson_obj_get(item, "annotations"), "title");
    buffer_append(&left, STR("  "));
    buffer_append(&left, uri.len > 0 ? uri : json_str_in(item, "name"));
    buffer_append(&type, str_take(json_str_in(item, "mimeType"), 100));
    if (yyjson_is_uint(size)) {
        buffer_append(&type, STR(" "));
        format_bytes(&type, yyjson_get_uint(size));
    }
    if (about.len == 0)
        about = title.len > 0 ? title : uri.len > 0 ? json_str_in(item, "name") : STR("");
    grid_add(g, STYLE_BOLD, buffer_str(&left));
    grid_add(g, STYLE_PLAIN, buffer_str(&type));
    grid_add(g, STYLE_PLAIN, first_line(about));
    buffer_clear(&left);
    buffer_clear(&type);
}

bool
list_print(struct cli *cli, const struct list_kind *kind, yyjson_val *list, struct buffer *out)
{
    struct grid g;
    yyjson_val *item;
    size_t      i, count;

    if (yyjson_arr_size(list) == 0)
        return true;
    buffer_append_char(out, '\n');
    format_count(out, yyjson_arr_size(list));
    buffer_printf(out, " %s%s\n", kind->one, yyjson_arr_size(list) == 1 ? "" : "s");
    grid_init(&g, columns, 3, cli->columns, cli->colour);
    g.has_head = true; /* the line above is */
    yyjson_arr_foreach(list, i, count, item)
    {
        add_item(&g, item);
        if (yyjson_obj_get(item, "inputSchema") != NULL)
            add_arguments(&g, yyjson_obj_get(item, "inputSchema"));
        else
            add_prompt_arguments(&g, item);
    }
    bool ok = grid_print(&g, out);
    grid_clear(&g);
    return ok;
}

bool
list_print_arguments(struct cli *cli, yyjson_val *tool, struct buffer *out)
{
    struct grid g;

    grid_init(&g, columns, 3, cli->columns, false);
    g.has_head = true;
    add_arguments(&g, yyjson_obj_get(tool, "inputSchema"));
    bool ok = grid_print(&g, out);
    grid_clear(&g);
    return ok;
}
