#include "mcp/service/mirrored.h"

#include "mcp/service/parts.h"

enum { TOOLS_MAX = 1000, LIST_MAX = 4 << 20 };

void
mirrored_init(struct mirrored *m)
{
    m->tools = MAP_OF(struct param_rules *, TOOLS_MAX);
}

static bool
free_rules(struct str name, void *value, void *arg)
{
    (void)name, (void)arg;
    param_rules_free(*(struct param_rules **)value);
    return true;
}

void
mirrored_clear(struct mirrored *m)
{
    map_each(&m->tools, free_rules, NULL);
    map_clear(&m->tools);
}

/* One that has no annotations is nothing to remember, nor is one whose annotations are not allowed: its clients drop
 * such a tool. False: no memory. */
static bool
learn_tool(struct mirrored *m, struct str name, yyjson_val *schema)
{
    struct error         err   = {0};
    struct param_rules  *rules = param_rules_of(schema, &err);
    struct param_rules **slot  = NULL;

    if (rules != NULL && param_rules_count(rules) == 0) {
        param_rules_free(rules);
        rules = NULL;
    }
    slot = rules == NULL ? map_get(&m->tools, name) : map_get_or_add(&m->tools, name);
    if (slot == NULL) {
        param_rules_free(rules);
        return err.code != ERROR_MEMORY && (rules == NULL || m->tools.count == TOOLS_MAX);
    }
    param_rules_free(*slot);
    *slot = rules;
    if (rules == NULL)
        map_remove(&m->tools, name);
    return err.code != ERROR_MEMORY;
}

void
mirrored_learn_tools(struct mirrored *m, yyjson_val *tools)
{
    yyjson_val *tool;
    size_t      index, max;

    m->is_torn = false;
    yyjson_arr_foreach(tools, index, max, tool)
    {
        struct str name = json_str_in(tool, "name");
        if (name.data != NULL && !learn_tool(m, name, yyjson_obj_get(tool, "inputSchema")))
            m->is_torn = true;
    }
}

void
mirrored_learn(struct mirrored *m, struct str answer)
{
    yyjson_read_err why = {0};

    m->is_torn = false;
    if (answer.len > LIST_MAX || (m->tools.count == 0 && str_find(answer, STR("x-mcp-header")) < 0))
        return;
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)answer.data, answer.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);
    mirrored_learn_tools(m, yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(doc), "result"), "tools"));
    m->is_torn |= why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION;
    yyjson_doc_free(doc);
}

const struct param_rules *
mirrored_rules(const struct mirrored *m, struct str tool)
{
    struct param_rules *const *slot = map_get(&m->tools, tool);

    return slot == NULL ? NULL : *slot;
}

bool
mirrored_check(const struct mirrored *m, const struct envelope *e, const struct http_headers *headers,
               struct arena *arena, struct refusal *refusal)
{
    const struct param_rules *rules = str_eq(e->method, STR("tools/call")) ? mirrored_rules(m, e->target) : NULL;
    struct error              err   = {0};

    if (rules == NULL && m->is_torn && str_eq(e->method, STR("tools/call")))
        return refuse_with(refusal, 503, -32603, "no memory for the schema of this tool: list the tools again");
    if (rules == NULL)
        return true;
    yyjson_doc *doc    = yyjson_read(e->message.data, e->message.len, YYJSON_READ_BIGNUM_AS_RAW);
    yyjson_val *params = yyjson_obj_get(yyjson_doc_get_root(doc), "params");
    bool        ok = doc != NULL && param_rules_hold(rules, yyjson_obj_get(params, "arguments"), headers, arena, &err);
    yyjson_doc_free(doc);
    if (ok)
        return true;
    struct str text = err.code == ERROR_INVALID ? arena_str(arena, str_from(err.text)) : STR_NONE;
    if (text.data == NULL)
        return refuse_with(refusal, 503, -32603, "no memory");
    *refusal = (struct refusal){.status = 400, .code = -32020, .message = text};
    return false;
}
