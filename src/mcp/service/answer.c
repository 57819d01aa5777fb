/* What a request tells its client: the answer, once, and what is said on the way. */
#include <math.h>

#include "mcp/service/tasks.h"

/* To the client, on record, and over. */
static void
give(struct request *r, struct str message, int error_code, bool failed)
{
    struct exchange *x = r->x;

    r->x = NULL;
    exchange_lose_back(x);
    x->judged     = true;
    x->failed     = failed;
    x->error_code = error_code;
    if (x->first_byte == 0)
        x->first_byte = clock_mono();
    exchange_note(x, FROM_SERVER, message, false);
    bool is_taken = x->front == NULL || x->front->ops->message(x->front, x, message, true);
    if (!is_taken && x->front != NULL)
        exchange_fail(x, CLOSE_BUSY, "no memory for its answer (memory.max)");
    exchange_close(x, CLOSE_ANSWERED);
}

/* An error without a tree, when there may be no memory for one. */
static void
give_error_text(struct request *r, int code, struct str text)
{
    struct buffer b = {.max = KIB(8)};

    if (append_error_message(&b, r->x->message.id, code, text, NULL))
        give(r, buffer_str(&b), code, true);
    else
        exchange_fail(r->x, CLOSE_BUSY, "no memory for its answer");
    buffer_clear(&b);
}

/* {"jsonrpc":"2.0","id":…,<member>:…} */
static char *
write_answer(struct request *r, const char *member, yyjson_mut_val *value, size_t *len)
{
    struct str      id   = r->x->message.id;
    yyjson_mut_val *root = yyjson_mut_obj(r->doc);

    yyjson_mut_doc_set_root(r->doc, root);
    bool ok = yyjson_mut_obj_add_str(r->doc, root, "jsonrpc", "2.0") &&
              yyjson_mut_obj_add_val(r->doc, root, "id", yyjson_mut_rawn(r->doc, id.data, id.len)) &&
              yyjson_mut_obj_add_val(r->doc, root, member, value);
    return ok ? json_write(r->doc, len) : NULL;
}

/* False: there is no answer to give any more. */
static bool
begin_answer(struct request *r)
{
    if (r->is_answered || r->state == REQUEST_ENDED)
        return false;
    r->is_answered = true;
    return r->x != NULL || r->task != NULL;
}

void
request_answer(struct request *r, yyjson_mut_val *result)
{
    size_t len;

    if (r->is_broken)
        result = NULL;
    if (!begin_answer(r)) {
        request_settle(r);
        return;
    }
    if (r->task != NULL) {
        task_finish(r->task, result);
    } else {
        char *text = result == NULL ? NULL : write_answer(r, "result", result, &len);
        if (text != NULL)
            give(r, str_of(text, len), 0, r->is_error);
        else
            give_error_text(r, RPC_INTERNAL, STR("The answer could not be written: no memory, or text that is none"));
        free(text);
    }
    request_settle(r);
}

char *
request_write_early(struct request *r, yyjson_mut_val *result, size_t *len)
{
    return r->is_broken ? NULL : write_answer(r, "result", result, len);
}

void
request_answer_early(struct request *r, struct str message)
{
    request_forget_key(r);
    give(r, message, 0, false);
}

static void
set_status(struct request *r, int code)
{
    static const struct {
        int code, status;
    } known[] = {
        {RPC_METHOD_NOT_FOUND, 404},
        {RPC_ABILITY_MISSING, 400},
        {RPC_HEADER_MISMATCH, 400},
        {RPC_REVISION_UNKNOWN, 400},
    };

    if (r->status != 0 && r->x != NULL) {
        r->x->http_status = r->status;
        r->x->challenge   = r->challenge;
        return;
    }
    if (!is_modern(r) || r->x == NULL || r->task != NULL)
        return;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (code == known[i].code)
            r->x->http_status = known[i].status;
}

void
request_answer_error(struct request *r, int code, struct str text, yyjson_mut_val *data)
{
    yyjson_mut_val *error = yyjson_mut_obj(r->doc);
    size_t          len;

    if (!begin_answer(r)) {
        request_settle(r);
        return;
    }
    set_status(r, code);
    bool ok = yyjson_mut_obj_add_int(r->doc, error, "code", code) &&
              yyjson_mut_obj_add_val(r->doc, error, "message", json_text(r->doc, text)) &&
              (data == NULL || yyjson_mut_obj_add_val(r->doc, error, "data", data));
    if (r->task != NULL) {
        task_fail(r->task, ok ? error : NULL);
    } else {
        char *message = ok && !r->is_broken ? write_answer(r, "error", error, &len) : NULL;
        if (message != NULL)
            give(r, str_of(message, len), code, true);
        else
            give_error_text(r, code, text);
        free(message);
    }
    request_settle(r);
}

void
request_answer_late(struct request *r, const char *outcome, int error_code)
{
    bool            is_error = error_code != 0;
    yyjson_mut_val *value    = outcome == NULL ? NULL : yyjson_mut_rawcpy(r->doc, outcome);
    size_t          len;
    char           *text = value == NULL ? NULL : write_answer(r, is_error ? "error" : "result", value, &len);

    set_status(r, error_code);
    if (text != NULL)
        give(r, str_of(text, len), error_code, is_error || r->is_error);
    else
        give_error_text(r, RPC_INTERNAL, STR("The answer could not be written: no memory, or text that is none"));
    free(text);
    request_settle(r);
}

void
request_refuse_params(struct request *r, const char *format, ...)
{
    char    text[700];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    request_answer_error(r, RPC_INVALID_PARAMS, str_from(text), NULL);
}

/* --- on the way --- */

bool
request_tell(struct request *r, struct str message)
{
    struct exchange *x = r->x;

    if (x == NULL || r->task != NULL) /* of a task nothing is told before its answer */
        return false;
    if (x->first_byte == 0)
        x->first_byte = loop_now(x->owner->loop);
    if (x->front != NULL && x->front->ops->message(x->front, x, message, false)) {
        exchange_note(x, FROM_SERVER, message, false);
        return true;
    }
    if (r->x == NULL || r->session == NULL || r->session->stream == NULL) /* telling it may have ended it */
        return false;
    return session_say(r->session, message);
}

static void
end_and_tell(struct request *r, struct note *n)
{
    size_t len;
    char  *text = note_end(n, &len);

    if (text != NULL)
        request_tell(r, str_of(text, len));
    free(text);
}

/* As a token may be: a string or an integer. */
bool
token_is_valid(struct str token)
{
    if (token.len > 0 && token.data[0] == '"')
        return true;
    for (size_t i = token.len > 1 && token.data[0] == '-'; i < token.len; i++)
        if (token.data[i] < '0' || token.data[i] > '9')
            return false;
    return token.len > 0;
}

/* 50 and not 50.0, as most would write it. */
static void
put_number(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, double number)
{
    if (number >= -9e15 && number <= 9e15 && number == (double)(int64_t)number)
        yyjson_mut_obj_add_sint(doc, into, key, (int64_t)number);
    else
        yyjson_mut_obj_add_real(doc, into, key, number);
}

void
request_progress(struct request *r, double progress, double total, const char *message)
{
    struct str  token = r->x == NULL ? STR_NONE : r->x->message.progress_token;
    struct note n;

    if (r->is_answered || !token_is_valid(token) || !isfinite(progress) || !isfinite(total) ||
        (r->has_progress && progress <= r->progress)) /* it must rise */
        return;
    r->has_progress = true;
    r->progress     = progress;
    note_begin(&n, "notifications/progress");
    yyjson_mut_obj_add_val(n.doc, n.params, "progressToken", yyjson_mut_rawncpy(n.doc, token.data, token.len));
    put_number(n.doc, n.params, "progress", progress);
    if (total > 0)
        put_number(n.doc, n.params, "total", total);
    if (message != NULL && r->revision >= SINCE_PROGRESS_TEXT)
        yyjson_mut_obj_add_val(n.doc, n.params, "message", json_text(n.doc, str_from(message)));
    end_and_tell(r, &n);
}

/* A legacy session that never said hears everything; a modern request that does not ask, nothing. */
bool
log_is_wanted(const struct request *r, int level)
{
    if (level < 0 || r->x == NULL || r->is_answered || (r->service->features & FEATURE_LOGS) == 0)
        return false;
    if (is_modern(r))
        return r->level >= 0 && level >= r->level;
    return r->session != NULL && level >= r->session->level;
}

void
request_log(struct request *r, const char *level, const char *logger, yyjson_mut_val *data)
{
    struct note n;

    if (data == NULL || !log_is_wanted(r, log_level_of(str_from(level))))
        return;
    note_begin(&n, "notifications/message");
    yyjson_mut_obj_add_str(n.doc, n.params, "level", level);
    json_put(n.doc, n.params, "logger", logger);
    yyjson_mut_obj_add_val(n.doc, n.params, "data", yyjson_mut_val_mut_copy(n.doc, data));
    end_and_tell(r, &n);
}

void
request_log_text(struct request *r, const char *level, const char *text)
{
    request_log(r, level, NULL, json_text(r->doc, str_from(text)));
}
