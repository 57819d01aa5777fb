/* What a server asks: requests of a legacy one, inputRequests of a modern one. */
#include "mcp/client/parts.h"

#include <stdlib.h>

const char *
question_key(const struct question_in *q)
{
    return q->key;
}

struct str
question_method(const struct question_in *q)
{
    return q->method;
}

yyjson_val *
question_params(const struct question_in *q)
{
    return q->params;
}

void
question_watch(struct question_in *q, struct question_in **place)
{
    q->place = place;
}

/* So many more that the mail of its call waits for. */
static void
owe(const struct question_in *q, int questions)
{
    const struct way    *way = q->client->way;
    const struct letter *l   = q->call == NULL ? NULL : q->call->letter;

    if (q->id != NULL && l != NULL && l->mail != NULL && way->ops->owe != NULL)
        way->ops->owe(l->mail, questions);
}

/* Its asker does not wait for it any more, or has the answer. */
static void
vanish(struct question_in *q)
{
    q->is_gone = true;
    if (q->place != NULL)
        *q->place = NULL;
    q->place = NULL;
}

void
question_bury(struct question_in *q)
{
    vanish(q);
    if (q->call != NULL)
        q->call->question_count--;
    else
        q->client->question_count--;
    list_remove(&q->node);
    list_append(&q->client->dead_questions, &q->node);
}

void
questions_drop(struct list *questions)
{
    for (struct list *node; (node = list_first(questions)) != NULL;)
        question_bury(LIST_OF(struct question_in, node, node));
}

void
question_free(struct question_in *q)
{
    list_remove(&q->node);
    yyjson_doc_free(q->doc);
    yyjson_doc_free(q->answer);
    free(q->id);
    free(q);
}

struct question_in *
question_new(struct client *c, struct client_call *call)
{
    struct question_in *q = malloc(sizeof *q);

    if (q == NULL)
        return NULL;
    *q = (struct question_in){.client = c, .call = call, .generation = c->generation};
    list_append(call == NULL ? &c->questions : &call->questions, &q->node);
    if (call == NULL)
        c->question_count++;
    else
        call->question_count++;
    return q;
}

/* --- legacy --- */

static bool
may_be_asked(const struct client_call *call)
{
    return !call->is_ours && (call->events.on_question != NULL || call->client->events.on_question == NULL);
}

/* What is asked outside of any call is that call's which alone is open. */
static struct client_call *
asked_in(struct client *c, struct client_call *call)
{
    if (call != NULL && may_be_asked(call))
        return call;
    if (c->open != 1)
        return NULL;
    LIST_EACH (struct client_call, alone, &c->calls, node)
        if (may_be_asked(alone))
            return alone;
    return NULL;
}

static bool
is_open_already(const struct list *questions, struct str id)
{
    LIST_EACH (struct question_in, q, questions, node)
        if (q->id != NULL && str_eq(str_from(q->id), id))
            return true;
    return false;
}

static void
refuse(struct client *c, const char *id, int code, const char *words)
{
    size_t len     = 0;
    char  *message = compose_error(id, code, words, &len);

    letter_tell(c, KIND_REPLY, message, len, NULL);
}

static void
tell(struct client *c, struct client_call *call, struct question_in *q)
{
    if (call != NULL)
        call->events.on_question(call->owner, call, q);
    else
        c->events.on_question(c->owner, c, q);
}

/* `id` is taken over when it returns true. */
static bool
ask(struct client *c, struct client_call *call, const struct envelope *e, char *id)
{
    struct question_in *q   = question_new(c, call);
    yyjson_doc         *doc = q == NULL ? NULL : json_read(e->message);

    if (q == NULL)
        return false;
    if (doc == NULL) {
        question_bury(q);
        return false;
    }
    q->doc    = doc;
    q->id     = id;
    q->method = json_str_in(yyjson_doc_get_root(doc), "method");
    q->params = json_member(yyjson_doc_get_root(doc), "params");
    q->key    = q->own_key;
    snprintf(q->own_key, sizeof q->own_key, "q%llu", (unsigned long long)++c->last_question);
    q->is_told = true;
    owe(q, 1);
    tell(c, call, q);
    return true;
}

void
question_take(struct client *c, struct client_call *call, const struct envelope *e)
{
    char               *id       = text_copy(e->id);
    struct client_call *of_task  = task_asked_in(c, e);
    struct client_call *whose    = of_task != NULL ? of_task : asked_in(c, call);
    bool                is_full  = (whose == NULL ? c->question_count : whose->question_count) >= QUESTIONS_MOST;
    bool                is_heard = whose == NULL ? c->events.on_question != NULL : whose->events.on_question != NULL;
    size_t              len      = 0;

    if (id == NULL)
        return;
    if (str_eq(e->method, STR("ping"))) {
        char *pong = compose_result(id, NULL, &len);
        letter_tell(c, KIND_REPLY, pong, len, NULL);
    } else if (!is_heard) {
        refuse(c, id, CODE_METHOD_NOT_FOUND, "This client does not answer that");
    } else if (is_full) {
        refuse(c, id, CODE_INTERNAL, "Too many questions are open");
    } else if (is_open_already(whose == NULL ? &c->questions : &whose->questions, e->id)) {
        ; /* a stream that was taken up again may repeat it */
    } else if (ask(c, whose, e, id)) {
        return;
    } else {
        refuse(c, id, CODE_INTERNAL, "No memory for the question");
    }
    free(id);
}

static bool
withdraw(struct list *questions, struct str id)
{
    LIST_EACH (struct question_in, q, questions, node) {
        if (q->id == NULL || !str_eq(str_from(q->id), id))
            continue;
        owe(q, -1);
        question_bury(q);
        return true;
    }
    return false;
}

void
questions_withdraw(struct client *c, struct str id)
{
    if (withdraw(&c->questions, id))
        return;
    LIST_EACH (struct client_call, call, &c->calls, node)
        if (!call->is_modern && withdraw(&call->questions, id))
            return;
}

void
questions_set_free(struct client_call *call)
{
    struct client *c = call->client;

    if (call->is_modern || call->is_ours || client_is_http(c) || c->events.on_question == NULL)
        return;
    LIST_EACH (struct question_in, q, &call->questions, node) {
        if (q->id == NULL || c->question_count >= QUESTIONS_MOST)
            continue;
        vanish(q);
        list_remove(&q->node);
        list_append(&c->questions, &q->node);
        call->question_count--;
        c->question_count++;
        q->call    = NULL;
        q->is_gone = q->is_told = false;
    }
}

static struct question_in *
untold(const struct client *c)
{
    LIST_EACH (struct question_in, q, &c->questions, node)
        if (!q->is_told)
            return q;
    return NULL;
}

void
questions_tell_freed(struct client *c)
{
    for (struct question_in *q; !c->is_gone && (q = untold(c)) != NULL;) {
        q->is_told = true;
        tell(c, NULL, q);
    }
}

/* The message is taken; NULL: no memory for it. */
static void
reply(struct question_in *q, char *message, size_t len)
{
    struct client      *c    = q->client;
    struct client_call *call = q->call;
    struct error        err  = {0};

    owe(q, -1);
    question_bury(q);
    if (q->generation != c->generation) {
        free(message);
        return; /* of a session that is gone */
    }
    if (call == NULL)
        letter_tell(c, KIND_REPLY, message, len, NULL);
    else if (!letter_reply(call, message, len, &err) && call->state != CALL_OVER)
        call_fail_for(call, &err);
}

/* --- modern --- */

bool
question_is_valid(yyjson_val *key, yyjson_val *request)
{
    struct str name = json_str(key);

    return memchr(name.data, '\0', name.len) == NULL && yyjson_is_str(yyjson_obj_get(request, "method"));
}

/* False: it broke the protocol (`why` says how), or no memory (NULL). */
static bool
gather(struct client_call *call, yyjson_val *requests, const char **why)
{
    yyjson_val *key, *request;
    size_t      index, max;

    *why = "it asks for more than can be answered at once";
    if (yyjson_obj_size(requests) > QUESTIONS_MOST)
        return false;
    *why = "it asks for input in a way that the protocol does not have";
    yyjson_obj_foreach(requests, index, max, key, request)
    {
        if (!question_is_valid(key, request) ||
            yyjson_obj_getn(requests, yyjson_get_str(key), yyjson_get_len(key)) != request)
            return false; /* the second: a key is there twice */
        struct question_in *q = question_new(call->client, call);
        if (q == NULL) {
            *why = NULL;
            return false;
        }
        q->key    = yyjson_get_str(key);
        q->method = json_str_in(request, "method");
        q->params = json_member(request, "params");
    }
    call->unanswered = call->question_count;
    return true;
}

static void
refuse_round(struct question_in *q)
{
    char words[160];

    snprintf(words, sizeof words, "the server asks for %.*s, which this client does not answer",
             STR_ARG(str_take(q->method, 60)));
    question_refuse(q, CODE_METHOD_NOT_FOUND, words);
}

void
questions_tell(struct client_call *call)
{
    call->is_telling = true;
    LIST_EACH (struct question_in, q, &call->questions, node) {
        if (q->is_told)
            continue;
        q->is_told = true;
        if (call->events.on_question == NULL)
            refuse_round(q);
        else
            tell(call->client, call, q);
        if (call->state == CALL_OVER)
            return;
    }
    if (call->events.on_asked != NULL)
        call->events.on_asked(call->owner, call);
    call->is_telling = false;
}

static void
tell_round(struct client_call *call)
{
    questions_tell(call);
    if (call->state == CALL_ASKED && call->unanswered == 0)
        call_send_or_fail(call);
}

void
round_begin(struct client_call *call, yyjson_doc *doc, yyjson_val *result)
{
    yyjson_val *requests = yyjson_obj_get(result, "inputRequests"), *state = yyjson_obj_get(result, "requestState");
    bool        is_right = (requests != NULL || state != NULL) && (requests == NULL || yyjson_is_obj(requests)) &&
                    (state == NULL || yyjson_is_str(state));
    struct letter *l   = call->letter;
    const char    *why = "it asks for input in a way that the protocol does not have";

    questions_drop(&call->questions);
    yyjson_doc_free(call->round);
    call->round  = doc;
    call->state  = CALL_ASKED;
    call->letter = NULL;
    if (l != NULL)
        letter_leave(l, CLOSE_ANSWERED);
    if (!is_right || !gather(call, requests, &why))
        call_fail(call, why == NULL ? CLOSE_BUSY : CLOSE_MALFORMED, why == NULL ? "no memory for its questions" : why);
    else if (call->rounds++ == ROUNDS_MOST)
        call_fail(call, CLOSE_MALFORMED, "it asks for input again and again");
    else if (call->question_count == 0)
        call_send_or_fail(call);
    else
        tell_round(call);
}

static void
answer_round(struct question_in *q, yyjson_val *result)
{
    struct client_call *call = q->call;

    q->answer = result == NULL ? json_read(STR("{}")) : json_keep(result);
    vanish(q);
    if (q->answer == NULL)
        call_fail(call, CLOSE_BUSY, "no memory for an answer to its question");
    else if (--call->unanswered > 0 || call->is_telling)
        ; /* until all are answered */
    else if (call->following != NULL)
        task_answered(call);
    else
        call_send_or_fail(call);
}

/* --- both --- */

void
question_answer(struct question_in *q, yyjson_val *result)
{
    struct client *c   = q == NULL ? NULL : q->client;
    size_t         len = 0;

    if (q == NULL || q->is_gone || c->is_gone)
        return;
    client_enter(c);
    if (q->id == NULL) {
        answer_round(q, result);
    } else {
        char *message = compose_result(q->id, result, &len);
        reply(q, message, len);
    }
    client_leave(c);
}

void
question_refuse(struct question_in *q, int code, const char *words)
{
    struct client *c   = q == NULL ? NULL : q->client;
    size_t         len = 0;

    if (q == NULL || q->is_gone || c->is_gone)
        return;
    client_enter(c);
    if (q->id == NULL) {
        task_cancel_modern(q->call);
        call_end_error(q->call, code, str_from(words), NULL);
    } else {
        char *message = compose_error(q->id, code, words, &len);
        reply(q, message, len);
    }
    client_leave(c);
}
