#include "mcp/service/parts.h"

/* Arguments with their defaults, valid by the tool's schema. Words in `err` else. */
static bool
fill_arguments(struct request *r, yyjson_val *given, struct error *err)
{
    yyjson_mut_doc *doc    = r->doc;
    yyjson_alc      memory = json_memory(r);
    yyjson_doc     *empty  = given != NULL ? NULL : yyjson_read_opts((char[]){"{}"}, 2, 0, &memory, NULL);

    if (given == NULL)
        given = yyjson_doc_get_root(empty);
    yyjson_mut_val *filled = given == NULL ? NULL : schema_fill(r->tool->input, given, doc, err);
    yyjson_doc     *whole  = filled == NULL ? NULL : yyjson_mut_val_imut_copy(filled, &memory);
    if (whole == NULL)
        return err->code != ERROR_NONE ? false : error_set(err, ERROR_MEMORY, "no memory");
    r->arguments = yyjson_doc_get_root(whole);
    return schema_validate(r->tool->input, r->arguments, NULL, err);
}

/* From 2025-11-25 on the model may read what was wrong, and try again. */
static void
refuse_arguments(struct request *r, const struct error *err)
{
    struct str words = arena_printf(r->arena, "Invalid arguments of the tool %s: %s", r->tool->tool->name, err->text);

    if (r->revision >= SINCE_TOOL_FAULTS)
        answer_tool_fault(r, words);
    else
        request_answer_error(r, RPC_INVALID_PARAMS, words, NULL);
}

void
serve_tools_call(struct request *r)
{
    struct str    name  = json_str(yyjson_obj_get(r->params, "name"));
    yyjson_val   *given = yyjson_obj_get(r->params, "arguments");
    const size_t *place = name.data == NULL ? NULL : map_get(&r->service->tool_by_name, name);
    struct error  err   = {0};

    if (place == NULL) {
        request_refuse_params(r, name.data == NULL ? "tools/call needs the name of a tool" : "Unknown tool: %.*s",
                              STR_ARG(str_take(name, 128)));
        return;
    }
    r->tool = &r->service->tools[*place];
    r->make = result_of_tool;
    result_begin(r);
    if (given != NULL && !yyjson_is_obj(given)) {
        request_refuse_params(r, "\"arguments\" must be an object");
        return;
    }
    if (!abilities_demand(r, r->tool->tool->needs) || !state_open(r))
        return;
    if (!fill_arguments(r, given, &err)) {
        refuse_arguments(r, &err);
        return;
    }
    r->handler = r->tool->tool->call;
    request_call(r, r->handler);
}

/* --- what handlers read --- */

void *
request_owner(const struct request *r)
{
    return r->service->parts.owner;
}

struct service *
request_service(const struct request *r)
{
    return r->service;
}

yyjson_val *
request_arguments(const struct request *r)
{
    return r->arguments;
}

struct str
request_string(const struct request *r, const char *name)
{
    return json_str(yyjson_obj_get(r->arguments, name));
}

int64_t
request_integer(const struct request *r, const char *name)
{
    yyjson_val *value = yyjson_obj_get(r->arguments, name);

    if (yyjson_is_real(value)) { /* 3.0 is an integer, too */
        double number = yyjson_get_real(value);
        return number >= -9007199254740992.0 && number <= 9007199254740992.0 && number == (double)(int64_t)number
                   ? (int64_t)number
                   : 0;
    }
    return yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX ? 0 : yyjson_get_sint(value);
}

double
request_number(const struct request *r, const char *name)
{
    return yyjson_get_num(yyjson_obj_get(r->arguments, name));
}

bool
request_flag(const struct request *r, const char *name)
{
    return yyjson_get_bool(yyjson_obj_get(r->arguments, name));
}

struct str
request_uri(const struct request *r)
{
    return r->uri;
}

struct str
request_variable(const struct request *r, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(r->variables, name);

    return value == NULL ? STR_NONE : str_of(yyjson_mut_get_str(value), yyjson_mut_get_len(value));
}

struct str
request_value(const struct request *r)
{
    return r->value;
}

bool
request_can(const struct request *r, unsigned abilities)
{
    return (abilities & ~r->abilities) == 0;
}
