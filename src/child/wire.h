/* src/child/wire.h: what Gatehouse and a helper say to each other, over a SOCK_SEQPACKET pair: one struct, one packet.
 *
 * The helper is started as
 *
 *   gatehouse-helper CONFINE CWD COMMAND [ARGUMENT]...
 *
 * with the command's whole environment as its own, the command's stdin, stdout and stderr as 0, 1 and 2, and the socket
 * as WIRE_SOCKET. CONFINE is "scoped" or "free"; CWD is empty for the one it has. A socket that closes is an order: end
 * everything, for Gatehouse is gone. */
#ifndef GATEHOUSE_CHILD_WIRE_H
#define GATEHOUSE_CHILD_WIRE_H

#include <stdint.h>

enum { WIRE_SOCKET = 3 };

enum order_kind {
    ORDER_TERMINATE = 1, /* SIGTERM to every process of the tree */
    ORDER_END,           /* SIGKILL to every process of the tree until none is left */
};

struct order {
    uint32_t kind;
};

enum report_kind {
    REPORT_STARTED = 1, /* value: pid of the command, whose exec succeeded */
    REPORT_FAILED,      /* value: errno; step: enum start_step */
    REPORT_EXITED,      /* value: the command's status as wait(2) gives it */
    REPORT_ENDED,       /* nothing of the tree is left; the helper exits. Without it, it left orphans */
};

/* What failed in starting the command. */
enum start_step { STEP_FORK = 1, STEP_CWD, STEP_EXEC, STEP_INTERPRETER };

struct report {
    uint32_t kind;
    int32_t  value;
    int32_t  step;
};

#endif
