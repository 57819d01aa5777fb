/* tests/unit/mcp/client/ways.h: a server of HTTP, played by hand on sockets, and boxes into which mails tell what comes
 * back. All on one loop. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_CLIENT_WAYS_H
#define GATEHOUSE_TESTS_UNIT_MCP_CLIENT_WAYS_H

#include "http/wire.h"
#include "mcp/client/way.h"
#include "mcp/http_back.h"
#include "test.h"

enum { PEERS = 8, CLOSES = 64 };

struct ways {
    struct wire          wire;
    struct http_client  *client;
    struct http_upstream upstream;
    struct exchanges     exchanges;
    struct arena        *scratch;
    struct way          *way; /* NULL once it is freed */
    char                 url[64];
    int                  listener;
    int                  peers[PEERS]; /* connections, in the order in which they came */
    struct buffer        asked[PEERS]; /* what came on each */
    size_t               peer_count, closed;
    enum close_reason    why[CLOSES]; /* in the order of closing */
    struct buffer        noted;       /* on record: "<" or ">" before each message */
};

static struct ways ways;

/* What came back for one mail. */
struct box {
    struct mail      *mail;
    struct buffer     got; /* messages, each on a line */
    char              session[64], words[400], last_event[64], challenge[200];
    int               heads, status, ends;
    enum close_reason why;
    mono_time         retry;
    bool              is_stream;
    void (*on_each)(struct box *b, const struct envelope *e); /* NULL: nothing more */
    void (*on_over)(struct box *b);
};

static inline void
box_head(void *owner, int status, struct str session)
{
    struct box *b = owner;

    b->heads++;
    b->status = status;
    snprintf(b->session, sizeof b->session, "%.*s", STR_ARG(session));
}

static inline void
box_message(void *owner, const struct envelope *e)
{
    struct box *b = owner;

    assert_int_equal(b->ends, 0);
    buffer_append(&b->got, e->message);
    buffer_append_char(&b->got, '\n');
    if (b->on_each != NULL)
        b->on_each(b, e);
}

static inline void
box_challenge(void *owner, struct str challenge)
{
    struct box *b = owner;

    assert_int_equal(b->ends, 0);
    snprintf(b->challenge, sizeof b->challenge, "%.*s", STR_ARG(challenge));
}

static inline void
box_end(void *owner, const struct mail_end *end)
{
    struct box *b = owner;

    b->ends++;
    b->why       = end->why;
    b->status    = end->status;
    b->retry     = end->retry;
    b->is_stream = end->is_stream;
    snprintf(b->words, sizeof b->words, "%s", end->words);
    snprintf(b->last_event, sizeof b->last_event, "%.*s", STR_ARG(end->last_event));
    if (b->on_over != NULL)
        b->on_over(b);
}

static const struct mail_events box_events = {box_head, box_message, box_end, box_challenge};

static inline void
ways_note(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)continues;
    buffer_append_char(&ways.noted, from == FROM_CLIENT ? '>' : '<');
    buffer_append(&ways.noted, bytes);
}

static inline void
ways_close(struct exchange *x, enum close_reason why)
{
    (void)x;
    assert_true(ways.closed < CLOSES);
    ways.why[ways.closed++] = why;
}

static inline void
ways_begin(void)
{
    static const struct http_header own[] = {{{"X-Key", 5}, {"of the entry", 12}}};
    struct sockaddr_in              at    = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t                       len   = sizeof at;

    ways = (struct ways){.noted = {.max = MIB(8)}};
    wire_init(&ways.wire);
    exchanges_init(&ways.exchanges, &ways.wire.loop,
                   &(struct exchange_hooks){.on_message = ways_note, .on_close = ways_close});
    ways.scratch  = arena_new(KIB(8), MIB(8));
    ways.client   = http_client_new(&ways.wire.net, &http_client_limits_default, NULL);
    ways.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(ways.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(ways.listener, 8), 0);
    assert_int_equal(getsockname(ways.listener, (struct sockaddr *)&at, &len), 0);
    snprintf(ways.url, sizeof ways.url, "http://127.0.0.1:%u/v1/mcp?k=v", ntohs(at.sin_port));
    ways.upstream = (struct http_upstream){
        .loop = &ways.wire.loop, .client = ways.client, .headers = own, .header_count = 1, .message_max = KIB(256)};
    list_init(&ways.upstream.tellings);
    assert_true(http_url_parse(str_from(ways.url), &ways.upstream.url, NULL));
    ways.upstream.origin = http_client_origin(ways.client, &ways.upstream.url, NULL);
}

static inline void
ways_free_way(void)
{
    if (ways.way != NULL)
        ways.way->ops->free(ways.way);
    ways.way = NULL;
}

static inline void
ways_finish(void)
{
    ways_free_way();
    exchanges_clear(&ways.exchanges);
    http_upstream_clear(&ways.upstream);
    http_origin_release(ways.upstream.origin);
    http_client_free(ways.client);
    for (size_t i = 0; i < PEERS; i++) {
        buffer_clear(&ways.asked[i]);
        if (i < ways.peer_count && ways.peers[i] >= 0)
            close(ways.peers[i]);
    }
    if (ways.listener >= 0)
        close(ways.listener);
    arena_free(ways.scratch);
    buffer_clear(&ways.noted);
    wire_clear(&ways.wire);
}

#define WAYS_WAIT(expression) WAIT_FOR(&ways.wire, expression)

/* Whether the server has `text`, on its connection number `peer`. */
static inline bool
ways_heard(size_t peer, const char *text)
{
    if (ways.peer_count <= peer) {
        int fd = accept4(ways.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return false;
        ways.asked[ways.peer_count].max = MIB(8);
        ways.peers[ways.peer_count++]   = fd;
        return false;
    }
    return wire_has(ways.peers[peer], &ways.asked[peer], text);
}

static inline void
ways_say(size_t peer, const char *text)
{
    wire_send(&ways.wire, ways.peers[peer], str_from(text));
}

static inline void
ways_hang_up(size_t peer)
{
    close(ways.peers[peer]);
    ways.peers[peer] = -1;
}

/* Whether we closed the connection. */
static inline bool
ways_is_left(size_t peer)
{
    return wire_read(ways.peers[peer], &ways.asked[peer], NULL);
}

/* As if so much time had passed. */
static inline void
ways_pass(mono_time time)
{
    timer_wheel_tick(&ways.wire.loop.timers, clock_mono() + time);
}

static inline bool
ways_noted(const char *text)
{
    return str_find(buffer_str(&ways.noted), str_from(text)) >= 0;
}

static inline void
box_send(struct box *b, const struct mail_spec *spec)
{
    struct error err = {0};

    b->got.max = MIB(1);
    b->mail    = way_send(ways.way, spec, &box_events, b, &err);
    if (b->mail == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(b->ends, 0);
}

static inline void
box_request(struct box *b, const char *message)
{
    box_send(b, &(struct mail_spec){.kind = KIND_REQUEST, .message = str_from(message), .patience = SECONDS(3)});
}

static inline void
box_assert(struct box *b, const char *got)
{
    if (!str_eq(buffer_str(&b->got), str_from(got)))
        fail_msg("got \"%.*s\", wanted \"%s\"", STR_ARG(buffer_str(&b->got)), got);
    buffer_clear(&b->got);
}

#endif
