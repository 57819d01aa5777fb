/* tests/unit/http/wire.h: a loop, a net and plain sockets to play the other end by hand, all on one thread. */
#ifndef GATEHOUSE_TESTS_UNIT_HTTP_WIRE_H
#define GATEHOUSE_TESTS_UNIT_HTTP_WIRE_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "http/net.h"
#include "test.h"

struct wire {
    struct loop   loop;
    struct budget budget;
    struct net    net;
};

static inline void
wire_init(struct wire *w)
{
    struct error err = {0};

    *w = (struct wire){.budget = {.max = MIB(64)}};
    assert_true(loop_init(&w->loop, &err));
    assert_true(net_init(&w->net, &w->loop, &w->budget, &err));
}

static inline void
wire_clear(struct wire *w)
{
    net_clear(&w->net);
    loop_clear(&w->loop);
    assert_int_equal(w->budget.taken, 0);
}

/* Turns the loop until `expression` holds; fails after five seconds. */
#define WAIT_FOR(w, expression)                                                                                        \
    do {                                                                                                               \
        mono_time until_ = clock_mono() + SECONDS(5);                                                                  \
        while (!(expression)) {                                                                                        \
            if (clock_mono() > until_)                                                                                 \
                fail_msg("waited in vain for %s", #expression);                                                        \
            loop_turn(&(w)->loop, MILLISECONDS(5));                                                                    \
        }                                                                                                              \
    } while (0)

/* A few turns in which nothing is to be expected. */
static inline void
wire_rest(struct wire *w)
{
    for (int i = 0; i < 5; i++)
        loop_turn(&w->loop, MILLISECONDS(2));
}

static inline int
wire_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(fd_set_nonblocking(fd));
    return fd;
}

/* Writes all, turning the loop when the kernel takes no more; a peer that closes ends it. */
static inline void
wire_send(struct wire *w, int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t put = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (put > 0)
            bytes = str_skip(bytes, (size_t)put);
        else if (errno == EAGAIN)
            loop_turn(&w->loop, MILLISECONDS(5));
        else
            return;
    }
}

/* What has come, appended; true at the end of the stream, or after a reset (`*reset`, may be NULL). */
static inline bool
wire_read(int fd, struct buffer *into, bool *reset)
{
    for (;;) {
        assert_true(buffer_reserve(into, 65536));
        ssize_t got = recv(fd, buffer_space(into), 65536, 0);
        if (got > 0) {
            buffer_added(into, (size_t)got);
            continue;
        }
        if (got < 0 && errno == EAGAIN)
            return false;
        if (reset != NULL)
            *reset = got < 0;
        return true;
    }
}

static inline bool
wire_has(int fd, struct buffer *into, const char *text)
{
    wire_read(fd, into, NULL);
    return str_find(buffer_str(into), str_from(text)) >= 0;
}

#endif
