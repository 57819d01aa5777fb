/* src/mcp/hop_write.h: how the answer of a hop is written: one JSON object, the array of a batch, or an event stream.
 * What is written when is for hop.c and hop_stream.c to say, and for these only. The request is there. */
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
/* With the id that number gives on the hop's stream, when it carries one. */
void hop_write_event(struct hop *hop, uint64_t number, struct str message);
/* False: it was said, and is not kept for a client that has lost it. */
bool hop_put_event(struct hop *hop, struct str message, bool is_answer);
/* An event without data: with that id, and how long to wait before the client comes back. */
void hop_prime(struct hop *hop, struct str id, mono_time retry);
/* With a last event, when there is something to be said that may stand here; else it is cut. */
void hop_end_stream(struct hop *hop, struct str failure);
/* A comment is due when the stream is quiet from now on. */
void hop_expect_comment(struct hop *hop);
/* A stream that the client asked for with GET stays open for hours: nothing of its request is needed any more. */
void hop_forget_request(struct hop *hop);

/* hop.c: one more message on a stream. False: the client has lost its hop, and nobody has the message. */
bool hop_say(struct hop *hop, struct str message, bool is_answer);
/* The client is elsewhere: the hop is cut, and freed. */
void hop_lose(struct hop *hop);
/* The answer may go on elsewhere: this one ends, and the hop is freed. */
void hop_close_early(struct hop *hop);

#endif
