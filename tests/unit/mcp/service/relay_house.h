/* tests/unit/mcp/service/relay_house.h: a relay that does what the test says, in a house with clients of both eras. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_SERVICE_RELAY_HOUSE_H
#define GATEHOUSE_TESTS_UNIT_MCP_SERVICE_RELAY_HOUSE_H

#include "mcp/service/relay.h"
#include "mcp/service_house.h"

#define INFO "{\"name\": \"far\",\n \"version\": \"9\"}"
#define OFFERS                                                                                                         \
    "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},\"prompts\":{},"        \
    "\"logging\":{},\"completions\":{},\"tasks\":{\"list\":{}},\"experimental\":{\"x\":{}},\"odd\":{\"y\":1},"         \
    "\"extensions\":{\"io.modelcontextprotocol/tasks\":{},\"a.test/b\":{\"c\":1}}}"

static struct script {
    struct relay_server server;
    bool                is_slow; /* the test says when the server is known */
    void (*serve)(struct request *r);
    const char     *result, *error /* its message */, *data;
    int             code;
    struct request *opening, *held; /* still without an answer */
    struct buffer   params;         /* of the last that was served */
    char            method[64];
    size_t          opened, served, stopped, listened, leveled, noted, followed;
    struct request *listener; /* of the last that was followed */
    int             level;
} script;

static inline void
script_read(const char *text, yyjson_doc **doc)
{
    *doc = text == NULL ? NULL : yyjson_read(text, strlen(text), YYJSON_READ_BIGNUM_AS_RAW);
    assert_true(text == NULL || *doc != NULL);
}

static inline void
script_open(struct request *r)
{
    script.opened++;
    script.opening = r;
    if (!script.is_slow)
        request_relay_known(r, &script.server);
    else if (script.error != NULL)
        request_refuse_with(r, script.code, str_from(script.error), NULL);
}

/* The end that the test wants. */
static inline void
script_answer(struct request *r)
{
    yyjson_doc *doc;

    script_read(script.error == NULL ? script.result : script.data, &doc);
    if (script.error != NULL)
        request_refuse_with(r, script.code, str_from(script.error), yyjson_doc_get_root(doc));
    else
        request_finish_with(r, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static inline void
script_stop(struct request *r)
{
    script.stopped++;
    if (script.held == r)
        script.held = NULL;
}

static inline void
script_hold(struct request *r)
{
    script.held = r;
    request_on_cancel(r, script_stop);
}

static inline void
script_serve(struct request *r)
{
    char *params = yyjson_val_write(request_params(r), 0, NULL);

    script.served++;
    snprintf(script.method, sizeof script.method, "%.*s", STR_ARG(request_method(r)));
    buffer_reset(&script.params);
    assert_true(buffer_printf(&script.params, "%s", params == NULL ? "none" : params));
    free(params);
    (script.serve == NULL ? script_answer : script.serve)(r);
}

static inline void
script_listen(void *owner, struct service *s)
{
    assert_ptr_equal(owner, &house);
    assert_ptr_equal(s, house.service);
    script.listened++;
}

static inline void
script_set_level(void *owner, struct service *s, int level)
{
    (void)owner, (void)s;
    script.leveled++;
    script.level = level;
}

static inline void
script_take_notification(void *owner, struct service *s, uint64_t caller, struct str method)
{
    (void)owner, (void)s;
    assert_int_equal(caller, house.ada.caller);
    assert_true(str_eq(method, STR("notifications/roots/list_changed")));
    script.noted++;
}

/* Tasks whose id begins with "t" are the client's. */
static inline struct follower *
script_follow(struct request *r, struct str id)
{
    if (!str_starts(id, STR("t")))
        return NULL;
    script.listener = r;
    script.followed++;
    return (struct follower *)&script;
}

static inline void
script_unfollow(struct follower *f)
{
    assert_ptr_equal(f, &script);
    script.followed--;
}

static const struct relay         scripted    = {.open              = script_open,
                                                 .serve             = script_serve,
                                                 .listen            = script_listen,
                                                 .set_level         = script_set_level,
                                                 .take_notification = script_take_notification,
                                                 .follow            = script_follow,
                                                 .unfollow          = script_unfollow};
static const struct service_table relay_table = {.name = "near", .version = "1", .relay = &scripted};

static inline void
relay_open(void)
{
    script = (struct script){
        .server = {STR(INFO), STR(OFFERS), STR("Be kind.")}, .result = "{}", .params = {.max = MIB(4)}, .level = -7};
    house_open(&relay_table);
}

static inline void
relay_close(void)
{
    house_close();
    buffer_clear(&script.params);
}

#define assert_params(text) assert_string_equal(script_params(), text)

static inline const char *
script_params(void)
{
    assert_true(buffer_append(&script.params, str_of("", 1)));
    return buffer_str(&script.params).data;
}

/* A notification of the server. */
static inline void
relay_say(const char *method, const char *params)
{
    yyjson_doc *doc;

    script_read(params, &doc);
    service_relay_notification(house.service, 0, str_from(method), yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

#endif
