/* src/mcp/service/intake.h: what a client sent at once, a message or a batch of them, becomes exchanges; and is refused
 * as one.
 *
 * For the fronts of a service. What is refused is on record too. */
#ifndef GATEHOUSE_MCP_SERVICE_INTAKE_H
#define GATEHOUSE_MCP_SERVICE_INTAKE_H

#include "mcp/service/rules.h"

enum { INTAKE_MOST = 100 /* messages of a batch */ };

struct intake {
    struct exchanges *all;
    mono_time         patience; /* of its requests */
    /* False: no memory. May be NULL. */
    bool (*attach)(void *arg, struct exchange *x);
    void            *arg;
    struct exchange *xs[INTAKE_MOST]; /* READING */
    size_t           count;
    bool             is_batch;
    struct str       id;      /* to be echoed when it is refused */
    struct refusal   refusal; /* good as long as this */
    struct error     err;
};

/* Begins with `all` to `arg` set. False: refused, it is no message, or has one that is none. */
bool intake_read(struct intake *in, struct str text);
/* One exchange without a message: a GET or DELETE. False: refused. */
bool intake_add(struct intake *in, enum exchange_kind kind, struct str method);
/* Always false. `message` is not copied. */
bool intake_refuse(struct intake *in, int status, int code, const char *message);
/* Closes its exchanges; `answer` is what the client is told. */
void intake_end_refused(struct intake *in, struct str answer);
/* Each of them is judged, and all must pass; `front` was told of those that did not, and those behind are closed.
 * False: all are closed. */
bool intake_guard(struct intake *in);

#endif
