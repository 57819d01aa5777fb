/* src/mcp/hop_stream.h: a hop as the carrier of an answer stream, which outlives it.
 *
 * When the client leaves, the stream takes over the calls that the hop had: it becomes their front and keeps what comes
 * for them, their answers too. A GET with the id of one of its events gets what followed, and its hop carries the
 * stream on: of a call until all is answered, of a GET as long as it likes. One hop carries a stream at a time; the
 * last who asks is the one whose client is there.
 *
 *   POST or GET -> hop -> stream      the hop is the front; what it says gets an id and is kept
 *                         stream      the hop is gone: the stream is the front of its calls, and keeps
 *           GET -> hop -> stream      the stream is still their front, and says it through the new hop */
#ifndef GATEHOUSE_MCP_HOP_STREAM_H
#define GATEHOUSE_MCP_HOP_STREAM_H

#include "mcp/answer_stream.h"
#include "mcp/hop.h"

/* Whether a GET with that Last-Event-ID (or none) may have a stream: 0, else the HTTP status and the words of a
 * refusal. `is_listening`: the session has a GET stream. */
int hop_refuses(const struct answer_streams *streams, struct str last_event_id, bool is_listening, const char **words);
/* The GET of `x`, which hop_refuses did not refuse: goes to `listening`, or resumes what its Last-Event-ID names. */
void hop_listen(struct hop *hop, struct exchange *x, struct answer_streams *streams, struct str last_event_id,
                struct back *listening);

/* For hop.c and hop_write.c. */

/* The head is written: what comes first on the stream. */
void hop_begin_events(struct hop *hop);
/* The hop no longer carries its stream, if it does. */
struct answer_stream *hop_part(struct hop *hop);
/* The stream becomes the front of `x`, which has none. False: it is nothing that could be answered later. */
bool hop_stream_adopt(struct answer_stream *s, struct exchange *x);
/* Nobody carries it now: whether it has ended. */
void hop_stream_settle(struct answer_stream *s);
/* The client may go and come back. False: it stays. */
bool hop_let_client_go(struct hop *hop, mono_time retry);

#endif
