/* Values to answer a form with, or to call a tool with: what its schema proposes. */
#include <string.h>

#include "mcp/json.h"
#include "visit.h"

enum { DEPTH_MOST = 8 };

static yyjson_mut_val *
sample_text(yyjson_mut_doc *doc, yyjson_val *schema)
{
    static const struct {
        const char *format, *text;
    } samples[] = {{"email", "ada@example.org"},
                   {"uri", "https://example.org/"},
                   {"date", "2026-07-28"},
                   {"date-time", "2026-07-28T12:00:00Z"}};

    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (yyjson_equals_str(yyjson_obj_get(schema, "format"), samples[i].format))
            return yyjson_mut_str(doc, samples[i].text);
    return yyjson_mut_str(doc, "text");
}

static yyjson_mut_val *
sample_number(yyjson_mut_doc *doc, yyjson_val *schema)
{
    yyjson_val *least = yyjson_obj_get(schema, "minimum");

    return yyjson_is_num(least) ? yyjson_val_mut_copy(doc, least) : yyjson_mut_int(doc, 1);
}

static yyjson_mut_val *
sample_list(yyjson_mut_doc *doc, yyjson_val *schema, unsigned depth)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_val *item = fill_value(doc, yyjson_obj_get(schema, "items"), depth + 1);

    if (item != NULL)
        yyjson_mut_arr_append(list, item);
    return list;
}

static bool
is_of(yyjson_val *schema, const char *type)
{
    yyjson_val *said = yyjson_obj_get(schema, "type");

    return yyjson_equals_str(yyjson_is_arr(said) ? yyjson_arr_get_first(said) : said, type);
}

/* What the schema itself proposes. */
static yyjson_val *
proposed(yyjson_val *schema)
{
    static const char *const choices[] = {"oneOf", "anyOf"};
    yyjson_val              *value     = yyjson_obj_get(schema, "default");

    if (value == NULL)
        value = yyjson_obj_get(schema, "const");
    if (value == NULL)
        value = yyjson_arr_get_first(yyjson_obj_get(schema, "enum"));
    for (size_t i = 0; value == NULL && i < 2; i++)
        value = yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(schema, choices[i])), "const");
    return value;
}

yyjson_mut_val *
fill_value(yyjson_mut_doc *doc, yyjson_val *schema, unsigned depth)
{
    yyjson_val *value = proposed(schema);

    if (value != NULL)
        return yyjson_val_mut_copy(doc, value);
    if (is_of(schema, "string"))
        return sample_text(doc, schema);
    if (is_of(schema, "integer") || is_of(schema, "number"))
        return sample_number(doc, schema);
    if (is_of(schema, "boolean"))
        return yyjson_mut_bool(doc, true);
    if (is_of(schema, "array"))
        return sample_list(doc, schema, depth);
    return is_of(schema, "object") ? fill_object(doc, schema, depth + 1) : NULL;
}

yyjson_mut_val *
fill_object(yyjson_mut_doc *doc, yyjson_val *schema, unsigned depth)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_val     *key, *property;
    size_t          index, max;

    if (depth > DEPTH_MOST)
        return object;
    yyjson_obj_foreach(yyjson_obj_get(schema, "properties"), index, max, key, property)
    {
        yyjson_mut_val *value = fill_value(doc, property, depth);
        if (value != NULL)
            yyjson_mut_obj_add(object, yyjson_val_mut_copy(doc, key), value);
    }
    return object;
}
