/* src/mcp/client/mirror.h: the arguments of a tool that a modern client repeats in header fields, Mcp-Param-*.
 *
 * The tool's input schema says which (mcp/param_rules.h). A tool whose annotations are not allowed is not to be shown
 * to who uses it over HTTP: a client leaves it out of the lists it gets. MCP 2026-07-28, basic/transports "Custom
 * headers".
 */
#ifndef GATEHOUSE_MCP_CLIENT_MIRROR_H
#define GATEHOUSE_MCP_CLIENT_MIRROR_H

#include <yyjson.h>

#include "base/arena.h"
#include "base/error.h"
#include "http/headers.h"

/* Whether a tool with this input schema may be used over HTTP. False: `err` says what its annotations break
 * (ERROR_INVALID), or no memory. NULL, no schema at all, is valid. */
bool mirror_is_valid(yyjson_val *input_schema, struct error *err);

/* The fields for a call with these arguments (NULL: none), in the arena or slices of `arguments`; for
 * mail_spec.params. False: as above; there are none then. */
bool mirror_arguments(yyjson_val *input_schema, yyjson_val *arguments, struct arena *a,
                      const struct http_header **params, size_t *count, struct error *err);

#endif
