#include "mcp/answer_stream.h"

#include <assert.h>

#include "base/live.h"
#include "base/random.h"

#define FOREIGN   "Last-Event-ID is no event of this session"
#define FORGOTTEN "what followed this event is no longer kept"

enum { TAG_LENGTH = 8, SMALL = 1024 };

static void
set_aging(struct answer_streams *all)
{
    struct list *oldest = list_first(&all->events);

    if (oldest == NULL)
        loop_clear_timer(all->loop, &all->aging);
    else if (!timer_is_set(&all->aging))
        loop_set_timer(all->loop, &all->aging, LIST_OF(struct kept_event, oldest, node)->since + EVENT_KEPT);
}

static void
stream_free(struct answer_stream *s)
{
    assert(s->hop == NULL && list_is_empty(&s->exchanges));
    list_remove(&s->node);
    s->owner->stream_count--;
    live_end(LIVE_ANSWER_STREAMS);
    free(s);
}

static void
event_free(struct kept_event *event)
{
    struct answer_streams *all  = event->stream->owner;
    size_t                 size = sizeof *event + event->len;

    list_remove(&event->node);
    list_remove(&event->of_stream);
    all->event_count--;
    all->bytes -= size;
    budget_give(all->budget, size);
    live_end(LIVE_KEPT_EVENTS);
    free(event);
}

/* Of a stream that has ended, the last event takes it along. */
static void
event_drop(struct kept_event *event)
{
    struct answer_stream *s = event->stream;

    if (event->number > s->lost)
        s->lost = event->number;
    if (event->is_answer && event->number > s->lost_answer)
        s->lost_answer = event->number;
    event_free(event);
    if (s->is_ended && s->hop == NULL && list_is_empty(&s->events))
        stream_free(s);
}

static void
stream_drop(struct answer_stream *s)
{
    LIST_EACH (struct kept_event, event, &s->events, of_stream)
        event_free(event);
    stream_free(s);
}

static void
age(struct timer *aging)
{
    struct answer_streams *all = LIST_OF(struct answer_streams, aging, aging);
    mono_time              now = loop_now(all->loop);

    for (struct list *node; (node = list_first(&all->events)) != NULL;) {
        struct kept_event *event = LIST_OF(struct kept_event, node, node);
        if (now < event->since + EVENT_KEPT)
            break;
        event_drop(event);
    }
    set_aging(all);
}

void
answer_streams_init(struct answer_streams *all, struct loop *loop)
{
    *all = (struct answer_streams){.loop = loop};
    list_init(&all->streams);
    list_init(&all->events);
    timer_init(&all->aging, age);
    random_bytes(&all->tag, sizeof all->tag);
}

void
answer_streams_clear(struct answer_streams *all)
{
    LIST_EACH (struct answer_stream, s, &all->streams, node)
        stream_drop(s);
    loop_clear_timer(all->loop, &all->aging);
}

/* A client that wants a fresh stream has no use for what the last one said. */
static void
drop_those_listening(struct answer_streams *all)
{
    LIST_EACH (struct answer_stream, s, &all->streams, node)
        if (s->is_listening && s->hop == NULL)
            stream_drop(s);
}

static bool
has_place(struct answer_streams *all)
{
    if (all->stream_count < STREAMS_MAX)
        return true;
    LIST_EACH (struct answer_stream, s, &all->streams, node)
        if (s->is_ended && s->hop == NULL) {
            stream_drop(s);
            return true;
        }
    return false;
}

struct answer_stream *
answer_stream_new(struct answer_streams *all, bool is_listening, struct str server)
{
    if (is_listening)
        drop_those_listening(all);
    struct answer_stream *s = has_place(all) ? calloc(1, sizeof *s + server.len + 1) : NULL;
    if (s == NULL)
        return NULL;
    s->owner        = all;
    s->is_listening = is_listening;
    s->number       = ++all->last_number;
    if (server.len > 0)
        memcpy(s->server, server.data, server.len);
    list_init(&s->events);
    list_init(&s->exchanges);
    list_append(&all->streams, &s->node);
    all->stream_count++;
    live_begin(LIVE_ANSWER_STREAMS);
    return s;
}

/* The oldest that is no answer, else the oldest answer; an answer gives way to nothing but another. */
static struct kept_event *
who_gives_way(const struct answer_streams *all, bool to_answer)
{
    LIST_EACH (struct kept_event, event, &all->events, node)
        if (!event->is_answer)
            return event;
    return to_answer ? LIST_OF(struct kept_event, list_first(&all->events), node) : NULL;
}

/* An answer may be larger than all that is kept else: when there is nobody to whom it could be given now. */
static bool
make_room(const struct answer_stream *s, size_t size, bool is_answer)
{
    struct answer_streams *all = s->owner;
    /* A small one may be the words that another is not kept. A large one is there twice while it is said again. */
    size_t rest = size <= SMALL || all->budget == NULL ? 0 : all->budget->max / 4 + (size > EVENT_BYTES ? size : 0);

    if ((size > EVENT_BYTES && (!is_answer || s->hop != NULL)) || !budget_has(all->budget, size + rest))
        return false;
    while (all->event_count > 0 && (all->event_count >= EVENTS_MAX || all->bytes + size > EVENT_BYTES)) {
        struct kept_event *event = who_gives_way(all, is_answer);
        if (event == NULL)
            return false;
        event_drop(event);
    }
    return budget_take(all->budget, size);
}

bool
answer_stream_keep(struct answer_stream *s, struct str message, bool is_answer)
{
    struct answer_streams *all   = s->owner;
    size_t                 size  = sizeof(struct kept_event) + message.len;
    struct kept_event     *event = NULL;

    if (!make_room(s, size, is_answer))
        return false;
    event = malloc(size);
    if (event == NULL) {
        budget_give(all->budget, size);
        return false;
    }
    *event = (struct kept_event){
        .stream = s, .number = ++s->last, .since = loop_now(all->loop), .is_answer = is_answer, .len = message.len};
    memcpy(event->bytes, message.data, message.len);
    list_append(&all->events, &event->node);
    list_append(&s->events, &event->of_stream);
    all->event_count++;
    all->bytes += size;
    live_begin(LIVE_KEPT_EVENTS);
    set_aging(all);
    return true;
}

void
answer_stream_skip(struct answer_stream *s, bool is_answer)
{
    s->lost = ++s->last;
    if (is_answer)
        s->lost_answer = s->last;
}

void
answer_stream_end(struct answer_stream *s)
{
    s->is_ended = true;
    if (list_is_empty(&s->events))
        stream_free(s);
}

struct str
answer_stream_id(const struct answer_stream *s, uint64_t number, char id[EVENT_ID_SIZE])
{
    int len = snprintf(id, EVENT_ID_SIZE, "%08x-%c%u-%llu", s->owner->tag, s->is_listening ? 'g' : 'c', s->number,
                       (unsigned long long)number);

    return str_of(id, (size_t)len);
}

struct event_name {
    bool     is_listening;
    uint64_t stream, number;
};

static bool
read_name(const struct answer_streams *all, struct str id, struct event_name *name)
{
    char       tag[TAG_LENGTH + 1];
    struct str rest = id, ours, stream;

    snprintf(tag, sizeof tag, "%08x", all->tag);
    if (!str_cut(&rest, '-', &ours) || !str_eq(ours, str_of(tag, TAG_LENGTH)) || !str_cut(&rest, '-', &stream))
        return false;
    if (!str_starts(stream, STR("c")) && !str_starts(stream, STR("g")))
        return false;
    name->is_listening = stream.data[0] == 'g';
    return str_to_u64(str_skip(stream, 1), &name->stream) && name->stream <= all->last_number &&
           str_to_u64(rest, &name->number);
}

static struct answer_stream *
stream_named(const struct answer_streams *all, const struct event_name *name)
{
    LIST_EACH (struct answer_stream, s, &all->streams, node)
        if (s->number == name->stream)
            return s;
    return NULL;
}

static bool
refuse(struct resumption *out, const char *words)
{
    *out = (struct resumption){.refusal = words};
    return false;
}

bool
answer_streams_find(const struct answer_streams *all, struct str last_event_id, struct resumption *out)
{
    struct event_name name;

    *out = (struct resumption){0};
    if (last_event_id.len == 0)
        return true;
    if (!read_name(all, last_event_id, &name))
        return refuse(out, FOREIGN);
    struct answer_stream *s = stream_named(all, &name);
    if (s != NULL && (s->is_listening != name.is_listening || name.number > s->last))
        return refuse(out, FOREIGN);
    /* On the stream of a GET nobody waits for anything in particular: who comes too late gets a new one, and sees by
     * the ids of its events that it is another. Who waits for an answer would wait there for ever: it is told. */
    bool is_whole = s != NULL && name.number >= (name.is_listening ? s->lost : s->lost_answer);
    if (is_whole)
        *out = (struct resumption){.stream = s, .after = name.number};
    else if (!name.is_listening)
        return refuse(out, FORGOTTEN);
    return true;
}

bool
answer_streams_are_followed(const struct answer_streams *all)
{
    if (!all->is_primed)
        return false;
    LIST_EACH (const struct answer_stream, s, &all->streams, node)
        if (s->is_listening && s->hop != NULL)
            return true;
    return false;
}
