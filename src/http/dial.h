/* src/http/dial.h: a connected socket to the first of some addresses that takes us.
 *
 * They are tried in order; each has a head start before the next joins in, and one that fails makes way at once (RFC
 * 8305 sections 5 and 8, without the sorting). Time-out is the caller's: dial_cancel. */
#ifndef GATEHOUSE_HTTP_DIAL_H
#define GATEHOUSE_HTTP_DIAL_H

#include "http/resolve.h"

#define DIAL_HEAD_START MILLISECONDS(250)

struct dial;

/* `done` is called once, from the loop, unless dial_cancel comes first; the dial is gone then. `fd` is the owner's, or
 * -1 with `err`: "connection refused (127.0.0.1:9000)". NULL: no memory. */
struct dial *dial_start(struct loop *loop, const struct addresses                        *addresses,
                        void (*done)(void *owner, int fd, const struct error *err), void *owner, struct error *err);
void         dial_cancel(struct dial *d); /* NULL is nothing */

#endif
