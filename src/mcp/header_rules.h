/* src/mcp/header_rules.h: which header fields cross the house, as two lists.
 *
 * Out to a server goes what the client wrote, but for what is about the connection (RFC 9110 section 7.6.1), about the
 * browser, or a cookie. In to the client comes only what is named here, beside the type of the answer: a server cannot
 * speak from our origin. A third list is for bridges. */
#ifndef GATEHOUSE_MCP_HEADER_RULES_H
#define GATEHOUSE_MCP_HEADER_RULES_H

#include "http/headers.h"

/* `headers` are all of the request: its Connection field names more that stays. */
bool header_may_leave(const struct http_headers *headers, struct str name);
bool header_may_enter(struct str name);
/* Over a bridge messages are ours, and so is what describes them. Whether a field of a client's that may leave stands
 * on them too, as one that may say who calls: all do but those of MCP and of the body, and those that are known to be
 * of a single call or of the client as a program. */
bool header_is_of_caller(struct str name);

#endif
