/* bench/echo.h: what the echo servers answer, over whichever transport.
 *
 * One tool, `echo`, gives its argument `text` back: the answer is about as long as the request. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include "wire.h"

enum echo_kind {
    ECHO_SILENT,     /* a notification, or a reply: nothing was added */
    ECHO_ANSWERED,   /* one answer was added */
    ECHO_INITIALIZE, /* the same, and it was the answer to `initialize` */
    ECHO_BAD,        /* not a JSON-RPC message: an error without an id was added */
};

/* Adds the answer to one JSON-RPC message, a line's worth without the newline. */
enum echo_kind echo_answer(struct span message, struct bytes *answer);

#endif
