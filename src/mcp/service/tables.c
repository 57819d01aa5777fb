/* The tables of a service: checked, compiled, found by name. */
#include "mcp/service/parts.h"

enum { NAME_MOST = 128, ENTRIES_MOST = 65536 };

static const char no_arguments[] = "{\"type\":\"object\",\"additionalProperties\":false}";

/* MCP 2025-11-25 server/tools, "Tool Names". */
static bool
check_name(const char *what, const char *name, struct error *err)
{
    struct str s = str_from(name);

    if (s.len == 0 || s.len > NAME_MOST)
        return error_set(err, ERROR_INVALID, "the %s \"%s\": a name has 1 to %d characters", what, name, NAME_MOST);
    for (size_t i = 0; i < s.len; i++)
        if (str_index(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"), s.data[i]) < 0)
            return error_set(err, ERROR_INVALID, "the %s \"%s\": a name consists of A-Z a-z 0-9 _ . -", what, name);
    return true;
}

/* A place for a value under `key`, which must be new. NULL: `err`. */
static void *
add_entry(struct map *m, const char *what, const char *key, struct error *err)
{
    if (map_get(m, str_from(key)) != NULL) {
        error_set(err, ERROR_EXISTS, "the %s \"%s\" stands there twice", what, key);
        return NULL;
    }
    void *value = map_get_or_add(m, str_from(key));
    if (value == NULL)
        error_set(err, ERROR_MEMORY, "no memory for the %s \"%s\"", what, key);
    return value;
}

/* The schema in one line, and whether its root says that it is of an object. */
static bool
read_schema(const char *text, char **minified, bool *is_object, struct schema **compiled, struct error *err)
{
    yyjson_read_err why;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text, strlen(text), YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);

    if (doc == NULL)
        return error_set(err, ERROR_INVALID, "no JSON: %s at byte %zu", why.msg, why.pos);
    *is_object = yyjson_equals_str(yyjson_obj_get(yyjson_doc_get_root(doc), "type"), "object");
    *minified  = yyjson_write(doc, 0, NULL);
    yyjson_doc_free(doc);
    if (*minified == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    *compiled = schema_compile(str_from(text), err);
    return *compiled != NULL;
}

static bool
compile_tool(struct tool_parts *parts, const struct tool *tool, struct error *err)
{
    bool is_object = false;

    parts->tool = tool;
    if (!check_name("tool", tool->name, err))
        return false;
    if (tool->call == NULL)
        return error_set(err, ERROR_INVALID, "the tool \"%s\" has no handler", tool->name);
    if (!read_schema(tool->input == NULL ? no_arguments : tool->input, &parts->input_text, &is_object, &parts->input,
                     err)) {
        error_wrap(err, "the input schema of the tool \"%s\"", tool->name);
        return false;
    }
    if (!is_object)
        return error_set(err, ERROR_INVALID, "the input schema of the tool \"%s\" must have \"type\": \"object\"",
                         tool->name);
    if (tool->output != NULL &&
        !read_schema(tool->output, &parts->output_text, &parts->output_is_object, &parts->output, err)) {
        error_wrap(err, "the output schema of the tool \"%s\"", tool->name);
        return false;
    }
    return true;
}

static bool
compile_tools(struct service *s, struct error *err)
{
    const struct tool *tools = s->table->tools;
    size_t             count = 0;

    while (tools != NULL && tools[count].name != NULL)
        count++;
    if (count == 0)
        return true;
    s->tools = calloc(count, sizeof *s->tools);
    if (s->tools == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for %zu tools", count);
    s->tool_count = count;
    for (size_t i = 0; i < count; i++) {
        size_t *place =
            compile_tool(&s->tools[i], &tools[i], err) ? add_entry(&s->tool_by_name, "tool", tools[i].name, err) : NULL;
        if (place == NULL)
            return false;
        *place = i;
        if (tools[i].needs & CLIENT_FOLLOWS_TASKS)
            s->features |= FEATURE_TASKS;
    }
    s->features |= FEATURE_TOOLS;
    return true;
}

static void
note_completions(struct service *s, const struct argument *arguments)
{
    for (; arguments != NULL && arguments->name != NULL; arguments++)
        if (arguments->complete != NULL)
            s->features |= FEATURE_COMPLETIONS;
}

static bool
read_prompts(struct service *s, struct error *err)
{
    for (const struct prompt *p = s->table->prompts; p != NULL && p->name != NULL; p++) {
        const struct prompt **place =
            check_name("prompt", p->name, err) ? add_entry(&s->prompt_by_name, "prompt", p->name, err) : NULL;
        if (place == NULL)
            return false;
        if (p->get == NULL)
            return error_set(err, ERROR_INVALID, "the prompt \"%s\" has no handler", p->name);
        *place = p;
        note_completions(s, p->arguments);
        s->features |= FEATURE_PROMPTS;
    }
    return true;
}

static bool
read_resources(struct service *s, struct error *err)
{
    for (const struct resource *r = s->table->resources; r != NULL && r->uri != NULL; r++) {
        const struct resource **place = add_entry(&s->resource_by_uri, "resource", r->uri, err);
        if (place == NULL)
            return false;
        if (r->name == NULL || r->read == NULL || r->uri[0] == '\0')
            return error_set(err, ERROR_INVALID, "the resource \"%s\" needs a URI, a name and a handler", r->uri);
        *place = r;
        s->features |= FEATURE_RESOURCES;
    }
    if (s->table->list_resources != NULL)
        s->features |= FEATURE_RESOURCES;
    return true;
}

static bool
read_templates(struct service *s, struct error *err)
{
    for (const struct resource_template *t = s->table->templates; t != NULL && t->name != NULL; t++) {
        if (t->uri_template == NULL || t->read == NULL)
            return error_set(err, ERROR_INVALID, "the template \"%s\" needs a URI template and a handler", t->name);
        if (!template_is_valid(str_from(t->uri_template), err))
            return false;
        const struct resource_template **place = add_entry(&s->template_by_text, "template", t->uri_template, err);
        if (place == NULL)
            return false;
        *place = t;
        note_completions(s, t->variables);
        s->features |= FEATURE_RESOURCES;
    }
    return true;
}

/* serverInfo as it stands in every modern result. */
bool
write_identity(struct service *s, struct error *err)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root      = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    describe_service(doc, root, s->table, REVISION_2026_07_28);
    free(s->identity);
    s->identity = is_broken ? NULL : yyjson_mut_write(doc, 0, NULL);
    yyjson_mut_doc_free(doc);
    if (is_broken)
        return error_set(err, ERROR_MEMORY, "no memory");
    return s->identity != NULL || error_set(err, ERROR_INVALID, "its name or its texts are no UTF-8");
}

/* What there is may change, and is told then. */
static void
add_changes(struct service *s)
{
    if (s->features & FEATURE_TOOLS)
        s->features |= FEATURE_TOOLS_CHANGE;
    if (s->features & FEATURE_RESOURCES)
        s->features |= FEATURE_RESOURCES_CHANGE | FEATURE_SUBSCRIPTIONS;
    if (s->features & FEATURE_PROMPTS)
        s->features |= FEATURE_PROMPTS_CHANGE;
}

bool
tables_compile(struct service *s, struct error *err)
{
    s->tool_by_name     = MAP_OF(size_t, ENTRIES_MOST);
    s->prompt_by_name   = MAP_OF(const struct prompt *, ENTRIES_MOST);
    s->resource_by_uri  = MAP_OF(const struct resource *, ENTRIES_MOST);
    s->template_by_text = MAP_OF(const struct resource_template *, ENTRIES_MOST);
    if (s->table->name == NULL || s->table->version == NULL)
        return error_set(err, ERROR_INVALID, "a service has a name and a version");
    if (s->table->logs)
        s->features |= FEATURE_LOGS;
    if (s->table->makes_tasks)
        s->features |= FEATURE_TASKS;
    if (!compile_tools(s, err) || !read_prompts(s, err) || !read_resources(s, err) || !read_templates(s, err))
        return false;
    add_changes(s);
    return s->relayed != NULL || write_identity(s, err);
}

void
tables_clear(struct service *s)
{
    for (size_t i = 0; i < s->tool_count; i++) {
        schema_free(s->tools[i].input);
        schema_free(s->tools[i].output);
        free(s->tools[i].input_text);
        free(s->tools[i].output_text);
    }
    free(s->tools);
    free(s->identity);
    map_clear(&s->tool_by_name);
    map_clear(&s->prompt_by_name);
    map_clear(&s->resource_by_uri);
    map_clear(&s->template_by_text);
}

const struct tool *
service_tool(const struct service *s, struct str name)
{
    const size_t *place = map_get(&s->tool_by_name, name);

    return place == NULL ? NULL : s->tools[*place].tool;
}
