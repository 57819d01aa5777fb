/* src/gateway/gaps.h: says in the log when calls can no longer be recorded, or not whole, why, and when they are again:
 * once each, not per call. Owned by the network thread. */
#ifndef GATEHOUSE_GATEWAY_GAPS_H
#define GATEHOUSE_GATEWAY_GAPS_H

#include "store/traffic.h"

struct gaps {
    bool     is_told; /* that it does not work */
    uint64_t lost;    /* exchanges, when it last worked */

    bool     is_missing;              /* parts of messages, in the last second */
    uint64_t missing, missing_before; /* bytes: until now, and until that began */
};

/* Looks and tells; each second. NULL traffic: nothing is to be recorded. */
void gaps_look(struct gaps *g, struct traffic *traffic);

#endif
