/* src/mcp/param_rules.h: which arguments of a tool a modern client repeats in header fields: how, and whether it
 * did.
 *
 * An input schema says so by "x-mcp-header": "Region" on a property: its value then stands in Mcp-Param-Region too, for
 * those on the way who do not read the body. Valid on strings, integers and booleans that are reached from the root
 * through "properties" alone. MCP 2026-07-28, basic/transports "Custom headers". */
#ifndef GATEHOUSE_MCP_PARAM_RULES_H
#define GATEHOUSE_MCP_PARAM_RULES_H

#include <yyjson.h>

#include "base/arena.h"
#include "base/error.h"
#include "http/headers.h"

struct param_rules;

/* Of an input schema, JSON text; nothing is borrowed. NULL: no JSON, an annotation that the protocol does not allow, or
 * no memory. */
struct param_rules *param_rules_compile(struct str schema, struct error *err);
struct param_rules *param_rules_of(yyjson_val *schema, struct error *err);
/* NULL is nothing. */
void   param_rules_free(struct param_rules *rules);
size_t param_rules_count(const struct param_rules *rules);

/* Whether each annotated argument is in its field as it is in the body, and none is there that has no argument. False:
 * ERROR_INVALID and words for the client, or no memory. `arguments` may be NULL. */
bool param_rules_hold(const struct param_rules *rules, yyjson_val *arguments, const struct http_headers *headers,
                      struct arena *scratch, struct error *err);

/* The other side: a field for each annotated argument that is there and not null, written as it must be; slices of
 * `arguments`, of the arena. `headers` has room for param_rules_count; the result says how many there are. An argument
 * that is no text, number or boolean has none. SIZE_MAX: no memory. */
size_t param_rules_write(const struct param_rules *rules, yyjson_val *arguments, struct arena *a,
                         struct http_header *headers);

#endif
