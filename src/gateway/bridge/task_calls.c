/* Calls of modern clients that a legacy server wants to make tasks of. Clients of the extension ask for none, the
 * server decides; a server of 2025-11-25 says in tools/list of which tools it makes nothing but tasks
 * (execution.taskSupport "required"), and is asked for one then. Who follows tasks gets it; for others it is followed,
 * as if it were none.
 *
 * What it says of its tools is learnt from the lists that clients read, or read for the purpose. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { TOOLS_MOST = 4096 /* remembered; those beyond are called plainly */, PAGES_MOST = 64 };

/* --- what is known of its tools --- */

void
tasks_open_tools(struct peer *p)
{
    p->tools = MAP_OF(bool, TOOLS_MOST);
}

void
tasks_forget_tools(struct peer *p)
{
    map_clear(&p->tools);
    p->knows_tools = false;
}

static void
learn(struct peer *p, yyjson_val *result)
{
    yyjson_val *tool;
    size_t      index, max;

    yyjson_arr_foreach(yyjson_obj_get(result, "tools"), index, max, tool)
    {
        struct str  name    = json_str_in(tool, "name");
        yyjson_val *support = yyjson_obj_get(json_member(tool, "execution"), "taskSupport");
        bool       *slot    = name.data == NULL ? NULL : map_get_or_add(&p->tools, name);
        if (slot != NULL)
            *slot = yyjson_equals_str(support, "required");
    }
}

/* Only of servers that make tasks. */
static bool
is_of_interest(const struct peer *p, struct request *r)
{
    return request_is_modern(r) && p->era == CLIENT_LEGACY && request_server_makes_tasks(r);
}

void
tasks_learn(struct peer *p, struct request *r, yyjson_val *result)
{
    if (str_eq(request_method(r), STR("tools/list")) && is_of_interest(p, r))
        learn(p, result);
}

/* --- before the call --- */

static struct str
tool_of(struct request *r)
{
    return json_str_in(request_params(r), "name");
}

static void list_tools(struct crossing *c, yyjson_val *cursor);

static void
on_listed(void *owner, struct client_call *call, yyjson_val *result)
{
    struct crossing *c      = owner;
    yyjson_val      *cursor = yyjson_obj_get(result, "nextCursor");

    (void)call;
    c->call = NULL;
    learn(c->peer, result);
    if (yyjson_is_str(cursor) && ++c->pages < PAGES_MOST) {
        list_tools(c, cursor);
        return;
    }
    c->peer->knows_tools = true;
    crossing_go(c);
}

/* The call itself says best what is wrong. */
static void
on_unlisted(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
            yyjson_val *data)
{
    struct crossing *c = owner;

    (void)call, (void)why, (void)code, (void)message, (void)data;
    c->call = NULL;
    crossing_go(c);
}

static void
list_tools(struct crossing *c, yyjson_val *cursor)
{
    static const struct call_events events  = {.on_result = on_listed, .on_error = on_unlisted};
    yyjson_mut_doc                 *doc     = yyjson_mut_doc_new(NULL);
    yyjson_mut_val                 *params  = yyjson_mut_obj(doc);
    struct client_request           request = {.method = STR("tools/list"), .level = -1};

    if (cursor != NULL)
        yyjson_mut_obj_add_val(doc, params, "cursor", yyjson_val_mut_copy(doc, cursor));
    yyjson_doc *made = yyjson_mut_val_imut_copy(params, NULL);
    yyjson_mut_doc_free(doc);
    request.params   = yyjson_doc_get_root(made);
    request.patience = c->bridge->server->entry->timeout;
    c->call          = made == NULL ? NULL : client_call(c->peer->client, &request, &events, c, NULL);
    yyjson_doc_free(made);
    if (c->call == NULL)
        crossing_go(c);
}

static void
on_open(struct waiter *w, const struct client_server *server)
{
    struct crossing *c = LIST_OF(struct crossing, w, opening);
    struct request  *r = crossing_request(c);

    (void)server;
    if (r == NULL || !is_of_interest(c->peer, r) || c->peer->knows_tools ||
        map_get(&c->peer->tools, tool_of(r)) != NULL)
        crossing_go(c);
    else
        list_tools(c, NULL);
}

static void
on_lost(struct waiter *w, int code, int status, const char *words)
{
    struct crossing *c = LIST_OF(struct crossing, w, opening);

    (void)code;
    LIST_EACH (struct asker, a, &c->askers, node)
        waiter_challenge(w, status, a->request);
    crossing_fail(c, words);
}

bool
tasks_prepare(struct crossing *c, struct request *r)
{
    if (!c->is_modern || c->peer->era != CLIENT_LEGACY || !str_eq(request_method(r), STR("tools/call")))
        return false;
    c->opening = (struct waiter){.on_open = on_open, .on_lost = on_lost};
    peer_wait(c->peer, &c->opening);
    return true;
}

bool
tasks_fit_request(struct crossing *c, struct request *r, struct client_request *request, yyjson_doc **made)
{
    bool *slot    = is_of_interest(c->peer, r) ? map_get(&c->peer->tools, tool_of(r)) : NULL;
    bool  is_task = slot != NULL && *slot;
    bool  is_call = c->is_modern && c->peer->era == CLIENT_LEGACY && str_eq(request->method, STR("tools/call"));
    bool  follows = (request_abilities(r) & CLIENT_FOLLOWS_TASKS) != 0;

    if (!is_call || (!is_task && yyjson_obj_get(request->params, "task") == NULL))
        return true;
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = yyjson_val_mut_copy(doc, request->params);
    yyjson_mut_obj_remove_key(params, "task"); /* the extension has no such word: MCP io.modelcontextprotocol/tasks */
    bool ok = params != NULL && (!is_task || yyjson_mut_obj_add_obj(doc, params, "task") != NULL);
    *made   = ok ? yyjson_mut_val_imut_copy(params, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    request->params       = yyjson_doc_get_root(*made);
    request->follows_task = is_task && !follows;
    c->may_be_task        = is_task && follows;
    return *made != NULL;
}

/* --- what became of it --- */

bool
tasks_take(struct crossing *c, yyjson_val *result, yyjson_doc **made)
{
    yyjson_val *task = json_member(result, "task"), *meta = json_member(result, "_meta");
    struct str  id = json_str_in(task, "taskId");

    if (!c->may_be_task || id.data == NULL)
        return true;
    struct held_task *t    = held_new(c->peer, id);
    yyjson_mut_doc   *doc  = t == NULL ? NULL : yyjson_mut_doc_new(NULL);
    yyjson_mut_val   *into = yyjson_mut_obj(doc);
    if (yyjson_mut_obj_add_str(doc, into, "resultType", "task")) {
        held_describe(t, doc, into, task);
        if (meta != NULL) /* what the model may be told at once, for one */
            yyjson_mut_obj_add_val(doc, into, "_meta", yyjson_val_mut_copy(doc, meta));
        *made = yyjson_mut_val_imut_copy(into, NULL);
    }
    yyjson_mut_doc_free(doc);
    if (t == NULL)
        held_cancel(c->peer, id);
    else if (*made == NULL)
        held_drop(t, "no memory");
    return *made != NULL;
}
