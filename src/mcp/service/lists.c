/* What there is: tools, resources, templates, prompts, page by page, in the words of the client's revision. */
#include "mcp/service/parts.h"

/* One entry of a list. False: there is none at `index`; an entry that stays NULL is not listed. */
typedef bool (*list_entry)(struct request *r, size_t index, yyjson_mut_val **entry);

/* --- things described --- */

static void
put_icons(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct icon *icons, enum revision revision)
{
    if (icons == NULL || icons->src == NULL || revision < SINCE_ICONS)
        return;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, into, "icons");
    for (; icons->src != NULL; icons++) {
        yyjson_mut_val *icon = yyjson_mut_arr_add_obj(doc, list);
        json_put(doc, icon, "src", icons->src);
        json_put(doc, icon, "mimeType", icons->mime_type);
        if (icons->sizes != NULL)
            yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, icon, "sizes"), icons->sizes);
        json_put(doc, icon, "theme", icons->theme);
    }
}

static void
put_names(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *name, const char *title, enum revision revision)
{
    json_put(doc, into, "name", name);
    if (revision >= SINCE_TITLES)
        json_put(doc, into, "title", title);
}

void
describe_service(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct service_table *t, enum revision revision)
{
    put_names(doc, into, t->name, t->title, revision);
    json_put(doc, into, "version", t->version);
    if (revision < SINCE_ICONS)
        return;
    json_put(doc, into, "description", t->description);
    json_put(doc, into, "websiteUrl", t->website);
    put_icons(doc, into, t->icons, revision);
}

void
describe_resource(yyjson_mut_doc *doc, yyjson_mut_val *into, const struct resource *resource, enum revision revision)
{
    json_put(doc, into, "uri", resource->uri);
    put_names(doc, into, resource->name, resource->title, revision);
    json_put(doc, into, "description", resource->description);
    json_put(doc, into, "mimeType", resource->mime_type);
    if (resource->size > 0)
        yyjson_mut_obj_add_sint(doc, into, "size", resource->size);
    put_icons(doc, into, resource->icons, revision);
}

static void
put_hints(struct request *r, yyjson_mut_val *entry, const struct tool *tool)
{
    bool has_title = tool->title != NULL && r->revision < SINCE_TITLES;

    if (r->revision < SINCE_ANNOTATIONS || (tool->hints == 0 && !has_title))
        return;
    yyjson_mut_val *hints = yyjson_mut_obj_add_obj(r->doc, entry, "annotations");
    if (has_title)
        json_put(r->doc, hints, "title", tool->title);
    if (tool->hints & TOOL_READS)
        yyjson_mut_obj_add_bool(r->doc, hints, "readOnlyHint", true);
    if (tool->hints & TOOL_ADDS)
        yyjson_mut_obj_add_bool(r->doc, hints, "destructiveHint", false);
    if (tool->hints & TOOL_REPEATS)
        yyjson_mut_obj_add_bool(r->doc, hints, "idempotentHint", true);
    if (tool->hints & TOOL_INSIDE)
        yyjson_mut_obj_add_bool(r->doc, hints, "openWorldHint", false);
}

static bool
tool_entry(struct request *r, size_t index, yyjson_mut_val **entry)
{
    if (index >= r->service->tool_count)
        return false;
    const struct tool_parts *parts = &r->service->tools[index];
    const struct tool       *tool  = parts->tool;
    if (tool->is_unlisted)
        return true;
    *entry = yyjson_mut_obj(r->doc);
    put_names(r->doc, *entry, tool->name, tool->title, r->revision);
    json_put(r->doc, *entry, "description", tool->description);
    yyjson_mut_obj_add_val(r->doc, *entry, "inputSchema", yyjson_mut_raw(r->doc, parts->input_text));
    if (parts->output_text != NULL && (is_modern(r) || (parts->output_is_object && r->revision >= SINCE_STRUCTURE)))
        yyjson_mut_obj_add_val(r->doc, *entry, "outputSchema", yyjson_mut_raw(r->doc, parts->output_text));
    put_hints(r, *entry, tool);
    put_icons(r->doc, *entry, tool->icons, r->revision);
    return true;
}

static bool
resource_entry(struct request *r, size_t index, yyjson_mut_val **entry)
{
    const struct resource *resources = r->service->table->resources;

    if (resources == NULL || resources[index].uri == NULL)
        return false;
    *entry = yyjson_mut_obj(r->doc);
    describe_resource(r->doc, *entry, &resources[index], r->revision);
    return true;
}

static bool
template_entry(struct request *r, size_t index, yyjson_mut_val **entry)
{
    const struct resource_template *templates = r->service->table->templates;

    if (templates == NULL || templates[index].name == NULL)
        return false;
    const struct resource_template *t = &templates[index];
    *entry                            = yyjson_mut_obj(r->doc);
    json_put(r->doc, *entry, "uriTemplate", t->uri_template);
    put_names(r->doc, *entry, t->name, t->title, r->revision);
    json_put(r->doc, *entry, "description", t->description);
    json_put(r->doc, *entry, "mimeType", t->mime_type);
    put_icons(r->doc, *entry, t->icons, r->revision);
    return true;
}

static void
put_arguments(struct request *r, yyjson_mut_val *entry, const struct argument *arguments)
{
    if (arguments == NULL || arguments->name == NULL)
        return;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(r->doc, entry, "arguments");
    for (; arguments->name != NULL; arguments++) {
        yyjson_mut_val *argument = yyjson_mut_arr_add_obj(r->doc, list);
        put_names(r->doc, argument, arguments->name, arguments->title, r->revision);
        json_put(r->doc, argument, "description", arguments->description);
        if (arguments->is_required)
            yyjson_mut_obj_add_bool(r->doc, argument, "required", true);
    }
}

static bool
prompt_entry(struct request *r, size_t index, yyjson_mut_val **entry)
{
    const struct prompt *prompts = r->service->table->prompts;

    if (prompts == NULL || prompts[index].name == NULL)
        return false;
    const struct prompt *p = &prompts[index];
    *entry                 = yyjson_mut_obj(r->doc);
    put_names(r->doc, *entry, p->name, p->title, r->revision);
    json_put(r->doc, *entry, "description", p->description);
    put_arguments(r, *entry, p->arguments);
    put_icons(r->doc, *entry, p->icons, r->revision);
    return true;
}

/* --- pages --- */

/* A cursor is the next place, sealed for this list: no client counts on what it is. */
static bool
read_cursor(struct request *r, const char *member, struct str *place)
{
    yyjson_val *cursor = yyjson_obj_get(r->params, "cursor");

    *place = STR_NONE;
    if (cursor == NULL)
        return true;
    if (yyjson_is_str(cursor) &&
        seal_open(r->service->parts.key, seal_purpose(r, member), json_str(cursor), r->arena, place))
        return true;
    request_refuse_params(r, "Invalid cursor");
    return false;
}

void
list_put_cursor(struct request *r, yyjson_mut_val *result, const char *member, struct str place)
{
    char *cursor = seal_text(r->service->parts.key, seal_purpose(r, member), place, r->arena);

    if (cursor == NULL || !yyjson_mut_obj_add_str(r->doc, result, "nextCursor", cursor))
        r->is_broken = true;
}

static void
serve_list(struct request *r, const char *member, list_entry entry_at)
{
    uint32_t   most = r->service->table->page == 0 ? UINT32_MAX : r->service->table->page;
    uint64_t   at = 0, count = 0;
    struct str place;
    bool       goes_on;

    if (!read_cursor(r, member, &place))
        return;
    if (place.data != NULL && !str_to_u64(place, &at)) {
        request_refuse_params(r, "Invalid cursor");
        return;
    }
    yyjson_mut_val *result = result_new(r, "complete");
    yyjson_mut_val *list   = yyjson_mut_obj_add_arr(r->doc, result, member);
    for (;; at++) {
        yyjson_mut_val *entry = NULL;
        goes_on               = entry_at(r, at, &entry);
        if (!goes_on || (entry != NULL && count == most))
            break;
        if (entry != NULL && yyjson_mut_arr_append(list, entry))
            count++;
    }
    if (goes_on) {
        char digits[STR_DIGITS];
        list_put_cursor(r, result, member, str_of_u64(digits, at));
    }
    result_add_freshness(r, result);
    request_answer(r, list == NULL ? NULL : result);
}

void
serve_tools_list(struct request *r)
{
    serve_list(r, "tools", tool_entry);
}

void
serve_resources_list(struct request *r)
{
    yyjson_mut_val *entry = NULL;

    if (r->service->table->list_resources == NULL) {
        serve_list(r, "resources", resource_entry);
        return;
    }
    if (!read_cursor(r, "resources", &r->value))
        return;
    r->make = result_of_resources;
    result_begin(r);
    for (size_t i = 0; r->value.data == NULL && resource_entry(r, i, &entry); i++)
        request_add(r, entry); /* those of the table stand on the first page */
    r->handler = r->service->table->list_resources;
    request_call(r, r->handler);
}

void
serve_templates_list(struct request *r)
{
    serve_list(r, "resourceTemplates", template_entry);
}

void
serve_prompts_list(struct request *r)
{
    serve_list(r, "prompts", prompt_entry);
}
