#include "http/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/live.h"

struct attempt {
    struct dial *dial;
    struct poll *poll;   /* NULL: not begun, or over */
    int          fd;     /* the poll's */
    int          failed; /* errno; 0: not yet */
};

struct dial {
    struct loop     *loop;
    struct addresses addresses;
    struct attempt   attempts[ADDRESSES_MAX]; /* by address */
    unsigned         begun;
    struct timer     next; /* the head start of the newest is over, or all failed at once */
    void (*done)(void *owner, int fd, const struct error *err);
    void *owner;
};

static void
free_dial(struct dial *d)
{
    loop_clear_timer(d->loop, &d->next);
    for (unsigned i = 0; i < d->begun; i++)
        poll_close(d->attempts[i].poll);
    live_end(LIVE_DIALS);
    free(d);
}

void
dial_cancel(struct dial *d)
{
    if (d != NULL)
        free_dial(d);
}

static const char *
words_for(int failed)
{
    switch (failed) {
    case ECONNREFUSED:
        return "connection refused";
    case ETIMEDOUT:
        return "connection timed out";
    case EHOSTUNREACH:
        return "no route to host";
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return "network is unreachable";
    default:
        return strerror(failed);
    }
}

/* This machine cannot go there at all, as with IPv6 switched off: says less than what another address answered. */
static bool
is_our_lack(int failed)
{
    return failed == ENETUNREACH || failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT;
}

/* "connection refused (127.0.0.1:9000, [::1]:9000)": the first failure that says something, and all that failed so. */
static void
explain(const struct dial *d, struct error *err)
{
    char     list[3 * ADDRESS_TEXT] = "", one[ADDRESS_TEXT];
    unsigned told                   = 0;

    while (told + 1 < d->begun && is_our_lack(d->attempts[told].failed))
        told++;
    for (unsigned i = 0; i < d->begun; i++) {
        size_t len = strlen(list);
        if (d->attempts[i].failed != d->attempts[told].failed || len > 2 * ADDRESS_TEXT)
            continue;
        address_format(&d->addresses.items[i], one);
        snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? ", " : "", one);
    }
    error_set(err, ERROR_UNREACHABLE, "%s (%s)", words_for(d->attempts[told].failed), list);
}

static void
finish(struct dial *d, int fd, const struct error *err)
{
    void (*done)(void *owner, int fd, const struct error *err) = d->done;
    void *owner                                                = d->owner;

    free_dial(d);
    done(owner, fd, err);
}

static int
open_socket(const union address *to)
{
    int one = 1, idle = 60, between = 15, tries = 4;
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* A stream may be silent for hours: a peer that vanished is noticed after two minutes. */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
    return fd;
}

static void on_writable(void *owner, int events);

/* False: it failed at once, `failed` says why. */
static bool
begin_attempt(struct dial *d, struct attempt *a, const union address *to)
{
    socklen_t len = to->any.sa_family == AF_INET ? sizeof to->v4 : sizeof to->v6;
    int       fd  = open_socket(to);

    *a = (struct attempt){.dial = d, .fd = fd};
    if (fd < 0 || (connect(fd, &to->any, len) != 0 && errno != EINPROGRESS)) {
        a->failed = errno;
        if (fd >= 0)
            close(fd);
        return false;
    }
    a->poll = poll_new(d->loop, fd, on_writable, a, NULL);
    if (a->poll == NULL) {
        a->failed = ENOMEM;
        close(fd);
        return false;
    }
    poll_set(a->poll, UV_WRITABLE);
    return true;
}

static bool
any_is_open(const struct dial *d)
{
    for (unsigned i = 0; i < d->begun; i++)
        if (d->attempts[i].poll != NULL)
            return true;
    return false;
}

/* Begins with the next address; past the last one, waits for those begun. Calls nobody. */
static void
go_on(struct dial *d)
{
    while (d->begun < d->addresses.count) {
        unsigned i = d->begun++;
        if (begin_attempt(d, &d->attempts[i], &d->addresses.items[i])) {
            if (d->begun < d->addresses.count)
                loop_set_timer(d->loop, &d->next, clock_mono() + DIAL_HEAD_START);
            return;
        }
    }
    if (!any_is_open(d))
        loop_set_timer(d->loop, &d->next, 0);
}

static void
on_next(struct timer *t)
{
    struct dial *d   = LIST_OF(struct dial, t, next);
    struct error err = {0};

    if (d->begun < d->addresses.count || any_is_open(d)) {
        go_on(d);
        return;
    }
    explain(d, &err);
    finish(d, -1, &err);
}

static void
on_writable(void *owner, int events)
{
    struct attempt *a   = owner;
    struct dial    *d   = a->dial;
    socklen_t       len = sizeof a->failed;
    struct error    err = {0};

    (void)events;
    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &a->failed, &len) != 0)
        a->failed = errno;
    if (a->failed == 0) {
        struct poll *poll = a->poll;
        a->poll           = NULL;
        finish(d, poll_release(poll), NULL);
        return;
    }
    poll_close(a->poll);
    a->poll = NULL;
    if (d->begun < d->addresses.count) {
        go_on(d);
    } else if (!any_is_open(d)) {
        explain(d, &err);
        finish(d, -1, &err);
    }
}

struct dial *
dial_start(struct loop *loop, const struct addresses                        *addresses,
           void (*done)(void *owner, int fd, const struct error *err), void *owner, struct error *err)
{
    struct dial *d = calloc(1, sizeof *d);

    if (d == NULL) {
        error_set(err, ERROR_MEMORY, "no memory to connect");
        return NULL;
    }
    *d = (struct dial){.loop = loop, .addresses = *addresses, .done = done, .owner = owner};
    timer_init(&d->next, on_next);
    live_begin(LIVE_DIALS);
    go_on(d);
    return d;
}
