/* What modern clients ask of the tasks of a legacy server (io.modelcontextprotocol/tasks against tasks of 2025-11-25):
 * tasks/get inlines what tasks/result says, and shows what was asked there; tasks/update answers it. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { CODE_NO_METHOD = -32601, CODE_BAD_PARAMS = -32602, CODE_INTERNAL = -32603 };

/* A request about a task. In the request's memory; its request_data. */
struct asking {
    struct look   look;
    struct waiter waiter;
};

/* --- how it ends --- */

static struct request *
end(struct look *l)
{
    list_remove(&LIST_OF(struct asking, l, look)->waiter.node);
    request_set_data(l->request, NULL);
    request_on_cancel(l->request, NULL);
    return l->request;
}

static void
on_refusal(struct look *l, int code, struct str words, yyjson_val *data)
{
    request_refuse_with(end(l), code, words, data);
}

static void
on_task(struct look *l, yyjson_mut_val *task)
{
    struct request *r    = end(l);
    yyjson_doc     *made = task == NULL ? NULL : yyjson_mut_val_imut_copy(task, NULL);

    if (made == NULL)
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
    else
        request_finish_with(r, yyjson_doc_get_root(made));
    yyjson_doc_free(made);
}

static void
acknowledge(struct look *l)
{
    look_end(l);
    on_task(l, yyjson_mut_obj(l->doc));
}

static void
stop(struct request *r)
{
    struct asking *asking = request_data(r);

    look_end(&asking->look);
    end(&asking->look);
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
        look_refuse(l, CODE_BAD_PARAMS, STR("tasks/update needs \"inputResponses\""), NULL);
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
    news_wake(l->task);
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
        look_refuse(l, code, message, data);
}

static void
cancel_task(struct look *l)
{
    static const struct call_events events = {.on_result = on_cancelled, .on_error = on_uncancelled};

    if (l->task->is_over || !held_may_cancel(l->task))
        acknowledge(l);
    else
        look_ask_server(l, "tasks/cancel", &events);
}

/* --- their beginning --- */

static const struct {
    const char *method;
    void (*serve)(struct look *l);
} methods[] = {{"tasks/get", look_at_task}, {"tasks/update", update_task}, {"tasks/cancel", cancel_task}};

static void
serve(struct look *l, void (*serve_it)(struct look *l))
{
    struct request *r = l->request;

    if (!request_server_makes_tasks(r)) {
        look_refuse(l, CODE_NO_METHOD, STR("Method not found"), NULL);
        return;
    }
    if ((request_abilities(r) & CLIENT_FOLLOWS_TASKS) == 0) {
        request_demand(end(l), CLIENT_FOLLOWS_TASKS);
        return;
    }
    struct held_task *t = held_find(request_owner(r), json_str_in(request_params(r), "taskId"), caller_of_request(r));
    if (t == NULL) {
        look_refuse(l, CODE_BAD_PARAMS, STR("Unknown task"), NULL);
        return;
    }
    look_begin(l, t);
    serve_it(l);
}

static void
on_open(struct waiter *w, const struct client_server *server)
{
    struct look *l = &LIST_OF(struct asking, w, waiter)->look;

    (void)server;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(request_method(l->request), str_from(methods[i].method))) {
            serve(l, methods[i].serve);
            return;
        }
    look_refuse(l, CODE_NO_METHOD, STR("Method not found"), NULL);
}

static void
on_lost(struct waiter *w, int code, int status, const char *words)
{
    struct look *l = &LIST_OF(struct asking, w, waiter)->look;

    (void)code;
    waiter_challenge(w, status, l->request);
    look_refuse(l, CODE_INTERNAL, str_from(words), NULL);
}

static void
begin(struct request *r)
{
    struct peer   *p      = peer_for_request(request_owner(r), r);
    struct asking *asking = p == NULL ? NULL : request_alloc(r, sizeof *asking);

    if (p == NULL)
        return;
    if (asking == NULL) {
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
        return;
    }
    *asking =
        (struct asking){.look   = {.request = r, .doc = request_doc(r), .on_task = on_task, .on_refusal = on_refusal},
                        .waiter = {.on_open = on_open, .on_lost = on_lost}};
    list_init(&asking->look.node);
    list_init(&asking->waiter.node);
    request_set_data(r, asking);
    request_on_cancel(r, stop);
    peer_wait(p, &asking->waiter);
}

bool
modern_task_serve(struct request *r)
{
    bool is_ours = request_is_modern(r) && str_starts(request_method(r), STR("tasks/"));

    if (is_ours)
        begin(r);
    return is_ours;
}
