/* How a task of a legacy server is, in the words of modern clients, as an answer to tasks/get and as news: the server
 * is asked for its status, then for what it came to, or waited for until it has asked what it wants to know. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { CODE_NO_METHOD = -32601, CODE_BAD_PARAMS = -32602, CODE_INTERNAL = -32603, AGAIN_MOST = 2 };

void
look_begin(struct look *l, struct held_task *t)
{
    l->task = t;
    held_touch(t);
    list_append(&t->looks, &l->node);
}

void
look_end(struct look *l)
{
    struct client_call *call = l->call;

    list_remove(&l->node);
    l->call  = NULL;
    l->waits = false;
    if (call != NULL)
        client_call_cancel(call, CLOSE_CANCELLED, "nobody waits for it any more");
}

void
look_refuse(struct look *l, int code, struct str words, yyjson_val *data)
{
    look_end(l);
    l->on_refusal(l, code, words, data);
}

void
looks_end(struct held_task *t, int code, const char *words)
{
    for (struct list *node; (node = list_first(&t->looks)) != NULL;)
        look_refuse(LIST_OF(struct look, node, node), code, str_from(words), NULL);
}

void
look_ask_server(struct look *l, const char *method, const struct call_events *events)
{
    struct held_task     *t       = l->task;
    yyjson_doc           *params  = held_params(t);
    struct client_request request = {.method = str_from(method), .params = yyjson_doc_get_root(params), .level = -1};
    struct error          err     = {.text = "no memory"};

    held_enter(t);
    request.patience         = t->bridge->server->entry->timeout;
    struct client_call *call = params == NULL ? NULL : client_call(t->peer->client, &request, events, l, &err);
    yyjson_doc_free(params);
    if (!t->is_gone) /* else the server is lost, and took task and look along */
        l->call = call;
    if (!t->is_gone && call == NULL)
        look_refuse(l, CODE_INTERNAL, str_from(err.text), NULL);
    held_leave(t);
}

static void
show_status(struct look *l, const char *status)
{
    yyjson_mut_obj_put(l->fields, yyjson_mut_str(l->doc, "status"), yyjson_mut_strcpy(l->doc, status));
    look_end(l);
    l->on_task(l, l->fields);
}

static void
on_outcome(void *owner, struct client_call *call, yyjson_val *result)
{
    struct look *l = owner;

    (void)call;
    l->call = NULL;
    task_put_result(l->doc, l->fields, result);
    show_status(l, "completed"); /* also with isError: failed is what ended in an error of the protocol */
}

static void
on_no_outcome(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
              yyjson_val *data)
{
    struct look *l = owner;

    (void)call;
    l->call = NULL;
    if (why != CLOSE_ANSWERED) {
        look_refuse(l, code, message, data);
        return;
    }
    task_put_error(l->doc, l->fields, code, message, data);
    show_status(l, "failed");
}

static void
on_status(void *owner, struct client_call *call, yyjson_val *result)
{
    static const struct call_events outcome     = {.on_result = on_outcome, .on_error = on_no_outcome};
    struct look                    *l           = owner;
    struct held_task               *t           = l->task;
    struct str                      status      = json_str_in(result, "status");
    bool                            has_outcome = str_eq(status, STR("completed")) || str_eq(status, STR("failed"));
    bool is_known = has_outcome || str_eq(status, STR("cancelled")) || str_eq(status, STR("working")) ||
                    str_eq(status, STR("input_required"));

    (void)call;
    l->call = NULL;
    if (!is_known) {
        look_refuse(l, CODE_INTERNAL, STR("the server's task has a status that the protocol does not have"), NULL);
        return;
    }
    l->fields = yyjson_mut_obj(l->doc);
    task_put_fields(t, l->doc, l->fields, result, "working");
    t->is_over = has_outcome || str_eq(status, STR("cancelled"));
    held_enter(t);
    if (has_outcome) {
        look_ask_server(l, "tasks/result", &outcome);
    } else if (str_eq(status, STR("input_required"))) {
        l->waits = true;
        held_hear(t);
    } else {
        show_status(l, t->is_over ? "cancelled" : "working");
    }
    held_leave(t);
}

/* The server knows it no longer, so nor do we. */
static void
on_no_status(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
             yyjson_val *data)
{
    struct look      *l = owner;
    struct held_task *t = l->task;

    (void)call;
    l->call = NULL;
    held_enter(t);
    look_refuse(l, code, message, data);
    t->is_over = t->is_over || (why == CLOSE_ANSWERED && code == CODE_BAD_PARAMS);
    if (why == CLOSE_ANSWERED && code == CODE_BAD_PARAMS)
        held_end(t, CODE_BAD_PARAMS, "Unknown task");
    held_leave(t);
}

void
look_at_task(struct look *l)
{
    static const struct call_events events = {.on_result = on_status, .on_error = on_no_status};

    l->rounds++;
    look_ask_server(l, "tasks/get", &events);
}

/* --- what it asks --- */

/* What cannot be asked of this client is refused to the server at once. */
static bool
refuse_one(struct held_task *t, struct look *l)
{
    LIST_EACH (struct asked, a, &t->questions.items, node) {
        yyjson_val *refusal = NULL;
        if (a->q == NULL ||
            request_show_question(l->request, l->doc, question_method(a->q), question_params(a->q), &refusal) != NULL)
            continue;
        int  code = yyjson_get_int(yyjson_obj_get(refusal, "code"));
        char words[300];
        snprintf(words, sizeof words, "%.*s", STR_ARG(str_take(json_str_in(refusal, "message"), sizeof words - 1)));
        question_refuse(asked_pop(&t->questions, a), code == CODE_BAD_PARAMS ? code : CODE_NO_METHOD, words);
        return true;
    }
    return false;
}

static yyjson_mut_val *
describe_questions(struct held_task *t, struct look *l)
{
    yyjson_mut_val *all = yyjson_mut_obj(l->doc);

    LIST_EACH (struct asked, a, &t->questions.items, node) {
        yyjson_mut_val *one = a->q == NULL ? NULL
                                           : request_show_question(l->request, l->doc, question_method(a->q),
                                                                   question_params(a->q), NULL);
        if (one != NULL)
            yyjson_mut_obj_add_val(l->doc, all, a->key, one);
    }
    return all;
}

/* What waits for an answer to a question that was given already is at work again. */
static void
show(struct held_task *t, struct look *l)
{
    l->waits = false;
    while (!t->is_gone && !l->is_news && refuse_one(t, l)) {
    }
    if (t->is_gone)
        return;
    if (!held_asks(t)) {
        show_status(l, "working");
        return;
    }
    yyjson_mut_obj_add_val(l->doc, l->fields, "inputRequests", describe_questions(t, l));
    show_status(l, "input_required");
}

static struct look *
waiting_of(const struct held_task *t)
{
    LIST_EACH (struct look, l, &t->looks, node)
        if (l->waits)
            return l;
    return NULL;
}

void
looks_show(struct held_task *t)
{
    held_enter(t);
    for (struct look *l; !t->is_gone && (l = waiting_of(t)) != NULL;)
        show(t, l);
    held_leave(t);
}

void
looks_again(struct held_task *t)
{
    held_enter(t);
    for (struct look *l; !t->is_gone && (l = waiting_of(t)) != NULL;) {
        l->waits = false;
        if (l->rounds < AGAIN_MOST)
            look_at_task(l);
        else
            show_status(l, "working");
    }
    held_leave(t);
}
