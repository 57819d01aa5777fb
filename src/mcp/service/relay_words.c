/* What the other era says in its own way, put in the words of the client's. relay.h has the table. */
#include "mcp/service/relay.h"

#include "mcp/service/parts.h"

static const char *const envelope_keys[] = {
    META_KEY("protocolVersion"),
    META_KEY("clientInfo"),
    META_KEY("clientCapabilities"),
    META_KEY("logLevel"),
    META_KEY("serverInfo"),
    META_KEY("subscriptionId"),
    "progressToken",
};

static bool
is_of(const struct request *r, const char *method)
{
    return str_eq(r->name, str_from(method));
}

void
words_drop_envelope(yyjson_mut_val *of)
{
    yyjson_mut_val *meta = yyjson_mut_obj_get(of, "_meta");

    if (!yyjson_mut_is_obj(meta))
        return;
    for (size_t i = 0; i < sizeof envelope_keys / sizeof envelope_keys[0]; i++)
        yyjson_mut_obj_remove_key(meta, envelope_keys[i]);
    if (yyjson_mut_obj_size(meta) == 0)
        yyjson_mut_obj_remove_key(of, "_meta");
}

void
words_drop_task(yyjson_mut_val *of)
{
    yyjson_mut_val *meta = yyjson_mut_obj_get(of, "_meta");

    yyjson_mut_obj_remove_key(meta, META_KEY("related-task"));
    if (yyjson_mut_is_obj(meta) && yyjson_mut_obj_size(meta) == 0)
        yyjson_mut_obj_remove_key(of, "_meta");
}

/* --- capabilities --- */

/* What not every client knows; all others are told to all. What belongs to an extension is said since 2026-07-28, and
 * by clients of 2025-11-25 that speak one. Of tasks put_tasks tells. */
static const struct {
    const char   *name;
    enum revision since; /* REVISIONS: never */
} limited[] = {
    {"completions", SINCE_COMPLETIONS},
    {"extensions", REVISION_2025_11_25},
    {"tasks", REVISIONS},
};

static bool
is_known(const struct request *r, const char *capability)
{
    for (size_t i = 0; i < sizeof limited / sizeof limited[0]; i++)
        if (strcmp(capability, limited[i].name) == 0)
            return r->revision >= limited[i].since;
    return true;
}

static bool
is_extended_by_tasks(yyjson_val *capabilities)
{
    return json_member(json_member(capabilities, "extensions"), TASKS_EXTENSION) != NULL;
}

/* Of 2025-11-25: of calls of tools. */
static bool
makes_legacy_tasks(yyjson_val *capabilities)
{
    yyjson_val *requests = json_member(json_member(capabilities, "tasks"), "requests");

    return json_member(json_member(requests, "tools"), "call") != NULL;
}

bool
request_server_makes_tasks(const struct request *r)
{
    const struct relayed *k    = r->service->relayed;
    yyjson_val           *said = k == NULL ? NULL : yyjson_doc_get_root(k->capabilities);

    if (k == NULL)
        return r->service->tasks != NULL;
    return is_modern(r) ? makes_legacy_tasks(said) : is_extended_by_tasks(said);
}

/* Tasks are two things: of 2025-11-25, whose clients ask for one, and of an extension, whose servers make one of what
 * takes long. A server of the other era has them in the client's words; all that it has of them is carried over. */
static void
put_legacy_tasks(struct request *r, yyjson_mut_val *into)
{
    yyjson_mut_val *tasks = yyjson_mut_obj_add_obj(r->doc, into, "tasks");

    yyjson_mut_obj_add_obj(r->doc, tasks, "cancel");
    yyjson_mut_val *requests = yyjson_mut_obj_add_obj(r->doc, tasks, "requests");
    yyjson_mut_obj_add_obj(r->doc, yyjson_mut_obj_add_obj(r->doc, requests, "tools"), "call");
}

static void
put_modern_tasks(struct request *r, yyjson_mut_val *into)
{
    yyjson_mut_val *extensions = yyjson_mut_obj_get(into, "extensions");

    if (!yyjson_mut_is_obj(extensions)) {
        yyjson_mut_obj_remove_key(into, "extensions");
        extensions = yyjson_mut_obj_add_obj(r->doc, into, "extensions");
    }
    yyjson_mut_obj_add_obj(r->doc, extensions, TASKS_EXTENSION);
}

static void
put_tasks(struct request *r, yyjson_mut_val *into, yyjson_val *capabilities)
{
    if (is_modern(r) && makes_legacy_tasks(capabilities))
        put_modern_tasks(r, into);
    if (r->revision == HAS_LEGACY_TASKS && is_extended_by_tasks(capabilities))
        put_legacy_tasks(r, into);
}

void
words_put_capabilities(struct request *r, yyjson_mut_val *into, yyjson_val *capabilities)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(capabilities);
    yyjson_val     *key;

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        yyjson_mut_val *value = yyjson_val_mut_copy(r->doc, yyjson_obj_iter_get_val(key));
        if (!is_known(r, yyjson_get_str(key)))
            continue;
        if (yyjson_equals_str(key, "extensions") && yyjson_mut_is_obj(value))
            yyjson_mut_obj_remove_key(value, TASKS_EXTENSION);
        yyjson_mut_obj_add(into, yyjson_val_mut_copy(r->doc, key), value);
    }
    put_tasks(r, into, capabilities);
}

/* --- results for modern clients --- */

static void
put_missing(struct request *r, yyjson_mut_val *into, const char *key, yyjson_mut_val *value)
{
    if (yyjson_mut_obj_get(into, key) == NULL && !yyjson_mut_obj_add_val(r->doc, into, key, value))
        r->is_broken = true;
}

/* How a tool may be called is not for its clients to know: they ask for no task. */
static void
drop_execution(yyjson_mut_val *tools)
{
    yyjson_mut_val *tool;
    size_t          index, max;

    yyjson_mut_arr_foreach(tools, index, max, tool)
    {
        yyjson_mut_obj_remove_key(tool, "execution");
    }
}

static void
fit_modern(struct request *r, yyjson_mut_val *result)
{
    yyjson_mut_val *meta = yyjson_mut_obj_get(result, "_meta");

    if (is_of(r, "tools/list"))
        drop_execution(yyjson_mut_obj_get(result, "tools"));

    put_missing(r, result, "resultType", yyjson_mut_str(r->doc, "complete"));
    if (r->method != NULL && (r->method->traits & METHOD_LASTS) != 0) {
        put_missing(r, result, "ttlMs", yyjson_mut_uint(r->doc, 0));
        put_missing(r, result, "cacheScope", yyjson_mut_str(r->doc, "private"));
    }
    if (r->service->identity == NULL)
        return;
    if (!yyjson_mut_is_obj(meta)) {
        yyjson_mut_obj_remove_key(result, "_meta");
        meta = yyjson_mut_obj_add_obj(r->doc, result, "_meta");
    }
    put_missing(r, meta, META_KEY("serverInfo"), yyjson_mut_raw(r->doc, r->service->identity));
}

/* --- results for legacy clients --- */

/* A server of the extension makes a task of any call that takes long, and of none that its client may not ask for. */
static void
offer_task(struct request *r, yyjson_mut_val *tool)
{
    yyjson_mut_obj_remove_key(tool, "execution");
    yyjson_mut_obj_add_str(r->doc, yyjson_mut_obj_add_obj(r->doc, tool, "execution"), "taskSupport", "optional");
}

/* A schema of anything but an object is of 2026-07-28 on. */
static void
fit_tools(struct request *r, yyjson_mut_val *result)
{
    bool            may_be_tasks = r->revision == HAS_LEGACY_TASKS && request_server_makes_tasks(r);
    yyjson_mut_val *tools        = yyjson_mut_obj_get(result, "tools"), *tool;
    size_t          index, max;

    yyjson_mut_arr_foreach(tools, index, max, tool)
    {
        yyjson_mut_val *schema = yyjson_mut_obj_get(tool, "outputSchema");
        if (schema != NULL && !yyjson_mut_equals_str(yyjson_mut_obj_get(schema, "type"), "object"))
            yyjson_mut_obj_remove_key(tool, "outputSchema");
        if (may_be_tasks && yyjson_mut_is_obj(tool))
            offer_task(r, tool);
    }
}

static yyjson_mut_val *
fit_block(struct request *r, yyjson_mut_val *block)
{
    yyjson_mut_val *other = block_stand_in(r, block);

    return other == NULL ? block : other;
}

static bool
has_text(yyjson_mut_val *content)
{
    yyjson_mut_val *block;
    size_t          index, max;

    yyjson_mut_arr_foreach(content, index, max, block)
    {
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(block, "type"), "text"))
            return true;
    }
    return false;
}

/* What cannot stay as a structure is said as text, unless the server did that. */
static void
say_structure(struct request *r, yyjson_mut_val *content, yyjson_mut_val *structure)
{
    yyjson_alc      memory = json_memory(r);
    size_t          len;
    char           *text  = yyjson_mut_val_write_opts(structure, 0, &memory, &len, NULL);
    yyjson_mut_val *block = yyjson_mut_obj(r->doc);

    if (text == NULL || !yyjson_mut_obj_add_str(r->doc, block, "type", "text") ||
        !yyjson_mut_obj_add_strn(r->doc, block, "text", text, len) || !yyjson_mut_arr_append(content, block))
        r->is_broken = true;
}

static void
fit_outcome(struct request *r, yyjson_mut_val *result)
{
    yyjson_mut_val *content   = yyjson_mut_obj_get(result, "content"), *block;
    yyjson_mut_val *structure = yyjson_mut_obj_get(result, "structuredContent");
    size_t          index, max;

    yyjson_mut_arr_foreach(content, index, max, block)
    {
        yyjson_mut_val *other = fit_block(r, block);
        if (other != block)
            yyjson_mut_arr_replace(content, index, other);
    }
    if (structure == NULL || yyjson_mut_is_obj(structure))
        return;
    yyjson_mut_obj_remove_key(result, "structuredContent");
    if (yyjson_mut_is_arr(content) && !has_text(content))
        say_structure(r, content, structure);
}

static void
fit_prompt(struct request *r, yyjson_mut_val *result)
{
    yyjson_mut_val *message;
    size_t          index, max;

    yyjson_mut_arr_foreach(yyjson_mut_obj_get(result, "messages"), index, max, message)
    {
        yyjson_mut_val *block = yyjson_mut_obj_get(message, "content");
        yyjson_mut_val *other = fit_block(r, block);
        if (other != block)
            yyjson_mut_obj_replace(message, yyjson_mut_str(r->doc, "content"), other);
    }
}

static const struct {
    const char *method;
    void (*fit)(struct request *r, yyjson_mut_val *result);
} older[] = {
    {"tools/list", fit_tools}, {"tools/call", fit_outcome}, {"tasks/result", fit_outcome}, {"prompts/get", fit_prompt}};

static void
fit_legacy(struct request *r, yyjson_mut_val *result)
{
    static const char *const newer[] = {"resultType", "ttlMs", "cacheScope"};

    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++)
        yyjson_mut_obj_remove_key(result, newer[i]);
    words_drop_envelope(result);
    for (size_t i = 0; i < sizeof older / sizeof older[0]; i++)
        if (is_of(r, older[i].method))
            older[i].fit(r, result);
}

void
words_fit_result(struct request *r, yyjson_mut_val *result)
{
    if (is_modern(r))
        fit_modern(r, result);
    else
        fit_legacy(r, result);
}

/* --- errors --- */

/* {"uri":…}, as both eras have it. */
static void
put_uri(struct request *r, yyjson_mut_val **data)
{
    yyjson_val *uri = yyjson_obj_get(r->params, "uri");

    if (!yyjson_is_str(uri) || (*data != NULL && !yyjson_mut_is_obj(*data)))
        return;
    if (*data == NULL)
        *data = yyjson_mut_obj(r->doc);
    put_missing(r, *data, "uri", yyjson_val_mut_copy(r->doc, uri));
}

/* Pages that must be opened first: a client that could not be asked to lacks that ability, for any other there is no
 * word. */
static void
fit_pages(struct request *r, int *code, yyjson_mut_val **data)
{
    *code = RPC_INTERNAL;
    if (request_can(r, CLIENT_ELICITS_URL))
        return;
    *code = RPC_ABILITY_MISSING;
    *data = yyjson_mut_obj(r->doc);
    yyjson_mut_obj_add_val(r->doc, *data, "requiredCapabilities", abilities_describe(r->doc, CLIENT_ELICITS_URL));
}

void
words_fit_error(struct request *r, int *code, yyjson_mut_val **data)
{
    bool is_read = is_of(r, "resources/read");

    if (is_modern(r) && *code == RPC_RESOURCE_NOT_FOUND) {
        *code = RPC_INVALID_PARAMS;
        if (is_read)
            put_uri(r, data);
    } else if (is_modern(r) && *code == RPC_PAGES_NEEDED) {
        fit_pages(r, code, data);
    } else if (!is_modern(r) && *code == RPC_INVALID_PARAMS && is_read &&
               yyjson_mut_is_str(yyjson_mut_obj_get(*data, "uri"))) {
        *code = RPC_RESOURCE_NOT_FOUND;
    }
}
