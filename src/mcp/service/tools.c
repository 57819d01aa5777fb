#include "mcp/service/parts.h"

enum { NULLS_MOST = 32 };

/* NULL: no memory, or `err` says why. */
static yyjson_val *
imut_copy(struct request *r, yyjson_mut_val *value, struct error *err)
{
    yyjson_alc  memory = json_memory(r);
    yyjson_doc *copy   = value == NULL ? NULL : yyjson_mut_val_imut_copy(value, &memory);

    if (copy == NULL && err->code == ERROR_NONE)
        error_set(err, ERROR_MEMORY, "no memory");
    return yyjson_doc_get_root(copy);
}

/* Arguments with their defaults, valid by the tool's schema. */
static bool
fill_once(struct request *r, yyjson_val *given, struct schema_fault *fault, struct error *err)
{
    r->arguments = imut_copy(r, schema_fill(r->tool->input, given, r->doc, err), err);
    return r->arguments != NULL && schema_validate(r->tool->input, r->arguments, fault, err);
}

/* Whether the fault is that an argument is null; `out` is all without it. */
static bool
drop_null(struct request *r, const struct schema_fault *fault, yyjson_val **out, struct error *err)
{
    const char *name = fault->pointer + 1; /* one with ~ or / in it is found by no such name, and stays */

    if (fault->pointer[0] != '/' || !yyjson_is_null(yyjson_obj_get(r->arguments, name)))
        return false;
    yyjson_mut_val *rest = yyjson_val_mut_copy(r->doc, r->arguments);
    if (rest != NULL)
        yyjson_mut_obj_remove_key(rest, name);
    return (*out = imut_copy(r, rest, err)) != NULL;
}

/* Words in `err` when they are not valid. Models write null for what they have nothing to say of: where the schema has
 * no null, an argument that is none is as if it were not given; one that must be given is refused for what it is. */
static bool
fill_arguments(struct request *r, yyjson_val *given, struct error *err)
{
    struct schema_fault fault = {0};

    if (given == NULL)
        given = imut_copy(r, yyjson_mut_obj(r->doc), err);
    if (given == NULL || fill_once(r, given, &fault, err))
        return given != NULL;
    for (int i = 0; i < NULLS_MOST && err->code == ERROR_INVALID; i++) {
        struct error why = {0};
        if (!drop_null(r, &fault, &given, &why))
            return false;
        if (fill_once(r, given, &fault, &why))
            return true;
        if (why.code != ERROR_INVALID || strcmp(fault.keyword, "required") != 0)
            *err = why;
    }
    return false;
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
    struct str    name  = json_str_in(r->params, "name");
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
    return json_str_in(r->arguments, name);
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
