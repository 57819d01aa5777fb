/* src/api/entry.h: an exchange as the Fiberplane gateway shows it: an entry for the request, and one for each message
 * that follows.
 *
 *   from the client, no answer              direction "request"
 *   an answer (it has result or error)      "response": the server's, or the client's to a question of the server
 *   from the server, no answer              "sse-event": notifications and questions on the way
 *
 * An exchange without messages (a stream in which nothing was said, an erased one) is one request entry without a body.
 * What an exchange is in all its entries: exchangeId, kind, outcome, errorCode. */
#ifndef GATEHOUSE_API_ENTRY_H
#define GATEHOUSE_API_ENTRY_H

#include "api/print.h"
#include "store/query.h"

/* A larger message is said by its size only: `omittedBytes`. */
#define ENTRY_MESSAGE_MAX MIB(8)

/* `m` NULL: there is no message. `is_first`: its time is that of the exchange, to the microsecond. */
void entry_print(struct print *p, const struct exchange_view *x, const struct message_view *m, bool is_first);

#endif
