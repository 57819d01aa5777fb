/* The messages, as JSON. What fails on the way there is noted by the memory, and looked at once, at the end. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#include "mcp/log_level.h"

struct draft {
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    bool            is_broken;
};

static void
draft_begin(struct draft *d)
{
    *d                = (struct draft){0};
    yyjson_alc memory = json_heap(&d->is_broken);

    d->doc  = yyjson_mut_doc_new(&memory);
    d->root = yyjson_mut_obj(d->doc);
    yyjson_mut_doc_set_root(d->doc, d->root);
    yyjson_mut_obj_add_str(d->doc, d->root, "jsonrpc", "2.0");
}

static char *
draft_end(struct draft *d, size_t *len)
{
    char *text = d->root == NULL || d->is_broken ? NULL : json_write(d->doc, len);

    yyjson_mut_doc_free(d->doc);
    return text;
}

/* All members of `from` but those in `but`, NULL-terminated, of text that outlives the draft. */
static void
add_members(struct draft *d, yyjson_mut_val *into, yyjson_val *from, const char *const *but)
{
    yyjson_val *key, *value;
    size_t      index, max;

    yyjson_obj_foreach(from, index, max, key, value)
    {
        bool is_left_out = false;
        for (size_t i = 0; but[i] != NULL; i++)
            is_left_out |= yyjson_equals_str(key, but[i]);
        if (!is_left_out)
            yyjson_mut_obj_add(into, yyjson_val_mut_copy(d->doc, key), yyjson_val_mut_copy(d->doc, value));
    }
}

static void
add_client_info(struct draft *d, yyjson_mut_val *into, const char *key, const struct client *c)
{
    yyjson_mut_val *info = yyjson_mut_obj_add_obj(d->doc, into, key);

    yyjson_mut_obj_add_val(d->doc, info, "name", json_text(d->doc, str_from(c->name)));
    yyjson_mut_obj_add_val(d->doc, info, "version", json_text(d->doc, str_from(c->version)));
}

/* Who follows tasks says so, whatever the client says of others. */
static yyjson_mut_val *
capabilities(struct draft *d, const struct client_call *call)
{
    yyjson_doc     *doc   = call->capabilities != NULL ? call->capabilities : call->client->capabilities;
    yyjson_mut_val *said  = yyjson_val_mut_copy(d->doc, yyjson_doc_get_root(doc));
    yyjson_mut_val *extra = yyjson_mut_obj_get(said, "extensions");

    if (!call->follows_task)
        return said;
    if (!yyjson_mut_is_obj(extra)) {
        yyjson_mut_obj_remove_key(said, "extensions");
        extra = yyjson_mut_obj_add_obj(d->doc, said, "extensions");
    }
    if (yyjson_mut_obj_get(extra, META_KEY("tasks")) == NULL)
        yyjson_mut_obj_add_obj(d->doc, extra, META_KEY("tasks"));
    return said;
}

/* NULL: it has nothing to say. */
static yyjson_mut_val *
meta(struct draft *d, const struct client_call *call)
{
    static const char *const envelope[] = {"progressToken",        META_KEY("protocolVersion"),
                                           META_KEY("clientInfo"), META_KEY("clientCapabilities"),
                                           META_KEY("logLevel"),   NULL};
    const struct client     *c          = call->client;
    yyjson_mut_val          *into       = yyjson_mut_obj(d->doc);

    add_members(d, into, json_member(yyjson_doc_get_root(call->params), "_meta"), envelope);
    if (call->follows_progress && call->task == NULL) /* of a task it holds on */
        yyjson_mut_obj_add_uint(d->doc, into, "progressToken", call->token);
    if (!call->is_modern)
        return yyjson_mut_obj_size(into) == 0 ? NULL : into;
    yyjson_mut_obj_add_str(d->doc, into, META_KEY("protocolVersion"), c->revision);
    add_client_info(d, into, META_KEY("clientInfo"), c);
    yyjson_mut_obj_add_val(d->doc, into, META_KEY("clientCapabilities"), capabilities(d, call));
    if (call->level >= 0 && call->level < LOG_LEVELS)
        yyjson_mut_obj_add_str(d->doc, into, META_KEY("logLevel"), log_levels[call->level]);
    return into;
}

/* MCP 2026-07-28: one answer for each question, under its key; the state exactly as it came, none where none came. */
static void
add_answers(struct draft *d, yyjson_mut_val *params, const struct client_call *call)
{
    yyjson_val *asked = yyjson_obj_get(yyjson_doc_get_root(call->round), "result");
    yyjson_val *state = yyjson_obj_get(asked, "requestState");

    if (!list_is_empty(&call->questions)) {
        yyjson_mut_val *responses = yyjson_mut_obj_add_obj(d->doc, params, "inputResponses");
        LIST_EACH (struct question_in, q, &call->questions, node)
            yyjson_mut_obj_add_val(d->doc, responses, q->key,
                                   yyjson_val_mut_copy(d->doc, yyjson_doc_get_root(q->answer)));
    }
    if (state != NULL)
        yyjson_mut_obj_add_val(d->doc, params, "requestState", yyjson_val_mut_copy(d->doc, state));
}

char *
compose_request(const struct client_call *call, size_t *len)
{
    static const char *const first[] = {"_meta", NULL}, *const later[] = {"_meta", "inputResponses", "requestState",
                                                                          NULL};
    struct draft d;

    draft_begin(&d);
    yyjson_mut_obj_add_uint(d.doc, d.root, "id", call->id);
    yyjson_mut_obj_add_str(d.doc, d.root, "method", call->method);
    yyjson_mut_val *params = yyjson_mut_obj(d.doc), *envelope = meta(&d, call);
    add_members(&d, params, yyjson_doc_get_root(call->params), call->rounds > 0 ? later : first);
    if (call->rounds > 0)
        add_answers(&d, params, call);
    if (envelope != NULL)
        yyjson_mut_obj_add_val(d.doc, params, "_meta", envelope);
    if (call->params != NULL || envelope != NULL)
        yyjson_mut_obj_add_val(d.doc, d.root, "params", params);
    return draft_end(&d, len);
}

char *
compose_notification(const char *method, yyjson_val *params, size_t *len)
{
    struct draft d;

    draft_begin(&d);
    yyjson_mut_obj_add_str(d.doc, d.root, "method", method);
    if (params != NULL)
        yyjson_mut_obj_add_val(d.doc, d.root, "params", yyjson_val_mut_copy(d.doc, params));
    return draft_end(&d, len);
}

char *
compose_cancel(uint64_t id, const char *reason, size_t *len)
{
    struct draft d;

    draft_begin(&d);
    yyjson_mut_obj_add_str(d.doc, d.root, "method", "notifications/cancelled");
    yyjson_mut_val *params = yyjson_mut_obj_add_obj(d.doc, d.root, "params");
    yyjson_mut_obj_add_uint(d.doc, params, "requestId", id);
    if (reason != NULL)
        yyjson_mut_obj_add_val(d.doc, params, "reason", json_text(d.doc, str_from(reason)));
    return draft_end(&d, len);
}

char *
compose_result(const char *id, yyjson_val *result, size_t *len)
{
    struct draft d;

    draft_begin(&d);
    yyjson_mut_obj_add_val(d.doc, d.root, "id", yyjson_mut_raw(d.doc, id));
    yyjson_mut_obj_add_val(d.doc, d.root, "result",
                           result == NULL ? yyjson_mut_obj(d.doc) : yyjson_val_mut_copy(d.doc, result));
    return draft_end(&d, len);
}

char *
compose_error(const char *id, int code, const char *words, size_t *len)
{
    struct draft d;

    draft_begin(&d);
    yyjson_mut_obj_add_val(d.doc, d.root, "id", yyjson_mut_raw(d.doc, id));
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(d.doc, d.root, "error");
    yyjson_mut_obj_add_int(d.doc, error, "code", code);
    yyjson_mut_obj_add_val(d.doc, error, "message", json_text(d.doc, str_from(words)));
    return draft_end(&d, len);
}
