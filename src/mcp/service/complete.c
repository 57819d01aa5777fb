/* completion/complete: what may stand behind what was typed. MCP "Completion". */
#include "mcp/service/parts.h"

/* The arguments of what is completed; false: answered, there is no such thing. */
static bool
find_arguments(struct request *r, const struct argument **arguments)
{
    yyjson_val *ref  = json_member(r->params, "ref");
    yyjson_val *type = yyjson_obj_get(ref, "type");
    struct str  name = json_str_in(ref, yyjson_equals_str(type, "ref/resource") ? "uri" : "name");

    if (name.data != NULL && yyjson_equals_str(type, "ref/prompt")) {
        const struct prompt *const *prompt = map_get(&r->service->prompt_by_name, name);
        *arguments                         = prompt == NULL ? NULL : (*prompt)->arguments;
        if (prompt != NULL)
            return true;
    } else if (name.data != NULL && yyjson_equals_str(type, "ref/resource")) {
        const struct resource_template *const *t = map_get(&r->service->template_by_text, name);
        *arguments                               = t == NULL ? NULL : (*t)->variables;
        if (t != NULL || map_get(&r->service->resource_by_uri, name) != NULL)
            return true;
    }
    request_refuse_params(r, "Unknown ref: nothing of that kind and name is here");
    return false;
}

void
serve_complete(struct request *r)
{
    const struct argument *a        = NULL;
    yyjson_val            *argument = json_member(r->params, "argument");
    struct str             name     = json_str_in(argument, "name");

    r->value = json_str_in(argument, "value");
    if (name.data == NULL || r->value.data == NULL) {
        request_refuse_params(r, "completion/complete needs an \"argument\" with name and value");
        return;
    }
    if (!find_arguments(r, &a))
        return;
    r->arguments = json_member(json_member(r->params, "context"), "arguments");
    r->make      = result_of_completion;
    result_begin(r);
    while (a != NULL && a->name != NULL && !str_eq(name, str_from(a->name)))
        a++;
    if (a == NULL || a->name == NULL || a->complete == NULL) {
        request_finish(r);
        return;
    }
    r->handler = a->complete;
    request_call(r, r->handler);
}
