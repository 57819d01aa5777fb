#include "http/conn_inside.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/live.h"
#include "http/conn_turn.h"

#define FINISH_STALL  SECONDS(10) /* a finishing connection that makes no progress */
#define FINISH_LINGER SECONDS(2)  /* for the peer to read the last bytes and close */

/* Records of TLS taken at once: whole ones fit into NET_INPUT, so none stays behind. */
enum { READS_A_TURN = 4 };

static void
watch(struct conn *c)
{
    int events = 0;

    switch (c->state) {
    case CONN_CONNECTING:
        events = UV_WRITABLE;
        break;
    case CONN_AGREEING:
        events = c->tls_read == TLS_WANT_WRITE ? UV_WRITABLE : UV_READABLE;
        break;
    case CONN_OPEN:
        events = c->reading ? UV_READABLE : c->events->notice_leaving ? UV_DISCONNECT : 0;
        break;
    case CONN_FINISHING:
        events = UV_READABLE;
        break;
    case CONN_LEFT:
    case CONN_CLOSED:
        break;
    }
    if ((c->state == CONN_OPEN || c->state == CONN_FINISHING) && c->blocked)
        events |= c->tls_write == TLS_WANT_READ ? UV_READABLE : UV_WRITABLE;
    if (c->state == CONN_OPEN && c->reading && c->tls_read == TLS_WANT_WRITE)
        events |= UV_WRITABLE;
    if (events != c->watched) {
        c->watched = events;
        poll_set(c->poll, events);
    }
}

/* ---- telling ---- */

static void
tell_closed(struct conn *c, const struct error *err)
{
    c->state = CONN_LEFT;
    conn_queue_clear(c);
    watch(c);
    c->events->on_closed(c->owner, err);
}

static void
tell_failed(struct conn *c, int why)
{
    struct error err = {0};

    if (why == ENOMEM)
        error_set(&err, ERROR_MEMORY, "no memory for what is queued to the peer");
    else
        error_set_errno(&err, why, c->state == CONN_CONNECTING ? "connecting" : "the connection broke");
    tell_closed(c, &err);
}

static bool read_some(struct conn *c);

/* A write failed. An answer that came before the peer left is still read, where that is asked for. */
static void
give_up_writing(struct conn *c)
{
    while (!c->events->notice_leaving && c->state == CONN_OPEN && c->reading && read_some(c))
        ;
    if (c->state != CONN_LEFT && c->state != CONN_CLOSED)
        tell_failed(c, c->failed);
}

/* Writes what is queued as far as the kernel takes it; calls on_drained. */
static void
flush(struct conn *c)
{
    conn_send(c, STR_NONE);
    if (c->failed != 0) {
        give_up_writing(c);
        return;
    }
    watch(c);
    if (c->full && conn_queued(c) < CONN_LOW) {
        c->full = false;
        if (c->events->on_drained != NULL)
            c->events->on_drained(c->owner);
    }
}

/* ---- reading ---- */

static ssize_t
receive_plain(struct conn *c)
{
    ssize_t got;

    do
        got = recv(c->fd, c->net->input, NET_INPUT, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* As recv: records are joined until there is no more, for each costs system calls of its own. */
static ssize_t
receive_tls(struct conn *c, struct error *err)
{
    size_t total = 0;

    for (int i = 0; i < READS_A_TURN && total < NET_INPUT; i++) {
        size_t got  = 0;
        c->tls_read = tls_session_read(c->tls, c->net->input + total, NET_INPUT - total, &got, err);
        total += got;
        if (c->tls_read == TLS_OK)
            continue;
        if (total > 0 || c->tls_read == TLS_ENDED)
            break;
        errno = c->tls_read == TLS_FAILED ? EPROTO : EAGAIN;
        return -1;
    }
    return (ssize_t)total;
}

/* The end of TLS came with the last bytes: no event of the descriptor will tell it again. */
static void
end_later(struct conn *c)
{
    if ((c->tls_read == TLS_ENDED || c->tls_read == TLS_FAILED) && list_is_empty(&c->flush))
        list_append(&c->net->to_flush, &c->flush);
}

/* One helping for the owner. False: nothing more to be had now, or the connection is no longer open. */
static bool
read_some(struct conn *c)
{
    struct error err = {0};
    ssize_t      got = c->tls == NULL ? receive_plain(c) : receive_tls(c, &err);

    if (got > 0) {
        c->events->on_data(c->owner, str_of(c->net->input, (size_t)got));
        if (c->state == CONN_OPEN)
            end_later(c);
        return c->state == CONN_OPEN && c->reading;
    }
    if (got == 0)
        tell_closed(c, NULL);
    else if (errno == EPROTO && err.code != ERROR_NONE)
        tell_closed(c, &err);
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        tell_failed(c, errno);
    else if (c->tls != NULL)
        watch(c);
    return false;
}

static int
socket_error(struct conn *c)
{
    int       why = 0;
    socklen_t len = sizeof why;

    return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &len) == 0 ? why : errno;
}

/* ---- opening ---- */

static void
become_open(struct conn *c)
{
    c->state = CONN_OPEN;
    if (conn_queued(c) > 0 && list_is_empty(&c->flush))
        list_append(&c->net->to_flush, &c->flush);
    watch(c);
    if (c->events->on_ready != NULL)
        c->events->on_ready(c->owner);
}

static void
agree(struct conn *c)
{
    struct error err = {0};

    c->tls_read = tls_session_handshake(c->tls, &err);
    if (c->tls_read == TLS_OK)
        become_open(c);
    else if (c->tls_read == TLS_WANT_READ || c->tls_read == TLS_WANT_WRITE)
        watch(c);
    else
        tell_closed(c, &err);
}

static void
connected(struct conn *c)
{
    int why = socket_error(c);

    if (why != 0) {
        tell_failed(c, why);
        return;
    }
    if (c->tls == NULL) {
        become_open(c);
        return;
    }
    c->state = CONN_AGREEING;
    agree(c);
}

/* ---- finishing ---- */

static void
bury(struct conn *c)
{
    loop_clear_timer(c->net->loop, &c->deadline);
    conn_queue_clear(c);
    list_remove(&c->flush);
    list_remove(&c->node);
    c->net->finishing_count -= c->state == CONN_FINISHING;
    list_append(&c->net->closed, &c->node);
    tls_session_free(c->tls);
    poll_close(c->poll);
    c->tls   = NULL;
    c->poll  = NULL;
    c->state = CONN_CLOSED;
}

static void
give_up(struct timer *t)
{
    bury(LIST_OF(struct conn, t, deadline));
}

static void
finish_write(struct conn *c)
{
    uint64_t before = c->written;

    if (c->half_shut)
        return;
    if (conn_queued(c) > 0)
        conn_send(c, STR_NONE);
    if (c->failed != 0) {
        bury(c);
        return;
    }
    if (conn_queued(c) == 0) {
        if (c->tls != NULL)
            tls_session_end(c->tls);
        shutdown(c->fd, SHUT_WR);
        c->half_shut = true;
        loop_set_timer(c->net->loop, &c->deadline, net_now(c->net) + FINISH_LINGER);
    } else if (c->written > before) {
        loop_set_timer(c->net->loop, &c->deadline, net_now(c->net) + FINISH_STALL);
    }
    watch(c);
}

/* What the peer still sends is thrown away: unread bytes would make the kernel reset the connection, and the peer could
 * lose our last ones. */
static void
finish_read(struct conn *c)
{
    ssize_t got = recv(c->fd, c->net->input, NET_INPUT, 0);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        bury(c);
}

static void
finish_step(struct conn *c, int events)
{
    if ((events & UV_WRITABLE) || c->tls_write == TLS_WANT_READ)
        finish_write(c);
    if (c->state == CONN_FINISHING && (events & UV_READABLE))
        finish_read(c);
}

void
conn_finish(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->state != CONN_OPEN || c->failed != 0) {
        bury(c);
        return;
    }
    c->state = CONN_FINISHING;
    list_remove(&c->node);
    list_append(&c->net->finishing, &c->node);
    c->net->finishing_count++;
    loop_set_timer(c->net->loop, &c->deadline, net_now(c->net) + FINISH_STALL);
    if (list_is_empty(&c->flush))
        list_append(&c->net->to_flush, &c->flush);
}

/* ---- the loop ---- */

/* The descriptor failed (the poll handle is stopped then): what was sent before is still read, as far as it is wanted.
 */
static void
broken(struct conn *c)
{
    int why = socket_error(c);

    while (c->state == CONN_OPEN && c->reading && read_some(c))
        ;
    if (c->state == CONN_OPEN || c->state == CONN_AGREEING || c->state == CONN_CONNECTING)
        tell_failed(c, why != 0 ? why : ECONNRESET);
    else if (c->state == CONN_FINISHING)
        bury(c);
}

static void
on_poll(void *owner, int events)
{
    struct conn *c    = owner;
    const int    both = UV_READABLE | UV_WRITABLE;

    /* base/loop shows a failed descriptor as both. Where both were asked for, the write tells it. */
    if ((events & both) == both && (c->watched & both) != both && c->state != CONN_CONNECTING) {
        broken(c);
        return;
    }
    switch (c->state) {
    case CONN_CONNECTING:
        connected(c);
        return;
    case CONN_AGREEING:
        agree(c);
        return;
    case CONN_FINISHING:
        finish_step(c, events);
        return;
    case CONN_LEFT:
    case CONN_CLOSED:
        return;
    case CONN_OPEN:
        break;
    }
    if (c->blocked && ((events & UV_WRITABLE) || c->tls_write == TLS_WANT_READ))
        flush(c);
    if (c->state == CONN_OPEN && c->reading && (events & (UV_READABLE | UV_WRITABLE)) != 0 &&
        ((events & UV_READABLE) || c->tls_read == TLS_WANT_WRITE))
        read_some(c);
    else if (c->state == CONN_OPEN && !c->reading && (events & UV_DISCONNECT))
        tell_closed(c, NULL);
}

static void
turn_conn(struct conn *c)
{
    if (c->state == CONN_FINISHING)
        finish_write(c);
    else if (c->failed != 0 && c->state != CONN_LEFT)
        give_up_writing(c);
    else if (c->state == CONN_OPEN && !c->blocked && conn_queued(c) > 0)
        flush(c);
    else if (c->state == CONN_OPEN)
        watch(c);
    if (c->state == CONN_OPEN && c->reading && (c->tls_read == TLS_ENDED || c->tls_read == TLS_FAILED))
        read_some(c);
}

bool
conn_end_turn(struct net *net)
{
    struct list *node;
    struct list  batch;

    list_init(&batch);
    list_splice(&batch, &net->to_flush);
    while ((node = list_first(&batch)) != NULL) {
        list_remove(node);
        turn_conn(LIST_OF(struct conn, node, flush));
    }
    while ((node = list_first(&net->closed)) != NULL) {
        list_remove(node);
        free(LIST_OF(struct conn, node, node));
        live_end(LIVE_CONNECTIONS);
    }
    return !list_is_empty(&net->to_flush);
}

void
conn_cut_finishing(struct net *net)
{
    LIST_EACH (struct conn, c, &net->finishing, node)
        bury(c);
}

struct conn *
conn_new(struct net *net, int fd, struct tls_session *tls, const struct conn_events *events, void *owner,
         struct error *err)
{
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a connection");
        goto failed;
    }
    *c = (struct conn){.net = net, .fd = fd, .tls = tls, .events = events, .owner = owner, .reading = true};
    list_init(&c->node);
    list_init(&c->flush);
    timer_init(&c->deadline, give_up);
    c->out.max = CONN_QUEUE_MAX;
    if (tls != NULL && !tls_session_attach(tls, fd, err))
        goto failed;
    c->poll = poll_new(net->loop, fd, on_poll, c, err);
    if (c->poll == NULL)
        goto failed;
    c->state = events->on_ready != NULL ? CONN_CONNECTING : tls != NULL ? CONN_AGREEING : CONN_OPEN;
    list_append(&net->conns, &c->node);
    live_begin(LIVE_CONNECTIONS);
    watch(c);
    return c;
failed:
    tls_session_free(tls);
    close(fd);
    free(c);
    return NULL;
}

void
conn_set_reading(struct conn *c, bool on)
{
    if (c->reading == on)
        return;
    c->reading = on;
    if (on)
        end_later(c);
    watch(c);
}

void
conn_close(struct conn *c)
{
    if (c == NULL || c->state == CONN_CLOSED)
        return;
    assert(c->state != CONN_FINISHING); /* it was given away */
    bury(c);
}

void
conn_abort(struct conn *c)
{
    struct linger reset = {.l_onoff = 1};

    if (c == NULL || c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_OPEN && conn_queued(c) > 0 && c->failed == 0 && !c->blocked)
        conn_send(c, STR_NONE);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    bury(c);
}
