/* src/exchange/close_reason.h: why an exchange ended, as a table: what the client is told, what is recorded. */
#ifndef GATEHOUSE_EXCHANGE_CLOSE_REASON_H
#define GATEHOUSE_EXCHANGE_CLOSE_REASON_H

enum close_reason {
    CLOSE_ANSWERED,       /* the last message of the answer has been passed on */
    CLOSE_REFUSED,        /* by a stage of ours; nothing left the house */
    CLOSE_UNREACHABLE,    /* no connection to the server, or its child would not start */
    CLOSE_TIMED_OUT,      /* no message within the entry's time-out */
    CLOSE_CUT,            /* the server ended before it had answered */
    CLOSE_MALFORMED,      /* the server's answer broke the protocol */
    CLOSE_TOO_LARGE,      /* a message over message.max */
    CLOSE_BUSY,           /* a bound of ours is reached */
    CLOSE_CLIENT_LEFT,    /* and nobody waits for the answer */
    CLOSE_CLIENT_STALLED, /* it did not read what it was told, within the entry's time-out */
    CLOSE_CANCELLED,      /* the client said so */
    CLOSE_SESSION_ENDED,  /* deleted, idle, or its child went with it */
    CLOSE_SHUTDOWN,       /* Gatehouse ends */
    CLOSE_REASONS
};

struct close_info {
    const char *name;    /* `data.reason` for the client, and in metrics */
    const char *outcome; /* in the log */
    int         status;  /* HTTP, when no head is out */
    const char *text;    /* follows the server's name */
};

extern const struct close_info close_info[CLOSE_REASONS];

#endif
