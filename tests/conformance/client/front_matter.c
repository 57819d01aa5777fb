/* The YAML at the begin of a SKILL.md, between lines of three dashes. */
#include <yaml.h>

#include "mcp/json.h"
#include "visit.h"

static bool says(yaml_document_t *doc, yaml_node_t *node, yyjson_val *expected);

static struct str
scalar_of(const yaml_node_t *node)
{
    return str_of((const char *)node->data.scalar.value, node->data.scalar.length);
}

static bool
says_scalar(const yaml_node_t *node, yyjson_val *expected)
{
    size_t     len   = 0;
    char      *text  = yyjson_is_str(expected) ? NULL : yyjson_val_write(expected, 0, &len);
    struct str wants = text == NULL ? json_str(expected) : str_of(text, len);
    bool       same  = str_eq(scalar_of(node), wants);

    free(text);
    return same;
}

static yaml_node_t *
member_of(yaml_document_t *doc, const yaml_node_t *mapping, struct str key)
{
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++) {
        yaml_node_t *name = yaml_document_get_node(doc, p->key);
        if (name != NULL && name->type == YAML_SCALAR_NODE && str_eq(scalar_of(name), key))
            return yaml_document_get_node(doc, p->value);
    }
    return NULL;
}

/* Neither more nor less. */
static bool
says_object(yaml_document_t *doc, const yaml_node_t *node, yyjson_val *expected)
{
    yyjson_val *key, *value;
    size_t      index, max;

    if ((size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start) != yyjson_obj_size(expected))
        return false;
    yyjson_obj_foreach(expected, index, max, key, value)
    {
        yaml_node_t *said = member_of(doc, node, json_str(key));
        if (said == NULL || !says(doc, said, value))
            return false;
    }
    return true;
}

static bool
says_list(yaml_document_t *doc, const yaml_node_t *node, yyjson_val *expected)
{
    yaml_node_item_t *items = node->data.sequence.items.start;
    yyjson_val       *value;
    size_t            index, max;

    if ((size_t)(node->data.sequence.items.top - items) != yyjson_arr_size(expected))
        return false;
    yyjson_arr_foreach(expected, index, max, value)
    {
        if (!says(doc, yaml_document_get_node(doc, items[index]), value))
            return false;
    }
    return true;
}

static bool
says(yaml_document_t *doc, yaml_node_t *node, yyjson_val *expected)
{
    if (node == NULL || node->type == YAML_NO_NODE)
        return false;
    if (node->type == YAML_SCALAR_NODE)
        return !yyjson_is_ctn(expected) && says_scalar(node, expected);
    if (node->type == YAML_MAPPING_NODE)
        return yyjson_is_obj(expected) && says_object(doc, node, expected);
    return yyjson_is_arr(expected) && says_list(doc, node, expected);
}

bool
front_matter_says(struct str file, yyjson_val *expected)
{
    static const struct str fence = {"---\n", 4};
    yaml_parser_t           parser;
    yaml_document_t         doc;
    struct str              rest = str_skip(file, fence.len);
    ptrdiff_t               end  = str_starts(file, fence) ? str_find(rest, STR("\n---\n")) : -1;
    bool                    same = false;

    if (end < 0 || !yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)rest.data, (size_t)end + 1);
    if (yaml_parser_load(&parser, &doc)) {
        same = says(&doc, yaml_document_get_root_node(&doc), expected);
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    return same;
}
