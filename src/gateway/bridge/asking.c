/* What a server asks in the middle of a call, put to the client that waits for it; and its answers, which go to the
 * server. A modern client is answered with the questions and comes back with answers; a legacy one is asked while its
 * call waits. */
#include "gateway/bridge/bridge.h"

#include "mcp/json.h"

enum { CODE_ABILITY_MISSING = -32021, CODE_NO_METHOD = -32601, CODE_INTERNAL = -32603 };

static int
code_of(yyjson_val *error)
{
    yyjson_val *code = yyjson_obj_get(error, "code");

    return yyjson_is_int(code) ? (int)yyjson_get_sint(code) : CODE_INTERNAL;
}

/* The client's word on it goes to the server. */
static void
answer_question(struct crossing *c, struct asked *q, yyjson_val *result, yyjson_val *refusal)
{
    struct question_in *in = asked_pop(&c->questions, q);
    char                words[300];

    if (result == NULL) {
        struct str message = json_str_in(refusal, "message");
        snprintf(words, sizeof words, "%.*s", STR_ARG(str_take(message, 250)));
    }
    if (result != NULL)
        question_answer(in, result);
    else
        question_refuse(in, code_of(refusal), words);
}

/* Its client cannot be asked that, and of 2026-07-28 a call that needs what its client lacks is refused so. The server,
 * which was told what the client can, hears it as one of its revision would. */
static void
refuse_for_lack(struct crossing *c, struct asked *q, yyjson_val *refusal)
{
    struct question_in *in = asked_pop(&c->questions, q);

    question_refuse(in, CODE_NO_METHOD, "the client does not support this");
    crossing_refuse(c, CODE_ABILITY_MISSING, json_str_in(refusal, "message"), yyjson_obj_get(refusal, "data"));
    crossing_give_up(c, CLOSE_CANCELLED, "the client lacks what the call needs");
}

/* What is asked in a task says so. */
static yyjson_val *
put_question(const struct crossing *c, struct request *r, const struct asked *q, yyjson_val **refusal)
{
    struct str  task   = c->errand != TASK_WAIT ? STR_NONE : json_str_in(request_params(r), "taskId");
    yyjson_val *params = question_params(q->q);
    yyjson_doc *told   = task.data == NULL ? NULL : legacy_task_relate(params, task);
    yyjson_val *answer =
        request_ask(r, q->key, question_method(q->q), told == NULL ? params : yyjson_doc_get_root(told), refusal);

    yyjson_doc_free(told);
    return answer;
}

/* What is answered already goes on to the server. True: something is left that the client has to answer. */
static bool
put_questions(struct crossing *c, struct request *r)
{
    bool is_due = false;

    for (struct list *node = c->questions.items.next, *next; !c->is_over && node != &c->questions.items; node = next) {
        struct asked *q       = LIST_OF(struct asked, node, node);
        yyjson_val   *refusal = NULL, *result = NULL;
        next = node->next;
        if (q->q == NULL) {
            asked_pop(&c->questions, q);
            continue;
        }
        result = put_question(c, r, q, &refusal);
        if (refusal != NULL && code_of(refusal) == CODE_ABILITY_MISSING)
            refuse_for_lack(c, q, refusal);
        else if (result != NULL || refusal != NULL)
            answer_question(c, q, result, refusal);
        else
            is_due = true;
    }
    return is_due && !c->is_over;
}

/* Its client is asked. A modern one is answered with it, and comes back as another request. */
static void
ask_through(struct crossing *c, struct asker *a)
{
    struct request *r = a->request;

    if (!put_questions(c, r) || !c->is_modern)
        return;
    crossing_drop_asker(a);
    if (!crossing_park(c, r)) {
        request_refuse_with(r, CODE_INTERNAL,
                            STR("too many calls wait for their clients (bridge.parked): call again later"), NULL);
        if (list_is_empty(&c->askers))
            crossing_give_up(c, CLOSE_BUSY, "too many calls wait for their clients");
    }
}

void
crossing_ask(struct crossing *c)
{
    struct list *last = c->askers.prev;

    loop_clear_timer(c->bridge->gateway->parts.loop, &c->gather);
    c->depth++;
    for (struct list *node = c->askers.next, *next; !c->is_over && node != &c->askers; node = next) {
        next = node == last ? &c->askers : node->next;
        ask_through(c, LIST_OF(struct asker, node, node));
    }
    if (!c->is_over && list_is_empty(&c->askers))
        crossing_await(c);
    crossing_leave(c);
}

void
crossing_on_quiet(struct timer *gather)
{
    crossing_ask(LIST_OF(struct crossing, gather, gather));
}

void
crossing_on_question(void *owner, struct client_call *call, struct question_in *q)
{
    struct crossing *c = owner;
    struct gateway  *g = c->bridge->gateway;

    (void)call;
    if (c->peer->era == CLIENT_LEGACY && held_take_question(c->peer, q))
        return;
    asked_take(&c->questions, q);
    if (c->peer->era == CLIENT_MODERN) /* until all of the round are there: on_asked */
        return;
    if (c->is_modern)
        loop_set_timer(g->parts.loop, &c->gather, loop_now(g->parts.loop) + g->parts.settings->bridge.gather);
    else
        crossing_ask(c);
}

void
crossing_on_asked(void *owner, struct client_call *call)
{
    (void)call;
    crossing_ask(owner);
}

/* Over stdio nothing says in which call a server asks. The oldest that was not asked anything yet is likely to be it:
 * servers ask as they are called. Who is asked is the same person in any case. */
void
crossings_take_question(struct peer *p, struct question_in *q)
{
    struct crossing *found = NULL;

    if (held_take_question(p, q))
        return;
    LIST_EACH (struct crossing, c, &p->crossings, node)
        if (c->call != NULL && c->is_called &&
            (found == NULL || (found->questions.count > 0 && c->questions.count == 0)))
            found = c;
    if (found == NULL)
        question_refuse(q, CODE_INTERNAL, "no call is open in which a client could be asked");
    else
        crossing_on_question(found, found->call, q);
}

/* Those that belong to a call went with it; of the others it was only likely that they are of this one. */
void
crossing_pass_on_questions(struct crossing *c)
{
    struct peer *p = c->peer;

    c->is_called = false;
    for (struct list *node; (node = list_first(&c->questions.items)) != NULL;) {
        struct asked       *a = LIST_OF(struct asked, node, node);
        struct question_in *q = a->q;
        asked_pop(&c->questions, a);
        if (q != NULL)
            crossings_take_question(p, q);
    }
}
