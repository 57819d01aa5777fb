/* A call: made, sent, ended. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#include "base/live.h"
#include "mcp/client/mirror.h"

/* --- made --- */

static bool
copy_in(yyjson_doc **copy, yyjson_val *value)
{
    *copy = json_keep(value);
    return value == NULL || *copy != NULL;
}

static struct client_call *
call_new(struct client *c, const struct client_request *request, struct error *err)
{
    struct client_call *call = malloc(sizeof *call);

    if (call == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a call");
        return NULL;
    }
    *call = (struct client_call){.client           = c,
                                 .method           = text_copy(request->method),
                                 .schema           = json_keep(request->input_schema),
                                 .follows_progress = request->follows_progress,
                                 .follows_task     = request->follows_task,
                                 .level            = request->level,
                                 .patience         = request->patience > 0 ? request->patience : c->patience};
    live_begin(LIVE_CLIENT_CALLS);
    list_init(&call->node);
    list_init(&call->questions);
    resume_init(call);
    bool ok = call->method != NULL && copy_in(&call->params, request->params);
    if (request->capabilities.len > 0) {
        call->capabilities = json_read(request->capabilities);
        if (ok && !yyjson_is_obj(yyjson_doc_get_root(call->capabilities))) {
            error_set(err, ERROR_INVALID, "the capabilities of the call are no JSON object");
            call_free(call);
            return NULL;
        }
    }
    if (ok)
        return call;
    error_set(err, ERROR_MEMORY, "no memory for a call");
    call_free(call);
    return NULL;
}

void
call_free(struct client_call *call)
{
    list_remove(&call->node);
    task_free(call);
    yyjson_doc_free(call->params);
    yyjson_doc_free(call->capabilities);
    yyjson_doc_free(call->schema);
    yyjson_doc_free(call->round);
    free(call->last_event);
    free(call->task);
    free(call->challenge);
    free(call->method);
    free(call);
    live_end(LIVE_CLIENT_CALLS);
}

bool
call_is(const struct client_call *call, const char *method)
{
    return strcmp(call->method, method) == 0;
}

/* Sent, or waiting until the client is open. */
static bool
call_go(struct client *c, struct client_call *call, struct error *err)
{
    if (!call->is_opening)
        client_open(c); /* who hears of it may close the client */
    if (c->is_gone)
        return error_set(err, ERROR_CLOSED, "the client was closed");
    if (call->is_opening || c->state == CLIENT_OPEN)
        return call_send(call, err);
    list_append(&c->waiting, &call->node);
    return true;
}

struct client_call *
call_start(struct client *c, const struct client_request *request, const struct call_events *events, void *owner,
           unsigned kind, struct error *err)
{
    struct client_call *call = NULL;

    client_enter(c);
    if (c->open >= CALLS_MOST && !(kind & CALL_OURS))
        error_set(err, ERROR_FULL, "%d calls to the server are open", CALLS_MOST);
    else if (!c->is_gone)
        call = call_new(c, request, err);
    if (call != NULL) {
        call->events      = *events;
        call->owner       = owner;
        call->is_ours     = kind & CALL_OURS;
        call->is_listener = kind & CALL_LISTENS;
        call->is_opening  = kind & CALL_OPENS;
        call->is_modern   = kind & CALL_OPENS_MODERN;
        c->open += !call->is_ours;
        bool ok = call_go(c, call, err);
        if (call->state == CALL_OVER) { /* who heard of something meanwhile has closed the client */
            error_set(err, ERROR_CLOSED, "the client was closed");
            call = NULL;
        } else if (!ok) {
            c->open -= !call->is_ours;
            call_free(call);
            call = NULL;
        }
    }
    client_leave(c);
    return call;
}

struct client_call *
client_call(struct client *c, const struct client_request *request, const struct call_events *events, void *owner,
            struct error *err)
{
    return call_start(c, request, events, owner, CALL_OF_OWNER, err);
}

int
client_call_status(const struct client_call *call)
{
    return call->status;
}

struct str
client_call_challenge(const struct client_call *call)
{
    return str_from(call->challenge);
}

/* --- sent --- */

/* MCP 2026-07-28 basic/transports: what Mcp-Name says. */
static struct str
name_of(const struct client_call *call)
{
    yyjson_val *params = yyjson_doc_get_root(call->params);

    if (call_is(call, "tools/call") || call_is(call, "prompts/get"))
        return json_str_in(params, "name");
    if (call_is(call, "resources/read"))
        return json_str_in(params, "uri");
    if (str_starts(str_from(call->method), STR("tasks/")))
        return json_str_in(params, "taskId");
    return STR_NONE;
}

/* The fields that repeat arguments; in `*a`, which is made when there are any. False: no memory. */
static bool
add_params(const struct client_call *call, struct mail_spec *spec, yyjson_doc **schema, struct arena **a,
           struct error *err)
{
    yyjson_val  *arguments = yyjson_obj_get(yyjson_doc_get_root(call->params), "arguments");
    struct error own       = {0};

    if (!tools_schema(call->client, call, schema))
        return error_set(err, ERROR_MEMORY, "no memory for the header of a call");
    if (*schema == NULL)
        return true;
    *a = arena_new(KIB(1), MIB(16));
    if (*a != NULL &&
        mirror_arguments(yyjson_doc_get_root(*schema), arguments, *a, &spec->params, &spec->param_count, &own))
        return true;
    if (*a != NULL && own.code == ERROR_INVALID)
        return true; /* a tool that breaks the rules for it: the server may judge */
    return error_set(err, ERROR_MEMORY, "no memory for the header of a call");
}

static struct mail_spec
spec_of(const struct client_call *call)
{
    struct mail_spec spec = letter_spec(call->client, KIND_REQUEST, call->is_modern);

    spec.patience = call->is_listener ? 0 : call->patience;
    if (call->is_modern) {
        spec.method = str_from(call->method);
        spec.name   = name_of(call);
    }
    return spec;
}

static bool
post(struct client_call *call, struct str message, struct error *err)
{
    struct mail_spec spec   = spec_of(call);
    yyjson_doc      *schema = NULL;
    struct arena    *a      = NULL;

    spec.message = message;
    bool ok      = (!call->is_modern || add_params(call, &spec, &schema, &a, err)) && letter_send(call, &spec, err);
    yyjson_doc_free(schema);
    arena_free(a);
    return ok;
}

bool
call_send(struct client_call *call, struct error *err)
{
    struct client *c = call->client;
    size_t         len;

    if (!call->is_opening)
        call->is_modern = c->era == CLIENT_MODERN;
    call->id          = ++c->last_id;
    call->token       = call->token == 0 ? call->id : call->token;
    call->generation  = c->generation;
    call->has_session = c->session[0] != '\0';
    call->heard       = loop_now(c->loop);
    char *message     = compose_request(call, &len);
    if (message == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the message, or text in it that is none");
    call->state = CALL_SENT;
    list_remove(&call->node);
    list_append(&c->calls, &call->node);
    bool ok = post(call, str_of(message, len), err);
    free(message);
    return ok;
}

void
call_send_or_fail(struct client_call *call)
{
    struct error   err = {0};
    struct letter *l   = call->letter;

    call->letter = NULL;
    if (l != NULL)
        letter_leave(l, CLOSE_ANSWERED);
    if (!call_send(call, &err))
        call_fail_for(call, &err);
}

void
calls_flush(struct client *c)
{
    for (struct list *node; c->state == CLIENT_OPEN && !c->is_gone && (node = list_first(&c->waiting)) != NULL;)
        call_send_or_fail(LIST_OF(struct client_call, node, node));
}

void
call_tell(struct client *c, const struct client_request *request)
{
    struct client_call *call = c->is_gone || c->state != CLIENT_OPEN ? NULL : call_new(c, request, NULL);
    size_t              len  = 0;

    if (call == NULL)
        return;
    call->is_modern       = c->era == CLIENT_MODERN;
    call->id              = ++c->last_id;
    struct mail_spec spec = spec_of(call);
    spec.is_farewell      = true;
    char *message         = compose_request(call, &len);
    letter_tell_as(c, &spec, message, len, NULL);
    call_free(call);
}

/* --- over --- */

void
call_finish(struct client_call *call, enum close_reason why)
{
    struct client *c = call->client;
    struct letter *l = call->letter;

    call->state  = CALL_OVER;
    call->letter = NULL;
    list_remove(&call->node);
    list_append(&c->over, &call->node);
    loop_clear_timer(c->loop, &call->timer);
    c->open -= !call->is_ours;
    task_leave(call);
    c->followed -= call->task != NULL;
    if (why == CLOSE_ANSWERED)
        questions_set_free(call);
    questions_drop(&call->questions);
    if (l != NULL)
        letter_leave(l, why);
}

void
call_fail(struct client_call *call, enum close_reason why, const char *words)
{
    call_finish(call, why);
    if (call->events.on_error == NULL)
        return;
    struct str text = str_from(words != NULL && words[0] != '\0' ? words : close_info[why].text);
    call->events.on_error(call->owner, call, why, CODE_INTERNAL, text, NULL);
}

void
call_fail_for(struct client_call *call, const struct error *err)
{
    enum close_reason why = CLOSE_UNREACHABLE;

    if (err->code == ERROR_MEMORY || err->code == ERROR_FULL || err->code == ERROR_BUSY)
        why = CLOSE_BUSY;
    else if (err->code == ERROR_TOO_LARGE)
        why = CLOSE_TOO_LARGE;
    else if (err->code == ERROR_DENIED)
        why = CLOSE_REFUSED;
    call_fail(call, why, err->text);
}

void
call_end_error(struct client_call *call, int code, struct str message, yyjson_val *data)
{
    call_finish(call, CLOSE_ANSWERED);
    if (call->events.on_error != NULL)
        call->events.on_error(call->owner, call, CLOSE_ANSWERED, code, message, data);
    questions_tell_freed(call->client);
}

void
call_tell_cancelled(const struct client_call *call, const char *reason)
{
    size_t len     = 0;
    char  *message = compose_cancel(call->id, reason, &len);

    letter_tell(call->client, KIND_NOTIFICATION, message, len, NULL);
}

bool
call_is_to_be_told(const struct client_call *call)
{
    return !call->is_modern && !call->is_opening && call->generation == call->client->generation &&
           call->client->state == CLIENT_OPEN && (call->state == CALL_SENT || call->state == CALL_RESUMING);
}

void
client_call_cancel(struct client_call *call, enum close_reason why, const char *reason)
{
    struct client *c = call->client;
    struct letter *l = call->letter;

    if (call->state == CALL_OVER || c->is_gone)
        return;
    client_enter(c);
    bool is_told = call_is_to_be_told(call);
    if (l != NULL)
        l->call = NULL; /* who hears of the cancellation may end the letter */
    call->letter = NULL;
    task_cancel_modern(call);
    call_finish(call, why);
    if (is_told)
        call_tell_cancelled(call, reason);
    if (!c->is_gone)
        task_cancel(call);
    if (l != NULL && !c->is_gone)
        letter_leave(l, why);
    client_leave(c);
}
