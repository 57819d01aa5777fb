#include "mcp/channel_parts.h"

#include <assert.h>

#include "base/live.h"

#define STEADY       SECONDS(10) /* a child that ran so long may be started again at once */
#define BACKOFF_MOST SECONDS(60)

static void
expire_opening(struct timer *expiry)
{
    struct channel *c = LIST_OF(struct channel, expiry, expiry);
    char            words[80];

    if (c->state != CHANNEL_OPENING)
        return;
    if (c->is_modern) {
        modern_take_silence(c);
        return;
    }
    snprintf(words, sizeof words, "did not answer initialize within %lld ms", (long long)(c->patience / 1000));
    channel_stop(c, words);
}

struct channel *
channel_new(struct loop *loop, const struct channel_events *events, void *owner, struct arena *scratch, bool isolated,
            mono_time patience)
{
    struct channel *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    *c = (struct channel){.loop         = loop,
                          .events       = events,
                          .owner        = owner,
                          .scratch      = scratch,
                          .isolated     = isolated,
                          .patience     = patience,
                          .by_number    = MAP_OF(struct call *, CALLS_MAX),
                          .questions    = MAP_OF(struct question *, QUESTIONS_MAX),
                          .subscribed   = MAP_OF(unsigned, SUBSCRIPTIONS_MAX),
                          .opening      = {.max = MIB(1)},
                          .greeting     = {.max = MIB(4)},
                          .level        = -1,
                          .lonely_since = clock_mono()};
    list_init(&c->sessions);
    list_init(&c->calls);
    list_init(&c->waiting);
    list_init(&c->asked);
    timer_init(&c->expiry, expire_opening);
    live_begin(LIVE_CHANNELS);
    return c;
}

void
channel_free(struct channel *c)
{
    assert(list_is_empty(&c->sessions) && list_is_empty(&c->calls) && list_is_empty(&c->waiting));
    loop_clear_timer(c->loop, &c->expiry);
    skim_free(c->begun);
    buffer_clear(&c->opening);
    buffer_clear(&c->greeting);
    map_clear(&c->by_number);
    map_clear(&c->questions);
    map_clear(&c->subscribed);
    live_end(LIVE_CHANNELS);
    free(c);
}

void
call_enlist(struct call *call, struct list *list)
{
    if (list_is_empty(&call->node))
        live_begin(LIVE_CHANNEL_CALLS);
    list_remove(&call->node);
    list_append(list, &call->node);
}

/* Out of every table; the exchange is no longer ours to answer. */
void
call_forget(struct channel *c, struct call *call)
{
    if (call->number != 0 && map_remove(&c->by_number, MAP_KEY_U64(call->number)) && call->x != NULL) {
        c->in_flight--;
        if (call->session != NULL)
            call->session->calls--;
        else if (c->in_flight == 0)
            c->lonely_since = loop_now(c->loop);
    }
    if (!list_is_empty(&call->node))
        live_end(LIVE_CHANNEL_CALLS);
    list_remove(&call->node);
    LIST_EACH (struct question, q, &call->questions, of_call) {
        list_remove(&q->of_call);
        q->on = NULL;
    }
    if (call->x == NULL)
        free(call);
}

static void
fail_calls(struct channel *c, struct list *calls, enum close_reason why, const char *words)
{
    for (struct list *node; (node = list_first(calls)) != NULL;) {
        struct call     *call = LIST_OF(struct call, node, node);
        struct exchange *x    = call->x;
        call->is_silent       = true;
        if (x == NULL) {
            call_forget(c, call);
            continue;
        }
        exchange_fail(x, why, "it %s", words); /* its cancel forgets the call */
    }
}

static void
void_questions(struct channel *c)
{
    LIST_EACH (struct question, q, &c->asked, node)
        question_drop(c, q);
}

/* How the last child ended, as a client may know it. */
static const char *
public_words(const struct channel *c)
{
    return c->could_not_start ? "could not be started" : c->words;
}

static mono_time
backoff(unsigned failures)
{
    mono_time wait = failures < 2 ? 0 : SECONDS(1) << (failures - 2 > 6 ? 6 : failures - 2);

    return wait > BACKOFF_MOST ? BACKOFF_MOST : wait;
}

static void
note_failure(struct channel *c, bool was_ready)
{
    mono_time now = clock_mono();

    c->down_since = now;
    c->failures   = was_ready && now - c->started > STEADY ? 1 : c->failures + 1;
    c->retry_at   = now + backoff(c->failures);
}

/* What came while the last child was dying. */
static void
open_for_waiting(struct channel *c)
{
    struct error err = {0};

    if (!c->isolated && !list_is_empty(&c->waiting) && clock_mono() >= c->retry_at)
        channel_open(c, &err);
}

static void
forget_part(struct channel *c)
{
    skim_free(c->begun);
    c->begun = NULL;
}

static void
on_ended(void *owner, const struct child_end *end)
{
    struct channel    *c   = owner;
    enum channel_state was = c->state;

    c->child = NULL;
    forget_part(c);
    loop_clear_timer(c->loop, &c->expiry);
    if (was == CHANNEL_CLOSING) {
        channel_free(c);
        return;
    }
    c->state           = CHANNEL_IDLE;
    c->could_not_start = end->exec_errno != 0;
    if (c->words[0] == '\0') /* else it was said by us */
        snprintf(c->words, sizeof c->words, "%s", c->is_restarting ? "was restarted" : end->words);
    if (!c->is_restarting)
        note_failure(c, was == CHANNEL_READY);
    void_questions(c);
    fail_calls(c, &c->calls, was == CHANNEL_READY ? CLOSE_CUT : CLOSE_UNREACHABLE, public_words(c));
    c->events->on_down(c->owner, c, c->is_restarting ? "" : c->words);
    if (was == CHANNEL_READY || c->is_restarting)
        open_for_waiting(c);
    c->is_restarting = false;
    if (c->state == CHANNEL_IDLE && c->is_modern && was == CHANNEL_OPENING && !c->could_not_start)
        modern_take_end(c);
    else if (c->state == CHANNEL_IDLE)
        fail_calls(c, &c->waiting, CLOSE_UNREACHABLE, public_words(c));
    if (c->isolated && !list_is_empty(&c->sessions))
        c->events->on_session_lost(c->owner, LIST_OF(struct session, list_first(&c->sessions), node));
}

static void
on_line(void *owner, struct str line)
{
    struct channel *c     = owner;
    struct skim    *begun = c->begun;

    c->begun = NULL;
    if (c->state != CHANNEL_CLOSING)
        channel_take_line(c, line, begun);
    skim_free(begun);
}

static void
on_part(void *owner, struct str so_far)
{
    struct channel *c = owner;

    if (c->state != CHANNEL_CLOSING)
        skim_follow(&c->begun, so_far);
}

/* The one call in flight: what the child says is its answer. NULL: there are several, or none. */
static struct call *
only_call(const struct channel *c)
{
    if (c->in_flight == 1)
        LIST_EACH (struct call, call, &c->calls, node)
            if (call->x != NULL)
                return call;
    return NULL;
}

/* Whom a line answers that is not there: its begin may say it. NULL: it does not, and there are several, or none. */
static struct call *
call_of_dropped(const struct channel *c)
{
    struct str    id = c->begun == NULL ? STR_NONE : skim_answered(c->begun);
    uint64_t      number;
    struct call **slot;

    if (id.len == 0)
        return only_call(c);
    slot = str_to_u64(id, &number) ? map_get(&c->by_number, MAP_KEY_U64(number)) : NULL;
    return slot == NULL || (*slot)->x == NULL ? NULL : *slot;
}

static void
on_oversize(void *owner, size_t bytes)
{
    struct channel *c    = owner;
    struct call    *call = c->state == CHANNEL_CLOSING ? NULL : call_of_dropped(c);
    char            text[100];

    forget_part(c);
    if (c->state == CHANNEL_CLOSING)
        return;
    snprintf(text, sizeof text, "a line of %zu bytes, over message.max or what is left of memory.max", bytes);
    c->counts.odd_lines++;
    c->events->on_odd_line(c->owner, c, STR_NONE, text);
    if (call == NULL) {
        LIST_EACH (struct call, each, &c->calls, node)
            if (each->x != NULL)
                each->x->dropped = bytes; /* whoever waited for it hears of it after its time-out */
        channel_trouble(c, "said %s: it was dropped, and whoever waits for it waits for its time-out", text);
        return;
    }
    call->is_silent = true; /* it has been answered */
    exchange_fail(call->x, CLOSE_TOO_LARGE, "%s", text);
}

static void
on_stderr(void *owner, struct str line)
{
    struct channel *c = owner;

    if (c->state != CHANNEL_CLOSING)
        c->events->on_stderr(c->owner, c, line);
}

static const struct child_events child_events = {
    .on_line = on_line, .on_part = on_part, .on_oversize = on_oversize, .on_stderr = on_stderr, .on_ended = on_ended};

/* What it waits for, or its calls wait for, will not come: whoever waits hears these words when it has ended. */
void
channel_stop(struct channel *c, const char *words)
{
    if (c->child == NULL || c->words[0] != '\0')
        return;
    snprintf(c->words, sizeof c->words, "%s", words);
    child_kill(c->child);
}

bool
channel_open(struct channel *c, struct error *err)
{
    mono_time now = clock_mono();

    if (now < c->retry_at)
        return error_set(err, ERROR_UNREACHABLE, "it %s; it is started again in %lld s", public_words(c),
                         (long long)((c->retry_at - now) / SECONDS(1) + 1));
    c->words[0]        = '\0';
    c->could_not_start = false;
    c->child           = c->events->start(c->owner, &child_events, c, err);
    if (c->child == NULL) {
        c->could_not_start = true;
        note_failure(c, false);
        snprintf(c->words, sizeof c->words, "could not be started: %s", err->text);
        c->events->on_down(c->owner, c, c->words);
        return error_set(err, ERROR_UNREACHABLE, "it %s", public_words(c));
    }
    c->counts.starts++;
    c->started             = now;
    c->state               = CHANNEL_OPENING;
    c->is_told_initialized = false;
    c->level               = -1;
    loop_set_timer(c->loop, &c->expiry, now + c->patience);
    if (!channel_request_of_ours(c, buffer_str(&c->opening)))
        channel_stop(c, "could not be sent its opening: no memory");
    return true;
}

void
channel_trouble(struct channel *c, const char *format, ...)
{
    char    words[400];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    c->events->on_trouble(c->owner, c, words);
}

void
channel_remove_session(struct channel *c, struct session *s)
{
    list_remove(&s->node);
    if (--c->session_count == 0)
        c->lonely_since = clock_mono();
    if (c->isolated && c->state != CHANNEL_CLOSING)
        channel_close(c, CLOSE_SESSION_ENDED);
    else
        channel_settle_level(c);
}

void
channel_restart(struct channel *c)
{
    c->failures = 0;
    c->retry_at = 0;
    if (c->child == NULL || c->state == CHANNEL_CLOSING)
        return;
    c->is_restarting = true;
    child_stop(c->child);
}

void
channel_close(struct channel *c, enum close_reason why)
{
    if (c->state == CHANNEL_CLOSING)
        return;
    c->state = CHANNEL_CLOSING;
    for (struct list *node; (node = list_first(&c->sessions)) != NULL;)
        session_end(LIST_OF(struct session, node, node), why);
    void_questions(c);
    fail_calls(c, &c->calls, why, "was stopped");
    fail_calls(c, &c->waiting, why, "was stopped");
    c->events->on_closed(c->owner, c);
    if (c->child != NULL)
        child_stop(c->child);
    else
        channel_free(c);
}

enum channel_state
channel_state(const struct channel *c)
{
    return c->state;
}

bool
channel_is_isolated(const struct channel *c)
{
    return c->isolated;
}

size_t
channel_sessions(const struct channel *c)
{
    return c->session_count;
}

size_t
channel_calls(const struct channel *c)
{
    return c->in_flight;
}

const struct channel_counts *
channel_counts(const struct channel *c)
{
    return &c->counts;
}

struct child *
channel_child(const struct channel *c)
{
    return c->child;
}

const char *
channel_words(const struct channel *c)
{
    return c->words;
}

mono_time
channel_down_since(const struct channel *c)
{
    return c->down_since;
}

mono_time
channel_lonely_since(const struct channel *c)
{
    if (c->is_modern)
        return c->in_flight == 0 && list_is_empty(&c->waiting) ? c->lonely_since : 0;
    return c->session_count == 0 ? c->lonely_since : 0;
}
