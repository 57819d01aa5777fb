#include "mcp/hop_write.h"

#include <assert.h>

#include "base/live.h"
#include "mcp/failure.h"
#include "mcp/hop_stream.h"

#define STREAM_AFTER  SECONDS(5)
#define UNDECIDED_FOR MILLISECONDS(500) /* until it is asked again whether a stream may begin */
#define STREAM_SOON                                                                                                    \
    MILLISECONDS(50) /* for a client that follows streams: without an id it cannot come back for the rest */
#define SHARE      MIB(1)
#define JOINED_MAX MIB(64)

enum { SESSION_ID_MAX = 264 };

static bool front_message(struct front *front, struct exchange *x, struct str message, bool last);
static void front_head(struct front *front, const struct answer_head *head);
static bool front_bytes(struct front *front, struct str bytes, bool inside);
static void front_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);
static bool front_let_go(struct front *front, struct exchange *x, mono_time retry);

static const struct front_ops hop_ops = {front_message, front_head, front_bytes, front_end, front_let_go};

static struct hop *
hop_of(struct front *front)
{
    return LIST_OF(struct hop, front, front);
}

static void
hop_free_when_done(struct hop *hop)
{
    if (hop->request != NULL || !list_is_empty(&hop->exchanges))
        return;
    loop_clear_timer(hop->loop, &hop->quiet);
    hop_drop_joined(hop);
    buffer_clear(&hop->session);
    live_end(LIVE_HOPS);
    free(hop);
}

/* What has an event stream goes on in it, and waits for its client there. `starved`: the client is there, its
 * connection is not, and that is our doing. */
static void
leave_all(struct hop *hop, bool starved)
{
    struct answer_stream *stream = hop_part(hop);

    LIST_EACH (struct exchange, x, &hop->exchanges, front_node) {
        exchange_lose_front(x);
        if (stream != NULL && hop_stream_adopt(stream, x))
            continue;
        if (starved)
            exchange_fail(x, CLOSE_BUSY, "no memory for what waits to be read by its client (memory.max)");
        else
            hop->on_left(x);
    }
    if (stream != NULL)
        hop_stream_settle(stream);
}

static void
on_gone(struct http_request *r)
{
    struct hop *hop = r->user;

    hop_let_go(hop);
    leave_all(hop, r->starved);
    hop_free_when_done(hop);
}

static void
set_unread(struct hop *hop, bool is_unread)
{
    LIST_EACH (struct exchange, x, &hop->exchanges, front_node)
        x->is_unread = is_unread;
}

static void
on_writable(struct http_request *r)
{
    struct hop  *hop  = r->user;
    struct list *node = list_first(&hop->exchanges);

    if (node == NULL)
        return;
    set_unread(hop, false);
    struct back *back = LIST_OF(struct exchange, node, front_node)->back;
    if (back != NULL && back->ops->resume != NULL)
        back->ops->resume(back);
}

static bool
is_on_trial(const struct hop *hop)
{
    struct list *node = list_first(&hop->exchanges);

    return hop->is_undecided != NULL && node != NULL && hop->is_undecided(LIST_OF(struct exchange, node, front_node));
}

static void
on_quiet(struct timer *quiet)
{
    struct hop *hop = LIST_OF(struct hop, quiet, quiet);

    if (hop->request == NULL)
        return;
    if (hop->shape == HOP_SILENT && is_on_trial(hop)) {
        loop_set_timer(hop->loop, &hop->quiet, loop_now(hop->loop) + UNDECIDED_FOR);
        return;
    }
    if (hop->shape == HOP_SILENT && hop->accepts_stream)
        hop_begin_stream(hop);
    if (hop->shape == HOP_STREAM || (hop->shape == HOP_PASSING && hop->is_stream && !hop->is_inside))
        http_answer_write(hop->request, STR(": still here\n\n"));
    hop_expect_comment(hop);
}

static bool
accepts(const struct http_request *r, struct str type)
{
    struct str accept = http_header(&r->headers, STR("accept"));

    return accept.data == NULL || str_find_nocase(accept, type) >= 0 || str_find(accept, STR("*/*")) >= 0;
}

struct hop *
hop_new(struct loop *loop, struct http_request *r, void (*on_left)(struct exchange *x))
{
    struct hop *hop = calloc(1, sizeof *hop);

    if (hop == NULL)
        return NULL;
    *hop = (struct hop){.front          = {&hop_ops},
                        .loop           = loop,
                        .request        = r,
                        .budget         = http_request_budget(r),
                        .accepts_stream = accepts(r, STR("text/event-stream")),
                        .share          = SHARE,
                        .joined         = {.max = JOINED_MAX},
                        .session        = {.max = SESSION_ID_MAX},
                        .on_left        = on_left};
    list_init(&hop->exchanges);
    timer_init(&hop->quiet, on_quiet);
    live_begin(LIVE_HOPS);
    r->user        = hop;
    r->on_gone     = on_gone;
    r->on_writable = on_writable;
    return hop;
}

void
hop_adopt(struct hop *hop, struct exchange *x)
{
    x->front = &hop->front;
    list_append(&hop->exchanges, &x->front_node);
}

void
hop_set_server(struct hop *hop, struct str name)
{
    assert(name.len < sizeof hop->server);
    memcpy(hop->server, name.data, name.len);
    hop->server[name.len] = '\0';
}

void
hop_set_streams(struct hop *hop, struct answer_streams *streams)
{
    hop->streams    = streams;
    streams->budget = hop->budget;
}

void
hop_set_undecided(struct hop *hop, bool (*is_undecided)(struct exchange *x))
{
    hop->is_undecided = is_undecided;
}

bool
hop_set_session(struct hop *hop, struct str id)
{
    buffer_reset(&hop->session);
    return buffer_append(&hop->session, id);
}

void
hop_expect(struct hop *hop)
{
    struct list *first   = list_first(&hop->exchanges);
    bool         is_call = first != NULL && LIST_OF(struct exchange, first, front_node)->kind == KIND_REQUEST;
    bool         is_soon = is_call && hop->streams != NULL && answer_streams_are_followed(hop->streams);

    loop_set_timer(hop->loop, &hop->quiet, loop_now(hop->loop) + (is_soon ? STREAM_SOON : STREAM_AFTER));
}

void
hop_open_stream(struct hop *hop)
{
    if (hop->request == NULL || hop->shape != HOP_SILENT)
        return;
    hop_begin_stream(hop);
    hop_expect_comment(hop);
}

const struct http_headers *
hop_headers(const struct exchange *x)
{
    const struct hop *hop = x->front == NULL || x->front->ops != &hop_ops ? NULL : hop_of(x->front);

    return hop == NULL || hop->request == NULL ? NULL : &hop->request->headers;
}

struct http_request *
hop_release(struct exchange *x)
{
    struct hop          *hop = x->front == NULL || x->front->ops != &hop_ops ? NULL : hop_of(x->front);
    struct http_request *r   = hop == NULL || hop->shape != HOP_SILENT ? NULL : hop->request;

    if (r == NULL || hop->exchanges.next != &x->front_node || hop->exchanges.prev != &x->front_node)
        return NULL;
    exchange_lose_front(x);
    loop_clear_timer(hop->loop, &hop->quiet);
    hop->request   = NULL;
    r->user        = NULL;
    r->on_gone     = NULL;
    r->on_writable = NULL;
    hop_free_when_done(hop);
    return r;
}

void
hop_drop(struct hop *hop, enum close_reason why, const char *text)
{
    if (list_is_empty(&hop->exchanges)) {
        if (hop->request != NULL)
            refuse_request(hop->request, close_info[why].status, -32603, STR_NONE, text, NULL);
        hop_let_go(hop);
        hop_free_when_done(hop);
        return;
    }
    for (bool is_last = false; !is_last;) {
        struct list *node = list_first(&hop->exchanges);
        is_last           = node->next == &hop->exchanges;
        exchange_fail(LIST_OF(struct exchange, node, front_node), why, "%s", text); /* the last one frees the hop */
    }
}

void
hop_lose(struct hop *hop)
{
    struct http_request *r = hop->request;

    hop_let_go(hop);
    http_answer_cut(r);
    leave_all(hop, false);
    hop_free_when_done(hop);
}

void
hop_close_early(struct hop *hop)
{
    struct http_request *r = hop->request;

    hop_let_go(hop);
    http_answer_end(r);
    leave_all(hop, false);
    hop_free_when_done(hop);
}

/* `is_all`: with it the stream ends. */
static bool
stream_message(struct hop *hop, struct str message, bool is_answer, bool is_all)
{
    bool is_kept = hop_put_event(hop, message, is_answer);

    if (http_answer_queued(hop->request) > hop->share + hop->first) {
        hop_lose(hop); /* the client does not read: it loses its hop, the child keeps its reader */
        return is_kept;
    }
    if (is_all)
        hop_end_stream(hop, STR_NONE);
    return true;
}

bool
hop_say(struct hop *hop, struct str message, bool is_answer)
{
    return stream_message(hop, message, is_answer, false);
}

/* What the client does not read at once has to be held for it. Begun and cut, the answer would be no answer; while
 * nothing of it is out there can still be an error. */
static bool
can_hold(const struct hop *hop, size_t len)
{
    return len <= CONN_HIGH || budget_has(hop->budget, len);
}

static bool
front_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct hop *hop = hop_of(front);

    if (hop->request == NULL)
        return true;
    if (hop->shape == HOP_SILENT && !last && !hop->accepts_stream)
        return false; /* a client that takes JSON only has no place for what comes on the way */
    if (last && !can_hold(hop, message.len))
        return false;
    if (hop->shape == HOP_SILENT && !last)
        hop_begin_stream(hop);
    if (hop->shape == HOP_STREAM || hop->is_batch || x->http_status == 0) /* else it was chosen by who answers */
        x->http_status = 200;
    if (hop->shape == HOP_STREAM)
        return stream_message(hop, message, last, last && !hop->is_batch);
    exchange_begin_answer(x);
    hop->challenge = x->challenge;
    if (hop->is_batch)
        hop_join_answer(hop, message, 200); /* sent when the last exchange ends */
    else
        hop_answer_json(hop, x->http_status, message);
    return true;
}

static void
front_head(struct front *front, const struct answer_head *head)
{
    struct hop *hop = hop_of(front);

    if (hop->request == NULL)
        return;
    hop->shape     = HOP_PASSING;
    hop->is_stream = head->is_stream;
    http_answer_head(hop->request, head->status, head->headers, head->count, head->length);
    if (!head->is_stream)
        return;
    hop_expect_comment(hop);
    hop_forget_request(hop);
}

static bool
front_bytes(struct front *front, struct str bytes, bool inside)
{
    struct hop *hop = hop_of(front);

    if (hop->request == NULL)
        return true;
    hop->is_inside = inside;
    if (hop->is_stream)
        hop_expect_comment(hop);
    if (http_answer_write(hop->request, bytes))
        return true;
    set_unread(hop, true);
    return false;
}

/* A notification or a reply was taken, a session deleted: nothing to say. */
static void
answer_without_body(struct hop *hop, struct exchange *x)
{
    struct http_request *r = hop->request;

    x->http_status = x->kind == KIND_DELETE ? 200 : 202;
    hop_let_go(hop);
    http_answer(r, x->http_status, NULL, 0, STR_NONE);
}

static int
status_of(enum close_reason why)
{
    return close_info[why].status == 499 ? 200 : close_info[why].status;
}

/* An exchange of a batch ended: only requests are answered, all of them together with the last exchange. */
static void
tell_batch_end(struct hop *hop, struct exchange *x, enum close_reason why, struct str failure, bool is_last)
{
    if (failure.len > 0 && x->kind == KIND_REQUEST) {
        x->http_status = status_of(why);
        hop_join_answer(hop, failure, x->http_status);
    }
    if (!is_last)
        return;
    if (buffer_len(&hop->joined) > 0 || hop->is_torn)
        hop_answer_batch(hop);
    else if (failure.len > 0)
        hop_answer_json(hop, status_of(why), failure);
    else
        answer_without_body(hop, x);
}

/* `x` ended, and the request has not been answered to its end. */
static void
tell_end(struct hop *hop, struct exchange *x, enum close_reason why, bool is_last)
{
    struct buffer failure   = {.max = KIB(8)};
    bool          has_begun = hop->shape == HOP_STREAM || hop->shape == HOP_PASSING;
    bool          is_error  = why != CLOSE_ANSWERED && !(x->kind == KIND_STREAM && has_begun); /* those just end */
    bool          is_said   = is_error && why != CLOSE_CANCELLED;

    if (is_said && !append_failure(&failure, hop->server, x, why)) {
        buffer_reset(&failure);
        hop->is_torn = true; /* a stream that ended as if nothing were missing would lie */
    } else if (is_said && x->kind == KIND_REQUEST) {
        exchange_note(x, FROM_SERVER, buffer_str(&failure), false);
    }
    if (has_begun) {
        bool may_stand = hop->shape == HOP_STREAM || (hop->is_stream && !hop->is_inside);
        if (is_last)
            hop_end_stream(hop, buffer_str(&failure));
        else if (buffer_len(&failure) > 0 && x->kind == KIND_REQUEST && may_stand)
            hop_put_event(hop, buffer_str(&failure), true);
    } else if (hop->is_batch) {
        tell_batch_end(hop, x, why, buffer_str(&failure), is_last);
    } else if (!is_error) {
        answer_without_body(hop, x);
    } else if (why == CLOSE_CANCELLED && hop->accepts_stream) {
        hop_begin_stream(hop); /* a cancelled request gets no response: a stream without an event */
        hop_end_stream(hop, STR_NONE);
    } else {
        x->http_status = status_of(why);
        hop_answer_json(hop, x->http_status, buffer_str(&failure));
    }
    buffer_clear(&failure);
}

static void
front_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct hop *hop     = hop_of(front);
    bool        is_last = list_is_empty(&hop->exchanges);

    (void)head_is_out; /* the hop's shape says it */
    if (hop->request != NULL) {
        exchange_keep_message(x); /* its record is made after the answer */
        tell_end(hop, x, why, is_last);
    }
    hop_free_when_done(hop);
}

static bool
front_let_go(struct front *front, struct exchange *x, mono_time retry)
{
    struct hop *hop = hop_of(front);

    (void)x;
    return hop->request != NULL && hop_let_client_go(hop, retry);
}
