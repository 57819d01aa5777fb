/* src/gateway/capture.h: every message of every exchange, both directions, in order, on its way to the store.
 *
 * A call that is over within a second is one record, made when it closes. One that lasts longer is written open, so
 * that whoever looks sees it, and what follows is added. */
#ifndef GATEHOUSE_GATEWAY_CAPTURE_H
#define GATEHOUSE_GATEWAY_CAPTURE_H

#include "exchange/exchange.h"
#include "store/traffic.h"

struct capture {
    struct loop      *loop;
    struct traffic   *traffic; /* NULL: nothing is captured */
    struct exchanges *exchanges;
    struct timer      sweep;
    struct loop_hook  turn_end;
};

void capture_init(struct capture *c, struct loop *loop, struct traffic *traffic, struct exchanges *exchanges);
void capture_clear(struct capture *c);

/* Hooks of the exchanges. `labels` says whose it is as far as is known now; borrowed. */
void capture_message(struct capture *c, struct exchange *x, struct labels *labels, enum message_from from,
                     struct str bytes, bool continues);
void capture_close(struct capture *c, struct exchange *x, struct labels *labels, enum close_reason why);
/* The sweep needs the labels of exchanges that it writes open. */
struct labels *capture_labels_of(struct exchange *x);

#endif
