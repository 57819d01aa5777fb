/* src/mcp/service/rules.h: what a modern message must be before a method sees it: complete, of a revision that is
 * spoken here, the same in its header fields as in its body, for a method that there is, from a client that can what is
 * needed.
 *
 * The first rule that is broken is the one that is told, and their order is fixed: a client that probes for a revision
 * learns of the revision, whatever else is wrong. MCP 2026-07-28, basic/versioning and basic/transports. */
#ifndef GATEHOUSE_MCP_SERVICE_RULES_H
#define GATEHOUSE_MCP_SERVICE_RULES_H

#include "http/headers.h"
#include "mcp/service/running.h"

/* A JSON-RPC error, and the HTTP status it goes with. */
struct refusal {
    int        status, code;
    struct str message;
    struct str data; /* JSON; data is NULL: none */
};

struct rules;

/* Those of a service; reads the x-mcp-header annotations of its tools. NULL: `err` names the tool. */
struct rules *rules_new(const struct service *s, struct error *err);
/* NULL is nothing. */
void rules_free(struct rules *r);

/* A request or a notification. `headers` are NULL on stdio, which has none. False: `refusal`, which lies in the arena.
 */
bool rules_check(const struct rules *r, const struct envelope *e, const struct http_headers *headers,
                 struct arena *arena, struct refusal *refusal);

/* Of the same rules those that hold for whoever the request is for: it says its revision and its client's capabilities,
 * and the header fields repeat what it says. For a server behind us that sees no header fields. Mcp-Param-* are left
 * out: only who knows the tool knows what is due. */
bool rules_check_head(const struct envelope *e, const struct http_headers *headers, struct arena *arena,
                      struct refusal *refusal);

/* A legacy opening says what it wants to speak and can. It is refused with 400. */
bool opening_check(const struct envelope *e, struct refusal *refusal);
/* -32022: the revision that was asked for is not spoken here; those are named that are. */
bool refuse_revision(const struct service *s, struct str requested, struct arena *arena, struct refusal *refusal);
/* Always false, as refuse_revision. `message` is not copied. */
bool refuse_with(struct refusal *refusal, int status, int code, const char *message);

/* {"jsonrpc":"2.0","id":...,"error":{...}}. An `id` without bytes is left out: null is no id since 2025-11-25, and was
 * none of MCP's before. */
bool append_refusal(struct buffer *b, struct str id, const struct refusal *refusal);

#endif
