#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "http/conn_inside.h"

enum { QUEUE_STEP = 64 << 10 }; /* the queue's share of the budget grows by this */

void
conn_queue_clear(struct conn *c)
{
    lent_unref(c->lent);
    c->lent = NULL;
    c->rest = STR_NONE;
    blocks_take_back(&c->net->outs, &c->out);
    budget_give(c->net->budget, c->budgeted);
    c->budgeted = 0;
}

/* The last write went wrong: the connection is lost, and its owner hears of it when the turn ends. */
static void
lose(struct conn *c, int why)
{
    if (c->failed == 0)
        c->failed = why;
    conn_queue_clear(c);
    c->blocked = false;
    if (list_is_empty(&c->flush))
        list_append(&c->net->to_flush, &c->flush);
}

/* For `len` bytes more. */
static bool
take_budget(struct conn *c, size_t len)
{
    size_t held = conn_queued(c) + len;

    if (held <= CONN_HIGH || held <= c->budgeted)
        return true;
    size_t more = (held - c->budgeted + QUEUE_STEP - 1) / QUEUE_STEP * QUEUE_STEP;
    if (!budget_take(c->net->budget, more))
        return false;
    c->budgeted += more;
    return true;
}

static bool
queue_room(struct conn *c, size_t len)
{
    if (c->out.data == NULL)
        blocks_lend(&c->net->outs, &c->out);
    return take_budget(c, len) && buffer_reserve(&c->out, len);
}

static bool
is_writable(const struct conn *c)
{
    return c->failed == 0 && (c->state == CONN_OPEN || c->state == CONN_CONNECTING || c->state == CONN_AGREEING);
}

char *
conn_reserve(struct conn *c, size_t len)
{
    if (!is_writable(c))
        return NULL;
    if (!queue_room(c, len)) {
        lose(c, ENOMEM);
        return NULL;
    }
    return buffer_space(&c->out);
}

static void
flush_later(struct conn *c)
{
    c->full |= conn_queued(c) > CONN_HIGH;
    if (list_is_empty(&c->flush))
        list_append(&c->net->to_flush, &c->flush);
}

void
conn_reserved(struct conn *c, size_t len)
{
    buffer_added(&c->out, len);
    flush_later(c);
}

/* Hands `first` and then `second` to the kernel. Bytes taken, 0 when it takes none now, -1 with errno. */
static ssize_t
send_plain(struct conn *c, struct str first, struct str second)
{
    struct iovec  parts[2] = {{(void *)(uintptr_t)first.data, first.len}, {(void *)(uintptr_t)second.data, second.len}};
    struct msghdr message  = {.msg_iov = first.len > 0 ? parts : parts + 1, .msg_iovlen = 1};
    ssize_t       put;

    if (first.len > 0 && second.len > 0)
        message.msg_iovlen = 2;
    do
        put = message.msg_iovlen == 1 ? send(c->fd, message.msg_iov->iov_base, message.msg_iov->iov_len, MSG_NOSIGNAL)
                                      : sendmsg(c->fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    return put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : put;
}

static ssize_t
send_tls(struct conn *c, struct str bytes)
{
    size_t total = 0;

    while (total < bytes.len) {
        size_t put   = 0;
        c->tls_write = tls_session_write(c->tls, str_skip(bytes, total), &put, NULL);
        if (c->tls_write == TLS_WANT_READ || c->tls_write == TLS_WANT_WRITE)
            break;
        if (c->tls_write != TLS_OK) {
            errno = EPIPE;
            return -1;
        }
        total += put;
    }
    return (ssize_t)total;
}

/* False: not all of it left. */
static bool
send_lent(struct conn *c)
{
    ssize_t put = c->tls == NULL ? send_plain(c, STR_NONE, c->rest) : send_tls(c, c->rest);

    if (put < 0) {
        lose(c, errno);
        return false;
    }
    c->written += (uint64_t)put;
    c->rest    = str_skip(c->rest, (size_t)put);
    c->blocked = c->rest.len > 0;
    if (c->blocked)
        return false;
    lent_unref(c->lent);
    c->lent = NULL;
    return true;
}

size_t
conn_send(struct conn *c, struct str more)
{
    struct str queued = buffer_str(&c->out);
    ssize_t    put    = 0;

    if (c->lent != NULL && !send_lent(c))
        return 0;
    if (queued.len + more.len == 0)
        ;
    else if (c->tls == NULL)
        put = send_plain(c, queued, more);
    else
        put = send_tls(c, queued.len > 0 ? queued : more);
    if (put < 0) {
        lose(c, errno);
        return 0;
    }
    c->written += (uint64_t)put;
    size_t of_queue = (size_t)put < queued.len ? (size_t)put : queued.len;
    if (of_queue > 0)
        buffer_consume(&c->out, of_queue);
    c->blocked = (size_t)put < queued.len + (c->tls == NULL || queued.len == 0 ? more.len : 0);
    if (conn_queued(c) == 0 && (c->out.data != NULL || c->budgeted > 0))
        conn_queue_clear(c);
    return (size_t)put - of_queue;
}

/* What may be kept as it lies is not copied: one at a time, and only when nothing is queued before it. All that is lent
 * stays in memory until the rest has left, so all of it is paid for. */
static bool
queue_lent(struct conn *c, struct str bytes)
{
    if (conn_queued(c) > 0 || (c->lent = lent_keep(bytes)) == NULL)
        return false;
    if (!take_budget(c, lent_str(c->lent).len)) {
        lent_unref(c->lent);
        c->lent = NULL;
        return false; /* a copy may be smaller */
    }
    c->rest = bytes;
    flush_later(c);
    return true;
}

bool
conn_write(struct conn *c, struct str bytes)
{
    if (!is_writable(c))
        return false;
    if (bytes.len >= CONN_AT_ONCE && c->state == CONN_OPEN && !c->blocked) {
        bytes = str_skip(bytes, conn_send(c, bytes));
        if (c->failed != 0)
            return false;
    }
    if (bytes.len == 0 || queue_lent(c, bytes))
        return true;
    char *space = conn_reserve(c, bytes.len);
    if (space == NULL)
        return false;
    memcpy(space, bytes.data, bytes.len);
    conn_reserved(c, bytes.len);
    return true;
}

size_t
conn_queued(const struct conn *c)
{
    return c->rest.len + buffer_len(&c->out);
}

bool
conn_is_full(const struct conn *c)
{
    return c->full;
}

uint64_t
conn_written(const struct conn *c)
{
    return c->written;
}
