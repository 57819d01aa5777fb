/* tests/unit/mcp/relay.h: requests of a client, played by hand on a socket, become exchanges of a hop; their back is
 * the test's to choose. All on one loop. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_RELAY_H
#define GATEHOUSE_TESTS_UNIT_MCP_RELAY_H

#include "http/wire.h"
#include "mcp/hop.h"
#include "test.h"

enum { RELAYED_MAX = 8 };

struct relay {
    struct wire         wire;
    struct http_server *server;
    uint16_t            port;
    struct exchanges    exchanges;
    struct arena       *scratch;
    struct hop         *hop;             /* of the last request; good while one of its exchanges is open */
    struct exchange    *xs[RELAYED_MAX]; /* of the last request */
    size_t              count, closed, left;
    enum close_reason   why[RELAYED_MAX]; /* in the order of closing */
    bool                failed[RELAYED_MAX];
    struct buffer       noted; /* what was put on record: "<" or ">" before each message, or piece of one */
    int                 client;
    struct buffer       got; /* by the client */
    bool                is_over;
    void (*answer)(struct http_request *r);
};

static struct relay relay;

static inline void
relay_on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)continues;
    buffer_append_char(&relay.noted, from == FROM_CLIENT ? '>' : '<');
    buffer_append(&relay.noted, bytes);
}

static inline void
relay_on_close(struct exchange *x, enum close_reason why)
{
    assert_true(relay.closed < RELAYED_MAX);
    relay.failed[relay.closed] = x->failed;
    relay.why[relay.closed++]  = why;
}

static inline void
relay_on_left(struct exchange *x)
{
    relay.left++;
    exchange_close(x, CLOSE_CLIENT_LEFT);
}

static inline bool
relay_take(struct str message, void *arg)
{
    struct exchange *x = exchange_new(&relay.exchanges, KIND_REQUEST, NULL);

    (void)arg;
    assert_non_null(x);
    assert_true(envelope_parse(&x->message, message, x->arena, NULL));
    if (x->message.kind == MESSAGE_NOTIFICATION)
        x->kind = KIND_NOTIFICATION;
    x->patience             = SECONDS(30);
    relay.xs[relay.count++] = x;
    return true;
}

static inline void
relay_on_request(void *owner, struct http_request *r)
{
    (void)owner;
    relay.count = 0;
    if (r->method != HTTP_METHOD_POST)
        relay.xs[relay.count++] =
            exchange_new(&relay.exchanges, r->method == HTTP_METHOD_GET ? KIND_STREAM : KIND_DELETE, NULL);
    else if (message_is_batch(r->body))
        assert_true(batch_each(r->body, relay_take, NULL, NULL));
    else
        relay_take(r->body, NULL);
    relay.hop           = hop_new(&relay.wire.loop, r, relay_on_left);
    relay.hop->is_batch = message_is_batch(r->body);
    hop_set_server(relay.hop, STR("weather"));
    for (size_t i = 0; i < relay.count; i++) {
        hop_adopt(relay.hop, relay.xs[i]);
        assert_true(exchange_guard(relay.xs[i]));
    }
    relay.answer(r);
}

static inline void
relay_begin(void (*answer)(struct http_request *r))
{
    static const struct http_server_events events = {.on_request = relay_on_request};
    struct error                           err    = {0};

    relay = (struct relay){.answer = answer, .noted = {.max = MIB(8)}, .got = {.max = MIB(8)}, .client = -1};
    wire_init(&relay.wire);
    relay.server = http_server_new(&relay.wire.net, &http_limits_default, STR_NONE, &events, NULL, &err);
    assert_true(http_server_listen(relay.server, "127.0.0.1", 0, &relay.port, &err));
    exchanges_init(&relay.exchanges, &relay.wire.loop,
                   &(struct exchange_hooks){.on_message = relay_on_message, .on_close = relay_on_close});
    relay.scratch = arena_new(KIB(8), MIB(8));
}

static inline void
relay_end(void)
{
    if (relay.client >= 0)
        close(relay.client);
    http_server_free(relay.server);
    exchanges_clear(&relay.exchanges);
    arena_free(relay.scratch);
    buffer_clear(&relay.noted);
    buffer_clear(&relay.got);
}

/* What the client sends: its method, more header lines, a body. HTTP/1.0, so that an answer comes without chunks. */
static inline void
relay_ask(const char *method, const char *lines, const char *body)
{
    char text[4096];

    if (relay.client < 0)
        relay.client = wire_connect(relay.port);
    snprintf(text, sizeof text, "%s /s/weather/mcp HTTP/1.0\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", method,
             lines, strlen(body), body);
    wire_send(&relay.wire, relay.client, str_from(text));
}

static inline bool
relay_got(const char *text)
{
    relay.is_over |= wire_read(relay.client, &relay.got, NULL);
    return str_find(buffer_str(&relay.got), str_from(text)) >= 0;
}

/* As if so much time had passed. */
static inline void
relay_pass(mono_time time)
{
    timer_wheel_tick(&relay.wire.loop.timers, clock_mono() + time);
}

#define RELAY_WAIT(expression) WAIT_FOR(&relay.wire, expression)

#endif
