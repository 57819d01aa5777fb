/* tests/unit/mcp/client/client_house.h: a client, over a way whose other end is the test: what was sent is looked at,
 * what comes back is said. What the client's owner hears is written down, a line each. The test owns the time. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_CLIENT_CLIENT_HOUSE_H
#define GATEHOUSE_TESTS_UNIT_MCP_CLIENT_CLIENT_HOUSE_H

#include "base/live.h"
#include "mcp/client/client.h"
#include "mcp/json.h"
#include "test.h"

enum { MAILS = 4096 };

struct mail {
    struct mail_spec          spec; /* its texts are copies */
    struct envelope           e;
    const struct mail_events *events;
    void                     *owner;
    bool                      is_open, is_dropped;
    enum close_reason         why; /* it was dropped for */
    int                       owed;
};

/* Of its own memory: who looks at it when it is freed is found out. */
struct house_way {
    struct way     way;
    struct way_ops ops;
};

struct house {
    struct loop         loop;
    struct arena       *arena; /* kept from test to test */
    struct mail         mails[MAILS];
    size_t              count;
    struct client      *client;
    struct buffer       heard; /* a line for each event */
    struct client_call *call;  /* the last that was begun, or heard of; NULL: none */
    struct question_in *question;
    size_t              freed;     /* ways */
    bool                refuses;   /* to send */
    bool                is_silent; /* nothing is written down */
    int                 free_at;   /* the client is closed in the n-th event; 0: not */
    int                 events;
};

static struct house house;

/* --- the way --- */

static struct mail *
house_send(struct way *way, const struct mail_spec *spec, const struct mail_events *events, void *owner,
           struct error *err)
{
    (void)way;
    if (house.refuses || house.count == MAILS) {
        error_set(err, ERROR_UNREACHABLE, "nobody is there");
        return NULL;
    }
    struct mail *m      = &house.mails[house.count++];
    *m                  = (struct mail){.spec = *spec, .events = events, .owner = owner, .is_open = true};
    struct str *texts[] = {&m->spec.message, &m->spec.session, &m->spec.revision,
                           &m->spec.method,  &m->spec.name,    &m->spec.last_event};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i]->data != NULL)
            *texts[i] = texts[i]->len == 0 ? STR("") : arena_str(house.arena, *texts[i]);
    struct http_header *params = arena_alloc(house.arena, (spec->param_count + 1) * sizeof *params);
    for (size_t i = 0; params != NULL && i < spec->param_count; i++)
        params[i] = (struct http_header){arena_str(house.arena, spec->params[i].name),
                                         arena_str(house.arena, spec->params[i].value)};
    m->spec.params = params;
    if (params != NULL && (spec->message.len == 0 || envelope_parse(&m->e, m->spec.message, house.arena, err)))
        return m;
    if (m->spec.message.len > 0 && err != NULL && err->code == ERROR_INVALID)
        fail_msg("%s: %.*s", err->text, STR_ARG(m->spec.message));
    error_set(err, ERROR_MEMORY, "no memory");
    house.count--;
    return NULL;
}

static void
house_drop(struct mail *m, enum close_reason why)
{
    assert_true(m->is_open);
    m->is_open    = false;
    m->is_dropped = true;
    m->why        = why;
}

static void
house_owe(struct mail *m, int questions)
{
    assert_true(m->is_open);
    m->owed += questions;
    assert_true(m->owed >= 0);
}

static void
house_free(struct way *way)
{
    free(LIST_OF(struct house_way, way, way));
    house.freed++;
    for (size_t i = 0; i < house.count; i++)
        house.mails[i].is_open = false;
}

/* --- the owner --- */

static bool
is_closing(void)
{
    if (++house.events != house.free_at)
        return false;
    client_free(house.client);
    house.client = NULL;
    return true;
}

static void
note(const char *format, ...)
{
    va_list args;

    if (house.is_silent)
        return;
    va_start(args, format);
    buffer_vprintf(&house.heard, format, args);
    va_end(args);
    buffer_append_char(&house.heard, '\n');
}

static void
note_json(const char *what, yyjson_val *value)
{
    char *text = value == NULL || house.is_silent ? NULL : yyjson_val_write(value, 0, NULL);

    note("%s %s", what, text == NULL ? "-" : text);
    free(text);
}

static void
on_open(void *owner, struct client *c, const struct client_server *server)
{
    (void)owner, (void)c;
    note("open %.*s", STR_ARG(server->revision));
    is_closing();
}

static void
on_lost(void *owner, struct client *c, int code, int status, const char *words)
{
    (void)owner;
    note("lost %d %d %s", code, status, words);
    if (client_challenge(c).len > 0)
        note("wanted %.*s", STR_ARG(client_challenge(c)));
    is_closing();
}

static void
on_message(void *owner, struct client *c, const struct envelope *e)
{
    (void)owner, (void)c;
    note("told %.*s", STR_ARG(e->method));
    is_closing();
}

static void
on_question(void *owner, struct client *c, struct question_in *q)
{
    (void)owner, (void)c;
    note("asked %.*s", STR_ARG(question_method(q)));
    question_watch(q, &house.question);
    house.question = q;
    is_closing();
}

static void
on_call_message(void *owner, struct client_call *call, const struct envelope *e)
{
    (void)owner, (void)call;
    note("call told %.*s", STR_ARG(e->method));
    is_closing();
}

static void
on_call_question(void *owner, struct client_call *call, struct question_in *q)
{
    (void)owner, (void)call;
    note("call asked %s %.*s", question_key(q)[0] == 'q' ? "q" : question_key(q), STR_ARG(question_method(q)));
    question_watch(q, &house.question);
    house.question = q;
    is_closing();
}

static void
on_asked(void *owner, struct client_call *call)
{
    (void)owner, (void)call;
    note("call asked all");
    is_closing();
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    (void)owner;
    note_json("result", result);
    if (call == house.call)
        house.call = NULL;
    is_closing();
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    (void)owner, (void)data;
    note("error %s %d %.*s", close_info[why].name, code, STR_ARG(message));
    if (client_call_challenge(call).len > 0)
        note("wanted of it, %d: %.*s", client_call_status(call), STR_ARG(client_call_challenge(call)));
    if (call == house.call)
        house.call = NULL;
    is_closing();
}

static const struct client_events house_events    = {on_open, on_lost, on_message, on_question};
static const struct call_events house_call_events = {on_call_message, on_call_question, on_asked, on_result, on_error};

/* --- what a test does --- */

static inline void
house_open(enum way_kind kind, struct client_parts parts)
{
    struct error err = {0};

    house.count = house.freed = 0;
    house.call                = NULL;
    house.question            = NULL;
    house.refuses = house.is_silent = false;
    house.events                    = 0;
    house.heard                     = (struct buffer){.max = MIB(8)};
    if (house.arena == NULL)
        house.arena = arena_new(KIB(512), MIB(64));
    assert_true(loop_init(&house.loop, &err));
    house.loop.now      = clock_mono();
    struct house_way *w = calloc(1, sizeof *w);
    house.client        = NULL;
    if (w == NULL)
        return;
    w->ops        = (struct way_ops){kind, house_send, house_drop, house_owe, house_free};
    w->way.ops    = &w->ops;
    parts.loop    = &house.loop;
    parts.way     = &w->way;
    parts.name    = STR("ada");
    parts.version = STR("1");
    if (parts.events == NULL)
        parts.events = &house_events;
    house.client = client_new(&parts, &err);
    if (house.client == NULL)
        free(w);
}

static inline void
house_close(void)
{
    client_free(house.client);
    assert_int_equal(live_counts[LIVE_CLIENT_CALLS], 0);
    house.loop.now = 0;
    loop_clear(&house.loop);
    buffer_clear(&house.heard);
    arena_reset(house.arena);
}

/* The latest that was sent. */
static inline struct mail *
last(void)
{
    assert_true(house.count > 0);
    return &house.mails[house.count - 1];
}

static inline void
pass(mono_time time)
{
    house.loop.now += time;
    timer_wheel_tick(&house.loop.timers, house.loop.now + 2 * TIMER_TICK);
}

static inline void
head(struct mail *m, int status, const char *session)
{
    if (m->is_open)
        m->events->on_head(m->owner, status, str_from(session));
}

static inline void
challenge(struct mail *m, const char *wanted)
{
    if (m->is_open)
        m->events->on_challenge(m->owner, str_from(wanted));
}

static inline void
say(struct mail *m, struct str text)
{
    struct arena   *a = arena_new(KIB(2), MIB(16));
    struct envelope e;

    if (m->is_open && a != NULL && envelope_parse(&e, text, a, NULL))
        m->events->on_message(m->owner, &e);
    arena_free(a);
}

static inline void
end_as(struct mail *m, struct mail_end end)
{
    if (!m->is_open)
        return;
    m->is_open = false;
    if (end.words == NULL)
        end.words = "";
    m->events->on_end(m->owner, &end);
}

static inline void
end(struct mail *m, int status)
{
    end_as(m, (struct mail_end){.why = CLOSE_ANSWERED, .status = status, .retry = -1});
}

/* With the id of the request: `member` is "result" or "error". */
static inline void
answer(struct mail *m, const char *member, const char *value)
{
    struct str text =
        arena_printf(house.arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"%s\":%s}", STR_ARG(m->e.id), member, value);

    if (text.len > 0)
        say(m, text);
}

/* The whole of it, over HTTP. */
static inline void
reply(struct mail *m, int status, const char *member, const char *value)
{
    head(m, status, NULL);
    answer(m, member, value);
    end(m, status);
}

static inline struct client_call *
ask_with(struct client_request request, const char *method, const char *params)
{
    yyjson_doc  *doc = params == NULL ? NULL : json_read(str_from(params));
    struct error err = {0};

    request.method = str_from(method);
    request.params = yyjson_doc_get_root(doc);
    house.call     = client_call(house.client, &request, &house_call_events, NULL, &err);
    yyjson_doc_free(doc);
    return house.call;
}

static inline struct client_call *
ask(const char *method, const char *params)
{
    return ask_with((struct client_request){.level = -1}, method, params);
}

static inline void
answer_question(const char *result)
{
    yyjson_doc *doc = json_read(str_from(result));

    question_answer(house.question, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

/* What was heard since the last time is this. */
#define assert_heard(text)                                                                                             \
    do {                                                                                                               \
        assert_str(buffer_str(&house.heard), text);                                                                    \
        buffer_reset(&house.heard);                                                                                    \
    } while (0)

#define assert_sent(m, method_)                                                                                        \
    do {                                                                                                               \
        assert_int_equal((m)->spec.kind, KIND_REQUEST);                                                                \
        assert_str((m)->e.method, method_);                                                                            \
    } while (0)

#define assert_says(m, part)                                                                                           \
    do {                                                                                                               \
        if (str_find((m)->spec.message, STR(part)) < 0)                                                                \
            fail_msg("\"%.*s\" lacks \"%s\"", STR_ARG((m)->spec.message), (part));                                     \
    } while (0)

#define LEGACY_SERVER                                                                                                  \
    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":"            \
    "{\"subscribe\":true},\"logging\":{}},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}"
#define MODERN_SERVER                                                                                                  \
    "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\"" \
    ":true},\"resources\":{\"subscribe\":true}},\"instructions\":\"Be kind\",\"_meta\":{"                              \
    "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}}"

/* The server has taken what it was told, and the stream on which it may ask is there. */
static inline void
go_on(int status)
{
    end(last(), status);
    if (last()->spec.kind == KIND_STREAM)
        head(last(), 200, NULL);
}

/* Over HTTP, with a session, until it is open. */
static inline void
open_legacy(struct client_parts parts)
{
    parts.era = CLIENT_LEGACY;
    house_open(WAY_HTTP, parts);
    client_open(house.client);
    head(last(), 200, "the-session");
    answer(last(), "result", LEGACY_SERVER);
    end(&house.mails[0], 200);
    go_on(202);
    buffer_reset(&house.heard);
}

static inline void
open_modern(struct client_parts parts)
{
    parts.era = CLIENT_MODERN;
    house_open(WAY_HTTP, parts);
    client_open(house.client);
    buffer_reset(&house.heard);
}

#endif
