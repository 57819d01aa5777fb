/* src/mcp/service/mirrored.h: which arguments of a server behind us its clients repeat in header fields, learnt from
 * the lists of tools that pass.
 *
 * A server on stdio sees no header fields, nor does one of an era without them: whether Mcp-Param-* say what the body
 * says is for us to check. Of a tool
 * that no list has shown nothing is checked, and nothing is left to be checked by anybody: who has not seen the list
 * does not know that a field is due. MCP 2026-07-28 basic/transports "Custom headers". */
#ifndef GATEHOUSE_MCP_SERVICE_MIRRORED_H
#define GATEHOUSE_MCP_SERVICE_MIRRORED_H

#include "base/map.h"
#include "mcp/param_rules.h"
#include "mcp/service/rules.h"

struct mirrored {
    struct map tools;   /* name -> struct param_rules *, of those that have annotations */
    bool       is_torn; /* there was no memory for some of the last list: what is not in `tools` is not known */
};

void mirrored_init(struct mirrored *m);
/* Forgets all; to be used again. */
void mirrored_clear(struct mirrored *m);
/* An answer to tools/list, or a page of it: what it says of a tool counts from now on. One over 4 MiB teaches nothing.
 */
void mirrored_learn(struct mirrored *m, struct str answer);
/* The same, of the "tools" in it. */
void mirrored_learn_tools(struct mirrored *m, yyjson_val *tools);
/* NULL: it repeats none, as far as is known. */
const struct param_rules *mirrored_rules(const struct mirrored *m, struct str tool);
/* A request. False: `refusal`, which lies in the arena: a field differs, or what is due is not known for want of
 * memory. */
bool mirrored_check(const struct mirrored *m, const struct envelope *e, const struct http_headers *headers,
                    struct arena *arena, struct refusal *refusal);

#endif
