/* src/mcp/failure.h: what a client is told when its request ended without an answer of who was asked. */
#ifndef GATEHOUSE_MCP_FAILURE_H
#define GATEHOUSE_MCP_FAILURE_H

#include "exchange/exchange.h"

/* A JSON-RPC error with the id of `x`: the server's name (empty: ours), what happened, to what. */
bool append_failure(struct buffer *b, const char *server, const struct exchange *x, enum close_reason why);

#endif
