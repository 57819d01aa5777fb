/* How a server is opened: which era it is of, who it is. MCP 2026-07-28 basic/versioning; legacy basic/lifecycle. */
#include "mcp/client/parts.h"

#include "mcp/revision.h"

const char *
revision_among(yyjson_val *revisions, bool modern)
{
    const char *const *ours = modern ? modern_revisions : legacy_revisions;

    for (size_t i = 0; ours[i] != NULL; i++) {
        yyjson_val *value;
        size_t      index, max;
        yyjson_arr_foreach(revisions, index, max, value) if (yyjson_equals_str(value, ours[i])) return ours[i];
    }
    return NULL;
}

static void
lose_for(struct client *c, int code, int status, struct str words)
{
    char text[256];

    if (words.len > 0)
        snprintf(text, sizeof text, "%.*s", STR_ARG(str_take(words, 250)));
    else if (status != 0)
        snprintf(text, sizeof text, "it answered with HTTP status %d", status);
    else
        snprintf(text, sizeof text, "it did not answer");
    client_lose(c, CLOSE_UNREACHABLE, code, status, text);
}

static void
lose_by(struct client *c, const struct client_call *call, enum close_reason why, int code, struct str words)
{
    text_set(&c->challenge, client_call_challenge(call));
    lose_for(c, why == CLOSE_ANSWERED ? code : 0, call->status, words);
}

/* --- legacy --- */

static void
on_told_head(void *owner, int status, struct str session)
{
    (void)owner, (void)status, (void)session;
}

static void
on_told_message(void *owner, const struct envelope *e)
{
    (void)owner, (void)e; /* a notification has no answer, but some servers give one */
}

static void
on_told_challenge(void *owner, struct str challenge)
{
    text_set(&((struct client *)owner)->challenge, challenge);
}

static void
on_told(void *owner, const struct mail_end *end)
{
    struct client *c = owner;

    client_enter(c);
    c->initialized = NULL;
    if (end->status >= 400 || (end->status == 0 && end->why != CLOSE_ANSWERED))
        lose_for(c, 0, end->status, str_from(end->words));
    else if (!listen_first(c))
        client_opened(c);
    client_leave(c);
}

static void
tell_initialized(struct client *c)
{
    static const struct mail_events events = {
        .on_head = on_told_head, .on_message = on_told_message, .on_end = on_told, .on_challenge = on_told_challenge};
    struct error     err  = {0};
    struct mail_spec spec = letter_spec(c, KIND_NOTIFICATION, false);

    spec.message   = STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    spec.patience  = c->patience;
    c->initialized = way_send(c->way, &spec, &events, c, &err);
    if (c->initialized == NULL)
        client_trouble(c, &err);
}

static const char *
agreed(struct str revision)
{
    for (size_t i = 0; legacy_revisions[i] != NULL; i++)
        if (str_eq(revision, str_from(legacy_revisions[i])))
            return legacy_revisions[i];
    return NULL;
}

static void
on_initialized(void *owner, struct client_call *call, yyjson_val *result)
{
    struct client *c        = owner;
    struct str     revision = json_str_in(result, "protocolVersion");
    char           words[160];

    (void)call;
    c->revision = agreed(revision);
    if (c->revision == NULL) {
        snprintf(words, sizeof words, "it speaks revision \"%.*s\" of the protocol, which we do not",
                 STR_ARG(str_take(revision, 40)));
        client_lose(c, CLOSE_MALFORMED, 0, 0, words);
    } else if (!client_keep_server(c, result)) {
        client_lose(c, CLOSE_BUSY, 0, 0, "no memory for what it says of itself");
    } else {
        tell_initialized(c);
    }
}

static void
on_refused(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)data;
    lose_by(owner, call, why, code, message);
}

/* Of the heap; the client's name, and what may be asked of it. */
static yyjson_doc *
initialize_params(const struct client *c)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *params    = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_str(doc, params, "protocolVersion", c->offered);
    yyjson_mut_obj_add_val(doc, params, "capabilities", yyjson_val_mut_copy(doc, yyjson_doc_get_root(c->capabilities)));
    yyjson_mut_val *info = yyjson_mut_obj_add_obj(doc, params, "clientInfo");
    yyjson_mut_obj_add_val(doc, info, "name", json_text(doc, str_from(c->name)));
    yyjson_mut_obj_add_val(doc, info, "version", json_text(doc, str_from(c->version)));
    yyjson_doc *made = is_broken ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    return made;
}

void
opening_initialize(struct client *c)
{
    static const struct call_events events = {.on_result = on_initialized, .on_error = on_refused};
    yyjson_doc                     *params = initialize_params(c);
    struct client_request           asked  = {.method = STR("initialize"), .level = -1};
    struct error                    err    = {0};

    c->state      = CLIENT_OPENING;
    c->era        = CLIENT_LEGACY;
    c->revision   = NULL; /* the header field comes with what was agreed */
    c->session[0] = '\0';
    asked.params  = yyjson_doc_get_root(params);
    if (params == NULL)
        error_set(&err, ERROR_MEMORY, "no memory to open it");
    if (params == NULL || call_start(c, &asked, &events, c, CALL_OURS | CALL_OPENS, &err) == NULL)
        client_trouble(c, &err);
    yyjson_doc_free(params);
}

void
opening_stop(struct client *c)
{
    struct mail *mail = c->initialized;

    c->initialized = NULL;
    if (mail != NULL)
        c->way->ops->drop(mail, CLOSE_CANCELLED);
}

/* --- modern --- */

static void discover(struct client *c);

static void
open_modern(struct client *c, yyjson_val *result)
{
    c->era = CLIENT_MODERN;
    if (client_keep_server(c, result))
        client_opened(c);
    else
        client_lose(c, CLOSE_BUSY, 0, 0, "no memory for what it says of itself");
}

/* A revision of both, of those that the server names. `again`: it is asked once more with it. */
static void
choose(struct client *c, yyjson_val *supported, yyjson_val *result)
{
    const char *modern = revision_among(supported, true);

    if (modern != NULL) {
        c->revision = modern;
        if (result != NULL || c->is_renamed) {
            open_modern(c, result);
        } else {
            c->is_renamed = true;
            discover(c);
        }
    } else if ((yyjson_arr_size(supported) == 0 || revision_among(supported, false) != NULL) &&
               c->pinned != CLIENT_MODERN) {
        opening_initialize(c);
    } else {
        client_lose(c, CLOSE_MALFORMED, result == NULL ? CODE_UNSUPPORTED_VERSION : 0, 0,
                    "it speaks no revision of the protocol that we do");
    }
}

static void
on_discovered(void *owner, struct client_call *call, yyjson_val *result)
{
    struct client *c         = owner;
    yyjson_val    *supported = yyjson_obj_get(result, "supportedVersions");

    (void)call;
    if (yyjson_arr_size(supported) > 0)
        choose(c, supported, result);
    else
        open_modern(c, result);
}

/* What only a server of that era says: MCP 2026-07-28 basic/versioning. */
static bool
is_recognised(const struct client *c, const struct client_call *call, enum close_reason why, int code)
{
    if (why != CLOSE_ANSWERED || !client_is_http(c))
        return false;
    return code == CODE_HEADER_MISMATCH || code == CODE_ABILITY_MISSING || code == CODE_INVALID_PARAMS ||
           (code == CODE_METHOD_NOT_FOUND && call->status == 404);
}

/* It is not about the era: who may ask, how often, and whether there is anybody. */
static bool
is_final(const struct client_call *call, enum close_reason why)
{
    return call->status == 401 || call->status == 403 || call->status == 429 || why == CLOSE_UNREACHABLE ||
           why == CLOSE_REFUSED || why == CLOSE_BUSY || why == CLOSE_SHUTDOWN;
}

static void
on_undiscovered(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
                yyjson_val *data)
{
    struct client *c = owner;

    if (is_final(call, why))
        lose_by(c, call, why, code, message);
    else if (why == CLOSE_ANSWERED && code == CODE_UNSUPPORTED_VERSION)
        choose(c, yyjson_obj_get(data, "supported"), NULL);
    else if (is_recognised(c, call, why, code))
        open_modern(c, NULL);
    else if (c->pinned == CLIENT_MODERN)
        lose_by(c, call, why, code, message);
    else
        opening_initialize(c);
}

static void
discover(struct client *c)
{
    static const struct call_events events = {.on_result = on_discovered, .on_error = on_undiscovered};
    const struct client_request     asked  = {.method = STR("server/discover"), .level = -1, .patience = c->probe};
    struct error                    err    = {0};

    if (call_start(c, &asked, &events, c, CALL_OURS | CALL_OPENS | CALL_OPENS_MODERN, &err) == NULL)
        client_trouble(c, &err);
}

void
opening_begin(struct client *c)
{
    bool is_legacy = c->pinned == CLIENT_LEGACY || c->way->ops->kind == WAY_SSE;

    c->state      = CLIENT_PROBING;
    c->is_renamed = false;
    c->session[0] = '\0';
    c->revision   = modern_revisions[0];
    if (is_legacy)
        opening_initialize(c);
    else if (c->pinned == CLIENT_MODERN && !c->discovers)
        open_modern(c, NULL);
    else
        discover(c);
}
