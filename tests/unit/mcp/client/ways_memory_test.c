/* A way whose memory runs out at any point tells of each mail one end, or that it was not sent, and holds nothing
 * after.
 */
#include "base/live.h"
#include "each_failure.h"
#include "mcp/client/way_http.h"
#include "mcp/client/way_sse.h"
#include "mcp/client/ways.h"

#define OPENS  "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\"}"
#define OPENED "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}"
#define ASKS   "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":{}}"
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

static const struct way_hooks hooks;

/* The server: each connection is answered by the first line of its request, and closed unless it is the stream. */
struct part {
    const char *begin, *answer;
    bool        stays;
};

struct server {
    const struct part *parts;
    int                fds[PEERS];
    size_t             count;
    int                stream; /* -1: none */
};

static struct server server;

static void
take_connection(void)
{
    int fd = accept4(ways.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        server.fds[server.count++] = fd;
    assert_true(server.count < PEERS);
}

/* What is asked comes in one piece here, or nothing does yet. */
static bool
answer(int fd)
{
    char    text[4096];
    ssize_t got = recv(fd, text, sizeof text - 1, 0);

    if (got <= 0)
        return got == 0;
    text[got] = '\0';
    for (const struct part *p = server.parts; p->begin != NULL; p++) {
        if (strncmp(text, p->begin, strlen(p->begin)) != 0)
            continue;
        assert_true(send(fd, p->answer, strlen(p->answer), MSG_NOSIGNAL) > 0);
        server.stream = p->stays ? fd : server.stream;
        return !p->stays;
    }
    return true;
}

static void
serve(void)
{
    take_connection();
    for (size_t i = 0; i < server.count; i++)
        if (server.fds[i] != server.stream && answer(server.fds[i])) {
            close(server.fds[i]);
            server.fds[i--] = server.fds[--server.count];
        }
}

static int messages;

static void
count_message(void *owner, const struct envelope *e)
{
    (void)owner, (void)e;
    messages++;
}

static const struct mail_events counting = {box_head, count_message, box_end};

/* One request, to its end. */
static bool
asks(struct way *(*make)(void), const struct part *parts, int expected)
{
    struct box   b   = {0};
    struct error err = {0};

    server      = (struct server){.parts = parts, .stream = -1};
    messages    = 0;
    ways.closed = 0;
    ways.way    = make();
    if (ways.way != NULL)
        b.mail =
            way_send(ways.way, &(struct mail_spec){.kind = KIND_REQUEST, .message = STR(OPENS), .patience = SECONDS(3)},
                     &counting, &b, &err);
    for (mono_time until = clock_mono() + SECONDS(4); b.mail != NULL && b.ends == 0 && clock_mono() < until;) {
        serve();
        loop_turn(&ways.wire.loop, MILLISECONDS(1));
    }
    assert_true(b.mail != NULL ? b.ends == 1 : ways.way == NULL || err.code == ERROR_MEMORY);
    ways_free_way();
    for (size_t i = 0; i < server.count; i++)
        close(server.fds[i]);
    wire_rest(&ways.wire);
    assert_int_equal(b.ends, b.mail != NULL);
    assert_int_equal(ways.exchanges.open, 0);
    assert_int_equal(live_counts[LIVE_MAILS], 0);
    assert_int_equal(live_counts[LIVE_TELLINGS], 0);
    return b.mail != NULL && b.why == CLOSE_ANSWERED && messages == expected;
}

static struct way *
make_http(void)
{
    return way_http_new(&ways.exchanges, &ways.upstream, &hooks, ways.scratch);
}

static struct way *
make_sse(void)
{
    return way_sse_new(&ways.exchanges, &ways.upstream, &hooks);
}

static bool
asks_in_json(void *arg)
{
    static const struct part parts[] = {{"POST ",
                                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                         "Content-Length: 36\r\n\r\n" OPENED,
                                         false},
                                        {0}};
    (void)arg;
    return asks(make_http, parts, 1);
}

static bool
asks_on_a_stream(void *arg)
{
    static const struct part parts[] = {{"POST ", STREAM "id: 1\ndata: " ASKS "\n\nid: 2\ndata: " OPENED "\n\n", false},
                                        {0}};

    (void)arg;
    return asks(make_http, parts, 2);
}

static bool
asks_beside_a_stream(void *arg)
{
    static const struct part parts[] = {
        {"GET ", STREAM "event: endpoint\ndata: /m\n\n: so that it is there: \n\nevent: message\ndata: " ASKS "\n\n",
         true},
        {"POST ", "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
        {0}};

    (void)arg;
    return asks(make_sse, parts, 1) || (messages <= 1 && ways.closed == 1 && ways.why[0] == CLOSE_ANSWERED);
}

static void
under_each_failure(bool (*attempt)(void *arg))
{
    ways_begin();
    assert_true(attempt(NULL)); /* what is kept from one to the next is there */
    assert_each_failure(attempt, NULL);
    ways_finish();
}

TEST(memory_that_runs_out_ends_a_request_answered_in_json)
{
    under_each_failure(asks_in_json);
}

TEST(memory_that_runs_out_ends_a_request_answered_on_a_stream)
{
    under_each_failure(asks_on_a_stream);
}

TEST(memory_that_runs_out_ends_a_request_beside_a_stream)
{
    under_each_failure(asks_beside_a_stream);
}
