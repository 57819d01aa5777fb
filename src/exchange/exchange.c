#include "exchange/exchange.h"

#include <assert.h>

#include "base/live.h"

enum { ARENA_FIRST = 8192, ARENA_OF_STREAM = 640, ARENA_OF_LASTING = 896, ARENA_MOST = 256 << 20 };

#define BIT(state) (1U << (state))

/* The arrows of the drawing. */
static const unsigned next_of[EXCHANGE_STATES] = {
    [EXCHANGE_READING]   = BIT(EXCHANGE_GUARDING) | BIT(EXCHANGE_CLOSED),
    [EXCHANGE_GUARDING]  = BIT(EXCHANGE_WAITING) | BIT(EXCHANGE_ANSWERING) | BIT(EXCHANGE_CLOSED),
    [EXCHANGE_WAITING]   = BIT(EXCHANGE_ANSWERING) | BIT(EXCHANGE_ADRIFT) | BIT(EXCHANGE_CLOSED),
    [EXCHANGE_ANSWERING] = BIT(EXCHANGE_ADRIFT) | BIT(EXCHANGE_CLOSED),
    [EXCHANGE_ADRIFT]    = BIT(EXCHANGE_CLOSED),
    [EXCHANGE_CLOSED]    = 0,
};

/* The only writer of `state`: an exchange is always on the list of the state it is in. */
static void
exchange_move(struct exchange *x, enum exchange_state to)
{
    assert(next_of[x->state] & BIT(to));
    list_remove(&x->node);
    list_append(&x->owner->in_state[to], &x->node);
    x->state = to;
    x->owner->visits[to]++;
}

static void
release_arena(struct exchanges *all, struct arena *arena, bool is_small)
{
    if (is_small || all->spares == sizeof all->spare / sizeof all->spare[0]) {
        arena_free(arena);
        return;
    }
    arena_reset(arena);
    all->spare[all->spares++] = arena;
}

static void
release(struct exchanges *all, struct exchange *x)
{
    live_end(LIVE_EXCHANGES);
    list_remove(&x->node);
    release_arena(all, x->arena, x->kind == KIND_STREAM || x->is_lasting); /* x lies in it */
}

/* Here no callback of a closed exchange is on the stack any more. */
static bool
free_closed(struct loop_hook *hook)
{
    struct exchanges *all = LIST_OF(struct exchanges, hook, turn_end);

    LIST_EACH (struct exchange, x, &all->in_state[EXCHANGE_CLOSED], node)
        release(all, x);
    return false;
}

bool
exchanges_init(struct exchanges *all, struct loop *loop, const struct exchange_hooks *hooks)
{
    *all = (struct exchanges){.loop = loop, .hooks = *hooks, .turn_end.run = free_closed};
    for (size_t i = 0; i < EXCHANGE_STATES; i++)
        list_init(&all->in_state[i]);
    list_init(&all->unknown);
    loop_add_hook(loop, &all->turn_end);
    return true;
}

void
exchanges_clear(struct exchanges *all)
{
    for (size_t state = 0; state < EXCHANGE_CLOSED; state++)
        for (struct list *node; (node = list_first(&all->in_state[state])) != NULL;)
            exchange_close(LIST_OF(struct exchange, node, node), CLOSE_SHUTDOWN);
    free_closed(&all->turn_end);
    while (all->spares > 0)
        arena_free(all->spare[--all->spares]);
    loop_remove_hook(&all->turn_end);
}

static void
expire(struct timer *expiry)
{
    struct exchange *x = LIST_OF(struct exchange, expiry, expiry);

    if (x->judged) /* the answer is there; what carries it does not end */
        exchange_close(x, CLOSE_ANSWERED);
    else if (x->is_unread && x->front != NULL)
        exchange_fail(x, CLOSE_CLIENT_STALLED, "what came has waited for %lld ms", (long long)(x->patience / 1000));
    else if (x->dropped > 0)
        exchange_fail(
            x, CLOSE_TIMED_OUT,
            "no answer within %lld ms; what may have been it, %zu bytes, had no room (message.max, memory.max)",
            (long long)(x->patience / 1000), x->dropped);
    else
        exchange_fail(x, CLOSE_TIMED_OUT, "no answer within %lld ms", (long long)(x->patience / 1000));
}

/* A stream keeps its arena for hours and puts next to nothing into it: a small one, of its own. */
static struct arena *
take_arena(struct exchanges *all, enum exchange_kind kind)
{
    if (kind == KIND_STREAM)
        return arena_new(ARENA_OF_STREAM, ARENA_MOST);
    return all->spares > 0 ? all->spare[--all->spares] : arena_new(ARENA_FIRST, ARENA_MOST);
}

struct exchange *
exchange_new(struct exchanges *all, enum exchange_kind kind, struct front *front)
{
    struct arena    *arena = take_arena(all, kind);
    struct exchange *x     = arena == NULL ? NULL : ARENA_NEW(arena, struct exchange);

    if (x == NULL) {
        arena_free(arena);
        return NULL;
    }
    x->owner = all;
    x->kind  = kind;
    x->front = front;
    x->arena = arena;
    x->began = clock_mono();
    timer_init(&x->expiry, expire);
    list_init(&x->front_node);
    list_init(&x->back_node);
    list_append(&all->in_state[EXCHANGE_READING], &x->node);
    list_append(&all->unknown, &x->known);
    all->visits[EXCHANGE_READING]++;
    all->open++;
    live_begin(LIVE_EXCHANGES);
    return x;
}

/* All of a message but its bytes. */
static bool
copy_parts(struct envelope *e, struct arena *a)
{
    struct str *const parts[] = {&e->id,           &e->method,    &e->target,       &e->progress_token,
                                 &e->cancelled_id, &e->level,     &e->revision,     &e->modern_revision,
                                 &e->capabilities, &e->peer_name, &e->peer_version, &e->log_level,
                                 &e->subscription};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i]->data == NULL)
            continue;
        *parts[i] = arena_str(a, *parts[i]);
        if (parts[i]->data == NULL)
            return false;
    }
    return true;
}

struct exchange *
exchange_lighten(struct exchange *x)
{
    struct exchanges *all   = x->owner;
    struct arena     *arena = arena_new(ARENA_OF_LASTING, ARENA_MOST);
    struct exchange  *light = arena == NULL ? NULL : ARENA_NEW(arena, struct exchange);
    struct envelope   kept  = x->message;

    assert(x->state == EXCHANGE_READING && x->front == NULL && x->service == NULL && x->captured == NULL);
    if (light == NULL || !copy_parts(&kept, arena)) {
        arena_free(arena);
        return NULL;
    }
    *light            = *x;
    light->message    = kept;
    light->arena      = arena;
    light->is_lasting = true;
    timer_init(&light->expiry, expire);
    list_init(&light->front_node);
    list_init(&light->back_node);
    list_remove(&x->node);
    list_remove(&x->known);
    list_append(&all->in_state[EXCHANGE_READING], &light->node);
    list_append(&all->unknown, &light->known);
    release_arena(all, x->arena, x->is_lasting);
    return light;
}

bool
exchange_is_listening(const struct exchange *x)
{
    return x->kind == KIND_STREAM ||
           (x->kind == KIND_REQUEST && x->is_modern && str_eq(x->message.method, STR("subscriptions/listen")));
}

bool
exchange_guard(struct exchange *x)
{
    struct error err = {0};

    exchange_move(x, EXCHANGE_GUARDING);
    for (size_t i = 0; x->owner->hooks.stages != NULL && x->owner->hooks.stages[i] != NULL; i++) {
        if (x->owner->hooks.stages[i](x, &err))
            continue;
        exchange_fail(x, err.code == ERROR_FULL || err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_REFUSED, "%s",
                      err.text);
        return false;
    }
    return true;
}

static bool
is_under_way(const struct exchange *x)
{
    return x->state >= EXCHANGE_WAITING && x->state < EXCHANGE_CLOSED;
}

/* Nothing puts off the end of a call that has its answer, or its last chance. */
static void
restart_expiry(struct exchange *x)
{
    x->heard = 0;
    if ((x->judged || x->is_last_chance) && timer_is_set(&x->expiry))
        return;
    if (x->patience > 0 && (x->owed == 0 || !exchange_is_heard(x) || x->is_last_chance))
        loop_set_timer(x->owner->loop, &x->expiry, loop_now(x->owner->loop) + x->patience);
    else
        loop_clear_timer(x->owner->loop, &x->expiry);
}

void
exchange_send(struct exchange *x, struct back *back)
{
    exchange_move(x, EXCHANGE_WAITING);
    x->back = back;
    if (x->patience > 0)
        loop_set_timer(x->owner->loop, &x->expiry, x->began + x->patience);
    back->ops->send(back, x);
}

void
exchange_begin_answer(struct exchange *x)
{
    if (x->state == EXCHANGE_ANSWERING)
        return;
    exchange_move(x, EXCHANGE_ANSWERING);
}

void
exchange_set_adrift(struct exchange *x)
{
    struct front *front = x->front;

    exchange_move(x, EXCHANGE_ADRIFT);
    exchange_lose_back(x);
    exchange_lose_front(x);
    if (front != NULL)
        front->ops->end(front, x, CLOSE_ANSWERED, true); /* what passed was whole in itself */
}

void
exchange_keep_message(struct exchange *x)
{
    struct envelope *e = &x->message;

    e->message = e->result = STR_NONE;
    e->id                  = e->id.data == NULL ? STR_NONE : arena_str(x->arena, e->id);
    e->progress_token      = e->progress_token.data == NULL ? STR_NONE : arena_str(x->arena, e->progress_token);
    e->cancelled_id        = e->cancelled_id.data == NULL ? STR_NONE : arena_str(x->arena, e->cancelled_id);
}

void
exchange_lose_front(struct exchange *x)
{
    x->front   = NULL;
    x->is_away = false;
    list_remove(&x->front_node);
    if (x->owed > 0 && is_under_way(x))
        restart_expiry(x);
}

void
exchange_set_away(struct exchange *x, bool is_away)
{
    if (x->is_away == is_away)
        return;
    x->is_away = is_away;
    if (is_away)
        x->is_unread = false;
    if (x->owed > 0 && is_under_way(x))
        restart_expiry(x);
}

bool
exchange_let_go(struct exchange *x, mono_time retry)
{
    return x->front != NULL && x->front->ops->let_go != NULL && x->front->ops->let_go(x->front, x, retry);
}

void
exchange_lose_back(struct exchange *x)
{
    x->back = NULL;
    list_remove(&x->back_node);
}

void
exchange_close(struct exchange *x, enum close_reason why)
{
    bool head_is_out = x->state == EXCHANGE_ANSWERING;

    if (x->state == EXCHANGE_CLOSED)
        return;
    exchange_move(x, EXCHANGE_CLOSED); /* first: whoever is called below finds it closed */
    x->why = why;
    x->owner->open--;
    loop_clear_timer(x->owner->loop, &x->expiry);

    struct back  *back  = x->back; /* cut both ways before either end hears of it */
    struct front *front = x->front;
    exchange_lose_back(x);
    exchange_lose_front(x);
    if (back != NULL)
        back->ops->cancel(back, x, why);
    if (front != NULL)
        front->ops->end(front, x, why, head_is_out);
    if (x->http_status == 0)
        x->http_status = close_info[why].status;
    x->is_told = true;
    if (x->owner->hooks.on_close != NULL)
        x->owner->hooks.on_close(x, why);
    list_remove(&x->known);
}

void
exchange_fail(struct exchange *x, enum close_reason why, const char *format, ...)
{
    char    text[400];
    va_list args;

    if (x->state == EXCHANGE_CLOSED)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    x->detail = arena_str(x->arena, str_from(text));
    exchange_close(x, why);
}

void
exchange_note(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    if (x->is_told)
        return;
    if (x->owner->hooks.on_message != NULL)
        x->owner->hooks.on_message(x, from, bytes, continues);
    if (continues)
        exchange_hear(x, bytes.len);
    else if (is_under_way(x))
        restart_expiry(x);
}

void
exchange_hear(struct exchange *x, size_t bytes)
{
    x->heard += bytes;
    if (x->heard >= EXPIRY_STEP && is_under_way(x))
        restart_expiry(x);
}

/* What carried the answer should end now, and is given a moment to. */
static mono_time
rest_of(const struct exchange *x)
{
    return x->patience > 0 && x->patience < ANSWER_REST ? x->patience : ANSWER_REST;
}

void
exchange_judge(struct exchange *x, const struct envelope *answer)
{
    if (x->judged) /* the first answer counts */
        return;
    x->judged     = true;
    x->failed     = answer->kind == MESSAGE_ERROR || answer->is_tool_error;
    x->error_code = answer->kind == MESSAGE_ERROR ? answer->error_code : 0;
    if (is_under_way(x))
        loop_set_timer(x->owner->loop, &x->expiry, loop_now(x->owner->loop) + rest_of(x));
}

void
exchange_owe(struct exchange *x, int questions)
{
    if (!is_under_way(x))
        return;
    x->owed = questions < 0 && x->owed < (unsigned)-questions ? 0 : x->owed + (unsigned)questions;
    restart_expiry(x);
}

void
exchange_press(struct exchange *x)
{
    if (x->is_last_chance || !is_under_way(x))
        return;
    restart_expiry(x);
    x->is_last_chance = true;
    restart_expiry(x); /* it was not set while questions are owed */
}
