/* A task of 2025-11-25 in the words of the extension: the times in milliseconds say so in their names, what it came to
 * is in it, and what it asks does not name it. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

static void
copy_text(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, yyjson_val *from)
{
    yyjson_val *value = yyjson_obj_get(from, key);

    if (yyjson_is_str(value))
        yyjson_mut_obj_add_val(doc, into, key, yyjson_val_mut_copy(doc, value));
}

static void
copy_time(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, yyjson_val *from, wall_time otherwise)
{
    char text[TIME_ISO_SIZE];

    copy_text(doc, into, key, from);
    if (yyjson_mut_obj_get(into, key) != NULL)
        return;
    time_format_iso(otherwise, text);
    yyjson_mut_obj_add_strcpy(doc, into, key, text);
}

/* It is there for bridge.wait after it was asked about, and no longer than its server keeps it. */
static int64_t
life_of(const struct held_task *t, yyjson_val *ttl)
{
    int64_t ours = (clock_wall() - t->made + t->bridge->gateway->parts.settings->bridge.wait) / MILLISECONDS(1);

    return yyjson_is_int(ttl) && yyjson_get_sint(ttl) < ours ? yyjson_get_sint(ttl) : ours;
}

void
task_put_fields(const struct held_task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *from,
                const char *status)
{
    yyjson_val *poll = yyjson_obj_get(from, "pollInterval");

    yyjson_mut_obj_add_strcpy(doc, into, "taskId", t->id);
    yyjson_mut_obj_add_strcpy(doc, into, "status", status);
    copy_text(doc, into, "statusMessage", from);
    copy_time(doc, into, "createdAt", from, t->made);
    copy_time(doc, into, "lastUpdatedAt", from, clock_wall());
    yyjson_mut_obj_add_sint(doc, into, "ttlMs", life_of(t, yyjson_obj_get(from, "ttl")));
    if (yyjson_is_int(poll) && yyjson_get_sint(poll) >= 0)
        yyjson_mut_obj_add_val(doc, into, "pollIntervalMs", yyjson_val_mut_copy(doc, poll));
}

/* What came of it its client learns when it asks: status failed may be a result there. */
void
held_describe(const struct held_task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *task)
{
    bool is_cancelled = yyjson_equals_str(yyjson_obj_get(task, "status"), "cancelled");

    task_put_fields(t, doc, into, task, is_cancelled ? "cancelled" : "working");
}

/* To which task it belongs nobody needs to be told. */
static void
hide_relation(yyjson_mut_val *of)
{
    yyjson_mut_val *meta = yyjson_mut_obj_get(of, "_meta");

    yyjson_mut_obj_remove_key(meta, "io.modelcontextprotocol/related-task");
    if (yyjson_mut_is_obj(meta) && yyjson_mut_obj_size(meta) == 0)
        yyjson_mut_obj_remove_key(of, "_meta");
}

/* What the call would have come to. */
void
task_put_result(yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *result)
{
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, result);

    hide_relation(copy);
    if (yyjson_mut_obj_get(copy, "resultType") == NULL)
        yyjson_mut_obj_add_str(doc, copy, "resultType", "complete");
    yyjson_mut_obj_add_val(doc, into, "result", copy);
}

void
task_put_error(yyjson_mut_doc *doc, yyjson_mut_val *into, int code, struct str message, yyjson_val *data)
{
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(doc, into, "error");

    yyjson_mut_obj_add_int(doc, error, "code", code);
    yyjson_mut_obj_add_val(doc, error, "message", json_text(doc, message));
    if (data != NULL)
        yyjson_mut_obj_add_val(doc, error, "data", yyjson_val_mut_copy(doc, data));
}
