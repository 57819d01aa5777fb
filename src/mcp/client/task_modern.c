/* A call of which a modern server made a task: it is looked at again and again until it is over, what it asks is asked
 * as in any other call, and the call ends with what the task came to. Extension io.modelcontextprotocol/tasks.
 *
 *   RESTING ---> LOOKING ---> RESTING          tasks/get. It is over: so is the call
 *      ^            |
 *      '-- TELLING <'                          tasks/update: all that it asked is answered
 *
 * A look that brings no answer is tried again, a few times: the task runs on at a server that is restarted or cut off
 * for a moment. While a person is asked it goes on being looked at, because it may end without the answer. */
#include "mcp/client/parts.h"

#include <stdlib.h>

#define POLL       SECONDS(1) /* when the server does not say */
#define POLL_LEAST MILLISECONDS(50)
#define POLL_MOST  SECONDS(60)

enum {
    FAILURES_MOST   = 5,    /* in a row */
    TASK_ASKED_MOST = 1024, /* questions in the life of a task */
};

struct following {
    struct client_call *call;
    struct client_call *errand; /* tasks/get or tasks/update; NULL: it rests, or a person is asked */
    struct timer        rest;
    mono_time           poll;
    unsigned            failures;     /* in a row */
    unsigned            asked;        /* questions in its life */
    char               *id;           /* of the task */
    char               *capabilities; /* NULL: the client's */
    char               *words;        /* its status that was told last; NULL: none */
};

static void look(struct following *f);

/* --- its errands --- */

static void
rest(struct following *f, mono_time length)
{
    struct loop *loop = f->call->client->loop;

    length = length < POLL_LEAST ? POLL_LEAST : length > POLL_MOST ? POLL_MOST : length;
    loop_set_timer(loop, &f->rest, loop_now(loop) + length);
}

static void
on_rested(struct timer *rest)
{
    struct following *f = LIST_OF(struct following, rest, rest);
    struct client    *c = f->call->client;

    client_enter(c);
    if (f->errand == NULL)
        look(f);
    client_leave(c);
}

/* There was no answer. */
static void
try_again(struct following *f, enum close_reason why, const char *words)
{
    if (++f->failures > FAILURES_MOST)
        call_fail(f->call, why, words);
    else
        rest(f, f->poll << f->failures);
}

static void
on_failed(void *owner, struct client_call *errand, enum close_reason why, int code, struct str message,
          yyjson_val *data)
{
    struct following *f = owner;
    char              words[256];

    (void)errand;
    f->errand = NULL;
    if (why == CLOSE_ANSWERED) {
        call_end_error(f->call, code, message, data);
        return;
    }
    snprintf(words, sizeof words, "%.*s", STR_ARG(str_take(message, 250)));
    try_again(f, why, words);
}

/* {"taskId":…} and the answers, of the heap; NULL: no memory. */
static yyjson_doc *
params_of(const struct following *f, bool answers)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *params    = yyjson_mut_obj(doc);
    yyjson_mut_val *responses = answers ? yyjson_mut_obj_add_obj(doc, params, "inputResponses") : NULL;

    yyjson_mut_obj_add_val(doc, params, "taskId", json_text(doc, str_from(f->id)));
    LIST_EACH (struct question_in, q, &f->call->questions, node)
        if (answers && q->answer != NULL)
            yyjson_mut_obj_add_val(doc, responses, q->key, yyjson_val_mut_copy(doc, yyjson_doc_get_root(q->answer)));
    yyjson_doc *made = is_broken ? NULL : yyjson_mut_val_imut_copy(params, &memory);
    yyjson_mut_doc_free(doc);
    return made;
}

static void
go(struct following *f, struct str method, bool answers, const struct call_events *events)
{
    struct client_call   *call    = f->call;
    yyjson_doc           *params  = params_of(f, answers);
    struct client_request request = {.method       = method,
                                     .params       = yyjson_doc_get_root(params),
                                     .capabilities = str_from(f->capabilities),
                                     .follows_task = true, /* which it says of itself: it is of a task itself */
                                     .level        = -1,
                                     .patience     = call->patience};
    struct error          err     = {0};

    loop_clear_timer(call->client->loop, &f->rest);
    if (params == NULL) {
        call_fail(call, CLOSE_BUSY, "no memory to follow its task");
        return;
    }
    f->errand = call_start(call->client, &request, events, f, CALL_OURS, &err);
    yyjson_doc_free(params);
    if (f->errand == NULL && !call->client->is_gone)
        try_again(f, CLOSE_UNREACHABLE, err.text);
}

/* --- what it asks --- */

static bool
has_answers(const struct following *f)
{
    LIST_EACH (struct question_in, q, &f->call->questions, node)
        if (q->answer != NULL)
            return true;
    return false;
}

/* The server has them, all. */
static void
on_updated(void *owner, struct client_call *errand, yyjson_val *result)
{
    struct following *f = owner;

    (void)errand, (void)result;
    f->errand   = NULL;
    f->failures = 0;
    LIST_EACH (struct question_in, q, &f->call->questions, node)
        if (q->answer != NULL)
            question_bury(q);
    rest(f, f->poll);
}

static void
update(struct following *f)
{
    static const struct call_events events = {.on_result = on_updated, .on_error = on_failed};

    go(f, STR("tasks/update"), true, &events);
}

/* What the server does not want to know any more. */
static void
withdraw(struct following *f, yyjson_val *requests)
{
    LIST_EACH (struct question_in, q, &f->call->questions, node) {
        if (yyjson_obj_get(requests, q->key) != NULL)
            continue;
        f->call->unanswered -= q->answer == NULL;
        question_bury(q);
    }
}

static bool
is_asked_already(const struct following *f, yyjson_val *key)
{
    LIST_EACH (struct question_in, q, &f->call->questions, node)
        if (yyjson_equals_str(key, q->key))
            return true;
    return false;
}

/* Outlives what the server said: its key is in a document of its own. */
static bool
take_question(struct following *f, yyjson_val *key, yyjson_val *request)
{
    bool                is_broken = false;
    yyjson_alc          memory    = json_heap(&is_broken);
    yyjson_mut_doc     *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val     *root      = yyjson_mut_obj(doc);
    struct question_in *q         = question_new(f->call->client, f->call);

    yyjson_mut_obj_add_val(doc, root, "key", yyjson_val_mut_copy(doc, key));
    yyjson_mut_obj_add_val(doc, root, "request", yyjson_val_mut_copy(doc, request));
    yyjson_doc *kept = is_broken ? NULL : yyjson_mut_val_imut_copy(root, &memory);
    yyjson_mut_doc_free(doc);
    if (q == NULL || kept == NULL) {
        yyjson_doc_free(kept);
        if (q != NULL)
            question_bury(q);
        return false;
    }
    request   = yyjson_obj_get(yyjson_doc_get_root(kept), "request");
    q->doc    = kept;
    q->key    = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(kept), "key"));
    q->method = json_str_in(request, "method");
    q->params = json_member(request, "params");
    f->call->unanswered++;
    f->asked++;
    return true;
}

/* False: the call is over. `*any`: there is something new to be told. */
static bool
gather(struct following *f, yyjson_val *requests, bool *any)
{
    yyjson_val *key, *request;
    size_t      index, max;

    yyjson_obj_foreach(requests, index, max, key, request)
    {
        if (is_asked_already(f, key))
            continue;
        const char *why = f->asked >= TASK_ASKED_MOST                 ? "it asks for input again and again"
                          : f->call->question_count >= QUESTIONS_MOST ? "it asks for more than can be answered at once"
                          : !question_is_valid(key, request)
                              ? "it asks for input in a way that the protocol does not have"
                              : NULL;
        if (why != NULL || !take_question(f, key, request)) {
            task_cancel_modern(f->call);
            call_fail(f->call, why == NULL ? CLOSE_BUSY : CLOSE_MALFORMED,
                      why == NULL ? "no memory for its questions" : why);
            return false;
        }
        *any = true;
    }
    return true;
}

static void
ask(struct following *f, yyjson_val *requests)
{
    struct client_call *call = f->call;
    bool                any  = false;

    withdraw(f, requests);
    if (!gather(f, requests, &any))
        return;
    if (any)
        questions_tell(call);
    if (call->state == CALL_OVER || f->errand != NULL)
        return;
    if (call->unanswered == 0 && has_answers(f))
        update(f);
    else if (f->errand == NULL)
        rest(f, f->poll);
}

void
task_answered(struct client_call *call)
{
    struct following *f = call->following;

    if (f->errand == NULL) /* else what it comes back with decides */
        update(f);
}

/* --- how it is --- */

static void
tell_words(struct following *f, yyjson_val *words)
{
    if (!yyjson_is_str(words) || (f->words != NULL && yyjson_equals_str(words, f->words)))
        return;
    free(f->words);
    f->words = text_copy(json_str(words));
    task_tell_status(f->call, words);
}

static void
note_poll(struct following *f, yyjson_val *task)
{
    yyjson_val *ms = yyjson_obj_get(task, "pollIntervalMs");

    if (yyjson_is_num(ms) && yyjson_get_num(ms) >= 0)
        f->poll = yyjson_get_num(ms) > 60000 ? POLL_MOST : MILLISECONDS((mono_time)yyjson_get_num(ms));
}

static void
end_failed(struct following *f, yyjson_val *task, const char *words)
{
    yyjson_val *error   = json_member(task, "error");
    yyjson_val *code    = yyjson_obj_get(error, "code");
    struct str  message = json_str_in(error == NULL ? task : error, error == NULL ? "statusMessage" : "message");

    call_end_error(f->call, yyjson_is_int(code) ? (int)yyjson_get_sint(code) : CODE_INTERNAL,
                   message.len > 0 ? message : str_from(words), yyjson_obj_get(error, "data"));
}

static void
end_completed(struct following *f, yyjson_val *task)
{
    struct client_call *call   = f->call;
    yyjson_val         *result = json_member(task, "result");

    if (result == NULL) {
        call_fail(call, CLOSE_MALFORMED, "its task is completed and has no result");
        return;
    }
    call_finish(call, CLOSE_ANSWERED);
    if (call->events.on_result != NULL)
        call->events.on_result(call->owner, call, result);
}

/* `is_whole`: with what it asks, and what it came to. */
static void
take_task(struct following *f, yyjson_val *task, bool is_whole)
{
    struct str status = json_str_in(task, "status");

    note_poll(f, task);
    tell_words(f, yyjson_obj_get(task, "statusMessage"));
    if (f->call->state == CALL_OVER)
        return;
    if (str_eq(status, STR("working")))
        ask(f, NULL);
    else if (!is_whole)
        look(f);
    else if (str_eq(status, STR("input_required")))
        ask(f, json_member(task, "inputRequests"));
    else if (str_eq(status, STR("completed")))
        end_completed(f, task);
    else if (str_eq(status, STR("failed")))
        end_failed(f, task, "its task has failed");
    else if (str_eq(status, STR("cancelled")))
        end_failed(f, task, "its task was cancelled");
    else
        call_fail(f->call, CLOSE_MALFORMED, "its task has a status that the protocol does not have");
}

static void
on_seen(void *owner, struct client_call *errand, yyjson_val *result)
{
    struct following *f = owner;

    (void)errand;
    f->errand   = NULL;
    f->failures = 0;
    take_task(f, result, true);
}

static void
look(struct following *f)
{
    static const struct call_events events = {.on_result = on_seen, .on_error = on_failed};

    go(f, STR("tasks/get"), false, &events);
}

/* --- its life --- */

bool
task_is_modern(const struct client_call *call, yyjson_val *result)
{
    bool is_looked_at = call_is(call, "tasks/get");

    return call->follows_task && call->is_modern && !call->is_ours &&
           (is_looked_at || yyjson_equals_str(yyjson_obj_get(result, "resultType"), "task")) &&
           yyjson_is_str(yyjson_obj_get(result, "taskId"));
}

static struct following *
following_new(struct client_call *call, yyjson_val *result)
{
    struct following *f       = malloc(sizeof *f);
    yyjson_val       *ability = yyjson_doc_get_root(call->capabilities);

    if (f == NULL)
        return NULL;
    *f = (struct following){.call         = call,
                            .poll         = POLL,
                            .id           = text_copy(json_str_in(result, "taskId")),
                            .capabilities = ability == NULL ? NULL : yyjson_val_write(ability, 0, NULL)};
    timer_init(&f->rest, on_rested);
    call->following = f;
    return f->id != NULL && (ability == NULL || f->capabilities != NULL) ? f : NULL;
}

void
task_follow(struct client_call *call, yyjson_val *result)
{
    struct letter    *l = call->letter;
    struct following *f = following_new(call, result);

    call->state  = CALL_FOLLOWING;
    call->letter = NULL;
    questions_drop(&call->questions); /* of rounds before */
    call->unanswered = 0;
    if (l != NULL)
        letter_leave(l, CLOSE_ANSWERED);
    if (f == NULL)
        call_fail(call, CLOSE_BUSY, "no memory to follow its task");
    else
        take_task(f, result, call_is(call, "tasks/get"));
}

void
task_leave(struct client_call *call)
{
    struct following *f = call->following;

    struct client_call *errand = f == NULL ? NULL : f->errand;

    if (f == NULL)
        return;
    f->errand = NULL;
    loop_clear_timer(call->client->loop, &f->rest);
    if (errand != NULL)
        client_call_cancel(errand, CLOSE_CANCELLED, "nobody follows the task any more");
}

void
task_free(struct client_call *call)
{
    struct following *f = call->following;

    if (f == NULL)
        return;
    free(f->id);
    free(f->capabilities);
    free(f->words);
    free(f);
}

/* Who only looked at it leaves it alone. */
void
task_cancel_modern(struct client_call *call)
{
    struct following *f      = call->following;
    yyjson_doc       *params = f == NULL || call_is(call, "tasks/get") ? NULL : params_of(f, false);

    if (params == NULL)
        return;
    call_tell(call->client, &(struct client_request){.method       = STR("tasks/cancel"),
                                                     .params       = yyjson_doc_get_root(params),
                                                     .capabilities = str_from(f->capabilities),
                                                     .follows_task = true,
                                                     .level        = -1});
    yyjson_doc_free(params);
}
