/* A service whose answers another server gives: what it is asked, and what becomes of what it says. */
#include "mcp/service/relay.h"

#include "mcp/service/parts.h"

static const char no_memory_to_ask[] = "{\"code\":-32603,\"message\":\"No memory to ask the client\"}";

static const struct relay *
relay_of(const struct request *r)
{
    return r->service->table->relay;
}

bool
relayed_open(struct service *s, struct error *err)
{
    s->relayed = calloc(1, sizeof *s->relayed);
    if (s->relayed == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for a relay");
    mirrored_init(&s->relayed->mirrored);
    s->relayed->level     = -1;
    s->relayed->no_memory = yyjson_read(no_memory_to_ask, sizeof no_memory_to_ask - 1, 0);
    return s->relayed->no_memory != NULL || error_set(err, ERROR_MEMORY, "no memory for a relay");
}

void
relayed_close(struct service *s)
{
    if (s->relayed == NULL)
        return;
    yyjson_doc_free(s->relayed->capabilities);
    yyjson_doc_free(s->relayed->no_memory);
    free(s->relayed->instructions);
    mirrored_clear(&s->relayed->mirrored);
    free(s->relayed);
    s->relayed = NULL;
}

/* --- its server --- */

/* NULL: it is no object, or there is `*no_memory`. */
static yyjson_doc *
read_object(struct str text, bool *no_memory)
{
    yyjson_alc  memory = json_heap(no_memory);
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, &memory, NULL);

    if (yyjson_is_obj(yyjson_doc_get_root(doc)))
        return doc;
    yyjson_doc_free(doc);
    return NULL;
}

static unsigned
feature_if(bool is_so, enum feature feature)
{
    return is_so ? feature : 0U;
}

static unsigned
read_features(yyjson_val *capabilities)
{
    yyjson_val *tools     = json_member(capabilities, "tools");
    yyjson_val *resources = json_member(capabilities, "resources");
    yyjson_val *prompts   = json_member(capabilities, "prompts");

    return feature_if(tools != NULL, FEATURE_TOOLS) | feature_if(resources != NULL, FEATURE_RESOURCES) |
           feature_if(prompts != NULL, FEATURE_PROMPTS) |
           feature_if(json_member(capabilities, "completions") != NULL, FEATURE_COMPLETIONS) |
           feature_if(json_member(capabilities, "logging") != NULL, FEATURE_LOGS) |
           feature_if(yyjson_is_true(yyjson_obj_get(tools, "listChanged")), FEATURE_TOOLS_CHANGE) |
           feature_if(yyjson_is_true(yyjson_obj_get(resources, "listChanged")), FEATURE_RESOURCES_CHANGE) |
           feature_if(yyjson_is_true(yyjson_obj_get(prompts, "listChanged")), FEATURE_PROMPTS_CHANGE) |
           feature_if(yyjson_is_true(yyjson_obj_get(resources, "subscribe")), FEATURE_SUBSCRIPTIONS);
}

/* In one line, and as the table has it when the server did not say. */
static bool
keep_identity(struct service *s, struct str info)
{
    bool        no_memory = false;
    yyjson_doc *doc       = read_object(info, &no_memory);
    char       *text;

    if (doc == NULL)
        return !no_memory && write_identity(s, NULL);
    text = yyjson_write(doc, 0, NULL);
    yyjson_doc_free(doc);
    if (text == NULL)
        return false;
    free(s->identity);
    s->identity = text;
    return true;
}

static bool
keep_instructions(struct relayed *k, struct str text)
{
    char *copy = text.data == NULL ? NULL : malloc(text.len + 1);

    if (text.data != NULL && copy == NULL)
        return false;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    free(k->instructions);
    k->instructions     = copy;
    k->instructions_len = text.len;
    return true;
}

bool
service_relay_known(struct service *s, const struct relay_server *server)
{
    bool        no_memory    = false;
    yyjson_doc *capabilities = read_object(server->capabilities, &no_memory);

    if (capabilities == NULL && !no_memory)
        capabilities = read_object(STR("{}"), &no_memory);
    if (capabilities == NULL || !keep_identity(s, server->info) ||
        !keep_instructions(s->relayed, server->instructions)) {
        yyjson_doc_free(capabilities);
        return false;
    }
    yyjson_doc_free(s->relayed->capabilities);
    s->relayed->capabilities = capabilities;
    s->features              = read_features(yyjson_doc_get_root(capabilities));
    return true;
}

void
relay_put_capabilities(struct request *r, yyjson_mut_val *into)
{
    words_put_capabilities(r, into, yyjson_doc_get_root(r->service->relayed->capabilities));
}

struct str
relay_instructions(const struct service *s)
{
    if (s->relayed == NULL || s->relayed->instructions == NULL)
        return STR_NONE;
    return str_of(s->relayed->instructions, s->relayed->instructions_len);
}

/* --- what it is asked --- */

static void
call_relay(struct request *r, request_handler handler)
{
    r->name = arena_str(r->arena, r->x->message.method); /* which the exchange takes along when it ends */
    if (r->name.data == NULL)
        request_fail(r, "no memory");
    else
        request_call(r, handler);
}

void
when_known(struct request *r, request_handler next)
{
    r->handler = next;
    call_relay(r, relay_of(r)->open);
}

void
serve_when_known(struct request *r)
{
    when_known(r, r->method->serve);
}

void
serve_by_relay(struct request *r)
{
    bool may_ask = r->method != NULL && (r->method->traits & METHOD_ASKS) != 0;

    r->handler = relay_of(r)->serve;
    if (!may_ask || state_open(r))
        call_relay(r, r->handler);
}

struct str
request_method(const struct request *r)
{
    return r->name;
}

/* Members that are between the client and us. */
static bool
has_envelope(const struct request *r)
{
    return r->meta != NULL || yyjson_obj_get(r->params, "requestState") != NULL ||
           yyjson_obj_get(r->params, "inputResponses") != NULL;
}

yyjson_val *
request_params(struct request *r)
{
    yyjson_mut_val *copy;

    if (r->plain != NULL || !has_envelope(r))
        return r->plain != NULL ? r->plain : r->params;
    copy = yyjson_val_mut_copy(r->doc, r->params);
    words_drop_envelope(copy);
    if (is_modern(r) && !str_eq(r->name, STR("tasks/update"))) { /* which answers what another asked */
        yyjson_mut_obj_remove_key(copy, "requestState");
        yyjson_mut_obj_remove_key(copy, "inputResponses");
    }
    r->plain = json_fix(r, copy);
    return r->plain;
}

bool
request_is_modern(const struct request *r)
{
    return is_modern(r);
}

struct str
request_revision(const struct request *r)
{
    return str_from(revision_names[r->revision]);
}

struct exchange *
request_exchange(const struct request *r)
{
    return r->x;
}

unsigned
request_abilities(const struct request *r)
{
    return r->abilities;
}

bool
request_demand(struct request *r, unsigned abilities)
{
    return abilities_demand(r, abilities);
}

struct str
request_capabilities(struct request *r)
{
    yyjson_alc  memory   = json_memory(r);
    yyjson_val *declared = json_member(r->meta, META_KEY("clientCapabilities"));
    size_t      len      = 0;
    char       *text     = NULL;

    if (is_modern(r))
        text = declared == NULL ? NULL : yyjson_val_write_opts(declared, 0, &memory, &len, NULL);
    else if (r->session != NULL && r->session->capabilities != NULL)
        return arena_str(r->arena, str_from(r->session->capabilities)); /* the session may end earlier */
    return text == NULL ? STR("{}") : str_of(text, len);
}

int
request_level(const struct request *r)
{
    return is_modern(r) ? r->level : r->session == NULL ? -1 : r->session->level;
}

/* --- what it answers --- */

/* Nobody is left who wants the answer. */
static bool
is_in_vain(struct request *r)
{
    if (!r->is_over && !r->is_answered)
        return false;
    request_answer(r, NULL);
    return true;
}

void
request_relay_known(struct request *r, const struct relay_server *server)
{
    if (is_in_vain(r))
        return;
    r->stop = NULL; /* the relay is done with it */
    if (service_relay_known(r->service, server))
        request_call(r, r->handler);
    else
        request_answer_error(r, RPC_INTERNAL, STR("No memory for what the server says of itself"), NULL);
}

/* A result of a kind that only the other era has: no word for it, and none of its parts would make sense. */
static bool
has_other_type(const struct request *r, yyjson_val *result)
{
    yyjson_val *type = yyjson_obj_get(result, "resultType");

    return !is_modern(r) && type != NULL && !yyjson_equals_str(type, "complete");
}

/* Arguments that modern clients repeat in header fields: the server, of an era without these, looks at none of them. */
static void
learn_tools(struct request *r, yyjson_val *result)
{
    struct mirrored *m     = &r->service->relayed->mirrored;
    yyjson_val      *tools = yyjson_obj_get(result, "tools");

    if (!is_modern(r) || !str_eq(r->name, STR("tools/list")) || !yyjson_is_arr(tools))
        return;
    if (yyjson_obj_get(r->params, "cursor") == NULL) /* the first page */
        mirrored_clear(m);
    mirrored_learn_tools(m, tools);
}

const struct param_rules *
service_param_rules(const struct service *s, struct str tool)
{
    return s->relayed == NULL ? NULL : mirrored_rules(&s->relayed->mirrored, tool);
}

void
request_finish_with(struct request *r, yyjson_val *result)
{
    if (is_in_vain(r))
        return;
    if (!yyjson_is_obj(result)) {
        request_answer_error(r, RPC_INTERNAL, STR("The server's result is no object"), NULL);
        return;
    }
    if (has_other_type(r, result)) {
        request_answer_error(r, RPC_INTERNAL, STR("The server's result is of a type that this revision does not have"),
                             NULL);
        return;
    }
    yyjson_mut_val *copy = yyjson_val_mut_copy(r->doc, result);
    r->is_error          = yyjson_is_true(yyjson_obj_get(result, "isError"));
    words_fit_result(r, copy);
    learn_tools(r, result);
    request_answer(r, copy);
}

void
request_challenge(struct request *r, int status, struct str challenge)
{
    r->status    = status;
    r->challenge = arena_str(r->arena, challenge);
}

void
request_refuse_with(struct request *r, int code, struct str message, yyjson_val *data)
{
    yyjson_mut_val *copy = data == NULL ? NULL : yyjson_val_mut_copy(r->doc, data);

    if (is_in_vain(r))
        return;
    r->stop = NULL; /* the relay is done with it */
    words_fit_error(r, &code, &copy);
    request_answer_error(r, code, message, copy);
}
