/* What a relay's server was heard saying of its tools: which arguments modern clients repeat in header fields. The
 * server, of an era without these, looks at none of them; who relays to it does. A tool that nobody listed is not
 * checked, and one that was listed anew is checked by that. MCP 2026-07-28 basic/transports "Custom headers". */
#include "mcp/param_rules.h"

#include "mcp/service/parts.h"

enum { TOOLS_MOST = 1024 /* with such arguments; those beyond are not checked */ };

void
relay_open_tools(struct relayed *k)
{
    k->params = MAP_OF(struct param_rules *, TOOLS_MOST);
}

static bool
free_rules(struct str name, void *value, void *arg)
{
    (void)name, (void)arg;
    param_rules_free(*(struct param_rules **)value);
    return true;
}

void
relay_forget_tools(struct relayed *k)
{
    map_each(&k->params, free_rules, NULL);
    map_clear(&k->params);
}

static void
forget_tool(struct relayed *k, struct str name)
{
    struct param_rules **slot = map_get(&k->params, name);

    if (slot == NULL)
        return;
    param_rules_free(*slot);
    map_remove(&k->params, name);
}

/* An annotation that is not allowed is its server's fault, and its clients drop the tool. */
static void
learn_tool(struct relayed *k, yyjson_val *tool)
{
    struct str           name  = json_str(yyjson_obj_get(tool, "name"));
    struct error         err   = {0};
    struct param_rules  *rules = param_rules_of(yyjson_obj_get(tool, "inputSchema"), &err);
    struct param_rules **slot  = NULL;

    forget_tool(k, name);
    if (rules != NULL && name.data != NULL && param_rules_count(rules) > 0)
        slot = map_get_or_add(&k->params, name);
    if (slot != NULL)
        *slot = rules;
    else
        param_rules_free(rules);
}

void
relay_learn_tools(struct request *r, yyjson_val *result)
{
    struct relayed *k     = r->service->relayed;
    yyjson_val     *tools = yyjson_obj_get(result, "tools"), *tool;
    size_t          index, max;

    if (!is_modern(r) || !str_eq(r->name, STR("tools/list")) || !yyjson_is_arr(tools))
        return;
    if (yyjson_obj_get(r->params, "cursor") == NULL) /* the first page */
        relay_forget_tools(k);
    yyjson_arr_foreach(tools, index, max, tool)
    {
        learn_tool(k, tool);
    }
}

const struct param_rules *
service_param_rules(const struct service *s, struct str tool)
{
    struct param_rules *const *slot = s->relayed == NULL ? NULL : map_get(&s->relayed->params, tool);

    return slot == NULL ? NULL : *slot;
}
