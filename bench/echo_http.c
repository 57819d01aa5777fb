/* bench/echo_http.c: the echo server over Streamable HTTP: epoll, one thread, any path.
 *
 *   echo_http [--port N] [--sessions] [--sse] [--streams] [--keep] [--wrong-every N]
 *
 * --port 0 (the default) picks one. On a line of stdout stands then: http://127.0.0.1:PORT/mcp
 * --sessions gives out a session id with `initialize` and wants it with everything else; --sse answers as event stream;
 * --streams holds an event stream open on GET, on which nothing comes (else GET is 405).
 * Ends with SIGTERM or when nobody holds its stdin any more, so that no test leaves one behind (--keep: not then).
 * --wrong-every N spoils the text of every N-th call: a client that checks its answers must notice. */
#include "echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSIONS_MAX 1000000

static bool          gives_sessions, answers_sse, holds_streams;
static unsigned long wrong_every, calls;

/* Session ids are echo-N; which of them have ended is all there is to remember. */
static bool    *session_ended;
static size_t   sessions;
static size_t   session_room;
static uint64_t process_mark; /* keeps the ids of one server from being taken for another's */

struct connection {
    int            fd;
    struct http_in in;
    struct bytes   out, answer;
    size_t         sent; /* of `out` */
    bool           waits_to_write, ends;
};

static void
session_new(char *id, size_t room)
{
    if (sessions == session_room) {
        size_t room_wanted = session_room == 0 ? 256 : session_room * 2;
        bool  *ended       = sessions >= SESSIONS_MAX ? NULL : realloc(session_ended, room_wanted * sizeof *ended);
        if (ended == NULL) {
            fprintf(stderr, "echo_http: too many sessions\n");
            exit(1);
        }
        session_ended = ended;
        session_room  = room_wanted;
    }
    session_ended[sessions] = false;
    snprintf(id, room, "echo-%08llx-%zu", (unsigned long long)process_mark, sessions);
    sessions++;
}

static bool
session_find(const char *id, size_t *number)
{
    char     prefix[32];
    char    *end = NULL;
    unsigned len = (unsigned)snprintf(prefix, sizeof prefix, "echo-%08llx-", (unsigned long long)process_mark);

    if (strncmp(id, prefix, len) != 0 || id[len] == '\0')
        return false;
    *number = strtoull(id + len, &end, 10);
    return *end == '\0' && *number < sessions && !session_ended[*number];
}

static void
add_plain(struct connection *c, const char *status, const char *more)
{
    bytes_addf(&c->out, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\n\r\n", status, more);
}

static void
add_answer(struct connection *c, const char *status, const char *session)
{
    static const char event[] = "event: message\ndata: ";
    struct span       body    = {c->answer.data, c->answer.len};

    bytes_addf(&c->out, "HTTP/1.1 %s\r\n", status);
    if (session[0] != '\0')
        bytes_addf(&c->out, "Mcp-Session-Id: %s\r\n", session);
    if (answers_sse) {
        bytes_addf(&c->out,
                   "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s",
                   sizeof event - 1 + body.len + 2, event);
        bytes_add(&c->out, body);
        bytes_add(&c->out, SPAN("\n\n\r\n0\r\n\r\n"));
    } else {
        bytes_addf(&c->out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body.len);
        bytes_add(&c->out, body);
    }
}

/* Changes the last letter of an echoed text. */
static void
spoil(struct bytes *message)
{
    static const char end[] = "\"}],\"isError\":false}}";
    size_t            len   = sizeof end - 1;

    if (message->len <= len || memcmp(message->data + message->len - len, end, len) != 0 || ++calls % wrong_every != 0)
        return;
    message->data[message->len - len - 1] ^= 1;
}

static void
answer_post(struct connection *c)
{
    char   session[64] = "";
    size_t number      = 0;

    c->answer.len = 0;
    switch (echo_answer(c->in.body, &c->answer)) {
    case ECHO_BAD:
        add_answer(c, "400 Bad Request", "");
        return;
    case ECHO_INITIALIZE:
        if (gives_sessions)
            session_new(session, sizeof session);
        add_answer(c, "200 OK", session);
        return;
    case ECHO_SILENT:
    case ECHO_ANSWERED:
        break;
    }
    if (wrong_every > 0)
        spoil(&c->answer);
    if (gives_sessions && !session_find(c->in.session, &number))
        add_plain(c, c->in.session[0] == '\0' ? "400 Bad Request" : "404 Not Found", "");
    else if (c->answer.len == 0)
        add_plain(c, "202 Accepted", "");
    else
        add_answer(c, "200 OK", "");
}

static void
answer_delete(struct connection *c)
{
    size_t number = 0;

    if (!gives_sessions) {
        add_plain(c, "405 Method Not Allowed", "Allow: POST\r\n");
    } else if (!session_find(c->in.session, &number)) {
        add_plain(c, "404 Not Found", "");
    } else {
        session_ended[number] = true;
        add_plain(c, "200 OK", "");
    }
}

static void
answer_get(struct connection *c)
{
    size_t number = 0;

    if (!holds_streams)
        add_plain(c, "405 Method Not Allowed", "Allow: POST, DELETE\r\n");
    else if (gives_sessions && !session_find(c->in.session, &number))
        add_plain(c, "404 Not Found", "");
    else
        bytes_add(&c->out, SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n"));
}

static void
answer(struct connection *c)
{
    if (strcmp(c->in.method, "POST") == 0)
        answer_post(c);
    else if (strcmp(c->in.method, "DELETE") == 0)
        answer_delete(c);
    else if (strcmp(c->in.method, "GET") == 0)
        answer_get(c);
    else
        add_plain(c, "405 Method Not Allowed", "Allow: GET, POST, DELETE\r\n");
    c->ends = c->in.closes;
}

static void
connection_free(struct connection *c)
{
    close(c->fd);
    http_clear(&c->in);
    bytes_clear(&c->out);
    bytes_clear(&c->answer);
    free(c);
}

/* False when the connection is over. What the socket does not take now waits, and nothing more is read until then. */
static bool
flush(struct connection *c, int epoll)
{
    while (c->sent < c->out.len) {
        ssize_t len = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (len < 0 && errno != EAGAIN)
            return false;
        if (len < 0)
            break;
        c->sent += (size_t)len;
    }

    bool waits = c->sent < c->out.len;
    if (waits != c->waits_to_write) {
        struct epoll_event event = {.events = waits ? EPOLLOUT : EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        c->waits_to_write = waits;
    }
    if (waits)
        return true;
    c->out.len = c->sent = 0;
    return !c->ends;
}

static bool
serve(struct connection *c, int epoll)
{
    enum http_step step = HTTP_MORE;

    while (!c->ends && (step = http_step(&c->in)) == HTTP_DONE) {
        answer(c);
        http_next(&c->in);
    }
    if (step == HTTP_BROKEN) {
        add_plain(c, "400 Bad Request", "Connection: close\r\n");
        c->ends = true;
    }
    if (step == HTTP_MORE && c->in.wants_continue) {
        bytes_add(&c->out, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
        c->in.wants_continue = false;
    }
    return flush(c, epoll);
}

static bool
receive(struct connection *c, int epoll)
{
    ssize_t len = recv(c->fd, bytes_room(&c->in.in, 65536), 65536, 0);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR;
    if (len == 0)
        return false;
    c->in.in.len += (size_t)len;
    return serve(c, epoll);
}

static bool
go_on(struct connection *c, int epoll)
{
    if (!c->waits_to_write)
        return receive(c, epoll);
    if (!flush(c, epoll))
        return false;
    return c->waits_to_write || serve(c, epoll); /* requests that came meanwhile stand in `in` */
}

static void
accept_all(int listener, int epoll)
{
    int fd, one = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL) {
            close(fd);
            return;
        }
        c->fd                    = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int
listen_on(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof at;
    int                one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 4096) < 0) {
        perror("echo_http: listening");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&at, &len);
    printf("http://127.0.0.1:%d/mcp\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void
run(int listener, bool ends_with_stdin)
{
    static int         is_listener, is_stdin; /* addresses to tell these two by */
    int                epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &is_listener}, events[256];

    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &is_stdin;
    if (ends_with_stdin)
        epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event); /* fails for a file and for /dev/null: no harm */

    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            char               ignored[256];

            if (events[i].data.ptr == &is_listener) {
                accept_all(listener, epoll);
            } else if (events[i].data.ptr == &is_stdin) {
                if (read(STDIN_FILENO, ignored, sizeof ignored) == 0)
                    return;
            } else if (!go_on(c, epoll)) {
                connection_free(c);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    uint16_t port            = 0;
    bool     ends_with_stdin = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = (uint16_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--sessions") == 0) {
            gives_sessions = true;
        } else if (strcmp(argv[i], "--sse") == 0) {
            answers_sse = true;
        } else if (strcmp(argv[i], "--streams") == 0) {
            holds_streams = true;
        } else if (strcmp(argv[i], "--keep") == 0) {
            ends_with_stdin = false;
        } else if (strcmp(argv[i], "--wrong-every") == 0 && i + 1 < argc) {
            wrong_every = strtoul(argv[++i], NULL, 10);
        } else {
            fprintf(stderr,
                    "usage: echo_http [--port N] [--sessions] [--sse] [--streams] [--keep] [--wrong-every N]\n");
            return 2;
        }
    }
    allow_many_files();
    signal(SIGPIPE, SIG_IGN);
    process_mark = (uint64_t)getpid();
    run(listen_on(port), ends_with_stdin);
    return 0;
}
