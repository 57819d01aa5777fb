#include "mcp/http_back_parts.h"

#include <assert.h>

#include "base/live.h"
#include "mcp/header_rules.h"

#define RETRY_AFTER MILLISECONDS(20)

static void send_exchange(struct back *back, struct exchange *x);
static void cancel_exchange(struct back *back, struct exchange *x, enum close_reason why);
static void resume_call(struct back *back);

static void read_on(struct timer *retry);

static const struct back_ops http_back_ops = {send_exchange, cancel_exchange, resume_call};

static struct http_back *
back_of(struct back *back)
{
    return LIST_OF(struct http_back, back, back);
}

static void
http_back_free(struct http_back *hb)
{
    assert(list_is_empty(&hb->exchanges));
    loop_clear_timer(hb->to->loop, &hb->retry);
    sse_clear(&hb->events_in);
    skim_free(hb->begun);
    http_back_clear_body(hb);
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
http_back_new(const struct http_upstream *to, const struct http_request *r, size_t count, enum http_back_kind kind,
              const struct http_back_events *events, struct arena *scratch)
{
    struct http_back *hb = calloc(1, sizeof *hb);

    if (hb == NULL)
        return NULL;
    timer_init(&hb->retry, read_on);
    hb->back.ops          = &http_back_ops;
    hb->to                = to;
    hb->events            = events;
    hb->expected          = count;
    hb->is_batch          = message_is_batch(r->body);
    hb->kind              = kind;
    hb->scratch           = scratch;
    hb->method            = r->method;
    hb->body              = r->body;
    hb->json.gathered.max = to->message_max;
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

/* Each is unlinked before it is told. */
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

void
http_back_finish(struct http_back *hb, enum close_reason why, const char *detail)
{
    struct http_call *call = hb->call;

    hb->call = NULL;
    if (call != NULL)
        http_call_cancel(call);
    close_all(hb, why, detail);
    http_back_free(hb);
}

bool
http_back_is_taken(struct http_back *hb, const struct answer_head *head, struct str body, const struct envelope *e)
{
    struct exchange *x = http_back_first(hb);

    if (hb->events->on_held == NULL || x->state != EXCHANGE_WAITING || hb->is_batch)
        return false;
    exchange_lose_back(x); /* it may be over before this returns */
    if (hb->events->on_held(x, head, body, e)) {
        http_back_left(&hb->back);
        return true;
    }
    x->back = &hb->back;
    list_append(&hb->exchanges, &x->back_node);
    return false;
}

struct exchange *
http_back_first(const struct http_back *hb)
{
    struct list *node = list_first(&hb->exchanges);

    return node == NULL ? NULL : LIST_OF(struct exchange, node, back_node);
}

void
http_back_pass(struct http_back *hb, struct str bytes, bool inside)
{
    struct front *front = http_back_first(hb)->front;

    if (front != NULL && !front->ops->bytes(front, bytes, inside))
        hb->is_slow = true;
}

void
http_back_pause(struct http_back *hb)
{
    bool is_behind = hb->events->is_behind(http_back_first(hb));

    if (is_behind)
        loop_set_timer(hb->to->loop, &hb->retry, loop_now(hb->to->loop) + RETRY_AFTER);
    if (is_behind || hb->is_slow)
        http_call_pause(hb->call);
}

static void
read_on(struct timer *retry)
{
    struct http_back *hb = LIST_OF(struct http_back, retry, retry);
    struct exchange  *x  = http_back_first(hb);

    if (hb->call == NULL || x == NULL)
        return;
    if (hb->events->is_behind(x))
        loop_set_timer(hb->to->loop, &hb->retry, loop_now(hb->to->loop) + RETRY_AFTER);
    else if (!hb->is_slow)
        http_call_resume(hb->call);
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    http_back_take_head(owner, status, headers);
}

static void
on_data(void *owner, struct str bytes)
{
    struct http_back *hb = owner;

    if (hb->is_dropped)
        return;
    if (hb->is_stream)
        http_back_take_stream(hb, bytes);
    else
        http_back_take_body(hb, bytes);
}

static void
on_whole(struct http_back *hb)
{
    if (hb->is_stream)
        http_back_end_stream(hb);
    else if (!http_back_end_body(hb))
        return;
    http_back_finish(hb, CLOSE_ANSWERED, NULL);
}

static void
on_end(void *owner, const struct error *err)
{
    struct http_back *hb = owner;

    hb->call = NULL;
    if (err == NULL)
        on_whole(hb);
    else if (err->code == ERROR_TIMED_OUT && hb->status == 0)
        http_back_finish(hb, CLOSE_UNREACHABLE, err->text);
    else if (err->code == ERROR_PROTOCOL || err->code == ERROR_TOO_LARGE)
        http_back_finish(hb, CLOSE_MALFORMED, err->text);
    else if (err->code == ERROR_FULL || err->code == ERROR_MEMORY)
        http_back_finish(hb, CLOSE_BUSY, err->text);
    else if (hb->status == 0 && err->code != ERROR_CLOSED)
        http_back_finish(hb, CLOSE_UNREACHABLE, err->text);
    else
        http_back_finish(hb, CLOSE_CUT, err->text);
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
        http_back_finish(hb, err.code == ERROR_FULL || err.code == ERROR_MEMORY ? CLOSE_BUSY : CLOSE_UNREACHABLE,
                         err.text);
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
