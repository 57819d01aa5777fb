/* tests/fuzz/service_talk.h: what the targets that talk to a service share: the service, what was asked of it and what
 * it answered, the words that a client repeats, and orders to the house.
 *
 * A line of the input that begins with "!" is an order:
 *
 *   !t !T !L          two seconds, ten minutes, two hours pass
 *   !hf !hx !hp !hF   what is in hand is finished, fails, goes on, asks
 *   !c                something changes
 *   !n<message>       a server that is relayed says it
 *   !k !K             what was put into the store is kept, or not */
#ifndef GATEHOUSE_TESTS_FUZZ_SERVICE_TALK_H
#define GATEHOUSE_TESTS_FUZZ_SERVICE_TALK_H

#include <assert.h>
#include <stdlib.h>

#include "service_relay.h"

enum { IDS_MOST = 2048, WORD_MOST = 1 << 15 };

enum talk_flag {
    NO_LEGACY = 1 << 0, /* without both, both */
    NO_MODERN = 1 << 1,
    HAS_STORE = 1 << 2,
    IS_SMALL  = 1 << 3, /* bounds of what waits */
    REFUSES   = 1 << 4, /* every fifth exchange */
    IS_FULL   = 1 << 5, /* no memory for every seventh */
    RELAYS    = 1 << 7, /* service_relay.h; else service_play.h. ("@" is 1 << 6: flags that can be typed) */
};

/* --- what was asked and answered --- */

struct asked {
    struct str id;
    unsigned   sent, answered;
    unsigned   due; /* of those sent that must be answered */
};

/* Of one connection. */
struct ledger {
    struct arena *arena;
    struct asked  asked[IDS_MOST];
    size_t        count, messages, without_id;
    bool          is_cancelled; /* some request: it need not be answered */
    bool          takes_any;    /* what others asked may be answered here */
};

static void
ledger_open(struct ledger *l)
{
    l->count = l->messages = l->without_id = 0;
    l->is_cancelled = l->takes_any = false;
    l->arena                       = arena_new(KIB(16), MIB(256));
}

static struct asked *
asked_under(struct ledger *l, struct str id)
{
    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->asked[i].id, id))
            return &l->asked[i];
    return NULL;
}

static void
note_sent(struct ledger *l, struct str message, bool is_alone)
{
    struct envelope e;
    bool            ok = envelope_parse(&e, message, l->arena, NULL);

    l->is_cancelled |= e.cancelled_id.data != NULL;
    if (e.id.data == NULL || (ok && e.kind != MESSAGE_REQUEST))
        return;
    struct asked *a = asked_under(l, e.id);
    if (a == NULL) {
        assert(l->count < IDS_MOST);
        a  = &l->asked[l->count++];
        *a = (struct asked){.id = arena_str(l->arena, e.id)};
    }
    a->sent++;
    a->due += ok && is_alone && !str_eq(e.method, STR("subscriptions/listen"));
}

/* One of a batch may be refused with all others. */
static bool
note_one_sent(struct str message, void *ledger)
{
    note_sent(ledger, message, false);
    return true;
}

static void
note_all_sent(struct ledger *l, struct str text)
{
    l->messages++;
    if (message_is_batch(text))
        batch_each(text, note_one_sent, l, NULL);
    else
        note_sent(l, text, true);
}

/* It is a message, and no answer but to what was asked, once. */
static bool
note_one_heard(struct str message, void *ledger)
{
    struct ledger  *l = ledger;
    struct envelope e;
    struct error    err = {0};

    if (!envelope_parse(&e, message, l->arena, &err)) {
        fprintf(stderr, "%s: %.*s\n", err.text, STR_ARG(message));
        abort();
    }
    if (e.kind != MESSAGE_RESULT && e.kind != MESSAGE_ERROR)
        return true;
    if (e.id.data == NULL) {
        assert(++l->without_id <= l->messages);
        return true;
    }
    struct asked *a = asked_under(l, e.id);
    if (a == NULL && !l->takes_any) {
        fprintf(stderr, "nobody asked: %.*s\n", STR_ARG(message));
        abort();
    }
    assert(a == NULL || ++a->answered <= a->sent);
    return true;
}

/* --- words that a client repeats --- */

enum word { WORD_STATE, WORD_CURSOR, WORD_TASK, WORD_SESSION, WORD_EVENT, WORDS };

static char words[WORDS][WORD_MOST];

/* The bytes between `before` and `end`, if there are any. */
static void
remember(enum word word, struct str text, const char *before, char end)
{
    ptrdiff_t at = str_find(text, str_from(before));

    if (at < 0)
        return;
    struct str rest = str_skip(text, (size_t)at + strlen(before)), value;
    if (str_cut(&rest, end, &value) && value.len < WORD_MOST)
        snprintf(words[word], WORD_MOST, "%.*s", STR_ARG(value));
}

static void
note_heard(struct ledger *l, struct str text)
{
    if (message_is_batch(text))
        assert(batch_each(text, note_one_heard, l, NULL));
    else
        note_one_heard(text, l);
    remember(WORD_STATE, text, "\"requestState\":\"", '"');
    remember(WORD_CURSOR, text, "\"nextCursor\":\"", '"');
    remember(WORD_TASK, text, "\"taskId\":\"", '"');
}

/* `text` with what was said last in place of the words' names. */
static void
put_words(struct buffer *into, struct str text)
{
    static const struct str names[WORDS] = {
        {"$state", 6}, {"$cursor", 7}, {"$task", 5}, {"$session", 8}, {"$event", 6}};

    while (text.len > 0) {
        size_t word = 0;
        while (word < WORDS && !str_starts(text, names[word]))
            word++;
        assert(word == WORDS ? buffer_append_char(into, text.data[0]) : buffer_append(into, str_from(words[word])));
        text = str_skip(text, word == WORDS ? 1 : names[word].len);
    }
}

/* --- the house --- */

static const struct session_key talk_key = {{7}};

static struct loop      loop;
static struct exchanges exchanges;
static struct service  *service;
static unsigned         flags;
static size_t           judged, attached;
static mono_time        ahead; /* of the real time */

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
}

static bool
judge(struct exchange *x, struct error *err)
{
    (void)x;
    return (flags & REFUSES) == 0 || ++judged % 5 != 0 || error_set(err, ERROR_DENIED, "not today");
}

static bool
has_memory(void)
{
    return (flags & IS_FULL) == 0 || ++attached % 7 != 0;
}

static void
open_house(unsigned with)
{
    static bool (*const stages[])(struct exchange * x, struct error * err) = {judge, NULL};

    flags  = with;
    judged = attached = held_count = put_count = 0;
    ahead                                      = 0;
    for (size_t i = 0; i < WORDS; i++)
        words[i][0] = '\0';
    assert(loop.timers.count == 0);
    timer_wheel_init(&loop.timers, clock_mono());
    exchanges_init(&exchanges, &loop,
                   &(struct exchange_hooks){.stages = stages, .on_message = on_message, .on_close = on_close});
    bool                 is_both = (flags & (NO_LEGACY | NO_MODERN)) == (NO_LEGACY | NO_MODERN);
    struct service_parts parts   = {.loop         = &loop,
                                    .key          = &talk_key,
                                    .principal    = "local",
                                    .sessions_max = 4,
                                    .session_idle = SECONDS(60),
                                    .tasks        = (flags & HAS_STORE) != 0 ? &play_store : NULL,
                                    .is_legacy    = is_both || (flags & NO_LEGACY) == 0,
                                    .is_modern    = is_both || (flags & NO_MODERN) == 0};
    service                      = service_new((flags & RELAYS) != 0 ? &far_table : &play_table, &parts, NULL);
    assert(service != NULL);
}

/* When its front is gone. */
static void
close_house(void)
{
    service_free(service);
    exchanges_clear(&exchanges);
    for (int i = 0; i < 3; i++)
        loop_turn(&loop, 0);
    for (size_t i = 0; i < LIVE_KINDS; i++)
        if (live_counts[i] != 0) {
            fprintf(stderr, "left: %zu %s\n", live_counts[i], live_names[i]);
            abort();
        }
}

static void
pass(mono_time time)
{
    ahead += time;
    timer_wheel_tick(&loop.timers, clock_mono() + ahead);
}

static void
use_held(char how)
{
    struct request *r = take_held();

    if (r == NULL)
        return;
    if ((flags & RELAYS) != 0) {
        far_use(r, how);
    } else if (how == 'x') {
        request_fail(r, "broken");
    } else if (how == 'p') {
        play_progress(r);
        play_log(r);
        play_hold(r);
    } else if (how != 'F' || ask_form(r)) {
        finish_late(r);
    }
}

static void
obey(struct str order)
{
    char what = order.len < 2 ? '\0' : order.data[1];

    if (what == 't' || what == 'T' || what == 'L')
        pass(what == 't' ? SECONDS(2) : what == 'T' ? SECONDS(601) : SECONDS(7201));
    else if (what == 'h')
        use_held(order.len < 3 ? 'f' : order.data[2]);
    else if (what == 'k' || what == 'K')
        tell_puts(what == 'k');
    else if (what == 'n' && (flags & RELAYS) != 0)
        far_say(service, str_skip(order, 2));
    else if (what == 'c') {
        service_tools_changed(service);
        service_resource_updated(service, STR("play://fixed"));
    }
}

/* Whatever waits for somebody who has it in hand, for the store, or for time. */
static void
end_waiting(void)
{
    while (held_count > 0)
        use_held('f');
    tell_puts(true);
    pass(SECONDS(7201));
}

#endif
