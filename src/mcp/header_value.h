/* src/mcp/header_value.h: what a header field that mirrors the body says: Mcp-Name, Mcp-Param-*.
 *
 * Printable ASCII stands as it is; any other text is written =?base64?...?=, its UTF-8 in the standard alphabet with
 * padding. A value with only the beginning or only the end of that is literal. MCP 2026-07-28, basic/transports "Value
 * encoding". */
#ifndef GATEHOUSE_MCP_HEADER_VALUE_H
#define GATEHOUSE_MCP_HEADER_VALUE_H

#include "base/arena.h"
#include "base/error.h"

/* `value` is what is meant: a slice of `written`, or bytes in the arena. False: written wrongly (ERROR_INVALID, with
 * words), or no memory. */
bool header_value_read(struct str written, struct arena *a, struct str *value, struct error *err);
/* How `value` is written: itself, or bytes in the arena. False: no memory. */
bool header_value_write(struct str value, struct arena *a, struct str *written);

#endif
