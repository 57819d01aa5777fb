/* One request over the bridge: what its client asked goes to the server, what the server says, asks and answers comes
 * back. */
#include "gateway/bridge/bridge.h"

#include "base/live.h"
#include "mcp/json.h"
#include "mcp/log_level.h"

enum { CODE_URL_NEEDED = -32042, CODE_NO_METHOD = -32601, CODE_INTERNAL = -32603 };

static struct bridge *
bridge_of_request(struct request *r)
{
    return request_owner(r);
}

/* --- who waits for it --- */

void
crossing_drop_asker(struct asker *a)
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
    crossing_drop_asker(a);
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

void
crossing_leave(struct crossing *c)
{
    if (--c->depth == 0 && c->is_over)
        crossing_settle(c);
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

/* The server is done with it. */
static void
end_call(struct crossing *c)
{
    c->call    = NULL;
    c->is_over = true;
    loop_clear_timer(c->bridge->gateway->parts.loop, &c->gather);
    asked_clear(&c->questions);
}

static bool call_server(struct crossing *c, struct request *r, struct error *err);

/* The server is asked something more before the client is answered. */
static void
call_again(struct crossing *c)
{
    struct asker *a   = next_asker(c);
    struct error  err = {0};

    c->call = NULL;
    asked_clear(&c->questions);
    if (!call_server(c, a->request, &err))
        crossing_cut(c, CLOSE_BUSY, err.text);
}

void
crossing_finish(struct crossing *c, yyjson_val *result)
{
    crossing_keep_outcome(c, 0, STR_NONE, result);
    for (struct asker *a; (a = next_asker(c)) != NULL;) {
        struct request *r = a->request;
        crossing_drop_asker(a);
        tasks_learn(c->peer, r, result);
        request_finish_with(r, result);
    }
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    struct crossing *c    = owner;
    yyjson_doc      *task = NULL;

    (void)call;
    if (legacy_task_goes_on(c, result)) {
        call_again(c);
        return;
    }
    c->depth++;
    crossing_pass_on_questions(c);
    end_call(c);
    if (c->errand != TASK_NONE && next_asker(c) != NULL)
        legacy_task_end(c, next_asker(c)->request, result);
    else if (tasks_take(c, result, &task))
        crossing_finish(c, task == NULL ? result : yyjson_doc_get_root(task));
    else
        crossing_refuse(c, CODE_INTERNAL, STR("too many wait for their clients (bridge.parked): call again later"),
                        NULL);
    yyjson_doc_free(task);
    crossing_leave(c);
}

void
crossing_refuse(struct crossing *c, int code, struct str message, yyjson_val *data)
{
    for (struct asker *a; (a = next_asker(c)) != NULL;) {
        struct request *r = a->request;
        crossing_drop_asker(a);
        if (code != CODE_URL_NEEDED || !pages_ask(r, data))
            request_refuse_with(r, code, message, data);
    }
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct crossing *c      = owner;
    int              status = client_call_status(call);

    (void)why;
    if (legacy_task_is_needed(c, code, data)) {
        c->follows_task = true;
        call_again(c);
        return;
    }
    if (status_is_of_caller(status))
        LIST_EACH (struct asker, a, &c->askers, node)
            request_challenge(a->request, status, client_call_challenge(call));
    c->depth++;
    crossing_pass_on_questions(c);
    end_call(c);
    crossing_keep_outcome(c, code, message, data);
    crossing_refuse(c, code, message, data);
    crossing_leave(c);
}

static const struct call_events call_events = {on_message, crossing_on_question, crossing_on_asked, on_result,
                                               on_error};

void
crossing_free(struct crossing *c)
{
    if (c == NULL)
        return;
    list_remove(&c->node);
    list_remove(&c->opening.node);
    crossing_unpark(c);
    caller_unref(c->caller);
    asked_clear(&c->questions);
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
    list_remove(&c->opening.node);
    crossing_refuse(c, CODE_INTERNAL, str_from(words), NULL);
    crossing_unpark(c); /* nothing is kept of it */
    crossing_leave(c);
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
    yyjson_doc           *params  = NULL;

    if (p->era == CLIENT_MODERN)
        request.capabilities = bridge_capabilities(r);
    if (legacy_task_prepare(c, r, &request, &params) && tasks_fit_request(c, r, &request, &params))
        c->call = client_call(p->client, &request, &call_events, c, err);
    else
        error_set(err, ERROR_MEMORY, "no memory");
    yyjson_doc_free(params);
    c->is_called = c->call != NULL;
    return c->is_called;
}

struct request *
crossing_request(struct crossing *c)
{
    const struct asker *a = next_asker(c);

    return a == NULL ? NULL : a->request;
}

void
crossing_fail(struct crossing *c, const char *words)
{
    c->depth++;
    c->is_over = true;
    crossing_refuse(c, CODE_INTERNAL, str_from(words), NULL);
    crossing_leave(c);
}

void
crossing_go(struct crossing *c)
{
    struct request *r   = crossing_request(c);
    struct error    err = {0};

    if (r == NULL || !call_server(c, r, &err))
        crossing_fail(c, err.text);
}

void
crossing_begin(struct request *r, enum task_errand errand)
{
    struct peer     *p = peer_for_request(bridge_of_request(r), r);
    struct crossing *c = p == NULL ? NULL : calloc(1, sizeof *c);

    if (c == NULL) {
        if (p != NULL)
            request_refuse_with(r, CODE_INTERNAL, STR("no memory"), NULL);
        return;
    }
    *c = (struct crossing){.bridge    = p->bridge,
                           .peer      = p,
                           .caller    = caller_ref(p->caller),
                           .is_modern = request_is_modern(r),
                           .errand    = errand};
    list_init(&c->of_parked);
    list_init(&c->askers);
    list_init(&c->questions.items);
    list_init(&c->opening.node);
    timer_init(&c->gather, crossing_on_quiet);
    timer_init(&c->expiry, crossing_expire);
    list_append(&p->crossings, &c->node);
    live_begin(LIVE_CROSSINGS);
    if (!crossing_add_asker(c, r))
        crossing_fail(c, "no memory");
    else if (!tasks_prepare(c, r))
        crossing_go(c);
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
    if (legacy_task_serve(r) || modern_task_serve(r))
        return;
    struct crossing *c = crossing_parked_of(bridge_of_request(r), r, &is_retry);
    if (c != NULL && crossing_add_asker(c, r))
        crossing_ask(c);
    if (is_retry)
        return;
    if (pages_are_seen(r))
        crossing_begin(r, TASK_NONE);
}
