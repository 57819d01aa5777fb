/* tests/unit/http/client_fixture.h: a client on a loop, and the other end of its connections, played by the test. */
#ifndef GATEHOUSE_TESTS_CLIENT_FIXTURE_H
#define GATEHOUSE_TESTS_CLIENT_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/client.h"

#include "test.h"

enum { TURNS_MAX = 10000 }; /* of half a millisecond or more: a test that waits longer has failed */

static struct loop         loop;
static struct net          net;
static struct http_client *client;
static int                 listener = -1;
static uint16_t            port;

/* What a call told its owner. */
struct heard {
    struct http_call *call;
    unsigned          heads, ends;
    int               status;
    char              type[64]; /* its Content-Type */
    struct buffer     body;
    uint64_t          bytes;
    bool              count_only; /* bodies too large to keep */
    struct error      err;        /* of the end; ERROR_NONE when the answer was whole */
    bool              cancel_in_head, cancel_in_data, cancel_in_end, pause_in_data, start_in_end;
    struct heard     *next; /* started in the end of this one */
};

/* One turn. It does not sleep when handles were closed in the one before, so the sleep is here. */
static inline void
turn(void)
{
    loop_turn(&loop, MILLISECONDS(1));
    usleep(500);
}

#define WAIT_FOR(condition)                                                                                            \
    do {                                                                                                               \
        int turns_ = 0;                                                                                                \
        while (!(condition)) {                                                                                         \
            if (++turns_ > TURNS_MAX)                                                                                  \
                fail_msg("line %d: waited in vain for %s", __LINE__, #condition);                                      \
            turn();                                                                                                    \
        }                                                                                                              \
    } while (0)

static inline void
turns(int count)
{
    for (int i = 0; i < count; i++)
        turn();
}

static inline void
begin(struct http_client_limits limits)
{
    struct sockaddr_in at  = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof at;

    assert_true(loop_init(&loop, NULL));
    assert_true(net_init(&net, &loop, NULL, NULL));
    client = http_client_new(&net, &limits, NULL);
    assert_non_null(client);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    port = ntohs(at.sin_port);
}

static inline void
finish(void)
{
    http_client_free(client);
    net_clear(&net);
    loop_clear(&loop);
    if (listener >= 0)
        close(listener);
    listener = -1;
}

/* Good until the next of them. */
static inline struct http_url
url_for(const char *scheme, const char *host)
{
    static char     text[128];
    struct http_url url;

    snprintf(text, sizeof text, "%s://%s:%u/mcp", scheme, host, port);
    assert_true(http_url_parse(str_from(text), &url, NULL));
    return url;
}

static inline struct http_call *start(struct heard *h, struct http_call_spec spec);

static inline void
on_head(void *owner, int status, const struct http_headers *headers)
{
    struct heard *h    = owner;
    struct str    type = http_header(headers, STR("content-type"));

    assert_non_null(h->call); /* never before http_call_start returned */
    assert_int_equal(h->heads++, 0);
    h->status = status;
    snprintf(h->type, sizeof h->type, "%.*s", STR_ARG(type));
    if (h->cancel_in_head)
        http_call_cancel(h->call);
}

static inline void
on_data(void *owner, struct str bytes)
{
    struct heard *h = owner;

    assert_int_equal(h->heads, 1);
    assert_int_equal(h->ends, 0);
    h->bytes += bytes.len;
    if (!h->count_only)
        assert_true(buffer_append(&h->body, bytes));
    if (h->pause_in_data)
        http_call_pause(h->call);
    if (h->cancel_in_data)
        http_call_cancel(h->call);
}

static inline void
on_end(void *owner, const struct error *err)
{
    struct heard *h = owner;

    assert_non_null(h->call);
    assert_int_equal(h->ends++, 0);
    if (err != NULL)
        h->err = *err;
    if (h->cancel_in_end)
        http_call_cancel(h->call);
    if (h->next != NULL)
        h->next->call = start(h->next, (struct http_call_spec){.method = HTTP_METHOD_GET});
}

static const struct http_call_events call_events = {on_head, on_data, on_end};

/* Starts a call to the listener, unless the spec has a URL. */
static inline struct http_call *
start(struct heard *h, struct http_call_spec spec)
{
    struct http_url url;
    struct error    err = {0};

    if (spec.url == NULL) {
        url      = url_for("http", "127.0.0.1");
        spec.url = &url;
    }
    h->body.max = MIB(4);
    h->call     = NULL;
    h->call     = http_call_start(client, &spec, &call_events, h, &err);
    if (h->call == NULL)
        h->err = err;
    return h->call;
}

static inline struct http_call *
post(struct heard *h, struct str body)
{
    struct http_call *c = start(h, (struct http_call_spec){.method = HTTP_METHOD_POST, .body = body});

    assert_non_null(c);
    return c;
}

static inline struct http_call *
get(struct heard *h)
{
    struct http_call *c = start(h, (struct http_call_spec){.method = HTTP_METHOD_GET, .repeatable = true});

    assert_non_null(c);
    return c;
}

static inline void
forget(struct heard *h)
{
    buffer_clear(&h->body);
    *h = (struct heard){0};
}

/* ---- the other end ---- */

static inline int
peer_accept(void)
{
    int fd = -1;

    WAIT_FOR((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    return fd;
}

static inline bool
peer_is_asked(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Reads until what came ends with `tail`. The result is NUL-terminated and static. */
static inline const char *
peer_read(int fd, const char *tail)
{
    static char text[65536];
    size_t      len = 0;

    memset(text, 0, sizeof text);
    for (int i = 0; i < TURNS_MAX; i++) {
        ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (got == 0)
            fail_msg("closed after \"%s\", waiting for \"%s\"", text, tail);
        if (got > 0)
            len += (size_t)got;
        if (str_ends(str_of(text, len), str_from(tail)))
            return text;
        turn();
    }
    fail_msg("got \"%s\", waited in vain for \"%s\"", text, tail);
    return text;
}

static inline void
peer_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The client's end of it is closed; nothing more was sent. */
static inline bool
peer_sees_close(int fd)
{
    char one;

    for (int i = 0; i < TURNS_MAX; i++) {
        ssize_t got = recv(fd, &one, 1, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return true;
        if (got > 0)
            return false;
        turn();
    }
    return false;
}

static inline bool
peer_is_open(int fd)
{
    char one;

    turns(5);
    return recv(fd, &one, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

#endif
