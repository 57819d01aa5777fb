/* src/cli/port_owner.h: who listens on a TCP port of this machine, as far as /proc tells it. */
#ifndef GATEHOUSE_CLI_PORT_OWNER_H
#define GATEHOUSE_CLI_PORT_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct port_owner {
    uid_t uid;
    pid_t pid;      /* 0: of another user, or gone */
    char  name[32]; /* "node"; "" when pid is 0; may hold anything */
};

/* False: nobody listens there. */
bool port_owner_find(uint16_t port, struct port_owner *out);

#endif
