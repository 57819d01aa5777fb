/* What comes back to a call: its answer, or the end without one; and what makes it go out again. */
#include "mcp/client/parts.h"

static bool
has_id(const struct client_call *call, const struct envelope *e)
{
    char digits[STR_DIGITS];

    return str_eq(e->id, str_of_u64(digits, call->id));
}

/* An error of unreadable input has no id; on the mail of a request it can mean nothing else. */
static bool
is_answer(const struct client_call *call, const struct envelope *e)
{
    return has_id(call, e) || (e->kind == MESSAGE_ERROR && (e->id.len == 0 || str_eq(e->id, STR("null"))));
}

/* A legacy server does not know the session any more; what it says of that is no answer to the call. 404 is what the
 * protocol has for it (MCP 2025-11-25 basic/transports "Session Management"); servers that were made after the example
 * of the TypeScript SDK say 400 with -32000 and words. */
static bool
is_without_session(const struct client_call *call)
{
    return !call->is_modern && !call->is_opening && call->has_session && client_is_http(call->client) &&
           (call->status == 404 || call->is_unknown);
}

static bool
says_unknown(const struct client_call *call, int code, yyjson_val *error)
{
    if (call->is_modern || call->is_opening || !call->has_session || !client_is_http(call->client))
        return false;
    if (call->status == 404)
        return code != CODE_METHOD_NOT_FOUND && code != CODE_INVALID_PARAMS;
    return call->status == 400 && code == CODE_TRANSPORT &&
           str_find_nocase(json_str_in(error, "message"), STR("session")) >= 0;
}

static void
finish_well(struct client_call *call, yyjson_val *result)
{
    struct client *c     = call->client;
    yyjson_doc    *shown = NULL;

    if (call->generation == c->generation && !call->is_opening)
        c->is_reopening = false;
    tools_learn(c, call, result);
    if (!tools_filter(c, call, result, &shown) || !task_hide(call, result, &shown)) {
        call_fail(call, CLOSE_BUSY, "no memory for its result");
        return;
    }
    call_finish(call, CLOSE_ANSWERED);
    if (call->events.on_result != NULL)
        call->events.on_result(call->owner, call, shown == NULL ? result : yyjson_doc_get_root(shown));
    yyjson_doc_free(shown);
    questions_tell_freed(c);
}

static bool
has_extension(const struct client_call *call, const char *name)
{
    yyjson_doc *doc = call->capabilities != NULL ? call->capabilities : call->client->capabilities;

    if (call->follows_task && strcmp(name, META_KEY("tasks")) == 0)
        return true;
    return yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(doc), "extensions"), name) != NULL;
}

/* True: the document was taken over. */
static bool
take_result(struct client_call *call, yyjson_doc *doc)
{
    yyjson_val *result = yyjson_obj_get(yyjson_doc_get_root(doc), "result");
    yyjson_val *type   = yyjson_obj_get(result, "resultType");
    char        words[128];

    if (!yyjson_is_obj(result)) {
        call_fail(call, CLOSE_MALFORMED, "its result is no object");
    } else if (task_is_modern(call, result)) {
        task_follow(call, result);
    } else if (task_is_begun(call, result)) {
        task_begin(call, result);
    } else if (!call->is_modern || type == NULL || yyjson_equals_str(type, "complete") ||
               (yyjson_equals_str(type, "task") && has_extension(call, META_KEY("tasks")))) {
        finish_well(call, result);
    } else if (yyjson_equals_str(type, "input_required")) {
        round_begin(call, doc, result);
        return true;
    } else {
        snprintf(words, sizeof words, "its result is of the type \"%.*s\", which we do not know",
                 STR_ARG(str_take(json_str(type), 40)));
        call_fail(call, CLOSE_MALFORMED, words);
    }
    return false;
}

static void
take_error(struct client_call *call, yyjson_val *error)
{
    struct client *c        = call->client;
    int            code     = (int)yyjson_get_sint(yyjson_obj_get(error, "code"));
    yyjson_val    *data     = yyjson_obj_get(error, "data");
    const char    *revision = NULL;

    if (says_unknown(call, code, error)) {
        call->is_unknown = true; /* call_take_end sees to it */
        return;
    }
    if (call->generation == c->generation && !call->is_opening)
        c->is_reopening = false;
    if (call->is_modern && !call->is_opening && code == CODE_UNSUPPORTED_VERSION && !call->is_renamed)
        revision = revision_among(yyjson_obj_get(data, "supported"), true);
    if (revision != NULL) {
        call->is_renamed = true;
        c->revision      = revision;
        call_send_or_fail(call);
    } else if (call->is_modern && code == CODE_HEADER_MISMATCH && !call->is_refreshed && client_is_http(c) &&
               call_is(call, "tools/call")) {
        tools_refresh(call);
    } else {
        call_end_error(call, code, json_str_in(error, "message"), data);
    }
}

static void
take_answer(struct client_call *call, const struct envelope *e)
{
    yyjson_doc *doc = json_read(e->message);

    if (doc == NULL)
        call_fail(call, CLOSE_MALFORMED, "its answer cannot be read, or there is no memory for it");
    else if (e->kind == MESSAGE_ERROR)
        take_error(call, yyjson_obj_get(yyjson_doc_get_root(doc), "error"));
    else if (take_result(call, doc))
        return;
    yyjson_doc_free(doc);
}

void
call_take(struct client_call *call, const struct envelope *e)
{
    call->heard = loop_now(call->client->loop);
    if (e->kind == MESSAGE_NOTIFICATION || e->kind == MESSAGE_REQUEST)
        client_hear(call->client, call, e);
    else if (is_answer(call, e))
        take_answer(call, e);
}

static void
start_over(struct client_call *call)
{
    struct client *c = call->client;

    if (call->is_resent) {
        call_fail(call, CLOSE_SESSION_ENDED, "its session is gone");
        return;
    }
    call->is_resent  = true;
    call->is_unknown = false;
    call->state      = CALL_WAITING;
    list_remove(&call->node);
    list_append(&c->waiting, &call->node);
    if (c->state != CLIENT_OPEN)
        return;
    if (call->generation == c->generation)
        client_reopen(c);
    else
        call_send_or_fail(call);
}

/* Everything that goes over one channel goes with it. */
static bool
is_loss(const struct client *c, enum close_reason why)
{
    return !client_is_http(c) && (why == CLOSE_SESSION_ENDED || why == CLOSE_UNREACHABLE || why == CLOSE_SHUTDOWN ||
                                  (why == CLOSE_CUT && c->way->ops->kind == WAY_SSE));
}

static void
fail_at_end(struct client_call *call, const struct mail_end *end)
{
    struct client    *c          = call->client;
    uint64_t          generation = call->generation;
    enum close_reason why        = end->why;
    bool              is_told    = why == CLOSE_TIMED_OUT && call_is_to_be_told(call);
    bool              is_opening = call->is_opening;
    char              words[256];

    if (why == CLOSE_ANSWERED)
        why = call->status >= 300 ? CLOSE_MALFORMED : CLOSE_CUT;
    if (end->words != NULL && end->words[0] != '\0')
        snprintf(words, sizeof words, "%s", end->words);
    else if (call->status >= 300)
        snprintf(words, sizeof words, "it answered with HTTP status %d", call->status);
    else
        snprintf(words, sizeof words, "it %s", close_info[why].text);
    if (is_told)
        call_tell_cancelled(call, "it took too long");
    if (!is_loss(c, why))
        task_cancel(call);
    call_fail(call, why, words);
    if (!c->is_gone && !is_opening && generation == c->generation && is_loss(c, why))
        client_lose(c, why, 0, 0, words);
}

void
call_take_end(struct client_call *call, const struct mail_end *end)
{
    if (is_without_session(call) && call->state == CALL_SENT && call->last_event == NULL)
        start_over(call);
    else if (resume_may(call, end))
        resume_later(call, end);
    else
        fail_at_end(call, end);
}
