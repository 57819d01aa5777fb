/* Modern messages, their header fields, and schemas with annotations: the first line of the input is a schema, then
 * come the fields, an empty line, and a message. */
#include <assert.h>
#include <stdlib.h>

#include "mcp/service/param_rules.h"
#include "mcp/service/rules.h"
#include "mcp/service_here.h"

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
check(const char *schema, const struct http_headers *headers, struct str message)
{
    const struct tool          tools[] = {{.name = "a", .input = schema, .needs = CLIENT_SAMPLES}, {0}};
    const struct service_table table   = {.name = "t", .version = "1", .tools = tools};
    const struct service_parts parts   = {.is_modern = true};
    struct service            *s       = service_here(&table, &parts);
    struct rules              *rules   = rules_new(s, NULL);
    struct arena              *arena   = arena_new(KIB(8), MIB(16));
    struct refusal             refusal = {0};
    struct buffer              text    = {.max = MIB(1)};
    struct envelope            e, again;

    if (rules != NULL && envelope_parse(&e, message, arena, NULL) &&
        (!rules_check(rules, &e, headers, arena, &refusal) || !rules_check(rules, &e, NULL, arena, &refusal))) {
        assert(refusal.status >= 400 && refusal.code < 0 && refusal.message.len > 0);
        assert(append_refusal(&text, e.id, &refusal));
        assert(e.id.data == NULL || envelope_parse(&again, buffer_str(&text), arena, NULL));
    }
    buffer_clear(&text);
    arena_free(arena);
    rules_free(rules);
    service_gone(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header  items[FIELDS_MAX];
    struct http_headers headers = {items, 0};
    struct str          rest    = str_of((const char *)data, size), line;

    if (size > KIB(64))
        return 0;
    line         = take_line(&rest);
    char *schema = malloc(line.len + 1);
    if (line.len > 0)
        memcpy(schema, line.data, line.len);
    schema[line.len] = '\0';
    while ((line = take_line(&rest)).len > 0 && headers.count < FIELDS_MAX) {
        ptrdiff_t colon        = str_index(line, ':');
        size_t    name         = colon < 0 ? line.len : (size_t)colon;
        items[headers.count++] = (struct http_header){str_take(line, name), str_skip(line, name + 1)};
    }
    char *message = malloc(rest.len > 0 ? rest.len : 1); /* no byte behind it */
    if (rest.len > 0)
        memcpy(message, rest.data, rest.len);
    check(schema, &headers, str_of(message, rest.len));
    free(message);
    free(schema);
    return 0;
}
