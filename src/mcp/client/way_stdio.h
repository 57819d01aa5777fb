/* src/mcp/client/way_stdio.h: messages to a child, as one session of its channel. MCP basic/transports "stdio".
 *
 * The channel answers the session's `initialize` from what the child said when it was opened; what the child says
 * outside of calls comes to a mail of KIND_STREAM. */
#ifndef GATEHOUSE_MCP_CLIENT_WAY_STDIO_H
#define GATEHOUSE_MCP_CLIENT_WAY_STDIO_H

#include "mcp/client/way.h"
#include "mcp/session.h"

/* The session stays its maker's, who ends it after the way is freed, or tells the way. NULL: no memory. */
struct way *way_stdio_new(struct exchanges *all, struct session *s, const struct way_hooks *hooks);
/* The same to a child of 2026-07-28, which has no sessions: `child` is channel_back. */
struct way *way_child_new(struct exchanges *all, struct back *child, const struct way_hooks *hooks);
/* The session, or the channel, ends: what is sent from now on fails. What was open, session_end closes. */
void way_stdio_lose(struct way *way);

#endif
