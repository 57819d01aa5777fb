#include "mcp/service/parts.h"

/* Strings by name, those that are required among them. */
static bool
check_arguments(struct request *r, const struct prompt *prompt)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(r->arguments);
    yyjson_val     *key;

    if (r->arguments != NULL && !yyjson_is_obj(r->arguments)) {
        request_refuse_params(r, "\"arguments\" must be an object");
        return false;
    }
    while ((key = yyjson_obj_iter_next(&iter)) != NULL)
        if (!yyjson_is_str(yyjson_obj_iter_get_val(key))) {
            request_refuse_params(r, "The argument %.*s of a prompt must be a string",
                                  STR_ARG(str_take(json_str(key), 128)));
            return false;
        }
    for (const struct argument *a = prompt->arguments; a != NULL && a->name != NULL; a++)
        if (a->is_required && yyjson_obj_get(r->arguments, a->name) == NULL) {
            request_refuse_params(r, "The prompt %s needs the argument %s", prompt->name, a->name);
            return false;
        }
    return true;
}

void
serve_prompts_get(struct request *r)
{
    struct str                  name  = json_str_in(r->params, "name");
    const struct prompt *const *place = name.data == NULL ? NULL : map_get(&r->service->prompt_by_name, name);

    if (place == NULL) {
        request_refuse_params(r, name.data == NULL ? "prompts/get needs the name of a prompt" : "Unknown prompt: %.*s",
                              STR_ARG(str_take(name, 128)));
        return;
    }
    r->arguments = yyjson_obj_get(r->params, "arguments");
    r->make      = result_of_prompt;
    result_begin(r);
    if (!check_arguments(r, *place) || !state_open(r))
        return;
    r->prompt  = *place;
    r->handler = r->prompt->get;
    request_call(r, r->handler);
}
