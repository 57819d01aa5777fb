#include "mcp/service/rules.h"

#include "base/map.h"
#include "mcp/header_value.h"
#include "mcp/param_rules.h"
#include "mcp/revision.h"
#include "mcp/service/parts.h"

enum { TOOLS_MAX = 100000, REQUESTED_SHOWN = 64 };

struct rules {
    const struct service *service;
    struct map            params; /* name of a tool -> struct param_rules *, of those that have annotations */
};

/* One message while it is checked. */
struct check {
    const struct rules        *rules;
    const struct envelope     *e;
    const struct http_headers *headers;
    struct arena              *arena;
    struct refusal            *refusal;
    yyjson_val                *params;       /* NULL: none */
    yyjson_val                *capabilities; /* of the client; an object once `envelope` was checked */
};

bool
refuse_with(struct refusal *refusal, int status, int code, const char *message)
{
    *refusal = (struct refusal){.status = status, .code = code, .message = str_from(message)};
    return false;
}

static bool
refuse_for_memory(struct refusal *refusal)
{
    return refuse_with(refusal, 503, -32603, "no memory");
}

/* `data` is copied; without bytes there was no memory for it. */
static bool
refuse_with_data(struct refusal *refusal, int code, const char *message, struct str data, struct arena *arena)
{
    struct str kept = data.data == NULL ? STR_NONE : arena_str(arena, data);

    if (kept.data == NULL)
        return refuse_for_memory(refusal);
    *refusal = (struct refusal){.status = 400, .code = code, .message = str_from(message), .data = kept};
    return false;
}

bool
refuse_revision(const struct service *s, struct str requested, struct arena *arena, struct refusal *refusal)
{
    const char *const *supported = service_parts_of(s)->is_modern ? modern_revisions : legacy_revisions;
    struct buffer      data      = {.max = KIB(2)};
    bool               ok        = buffer_append(&data, STR("{\"supported\":["));

    for (size_t i = 0; supported[i] != NULL; i++)
        ok = ok && buffer_printf(&data, "%s\"%s\"", i > 0 ? "," : "", supported[i]);
    ok = ok && buffer_append(&data, STR("],\"requested\":")) &&
         buffer_append_json(&data, str_take(requested, REQUESTED_SHOWN)) && buffer_append_char(&data, '}');
    refuse_with_data(refusal, -32022, "Unsupported protocol version", ok ? buffer_str(&data) : STR_NONE, arena);
    buffer_clear(&data);
    return false;
}

bool
append_refusal(struct buffer *b, struct str id, const struct refusal *refusal)
{
    return buffer_append(b, STR("{\"jsonrpc\":\"2.0\",")) &&
           (id.len == 0 || buffer_printf(b, "\"id\":%.*s,", STR_ARG(id))) &&
           buffer_printf(b, "\"error\":{\"code\":%d,\"message\":", refusal->code) &&
           buffer_append_json(b, refusal->message) &&
           (refusal->data.data == NULL || (buffer_append(b, STR(",\"data\":")) && buffer_append(b, refusal->data))) &&
           buffer_append(b, STR("}}"));
}

static bool
mismatch(struct check *c, struct str field, const char *why)
{
    struct str text = arena_printf(c->arena, "%.*s %s", STR_ARG(field), why);

    if (text.data == NULL)
        return refuse_for_memory(c->refusal);
    *c->refusal = (struct refusal){.status = 400, .code = -32020, .message = text};
    return false;
}

/* A field that is there at most once; `value` is trimmed, without data when it is not there. */
static bool
take_field(struct check *c, struct str field, struct str *value)
{
    size_t count = http_header_count(c->headers, field);

    *value = count == 0 ? STR_NONE : str_trim(http_header(c->headers, field));
    if (count > 0 && value->data == NULL)
        *value = STR("");
    return count <= 1 || mismatch(c, field, "is given twice");
}

static bool
check_envelope(struct check *c)
{
    yyjson_val *meta = yyjson_obj_get(c->params, "_meta");

    c->capabilities = yyjson_obj_get(meta, "io.modelcontextprotocol/clientCapabilities");
    if (c->e->modern_revision.data == NULL)
        return refuse_with(c->refusal, 400, -32602,
                           "params._meta needs \"io.modelcontextprotocol/protocolVersion\", a string");
    return yyjson_is_obj(c->capabilities) ||
           refuse_with(c->refusal, 400, -32602,
                       "params._meta needs \"io.modelcontextprotocol/clientCapabilities\", an object");
}

static bool
check_version_header(struct check *c)
{
    static const struct str field = {"MCP-Protocol-Version", 20};
    struct str              value;

    if (c->headers == NULL)
        return true;
    if (!take_field(c, field, &value))
        return false;
    if (value.data == NULL)
        return mismatch(c, field, "is missing");
    return str_eq(value, c->e->modern_revision) || mismatch(c, field, "is not the version that the body says");
}

static bool
check_revision(struct check *c)
{
    if (service_parts_of(c->rules->service)->is_modern)
        for (size_t i = 0; modern_revisions[i] != NULL; i++)
            if (str_eq(c->e->modern_revision, str_from(modern_revisions[i])))
                return true;
    return refuse_revision(c->rules->service, c->e->modern_revision, c->arena, c->refusal);
}

static bool
check_method_header(struct check *c)
{
    static const struct str field = {"Mcp-Method", 10};
    struct str              value;

    if (c->headers == NULL)
        return true;
    if (!take_field(c, field, &value))
        return false;
    if (value.data == NULL)
        return c->e->kind == MESSAGE_NOTIFICATION || mismatch(c, field, "is missing");
    return str_eq(value, c->e->method) || mismatch(c, field, "is not the method that the body says");
}

/* What Mcp-Name repeats. For any other method the field is of no use, but may not lie. */
static const struct {
    const char *method, *param;
} named[] = {
    {"tools/call", "name"},  {"prompts/get", "name"},    {"resources/read", "uri"},
    {"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tasks/cancel", "taskId"},
};

/* NULL: any of the names that a method may have. */
static const char *
named_by(struct str method)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (str_eq(method, str_from(named[i].method)))
            return named[i].param;
    return NULL;
}

static struct str
name_of(const struct check *c)
{
    static const char *const any[] = {"name", "uri", "taskId"};
    const char              *param = named_by(c->e->method);

    if (param != NULL)
        return json_str_in(c->params, param);
    for (size_t i = 0; i < sizeof any / sizeof any[0]; i++) {
        struct str name = json_str_in(c->params, any[i]);
        if (name.data != NULL)
            return name;
    }
    return STR_NONE;
}

static bool
check_name(struct check *c, struct str name)
{
    static const struct str field = {"Mcp-Name", 8};
    struct str              written, value;
    struct error            err = {0};
    bool is_due                 = name.data != NULL && named_by(c->e->method) != NULL; /* what has no name is answered
                                                                                          by its method */
    if (!take_field(c, field, &written))
        return false;
    if (written.data == NULL)
        return !is_due || mismatch(c, field, "is missing");
    if (!header_value_read(written, c->arena, &value, &err))
        return err.code == ERROR_MEMORY ? refuse_for_memory(c->refusal) : mismatch(c, field, err.text);
    return (name.data == NULL && !is_due) || str_eq(value, name) ||
           mismatch(c, field, "is not the name that the body says");
}

static bool
check_name_header(struct check *c)
{
    return c->headers == NULL || check_name(c, name_of(c));
}

static bool
check_method(struct check *c)
{
    return service_has_method(c->rules->service, c->e->method) ||
           refuse_with(c->refusal, 404, -32601, "Method not found");
}

/* {"requiredCapabilities":{...}}: what is missing, as a client would declare it. Of malloc; NULL: no memory. */
static char *
describe_missing(unsigned missing, size_t *len)
{
    yyjson_mut_doc *doc  = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_val(doc, root, "requiredCapabilities", abilities_describe(doc, missing));
    yyjson_mut_doc_set_root(doc, root);
    char *text = json_write(doc, len);
    yyjson_mut_doc_free(doc);
    return text;
}

static bool
check_abilities(struct check *c)
{
    const struct tool *tool = NULL;

    if (str_eq(c->e->method, STR("tools/call")))
        tool = service_tool(c->rules->service, json_str_in(c->params, "name"));
    bool     is_task = str_starts(c->e->method, STR("tasks/")) && service_table_of(c->rules->service)->relay == NULL;
    unsigned needs   = tool != NULL ? tool->needs : is_task ? CLIENT_FOLLOWS_TASKS : 0;
    unsigned missing = needs == 0 ? 0 : needs & ~abilities_read(c->capabilities, REVISION_2026_07_28);
    if (missing == 0)
        return true;
    size_t len  = 0;
    char  *text = describe_missing(missing, &len);
    bool   ok = refuse_with_data(c->refusal, -32021, "Missing required client capability", str_of(text, len), c->arena);
    free(text);
    return ok;
}

static bool
check_param_headers(struct check *c)
{
    struct str   name = json_str_in(c->params, "name");
    struct error err  = {0};

    if (c->headers == NULL || !str_eq(c->e->method, STR("tools/call")))
        return true;
    struct param_rules *const *own    = map_get(&c->rules->params, name);
    const struct param_rules  *params = own != NULL ? *own : service_param_rules(c->rules->service, name);
    if (params == NULL || param_rules_hold(params, yyjson_obj_get(c->params, "arguments"), c->headers, c->arena, &err))
        return true;
    if (err.code == ERROR_MEMORY)
        return refuse_for_memory(c->refusal);
    struct str text = arena_str(c->arena, str_from(err.text));
    if (text.data == NULL)
        return refuse_for_memory(c->refusal);
    *c->refusal = (struct refusal){.status = 400, .code = -32020, .message = text};
    return false;
}

static bool (*const steps[])(struct check *c) = {
    check_envelope,    check_version_header, check_revision,  check_method_header,
    check_name_header, check_method,         check_abilities, check_param_headers,
};

/* What a notification needs is not said anywhere (none is sent over HTTP): what it says of itself may not lie. */
static bool
check_notification(struct check *c)
{
    if (c->e->modern_revision.data != NULL && (!check_version_header(c) || !check_revision(c)))
        return false;
    return check_method_header(c);
}

/* A number that no double holds stays text: it is not for us to judge. */
static yyjson_doc *
read_message(struct str message, struct refusal *refusal)
{
    yyjson_read_err why;
    yyjson_doc     *doc =
        yyjson_read_opts((char *)(uintptr_t)message.data, message.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);

    if (doc == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        refuse_for_memory(refusal);
    else if (doc == NULL)
        refuse_with(refusal, 400, -32700, "the message is not JSON");
    return doc;
}

/* All that `initialize` must say, before there is a session that would stay behind a refusal. */
bool
opening_check(const struct envelope *e, struct refusal *refusal)
{
    if (e->kind != MESSAGE_REQUEST)
        return refuse_with(refusal, 400, -32600, "initialize must be a request: it needs an id");
    yyjson_doc *doc = read_message(e->message, refusal);
    if (doc == NULL)
        return false;
    yyjson_val *params = yyjson_obj_get(yyjson_doc_get_root(doc), "params");
    bool        ok     = yyjson_is_str(yyjson_obj_get(params, "protocolVersion")) &&
              yyjson_is_obj(yyjson_obj_get(params, "capabilities")) &&
              yyjson_is_obj(yyjson_obj_get(params, "clientInfo"));
    yyjson_doc_free(doc);
    return ok || refuse_with(refusal, 400, -32602,
                             "initialize needs protocolVersion, a string, and the objects capabilities and clientInfo");
}

bool
rules_check(const struct rules *r, const struct envelope *e, const struct http_headers *headers, struct arena *arena,
            struct refusal *refusal)
{
    struct check c  = {.rules = r, .e = e, .headers = headers, .arena = arena, .refusal = refusal};
    bool         ok = true;

    if (e->kind == MESSAGE_NOTIFICATION)
        return check_notification(&c);
    yyjson_doc *doc = read_message(e->message, refusal);
    if (doc == NULL)
        return false;
    c.params = yyjson_obj_get(yyjson_doc_get_root(doc), "params");
    for (size_t i = 0; ok && i < sizeof steps / sizeof steps[0]; i++)
        ok = steps[i](&c);
    yyjson_doc_free(doc);
    return ok;
}

bool
rules_check_head(const struct envelope *e, const struct http_headers *headers, struct arena *arena,
                 struct refusal *refusal)
{
    struct check c    = {.e = e, .headers = headers, .arena = arena, .refusal = refusal};
    struct str   name = str_eq(e->method, STR("completion/complete")) ? STR_NONE : e->target;

    if (e->kind == MESSAGE_NOTIFICATION)
        return (e->modern_revision.data == NULL || check_version_header(&c)) && check_method_header(&c);
    if (e->modern_revision.data == NULL || !e->has_abilities)
        return check_envelope(&c);
    if (!check_version_header(&c))
        return false;
    return !revision_is_modern(e->modern_revision) || /* what its fields say of it is not for us to know */
           (check_method_header(&c) && check_name(&c, name));
}

static bool
read_tool(struct rules *r, const struct tool *tool, struct error *err)
{
    struct param_rules *params = param_rules_compile(str_from(tool->input), err);

    if (params == NULL) {
        error_wrap(err, "the input schema of the tool %s", tool->name);
        return false;
    }
    if (param_rules_count(params) == 0) {
        param_rules_free(params);
        return true;
    }
    struct param_rules **kept = map_get_or_add(&r->params, str_from(tool->name));
    if (kept == NULL) {
        param_rules_free(params);
        return error_set(err, ERROR_MEMORY, "no memory for the tool %s", tool->name);
    }
    *kept = params;
    return true;
}

struct rules *
rules_new(const struct service *s, struct error *err)
{
    struct rules *r = calloc(1, sizeof *r);

    if (r == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for the rules of a service");
        return NULL;
    }
    *r = (struct rules){.service = s, .params = MAP_OF(struct param_rules *, TOOLS_MAX)};
    for (const struct tool *tool = service_table_of(s)->tools; tool != NULL && tool->name != NULL; tool++)
        if (tool->input != NULL && !read_tool(r, tool, err)) {
            rules_free(r);
            return NULL;
        }
    return r;
}

static bool
free_params(struct str name, void *value, void *arg)
{
    (void)name, (void)arg;
    param_rules_free(*(struct param_rules **)value);
    return true;
}

void
rules_free(struct rules *r)
{
    if (r == NULL)
        return;
    map_each(&r->params, free_params, NULL);
    map_clear(&r->params);
    free(r);
}
