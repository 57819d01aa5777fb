/* src/mcp/log_level.h: the levels of log messages, as RFC 5424 has them. MCP "Logging". */
#ifndef GATEHOUSE_MCP_LOG_LEVEL_H
#define GATEHOUSE_MCP_LOG_LEVEL_H

#include "base/str.h"

enum { LOG_LEVELS = 8 };

extern const char *const log_levels[LOG_LEVELS]; /* least severe first */
/* Its place in the list; -1: no level. */
int log_level_of(struct str word);

#endif
