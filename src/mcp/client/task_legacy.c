/* A call that has become a task of a server of 2025-11-25, because it asked for that (`task` in its params): the same
 * call goes on as tasks/result, which waits until the task is over and is the stream on which it asks. What it comes to
 * is what the call would have come to. MCP 2025-11-25 basic/utilities/tasks. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#define RELATED META_KEY("related-task")

static struct str
related_of(yyjson_val *params)
{
    return json_str_in(json_member(json_member(params, "_meta"), RELATED), "taskId");
}

/* {"taskId":…}, of the heap; NULL: no memory. */
static yyjson_doc *
params_of(struct str id)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *params    = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_val(doc, params, "taskId", json_text(doc, id));
    yyjson_doc *made = is_broken ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    return made;
}

bool
task_is_begun(const struct client_call *call, yyjson_val *result)
{
    yyjson_val *params = yyjson_doc_get_root(call->params);

    return call->follows_task && !call->is_modern && call->task == NULL &&
           yyjson_is_obj(yyjson_obj_get(params, "task")) &&
           json_str_in(json_member(result, "task"), "taskId").data != NULL;
}

void
task_begin(struct client_call *call, yyjson_val *result)
{
    struct str  id     = json_str_in(json_member(result, "task"), "taskId");
    char       *kept   = text_copy(id);
    char       *method = text_copy(STR("tasks/result"));
    yyjson_doc *params = params_of(id);

    if (kept == NULL || method == NULL || params == NULL) {
        free(kept);
        free(method);
        yyjson_doc_free(params);
        call_fail(call, CLOSE_BUSY, "no memory to follow its task");
        return;
    }
    free(call->method);
    free(call->last_event);
    yyjson_doc_free(call->params);
    call->method = method;
    call->params = params;
    call->task   = kept;
    call->client->followed++;
    call->last_event = NULL; /* of a stream that is done with */
    call->resumes    = 0;
    call_send_or_fail(call);
}

/* Nobody else knows that it was one. */
bool
task_hide(const struct client_call *call, yyjson_val *result, yyjson_doc **shown)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_val     *meta      = json_member(result, "_meta");
    yyjson_mut_doc *doc;

    if (call->task == NULL || yyjson_obj_get(meta, RELATED) == NULL)
        return true;
    doc                  = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, result), *left = yyjson_mut_obj_get(copy, "_meta");
    yyjson_mut_obj_remove_key(left, RELATED);
    if (yyjson_mut_obj_size(left) == 0)
        yyjson_mut_obj_remove_key(copy, "_meta");
    *shown = is_broken ? NULL : yyjson_mut_val_imut_copy(copy, &memory);
    yyjson_mut_doc_free(doc);
    return *shown != NULL;
}

static struct client_call *
call_of_task(struct client *c, struct str id)
{
    if (id.data == NULL)
        return NULL;
    LIST_EACH (struct client_call, call, &c->calls, node)
        if (call->task != NULL && str_eq(str_from(call->task), id))
            return call;
    return NULL;
}

struct client_call *
task_asked_in(struct client *c, const struct envelope *e)
{
    yyjson_doc         *doc  = c->followed == 0 ? NULL : json_read(e->message);
    struct client_call *call = call_of_task(c, related_of(json_member(yyjson_doc_get_root(doc), "params")));

    yyjson_doc_free(doc);
    return call;
}

/* The message of progress that says it; of malloc, NULL: no memory. */
static char *
compose_progress(const struct client_call *call, yyjson_val *words, size_t *len)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *params    = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_uint(doc, params, "progressToken", call->token);
    yyjson_mut_obj_add_uint(doc, params, "progress", call->statuses);
    yyjson_mut_obj_add_val(doc, params, "message", yyjson_val_mut_copy(doc, words));
    yyjson_doc *made = is_broken ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    char *text = made == NULL ? NULL : compose_notification("notifications/progress", yyjson_doc_get_root(made), len);
    yyjson_doc_free(made);
    return text;
}

/* Where the server tells progress of its own, that says it better. */
void
task_tell_status(struct client_call *call, yyjson_val *words)
{
    char   digits[STR_DIGITS];
    size_t len = 0;

    if (!call->follows_progress || call->has_progress || call->events.on_message == NULL || !yyjson_is_str(words))
        return;
    call->statuses++;
    char *text = compose_progress(call, words, &len);
    if (text != NULL)
        call->events.on_message(call->owner, call,
                                &(struct envelope){.kind           = MESSAGE_NOTIFICATION,
                                                   .message        = str_of(text, len),
                                                   .method         = STR("notifications/progress"),
                                                   .progress_token = str_of_u64(digits, call->token)});
    free(text);
}

bool
task_hear(struct client *c, const struct envelope *e)
{
    if (c->followed == 0 || !str_eq(e->method, STR("notifications/tasks/status")))
        return false;
    yyjson_doc         *doc    = json_read(e->message);
    yyjson_val         *params = json_member(yyjson_doc_get_root(doc), "params");
    struct client_call *call   = call_of_task(c, json_str_in(params, "taskId"));

    if (call != NULL) {
        call->heard = loop_now(c->loop);
        task_tell_status(call, yyjson_obj_get(params, "statusMessage"));
    }
    yyjson_doc_free(doc);
    return call != NULL;
}

/* A server goes on with it, unless it is told. Nobody waits for what it says to that. */
void
task_cancel(const struct client_call *call)
{
    struct client              *c      = call->client;
    yyjson_doc                 *params = call->task == NULL ? NULL : params_of(str_from(call->task));
    const struct client_request asked  = {
         .method = STR("tasks/cancel"), .params = yyjson_doc_get_root(params), .level = -1, .patience = call->patience};

    if (params != NULL && !call->is_modern && c->state == CLIENT_OPEN && call->generation == c->generation)
        call_tell(c, &asked);
    yyjson_doc_free(params);
}
