#include "gateway/capture.h"

#define SWEEP_EVERY MILLISECONDS(250)
#define SEEN_AFTER  SECONDS(1)
/* A thousand streams that were opened at once are written in slices, so that few records serve them all. */
#define SWEEP_SLICE 64
#define SWEEP_AGAIN MILLISECONDS(5)

/* What the log has of an exchange; in its arena. */
struct captured {
    struct record *record; /* what is not handed over yet; NULL: nothing */
    uint64_t       id;
    bool           is_seen; /* a row of it was handed over */
    bool           is_torn; /* there was no memory for a record: a message is missing */
};

/* clang-format off */
static const enum outcome outcome_of[CLOSE_REASONS] = {
    [CLOSE_ANSWERED]       = OUTCOME_OF_ANSWER,
    [CLOSE_REFUSED]        = OUTCOME_REFUSED,
    [CLOSE_UNREACHABLE]    = OUTCOME_UNREACHABLE,
    [CLOSE_TIMED_OUT]      = OUTCOME_TIMED_OUT,
    [CLOSE_CUT]            = OUTCOME_CUT,
    [CLOSE_MALFORMED]      = OUTCOME_CUT,
    [CLOSE_TOO_LARGE]      = OUTCOME_CUT,
    [CLOSE_BUSY]           = OUTCOME_REFUSED,
    [CLOSE_CLIENT_LEFT]    = OUTCOME_CANCELLED,
    [CLOSE_CLIENT_STALLED] = OUTCOME_CANCELLED,
    [CLOSE_CANCELLED]      = OUTCOME_CANCELLED,
    [CLOSE_SESSION_ENDED]  = OUTCOME_CUT,
    [CLOSE_SHUTDOWN]       = OUTCOME_CUT,
};
/* clang-format on */

static struct captured *
captured_of(struct capture *c, struct exchange *x)
{
    struct captured *k = x->captured;

    if (k != NULL)
        return k;
    k = ARENA_NEW(x->arena, struct captured);
    if (k == NULL)
        return NULL;
    k->id       = traffic_next_id(c->traffic, clock_wall_of(x->began));
    x->captured = k;
    return k;
}

/* Strings are shown without their quotes; escapes within stay as written. */
static struct str
plain_id(struct str id)
{
    return id.len >= 2 && id.data[0] == '"' ? str_of(id.data + 1, id.len - 2) : id;
}

static void
hand_over(struct capture *c, struct exchange *x, struct captured *k, struct exchange_facts *facts)
{
    facts->kind       = x->kind;
    facts->method     = x->message.method;
    facts->target     = x->message.target;
    facts->jsonrpc_id = plain_id(x->message.id);
    if (k->is_torn)
        record_tear(k->record);
    traffic_put(c->traffic, k->record, facts);
    k->record  = NULL;
    k->is_seen = true;
    list_remove(&x->known);
}

static void
write_open(struct capture *c, struct exchange *x, struct captured *k)
{
    hand_over(c, x, k, &(struct exchange_facts){.outcome = OUTCOME_OPEN, .duration_us = -1, .first_byte_us = -1});
}

/* Writes what has been open for a second: the list is in order of age. */
static void
sweep(struct timer *timer)
{
    struct capture *c      = LIST_OF(struct capture, timer, sweep);
    mono_time       before = clock_mono() - SEEN_AFTER;
    size_t          count  = 0;

    for (struct list *node; count < SWEEP_SLICE && (node = list_first(&c->exchanges->unknown)) != NULL; count++) {
        struct exchange *x = LIST_OF(struct exchange, node, known);
        struct captured *k = x->is_silent ? NULL : captured_of(c, x);
        if (x->began > before)
            break;
        list_remove(&x->known);
        if (k == NULL)
            continue;
        if (k->record == NULL)
            k->record = record_new(c->traffic, k->id, capture_labels_of(x));
        write_open(c, x, k);
    }
    loop_set_timer(c->loop, &c->sweep, clock_mono() + (count == SWEEP_SLICE ? SWEEP_AGAIN : SWEEP_EVERY));
}

static bool
end_turn(struct loop_hook *hook)
{
    struct capture *c = LIST_OF(struct capture, hook, turn_end);

    traffic_turn(c->traffic);
    return false;
}

void
capture_init(struct capture *c, struct loop *loop, struct traffic *traffic, struct exchanges *exchanges)
{
    *c = (struct capture){.loop = loop, .traffic = traffic, .exchanges = exchanges, .turn_end.run = end_turn};
    timer_init(&c->sweep, sweep);
    list_init(&c->turn_end.node);
    if (traffic == NULL)
        return;
    loop_add_hook(loop, &c->turn_end);
    loop_set_timer(loop, &c->sweep, clock_mono() + SWEEP_EVERY);
}

void
capture_clear(struct capture *c)
{
    loop_clear_timer(c->loop, &c->sweep);
    if (c->traffic == NULL)
        return;
    traffic_turn(c->traffic);
    loop_remove_hook(&c->turn_end);
}

void
capture_message(struct capture *c, struct exchange *x, struct labels *labels, enum message_from from, struct str bytes,
                bool continues)
{
    struct captured *k = c->traffic == NULL ? NULL : captured_of(c, x);

    if (k == NULL)
        return;
    if (k->record == NULL && (k->record = record_new(c->traffic, k->id, labels)) == NULL) {
        k->is_torn = true;
        return;
    }
    /* The request came when the exchange began; what comes later in a turn came in that turn. */
    mono_time at =
        from == FROM_CLIENT && x->state < EXCHANGE_WAITING ? x->began : time_max(loop_now(c->loop), x->began);
    record_add(k->record, from, clock_wall_of(at), bytes, continues);
    if (k->is_seen && list_is_empty(&x->known) && !x->is_silent)
        list_append(&c->exchanges->unknown, &x->known); /* it goes on: the next sweep writes what came since */
    if (record_size(k->record) > RECORD_LARGE && !x->is_silent)
        write_open(c, x, k);
}

void
capture_close(struct capture *c, struct exchange *x, struct labels *labels, enum close_reason why)
{
    struct captured *k = c->traffic == NULL ? NULL : captured_of(c, x);

    if (k == NULL)
        return;
    if (x->is_silent && !k->is_seen) {
        record_free(c->traffic, k->record);
        k->record = NULL;
        return;
    }
    struct exchange_facts facts = {.outcome       = outcome_of[why],
                                   .http_status   = x->http_status,
                                   .final         = true,
                                   .duration_us   = clock_mono() - x->began,
                                   .first_byte_us = x->first_byte == 0 ? -1 : x->first_byte - x->began};
    if (why == CLOSE_ANSWERED && x->kind != KIND_REQUEST)
        facts.outcome = x->failed || x->http_status >= 400 ? OUTCOME_ERROR : OUTCOME_OK;
    else if (why == CLOSE_ANSWERED && x->judged)
        facts.outcome = x->failed ? OUTCOME_ERROR : OUTCOME_OK;
    else if (x->kind == KIND_STREAM &&
             (why == CLOSE_CLIENT_LEFT || why == CLOSE_SESSION_ENDED || why == CLOSE_SHUTDOWN))
        facts.outcome = OUTCOME_OK; /* that is how streams end */
    if (x->judged && x->error_code != 0) {
        facts.error_code     = x->error_code;
        facts.has_error_code = true;
    } else if (why != CLOSE_ANSWERED && x->kind == KIND_REQUEST) {
        facts.error_code     = -32603;
        facts.has_error_code = true;
    }
    if (k->record == NULL)
        k->record = record_new(c->traffic, k->id, labels);
    else
        record_set_labels(k->record, labels); /* an opening has learnt its session and its server meanwhile */
    hand_over(c, x, k, &facts);
}
