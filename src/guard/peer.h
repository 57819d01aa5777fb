/* src/guard/peer.h: whose process is at the other end of a loopback connection.
 *
 * Without authentication the gateway is its user's: only that user's processes, and root's, may connect, though every
 * user of the machine reaches 127.0.0.1. The kernel tells the owner of the peer's socket (sock_diag(7), 0.7 us a
 * look-up); where netlink is forbidden /proc/net/tcp does. http.peer_uid turns it off, for namespaces that hide both.
 */
#ifndef GATEHOUSE_GUARD_PEER_H
#define GATEHOUSE_GUARD_PEER_H

#include <sys/types.h>

#include "base/error.h"

struct peer_check {
    int netlink; /* -1: /proc is read */
};

/* ERROR_DENIED with the mend when neither way works here. */
bool peer_check_open(struct peer_check *p, struct error *err);
void peer_check_close(struct peer_check *p);

/* Whether the accepted TCP connection `fd` comes from our own user or root. A peer whose owner cannot be found, or
 * who has closed its end already, may not. */
bool peer_is_ours(const struct peer_check *p, int fd);
/* The owner. False: not found, or gone. For tests and `doctor`. */
bool peer_uid(const struct peer_check *p, int fd, uid_t *uid);

#endif
