/* tests/unit/mcp/service_house.h: a service, and clients that are nothing but what they said and got. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_SERVICE_HOUSE_H
#define GATEHOUSE_TESTS_UNIT_MCP_SERVICE_HOUSE_H

#include "base/loop.h"
#include "mcp/service/running.h"
#include "mcp/unheard.h"
#include "test.h"

struct client {
    struct front            front;
    struct service_session *session; /* NULL: a modern one */
    struct buffer           got;     /* messages, each on a line, the last one with "=" before it */
    uint64_t                caller;
    bool                    is_deaf; /* has no place for what is not last */
    size_t                  ends;
    enum close_reason       why; /* of the last exchange that ended without an answer */
};

struct house {
    struct loop        loop;
    struct exchanges   exchanges;
    struct session_key key;
    struct service    *service;
    struct client      ada, bob;
    size_t             noted_from_client;
    int                http_status; /* of the last exchange that closed */
    int                error_code;
};

static struct house house;

static bool
front_message(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct client *c = LIST_OF(struct client, front, front);

    (void)x;
    if (c->is_deaf && !last)
        return false;
    if (last)
        buffer_append_char(&c->got, '=');
    buffer_append(&c->got, message);
    return buffer_append_char(&c->got, '\n');
}

static void
front_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    struct client *c = LIST_OF(struct client, front, front);

    (void)x, (void)head_is_out;
    c->ends++;
    c->why = why;
}

static const struct front_ops front_ops = {.message = front_message, .end = front_end};

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)bytes, (void)continues;
    house.noted_from_client += from == FROM_CLIENT;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    (void)why;
    house.http_status = x->http_status;
    house.error_code  = x->error_code;
}

static inline void
house_open_for(const struct service_table *table, struct service_parts parts)
{
    struct error err = {0};

    house = (struct house){.key = {{7}}};
    assert_true(loop_init(&house.loop, &err));
    exchanges_init(&house.exchanges, &house.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    parts.loop      = &house.loop;
    parts.key       = &house.key;
    parts.principal = "local";
    parts.is_legacy = parts.is_modern = true;
    house.service                     = service_new(table, &parts, &err);
    if (house.service == NULL)
        fail_msg("%s", err.text);
    house.ada = house.bob = (struct client){.front = {&front_ops}, .got = {.max = MIB(64)}};
}

static inline void
house_open(const struct service_table *table)
{
    house_open_for(table, (struct service_parts){.owner = &house});
}

static inline void
house_turn(void)
{
    loop_turn(&house.loop, 0);
}

static inline void
house_close(void)
{
    service_free(house.service);
    assert_int_equal(house.exchanges.open, 0);
    exchanges_clear(&house.exchanges);
    loop_clear(&house.loop);
    buffer_clear(&house.ada.got);
    buffer_clear(&house.bob.got);
}

static inline struct exchange *
say_by(struct client *c, struct back *back, const char *text)
{
    static const enum exchange_kind kinds[] = {KIND_REQUEST, KIND_NOTIFICATION, KIND_REPLY, KIND_REPLY};
    struct exchange                *x       = exchange_new(&house.exchanges, KIND_REQUEST, &c->front);
    struct error                    err     = {0};
    struct str                      message = arena_str(x->arena, str_from(text));

    if (!envelope_parse(&x->message, message, x->arena, &err))
        fail_msg("%s: %s", err.text, text);
    x->kind      = kinds[x->message.kind];
    x->caller    = c->caller;
    x->is_modern = c->session == NULL;
    x->patience  = SECONDS(30);
    assert_true(exchange_guard(x));
    exchange_send(x, back);
    return x;
}

/* Of who has a session. */
static inline struct exchange *
say(struct client *c, const char *text)
{
    return say_by(c, service_session_back(c->session), text);
}

/* With an envelope of 2026-07-28: `params` are its members, each with a comma behind; `capabilities` an object. */
static inline struct exchange *
ask_modern(struct client *c, const char *id, const char *method, const char *params, const char *capabilities)
{
    struct buffer text = {.max = MIB(1)};

    assert_true(buffer_printf(&text,
                              "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":{%s\"_meta\":{"
                              "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"progressToken\":\"p\","
                              "\"io.modelcontextprotocol/clientCapabilities\":%s}}}",
                              id, method, params, capabilities) &&
                buffer_append(&text, str_of("", 1)));
    struct exchange *x = say_by(c, service_back(house.service), buffer_str(&text).data);
    buffer_clear(&text);
    return x;
}

static inline struct exchange *
open_stream(struct client *c)
{
    struct exchange *x = exchange_new(&house.exchanges, KIND_STREAM, &c->front);

    x->caller = c->caller;
    assert_true(exchange_guard(x));
    exchange_send(x, service_session_back(c->session));
    return x;
}

static inline void
forget(struct client *c)
{
    buffer_reset(&c->got);
}

static inline bool
has_got(struct client *c, const char *part)
{
    return str_find(buffer_str(&c->got), str_from(part)) >= 0;
}

#define assert_got(c, part)                                                                                            \
    do {                                                                                                               \
        if (!has_got(c, part))                                                                                         \
            fail_msg("%s is not in %.*s", part, STR_ARG(buffer_str(&(c)->got)));                                       \
    } while (0)
#define assert_not_got(c, part)                                                                                        \
    do {                                                                                                               \
        if (has_got(c, part))                                                                                          \
            fail_msg("%s is in %.*s", part, STR_ARG(buffer_str(&(c)->got)));                                           \
    } while (0)

/* The string that stands under `key` in what was got last; copied. */
static inline const char *
text_of(struct client *c, const char *key)
{
    static char text[70000];
    char        find[64];
    struct str  got = buffer_str(&c->got);

    snprintf(find, sizeof find, "\"%s\":\"", key);
    ptrdiff_t at = str_find(got, str_from(find));
    if (at < 0)
        fail_msg("%s is not in %.*s", key, STR_ARG(got));
    got = str_skip(got, (size_t)at + strlen(find));
    got = str_take(got, (size_t)str_index(got, '"'));
    snprintf(text, sizeof text, "%.*s", STR_ARG(got));
    return text;
}

/* A session of that revision, with its answer to `initialize` in `got`. */
static inline void
enter(struct client *c, const char *revision, const char *capabilities)
{
    char text[1000];

    c->session = service_session_new(house.service, c == &house.ada ? STR("ada") : STR("bob"));
    assert_non_null(c->session);
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\","
             "\"capabilities\":%s,\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}",
             revision, capabilities);
    say(c, text);
    say(c, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

#define CALL(id, name, arguments)                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name                        \
    "\",\"arguments\":" arguments ",\"_meta\":{\"progressToken\":9}}}"
#define ASK(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"

#endif
