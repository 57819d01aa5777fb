/* How a request lives: parts.h has the drawing. */
#include "mcp/service/parts.h"

#include <assert.h>

#include "base/live.h"
#include "mcp/service/tasks.h"

enum { ARENA_FIRST = 4096, ARENA_OF_LISTEN = 960, ARENA_MOST = 256 << 20, KEY_MOST = ID_MAX + 16 };

static void send_nothing(struct back *back, struct exchange *x);
static void lose_exchange(struct back *back, struct exchange *x, enum close_reason why);

/* From request_new on the request itself is the back of its exchange: that is how it hears of its end. */
static const struct back_ops request_ops = {send_nothing, lose_exchange, NULL};

bool
is_modern(const struct request *r)
{
    return r->revision >= SINCE_MODERN;
}

static void
on_after(struct timer *after)
{
    struct request *r    = LIST_OF(struct request, after, after);
    request_handler next = r->next;

    r->next = NULL;
    request_call(r, next);
}

static bool
is_listen(const struct exchange *x)
{
    return str_eq(x->message.method, STR("subscriptions/listen"));
}

void
request_forget_params(struct request *r)
{
    yyjson_doc_free(r->in);
    r->in     = NULL;
    r->params = r->meta = NULL;
}

static void
on_released(void *arg)
{
    request_forget_params(arg);
}

/* Of who listens the message does not go into the arena, which stays for hours. */
static bool
read_message(struct request *r)
{
    yyjson_alc  memory = json_memory(r);
    yyjson_alc  apart  = json_heap(&r->is_broken);
    struct str  text   = r->x->message.message;
    yyjson_doc *in     = NULL;

    r->doc = yyjson_mut_doc_new(&memory);
    if (r->doc == NULL || (r->is_listener && !arena_defer(r->arena, on_released, r)))
        return false;
    in    = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW,
                          r->is_listener ? &apart : &memory, NULL); /* it was read before: what fails is memory */
    r->in = r->is_listener ? in : NULL;
    if (in == NULL)
        return false;
    r->params = json_member(yyjson_doc_get_root(in), "params");
    r->meta   = json_member(r->params, "_meta");
    return true;
}

static void
read_client(struct request *r)
{
    if (r->session != NULL) {
        r->revision  = r->session->revision;
        r->abilities = r->session->abilities;
        return;
    }
    r->revision  = REVISION_2026_07_28;
    r->level     = log_level_of(json_str_in(r->meta, META_KEY("logLevel")));
    r->abilities = abilities_read(json_member(r->meta, META_KEY("clientCapabilities")), r->revision);
}

/* Who listens keeps it for hours: a small one, of its own. */
static struct arena *
take_arena(struct service *s, const struct exchange *x)
{
    if (is_listen(x))
        return arena_new(ARENA_OF_LISTEN, ARENA_MOST);
    return s->spares > 0 ? s->spare[--s->spares] : arena_new(ARENA_FIRST, ARENA_MOST);
}

struct request *
request_new(struct service *s, struct service_session *session, struct exchange *x)
{
    struct arena   *arena = take_arena(s, x);
    struct request *r     = arena == NULL ? NULL : ARENA_NEW(arena, struct request);

    if (r == NULL) {
        arena_free(arena);
        exchange_fail(x, CLOSE_BUSY, "no memory");
        return NULL;
    }
    *r = (struct request){
        .back = {&request_ops}, .service = s, .session = session, .x = x, .arena = arena, .level = -1, .progress = -1};
    r->is_listener = is_listen(x);
    list_init(&r->unsettled);
    list_init(&r->of_session);
    list_init(&r->questions);
    timer_init(&r->after, on_after);
    timer_init(&r->leg, asking_expire);
    list_append(&s->requests, &r->node);
    live_begin(LIVE_SERVICE_CALLS);
    if (session != NULL)
        list_append(&session->requests, &r->of_session);
    x->back = &r->back;
    if (!read_message(r)) {
        r->is_answered = true;
        exchange_fail(x, CLOSE_BUSY, "no memory"); /* ends it */
        return NULL;
    }
    read_client(r);
    return r;
}

void
request_serve(struct request *r)
{
    const struct method *m       = method_find(r->x->message.method);
    request_handler      serve   = service_handler(r->service, m, is_modern(r) ? ERA_MODERN : ERA_LEGACY);
    bool                 is_open = r->session == NULL || r->session->is_open;

    if (serve == NULL) {
        request_answer_error(r, RPC_METHOD_NOT_FOUND, STR("Method not found"), NULL);
    } else if (!is_open && (m == NULL || (m->traits & METHOD_OPENS) == 0)) {
        request_answer_error(r, RPC_INVALID_REQUEST, STR("Not initialized: the first request is initialize"), NULL);
    } else if (is_modern(r) && r->level < 0 && yyjson_obj_get(r->meta, META_KEY("logLevel")) != NULL) {
        request_refuse_params(r, "Unknown log level");
    } else {
        r->method = m;
        r->depth++;
        serve(r);
        r->depth--;
    }
    request_settle(r);
}

/* --- where it stands --- */

static struct map *
cancel_map(struct request *r)
{
    return r->session != NULL ? &r->session->by_id : &r->service->cancellable;
}

/* Under a modern front's own ids: no other client reaches them. */
static struct str
front_key(const struct front *front, struct str id, char out[KEY_MOST])
{
    memcpy(out, &front, sizeof front);
    memcpy(out + sizeof front, id.data, id.len);
    return str_of(out, sizeof front + id.len);
}

/* Once it waits it may be cancelled. Of two with one id the first can be. */
static void
make_cancellable(struct request *r)
{
    char       bytes[KEY_MOST];
    struct str key;

    if (r->key.data != NULL || r->x == NULL || r->x->front == NULL || r->x->message.id.len > ID_MAX)
        return;
    key = r->session != NULL ? r->x->message.id : front_key(r->x->front, r->x->message.id, bytes);
    if (map_get(cancel_map(r), key) != NULL)
        return;
    struct str       kept = arena_str(r->arena, key);
    struct request **slot = kept.data == NULL ? NULL : map_get_or_add(cancel_map(r), kept);
    if (slot == NULL)
        return;
    *slot  = r;
    r->key = kept;
}

void
request_forget_key(struct request *r)
{
    if (r->key.data != NULL)
        map_remove(cancel_map(r), r->key);
    r->key = STR_NONE;
}

void
request_leave_session(struct request *r)
{
    request_forget_key(r);
    asking_drop(r);
    list_remove(&r->of_session);
    r->session = NULL;
}

static void
cancel(const struct map *m, struct str key)
{
    struct request **slot = map_get(m, key);

    if (slot != NULL && (*slot)->x != NULL)
        exchange_close((*slot)->x, CLOSE_CANCELLED);
}

void
request_cancel_by_front(struct service *s, const struct front *front, struct str id)
{
    char bytes[KEY_MOST];

    if (id.len <= ID_MAX)
        cancel(&s->cancellable, front_key(front, id, bytes));
}

void
request_cancel_by_id(struct service_session *session, struct str id)
{
    cancel(&session->by_id, id);
}

/* Whatever waited for it does no longer. */
static void
let_go(struct request *r)
{
    loop_clear_timer(r->service->parts.loop, &r->after);
    loop_clear_timer(r->service->parts.loop, &r->leg);
    asking_drop(r);
    request_forget_key(r);
    list_remove(&r->unsettled);
}

static void
retire(struct request *r)
{
    let_go(r);
    job_forgo(r);
    session_end_opening(r);
    list_remove(&r->of_session);
    r->session = NULL;
    list_remove(&r->node);
    list_append(&r->service->ended, &r->node);
    r->state = REQUEST_ENDED;
}

/* Answered: over, but for who waits to hear that it is a task. */
static void
rest(struct request *r)
{
    if (r->task == NULL) {
        retire(r);
        return;
    }
    let_go(r);
    r->state = REQUEST_HELD;
}

/* Over, without an answer. Whose handler waits for us, or was told, is done with; else it has the request in hand. */
static void
end_unanswered(struct request *r)
{
    bool            is_ours = r->state == REQUEST_TIMED || r->state == REQUEST_ASKING || r->is_working;
    request_handler stop    = r->stop;

    let_go(r);
    r->stop = NULL;
    if (stop != NULL) {
        r->depth++;
        stop(r);
        r->depth--;
    }
    if (is_ours || stop != NULL || r->is_answered)
        retire(r);
    else
        r->state = REQUEST_HELD;
}

void
request_settle(struct request *r)
{
    if (r->depth > 0 || r->state == REQUEST_ENDED)
        return;
    if (r->is_answered) {
        rest(r);
        return;
    }
    bool is_timed  = r->next != NULL;
    bool is_asking = asking_is_due(r);
    r->state       = is_asking || r->is_given_back ? REQUEST_ASKING : is_timed ? REQUEST_TIMED : REQUEST_HELD;
    if (r->is_over) {
        end_unanswered(r);
        return;
    }
    if (is_asking && r->waiting == 0)
        asking_go(r); /* a modern client is answered by it */
    if (r->is_answered && r->state != REQUEST_ENDED)
        rest(r);
    else if (!r->is_answered && !r->is_over)
        make_cancellable(r);
}

void
request_call(struct request *r, request_handler handler)
{
    r->state = REQUEST_CALLED;
    r->depth++;
    handler(r);
    r->depth--;
    request_settle(r);
}

void
request_end(struct request *r)
{
    r->x       = NULL;
    r->is_over = true;
    if (r->task != NULL)
        task_abandon(r->task);
    if (r->depth == 0 && r->state != REQUEST_ENDED)
        end_unanswered(r);
}

static void
send_nothing(struct back *back, struct exchange *x)
{
    (void)back, (void)x; /* exchanges are sent to a session or to the service */
}

static void
lose_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    struct request *r = LIST_OF(struct request, back, back);

    (void)x, (void)why;
    request_end(r);
}

void
requests_settle(struct service *s)
{
    for (struct list *node; (node = list_first(&s->unsettled)) != NULL;) {
        struct request *r = LIST_OF(struct request, node, unsettled);
        list_remove(&r->unsettled);
        request_settle(r);
    }
}

static void
release(struct service *s, struct request *r)
{
    struct arena *arena = r->arena; /* r lies in it */

    result_clear(r);
    list_remove(&r->node);
    live_end(LIVE_SERVICE_CALLS);
    if (job_takes_arena(r))
        return;
    if (s->spares == SPARE_ARENAS || r->is_listener) {
        arena_free(arena);
        return;
    }
    arena_reset(arena);
    s->spare[s->spares++] = arena;
}

void
requests_sweep(struct service *s)
{
    for (struct list *node; (node = list_first(&s->ended)) != NULL;)
        release(s, LIST_OF(struct request, node, node));
}

void
requests_clear(struct service *s)
{
    for (struct list *node; (node = list_first(&s->requests)) != NULL;) {
        struct request *r = LIST_OF(struct request, node, node);
        if (r->x != NULL)
            exchange_close(r->x, CLOSE_SHUTDOWN);
        if (r->state != REQUEST_ENDED)
            retire(r); /* a handler that has it in hand may not use it any more */
    }
    requests_sweep(s);
    while (s->spares > 0)
        arena_free(s->spare[--s->spares]);
}

/* --- what handlers ask for --- */

void
request_after(struct request *r, mono_time delay, request_handler next)
{
    struct loop *loop = r->service->parts.loop;

    if (r->is_answered || r->state == REQUEST_ENDED)
        return;
    r->next = next;
    if (r->depth == 0) {
        r->state = REQUEST_TIMED;
        if (r->is_over)
            end_unanswered(r);
    }
    if (!r->is_over)
        loop_set_timer(loop, &r->after, loop_now(loop) + delay);
}

void
request_on_cancel(struct request *r, request_handler stop)
{
    r->stop = stop;
}

void
request_set_data(struct request *r, void *data)
{
    r->data = data;
}

void *
request_data(const struct request *r)
{
    return r->data;
}

void *
request_alloc(struct request *r, size_t size)
{
    return arena_zalloc(r->arena, size);
}

void
request_let_go(struct request *r, mono_time retry)
{
    if (r->x != NULL && r->revision >= SINCE_POLLING && !is_modern(r))
        exchange_let_go(r->x, retry);
}
