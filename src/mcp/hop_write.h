/* src/mcp/hop_write.h: how the answer of a hop is written: one JSON object, the array of a batch, or an event stream.
 * What is written when is for hop.c to say, and for hop.c only. The request is there. */
#ifndef GATEHOUSE_MCP_HOP_WRITE_H
#define GATEHOUSE_MCP_HOP_WRITE_H

#include "mcp/hop.h"

/* The answer is whole or cut, or nobody is there to get one: the request ends, and its bytes with it. */
void hop_let_go(struct hop *hop);

void hop_answer_json(struct hop *hop, int status, struct str body);
/* One more answer of a batch, and all of them. */
void hop_join_answer(struct hop *hop, struct str message, int status);
void hop_answer_batch(struct hop *hop);
void hop_drop_joined(struct hop *hop);

/* The answer becomes a stream. What a batch was answered so far is its first event. */
void hop_begin_stream(struct hop *hop);
void hop_put_event(struct hop *hop, struct str message);
/* With a last event, when there is something to be said that may stand here; else it is cut. */
void hop_end_stream(struct hop *hop, struct str failure);
/* A comment is due when the stream is quiet from now on. */
void hop_expect_comment(struct hop *hop);
/* A stream that the client asked for with GET stays open for hours: nothing of its request is needed any more. */
void hop_forget_request(struct hop *hop);

#endif
