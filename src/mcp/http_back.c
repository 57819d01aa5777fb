#include "mcp/http_back.h"

#include <assert.h>

#include "base/live.h"
#include "mcp/header_rules.h"
#include "mcp/reply.h"
#include "store/answer.h"

enum {
    PASSING_MAX = 64, /* header fields of an answer that may pass */
    HELD_MAX    = 64 << 10
};

#define RETRY_AFTER MILLISECONDS(20)
#define REST_AFTER  SECONDS(1)

/* Refers to the call while it runs. Frees itself when the call has ended and no exchange is linked. */
struct http_back {
    struct back                    back;
    struct loop                   *loop;
    const struct http_upstream    *to;
    const struct http_back_events *events;
    struct http_call              *call;
    struct list                    exchanges; /* of struct exchange, by back_node */
    size_t                         expected;  /* exchanges still to be sent to it before it starts */
    bool                           is_batch, is_stream, has_event_id;
    bool                           is_slow;    /* the client is: on_writable resumes */
    bool                           is_noted;   /* the whole body is on record */
    bool                           is_dropped; /* the body of the answer is for nobody */
    enum http_back_kind            kind;
    int                            status;
    uint64_t                       received;    /* bytes of a JSON body */
    struct answer_head            *held;        /* not passed on before its body was judged; in the exchange's arena */
    struct timer                   retry, rest; /* reads on when the log has caught up; ends a stream that said all */
    struct sse_parser              events_in;
    struct buffer                  gathered; /* a JSON body that is read when whole, or the begin of one that is held */
    struct answer                 *look;     /* at a JSON body that is too large to be held; in the exchange's arena */
    struct arena                  *scratch;
    enum http_method               method;
    struct str                     body;    /* of the hop's request */
    struct http_headers            headers; /* in `scratch`: until it was sent */
};

static void send_exchange(struct back *back, struct exchange *x);
static void cancel_exchange(struct back *back, struct exchange *x, enum close_reason why);
static void resume_call(struct back *back);

static void read_on(struct timer *retry);
static void end_rest(struct timer *rest);

static const struct back_ops http_back_ops = {send_exchange, cancel_exchange, resume_call};

static struct http_back *
back_of(struct back *back)
{
    return LIST_OF(struct http_back, back, back);
}

static bool
gather(struct http_back *hb, struct str bytes)
{
    struct budget *budget = http_client_budget(hb->to->client);

    if (!budget_take(budget, bytes.len))
        return false;
    if (buffer_append(&hb->gathered, bytes))
        return true;
    budget_give(budget, bytes.len);
    return false;
}

static void
drop_gathered(struct http_back *hb)
{
    budget_give(http_client_budget(hb->to->client), buffer_len(&hb->gathered));
    buffer_clear(&hb->gathered);
}

static void
http_back_free(struct http_back *hb)
{
    assert(list_is_empty(&hb->exchanges));
    loop_clear_timer(hb->loop, &hb->retry);
    loop_clear_timer(hb->loop, &hb->rest);
    sse_clear(&hb->events_in);
    drop_gathered(hb);
    live_end(LIVE_UPSTREAM_CALLS);
    free(hb);
}

/* What goes out: of the client's fields those that may leave, then ours. False: no memory. */
static bool
take_headers(struct http_back *hb, const struct http_request *r)
{
    const struct http_upstream *to   = hb->to;
    struct http_headers        *out  = &hb->headers;
    size_t                      most = r->headers.count + to->header_count;

    arena_reset(hb->scratch);
    out->items = arena_alloc(hb->scratch, most * sizeof *out->items);
    if (out->items == NULL)
        return false;
    for (size_t i = 0; i < r->headers.count; i++) {
        const struct http_header *h = &r->headers.items[i];
        if (header_may_leave(&r->headers, h->name) &&
            !(str_eq_nocase(h->name, STR("authorization")) && http_upstream_withholds(to, h->value)))
            out->items[out->count++] = *h;
    }
    for (size_t i = 0; i < to->header_count; i++)
        if (http_header(out, to->headers[i].name).data == NULL)
            out->items[out->count++] = to->headers[i];
    return true;
}

struct back *
http_back_new(struct loop *loop, const struct http_upstream *to, const struct http_request *r, size_t count,
              enum http_back_kind kind, const struct http_back_events *events, struct arena *scratch)
{
    struct http_back *hb = calloc(1, sizeof *hb);

    if (hb == NULL)
        return NULL;
    hb->loop = loop;
    timer_init(&hb->retry, read_on);
    timer_init(&hb->rest, end_rest);
    hb->back.ops     = &http_back_ops;
    hb->to           = to;
    hb->events       = events;
    hb->expected     = count;
    hb->is_batch     = message_is_batch(r->body);
    hb->kind         = kind;
    hb->scratch      = scratch;
    hb->method       = r->method;
    hb->body         = r->body;
    hb->gathered.max = to->message_max;
    list_init(&hb->exchanges);
    sse_init(&hb->events_in, to->message_max);
    hb->events_in.budget = http_client_budget(to->client);
    live_begin(LIVE_UPSTREAM_CALLS);
    if (!take_headers(hb, r)) {
        http_back_free(hb);
        return NULL;
    }
    return &hb->back;
}

/* Calls `done` for each exchange; they unlink themselves. */
static void
close_all(struct http_back *hb, enum close_reason why, const char *detail)
{
    for (struct list *node; (node = list_first(&hb->exchanges)) != NULL;) {
        struct exchange *x = LIST_OF(struct exchange, node, back_node);
        exchange_lose_back(x);
        if (detail == NULL)
            exchange_close(x, why);
        else
            exchange_fail(x, why, "%s", detail);
    }
}

/* Closes every exchange and itself: nothing more comes. */
static void
finish(struct http_back *hb, enum close_reason why, const char *detail)
{
    struct http_call *call = hb->call;

    hb->call = NULL;
    if (call != NULL)
        http_call_cancel(call);
    close_all(hb, why, detail);
    http_back_free(hb);
}

static struct exchange *
first_exchange(const struct http_back *hb)
{
    struct list *node = list_first(&hb->exchanges);

    return node == NULL ? NULL : LIST_OF(struct exchange, node, back_node);
}

static struct exchange *
find_exchange(const struct http_back *hb, struct str id)
{
    LIST_EACH (struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST && str_eq(x->message.id, id))
            return x;
    return NULL;
}

static int64_t
declared_length(const struct http_headers *headers)
{
    uint64_t length;

    if (!str_to_u64(http_header(headers, STR("content-length")), &length) || length > INT64_MAX)
        return -1;
    return (int64_t)length;
}

/* A refusal whose text is not ours to show: its status and challenge pass, the words are ours. */
static void
pass_refusal(struct http_back *hb, int status, struct http_header *passing, size_t count)
{
    struct buffer    body = {.max = KIB(4)};
    struct exchange *x    = first_exchange(hb);
    char             text[80];

    snprintf(text, sizeof text, "the server answered with HTTP status %d", status);
    append_error_message(&body, x->message.id, -32603, str_from(text), "http-status");
    passing[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};

    struct answer_head head = {
        .status = status, .headers = passing, .count = count, .length = (int64_t)buffer_len(&body)};
    LIST_EACH (struct exchange, each, &hb->exchanges, back_node) {
        each->http_status = status;
        each->judged = each->failed = true;
        exchange_begin_answer(each);
        exchange_note(each, FROM_SERVER, buffer_str(&body), false);
    }
    if (x->front != NULL) {
        x->front->ops->head(x->front, &head);
        x->front->ops->bytes(x->front, buffer_str(&body), false);
    }
    buffer_clear(&body);
    finish(hb, CLOSE_ANSWERED, NULL);
}

/* Whether a client waits for more than the status: for the answer of a request, or the events of a stream. */
static bool
is_awaited(const struct http_back *hb)
{
    LIST_EACH (const struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST || x->kind == KIND_STREAM)
            return true;
    return false;
}

/* The same, but of streams nobody waits for a message. */
static bool
wants_answer(const struct http_back *hb)
{
    LIST_EACH (const struct exchange, x, &hb->exchanges, back_node)
        if (x->kind == KIND_REQUEST)
            return true;
    return false;
}

static void
refuse_answer(struct http_back *hb, int status, const struct http_headers *headers, struct http_header *passing,
              size_t count)
{
    struct str type   = http_header(headers, STR("content-type"));
    struct str coding = http_header(headers, STR("content-encoding"));
    char       detail[160];

    if (status >= 400) {
        pass_refusal(hb, status, passing, count);
        return;
    }
    if (status >= 300)
        snprintf(detail, sizeof detail,
                 "a redirect (HTTP status %d), which is not followed: register the address it leads to", status);
    else if (hb->is_dropped)
        snprintf(detail, sizeof detail, "HTTP status %d without a message, to a request", status);
    else if (coding.len > 0)
        snprintf(detail, sizeof detail, "a body with the Content-Encoding \"%.*s\", which it was not asked for",
                 coding.len > 60 ? 60 : (int)coding.len, coding.data);
    else
        snprintf(detail, sizeof detail, "an answer of type \"%.*s\", neither JSON nor an event stream",
                 type.len > 60 ? 60 : (int)type.len, type.len == 0 ? "" : type.data);
    finish(hb, CLOSE_MALFORMED, detail);
}

static void
pass_head(struct http_back *hb, const struct answer_head *head)
{
    struct exchange *x = first_exchange(hb);

    LIST_EACH (struct exchange, each, &hb->exchanges, back_node) {
        each->http_status = head->status;
        each->first_byte  = each->first_byte == 0 ? clock_mono() : each->first_byte;
        if (hb->is_stream && each->kind == KIND_STREAM)
            each->patience = 0;
        exchange_begin_answer(each);
    }
    if (x->front != NULL)
        x->front->ops->head(x->front, head);
}

/* The answer of one request in JSON is held until it was judged: what is no answer becomes an error of ours. */
static bool
hold_head(struct http_back *hb, const struct answer_head *head)
{
    struct exchange    *x       = first_exchange(hb);
    struct http_header *headers = NULL;

    if (hb->is_dropped || hb->is_stream || hb->is_batch || x->kind != KIND_REQUEST)
        return false;
    hb->held = ARENA_NEW(x->arena, struct answer_head);
    headers  = arena_alloc(x->arena, head->count * sizeof *headers);
    if (hb->held == NULL || headers == NULL) {
        hb->held = NULL;
        return false;
    }
    for (size_t i = 0; i < head->count; i++) {
        headers[i] = (struct http_header){arena_str(x->arena, head->headers[i].name),
                                          arena_str(x->arena, head->headers[i].value)};
        if (headers[i].name.data == NULL || headers[i].value.data == NULL) {
            hb->held = NULL;
            return false;
        }
    }
    *hb->held         = *head;
    hb->held->headers = headers;
    return true;
}

/* Whether there is a body to be passed on, and one that may be. */
static bool
is_passable(struct http_back *hb, int status, const struct http_headers *headers, int64_t length)
{
    struct str type    = http_header(headers, STR("content-type"));
    struct str coding  = http_header(headers, STR("content-encoding"));
    bool       is_json = http_is_type(type, STR("application/json"));

    hb->is_stream  = http_is_type(type, STR("text/event-stream"));
    hb->is_dropped = length == 0 || status == 202 || status == 204 ||
                     (status < 300 && !is_json && !hb->is_stream && !is_awaited(hb));
    if (status >= 300 && status < 400)
        return false;
    if (hb->is_dropped)
        return !wants_answer(hb);
    return (is_json || hb->is_stream) && (coding.len == 0 || str_eq_nocase(coding, STR("identity")));
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct http_back  *hb     = owner;
    int64_t            length = declared_length(headers);
    struct http_header passing[PASSING_MAX + 1];
    size_t             count = 0;

    for (size_t i = 0; i < headers->count && count < PASSING_MAX; i++)
        if (header_may_enter(headers->items[i].name))
            passing[count++] = headers->items[i];
    hb->status = status;
    hb->events->on_head(first_exchange(hb), status, http_header(headers, STR("mcp-session-id")));
    if (!is_passable(hb, status, headers, length)) {
        refuse_answer(hb, status, headers, passing, count);
        return;
    }
    if (!hb->is_dropped && !hb->is_stream && length > 0 && (uint64_t)length > hb->to->message_max) {
        finish(hb, CLOSE_TOO_LARGE, "its answer is larger than message.max");
        return;
    }
    if (hb->is_dropped) {
        hb->is_stream = false;
        length        = 0;
    } else {
        passing[count++] = (struct http_header){STR("Content-Type"), http_header(headers, STR("content-type"))};
    }
    struct answer_head head = {.status    = status,
                               .headers   = passing,
                               .count     = count,
                               .length    = hb->is_stream ? -1 : length,
                               .is_stream = hb->is_stream};
    if (!hold_head(hb, &head))
        pass_head(hb, &head);
}

/* Notes the message on the exchange that it answers, or on the first one. */
static void
take_message(struct http_back *hb, struct str message)
{
    struct envelope  e;
    struct exchange *x = first_exchange(hb);

    if (x == NULL || message.len == 0)
        return;
    arena_reset(hb->scratch);
    if (!envelope_parse(&e, message, hb->scratch, NULL)) {
        exchange_note(x, FROM_SERVER, message, false);
        return;
    }
    if (e.kind == MESSAGE_RESULT || e.kind == MESSAGE_ERROR) {
        struct exchange *answered = find_exchange(hb, e.id);
        if (answered != NULL) {
            if (!answered->judged) /* the first answer counts */
                exchange_judge(answered, &e);
            exchange_note(answered, FROM_SERVER, message, false);
            hb->events->on_message(answered, &e);
            return;
        }
    }
    if (!hb->events->on_message(x, &e))
        exchange_note(x, FROM_SERVER, message, false);
}

static bool
take_each(struct str message, void *arg)
{
    take_message(arg, message);
    return true;
}

static bool
on_event(void *owner, const struct sse_event *event)
{
    struct http_back *hb = owner;

    hb->has_event_id |= event->has_id;
    if (message_is_batch(event->data))
        batch_each(event->data, take_each, hb, NULL);
    else
        take_message(hb, event->data);
    return true;
}

/* A JSON body that is read when it is whole: few are. */
static bool
is_gathered(const struct http_back *hb)
{
    return !hb->is_stream && (hb->is_batch || hb->kind == HTTP_BACK_OPENING);
}

/* Every request of the stream has its answer: the server should end it now, and is given a moment to. */
static void
rest_when_answered(struct http_back *hb)
{
    bool is_answered = !list_is_empty(&hb->exchanges);

    LIST_EACH (const struct exchange, x, &hb->exchanges, back_node)
        is_answered &= x->kind == KIND_REQUEST && x->judged;
    if (is_answered && !timer_is_set(&hb->rest))
        loop_set_timer(hb->loop, &hb->rest, loop_now(hb->loop) + REST_AFTER);
}

static void
end_rest(struct timer *rest)
{
    finish(LIST_OF(struct http_back, rest, rest), CLOSE_ANSWERED, NULL);
}

static void
pause_reading(struct http_back *hb, struct exchange *x)
{
    bool is_behind = hb->events->is_behind(x);

    if (is_behind)
        loop_set_timer(hb->loop, &hb->retry, loop_now(hb->loop) + RETRY_AFTER);
    if (is_behind || hb->is_slow)
        http_call_pause(hb->call);
}

static void
read_on(struct timer *retry)
{
    struct http_back *hb = LIST_OF(struct http_back, retry, retry);
    struct exchange  *x  = first_exchange(hb);

    if (hb->call == NULL || x == NULL)
        return;
    if (hb->events->is_behind(x))
        loop_set_timer(hb->loop, &hb->retry, loop_now(hb->loop) + RETRY_AFTER);
    else if (!hb->is_slow)
        http_call_resume(hb->call);
}

static void
take_stream(struct http_back *hb, struct str bytes)
{
    struct error err = {0};

    if (!sse_feed(&hb->events_in, bytes, on_event, hb, &err)) {
        finish(hb, err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_TOO_LARGE, err.text);
        return;
    }
    struct exchange *x      = first_exchange(hb);
    bool             inside = !sse_is_between_events(&hb->events_in);
    if (buffer_len(&hb->events_in.partial) > 0) /* comments do not count */
        exchange_hear(x, bytes.len);
    if (x->front != NULL && !x->front->ops->bytes(x->front, bytes, inside))
        hb->is_slow = true;
    rest_when_answered(hb);
    pause_reading(hb, x);
}

/* The head goes out, and with it what was held. */
static void
pass_held(struct http_back *hb, struct str body)
{
    struct exchange *x = first_exchange(hb);

    pass_head(hb, hb->held);
    hb->held = NULL;
    if (x->front != NULL && !x->front->ops->bytes(x->front, body, false))
        hb->is_slow = true;
}

/* The body is whole. False: it is no answer, and all is over. */
static bool
pass_judged(struct http_back *hb, struct str body)
{
    struct exchange *x   = first_exchange(hb);
    struct error     err = {0};
    struct envelope  e;
    const char      *wrong = reply_check(&e, body, x->message.id, hb->scratch, &err);

    if (wrong == NULL && e.message.data != NULL) {
        exchange_judge(x, &e);
        hb->events->on_message(x, &e);
    }
    exchange_note(x, FROM_SERVER, body, false);
    if (wrong != NULL && hb->held->status < 300) {
        finish(hb, CLOSE_MALFORMED, wrong);
        return false;
    }
    hb->held->length = (int64_t)body.len;
    pass_held(hb, body);
    return true;
}

/* Holds the begin of a body. True: there is no more to be done with `bytes`. */
static bool
hold_body(struct http_back *hb, struct str bytes)
{
    if (buffer_len(&hb->gathered) == 0 && (int64_t)bytes.len == hb->held->length) {
        if (pass_judged(hb, bytes))
            hb->is_noted = true;
        return true;
    }
    if (buffer_len(&hb->gathered) + bytes.len <= HELD_MAX && gather(hb, bytes))
        return true;
    struct exchange *x    = first_exchange(hb);
    struct str       held = buffer_str(&hb->gathered);
    if (held.len > 0 && !is_gathered(hb))
        exchange_note(x, FROM_SERVER, held, true);
    hb->look = ARENA_NEW(x->arena, struct answer);
    if (hb->look != NULL)
        answer_scan(hb->look, held);
    pass_held(hb, held);
    if (!is_gathered(hb))
        drop_gathered(hb);
    return false;
}

static void
take_body(struct http_back *hb, struct str bytes)
{
    struct exchange *x = first_exchange(hb);

    hb->received += bytes.len;
    if (hb->received > hb->to->message_max) {
        finish(hb, CLOSE_TOO_LARGE, "its answer is larger than message.max");
        return;
    }
    if (hb->held != NULL && hold_body(hb, bytes))
        return;
    if (x->front != NULL && !x->front->ops->bytes(x->front, bytes, false))
        hb->is_slow = true;
    if (!is_gathered(hb)) {
        if (hb->look != NULL)
            answer_scan(hb->look, bytes);
        exchange_note(x, FROM_SERVER, bytes, true);
    } else if (!gather(hb, bytes)) {
        finish(hb, CLOSE_BUSY, "no memory for its answer (memory.max)");
        return;
    }
    pause_reading(hb, x);
}

static void
on_data(void *owner, struct str bytes)
{
    struct http_back *hb = owner;

    if (hb->is_dropped)
        return;
    if (hb->is_stream)
        take_stream(hb, bytes);
    else
        take_body(hb, bytes);
}

/* The connection of a stream ended in good order: those whose answer did not come may get it on a resumed stream. */
static void
end_of_stream(struct http_back *hb)
{
    LIST_EACH (struct exchange, x, &hb->exchanges, back_node) {
        if (x->kind != KIND_REQUEST || x->judged)
            continue;
        if (hb->has_event_id && hb->events->on_adrift(x)) /* unlinks it from both ends */
            continue;
        exchange_lose_back(x);
        exchange_fail(x, CLOSE_CUT, "the event stream ended without the answer");
    }
}

/* A body too large to be held is believed to be an answer if it is whole. */
static bool
judge_by_look(const struct http_back *hb, struct exchange *x)
{
    const struct answer *look = hb->look;

    if (look == NULL || hb->status >= 300)
        return true;
    if (!look->based || look->in_string || look->depth > look->base)
        return false;
    if (look->has_result || look->has_error)
        exchange_judge(x, &(struct envelope){.kind          = look->has_error ? MESSAGE_ERROR : MESSAGE_RESULT,
                                             .error_code    = look->has_error ? look->code : 0,
                                             .is_tool_error = look->is_error});
    return true;
}

static void
on_whole(struct http_back *hb)
{
    struct exchange *x = first_exchange(hb);

    if (hb->is_stream) {
        end_of_stream(hb);
    } else if (hb->held != NULL) {
        if (!pass_judged(hb, buffer_str(&hb->gathered)))
            return;
    } else if (hb->is_noted) {
        ;
    } else if (is_gathered(hb)) {
        if (message_is_batch(buffer_str(&hb->gathered)))
            batch_each(buffer_str(&hb->gathered), take_each, hb, NULL);
        else
            take_message(hb, buffer_str(&hb->gathered));
    } else if (!hb->is_dropped && x != NULL) {
        exchange_note(x, FROM_SERVER, STR_NONE, false);
        if (!judge_by_look(hb, x)) {
            finish(hb, CLOSE_MALFORMED, "a body that is no JSON, or ends in the middle");
            return;
        }
    }
    finish(hb, CLOSE_ANSWERED, NULL);
}

static void
on_end(void *owner, const struct error *err)
{
    struct http_back *hb = owner;

    hb->call = NULL;
    if (err == NULL)
        on_whole(hb);
    else if (err->code == ERROR_TIMED_OUT && hb->status == 0)
        finish(hb, CLOSE_UNREACHABLE, err->text);
    else if (err->code == ERROR_PROTOCOL || err->code == ERROR_TOO_LARGE)
        finish(hb, CLOSE_MALFORMED, err->text);
    else if (err->code == ERROR_FULL || err->code == ERROR_MEMORY)
        finish(hb, CLOSE_BUSY, err->text);
    else if (hb->status == 0 && err->code != ERROR_CLOSED)
        finish(hb, CLOSE_UNREACHABLE, err->text);
    else
        finish(hb, CLOSE_CUT, err->text);
}

static const struct http_call_events call_events = {on_head, on_data, on_end};

static void
send_exchange(struct back *back, struct exchange *x)
{
    struct http_back *hb  = back_of(back);
    struct error      err = {0};

    list_append(&hb->exchanges, &x->back_node);
    if (--hb->expected > 0)
        return;
    struct http_call_spec spec = {.url          = &hb->to->url,
                                  .origin       = hb->to->origin,
                                  .method       = hb->method,
                                  .headers      = hb->headers.items,
                                  .header_count = hb->headers.count,
                                  .body         = hb->body,
                                  .repeatable   = hb->kind == HTTP_BACK_REPEATABLE};
    hb->call                   = http_call_start(hb->to->client, &spec, &call_events, hb, &err);
    if (hb->call == NULL)
        finish(hb, err.code == ERROR_FULL || err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_UNREACHABLE, err.text);
}

/* One exchange ended before the answer did. The call goes on while another needs it. */
static void
cancel_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    struct http_back *hb = back_of(back);

    if (why == CLOSE_TIMED_OUT || why == CLOSE_CLIENT_STALLED)
        hb->events->on_expired(x);
    if (!list_is_empty(&hb->exchanges) || hb->expected > 0)
        return;
    if (hb->call != NULL)
        http_call_cancel(hb->call);
    hb->call = NULL;
    http_back_free(hb);
}

static void
resume_call(struct back *back)
{
    struct http_back *hb = back_of(back);

    hb->is_slow = false;
    if (hb->call != NULL && !timer_is_set(&hb->retry))
        http_call_resume(hb->call);
}

void
http_back_left(struct back *back)
{
    struct http_back *hb = back_of(back);

    LIST_EACH (struct exchange, x, &hb->exchanges, back_node)
        exchange_lose_back(x);
    if (hb->call != NULL)
        http_call_cancel(hb->call);
    hb->call = NULL;
    http_back_free(hb);
}
