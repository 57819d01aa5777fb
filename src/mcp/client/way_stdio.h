/* src/mcp/client/way_stdio.h: messages to a child, as one session of a legacy channel, by a modern channel, or both: a
 * message goes where those of its era do. MCP basic/transports "stdio".
 *
 * The legacy channel answers the session's `initialize` from what the child said when it was opened; what the child
 * says outside of calls comes to a mail of KIND_STREAM. */
#ifndef GATEHOUSE_MCP_CLIENT_WAY_STDIO_H
#define GATEHOUSE_MCP_CLIENT_WAY_STDIO_H

#include "mcp/client/way.h"
#include "mcp/session.h"

/* Session and channel stay their maker's, who ends them after the way is freed, or tells the way. NULL: no memory. */
struct way *way_stdio_new(struct exchanges *all, struct session *s, const struct way_hooks *hooks);
/* `legacy` may be NULL: messages of that era fail. With both a client finds out the era of the child: a
 * `server/discover` that the channel strands (channel_events.on_stranded: to be failed there, with CLOSE_UNREACHABLE)
 * is followed by `initialize`, on a child that the session's channel starts. */
struct way *way_stdio_new_modern(struct exchanges *all, struct channel *modern, struct session *legacy,
                                 const struct way_hooks *hooks);
/* The session ends, the modern channel closes: what is sent there from now on fails. What was open they close. */
void way_stdio_lose(struct way *way);
void way_stdio_lose_modern(struct way *way);

#endif
