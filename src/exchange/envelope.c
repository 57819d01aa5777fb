#include "exchange/envelope.h"

#include <yyjson.h>

#include "base/json.h"
#include "exchange/skim.h"

enum { TREE_MAX = 256 << 10 }; /* bytes of a message; what is larger is reduced before */

/* A parse of a copy, in place: a string or a number of the tree starts in the copy where it starts in the message, so
 * its address tells its place. Numbers are kept as text: an id of 20 digits must not become a double. */
struct reading {
    struct str    message;
    struct skim  *skim; /* NULL: the copy is of the whole message */
    char         *copy;
    struct arena *arena;
};

static const yyjson_read_flag read_flags = YYJSON_READ_INSITU | YYJSON_READ_NUMBER_AS_RAW;

static void *
take(void *ctx, size_t size)
{
    return arena_alloc(ctx, size);
}

static void *
take_more(void *ctx, void *old, size_t old_size, size_t size)
{
    void *fresh = arena_alloc(ctx, size);

    if (fresh != NULL)
        memcpy(fresh, old, old_size < size ? old_size : size);
    return fresh;
}

static void
give_back(void *ctx, void *old)
{
    (void)ctx, (void)old; /* the arena goes as one */
}

static enum error_code
read_error_code(const yyjson_read_err *why)
{
    return why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? ERROR_MEMORY : ERROR_INVALID;
}

static yyjson_doc *
read_copy(struct reading *r, struct error *err)
{
    yyjson_alc      memory = {.malloc = take, .realloc = take_more, .free = give_back, .ctx = r->arena};
    struct str      text   = r->skim == NULL ? r->message : buffer_str(&r->skim->text);
    yyjson_read_err why;

    r->copy = arena_alloc(r->arena, text.len + YYJSON_PADDING_SIZE);
    if (r->copy == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to read a message of %zu bytes", r->message.len), NULL;
    if (text.len > 0)
        memcpy(r->copy, text.data, text.len);
    memset(r->copy + text.len, 0, YYJSON_PADDING_SIZE);
    yyjson_doc *doc = yyjson_read_opts(r->copy, text.len, read_flags, &memory, &why);
    if (doc == NULL)
        error_set(err, read_error_code(&why), "the message is not JSON: %s at byte %zu", why.msg, why.pos);
    return doc;
}

/* From the opening quote at `from` to the closing one. The text was accepted as JSON, so there is one. */
static struct str
quoted_at(struct str message, size_t from)
{
    size_t end = from + 1;

    while (end < message.len && message.data[end] != '"')
        end += message.data[end] == '\\' ? 2 : 1;
    return str_of(message.data + from, end + 1 - from);
}

/* Of a string or a number of the tree. */
static size_t
place_of(const struct reading *r, const char *in_copy)
{
    size_t at = (size_t)(in_copy - r->copy);

    return r->skim == NULL ? at : skim_place(r->skim, at);
}

/* A string or number as it was written; anything else is absent. */
static struct str
as_written(const struct reading *r, yyjson_val *value)
{
    if (yyjson_is_raw(value))
        return str_of(r->message.data + place_of(r, yyjson_get_raw(value)), yyjson_get_len(value));
    if (yyjson_is_str(value))
        return quoted_at(r->message, place_of(r, yyjson_get_str(value)) - 1);
    return STR_NONE;
}

/* A number by which a request may be called: JSON-RPC 2.0 and MCP have integers only, and of 1.0, 1e0 and -0 one reader
 * makes 1 and 0, another something of their own. */
static bool
is_integer(struct str number)
{
    if (str_eq(number, STR("-0")))
        return false;
    for (size_t i = number.len > 0 && number.data[0] == '-'; i < number.len; i++)
        if (number.data[i] < '0' || number.data[i] > '9')
            return false;
    return true;
}

/* An answer may echo it as 1.0, which is how some languages write all their numbers. */
static struct str
id_as_written(const struct reading *r, yyjson_val *value, bool is_answer)
{
    struct str id    = as_written(r, value);
    struct str whole = id;

    if (is_answer && str_ends(id, STR(".0")))
        whole.len -= 2;
    return yyjson_is_raw(value) && !is_integer(whole) ? STR_NONE : id;
}

/* Levels are counted along the values, which lie in a row: a container ends where its next sibling begins. */
static bool
is_too_deep(yyjson_val *root)
{
    yyjson_val *ends[DEPTH_MAX];
    size_t      depth = 0;

    for (yyjson_val *value = root, *end = unsafe_yyjson_get_next(root); value < end; value++) {
        while (depth > 0 && value >= ends[depth - 1])
            depth--;
        if (!yyjson_is_ctn(value))
            continue;
        if (depth == DEPTH_MAX)
            return true;
        ends[depth++] = unsafe_yyjson_get_next(value);
    }
    return false;
}

/* A member that is read here. One that is `strict` decides whose message it is: it may not even come in other
 * capitals. */
struct member {
    struct str name;
    bool       strict;
};

/* Each of them stands at most once: of two, one reader takes the first and another the last (RFC 8259 section 4), so
 * that who judges or rewrites the one would let the other pass. Some readers take no heed of capitals either. */
static bool
find_members(yyjson_val *object, const struct member *members, size_t count, yyjson_val **found, struct error *err)
{
    yyjson_val *key, *value;
    size_t      index, max;
    unsigned    in_capitals = 0;

    yyjson_obj_foreach(object, index, max, key, value)
    {
        struct str name = json_str(key);
        for (size_t i = 0; i < count; i++) {
            const struct member *m = &members[i];
            if (!str_eq_nocase(name, m->name))
                continue;
            if (found[i] != NULL || (in_capitals & 1U << i) != 0)
                return error_set(err, ERROR_INVALID, "the message has \"%.*s\" twice", STR_ARG(m->name));
            if (str_eq(name, m->name))
                found[i] = value;
            else if (m->strict)
                return error_set(err, ERROR_INVALID, "the message has \"%.*s\" in other capitals", STR_ARG(m->name));
            else
                in_capitals |= 1U << i;
        }
    }
    return true;
}

enum { MEMBER_JSONRPC, MEMBER_ID, MEMBER_METHOD, MEMBER_PARAMS, MEMBER_RESULT, MEMBER_ERROR, MEMBERS };

static const struct member envelope_members[MEMBERS] = {
    {{"jsonrpc", 7}, true}, {{"id", 2}, true},     {{"method", 6}, true},
    {{"params", 6}, true},  {{"result", 6}, true}, {{"error", 5}, true},
};

enum {
    PARAM_META,
    PARAM_TOKEN,
    PARAM_REQUEST,
    PARAM_NAME,
    PARAM_URI,
    PARAM_TASK,
    PARAM_REF,
    PARAM_LEVEL,
    PARAM_REVISION,
    PARAM_CAPABILITIES,
    PARAM_CLIENT,
    PARAMS
};

static const struct member param_members[PARAMS] = {
    {{"_meta", 5}, true},          {{"progressToken", 13}, true}, {{"requestId", 9}, true},
    {{"name", 4}, false},          {{"uri", 3}, false},           {{"taskId", 6}, false},
    {{"ref", 3}, false},           {{"level", 5}, false},         {{"protocolVersion", 15}, false},
    {{"capabilities", 12}, false}, {{"clientInfo", 10}, false},
};

enum { META_TOKEN, META_REVISION, META_CLIENT, META_LEVEL, META_SUBSCRIPTION, META_ABILITIES, METAS };

static const struct member meta_members[METAS] = {
    {{"progressToken", 13}, true},
    {{"io.modelcontextprotocol/protocolVersion", 39}, true},
    {{"io.modelcontextprotocol/clientInfo", 34}, false},
    {{"io.modelcontextprotocol/logLevel", 32}, false},
    {{"io.modelcontextprotocol/subscriptionId", 38}, true},
    {{"io.modelcontextprotocol/clientCapabilities", 42}, false},
};

static const struct member ref_members[1] = {{{"name", 4}, false}};

static bool
decide_kind(struct envelope *e, yyjson_val *const found[MEMBERS], struct error *err)
{
    if (!yyjson_equals_str(found[MEMBER_JSONRPC], "2.0"))
        return error_set(err, ERROR_INVALID, "the message is not JSON-RPC 2.0: \"jsonrpc\" must be \"2.0\"");
    if (found[MEMBER_PARAMS] != NULL && !yyjson_is_obj(found[MEMBER_PARAMS]))
        return error_set(err, ERROR_INVALID, "\"params\" must be an object");
    if (found[MEMBER_METHOD] != NULL) {
        if (!yyjson_is_str(found[MEMBER_METHOD]) || found[MEMBER_RESULT] != NULL || found[MEMBER_ERROR] != NULL)
            return error_set(err, ERROR_INVALID,
                             "\"method\" must be a string and stand without \"result\" or \"error\"");
        e->kind = found[MEMBER_ID] != NULL ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
    } else if ((found[MEMBER_RESULT] != NULL) != (found[MEMBER_ERROR] != NULL)) {
        e->kind = found[MEMBER_RESULT] != NULL ? MESSAGE_RESULT : MESSAGE_ERROR;
    } else {
        if (found[MEMBER_RESULT] != NULL)
            e->id = STR_NONE; /* of a request of ours: an error under it would answer one of theirs */
        return error_set(err, ERROR_INVALID, "a message has \"method\", or one of \"result\" and \"error\"");
    }
    if (e->kind != MESSAGE_NOTIFICATION && e->id.data == NULL && !(e->kind == MESSAGE_ERROR))
        return error_set(err, ERROR_INVALID, "\"id\" must be a string or an integer");
    return true;
}

static void
read_peer(struct envelope *e, yyjson_val *peer)
{
    if (!yyjson_is_obj(peer) || e->peer_name.data != NULL)
        return;
    e->peer_name    = json_str_in(peer, "name");
    e->peer_version = json_str_in(peer, "version");
}

static bool
read_initialize(struct envelope *e, yyjson_val *const params[PARAMS], struct arena *a, struct error *err)
{
    yyjson_val *capabilities = params[PARAM_CAPABILITIES];
    size_t      len          = 0;

    e->revision = json_str(params[PARAM_REVISION]);
    read_peer(e, params[PARAM_CLIENT]);
    if (!yyjson_is_obj(capabilities))
        return true;
    char *text = yyjson_val_write(capabilities, 0, &len);
    if (text == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to read an initialize request");
    e->capabilities = arena_str(a, str_of(text, len));
    free(text);
    return e->capabilities.data != NULL || error_set(err, ERROR_MEMORY, "no memory to read an initialize request");
}

static struct str
target_of(struct str method, yyjson_val *const params[PARAMS], yyjson_val *ref_name)
{
    int       first   = str_starts(method, STR("resources/")) ? PARAM_URI
                        : str_starts(method, STR("tasks/"))   ? PARAM_TASK
                                                              : PARAM_NAME;
    const int named[] = {first, PARAM_NAME, PARAM_URI, PARAM_TASK};

    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (yyjson_is_str(params[named[i]]))
            return json_str(params[named[i]]);
    return json_str(ref_name);
}

static bool
read_params(struct envelope *e, const struct reading *r, yyjson_val *object, struct error *err)
{
    yyjson_val *params[PARAMS] = {NULL}, *meta[METAS] = {NULL}, *ref[1] = {NULL};

    if (!find_members(object, param_members, PARAMS, params, err) ||
        !find_members(params[PARAM_META], meta_members, METAS, meta, err) ||
        !find_members(params[PARAM_REF], ref_members, 1, ref, err))
        return false;
    e->target          = target_of(e->method, params, ref[0]);
    e->level           = json_str(params[PARAM_LEVEL]);
    e->modern_revision = json_str(meta[META_REVISION]);
    e->has_abilities   = yyjson_is_obj(meta[META_ABILITIES]);
    e->log_level       = json_str(meta[META_LEVEL]);
    e->subscription    = as_written(r, meta[META_SUBSCRIPTION]);
    e->progress_token  = as_written(r, e->kind == MESSAGE_NOTIFICATION ? params[PARAM_TOKEN] : meta[META_TOKEN]);
    read_peer(e, meta[META_CLIENT]);
    if (str_eq(e->method, STR("notifications/cancelled")))
        e->cancelled_id = as_written(r, params[PARAM_REQUEST]);
    if (str_eq(e->method, STR("initialize")))
        return read_initialize(e, params, r->arena, err);
    return true;
}

/* From the first byte of an object or array at `from` to its closing bracket. Strings are skipped. */
static struct str
bracketed_at(struct str message, size_t from)
{
    size_t depth = 0;

    for (size_t i = from; i < message.len; i++) {
        char c = message.data[i];
        if (c == '"')
            i += quoted_at(message, i).len - 1;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return str_of(message.data + from, i + 1 - from);
    }
    return STR_NONE;
}

/* Where the value of the top-level member "result" stands: the key's place is known, so is the colon behind it. */
static struct str
result_as_written(const struct reading *r, yyjson_val *root)
{
    yyjson_val *key, *value;
    size_t      index, max;

    if (r->skim != NULL)
        return r->skim->result;
    yyjson_obj_foreach(root, index, max, key, value)
    {
        if (!yyjson_equals_str(key, "result"))
            continue;
        struct str quoted = quoted_at(r->message, (size_t)(yyjson_get_str(key) - r->copy) - 1);
        size_t     at     = (size_t)(quoted.data - r->message.data) + quoted.len;
        while (at < r->message.len && r->message.data[at] != '{' && r->message.data[at] != '[')
            at++;
        return yyjson_is_ctn(value) ? bracketed_at(r->message, at) : STR_NONE;
    }
    return STR_NONE;
}

static void
read_result(struct envelope *e, const struct reading *r, yyjson_val *root, yyjson_val *result)
{
    e->is_tool_error = yyjson_is_true(yyjson_obj_get(result, "isError"));
    e->revision      = json_str_in(result, "protocolVersion");
    read_peer(e, yyjson_obj_get(result, "serverInfo"));
    yyjson_val *meta = yyjson_obj_get(result, "_meta");
    read_peer(e, yyjson_obj_get(meta, "io.modelcontextprotocol/serverInfo"));
    e->subscription = as_written(r, yyjson_obj_get(meta, "io.modelcontextprotocol/subscriptionId"));
    if (e->revision.data != NULL)
        e->result = result_as_written(r, root);
}

static int
error_code_of(yyjson_val *error)
{
    yyjson_val *code   = yyjson_obj_get(error, "code");
    int64_t     number = 0;

    if (!str_to_i64(json_raw(code), &number) || number < INT32_MIN || number > INT32_MAX)
        return 0;
    return (int)number;
}

static bool
read_message(struct envelope *e, struct reading *r, struct error *err)
{
    yyjson_val *found[MEMBERS] = {NULL};
    yyjson_doc *doc            = read_copy(r, err);

    if (doc == NULL)
        return false;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(root))
        return error_set(err, ERROR_INVALID, "the message is not a JSON-RPC object");
    if (r->message.len > DEPTH_MAX && is_too_deep(root)) /* each level takes a byte at least */
        return error_set(err, ERROR_INVALID, "the message is nested deeper than %d levels", DEPTH_MAX);
    if (!find_members(root, envelope_members, MEMBERS, found, err))
        return false;
    e->id = id_as_written(r, found[MEMBER_ID], found[MEMBER_METHOD] == NULL);
    if (e->id.len > ID_MAX) {
        size_t len = e->id.len;
        e->id      = STR_NONE; /* not to be echoed */
        return error_set(err, ERROR_INVALID, "\"id\" has %zu bytes, more than %d", len, ID_MAX);
    }
    if (!decide_kind(e, found, err))
        return false;
    e->method     = json_str(found[MEMBER_METHOD]);
    e->error_code = error_code_of(found[MEMBER_ERROR]);
    if (found[MEMBER_RESULT] != NULL)
        read_result(e, r, root, found[MEMBER_RESULT]);
    return found[MEMBER_PARAMS] == NULL || read_params(e, r, found[MEMBER_PARAMS], err);
}

bool
envelope_parse(struct envelope *e, struct str message, struct arena *a, struct error *err)
{
    struct reading r = {.message = message, .arena = a};
    struct skim    skim;

    *e = (struct envelope){.message = message};
    if (message.len <= TREE_MAX)
        return read_message(e, &r, err);
    skim_begin(&skim);
    bool ok = envelope_parse_begun(e, message, &skim, a, err);
    skim_clear(&skim);
    return ok;
}

bool
envelope_parse_begun(struct envelope *e, struct str message, struct skim *begun, struct arena *a, struct error *err)
{
    struct reading r = {.message = message, .skim = begun, .arena = a};

    if (begun == NULL)
        return envelope_parse(e, message, a, err);
    *e = (struct envelope){.message = message};
    return skim_end(begun, message, err) && read_message(e, &r, err);
}

bool
message_is_batch(struct str message)
{
    message = str_trim_front(message);
    return message.len > 0 && message.data[0] == '[';
}

static bool
count_elements(struct str batch, size_t *count, struct error *err)
{
    yyjson_read_err why;

    if (batch.len > TREE_MAX)
        return skim_array(batch, count, err);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)batch.data, batch.len, YYJSON_READ_NUMBER_AS_RAW, NULL, &why);
    if (doc == NULL)
        return error_set(err, read_error_code(&why), "the batch is not JSON: %s at byte %zu", why.msg, why.pos);
    *count = yyjson_arr_size(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return *count <= BATCH_MOST || error_set(err, ERROR_INVALID, "the batch has more than %d messages", BATCH_MOST);
}

/* The elements of a batch are found by their brackets: the array has been parsed, so they match. */
bool
batch_each(struct str batch, bool (*each)(struct str element, void *arg), void *arg, struct error *err)
{
    struct error quiet;
    size_t       count;

    if (!count_elements(batch, &count, err))
        return false;
    if (count == 0)
        return error_set(err == NULL ? &quiet : err, ERROR_INVALID, "the batch is empty");
    size_t at = (size_t)(str_index(batch, '[') + 1);
    for (size_t i = 0; i < count; i++) {
        while (at < batch.len && (batch.data[at] == ',' || str_trim(str_of(batch.data + at, 1)).len == 0))
            at++;
        struct str element = at < batch.len && batch.data[at] == '{' ? bracketed_at(batch, at) : STR_NONE;
        if (element.data == NULL)
            return error_set(err == NULL ? &quiet : err, ERROR_INVALID, "element %zu of the batch is no object", i + 1);
        if (!each(element, arg))
            return false;
        at += element.len;
    }
    return true;
}

bool
append_error_message(struct buffer *b, struct str id, int code, struct str text, const char *reason)
{
    bool ok = buffer_append(b, STR("{\"jsonrpc\":\"2.0\",\"id\":")) &&
              buffer_append(b, id.len > 0 ? id : STR("null")) &&
              buffer_printf(b, ",\"error\":{\"code\":%d,\"message\":", code) && buffer_append_json(b, text);

    if (ok && reason != NULL)
        ok = buffer_printf(b, ",\"data\":{\"reason\":\"%s\"}", reason);
    return ok && buffer_append(b, STR("}}"));
}
