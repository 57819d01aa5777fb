/* One request over the bridge: what its client asked goes to the server, what the server says, asks and answers comes
 * back. */
#include "gateway/bridge.h"

#include "base/live.h"
#include "mcp/json.h"
#include "mcp/log_level.h"

enum { CODE_URL_NEEDED = -32042, CODE_ABILITY_MISSING = -32021, CODE_NO_METHOD = -32601, CODE_INTERNAL = -32603 };

static struct bridge *
bridge_of_request(struct request *r)
{
    return request_owner(r);
}

/* --- who waits for it --- */

static void
drop_asker(struct asker *a)
{
    request_on_cancel(a->request, NULL);
    request_set_data(a->request, NULL);
    list_remove(&a->node);
}

/* The request ends without an answer: its client left, cancelled, or was out of patience. */
static void
on_cancel(struct request *r)
{
    struct asker *a = request_data(r);

    if (a == NULL)
        return;
    struct crossing *c = a->crossing;
    drop_asker(a);
    if (list_is_empty(&c->askers))
        crossing_give_up(c, CLOSE_CANCELLED, "the client no longer waits for it");
}

bool
crossing_add_asker(struct crossing *c, struct request *r)
{
    struct asker *a = request_alloc(r, sizeof *a);

    if (a == NULL) {
        request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
        return false;
    }
    *a = (struct asker){.crossing = c, .request = r};
    list_append(&c->askers, &a->node);
    request_set_data(r, a);
    request_on_cancel(r, on_cancel);
    return true;
}

/* --- questions --- */

static void
forget_question(struct crossing *c, struct asked *q)
{
    list_remove(&q->node);
    c->question_count--;
    if (q->q != NULL)
        question_watch(q->q, NULL);
    free(q);
}

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
    struct question_in *in = q->q;
    char                words[300];

    if (result == NULL) {
        struct str message = json_str(yyjson_obj_get(refusal, "message"));
        snprintf(words, sizeof words, "%.*s", STR_ARG(str_take(message, 250)));
    }
    forget_question(c, q);
    if (result != NULL)
        question_answer(in, result);
    else
        question_refuse(in, code_of(refusal), words);
}

static void refuse_all(struct crossing *c, int code, struct str message, yyjson_val *data);

/* Its client cannot be asked that, and of 2026-07-28 a call that needs what its client lacks is refused so. The server,
 * which was told what the client can, hears it as one of its revision would. */
static void
refuse_for_lack(struct crossing *c, struct asked *q, yyjson_val *refusal)
{
    struct question_in *in = q->q;

    forget_question(c, q);
    question_refuse(in, CODE_NO_METHOD, "the client does not support this");
    refuse_all(c, CODE_ABILITY_MISSING, json_str(yyjson_obj_get(refusal, "message")), yyjson_obj_get(refusal, "data"));
    crossing_give_up(c, CLOSE_CANCELLED, "the client lacks what the call needs");
}

/* What is answered already goes on to the server. True: something is left that the client has to answer. */
static bool
put_questions(struct crossing *c, struct request *r)
{
    bool is_due = false;

    for (struct list *node = c->questions.next, *next; !c->is_over && node != &c->questions; node = next) {
        struct asked *q       = LIST_OF(struct asked, node, node);
        yyjson_val   *refusal = NULL, *result = NULL;
        next = node->next;
        if (q->q == NULL) {
            forget_question(c, q);
            continue;
        }
        result = request_ask(r, q->key, question_method(q->q), question_params(q->q), &refusal);
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
    drop_asker(a);
    if (!crossing_park(c, r)) {
        request_refuse_with(r, CODE_INTERNAL,
                            STR("too many calls wait for their clients (bridge.parked): call again later"), NULL);
        if (list_is_empty(&c->askers))
            crossing_give_up(c, CLOSE_BUSY, "too many calls wait for their clients");
    }
}

static void
leave(struct crossing *c)
{
    if (--c->depth == 0 && c->is_over)
        crossing_settle(c);
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
    leave(c);
}

static void
on_quiet(struct timer *gather)
{
    crossing_ask(LIST_OF(struct crossing, gather, gather));
}

static void
take_question(struct crossing *c, struct question_in *q)
{
    const char   *key = question_key(q);
    struct asked *a   = c->question_count >= QUESTIONS_MAX ? NULL : calloc(1, sizeof *a + strlen(key) + 1);

    if (a == NULL) {
        question_refuse(q, CODE_INTERNAL, "too much is asked at once");
        return;
    }
    memcpy(a->key, key, strlen(key) + 1);
    question_watch(q, &a->q);
    a->q = q;
    list_append(&c->questions, &a->node);
    c->question_count++;
}

static void
on_question(void *owner, struct client_call *call, struct question_in *q)
{
    struct crossing *c = owner;
    struct gateway  *g = c->bridge->gateway;

    (void)call;
    take_question(c, q);
    if (c->peer->era == CLIENT_MODERN) /* until all of the round are there: on_asked */
        return;
    if (c->is_modern)
        loop_set_timer(g->parts.loop, &c->gather, loop_now(g->parts.loop) + g->parts.settings->bridge.gather);
    else
        crossing_ask(c);
}

static void
on_asked(void *owner, struct client_call *call)
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

    LIST_EACH (struct crossing, c, &p->crossings, node)
        if (c->call != NULL && (found == NULL || (found->question_count > 0 && c->question_count == 0)))
            found = c;
    if (found == NULL)
        question_refuse(q, CODE_INTERNAL, "no call is open in which a client could be asked");
    else
        on_question(found, found->call, q);
}

/* --- notifications --- */

static void
relay_to_askers(const struct crossing *c, void (*relay)(struct request *r, yyjson_val *params), yyjson_val *params)
{
    LIST_EACH (struct asker, a, &c->askers, node)
        relay(a->request, params);
}

bool
crossings_take_log(struct peer *p, yyjson_val *params)
{
    struct crossing *only = NULL;

    LIST_EACH (struct crossing, c, &p->crossings, node) {
        if (c->call == NULL)
            continue;
        if (only != NULL)
            return false;
        only = c;
    }
    if (only != NULL)
        relay_to_askers(only, request_relay_log, params);
    return only != NULL;
}

static void
on_message(void *owner, struct client_call *call, const struct envelope *e)
{
    struct crossing *c      = owner;
    yyjson_doc      *doc    = json_read(e->message);
    yyjson_val      *params = json_member(yyjson_doc_get_root(doc), "params");

    (void)call;
    if (str_eq(e->method, STR("notifications/progress")))
        relay_to_askers(c, request_relay_progress, params);
    else if (str_eq(e->method, STR("notifications/message")))
        relay_to_askers(c, request_relay_log, params);
    else
        bridge_tell(c->bridge, c->peer, e);
    yyjson_doc_free(doc);
}

/* --- its end --- */

static struct asker *
next_asker(struct crossing *c)
{
    struct list *node = list_first(&c->askers);

    return node == NULL ? NULL : LIST_OF(struct asker, node, node);
}

static void
drop_questions(struct crossing *c)
{
    while (!list_is_empty(&c->questions))
        forget_question(c, LIST_OF(struct asked, list_first(&c->questions), node));
}

/* The server is done with it. */
static void
end_call(struct crossing *c)
{
    c->call    = NULL;
    c->is_over = true;
    loop_clear_timer(c->bridge->gateway->parts.loop, &c->gather);
    drop_questions(c);
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    struct crossing *c = owner;

    (void)call;
    end_call(c);
    c->depth++;
    crossing_keep_outcome(c, 0, STR_NONE, result);
    for (struct asker *a; (a = next_asker(c)) != NULL;) {
        struct request *r = a->request;
        drop_asker(a);
        request_finish_with(r, result);
    }
    leave(c);
}

static void
refuse_all(struct crossing *c, int code, struct str message, yyjson_val *data)
{
    for (struct asker *a; (a = next_asker(c)) != NULL;) {
        struct request *r = a->request;
        drop_asker(a);
        if (code != CODE_URL_NEEDED || !pages_ask(r, data))
            request_refuse_with(r, code, message, data);
    }
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct crossing *c = owner;

    (void)call, (void)why;
    end_call(c);
    c->depth++;
    crossing_keep_outcome(c, code, message, data);
    refuse_all(c, code, message, data);
    leave(c);
}

static const struct call_events call_events = {on_message, on_question, on_asked, on_result, on_error};

void
crossing_free(struct crossing *c)
{
    if (c == NULL)
        return;
    list_remove(&c->node);
    crossing_unpark(c);
    drop_questions(c);
    loop_clear_timer(c->bridge->gateway->parts.loop, &c->gather);
    loop_clear_timer(c->bridge->gateway->parts.loop, &c->expiry);
    free(c->outcome);
    free(c->message);
    live_end(LIVE_CROSSINGS);
    free(c);
}

void
crossing_cut(struct crossing *c, enum close_reason why, const char *words)
{
    struct client_call *call = c->call;

    c->depth++;
    if (call != NULL) {
        end_call(c);
        client_call_cancel(call, why, words);
    }
    c->is_over = true;
    refuse_all(c, CODE_INTERNAL, str_from(words), NULL);
    crossing_unpark(c); /* nothing is kept of it */
    leave(c);
}

void
crossing_give_up(struct crossing *c, enum close_reason why, const char *reason)
{
    crossing_cut(c, why, reason);
}

/* --- its beginning --- */

/* Modern: with each call. A legacy client that said nothing gets what a server tells unasked. */
static int
level_for(struct peer *p, const struct request *r)
{
    int level = request_level(r);

    if (p->era == CLIENT_MODERN)
        return level >= 0 || request_is_modern(r) ? level : log_level_of(STR("info"));
    if (request_is_modern(r) && level >= 0 && (p->level < 0 || level < p->level)) {
        p->level = level;
        client_set_level(p->client, level);
    }
    return -1;
}

static bool
call_server(struct crossing *c, struct request *r, struct error *err)
{
    struct peer          *p       = c->peer;
    const mono_time       wait    = p->bridge->gateway->parts.settings->bridge.wait;
    struct client_request request = {.method           = request_method(r),
                                     .params           = request_params(r),
                                     .follows_progress = request_follows_progress(r),
                                     .level            = level_for(p, r),
                                     .patience         = p->bridge->server->entry->timeout + wait};

    if (p->era == CLIENT_MODERN)
        request.capabilities = bridge_capabilities(r);
    c->call = client_call(p->client, &request, &call_events, c, err);
    return c->call != NULL;
}

static void
begin(struct request *r)
{
    struct peer     *p   = peer_for_request(bridge_of_request(r), r);
    struct crossing *c   = p == NULL ? NULL : calloc(1, sizeof *c);
    struct error     err = {0};

    if (c == NULL) {
        if (p != NULL)
            request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
        return;
    }
    *c = (struct crossing){.bridge = p->bridge, .peer = p, .is_modern = request_is_modern(r)};
    list_init(&c->of_parked);
    list_init(&c->askers);
    list_init(&c->questions);
    timer_init(&c->gather, on_quiet);
    timer_init(&c->expiry, crossing_expire);
    list_append(&p->crossings, &c->node);
    live_begin(LIVE_CROSSINGS);
    if (crossing_add_asker(c, r) && call_server(c, r, &err))
        return;
    c->is_over = true;
    refuse_all(c, CODE_INTERNAL, str_from(err.text), NULL);
    crossing_settle(c);
}

/* Tasks of 2025-11-25 and those of the extension are not put in each other's words: they are not declared, and who asks
 * for one all the same is told. */
static bool
is_of_tasks(struct request *r)
{
    return str_starts(request_method(r), STR("tasks/")) || yyjson_is_obj(yyjson_obj_get(request_params(r), "task"));
}

void
crossing_serve(struct request *r)
{
    struct asker *a        = request_data(r);
    bool          is_retry = false;

    if (a != NULL) { /* a legacy client has answered */
        crossing_ask(a->crossing);
        return;
    }
    if (is_of_tasks(r)) {
        request_refuse_with(r, CODE_NO_METHOD,
                            STR("tasks do not cross from one era of the protocol to the other: call without one"),
                            NULL);
        return;
    }
    struct crossing *c = crossing_parked_of(bridge_of_request(r), r, &is_retry);
    if (c != NULL && crossing_add_asker(c, r))
        crossing_ask(c);
    if (is_retry)
        return;
    if (pages_are_seen(r))
        begin(r);
}
