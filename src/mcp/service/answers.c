/* Whether what a client answered is what was asked for. */
#include "mcp/service/parts.h"

static bool
is_one_of(yyjson_val *value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (yyjson_equals_str(value, *words))
            return true;
    return false;
}

static bool
obeys(const char *schema, yyjson_val *value)
{
    struct schema *compiled = schema_compile(str_from(schema), NULL);
    bool           ok       = compiled != NULL && schema_validate(compiled, value, NULL, NULL);

    schema_free(compiled);
    return ok;
}

/* MCP "Elicitation": content comes with the acceptance of a form only. */
static bool
is_elicitation(const struct question *q, yyjson_val *result)
{
    static const char *const actions[] = {"accept", "decline", "cancel", NULL};
    yyjson_val              *content   = yyjson_obj_get(result, "content");

    if (!is_one_of(yyjson_obj_get(result, "action"), actions) || (content != NULL && !yyjson_is_obj(content)))
        return false;
    if (q->schema == NULL || !yyjson_equals_str(yyjson_obj_get(result, "action"), "accept"))
        return true;
    return content != NULL && obeys(q->schema, content);
}

static bool
is_sample(const struct request *r, yyjson_val *result)
{
    static const char *const roles[] = {"user", "assistant", NULL};
    yyjson_val              *content = yyjson_obj_get(result, "content");
    bool                     is_list = yyjson_is_arr(content) && r->revision >= SINCE_TOOL_SAMPLING;

    return is_one_of(yyjson_obj_get(result, "role"), roles) && yyjson_is_str(yyjson_obj_get(result, "model")) &&
           (yyjson_is_obj(content) || is_list);
}

static bool
is_roots(yyjson_val *result)
{
    yyjson_val *roots = yyjson_obj_get(result, "roots"), *root;
    size_t      index, max;

    if (!yyjson_is_arr(roots))
        return false;
    yyjson_arr_foreach(roots, index, max, root)
    {
        if (!yyjson_is_str(yyjson_obj_get(root, "uri")))
            return false;
    }
    return true;
}

bool
answer_is_valid(const struct request *r, const struct question *q, yyjson_val *result)
{
    if (!yyjson_is_obj(result))
        return false;
    if (strcmp(q->method, "elicitation/create") == 0)
        return is_elicitation(q, result);
    return strcmp(q->method, "roots/list") == 0 ? is_roots(result) : is_sample(r, result);
}
