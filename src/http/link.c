#include "http/link.h"

#include <assert.h>
#include <unistd.h>

#include "base/live.h"

enum { AHEAD_MAX = 2 * NET_INPUT };

/* The only writer of `state`. */
static void
move(struct link *l, enum link_state to)
{
    list_remove(&l->node);
    list_append(&l->server->in_state[to], &l->node);
    l->state = to;
}

static void
set_deadline(struct link *l, mono_time at)
{
    loop_set_timer(l->server->net->loop, &l->deadline, at);
}

/* Unlinks the request from its owner. What was read stays in memory until link_free: a callback may be on the stack. */
static struct conn *
leave(struct link *l)
{
    struct conn *conn = l->conn;

    move(l, LINK_CLOSED);
    l->conn = NULL;
    l->server->open--;
    list_remove(&l->resume);
    loop_clear_timer(l->server->net->loop, &l->deadline);
    return conn;
}

void
link_finish(struct link *l)
{
    conn_finish(leave(l));
}

void
link_reset(struct link *l)
{
    conn_abort(leave(l));
}

static void
tell_gone(struct link *l, enum link_state state)
{
    if ((state == LINK_BODY || state == LINK_ASKED) && l->request.on_gone != NULL)
        l->request.on_gone(&l->request);
}

void
link_cut(struct link *l)
{
    enum link_state was = l->state;

    if (was == LINK_CLOSED)
        return;
    conn_close(leave(l));
    tell_gone(l, was);
}

void
link_free(struct link *l)
{
    list_remove(&l->node);
    framing_reset(&l->framing);
    buffer_clear(&l->ahead);
    live_end(LIVE_LINKS);
    free(l);
}

static void
resume_later(struct link *l)
{
    if (list_is_empty(&l->resume))
        list_append(&l->server->resumable, &l->resume);
}

void
link_answered(struct link *l)
{
    struct http_server *s   = l->server;
    mono_time           now = net_now(s->net);

    if (l->closes || s->draining || !l->framing.is_whole) {
        link_finish(l);
        return;
    }
    framing_reset(&l->framing);
    move(l, LINK_IDLE);
    l->since   = now;
    l->written = conn_written(l->conn);
    set_deadline(l, now + (s->limits.send < s->limits.idle ? s->limits.send : s->limits.idle));
    if (buffer_len(&l->ahead) > 0)
        resume_later(l);
    else
        conn_set_reading(l->conn, true);
}

void
link_answers_early(struct link *l)
{
    l->closes |= !l->framing.is_whole;
    loop_clear_timer(l->server->net->loop, &l->deadline);
    move(l, LINK_ASKED);
}

/* ---- deadlines ---- */

static void
refuse(struct link *l, int status, const char *why)
{
    if (l->state == LINK_BODY && l->request.on_gone != NULL) {
        move(l, LINK_HEAD); /* on_gone may not answer any more */
        l->request.on_gone(&l->request);
    }
    answer_refuse(l, status, why);
}

/* Idle for too long, or a client that does not read the answer it was given. */
static void
idle_deadline(struct link *l)
{
    const struct http_limits *limits = &l->server->limits;
    mono_time                 now    = net_now(l->server->net);

    if (conn_queued(l->conn) > 0 && conn_written(l->conn) > l->written) {
        l->written = conn_written(l->conn);
        l->since   = now;
        set_deadline(l, now + limits->send);
    } else if (conn_queued(l->conn) == 0 && now < l->since + limits->idle) {
        set_deadline(l, l->since + limits->idle);
    } else {
        link_cut(l);
    }
}

static void
on_deadline(struct timer *t)
{
    struct link *l = LIST_OF(struct link, t, deadline);

    switch (l->state) {
    case LINK_IDLE:
        idle_deadline(l);
        break;
    case LINK_HEAD:
        refuse(l, 408, "the head of the request took too long");
        break;
    case LINK_BODY:
        refuse(l, 408, "the body of the request took too long");
        break;
    default:
        break;
    }
}

static void
wait_for_more(struct link *l)
{
    const struct http_limits *limits = &l->server->limits;
    mono_time                 now    = net_now(l->server->net);

    if (l->state == LINK_HEAD) {
        if (!timer_is_set(&l->deadline))
            set_deadline(l, l->request.began + limits->header_read);
        return;
    }
    mono_time whole = l->since + limits->body_whole;
    set_deadline(l, now + limits->body_read < whole ? now + limits->body_read : whole);
}

/* ---- requests ---- */

static void
begin_request(struct link *l)
{
    loop_clear_timer(l->server->net->loop, &l->deadline);
    move(l, LINK_HEAD);
    l->closes          = false;
    l->request.began   = clock_mono();
    l->request.method  = HTTP_METHOD_OTHER;
    l->request.user    = NULL;
    l->request.starved = false;
    l->request.on_gone = l->request.on_writable = NULL;
    l->answer                                   = (struct answer){0};
}

/* The head is whole. */
static void
hand_head(struct link *l, bool more_came)
{
    loop_clear_timer(l->server->net->loop, &l->deadline);
    l->closes = !l->framing.keep_alive;
    l->since  = net_now(l->server->net);
    move(l, LINK_BODY);
    if (l->server->events->on_head != NULL)
        l->server->events->on_head(l->server->owner, &l->request);
    if (l->state == LINK_BODY && l->framing.expects_continue && !l->framing.is_whole && !more_came)
        answer_continue(l);
}

static void
hand_request(struct link *l)
{
    loop_clear_timer(l->server->net->loop, &l->deadline);
    move(l, LINK_ASKED);
    l->served = true;
    l->server->events->on_request(l->server->owner, &l->request);
    assert(l->state != LINK_ASKED || l->request.on_gone != NULL); /* who answers later must hear of leaving */
}

/* Goes on with what has come, as far as it may: one request at a time, and none while the client does not read what it
 * was answered. */
static void
take(struct link *l, struct str *bytes)
{
    bool at_head = false; /* a request without a body is whole without another byte */

    while (bytes->len > 0 || at_head) {
        if (l->state == LINK_ASKED || l->state == LINK_CLOSED || (l->state == LINK_IDLE && conn_is_full(l->conn)))
            return;
        if (l->state == LINK_IDLE)
            begin_request(l);
        at_head = false;
        switch (framing_feed(&l->framing, bytes)) {
        case FRAMING_MORE:
            wait_for_more(l);
            break;
        case FRAMING_HEAD:
            hand_head(l, bytes->len > 0);
            at_head = l->state == LINK_BODY;
            break;
        case FRAMING_WHOLE:
            hand_request(l);
            break;
        case FRAMING_REFUSED:
            refuse(l, l->framing.status, l->framing.why);
            break;
        }
    }
}

static void
on_data(void *owner, struct str bytes)
{
    struct link *l = owner;

    if (buffer_len(&l->ahead) == 0)
        take(l, &bytes);
    if (l->state == LINK_CLOSED || bytes.len == 0)
        return;
    conn_set_reading(l->conn, false);
    if (!buffer_append(&l->ahead, bytes)) {
        link_cut(l);
        return;
    }
}

void
link_resume(struct link *l)
{
    struct str bytes = buffer_str(&l->ahead);

    if (l->state != LINK_IDLE || conn_is_full(l->conn))
        return;
    take(l, &bytes);
    buffer_consume(&l->ahead, buffer_len(&l->ahead) - bytes.len);
    if (l->state == LINK_CLOSED || buffer_len(&l->ahead) > 0)
        return;
    buffer_clear(&l->ahead);
    conn_set_reading(l->conn, true);
}

static void
on_drained(void *owner)
{
    struct link *l = owner;

    if (l->state == LINK_ASKED && l->request.on_writable != NULL)
        l->request.on_writable(&l->request);
    else if (l->state == LINK_IDLE && buffer_len(&l->ahead) > 0)
        resume_later(l);
}

static void
on_closed(void *owner, const struct error *err)
{
    struct link *l = owner;

    l->request.starved = err != NULL && err->code == ERROR_MEMORY; /* else a client may leave as it likes */
    link_cut(l);
}

static const struct conn_events events = {
    .on_data        = on_data,
    .on_drained     = on_drained,
    .on_closed      = on_closed,
    .notice_leaving = true,
};

bool
link_new(struct http_server *s, int fd, const union http_address *peer)
{
    struct link *l   = calloc(1, sizeof *l);
    socklen_t    len = sizeof l->local;

    if (l == NULL) {
        close(fd);
        return false;
    }
    l->server = s;
    l->peer   = *peer;
    list_init(&l->node);
    list_init(&l->resume);
    timer_init(&l->deadline, on_deadline);
    l->ahead.max     = AHEAD_MAX;
    l->request.peer  = &l->peer.any;
    l->request.local = &l->local.any;
    getsockname(fd, &l->local.any, &len);
    framing_init(&l->framing, s->net, &s->limits, &l->request);
    l->conn = conn_new(s->net, fd, NULL, &events, l, NULL);
    if (l->conn == NULL) {
        framing_reset(&l->framing);
        free(l);
        return false;
    }
    s->open++;
    live_begin(LIVE_LINKS);
    l->since = net_now(s->net);
    move(l, LINK_IDLE);
    set_deadline(l, l->since + s->limits.idle);
    return true;
}
