/* What a form may ask for was less before 2025-11-25: choices had their titles in a list beside them, and were of one.
 * MCP 2025-06-18 client/elicitation, "Requested Schema". */
#include "mcp/service/parts.h"

/* {"oneOf":[{"const":…,"title":…}]} as enum and enumNames. */
static void
flatten_choice(yyjson_mut_doc *doc, yyjson_mut_val *property, yyjson_mut_val *choices)
{
    yyjson_mut_val *values = yyjson_mut_arr(doc), *titles = yyjson_mut_arr(doc), *choice;
    size_t          index, max;

    yyjson_mut_arr_foreach(choices, index, max, choice)
    {
        yyjson_mut_val *value = yyjson_mut_obj_get(choice, "const");
        yyjson_mut_val *title = yyjson_mut_obj_get(choice, "title");
        yyjson_mut_arr_append(values, yyjson_mut_val_mut_copy(doc, value));
        yyjson_mut_arr_append(titles, yyjson_mut_val_mut_copy(doc, title == NULL ? value : title));
    }
    yyjson_mut_obj_remove_key(property, "oneOf");
    yyjson_mut_obj_add_val(doc, property, "enum", values);
    yyjson_mut_obj_add_val(doc, property, "enumNames", titles);
}

bool
form_make_older(yyjson_mut_doc *doc, yyjson_mut_val *form)
{
    yyjson_mut_val *key, *property;
    size_t          index, max;

    yyjson_mut_obj_foreach(yyjson_mut_obj_get(form, "properties"), index, max, key, property)
    {
        yyjson_mut_val *choices = yyjson_mut_obj_get(property, "oneOf");
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(property, "type"), "array"))
            return false;
        if (choices != NULL)
            flatten_choice(doc, property, choices);
        if (!yyjson_mut_equals_str(yyjson_mut_obj_get(property, "type"), "boolean"))
            yyjson_mut_obj_remove_key(property, "default");
    }
    return true;
}
