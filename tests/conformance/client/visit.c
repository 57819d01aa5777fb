#include "visit.h"

#include <stdio.h>

#include "mcp/json.h"

static yyjson_mut_doc *
params_new(void)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    return doc;
}

/* The next page, if there is one. */
static void
ask_on(struct visit *v, const char *method, yyjson_val *result, errand_done *done)
{
    yyjson_val *cursor = yyjson_obj_get(result, "nextCursor");

    if (!yyjson_is_str(cursor))
        return;
    yyjson_mut_doc *params = params_new();
    yyjson_mut_obj_add_val(params, yyjson_mut_doc_get_root(params), "cursor", yyjson_val_mut_copy(params, cursor));
    visit_ask(v, method, params, done);
}

static void
look_at_nothing(struct visit *v, yyjson_val *result)
{
    (void)v, (void)result;
}

/* A thing that is asked for by one member: name or uri. */
static yyjson_mut_doc *
params_of(const char *member, yyjson_val *value)
{
    yyjson_mut_doc *params = params_new();

    yyjson_mut_obj_add_val(params, yyjson_mut_doc_get_root(params), member, yyjson_val_mut_copy(params, value));
    return params;
}

/* All that the schema has; an argument that is to be a schema is that of the tool listed first. */
static yyjson_mut_val *
fill_arguments(struct visit *v, yyjson_mut_doc *doc, yyjson_val *schema)
{
    yyjson_mut_val *arguments = fill_object(doc, schema, 0);
    yyjson_mut_val *asked     = yyjson_mut_obj_get(arguments, "schema");

    if (yyjson_mut_is_obj(asked) && v->first_schema != NULL)
        yyjson_mut_obj_put(arguments, yyjson_mut_str(doc, "schema"),
                           yyjson_val_mut_copy(doc, yyjson_doc_get_root(v->first_schema)));
    return arguments;
}

static void
call_tool(struct visit *v, yyjson_val *tool)
{
    yyjson_val     *schema    = yyjson_obj_get(tool, "inputSchema");
    yyjson_mut_doc *params    = params_of("name", yyjson_obj_get(tool, "name"));
    yyjson_mut_val *arguments = fill_arguments(v, params, schema);

    if (v->first_schema == NULL)
        v->first_schema = json_keep(schema);
    yyjson_mut_obj_add_val(params, yyjson_mut_doc_get_root(params), "arguments", arguments);
    visit_ask(v, "tools/call", params, look_at_nothing);
}

static void
call_named(struct visit *v, yyjson_val *call)
{
    yyjson_mut_doc *params = params_new();

    yyjson_mut_doc_set_root(params, yyjson_val_mut_copy(params, call));
    visit_ask(v, "tools/call", params, look_at_nothing);
}

static void
each_of(struct visit *v, yyjson_val *list, void (*take)(struct visit *v, yyjson_val *element))
{
    yyjson_val *element;
    size_t      index, max;

    yyjson_arr_foreach(list, index, max, element)
    {
        take(v, element);
    }
}

static void
take_tools(struct visit *v, yyjson_val *result)
{
    yyjson_val *calls   = yyjson_obj_get(yyjson_doc_get_root(v->context), "toolCalls");
    bool        is_last = !yyjson_is_str(yyjson_obj_get(result, "nextCursor"));

    ask_on(v, "tools/list", result, take_tools);
    if (calls == NULL)
        each_of(v, yyjson_obj_get(result, "tools"), call_tool);
    else if (is_last)
        each_of(v, calls, call_named);
}

static void
read_resource(struct visit *v, yyjson_val *resource)
{
    visit_ask(v, "resources/read", params_of("uri", yyjson_obj_get(resource, "uri")), look_at_nothing);
}

static void
take_resources(struct visit *v, yyjson_val *result)
{
    ask_on(v, "resources/list", result, take_resources);
    each_of(v, yyjson_obj_get(result, "resources"), read_resource);
}

static void
get_prompt(struct visit *v, yyjson_val *prompt)
{
    yyjson_mut_doc *params    = params_of("name", yyjson_obj_get(prompt, "name"));
    yyjson_mut_val *arguments = yyjson_mut_obj(params);
    yyjson_val     *each;
    size_t          index, max;

    yyjson_arr_foreach(yyjson_obj_get(prompt, "arguments"), index, max, each)
    {
        yyjson_mut_val *name = yyjson_val_mut_copy(params, yyjson_obj_get(each, "name"));
        yyjson_mut_obj_add(arguments, name, yyjson_mut_str(params, "text"));
    }
    if (yyjson_mut_obj_size(arguments) > 0)
        yyjson_mut_obj_add_val(params, yyjson_mut_doc_get_root(params), "arguments", arguments);
    visit_ask(v, "prompts/get", params, look_at_nothing);
}

static void
take_prompts(struct visit *v, yyjson_val *result)
{
    ask_on(v, "prompts/list", result, take_prompts);
    each_of(v, yyjson_obj_get(result, "prompts"), get_prompt);
}

void
visit_init(struct visit *v, struct loop *loop, void (*on_over)(struct visit *v))
{
    *v = (struct visit){.loop = loop, .on_over = on_over};
    list_init(&v->errands);
}

/* What the server declares; tools are asked for whatever it says. */
static void
on_open(void *owner, struct client *c, const struct client_server *server)
{
    struct visit *v            = owner;
    yyjson_doc   *doc          = json_read(server->capabilities);
    yyjson_val   *capabilities = yyjson_doc_get_root(doc);

    (void)c;
    if (!v->is_open) {
        v->is_open = true;
        printf("open: %.*s\n", STR_ARG(server->revision));
        visit_ask(v, "tools/list", params_new(), take_tools);
        if (yyjson_obj_get(capabilities, "resources") != NULL)
            visit_ask(v, "resources/list", params_new(), take_resources);
        if (yyjson_obj_get(capabilities, "prompts") != NULL)
            visit_ask(v, "prompts/list", params_new(), take_prompts);
        if (yyjson_obj_get(yyjson_obj_get(capabilities, "extensions"), "io.modelcontextprotocol/skills") != NULL)
            visit_ask(v, "skills/list", params_new(), skills_take_list);
        visit_go_on(v);
    }
    yyjson_doc_free(doc);
}

static void
on_lost(void *owner, struct client *c, int code, int status, const char *words)
{
    struct visit *v = owner;

    (void)c;
    fprintf(stderr, "lost: %s (code %d, HTTP status %d)\n", words, code, status);
    v->has_failed = true;
    v->on_over(v);
}

static void
on_message(void *owner, struct client *c, const struct envelope *e)
{
    (void)owner, (void)c;
    printf("told %.*s\n", STR_ARG(e->method));
}

/* Outside of a call, on a stream of its own. */
static void
on_question(void *owner, struct client *c, struct question_in *q)
{
    (void)owner, (void)c;
    visit_answer(q);
}

const struct client_events visit_events = {
    .on_open = on_open, .on_lost = on_lost, .on_message = on_message, .on_question = on_question};
