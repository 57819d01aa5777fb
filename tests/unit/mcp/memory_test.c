/* A service whose memory runs out at any point answers, refuses or ends what it was asked, and holds nothing after. */
#include "base/strand.h"
#include "each_failure.h"
#include "mcp/service_house.h"

#define FORM "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"
#define ADA  "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"
#define ALL  "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"

static void
greet(struct request *r)
{
    yyjson_val *who = request_elicit(r, "who", "Your name?", FORM);

    request_progress(r, 1, 2, "asked");
    request_log_text(r, "info", "asked");
    if (who == NULL)
        return;
    request_become_task(r);
    yyjson_mut_val *named = yyjson_mut_obj(request_doc(r));
    yyjson_mut_obj_add_str(request_doc(r), named, "name", "Ada");
    request_set_structured(r, named);
    request_finish(r);
}

static struct strand strand;

static bool
twice(void *job, struct error *err)
{
    int *number = job;

    (void)err;
    *number *= 2;
    return true;
}

static void
say_number(struct request *r)
{
    request_write(r, "%d", *(int *)request_data(r));
    request_finish(r);
}

static void
work(struct request *r)
{
    int *number = request_job(r, sizeof *number);

    if (number == NULL)
        return;
    *number = 21;
    request_work(r, &strand, twice, say_number);
}

static void
read_note(struct request *r)
{
    request_add_resource_blob(r, request_uri(r), "image/png", STR("bytes"));
    request_finish(r);
}

static const struct tool              tools[]     = {{.name = "greet",
                                                      .call = greet,
                                                      .input = "{\"type\":\"object\",\"properties\":{\"n\":{\"default\":1}}}",
                                                      .output = FORM},
                                                     {.name = "other", .call = greet},
                                                     {.name = "work", .call = work},
                                                     {0}};
static const struct resource_template templates[] = {{.name = "note", .uri_template = "note://{id}", .read = read_note},
                                                     {0}};
static const struct service_table     table       = {.name        = "memory",
                                                     .version     = "1",
                                                     .tools       = tools,
                                                     .templates   = templates,
                                                     .logs        = true,
                                                     .makes_tasks = true,
                                                     .page        = 1};

static bool
front_takes(struct front *front, struct exchange *x, struct str message, bool last)
{
    struct client *c = LIST_OF(struct client, front, front);

    (void)x;
    if (last) { /* no memory of ours: what is said is valid, or not said */
        yyjson_doc *doc = yyjson_read(message.data, message.len, 0);
        assert_non_null(doc);
        yyjson_doc_free(doc);
    }
    c->ends += last && str_find(message, STR("\"error\"")) < 0 && str_find(message, STR("\"isError\"")) < 0;
    return true;
}

static void
front_ended(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    (void)front, (void)x, (void)why, (void)head_is_out;
}

static const struct front_ops quiet_ops = {.message = front_takes, .end = front_ended};

static void
tell(struct back *back, const char *text)
{
    static const enum exchange_kind kinds[] = {KIND_REQUEST, KIND_NOTIFICATION, KIND_REPLY, KIND_REPLY};
    struct exchange                *x       = exchange_new(&house.exchanges, KIND_REQUEST, &house.ada.front);

    if (x == NULL)
        return;
    if (!envelope_parse(&x->message, str_from(text), x->arena, NULL)) {
        exchange_close(x, CLOSE_BUSY);
        return;
    }
    x->kind = kinds[x->message.kind];
    if (exchange_guard(x))
        exchange_send(x, back);
}

#define ENVELOPE                                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"progressToken\":1,"                       \
    "\"io.modelcontextprotocol/logLevel\":\"debug\",\"io.modelcontextprotocol/clientCapabilities\":" ALL "}"
#define MODERN(method, params) ASK("1", method, "{" params ENVELOPE "}")

static void
talk_modern(struct service *s)
{
    tell(service_back(s), MODERN("server/discover", ""));
    tell(service_back(s), MODERN("tools/list", ""));
    tell(service_back(s), MODERN("tools/call", "\"name\":\"greet\","));
    tell(service_back(s), MODERN("tools/call", "\"name\":\"greet\",\"inputResponses\":{\"who\":" ADA "},"));
    tell(service_back(s), MODERN("resources/read", "\"uri\":\"note://1\","));
    tell(service_back(s), MODERN("tools/call", "\"name\":\"work\","));
    tell(service_back(s),
         MODERN("subscriptions/listen",
                "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"note://1\"]},"));
    service_tools_changed(s);
    service_resource_updated(s, STR("note://1"));
}

static void
talk_legacy(struct service *s)
{
    struct service_session *session = service_session_new(s, STR("ada"));

    if (session == NULL)
        return;
    struct back *back = service_session_back(session);
    tell(back, ASK("0", "initialize",
                   "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"elicitation\":{}},\"clientInfo\":{\"name\":"
                   "\"c\",\"version\":\"1\"}}"));
    tell(back, ASK("1", "resources/subscribe", "{\"uri\":\"note://1\"}"));
    tell(back, CALL("2", "greet", "{}"));
    tell(back, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" ADA "}");
    tell(back, ASK("3", "tools/list", "{}"));
    tell(back, CALL("4", "work", "{}"));
    service_resource_updated(s, STR("note://1"));
}

/* True when all was answered well. */
static bool
serves(void *arg)
{
    const bool  *is_modern = arg;
    struct error err       = {0};

    house = (struct house){.key = {{7}}, .ada = {.front = {&quiet_ops}}};
    if (!loop_init(&house.loop, &err))
        return false;
    exchanges_init(&house.exchanges, &house.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    struct service_parts parts = {
        .loop = &house.loop, .key = &house.key, .principal = "local", .is_legacy = true, .is_modern = true};
    strand_init(&strand, &house.loop, 4);
    house.service = service_new(&table, &parts, &err);
    if (house.service == NULL)
        assert_int_equal(err.code, ERROR_MEMORY);
    else if (*is_modern)
        talk_modern(house.service);
    else
        talk_legacy(house.service);
    house_turn();
    strand_clear(&strand);
    size_t well = house.ada.ends;
    service_free(house.service);
    exchanges_clear(&house.exchanges);
    loop_clear(&house.loop);
    return well == (*is_modern ? 6 : 5);
}

TEST(a_modern_client_is_served_or_told_when_memory_runs_out)
{
    assert_each_failure(serves, &(bool){true});
}

TEST(a_legacy_client_is_served_or_told_when_memory_runs_out)
{
    assert_each_failure(serves, &(bool){false});
}
