/* What a handler gathers, and the result that it becomes in the client's revision. */
#include "base/base64.h"
#include "mcp/service/parts.h"

#define WRITING_MOST MIB(64)

/* No memory is remembered: the request fails for it in the end. */
static bool
is_made(struct request *r, bool ok)
{
    if (!ok)
        r->is_broken = true;
    return ok;
}

void
result_clear(struct request *r)
{
    buffer_clear(&r->writing);
}

void
result_begin(struct request *r)
{
    buffer_clear(&r->writing);
    r->writing.max = WRITING_MOST;
    r->items       = yyjson_mut_arr(r->doc);
    r->structured = r->own_meta = NULL;
    r->following                = STR_NONE;
    r->role                     = "user";
    r->has_text = r->is_error = false;
    is_made(r, r->items != NULL);
}

yyjson_mut_val *
result_new(struct request *r, const char *type)
{
    yyjson_mut_val *result = yyjson_mut_obj(r->doc);
    yyjson_mut_val *meta   = r->own_meta != NULL ? r->own_meta : yyjson_mut_obj(r->doc);

    r->own_meta = NULL; /* in one result only */
    if (!is_modern(r)) {
        if (yyjson_mut_obj_size(meta) > 0)
            is_made(r, yyjson_mut_obj_add_val(r->doc, result, "_meta", meta));
        return result;
    }
    if (r->service->identity != NULL)
        is_made(r, yyjson_mut_obj_add_val(r->doc, meta, META_KEY("serverInfo"),
                                          yyjson_mut_raw(r->doc, r->service->identity)));
    is_made(r, yyjson_mut_obj_add_str(r->doc, result, "resultType", type) &&
                   yyjson_mut_obj_add_val(r->doc, result, "_meta", meta));
    return result;
}

/* MCP 2026-07-28 server/utilities/caching. What answers to a question is for nobody else. */
void
result_add_freshness(struct request *r, yyjson_mut_val *result)
{
    const struct service_table *t      = r->service->table;
    bool                        is_own = r->given != NULL || r->known != NULL || r->service->relayed != NULL;

    if (!is_modern(r))
        return;
    is_made(r,
            yyjson_mut_obj_add_uint(r->doc, result, "ttlMs", is_own ? 0 : t->fresh_ms) &&
                yyjson_mut_obj_add_str(r->doc, result, "cacheScope", is_own || t->is_private ? "private" : "public"));
}

/* --- blocks --- */

static yyjson_mut_val *
block_new(struct request *r, const char *type)
{
    yyjson_mut_val *block = yyjson_mut_obj(r->doc);

    is_made(r, yyjson_mut_obj_add_str(r->doc, block, "type", type));
    return block;
}

static yyjson_mut_val *
text_block(struct request *r, struct str text)
{
    yyjson_mut_val *block = block_new(r, "text");

    is_made(r, yyjson_mut_obj_add_val(r->doc, block, "text", json_text(r->doc, text)));
    r->has_text = true;
    return block;
}

yyjson_mut_val *
block_stand_in(struct request *r, yyjson_mut_val *block)
{
    const char *type  = yyjson_mut_get_str(yyjson_mut_obj_get(block, "type"));
    const char *mime  = yyjson_mut_get_str(yyjson_mut_obj_get(block, "mimeType"));
    const char *uri   = yyjson_mut_get_str(yyjson_mut_obj_get(block, "uri"));
    const char *name  = yyjson_mut_get_str(yyjson_mut_obj_get(block, "name"));
    struct str  words = STR_NONE;

    if (type == NULL)
        return NULL;
    if (r->revision < SINCE_AUDIO && strcmp(type, "audio") == 0)
        words = arena_printf(r->arena, "[audio, %s]", mime == NULL ? "of an unknown type" : mime);
    else if (r->revision < SINCE_LINKS && strcmp(type, "resource_link") == 0)
        words = arena_printf(r->arena, "%s: %s", name == NULL ? "resource" : name, uri == NULL ? "" : uri);
    return words.data == NULL ? NULL : text_block(r, words);
}

static void end_writing(struct request *r);

/* A message of a prompt has a role; everything else lies in its list as it is. */
static void
add_item(struct request *r, yyjson_mut_val *item)
{
    end_writing(r);
    if (!is_made(r, item != NULL) || r->is_answered)
        return;
    yyjson_mut_val *other = block_stand_in(r, item);
    item                  = other != NULL ? other : item;
    if (r->prompt != NULL) {
        yyjson_mut_val *message = yyjson_mut_obj(r->doc);
        is_made(r, yyjson_mut_obj_add_str(r->doc, message, "role", r->role) &&
                       yyjson_mut_obj_add_val(r->doc, message, "content", item));
        item = message;
    }
    is_made(r, yyjson_mut_arr_append(r->items, item));
}

void
request_add(struct request *r, yyjson_mut_val *block)
{
    if (yyjson_mut_equals_str(yyjson_mut_obj_get(block, "type"), "text"))
        r->has_text = true;
    add_item(r, block);
}

void
request_add_text(struct request *r, struct str text)
{
    add_item(r, text_block(r, text));
}

static void
end_writing(struct request *r)
{
    struct buffer text = r->writing;

    if (buffer_len(&text) == 0)
        return;
    r->writing = (struct buffer){.max = text.max};
    request_add_text(r, buffer_str(&text));
    buffer_clear(&text);
}

void
request_write_text(struct request *r, struct str text)
{
    if (!r->is_answered)
        is_made(r, buffer_append(&r->writing, text));
}

void
request_write(struct request *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!r->is_answered)
        is_made(r, buffer_vprintf(&r->writing, format, args));
    va_end(args);
}

void
request_say(struct request *r, const char *format, ...)
{
    struct buffer text = {.max = MIB(64)};
    va_list       args;

    va_start(args, format);
    bool ok = buffer_vprintf(&text, format, args);
    va_end(args);
    if (is_made(r, ok))
        request_add_text(r, buffer_str(&text));
    buffer_clear(&text);
}

/* `bytes` in base64, as a value. */
static yyjson_mut_val *
blob(struct request *r, struct str bytes)
{
    char *text = bytes.len > SIZE_MAX / 2 ? NULL : arena_alloc(r->arena, BASE64_ROOM(bytes.len));

    return text == NULL ? NULL : yyjson_mut_strn(r->doc, text, base64_write(BASE64, bytes, text));
}

static void
add_media(struct request *r, const char *type, struct str bytes, const char *mime_type)
{
    yyjson_mut_val *block = block_new(r, type);

    is_made(r, yyjson_mut_obj_add_val(r->doc, block, "data", blob(r, bytes)) &&
                   yyjson_mut_obj_add_val(r->doc, block, "mimeType", json_text(r->doc, str_from(mime_type))));
    add_item(r, block);
}

void
request_add_image(struct request *r, struct str bytes, const char *mime_type)
{
    add_media(r, "image", bytes, mime_type);
}

void
request_add_audio(struct request *r, struct str bytes, const char *mime_type)
{
    add_media(r, "audio", bytes, mime_type);
}

/* In a list it stands alone. */
void
request_add_link(struct request *r, const struct resource *resource)
{
    yyjson_mut_val *block = r->make == result_of_resources ? yyjson_mut_obj(r->doc) : block_new(r, "resource_link");

    describe_resource(r->doc, block, resource, r->revision);
    add_item(r, block);
}

/* The contents of a read stand alone, elsewhere they are embedded. */
static void
add_contents(struct request *r, struct str uri, const char *mime_type, const char *member, yyjson_mut_val *value)
{
    yyjson_mut_val *contents = yyjson_mut_obj(r->doc);
    bool            ok       = yyjson_mut_obj_add_val(r->doc, contents, "uri", json_text(r->doc, uri)) &&
              (mime_type == NULL ||
               yyjson_mut_obj_add_val(r->doc, contents, "mimeType", json_text(r->doc, str_from(mime_type)))) &&
              yyjson_mut_obj_add_val(r->doc, contents, member, value);

    if (!is_made(r, ok))
        return;
    if (r->make == result_of_read) {
        add_item(r, contents);
        return;
    }
    yyjson_mut_val *block = block_new(r, "resource");
    is_made(r, yyjson_mut_obj_add_val(r->doc, block, "resource", contents));
    add_item(r, block);
}

void
request_add_resource_text(struct request *r, struct str uri, const char *mime_type, struct str text)
{
    add_contents(r, uri, mime_type, "text", json_text(r->doc, text));
}

void
request_add_resource_blob(struct request *r, struct str uri, const char *mime_type, struct str bytes)
{
    add_contents(r, uri, mime_type, "blob", blob(r, bytes));
}

void
request_set_role(struct request *r, const char *role)
{
    r->role = role;
}

void
request_add_value(struct request *r, struct str value)
{
    is_made(r, yyjson_mut_arr_append(r->items, json_text(r->doc, value)));
}

void
request_set_structured(struct request *r, yyjson_mut_val *value)
{
    r->structured = value;
    is_made(r, value != NULL);
}

void
request_add_meta(struct request *r, const char *key, yyjson_mut_val *value)
{
    if (r->own_meta == NULL)
        r->own_meta = yyjson_mut_obj(r->doc);
    is_made(r, yyjson_mut_obj_add_val(r->doc, r->own_meta, key, value));
}

void
request_set_next(struct request *r, struct str place)
{
    r->following = arena_str(r->arena, place);
    is_made(r, r->following.data != NULL);
}

yyjson_mut_doc *
request_doc(struct request *r)
{
    return r->doc;
}

/* --- what becomes of it --- */

/* Each valid by its schema. NULL is answered. */
static bool
check_structure(struct request *r)
{
    struct error err = {0};

    if (r->tool->output == NULL || r->is_error)
        return true;
    if (r->structured == NULL) {
        request_answer_error(r, RPC_INTERNAL, STR("The tool gave no structured result"), NULL);
        return false;
    }
    yyjson_alc  memory = json_memory(r);
    yyjson_doc *copy   = yyjson_mut_val_imut_copy(r->structured, &memory);
    if (is_made(r, copy != NULL) && schema_validate(r->tool->output, yyjson_doc_get_root(copy), NULL, &err))
        return true;
    struct str words = arena_printf(r->arena, "The tool's result is not what its schema says: %s", err.text);
    request_answer_error(r, RPC_INTERNAL, words, NULL);
    return false;
}

/* The structure in words, for those who read content only. */
static void
say_structure(struct request *r)
{
    yyjson_alc memory = json_memory(r);
    size_t     len;
    char      *text = yyjson_mut_val_write_opts(r->structured, 0, &memory, &len, NULL);

    if (is_made(r, text != NULL))
        request_add_text(r, str_of(text, len));
}

yyjson_mut_val *
result_of_tool(struct request *r)
{
    if (!check_structure(r))
        return NULL;
    bool is_object = yyjson_mut_is_obj(r->structured);
    bool is_shown  = is_modern(r) || (is_object && r->revision >= SINCE_STRUCTURE);
    if (r->structured != NULL && !r->has_text)
        say_structure(r);
    yyjson_mut_val *result = result_new(r, "complete");
    bool            ok     = yyjson_mut_obj_add_val(r->doc, result, "content", r->items);
    if (r->structured != NULL && is_shown)
        ok = ok && yyjson_mut_obj_add_val(r->doc, result, "structuredContent", r->structured);
    if (r->is_error)
        ok = ok && yyjson_mut_obj_add_bool(r->doc, result, "isError", true);
    is_made(r, ok);
    return result;
}

void
answer_tool_fault(struct request *r, struct str words)
{
    const char *before = r->service->table->failing;

    if (before != NULL)
        words = arena_printf(r->arena, "%s%.*s", before, STR_ARG(words));
    result_begin(r);
    r->is_error = true;
    request_add_text(r, words);
    request_answer(r, result_of_tool(r));
}

yyjson_mut_val *
result_of_prompt(struct request *r)
{
    yyjson_mut_val *result = result_new(r, "complete");

    if (r->prompt->description != NULL)
        json_put(r->doc, result, "description", r->prompt->description);
    is_made(r, yyjson_mut_obj_add_val(r->doc, result, "messages", r->items));
    return result;
}

yyjson_mut_val *
result_of_read(struct request *r)
{
    yyjson_mut_val *result = result_new(r, "complete");

    is_made(r, yyjson_mut_obj_add_val(r->doc, result, "contents", r->items));
    result_add_freshness(r, result);
    return result;
}

yyjson_mut_val *
result_of_completion(struct request *r)
{
    yyjson_mut_val *result     = result_new(r, "complete");
    yyjson_mut_val *completion = yyjson_mut_obj(r->doc);
    size_t          total      = yyjson_mut_arr_size(r->items);

    while (yyjson_mut_arr_size(r->items) > VALUES_MOST)
        yyjson_mut_arr_remove_last(r->items);
    is_made(r, yyjson_mut_obj_add_val(r->doc, completion, "values", r->items) &&
                   yyjson_mut_obj_add_uint(r->doc, completion, "total", total) &&
                   yyjson_mut_obj_add_bool(r->doc, completion, "hasMore", total > VALUES_MOST) &&
                   yyjson_mut_obj_add_val(r->doc, result, "completion", completion));
    return result;
}

yyjson_mut_val *
result_of_resources(struct request *r)
{
    yyjson_mut_val *result = result_new(r, "complete");

    is_made(r, yyjson_mut_obj_add_val(r->doc, result, "resources", r->items));
    if (r->following.data != NULL)
        list_put_cursor(r, result, "resources", r->following);
    result_add_freshness(r, result);
    return result;
}

void
request_finish(struct request *r)
{
    if (r->is_answered)
        return;
    end_writing(r);
    if (r->make == result_of_read && !r->is_broken && yyjson_mut_arr_size(r->items) == 0) {
        resource_refuse(r, STR("Resource not found")); /* never an empty list */
        return;
    }
    yyjson_mut_val *result = r->is_over ? NULL : r->make(r);
    if (!r->is_answered)
        request_answer(r, result);
}

void
request_fail(struct request *r, const char *format, ...)
{
    struct buffer text = {.max = KIB(64)};
    va_list       args;

    va_start(args, format);
    if (!buffer_vprintf(&text, format, args))
        buffer_append(&text, STR("failed"));
    va_end(args);
    if (r->is_answered)
        ;
    else if (r->tool != NULL)
        answer_tool_fault(r, buffer_str(&text));
    else
        request_answer_error(r, RPC_INTERNAL, buffer_str(&text), NULL);
    buffer_clear(&text);
}

void
request_refuse(struct request *r, int code, const char *format, ...)
{
    struct buffer text = {.max = KIB(64)};
    va_list       args;

    va_start(args, format);
    if (!buffer_vprintf(&text, format, args))
        buffer_append(&text, STR("refused"));
    va_end(args);
    if (code != RPC_INVALID_PARAMS && code >= -32768 && code <= -32000) /* those are the protocol's */
        code = RPC_INTERNAL;
    if (r->make == result_of_read && code == RPC_INVALID_PARAMS)
        resource_refuse(r, buffer_str(&text));
    else
        request_answer_error(r, code, buffer_str(&text), NULL);
    buffer_clear(&text);
}
