/* src/mcp/client/way_sse.h: messages to a server of HTTP+SSE, the transport of 2024-11-05: one event stream brings all
 * that the server says, what we say is POSTed to the address that its first event names. MCP 2024-11-05
 * basic/transports "HTTP with SSE".
 *
 *   IDLE ---> ASKED ---> NAMED ---> IDLE
 *   IDLE    no stream; a request that opens a session (`initialize`, `server/discover`, `ping`) asks for one, any other
 *           message ends with CLOSE_SESSION_ENDED and status 404, as Streamable HTTP says it
 *   ASKED   the GET is on its way: messages wait for the event `endpoint`
 *   NAMED   messages are POSTed
 *
 * The stream is the session: its end ends all that is open. An endpoint of another origin is refused. Answers go to
 * their mail by id, progress by its token; questions and logs go to the call in flight, when there is one alone, and
 * all else to a mail of KIND_STREAM. */
#ifndef GATEHOUSE_MCP_CLIENT_WAY_SSE_H
#define GATEHOUSE_MCP_CLIENT_WAY_SSE_H

#include "mcp/client/way.h"
#include "mcp/http_back.h"

/* `to`, whose URL is that of the stream, is borrowed and outlives the way; `hooks` is copied. NULL: no memory. */
struct way *way_sse_new(struct exchanges *all, const struct http_upstream *to, const struct way_hooks *hooks);

#endif
