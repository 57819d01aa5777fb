/* Tasks of a legacy server that its modern clients follow. They are known to these by an id of ours, for those of two
 * sessions with a server may be the same. The server asks on the stream of a tasks/result, so one is open from the
 * first time that it says input_required; what it asks is kept until a client has answered, or the server takes it
 * back.
 *
 * They share the places of parked calls (bridge.parked); a task that nobody asked about for bridge.wait is cancelled.
 * Nothing outlives the connection to the server, or a restart. */
#include "gateway/bridge/bridge.h"

#include "base/live.h"
#include "base/random.h"
#include "mcp/json.h"

enum { CODE_INTERNAL = -32603 };

#define RELATED "io.modelcontextprotocol/related-task"

static struct loop *
loop_of(const struct held_task *t)
{
    return t->bridge->gateway->parts.loop;
}

static struct str
id_of(const struct held_task *t)
{
    return str_of(t->id, PARKED_ID_SIZE - 1);
}

/* --- its life --- */

void
held_enter(struct held_task *t)
{
    t->depth++;
}

void
held_leave(struct held_task *t)
{
    if (--t->depth > 0 || !t->is_gone)
        return;
    free(t->theirs);
    live_end(LIVE_HELD_TASKS);
    free(t);
}

void
held_end(struct held_task *t, int code, const char *words)
{
    struct client_call *result = t->result;
    struct peer        *p      = t->peer;

    if (t->is_gone)
        return;
    held_enter(t);
    t->is_gone = true;
    t->result  = NULL;
    map_remove(&t->bridge->held, id_of(t));
    list_remove(&t->node);
    list_remove(&t->of_peer);
    loop_clear_timer(loop_of(t), &t->quiet);
    loop_clear_timer(loop_of(t), &t->expiry);
    asked_clear(&t->questions);
    looks_end(t, code, words);
    news_end(t, code, words);
    if (result != NULL)
        client_call_cancel(result, CLOSE_CANCELLED, words);
    held_leave(t);
    peer_left(p);
}

/* {"taskId":…}; NULL: no memory. */
static yyjson_doc *
params_of(struct str theirs)
{
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = yyjson_mut_obj(doc);
    bool            ok     = yyjson_mut_obj_add_strn(doc, params, "taskId", theirs.data, theirs.len);
    yyjson_doc     *made   = ok ? yyjson_mut_val_imut_copy(params, NULL) : NULL;

    yyjson_mut_doc_free(doc);
    return made;
}

static bool
may_cancel(const struct peer *p)
{
    const struct client_server *server = client_server(p->client);
    yyjson_doc                 *doc    = server == NULL ? NULL : json_read(server->capabilities);
    bool                        may    = json_member(json_member(yyjson_doc_get_root(doc), "tasks"), "cancel") != NULL;

    yyjson_doc_free(doc);
    return may;
}

/* Nobody waits for what the server says to that. */
void
held_cancel(struct peer *p, struct str theirs)
{
    static const struct call_events none   = {0};
    yyjson_doc                     *params = may_cancel(p) ? params_of(theirs) : NULL;

    if (params != NULL)
        client_call(
            p->client,
            &(struct client_request){.method = STR("tasks/cancel"), .params = yyjson_doc_get_root(params), .level = -1},
            &none, NULL, NULL);
    yyjson_doc_free(params);
}

void
held_drop(struct held_task *t, const char *words)
{
    held_enter(t);
    if (!t->is_over)
        held_cancel(t->peer, str_from(t->theirs));
    held_end(t, CODE_INTERNAL, words);
    held_leave(t);
}

void
held_touch(struct held_task *t)
{
    list_remove(&t->node);
    list_append(&t->bridge->held_in_order, &t->node);
    loop_set_timer(loop_of(t), &t->expiry, loop_now(loop_of(t)) + t->bridge->gateway->parts.settings->bridge.wait);
}

static void
expire(struct timer *expiry)
{
    struct held_task *t = LIST_OF(struct held_task, expiry, expiry);

    if (!list_is_empty(&t->looks) || !list_is_empty(&t->followers)) {
        held_touch(t);
        return;
    }
    held_drop(t, "nobody asked about the task any more");
}

/* Of those that are over, the one that was not asked about for longest makes room. */
static bool
make_room(struct bridge *b)
{
    if (b->parked.count + b->held.count < b->gateway->parts.settings->bridge.parked)
        return true;
    LIST_EACH (struct held_task, t, &b->held_in_order, node)
        if (t->is_over && t->depth == 0 && list_is_empty(&t->looks)) {
            held_end(t, CODE_INTERNAL, "it made room for another");
            return true;
        }
    return false;
}

/* False: no memory. */
static bool
enlist(struct held_task *t)
{
    unsigned char bytes[(PARKED_ID_SIZE - 1) / 2];

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(t->id + 2 * i, 3, "%02x", bytes[i]);
    struct held_task **slot = map_get_or_add(&t->bridge->held, id_of(t));
    if (slot == NULL || *slot != NULL)
        return false;
    *slot = t;
    return true;
}

static void
on_quiet(struct timer *quiet)
{
    looks_show(LIST_OF(struct held_task, quiet, quiet));
}

struct held_task *
held_new(struct peer *p, struct str theirs)
{
    struct held_task *t = make_room(p->bridge) ? calloc(1, sizeof *t) : NULL;

    if (t == NULL)
        return NULL;
    *t = (struct held_task){
        .bridge = p->bridge, .peer = p, .theirs = strndup(theirs.data, theirs.len), .made = clock_wall()};
    if (t->theirs == NULL || !enlist(t)) {
        free(t->theirs);
        free(t);
        return NULL;
    }
    list_init(&t->node);
    list_init(&t->looks);
    list_init(&t->followers);
    list_init(&t->questions.items);
    timer_init(&t->quiet, on_quiet);
    timer_init(&t->expiry, expire);
    list_append(&p->tasks, &t->of_peer);
    live_begin(LIVE_HELD_TASKS);
    held_touch(t);
    return t;
}

struct held_task *
held_find(struct bridge *b, struct str id, const struct caller *by)
{
    struct held_task **slot = id.data == NULL ? NULL : map_get(&b->held, id);

    return slot == NULL || (*slot)->peer->caller != by ? NULL : *slot;
}

void
held_end_all(struct peer *p, const char *words)
{
    bool was_going = p->is_going;

    p->is_going = true; /* it stays, though nothing is left of it */
    while (!list_is_empty(&p->tasks))
        held_end(LIST_OF(struct held_task, list_first(&p->tasks), of_peer), CODE_INTERNAL, words);
    p->is_going = was_going;
}

void
held_give_up(struct bridge *b, const char *words)
{
    for (struct list *node; (node = list_first(&b->held_in_order)) != NULL;)
        held_drop(LIST_OF(struct held_task, node, node), words);
}

yyjson_doc *
held_params(const struct held_task *t)
{
    return params_of(str_from(t->theirs));
}

bool
held_may_cancel(const struct held_task *t)
{
    return may_cancel(t->peer);
}

/* --- what it asks --- */

static void
take_question(struct held_task *t, struct question_in *q)
{
    if (asked_take(&t->questions, q))
        loop_set_timer(loop_of(t), &t->quiet, loop_now(loop_of(t)) + t->bridge->gateway->parts.settings->bridge.gather);
}

bool
held_take_question(struct peer *p, struct question_in *q)
{
    struct str id = json_str_in(json_member(json_member(question_params(q), "_meta"), RELATED), "taskId");

    if (id.data == NULL)
        return false;
    LIST_EACH (struct held_task, t, &p->tasks, of_peer)
        if (str_eq(str_from(t->theirs), id)) {
            take_question(t, q);
            return true;
        }
    return false;
}

static void
on_question(void *owner, struct client_call *call, struct question_in *q)
{
    struct held_task *t = owner;

    (void)call;
    if (!held_take_question(t->peer, q))
        take_question(t, q);
}

/* What was asked in it went with it; the task is over, or will ask in another. */
static void
end_result(struct held_task *t)
{
    t->result = NULL;
    loop_clear_timer(loop_of(t), &t->quiet);
    looks_again(t);
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    (void)call, (void)result; /* who wants it asks for it */
    end_result(owner);
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)call, (void)why, (void)code, (void)message, (void)data;
    end_result(owner);
}

void
held_hear(struct held_task *t)
{
    static const struct call_events events = {.on_question = on_question, .on_result = on_result, .on_error = on_error};
    const struct gateway           *g      = t->bridge->gateway;

    if (t->result == NULL) {
        yyjson_doc *params = held_params(t);
        t->result          = params == NULL
                                 ? NULL
                                 : client_call(t->peer->client,
                                               &(struct client_request){.method   = STR("tasks/result"),
                                                                        .params   = yyjson_doc_get_root(params),
                                                                        .level    = -1,
                                                                        .patience = t->bridge->server->entry->timeout +
                                                                                    g->parts.settings->bridge.wait},
                                               &events, t, NULL);
        yyjson_doc_free(params);
    }
    if (!timer_is_set(&t->quiet))
        loop_set_timer(loop_of(t), &t->quiet, loop_now(loop_of(t)) + (held_asks(t) ? 0 : ASKED_SOON));
}

bool
held_asks(struct held_task *t)
{
    LIST_EACH (struct asked, a, &t->questions.items, node)
        if (a->q == NULL) /* the server has taken it back */
            asked_pop(&t->questions, a);
    return !list_is_empty(&t->questions.items);
}
