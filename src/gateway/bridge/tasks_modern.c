/* What modern clients ask of the tasks of a legacy server (io.modelcontextprotocol/tasks against tasks of 2025-11-25):
 * tasks/get inlines what tasks/result says, and shows what was asked there; tasks/update answers it. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { CODE_NO_METHOD = -32601, CODE_BAD_PARAMS = -32602, CODE_INTERNAL = -32603, AGAIN_MOST = 2 };

/* A request about a task. In the request's memory; its request_data. */
struct look {
    struct list         node; /* on task->looks */
    struct waiter       waiter;
    struct request     *request;
    struct held_task   *task;   /* NULL: not found yet */
    struct client_call *call;   /* to the server; NULL: none */
    yyjson_mut_val     *fields; /* of the task, as they were last told */
    unsigned            rounds; /* how often the server was asked how it is */
    bool                waits;  /* for questions */
};

/* --- how such a request ends --- */

static struct request *
end_look(struct look *l)
{
    struct client_call *call = l->call;

    list_remove(&l->node);
    list_remove(&l->waiter.node);
    l->call  = NULL;
    l->waits = false;
    request_set_data(l->request, NULL);
    request_on_cancel(l->request, NULL);
    if (call != NULL)
        client_call_cancel(call, CLOSE_CANCELLED, "nobody waits for it any more");
    return l->request;
}

static void
refuse(struct look *l, int code, struct str words, yyjson_val *data)
{
    request_refuse_with(end_look(l), code, words, data);
}

static void
answer(struct look *l, yyjson_mut_val *result)
{
    struct request *r    = end_look(l);
    yyjson_doc     *made = result == NULL ? NULL : yyjson_mut_val_imut_copy(result, NULL);

    if (made == NULL)
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
    else
        request_finish_with(r, yyjson_doc_get_root(made));
    yyjson_doc_free(made);
}

static void
acknowledge(struct look *l)
{
    answer(l, yyjson_mut_obj(request_doc(l->request)));
}

static void
stop_look(struct request *r)
{
    end_look(request_data(r));
}

void
looks_end(struct held_task *t, int code, const char *words)
{
    for (struct list *node; (node = list_first(&t->looks)) != NULL;)
        refuse(LIST_OF(struct look, node, node), code, str_from(words), NULL);
}

static void
ask_server(struct look *l, const char *method, const struct call_events *events)
{
    struct held_task     *t       = l->task;
    yyjson_doc           *params  = held_params(t);
    struct client_request request = {.method = str_from(method), .params = yyjson_doc_get_root(params), .level = -1};
    struct error          err     = {.text = "no memory"};

    held_enter(t); /* a server that is lost takes it along */
    request.patience = t->bridge->server->entry->timeout;
    l->call          = params == NULL ? NULL : client_call(t->peer->client, &request, events, l, &err);
    yyjson_doc_free(params);
    if (l->call == NULL && !t->is_gone)
        refuse(l, CODE_INTERNAL, str_from(err.text), NULL);
    held_leave(t);
}

/* --- tasks/get --- */

static void
show_status(struct look *l, const char *status)
{
    yyjson_mut_obj_put(l->fields, yyjson_mut_str(request_doc(l->request), "status"),
                       yyjson_mut_strcpy(request_doc(l->request), status));
    answer(l, l->fields);
}

static void
on_outcome(void *owner, struct client_call *call, yyjson_val *result)
{
    struct look *l = owner;

    (void)call;
    l->call = NULL;
    task_put_result(request_doc(l->request), l->fields, result);
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
        refuse(l, code, message, data);
        return;
    }
    task_put_error(request_doc(l->request), l->fields, code, message, data);
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
        refuse(l, CODE_INTERNAL, STR("the server's task has a status that the protocol does not have"), NULL);
        return;
    }
    l->fields = yyjson_mut_obj(request_doc(l->request));
    task_put_fields(t, request_doc(l->request), l->fields, result, "working");
    t->is_over = has_outcome || str_eq(status, STR("cancelled"));
    held_enter(t);
    if (has_outcome) {
        ask_server(l, "tasks/result", &outcome);
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
    refuse(l, code, message, data);
    t->is_over = t->is_over || (why == CLOSE_ANSWERED && code == CODE_BAD_PARAMS);
    if (why == CLOSE_ANSWERED && code == CODE_BAD_PARAMS)
        held_end(t, CODE_BAD_PARAMS, "Unknown task");
    held_leave(t);
}

static void
get_task(struct look *l)
{
    static const struct call_events events = {.on_result = on_status, .on_error = on_no_status};

    l->rounds++;
    ask_server(l, "tasks/get", &events);
}

/* What cannot be asked of this client is refused to the server at once. */
static bool
refuse_one(struct held_task *t, struct request *r)
{
    LIST_EACH (struct asked, a, &t->questions.items, node) {
        yyjson_val *refusal = NULL;
        if (a->q == NULL || request_show_question(r, question_method(a->q), question_params(a->q), &refusal) != NULL)
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
describe_questions(struct held_task *t, struct request *r)
{
    yyjson_mut_val *all = yyjson_mut_obj(request_doc(r));

    LIST_EACH (struct asked, a, &t->questions.items, node) {
        yyjson_val     *refusal = NULL;
        yyjson_mut_val *one =
            a->q == NULL ? NULL : request_show_question(r, question_method(a->q), question_params(a->q), &refusal);
        if (one == NULL)
            continue;
        yyjson_mut_obj_add_val(request_doc(r), all, a->key, one);
    }
    return all;
}

/* What waits for an answer to a question that was given already is at work again. */
static void
show(struct held_task *t, struct look *l)
{
    struct request *r = l->request;

    l->waits = false;
    while (!t->is_gone && refuse_one(t, r)) {
    }
    if (t->is_gone)
        return;
    if (!held_asks(t)) {
        show_status(l, "working");
        return;
    }
    yyjson_mut_obj_add_val(request_doc(r), l->fields, "inputRequests", describe_questions(t, r));
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
            get_task(l);
        else
            show_status(l, "working");
    }
    held_leave(t);
}

/* --- tasks/update, tasks/cancel --- */

static bool
answer_one(struct held_task *t, const struct request *r, yyjson_val *responses)
{
    LIST_EACH (struct asked, a, &t->questions.items, node) {
        yyjson_val *response = a->q == NULL ? NULL : yyjson_obj_get(responses, a->key);
        if (!request_answer_fits(r, a->q == NULL ? STR_NONE : question_method(a->q), response))
            continue;
        question_answer(asked_pop(&t->questions, a), response);
        return true;
    }
    return false;
}

static void
update_task(struct look *l)
{
    struct held_task *t         = l->task;
    yyjson_val       *responses = json_member(request_params(l->request), "inputResponses");

    if (responses == NULL) {
        refuse(l, CODE_BAD_PARAMS, STR("tasks/update needs \"inputResponses\""), NULL);
        return;
    }
    held_enter(t);
    while (!t->is_gone && answer_one(t, l->request, responses)) {
    }
    if (!t->is_gone)
        acknowledge(l);
    held_leave(t);
}

static void
on_cancelled(void *owner, struct client_call *call, yyjson_val *result)
{
    struct look *l = owner;

    (void)call, (void)result;
    l->call          = NULL;
    l->task->is_over = true;
    acknowledge(l);
}

/* It is over already, or goes on: to cancel is a wish. */
static void
on_uncancelled(void *owner, struct client_call *call, enum close_reason why, int code, struct str message,
               yyjson_val *data)
{
    struct look *l = owner;

    (void)call;
    l->call = NULL;
    if (why == CLOSE_ANSWERED)
        acknowledge(l);
    else
        refuse(l, code, message, data);
}

static void
cancel_task(struct look *l)
{
    static const struct call_events events = {.on_result = on_cancelled, .on_error = on_uncancelled};

    if (l->task->is_over || !held_may_cancel(l->task))
        acknowledge(l);
    else
        ask_server(l, "tasks/cancel", &events);
}

/* --- their beginning --- */

static const struct {
    const char *method;
    void (*serve)(struct look *l);
} methods[] = {{"tasks/get", get_task}, {"tasks/update", update_task}, {"tasks/cancel", cancel_task}};

static void
serve(struct look *l, void (*serve_it)(struct look *l))
{
    struct request *r = l->request;

    if (!request_server_makes_tasks(r)) {
        refuse(l, CODE_NO_METHOD, STR("Method not found"), NULL);
        return;
    }
    if ((request_abilities(r) & CLIENT_FOLLOWS_TASKS) == 0) {
        request_demand(end_look(l), CLIENT_FOLLOWS_TASKS);
        return;
    }
    l->task = held_find(request_owner(r), json_str_in(request_params(r), "taskId"), caller_of_request(r));
    if (l->task == NULL) {
        refuse(l, CODE_BAD_PARAMS, STR("Unknown task"), NULL);
        return;
    }
    held_touch(l->task);
    list_append(&l->task->looks, &l->node);
    serve_it(l);
}

static void
on_open(struct waiter *w, const struct client_server *server)
{
    struct look *l = LIST_OF(struct look, w, waiter);

    (void)server;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(request_method(l->request), str_from(methods[i].method))) {
            serve(l, methods[i].serve);
            return;
        }
    refuse(l, CODE_NO_METHOD, STR("Method not found"), NULL);
}

static void
on_lost(struct waiter *w, int code, int status, const char *words)
{
    struct look *l = LIST_OF(struct look, w, waiter);

    (void)code;
    waiter_challenge(w, status, l->request);
    refuse(l, CODE_INTERNAL, str_from(words), NULL);
}

static void
begin(struct request *r)
{
    struct peer *p = peer_for_request(request_owner(r), r);
    struct look *l = p == NULL ? NULL : request_alloc(r, sizeof *l);

    if (p == NULL)
        return;
    if (l == NULL) {
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
        return;
    }
    *l = (struct look){.waiter = {.on_open = on_open, .on_lost = on_lost}, .request = r};
    list_init(&l->node);
    list_init(&l->waiter.node);
    request_set_data(r, l);
    request_on_cancel(r, stop_look);
    peer_wait(p, &l->waiter);
}

bool
modern_task_serve(struct request *r)
{
    bool is_ours = request_is_modern(r) && str_starts(request_method(r), STR("tasks/"));

    if (is_ours)
        begin(r);
    return is_ours;
}
