/* src/mcp/session.h: a client's session with a stdio server, and the back of its exchanges.
 *
 * Made when a client sends `initialize`; ends by DELETE, by silence, or with its child. It remembers what the client
 * asked for (log level, subscriptions) and where its messages go: to the stream of the call they belong to, else to the
 * GET stream, else to a call's; with none open they are held, within a bound, until there is one. */
#ifndef GATEHOUSE_MCP_SESSION_H
#define GATEHOUSE_MCP_SESSION_H

#include "mcp/channel.h"
#include "mcp/session_id.h"

/* NULL: no memory. `id` is copied; `owner` is the gateway's. */
struct session *session_new(struct channel *c, const char *id, void *owner);
/* Closes its exchanges for `why`, tells the child, and frees it. An isolated channel closes with it. */
void session_end(struct session *s, enum close_reason why);

/* Where exchange_send sends this session's exchanges. */
struct back    *session_back(struct session *s);
const char     *session_id(const struct session *s);
void           *session_owner(const struct session *s);
struct channel *session_channel(const struct session *s);
/* As agreed in `initialize`; empty before. */
struct str session_revision(const struct session *s);
/* Its event streams, by which a client that was cut off goes on. */
struct answer_streams *session_streams(struct session *s);
bool                   session_has_stream(const struct session *s);
/* Calls in flight and streams: a session with any is not silent. */
size_t    session_open(const struct session *s);
mono_time session_last_heard(const struct session *s);
/* Whether `initialize` was answered with a result. */
bool session_is_open(const struct session *s);

#endif
