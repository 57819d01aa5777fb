/* Modern messages, their header fields, and schemas with annotations: the first line of the input is a schema, then
 * come the fields, an empty line, and a message. */
#include <assert.h>
#include <stdlib.h>

#include "mcp/param_rules.h"
#include "mcp/service/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16 };

static struct str
take_line(struct str *rest)
{
    struct str line = STR_NONE;

    str_cut(rest, '\n', &line);
    return line;
}

static void
never(struct request *r)
{
    request_finish(r);
}

static const struct tool tools[] = {
    {.name  = "a",
     .call  = never,
     .needs = CLIENT_SAMPLES,
     .input = "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
              "\"where\":{\"type\":\"object\",\"properties\":{\"floor\":{\"type\":\"integer\",\"x-mcp-header\":"
              "\"Floor\"}}},\"now\":{\"type\":\"boolean\",\"x-mcp-header\":\"Now\"}}}"},
    {0}};
static const struct service_table table = {.name = "t", .version = "1", .tools = tools, .makes_tasks = true};

static struct rules *
rules_of_a_service(void)
{
    static struct loop              loop;
    static const struct session_key key;

    assert(loop_init(&loop, NULL));
    struct service *s = service_new(
        &table, &(struct service_parts){.loop = &loop, .key = &key, .principal = "local", .is_modern = true}, NULL);
    assert(s != NULL);
    return rules_new(s, NULL);
}

static void
check(const struct rules *rules, const struct http_headers *headers, struct str message)
{
    struct arena   *arena   = arena_new(KIB(8), MIB(16));
    struct refusal  refusal = {0};
    struct buffer   text    = {.max = MIB(1)};
    struct envelope e, again;

    if (envelope_parse(&e, message, arena, NULL) &&
        (!rules_check(rules, &e, headers, arena, &refusal) || !rules_check(rules, &e, NULL, arena, &refusal))) {
        assert(refusal.status >= 400 && refusal.code < 0 && refusal.message.len > 0);
        assert(append_refusal(&text, e.id, &refusal));
        assert(e.id.data == NULL || envelope_parse(&again, buffer_str(&text), arena, NULL));
    }
    buffer_clear(&text);
    arena_free(arena);
}

/* What the one side writes, the other takes. */
static void
write_and_check(const struct param_rules *rules, yyjson_val *arguments, struct arena *arena)
{
    struct http_header *items = arena_alloc(arena, (param_rules_count(rules) + 1) * sizeof *items);
    size_t              count = param_rules_write(rules, arguments, arena, items);
    struct http_headers own   = {items, count};

    assert(count <= param_rules_count(rules) && param_rules_hold(rules, arguments, &own, arena, NULL));
}

/* Any schema, and the message as its arguments. */
static void
compile(struct str schema, const struct http_headers *headers, struct str message)
{
    struct param_rules *rules = param_rules_compile(schema, NULL);
    struct arena       *arena = arena_new(KIB(8), MIB(16));
    yyjson_doc         *doc   = yyjson_read(message.data, message.len, YYJSON_READ_BIGNUM_AS_RAW);
    struct error        err   = {0};

    if (rules != NULL && !param_rules_hold(rules, yyjson_doc_get_root(doc), headers, arena, &err))
        assert(err.code != ERROR_NONE);
    if (rules != NULL)
        write_and_check(rules, yyjson_doc_get_root(doc), arena);
    yyjson_doc_free(doc);
    arena_free(arena);
    param_rules_free(rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules *rules;
    struct http_header   items[FIELDS_MAX];
    struct http_headers  headers = {items, 0};
    struct str           rest    = str_of((const char *)data, size), line;

    if (size > KIB(64))
        return 0;
    if (rules == NULL)
        rules = rules_of_a_service();
    struct str schema = take_line(&rest);
    while ((line = take_line(&rest)).len > 0 && headers.count < FIELDS_MAX) {
        ptrdiff_t colon        = str_index(line, ':');
        size_t    name         = colon < 0 ? line.len : (size_t)colon;
        items[headers.count++] = (struct http_header){str_take(line, name), str_skip(line, name + 1)};
    }
    char *message = malloc(rest.len > 0 ? rest.len : 1); /* no byte behind it */
    if (rest.len > 0)
        memcpy(message, rest.data, rest.len);
    check(rules, &headers, str_of(message, rest.len));
    compile(schema, &headers, str_of(message, rest.len));
    free(message);
    return 0;
}
