/* The input schemas of a modern server's tools, of which arguments are repeated in header fields: those of the last
 * tools/list are remembered, read anew when the server refuses the fields. MCP 2026-07-28 basic/transports "Custom
 * headers". */
#include "mcp/client/parts.h"

#include <stdlib.h>

#include "mcp/client/mirror.h"

/* Whether it says anything about header fields, rightly or not: nearly none does. Values of a document lie one behind
 * the other. */
static bool
is_annotated(yyjson_val *schema)
{
    const yyjson_val *end = schema == NULL ? NULL : unsafe_yyjson_get_next(schema);

    for (yyjson_val *value = schema; value < end; value++)
        if (yyjson_equals_str(value, "x-mcp-header"))
            return true;
    return false;
}

static bool
is_list(const struct client *c, const struct client_call *call)
{
    return call->is_modern && client_is_http(c) && call_is(call, "tools/list");
}

static bool
free_schema(struct str name, void *value, void *arg)
{
    (void)name, (void)arg;
    free(*(char **)value);
    return true;
}

void
tools_forget(struct client *c)
{
    map_each(&c->schemas, free_schema, NULL);
    map_clear(&c->schemas);
    c->schema_bytes = 0;
}

static void
learn(struct client *c, struct str name, yyjson_val *schema)
{
    size_t len;
    char  *text = yyjson_val_write(schema, 0, &len);
    char **slot = text == NULL || c->schema_bytes + len > SCHEMAS_MOST ? NULL : map_get_or_add(&c->schemas, name);

    if (slot == NULL) {
        free(text); /* a call of it is refused for want of its fields, and says so */
        return;
    }
    c->schema_bytes += len;
    free(*slot);
    *slot = text;
}

void
tools_learn(struct client *c, const struct client_call *call, yyjson_val *result)
{
    yyjson_val *tool;
    size_t      index, max;

    if (!is_list(c, call))
        return;
    if (yyjson_obj_get(yyjson_doc_get_root(call->params), "cursor") == NULL)
        tools_forget(c); /* the first page */
    yyjson_arr_foreach(yyjson_obj_get(result, "tools"), index, max, tool)
    {
        yyjson_val *schema = yyjson_obj_get(tool, "inputSchema");
        if (is_annotated(schema))
            learn(c, json_str_in(tool, "name"), schema);
    }
}

static bool
is_broken(yyjson_val *tool)
{
    yyjson_val  *schema = yyjson_obj_get(tool, "inputSchema");
    struct error err    = {0};

    return is_annotated(schema) && !mirror_is_valid(schema, &err);
}

/* Of the heap; NULL: no memory. */
static yyjson_doc *
without_broken(yyjson_val *result)
{
    bool            no_memory = false;
    yyjson_alc      memory    = json_heap(&no_memory);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *copy      = yyjson_val_mut_copy(doc, result);
    yyjson_mut_val *kept      = yyjson_mut_arr(doc);
    yyjson_val     *tool;
    size_t          index, max;

    yyjson_arr_foreach(yyjson_obj_get(result, "tools"), index, max, tool)
    {
        if (!is_broken(tool))
            yyjson_mut_arr_append(kept, yyjson_val_mut_copy(doc, tool));
    }
    yyjson_mut_obj_put(copy, yyjson_mut_str(doc, "tools"), kept);
    yyjson_doc *shown = no_memory ? NULL : yyjson_mut_val_imut_copy(copy, &memory);
    yyjson_mut_doc_free(doc);
    return shown;
}

bool
tools_filter(const struct client *c, const struct client_call *call, yyjson_val *result, yyjson_doc **shown)
{
    bool        any = false;
    yyjson_val *tool;
    size_t      index, max;

    if (!is_list(c, call))
        return true;
    yyjson_arr_foreach(yyjson_obj_get(result, "tools"), index, max, tool) any |= is_broken(tool);
    if (any)
        *shown = without_broken(result);
    return !any || *shown != NULL;
}

bool
tools_schema(const struct client *c, const struct client_call *call, yyjson_doc **schema)
{
    yyjson_val *given = yyjson_doc_get_root(call->schema);
    struct str  name  = json_str_in(yyjson_doc_get_root(call->params), "name");

    if (!client_is_http(c) || !call_is(call, "tools/call"))
        return true;
    char **known = map_get(&c->schemas, name);
    if (given != NULL ? !is_annotated(given) : known == NULL)
        return true;
    *schema = given != NULL ? json_keep(given) : json_read(str_from(*known));
    return *schema != NULL;
}

/* --- read anew --- */

static void
go_on(struct client *c)
{
    c->refresh = NULL;
    for (struct list *node; c->state == CLIENT_OPEN && !c->is_gone && (node = list_first(&c->refreshing)) != NULL;)
        call_send_or_fail(LIST_OF(struct client_call, node, node));
}

static void refresh_page(struct client *c, yyjson_val *cursor);

static void
on_page(void *owner, struct client_call *call, yyjson_val *result)
{
    struct client *c      = owner;
    yyjson_val    *cursor = yyjson_obj_get(result, "nextCursor");

    (void)call;
    if (yyjson_is_str(cursor) && ++c->pages < PAGES_MOST)
        refresh_page(c, cursor);
    else
        go_on(c);
}

static void
on_no_page(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)call, (void)why, (void)code, (void)message, (void)data;
    go_on(owner); /* the call itself says best what is wrong */
}

static void
refresh_page(struct client *c, yyjson_val *cursor)
{
    static const struct call_events events    = {.on_result = on_page, .on_error = on_no_page};
    bool                            no_memory = false;
    yyjson_alc                      memory    = json_heap(&no_memory);
    yyjson_mut_doc                 *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val                 *params    = yyjson_mut_obj(doc);
    yyjson_doc                     *made      = NULL;
    struct client_request           request   = {.method = STR("tools/list"), .level = -1};

    if (cursor != NULL)
        yyjson_mut_obj_add_val(doc, params, "cursor", yyjson_val_mut_copy(doc, cursor));
    if (cursor != NULL && !no_memory)
        made = yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    request.params = yyjson_doc_get_root(made);
    c->refresh     = no_memory ? NULL : call_start(c, &request, &events, c, CALL_OURS, NULL);
    yyjson_doc_free(made);
    if (c->refresh == NULL)
        go_on(c);
}

void
tools_refresh(struct client_call *call)
{
    struct client *c = call->client;
    struct letter *l = call->letter;

    call->letter       = NULL;
    call->state        = CALL_REFRESHING;
    call->is_refreshed = true;
    yyjson_doc_free(call->schema);
    call->schema = NULL;
    list_remove(&call->node);
    list_append(&c->refreshing, &call->node);
    if (l != NULL)
        letter_leave(l, CLOSE_ANSWERED);
    if (c->refresh != NULL)
        return;
    c->pages = 0;
    refresh_page(c, NULL);
}
