/* Tasks of a modern server, which makes one of any call that takes long, for clients of 2025-11-25, who ask for one.
 *
 *   tools/call with task   called with the extension: its task, in the client's words. A server that answers at once
 *                          made none, but the client has been promised one: it gets one of ours (tasks_kept.c)
 *   tools/call             called without it. A server that cannot do without (-32021) is called again with it, and
 *                          followed: the client sees no task
 *   tasks/get              tasks/get, without what it asks and what it came to
 *   tasks/result           its task is followed until it is over, and asks on the stream of this
 *   notifications/tasks    asked for while who made the task has a stream, where it is told as tasks/status
 *   tasks/cancel           refused when it is over already, which the extension does not do: so it is looked at first
 *
 * Ids are the server's. Nothing is kept of its tasks: who comes again, or after a restart, finds them there. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { CODE_ABILITY_MISSING = -32021, CODE_NO_METHOD = -32601, CODE_PARAMS = -32602, CODE_INTERNAL = -32603 };

#define EXTENSION "io.modelcontextprotocol/tasks"
#define RELATED   "io.modelcontextprotocol/related-task"

struct made {
    bool            is_broken; /* no memory */
    yyjson_mut_doc *doc;
};

static void
made_begin(struct made *m)
{
    yyjson_alc memory = json_heap(&m->is_broken);

    m->doc = yyjson_mut_doc_new(&memory);
}

/* NULL: no memory. */
static yyjson_doc *
made_end(struct made *m, yyjson_mut_val *root)
{
    yyjson_alc  memory = json_heap(&m->is_broken);
    yyjson_doc *fixed  = m->is_broken ? NULL : yyjson_mut_val_imut_copy(root, &memory);

    yyjson_mut_doc_free(m->doc);
    return fixed;
}

/* --- what the server is asked --- */

/* The client's capabilities, and that it follows tasks, which is the bridge's doing. In the request's memory; STR_NONE:
 * none left. */
static struct str
capabilities_with_tasks(struct request *r)
{
    struct made     m      = {0};
    yyjson_doc     *plain  = json_read(bridge_capabilities(r));
    yyjson_mut_val *said   = (made_begin(&m), yyjson_val_mut_copy(m.doc, yyjson_doc_get_root(plain)));
    yyjson_mut_val *extend = yyjson_mut_obj_get(said, "extensions");

    if (!yyjson_mut_is_obj(extend)) {
        yyjson_mut_obj_remove_key(said, "extensions");
        extend = yyjson_mut_obj_add_obj(m.doc, said, "extensions");
    }
    yyjson_mut_obj_add_obj(m.doc, extend, EXTENSION);
    size_t len  = 0;
    char  *text = m.is_broken ? NULL : yyjson_mut_val_write(said, 0, &len);
    char  *held = text == NULL ? NULL : request_alloc(r, len + 1);
    if (held != NULL)
        memcpy(held, text, len + 1);
    free(text);
    yyjson_doc_free(plain);
    yyjson_mut_doc_free(m.doc);
    return held == NULL ? STR_NONE : str_of(held, len);
}

static yyjson_doc *
without_task(yyjson_val *params)
{
    struct made     m    = {0};
    yyjson_mut_val *copy = (made_begin(&m), yyjson_val_mut_copy(m.doc, params));

    yyjson_mut_obj_remove_key(copy, "task");
    return made_end(&m, copy);
}

static yyjson_doc *
task_named(struct str id)
{
    struct made     m      = {0};
    yyjson_mut_val *params = (made_begin(&m), yyjson_mut_obj(m.doc));

    yyjson_mut_obj_add_val(m.doc, params, "taskId", json_text(m.doc, id));
    return made_end(&m, params);
}

static struct str
task_of(struct request *r)
{
    return json_str_in(request_params(r), "taskId");
}

bool
legacy_task_prepare(struct crossing *c, struct request *r, struct client_request *request, yyjson_doc **params)
{
    enum task_errand errand = c->errand;

    if (c->is_modern || c->peer->era != CLIENT_MODERN)
        return true;
    request->follows_task = errand == TASK_WAIT || c->follows_task;
    if (errand == TASK_NONE)
        return true;
    *params = errand == TASK_MAKE ? without_task(request_params(r)) : task_named(task_of(r));
    if (errand != TASK_MAKE)
        request->method = errand == TASK_STOP ? STR("tasks/cancel") : STR("tasks/get");
    request->params       = yyjson_doc_get_root(*params);
    request->capabilities = capabilities_with_tasks(r);
    return *params != NULL && request->capabilities.data != NULL;
}

/* --- what the client is told --- */

/* A task as 2025-11-25 has it; `from` is flat. */
static void
put_task(struct made *m, yyjson_mut_val *into, yyjson_val *from)
{
    static const char *const names[][2] = {{"taskId", "taskId"},
                                           {"status", "status"},
                                           {"statusMessage", "statusMessage"},
                                           {"createdAt", "createdAt"},
                                           {"lastUpdatedAt", "lastUpdatedAt"},
                                           {"ttlMs", "ttl"},
                                           {"pollIntervalMs", "pollInterval"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        yyjson_val *value = yyjson_obj_get(from, names[i][0]);
        if (value != NULL)
            yyjson_mut_obj_add_val(m->doc, into, names[i][1], yyjson_val_mut_copy(m->doc, value));
    }
    if (yyjson_obj_get(from, "ttlMs") == NULL) /* which must be there: null is "for ever" */
        yyjson_mut_obj_add_null(m->doc, into, "ttl");
}

static void
put_meta(struct made *m, yyjson_mut_val *into, yyjson_val *from)
{
    yyjson_val *meta = json_member(from, "_meta");

    if (meta != NULL)
        yyjson_mut_obj_add_val(m->doc, into, "_meta", yyjson_val_mut_copy(m->doc, meta));
}

static yyjson_doc *
task_created(yyjson_val *result)
{
    struct made     m    = {0};
    yyjson_mut_val *root = (made_begin(&m), yyjson_mut_obj(m.doc));

    put_task(&m, yyjson_mut_obj_add_obj(m.doc, root, "task"), result);
    put_meta(&m, root, result);
    return made_end(&m, root);
}

static yyjson_doc *
task_seen(yyjson_val *result)
{
    struct made     m    = {0};
    yyjson_mut_val *root = (made_begin(&m), yyjson_mut_obj(m.doc));

    put_task(&m, root, result);
    put_meta(&m, root, result);
    return made_end(&m, root);
}

yyjson_doc *
legacy_task_news(yyjson_val *params)
{
    struct made     m    = {0};
    yyjson_mut_val *root = (made_begin(&m), yyjson_mut_obj(m.doc));

    put_task(&m, root, params);
    return made_end(&m, root);
}

yyjson_doc *
legacy_task_relate(yyjson_val *value, struct str id)
{
    struct made     m = {0};
    yyjson_mut_val *copy =
        (made_begin(&m), yyjson_is_obj(value) ? yyjson_val_mut_copy(m.doc, value) : yyjson_mut_obj(m.doc));
    yyjson_mut_val *meta = yyjson_mut_obj_get(copy, "_meta");

    if (!yyjson_mut_is_obj(meta)) {
        yyjson_mut_obj_remove_key(copy, "_meta");
        meta = yyjson_mut_obj_add_obj(m.doc, copy, "_meta");
    }
    yyjson_mut_obj_remove_key(meta, RELATED);
    yyjson_mut_obj_add_val(m.doc, yyjson_mut_obj_add_obj(m.doc, meta, RELATED), "taskId", json_text(m.doc, id));
    return made_end(&m, copy);
}

static void
tell(struct crossing *c, yyjson_doc *told)
{
    if (told == NULL)
        crossing_refuse(c, CODE_INTERNAL, STR("no memory"), NULL);
    else
        crossing_finish(c, yyjson_doc_get_root(told));
    yyjson_doc_free(told);
}

static void
tell_made(struct crossing *c, struct request *r, yyjson_val *result)
{
    struct error err = {0};

    if (yyjson_equals_str(yyjson_obj_get(result, "resultType"), "task")) {
        if (!request_follow_task(r, json_str_in(result, "taskId")))
            bridge_trouble(c->bridge, "has made a task of which no news will be told: there is no memory");
        tell(c, task_created(result));
        return;
    }
    yyjson_doc *own = kept_task_new(c->bridge, c->caller, yyjson_obj_get(request_params(r), "task"), result, &err);
    if (own == NULL)
        crossing_refuse(c, CODE_INTERNAL, str_from(err.text), NULL);
    else
        tell(c, own);
}

void
legacy_task_end(struct crossing *c, struct request *r, yyjson_val *result)
{
    if (c->errand == TASK_WAIT || (c->errand != TASK_MAKE && task_is_over(result)))
        request_leave_task(r, task_of(r));
    if (c->errand == TASK_MAKE)
        tell_made(c, r, result);
    else if (c->errand == TASK_WAIT)
        tell(c, legacy_task_relate(result, task_of(r)));
    else if (c->errand == TASK_STOP_LOOK)
        crossing_refuse(c, CODE_PARAMS, STR("The task is over: it cannot be cancelled"), NULL);
    else
        tell(c, task_seen(result));
}

bool
legacy_task_goes_on(struct crossing *c, yyjson_val *result)
{
    if (c->errand == TASK_STOP_LOOK && !task_is_over(result))
        c->errand = TASK_STOP;
    else if (c->errand == TASK_STOP)
        c->errand = TASK_LOOK;
    else
        return false;
    return true;
}

bool
legacy_task_is_needed(const struct crossing *c, int code, yyjson_val *data)
{
    yyjson_val *missing = json_member(json_member(data, "requiredCapabilities"), "extensions");

    return !c->is_modern && c->peer->era == CLIENT_MODERN && c->errand == TASK_NONE && !c->follows_task &&
           code == CODE_ABILITY_MISSING && yyjson_obj_get(missing, EXTENSION) != NULL;
}

/* --- what the client asks --- */

static enum task_errand
errand_of(struct request *r)
{
    static const struct {
        struct str       method;
        enum task_errand errand;
    } errands[] = {
        {{"tasks/get", 9}, TASK_LOOK}, {{"tasks/result", 12}, TASK_WAIT}, {{"tasks/cancel", 12}, TASK_STOP_LOOK}};

    for (size_t i = 0; i < sizeof errands / sizeof *errands; i++)
        if (str_eq(request_method(r), errands[i].method))
            return errands[i].errand;
    return TASK_NONE;
}

/* One of ours, which is over since it was made. */
static void
serve_kept(struct request *r, const struct kept_task *t, enum task_errand errand)
{
    yyjson_doc *told = errand == TASK_STOP_LOOK ? NULL
                       : errand == TASK_LOOK    ? kept_task_describe(t)
                                                : kept_task_result(t);

    if (errand == TASK_STOP_LOOK)
        request_refuse_with(r, CODE_PARAMS, STR("The task is over: it cannot be cancelled"), NULL);
    else if (told == NULL)
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
    else
        request_finish_with(r, yyjson_doc_get_root(told));
    yyjson_doc_free(told);
}

static void
serve_task(struct request *r, enum task_errand errand, bool has_tasks)
{
    struct str              id = task_of(r);
    const struct kept_task *t  = kept_task_find(request_owner(r), id, caller_of_request(r));

    if (errand == TASK_NONE || !has_tasks)
        request_refuse_with(r, CODE_NO_METHOD, STR("Method not found"), NULL);
    else if (id.data == NULL)
        request_refuse_with(r, CODE_PARAMS, STR("taskId is missing"), NULL);
    else if (t != NULL)
        serve_kept(r, t, errand);
    else
        crossing_begin(r, errand);
}

bool
legacy_task_serve(struct request *r)
{
    bool has_tasks = str_eq(request_revision(r), STR("2025-11-25")) && request_server_makes_tasks(r);
    bool is_asked  = has_tasks && str_eq(request_method(r), STR("tools/call")) &&
                    yyjson_is_obj(yyjson_obj_get(request_params(r), "task"));

    if (request_is_modern(r) || request_data(r) != NULL)
        return false;
    if (str_starts(request_method(r), STR("tasks/")))
        serve_task(r, errand_of(r), has_tasks);
    else if (is_asked)
        crossing_begin(r, TASK_MAKE);
    else
        return false;
    return true;
}
