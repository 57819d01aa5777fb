/* src/mcp/reply.h: whether a JSON body is the answer to a request.
 *
 * A server may send anything under "application/json". What is no message, or answers what was not asked, would leave
 * the client with a promise that is never kept: it is told at once instead. JSON-RPC 2.0, section 5. */
#ifndef GATEHOUSE_MCP_REPLY_H
#define GATEHOUSE_MCP_REPLY_H

#include "exchange/envelope.h"

/* NULL: it is a result or an error with the id `asked` (as written), or an error without one, and `e` shows it; `e` is
 * empty when nothing can be said: a batch, or no memory to read it. Else what is wrong with it, in words; they may lie
 * in `err`. */
const char *reply_check(struct envelope *e, struct str body, struct str asked, struct arena *scratch,
                        struct error *err);

#endif
