#include "mcp/hop_stream.h"

#include "mcp/failure.h"
#include "mcp/hop_write.h"

#define RETRY_USUAL SECONDS(1)
#define RETRY_MOST  SECONDS(60) /* half of the time that an answer is kept */

static bool away_message(struct front *front, struct exchange *x, struct str message, bool last);
static void away_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);
static bool away_let_go(struct front *front, struct exchange *x, mono_time retry);

static const struct front_ops away_ops = {.message = away_message, .end = away_end, .let_go = away_let_go};

/* A resumed stream sends nothing out of the house. */
static void
back_send(struct back *back, struct exchange *x)
{
    (void)back, (void)x;
}

static void
back_cancel(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)x, (void)why;
}

static const struct back_ops resumed_ops = {.send = back_send, .cancel = back_cancel};

static struct answer_stream *
stream_of(struct front *front)
{
    return LIST_OF(struct answer_stream, front, front);
}

static void
carry(struct hop *hop, struct answer_stream *s)
{
    hop->stream = s;
    s->hop      = hop;
    s->front    = (struct front){&away_ops};
    s->back     = (struct back){&resumed_ops};
}

struct answer_stream *
hop_part(struct hop *hop)
{
    struct answer_stream *s = hop->stream;

    hop->stream = NULL;
    if (s != NULL)
        s->hop = NULL;
    return s;
}

static void
set_away(struct answer_stream *s, bool is_away)
{
    LIST_EACH (struct exchange, x, &s->exchanges, front_node)
        exchange_set_away(x, is_away);
}

void
hop_stream_settle(struct answer_stream *s)
{
    if (s->is_listening)
        return;
    if (list_is_empty(&s->exchanges))
        answer_stream_end(s);
    else
        set_away(s, true);
}

bool
hop_stream_adopt(struct answer_stream *s, struct exchange *x)
{
    if (x->kind != KIND_REQUEST || x->message.id.data == NULL) /* there was no memory to keep its id */
        return false;
    x->front = &s->front;
    list_append(&s->exchanges, &x->front_node);
    return true;
}

/* What was kept, from the first event that the client has not seen. It is ours, and goes out at once. */
static void
replay(struct hop *hop)
{
    struct answer_stream *s = hop->stream;

    if (hop->after < s->lost)
        http_answer_write(hop->request, STR(": some of what followed is no longer kept\n\n"));
    LIST_EACH (struct kept_event, event, &s->events, of_stream) {
        if (event->number <= hop->after)
            continue;
        hop->share += event->len;
        hop_write_event(hop, event->number, str_of(event->bytes, event->len));
    }
}

void
hop_begin_events(struct hop *hop)
{
    struct list *node = list_first(&hop->exchanges);
    char         id[EVENT_ID_SIZE];

    if (hop->streams == NULL || node == NULL)
        return;
    if (hop->stream != NULL) {
        replay(hop);
        return;
    }
    bool                  is_listening = LIST_OF(struct exchange, node, front_node)->kind == KIND_STREAM;
    struct answer_stream *s            = answer_stream_new(hop->streams, is_listening, str_from(hop->server));
    if (s == NULL)
        return;
    carry(hop, s);
    if (hop->streams->is_primed)
        hop_prime(hop, answer_stream_id(s, 0, id), hop->retry > 0 ? hop->retry : RETRY_USUAL);
}

/* All is answered. The hop that carries it ends with its exchange, the GET's. */
static void
finish(struct answer_stream *s)
{
    struct list *node = s->hop == NULL ? NULL : list_first(&s->hop->exchanges);

    if (node != NULL)
        exchange_close(LIST_OF(struct exchange, node, front_node), CLOSE_ANSWERED);
    else
        answer_stream_end(s);
}

static bool
away_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct answer_stream *s = stream_of(front);

    (void)x;
    return s->hop != NULL ? hop_say(s->hop, message, last) : answer_stream_keep(s, message, last);
}

static void
away_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct answer_stream *s       = stream_of(front);
    struct buffer         failure = {.max = KIB(8)};
    bool                  is_said = why != CLOSE_ANSWERED && why != CLOSE_CANCELLED;

    (void)head_is_out;
    if (is_said && !append_failure(&failure, s->server, x, why)) {
        answer_stream_skip(s, true);
    } else if (is_said) {
        exchange_note(x, FROM_SERVER, buffer_str(&failure), false);
        if (s->hop != NULL)
            hop_put_event(s->hop, buffer_str(&failure), true);
        else if (!answer_stream_keep(s, buffer_str(&failure), true))
            answer_stream_skip(s, true);
    }
    buffer_clear(&failure);
    if (list_is_empty(&s->exchanges))
        finish(s);
}

bool
hop_let_client_go(struct hop *hop, mono_time retry)
{
    bool is_open = hop->shape == HOP_STREAM;
    char id[EVENT_ID_SIZE];

    if (hop->streams == NULL || !hop->streams->is_primed || !hop->accepts_stream || hop->is_batch)
        return false;
    hop->retry = retry < RETRY_MOST ? retry : RETRY_MOST;
    if (!is_open)
        hop_begin_stream(hop); /* its first event says when to come back */
    if (hop->stream == NULL)
        return false;
    if (is_open)
        hop_prime(hop, answer_stream_id(hop->stream, hop->stream->last, id), hop->retry);
    hop_close_early(hop);
    return true;
}

static bool
away_let_go(struct front *front, struct exchange *x, mono_time retry)
{
    const struct answer_stream *s    = stream_of(front);
    struct list                *node = s->hop == NULL ? NULL : list_first(&s->hop->exchanges);
    char                        id[EVENT_ID_SIZE];

    (void)x;
    if (node == NULL)
        return true;
    hop_prime(s->hop, answer_stream_id(s, s->last, id), retry < RETRY_MOST ? retry : RETRY_MOST);
    exchange_close(LIST_OF(struct exchange, node, front_node), CLOSE_ANSWERED);
    return true;
}

int
hop_refuses(const struct answer_streams *streams, struct str last_event_id, bool is_listening, const char **words)
{
    struct resumption which;

    if (!answer_streams_find(streams, last_event_id, &which)) {
        *words = which.refusal;
        return 400; /* 404 would say that the session has ended */
    }
    *words = "this session has a stream already";
    return which.stream == NULL && is_listening ? 409 : 0;
}

/* A question may be among what is lost: the call would wait for an answer that never comes. */
static struct exchange *
first_that_asked(struct answer_stream *s)
{
    LIST_EACH (struct exchange, x, &s->exchanges, front_node)
        if (x->owed > 0)
            return x;
    return NULL;
}

/* The client of a call is back. */
static void
go_on(struct answer_stream *s, struct exchange *get, uint64_t after)
{
    bool has_gap = after < s->lost;

    set_away(s, false);
    if (s->is_ended) {
        exchange_close(get, CLOSE_ANSWERED);
        return;
    }
    for (struct exchange *x; has_gap && get->state != EXCHANGE_CLOSED && (x = first_that_asked(s)) != NULL;)
        exchange_fail(x, CLOSE_BUSY, "what it asked meanwhile was not kept (memory.max)");
}

void
hop_listen(struct hop *hop, struct exchange *x, struct answer_streams *streams, struct str last_event_id,
           struct back *listening)
{
    struct resumption which;

    hop_set_streams(hop, streams);
    hop->accepts_stream = true; /* what else would a GET want */
    answer_streams_find(streams, last_event_id, &which);
    if (which.stream != NULL && which.stream->hop != NULL) {
        hop_lose(which.stream->hop); /* its client knows better than its connection */
        answer_streams_find(streams, last_event_id, &which);
    }
    struct answer_stream *s = which.stream;
    if (s != NULL) {
        carry(hop, s);
        hop->after = which.after;
    }
    exchange_send(x, s == NULL || s->is_listening ? listening : &s->back);
    if (x->front != NULL)
        hop_open_stream(hop);
    if (s != NULL && !s->is_listening)
        go_on(s, x, which.after);
}
