/* src/mcp/header_rules.h: which header fields cross the house, as two lists.
 *
 * Out to a server goes what the client wrote, but for what is about the connection (RFC 9110 section 7.6.1), about the
 * browser, or a cookie. In to the client comes only what is named here, beside the type of the answer: a server cannot
 * speak from our origin. */
#ifndef GATEHOUSE_MCP_HEADER_RULES_H
#define GATEHOUSE_MCP_HEADER_RULES_H

#include "http/headers.h"

/* `headers` are all of the request: its Connection field names more that stays. */
bool header_may_leave(const struct http_headers *headers, struct str name);
bool header_may_enter(struct str name);

#endif
