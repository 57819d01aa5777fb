#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "http/link.h"

enum { ACCEPTS_A_TURN = 64, BACKLOG = 1024, COMMON_MAX = 16 << 10 };

#define SPARED       SECONDS(1)
#define ACCEPT_PAUSE MILLISECONDS(100) /* after the system had no descriptor or memory for us */

const struct http_limits http_limits_default = {
    .header_bytes = KIB(64),
    .body_bytes   = MIB(10),
    .headers      = 200,
    .connections  = 4096,
    .header_read  = SECONDS(10),
    .body_read    = SECONDS(60),
    .body_whole   = SECONDS(300),
    .idle         = SECONDS(75),
    .send         = SECONDS(60),
};

/* ---- accepting ---- */

static void
set_accepting(struct http_server *s, bool on)
{
    s->accepting = on;
    for (size_t i = 0; i < s->listener_count; i++)
        poll_set(s->listeners[i].poll, on ? UV_READABLE : 0);
}

/* Connections that finish still hold a descriptor each. */
static bool
is_at_limit(const struct http_server *s)
{
    return s->open + s->net->finishing_count >= s->limits.connections;
}

/* Who leaves at the limit: the connection that has been idle longest of those that never asked anything; else one that
 * has been idle, or at its head, for SPARED: a crowd does not drive out those who work here. NULL: none now. */
static struct link *
least_needed(struct http_server *s)
{
    struct link *idle = NULL;
    struct list *head = list_first(&s->in_state[LINK_HEAD]);
    struct link *slow = head == NULL ? NULL : LIST_OF(struct link, head, node);

    LIST_EACH (struct link, l, &s->in_state[LINK_IDLE], node) {
        if (buffer_len(&l->ahead) > 0 || conn_queued(l->conn) > 0)
            continue;
        if (!l->served)
            return l;
        if (idle == NULL)
            idle = l;
    }
    if (slow != NULL && net_now(s->net) - slow->request.began > SPARED)
        return slow;
    return idle != NULL && net_now(s->net) - idle->since > SPARED ? idle : NULL;
}

static void
make_room(struct http_server *s)
{
    struct link *l = least_needed(s);

    if (l != NULL)
        link_cut(l);
}

/* The system is out of descriptors or memory: whoever waits stays in the backlog for a moment. */
static void
pause_accepting(struct http_server *s)
{
    make_room(s);
    set_accepting(s, false);
    loop_set_timer(s->net->loop, &s->retry, net_now(s->net) + ACCEPT_PAUSE);
}

/* Told by whoever listens here that it may not speak to us: no connection is made of it. */
static void
turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void
accept_some(void *owner, int events)
{
    struct listener    *listener = owner;
    struct http_server *s        = listener->server;
    int                 on       = 1;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && s->accepting; i++) {
        if (is_at_limit(s) && least_needed(s) == NULL) {
            set_accepting(s, false); /* until one closes or can be spared: see end_turn */
            loop_set_timer(s->net->loop, &s->look, net_now(s->net) + SPARED / 4);
            return;
        }
        union http_address peer = {0};
        socklen_t          len  = sizeof peer;
        int                fd   = accept4(listener->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            pause_accepting(s);
            return;
        }
        if (fd < 0) /* it left before we came */
            continue;
        if (s->events->may_connect != NULL && !s->events->may_connect(s->owner, fd)) {
            turn_away(fd);
            continue;
        }
        if (is_at_limit(s))
            make_room(s);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!link_new(s, fd, &peer)) {
            pause_accepting(s);
            return;
        }
    }
}

static void
on_retry(struct timer *t)
{
    struct http_server *s = LIST_OF(struct http_server, t, retry);

    if (!s->draining)
        set_accepting(s, true);
}

/* There is a turn, at the end of which is seen whether one can be spared now. */
static void
on_look(struct timer *t)
{
    struct http_server *s = LIST_OF(struct http_server, t, look);

    if (!s->accepting)
        loop_set_timer(s->net->loop, t, net_now(s->net) + SPARED / 4);
}

/* ---- the turn's end ---- */

static bool
end_turn(struct loop_hook *hook)
{
    struct http_server *s = LIST_OF(struct http_server, hook, hook);
    struct list         batch;
    struct list        *node;
    bool                worked = false;

    list_init(&batch);
    list_splice(&batch, &s->resumable);
    while ((node = list_first(&batch)) != NULL) {
        list_remove(node);
        link_resume(LIST_OF(struct link, node, resume));
        worked = true;
    }
    while ((node = list_first(&s->in_state[LINK_CLOSED])) != NULL)
        link_free(LIST_OF(struct link, node, node));
    if (!list_is_empty(&s->resumable)) /* the rounds of a turn are few: see to another turn */
        loop_set_timer(s->net->loop, &s->retry, net_now(s->net));
    if (!s->accepting && !s->draining && !timer_is_set(&s->retry) && (!is_at_limit(s) || least_needed(s) != NULL))
        set_accepting(s, true);
    if (s->draining && s->open == 0 && s->on_drained != NULL && s->net->finishing_count == 0) {
        void (*done)(void *) = s->on_drained;
        s->on_drained        = NULL;
        done(s->owner); /* may free the server */
        return true;
    }
    return worked;
}

/* ---- the server ---- */

struct http_server *
http_server_new(struct net *net, const struct http_limits *limits, struct str fixed_headers,
                const struct http_server_events *events, void *owner, struct error *err)
{
    struct http_server *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for the HTTP server");
        return NULL;
    }
    s->net       = net;
    s->limits    = *limits;
    s->events    = events;
    s->owner     = owner;
    s->fixed     = (struct buffer){.max = COMMON_MAX};
    s->common    = (struct buffer){.max = COMMON_MAX + 64};
    s->hook      = (struct loop_hook){.run = end_turn};
    s->accepting = true;
    for (size_t i = 0; i < LINK_STATES; i++)
        list_init(&s->in_state[i]);
    list_init(&s->resumable);
    timer_init(&s->retry, on_retry);
    timer_init(&s->look, on_look);
    list_init(&s->hook.node);
    if (!buffer_append(&s->fixed, fixed_headers) || !buffer_reserve(&s->common, fixed_headers.len + 64)) {
        error_set(err, ERROR_MEMORY, "no memory for the HTTP server");
        http_server_free(s);
        return NULL;
    }
    loop_add_hook(net->loop, &s->hook);
    return s;
}

static int
listen_on(const char *address, uint16_t port, struct error *err)
{
    union http_address at  = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    socklen_t          len = sizeof at.v6;
    int                on  = 1;

    if (inet_pton(AF_INET6, address, &at.v6.sin6_addr) != 1) {
        at  = (union http_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
        len = sizeof at.v4;
        if (inet_pton(AF_INET, address, &at.v4.sin_addr) != 1) {
            error_set(err, ERROR_INVALID, "%s is not a numeric address to listen on", address);
            return -1;
        }
    }
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_set_errno(err, errno, "listening on %s port %u", address, port);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &at.any, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error_set_errno(err, errno, "listening on %s port %u", address, port);
    close(fd);
    return -1;
}

bool
http_server_listen(struct http_server *s, const char *address, uint16_t port, uint16_t *bound, struct error *err)
{
    struct listener   *listener = &s->listeners[s->listener_count];
    union http_address at       = {0};
    socklen_t          len      = sizeof at;

    if (s->listener_count == LISTENERS_MAX)
        return error_set(err, ERROR_FULL, "listening on more than %d addresses", LISTENERS_MAX);
    int fd = listen_on(address, port, err);
    if (fd < 0)
        return false;
    *listener = (struct listener){.server = s, .fd = fd};
    if (getsockname(fd, &at.any, &len) == 0 && bound != NULL)
        *bound = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    listener->poll = poll_new(s->net->loop, fd, accept_some, listener, err);
    if (listener->poll == NULL) {
        close(fd);
        return false;
    }
    s->listener_count++;
    if (s->accepting)
        poll_set(listener->poll, UV_READABLE);
    return true;
}

void
http_server_set_limits(struct http_server *s, const struct http_limits *limits)
{
    s->limits = *limits;
}

size_t
http_server_connections(const struct http_server *s)
{
    return s->open;
}

static void
stop_listening(struct http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        poll_close(s->listeners[i].poll);
    s->listener_count = 0;
    s->accepting      = false;
    loop_clear_timer(s->net->loop, &s->retry);
    loop_clear_timer(s->net->loop, &s->look);
}

void
http_server_drain(struct http_server *s, void (*done)(void *owner))
{
    s->draining   = true;
    s->on_drained = done;
    stop_listening(s);
    LIST_EACH (struct link, l, &s->in_state[LINK_IDLE], node) {
        if (buffer_len(&l->ahead) > 0)
            continue; /* requests that were sent are answered, the first of them with "Connection: close" */
        if (conn_queued(l->conn) > 0)
            link_finish(l);
        else
            link_cut(l);
    }
}

void
http_server_free(struct http_server *s)
{
    struct list *node;

    if (s == NULL)
        return;
    stop_listening(s);
    for (size_t i = 0; i < LINK_CLOSED; i++)
        while ((node = list_first(&s->in_state[i])) != NULL)
            link_cut(LIST_OF(struct link, node, node));
    while ((node = list_first(&s->in_state[LINK_CLOSED])) != NULL)
        link_free(LIST_OF(struct link, node, node));
    loop_remove_hook(&s->hook);
    buffer_clear(&s->fixed);
    buffer_clear(&s->common);
    free(s);
}
