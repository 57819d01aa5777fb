/* Whatever a server says to a client of ours, over Streamable HTTP or HTTP+SSE: each mail has one end or is dropped, an
 * endpoint stays at its origin, and nothing is held after.
 *
 * The first byte chooses the way (1: HTTP+SSE) and how the server begins (2: with a head of its own, 4: an event
 * stream, else JSON); the second what is done in the callbacks, two bits each: nothing, drop, free the way, send one
 * more. Then come the server's bytes, cut where a line of them is "~". */
#include <assert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/live.h"
#include "mcp/client/endpoint_url.h"
#include "mcp/client/way_http.h"
#include "mcp/client/way_sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAILS = 6, CALLERS = 8, ROUNDS = 12 };

#define OPENS "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"_meta\":{\"progressToken\":0}}}"
#define REPLY "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}"

static struct loop          loop;
static struct budget        budget = {.max = MIB(16)};
static struct net           net;
static struct http_client  *client;
static struct http_upstream upstream;
static struct exchanges     exchanges;
static struct arena        *scratch;
static int                  listener;
static char                 url[64];

static struct way *way;
static unsigned    acts;

static struct box {
    struct mail *mail; /* NULL: it has ended, or was never sent */
} boxes[MAILS];

static void on_head(void *owner, int status, struct str session);
static void on_message(void *owner, const struct envelope *e);
static void on_end(void *owner, const struct mail_end *end);

static const struct mail_events boxed = {on_head, on_message, on_end, NULL};

static void
send_mail(enum exchange_kind kind, const char *message)
{
    for (size_t i = 0; way != NULL && i < MAILS; i++) {
        if (boxes[i].mail != NULL)
            continue;
        boxes[i].mail = way_send(way,
                                 &(struct mail_spec){.kind     = kind,
                                                     .message  = str_from(message),
                                                     .patience = kind == KIND_STREAM ? 0 : SECONDS(3),
                                                     .session  = STR("s")},
                                 &boxed, &boxes[i], NULL);
        return;
    }
}

static void
free_way(void)
{
    struct way *old = way;

    way = NULL;
    if (old != NULL)
        old->ops->free(old);
    for (size_t i = 0; i < MAILS; i++)
        boxes[i].mail = NULL;
}

static void
act(struct box *b)
{
    unsigned what = acts & 3;

    acts >>= 2;
    if (what == 1 && b->mail != NULL) {
        way->ops->drop(b->mail, CLOSE_CANCELLED);
        b->mail = NULL;
    } else if (what == 2) {
        free_way();
    } else if (what == 3) {
        send_mail(KIND_REPLY, REPLY);
    }
}

static void
on_head(void *owner, int status, struct str session)
{
    struct box *b = owner;

    assert(b->mail != NULL && status >= 100 && (session.data != NULL || session.len == 0));
}

static void
on_message(void *owner, const struct envelope *e)
{
    struct box *b = owner;

    assert(b->mail != NULL && e->message.len > 0);
    act(b);
}

static void
on_end(void *owner, const struct mail_end *end)
{
    struct box *b = owner;

    assert(b->mail != NULL && end->words != NULL && end->retry >= -1);
    b->mail = NULL;
    act(b);
}

static void
forget_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
forget_end(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
}

static void
begin(void)
{
    static const struct exchange_hooks hooks = {.on_message = forget_message, .on_close = forget_end};
    struct sockaddr_in                 at    = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t                          len   = sizeof at;

    assert(loop_init(&loop, NULL) && net_init(&net, &loop, &budget, NULL));
    assert(exchanges_init(&exchanges, &loop, &hooks));
    scratch  = arena_new(KIB(8), MIB(16));
    client   = http_client_new(&net, &http_client_limits_default, NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 64) == 0);
    assert(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/mcp", ntohs(at.sin_port));
    upstream = (struct http_upstream){.loop = &loop, .client = client, .message_max = KIB(16)};
    list_init(&upstream.tellings);
    assert(http_url_parse(str_from(url), &upstream.url, NULL));
    upstream.origin = http_client_origin(client, &upstream.url, NULL);
}

/* What the server has left to say goes to its first caller, piece by piece. */
struct server {
    int         fds[CALLERS];
    size_t      count;
    struct str  rest;
    const char *head;
};

static void
take_callers(struct server *s)
{
    char text[4096];

    while (s->count < CALLERS && (s->fds[s->count] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        s->count++;
    for (size_t i = 0; i < s->count; i++)
        while (recv(s->fds[i], text, sizeof text, 0) > 0)
            ;
    for (size_t i = 1; i < s->count; i++) {
        static const char taken[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        (void)send(s->fds[i], taken, sizeof taken - 1, MSG_NOSIGNAL);
    }
}

static void
say_more(struct server *s)
{
    ptrdiff_t  cut  = str_find(s->rest, STR("\n~\n"));
    struct str said = cut < 0 ? s->rest : str_take(s->rest, (size_t)cut + 1);

    if (s->count == 0)
        return;
    if (s->head[0] != '\0')
        (void)send(s->fds[0], s->head, strlen(s->head), MSG_NOSIGNAL);
    s->head = "";
    (void)send(s->fds[0], said.data, said.len, MSG_NOSIGNAL);
    s->rest = str_skip(s->rest, said.len + 2);
}

static void
check_endpoint(struct str reference)
{
    struct buffer   text = {.max = KIB(16)};
    struct http_url at, again;

    if (endpoint_url_resolve(&upstream.url, str_take(reference, 4096), &text, &at, NULL)) {
        assert(at.port == upstream.url.port && !at.tls && str_eq_nocase(at.host, upstream.url.host));
        assert(http_url_parse(buffer_str(&text), &again, NULL) && str_eq(again.target, at.target));
    }
    buffer_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct way_hooks none;
    static const char *const      heads[] = {
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"};

    if (size < 2 || size > KIB(32))
        return 0;
    if (client == NULL)
        begin();
    unsigned      flags = data[0];
    struct server s     = {.rest = str_of((const char *)data + 2, size - 2),
                           .head = flags & 2 ? "" : heads[(flags & 4) != 0 || (flags & 1)]};
    check_endpoint(s.rest);
    acts = data[1];
    way  = flags & 1 ? way_sse_new(&exchanges, &upstream, &none) : way_http_new(&exchanges, &upstream, &none, scratch);
    send_mail(KIND_REQUEST, OPENS);
    if (flags & 1)
        send_mail(KIND_STREAM, "");
    for (int i = 0; i < ROUNDS; i++) {
        take_callers(&s);
        say_more(&s);
        loop_turn(&loop, 0);
    }
    free_way();
    for (size_t i = 0; i < s.count; i++)
        close(s.fds[i]);
    for (int i = 0; i < 3; i++)
        loop_turn(&loop, 0);
    for (mono_time at = loop.timers.ticked + SECONDS(30); exchanges.open > 0;) {
        timer_wheel_tick(&loop.timers, at);
        loop_turn(&loop, 0);
        at += SECONDS(30);
    }
    loop_turn(&loop, 0);
    http_client_drop_idle(client);
    assert(live_counts[LIVE_MAILS] == 0 && live_counts[LIVE_UPSTREAM_CALLS] == 0 && live_counts[LIVE_TELLINGS] == 0);
    return 0;
}
