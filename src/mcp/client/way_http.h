/* src/mcp/client/way_http.h: messages to a server of Streamable HTTP, 2025-03-26 to 2026-07-28: each has a hop of its
 * own, which http_back carries. MCP basic/transports "Streamable HTTP". */
#ifndef GATEHOUSE_MCP_CLIENT_WAY_HTTP_H
#define GATEHOUSE_MCP_CLIENT_WAY_HTTP_H

#include "mcp/client/way.h"
#include "mcp/http_back.h"

/* `to` and `scratch` are borrowed, and outlive the exchanges too; `hooks` is copied. NULL: no memory. */
struct way *way_http_new(struct exchanges *all, const struct http_upstream *to, const struct way_hooks *hooks,
                         struct arena *scratch);

#endif
