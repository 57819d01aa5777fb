#include "mcp/client/way_sse.h"

#include "mcp/client/endpoint_url.h"
#include "mcp/client/late_mail.h"
#include "mcp/client/sse_post.h"

#define NAMING_PATIENCE SECONDS(30) /* from the GET to the event `endpoint` */

enum { EVENT_PARSED_FIRST = 2048, EVENT_PARSED_MOST = 256 << 20 };

enum sse_state { SSE_IDLE, SSE_ASKED, SSE_NAMED };

struct way_sse {
    struct carrier              carrier;
    struct back                 back; /* of all its exchanges */
    const struct http_upstream *to;
    enum sse_state              state;
    struct list                 waiting;   /* of struct exchange, by back_node: until there is an endpoint */
    struct list                 open;      /* the same: posted, or being posted */
    struct list                 listening; /* the same: KIND_STREAM */
    struct sse_posts            posts;
    struct http_call           *call; /* the stream; NULL in SSE_IDLE */
    struct sse_parser           events_in;
    struct timer                naming;
    struct buffer               endpoint_text;
    struct http_url             endpoint; /* lies in it */
    struct error                wrong;    /* with the stream, found while it was read */
};

static void send_exchange(struct back *back, struct exchange *x);
static void cancel_exchange(struct back *back, struct exchange *x, enum close_reason why);

static const struct back_ops sse_back = {send_exchange, cancel_exchange, NULL};

static struct exchange *
first_of(const struct list *list)
{
    struct list *node = list_first(list);

    return node == NULL ? NULL : LIST_OF(struct exchange, node, back_node);
}

/* What its mail tells as the status of HTTP. */
static void
set_status(struct exchange *x, int status)
{
    x->http_status = status;
    x->judged = x->failed = status >= 300;
    if (x->front != NULL)
        mail_of(x->front)->end.status = status;
}

static void
fail_each(struct list *list, enum close_reason why, int status, const char *words)
{
    for (struct exchange *x; (x = first_of(list)) != NULL;) {
        exchange_lose_back(x);
        if (status != 0)
            set_status(x, status);
        exchange_fail(x, why, "%s", words);
    }
}

/* The stream is over, and with it all that was open. `status`: of its answer, when that was none; else 0. */
static void
end_stream(struct way_sse *w, enum close_reason why, int status, const char *words)
{
    char kept[sizeof w->wrong.text]; /* `words` may lie in what is cleared */

    snprintf(kept, sizeof kept, "%s", words);
    w->state = SSE_IDLE;
    loop_clear_timer(w->to->loop, &w->naming);
    http_call_cancel(w->call);
    w->call = NULL;
    sse_clear(&w->events_in);
    sse_posts_clear(&w->posts);
    w->wrong = (struct error){0};
    fail_each(&w->waiting, why, status, kept);
    fail_each(&w->open, why, status, kept);
    fail_each(&w->listening, why, status, kept);
}

static void
give_up_naming(struct timer *naming)
{
    end_stream(LIST_OF(struct way_sse, naming, naming), CLOSE_TIMED_OUT, 0, "its event stream named no endpoint");
}

static enum close_reason
reason_of(const struct error *err, enum close_reason otherwise)
{
    return err->code == ERROR_FULL || err->code == ERROR_MEMORY          ? CLOSE_BUSY
           : err->code == ERROR_PROTOCOL || err->code == ERROR_TOO_LARGE ? CLOSE_MALFORMED
                                                                         : otherwise;
}

static void
post(struct way_sse *w, struct exchange *x)
{
    struct error err = {0};

    list_append(&w->open, &x->back_node);
    if (sse_post(&w->posts, &w->endpoint, x, x->message.message, &err))
        return;
    exchange_lose_back(x);
    exchange_fail(x, reason_of(&err, CLOSE_UNREACHABLE), "%s", err.text);
}

static void
note_refusal(struct exchange *x, int status, const struct http_headers *headers)
{
    if (x->front != NULL)
        mail_note_challenge(mail_of(x->front), status, headers);
}

/* A message was taken, or not. */
static void
on_status(struct sse_posts *posts, struct exchange *x, int status, const struct error *err)
{
    (void)posts;
    if (err == NULL && status < 300 && x->kind == KIND_REQUEST)
        return; /* its answer comes on the stream */
    exchange_lose_back(x);
    if (err != NULL) {
        exchange_fail(x, reason_of(err, status == 0 ? CLOSE_UNREACHABLE : CLOSE_CUT), "%s", err->text);
        return;
    }
    set_status(x, status);
    if (status >= 300 && status < 400)
        exchange_fail(x, CLOSE_MALFORMED, "a redirect (HTTP status %d), which is not followed", status);
    else
        exchange_close(x, CLOSE_ANSWERED);
}

static struct exchange *
find_call(const struct way_sse *w, struct str id)
{
    LIST_EACH (struct exchange, x, &w->open, back_node)
        if (x->kind == KIND_REQUEST && str_eq(x->message.id, id))
            return x;
    return NULL;
}

static struct exchange *
find_by_token(const struct way_sse *w, struct str token)
{
    LIST_EACH (struct exchange, x, &w->open, back_node)
        if (x->kind == KIND_REQUEST && x->message.progress_token.data != NULL &&
            str_eq(x->message.progress_token, token))
            return x;
    return NULL;
}

/* The call in flight, when there is one alone. */
static struct exchange *
only_call(const struct way_sse *w)
{
    struct exchange *found = NULL;

    LIST_EACH (struct exchange, x, &w->open, back_node) {
        if (x->kind != KIND_REQUEST)
            continue;
        if (found != NULL)
            return NULL;
        found = x;
    }
    return found;
}

/* What may be said in the middle of a call, and about it. */
static bool
is_about_a_call(const struct envelope *e)
{
    return e->kind == MESSAGE_REQUEST || str_eq(e->method, STR("notifications/message")) ||
           str_eq(e->method, STR("notifications/cancelled")) ||
           str_eq(e->method, STR("notifications/elicitation/complete"));
}

/* Whose it is. NULL: nobody's. */
static struct exchange *
taker_of(const struct way_sse *w, const struct envelope *e)
{
    struct exchange *listener = first_of(&w->listening), *call = only_call(w);

    if (e->kind == MESSAGE_RESULT || e->kind == MESSAGE_ERROR)
        return find_call(w, e->id);
    if (str_eq(e->method, STR("notifications/progress")))
        return find_by_token(w, e->progress_token);
    if (call != NULL && (is_about_a_call(e) || listener == NULL))
        return call;
    return listener;
}

/* Nobody is there to be asked. */
static void
refuse_question(struct way_sse *w, const struct envelope *e)
{
    struct buffer reply = {.max = KIB(8)};
    bool          ok    = str_eq(e->method, STR("ping"))
                              ? buffer_printf(&reply, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{}}", STR_ARG(e->id))
                              : append_error_message(&reply, e->id, -32603, STR("nobody listens"), NULL);

    if (ok)
        sse_post(&w->posts, &w->endpoint, NULL, buffer_str(&reply), NULL);
    buffer_clear(&reply);
}

static void
take_answer(struct way_sse *w, struct exchange *x, const struct envelope *e)
{
    exchange_judge(x, e);
    exchange_note(x, FROM_SERVER, e->message, false);
    bool is_taken = x->front == NULL || x->front->ops->message(x->front, x, e->message, true);
    exchange_lose_back(x);
    sse_posts_forget(&w->posts, x);
    if (is_taken)
        exchange_close(x, CLOSE_ANSWERED);
    else
        exchange_fail(x, CLOSE_BUSY, "no memory for its answer");
}

static void
take_message(struct way_sse *w, const struct envelope *e)
{
    struct exchange *x           = taker_of(w, e);
    bool             is_question = e->kind == MESSAGE_REQUEST;

    if (x != NULL && x->first_byte == 0)
        x->first_byte = clock_mono();
    if (x != NULL && (e->kind == MESSAGE_RESULT || e->kind == MESSAGE_ERROR)) {
        take_answer(w, x, e);
        return;
    }
    bool is_taken = x != NULL && x->front != NULL && x->front->ops->message(x->front, x, e->message, false);
    if (is_taken)
        exchange_note(x, FROM_SERVER, e->message, false);
    if (is_taken && is_question && x->kind == KIND_REQUEST)
        mail_take_question(mail_of(x->front), e->id);
    else if (!is_taken && is_question)
        refuse_question(w, e);
}

/* What is no message is passed over. */
static bool
take_text(struct str text, void *arg)
{
    struct way_sse *w = arg;
    struct arena   *a = arena_new(EVENT_PARSED_FIRST, EVENT_PARSED_MOST);
    struct envelope e;
    struct error    err = {0};

    if (a != NULL && envelope_parse(&e, text, a, &err))
        take_message(w, &e);
    else if (a == NULL || err.code == ERROR_MEMORY)
        error_set(&w->wrong, ERROR_MEMORY, "there is no memory for what it says");
    arena_free(a);
    return w->wrong.code == ERROR_NONE;
}

/* Messages are taken from now on. */
static void
take_endpoint(struct way_sse *w, struct str reference)
{
    if (w->state == SSE_NAMED) /* a second one: the first stands */
        return;
    if (!endpoint_url_resolve(&w->to->url, reference, &w->endpoint_text, &w->endpoint, &w->wrong))
        return;
    w->state = SSE_NAMED;
    loop_clear_timer(w->to->loop, &w->naming);
    for (struct exchange *x; (x = first_of(&w->waiting)) != NULL;) {
        list_remove(&x->back_node);
        post(w, x);
    }
}

static bool
take_event(void *owner, const struct sse_event *event)
{
    struct way_sse *w = owner;

    if (str_eq(event->type, STR("endpoint")))
        take_endpoint(w, event->data);
    else if (w->state == SSE_NAMED && event->data.len > 0 &&
             (event->type.len == 0 || str_eq(event->type, STR("message")))) {
        if (message_is_batch(event->data))
            batch_each(event->data, take_text, w, NULL);
        else
            take_text(event->data, w);
    }
    return w->wrong.code == ERROR_NONE;
}

static void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct way_sse *w = owner;

    LIST_EACH (struct exchange, x, &w->waiting, back_node)
        note_refusal(x, status, headers);
    if (status >= 300 || !http_is_type(http_header(headers, STR("content-type")), STR("text/event-stream")))
        end_stream(w, status >= 400 ? CLOSE_ANSWERED : CLOSE_MALFORMED, status,
                   "its answer to a GET is no event stream");
}

static void
on_data(void *owner, struct str bytes)
{
    struct way_sse *w   = owner;
    struct error    err = {0};

    if (!sse_feed(&w->events_in, bytes, take_event, w, &err))
        w->wrong = err;
    if (w->wrong.code != ERROR_NONE)
        end_stream(w, reason_of(&w->wrong, CLOSE_MALFORMED), 0, w->wrong.text);
}

static void
on_end(void *owner, const struct error *err)
{
    struct way_sse *w = owner;

    w->call = NULL;
    if (err == NULL)
        end_stream(w, CLOSE_CUT, 0, "its event stream has ended");
    else
        end_stream(w, reason_of(err, w->state == SSE_ASKED ? CLOSE_UNREACHABLE : CLOSE_CUT), 0, err->text);
}

static void
start_stream(struct way_sse *w)
{
    static const struct http_call_events events = {on_head, on_data, on_end};
    static const struct http_header      ours[] = {{{"Accept", 6}, {"text/event-stream", 17}}};
    struct http_header                   fields[SSE_FIELDS_MAX];
    struct error                         err  = {0};
    struct http_call_spec                spec = {.url     = &w->to->url,
                                                 .origin  = w->to->origin,
                                                 .method  = HTTP_METHOD_GET,
                                                 .headers = fields,
                                                 .header_count = sse_fields(&w->posts, ours, sizeof ours / sizeof *ours, fields)};

    w->state = SSE_ASKED;
    sse_init(&w->events_in, w->to->message_max);
    w->events_in.budget = http_client_budget(w->to->client);
    loop_set_timer(w->to->loop, &w->naming, loop_now(w->to->loop) + NAMING_PATIENCE);
    w->call = http_call_start(w->to->client, &spec, &events, w, &err);
    if (w->call == NULL)
        end_stream(w, reason_of(&err, CLOSE_UNREACHABLE), 0, err.text);
}

static bool
opens_session(const struct exchange *x)
{
    return x->kind == KIND_REQUEST &&
           (str_eq(x->message.method, STR("initialize")) || str_eq(x->message.method, STR("server/discover")) ||
            str_eq(x->message.method, STR("ping")));
}

static void
send_exchange(struct back *back, struct exchange *x)
{
    struct way_sse *w = LIST_OF(struct way_sse, back, back);

    if (x->kind == KIND_DELETE) {
        exchange_lose_back(x);
        exchange_close(x, CLOSE_ANSWERED);
        end_stream(w, CLOSE_SESSION_ENDED, 0, "its session was ended");
    } else if (w->state == SSE_IDLE && !opens_session(x)) {
        exchange_lose_back(x);
        set_status(x, 404);
        exchange_fail(x, CLOSE_SESSION_ENDED, "its event stream has ended");
    } else if (x->kind == KIND_STREAM) {
        list_append(&w->listening, &x->back_node);
    } else if (w->state == SSE_NAMED) {
        post(w, x);
    } else {
        list_append(&w->waiting, &x->back_node);
        if (w->state == SSE_IDLE)
            start_stream(w);
    }
}

static void
cancel_exchange(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)why;
    sse_posts_forget(&LIST_OF(struct way_sse, back, back)->posts, x);
}

static struct mail *
send_mail(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
          struct error *err)
{
    struct way_sse *w = LIST_OF(struct way_sse, way, carrier.way);
    struct mail    *m = mail_new(&w->carrier, &late_mail, spec, events, owner, err);

    if (m == NULL)
        return NULL;
    if (spec->kind == KIND_REPLY && m->x != NULL)
        carrier_join_reply(&w->carrier, m->x);
    if (m->x != NULL)
        exchange_send(m->x, &w->back);
    return mail_sent(m);
}

static void
free_way(struct way *way)
{
    struct way_sse *w = LIST_OF(struct way_sse, way, carrier.way);

    carrier_clear(&w->carrier);
    end_stream(w, CLOSE_SESSION_ENDED, 0, "its session was ended");
    buffer_clear(&w->endpoint_text);
    free(w);
}

static const struct way_ops sse_ops = {.kind = WAY_SSE, .send = send_mail, .drop = mail_drop, .free = free_way};

struct way *
way_sse_new(struct exchanges *all, const struct http_upstream *to, const struct way_hooks *hooks)
{
    struct way_sse *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    carrier_init(&w->carrier, &sse_ops, all, hooks);
    w->back.ops          = &sse_back;
    w->to                = to;
    w->endpoint_text.max = HTTP_URL_MAX + KIB(1);
    timer_init(&w->naming, give_up_naming);
    list_init(&w->waiting);
    list_init(&w->open);
    list_init(&w->listening);
    w->posts = (struct sse_posts){
        .to = to, .fields = &w->carrier.hooks.fields, .on_refusal = note_refusal, .on_status = on_status};
    sse_posts_init(&w->posts);
    return &w->carrier.way;
}
