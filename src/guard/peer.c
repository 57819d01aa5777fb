#include "guard/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"

union address {
    struct sockaddr     any;
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
};

struct question {
    struct nlmsghdr         header;
    struct inet_diag_req_v2 request;
};

bool
peer_check_open(struct peer_check *p, struct error *err)
{
    p->netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (p->netlink >= 0 || access("/proc/net/tcp", R_OK) == 0)
        return true;
    return error_set(
        err, ERROR_DENIED,
        "this system does not tell whose process connects, so other users could: run where netlink or /proc/net is "
        "there, or set http.peer_uid off if no one else can reach this loopback");
}

void
peer_check_close(struct peer_check *p)
{
    if (p->netlink >= 0)
        close(p->netlink);
    p->netlink = -1;
}

/* The client's own socket: its source is our peer, its destination is our side. */
static void
put_ends(struct inet_diag_sockid *id, const union address *peer, const union address *own)
{
    if (peer->any.sa_family == AF_INET) {
        id->idiag_sport  = peer->v4.sin_port;
        id->idiag_dport  = own->v4.sin_port;
        id->idiag_src[0] = peer->v4.sin_addr.s_addr;
        id->idiag_dst[0] = own->v4.sin_addr.s_addr;
    } else {
        id->idiag_sport = peer->v6.sin6_port;
        id->idiag_dport = own->v6.sin6_port;
        memcpy(id->idiag_src, &peer->v6.sin6_addr, 16);
        memcpy(id->idiag_dst, &own->v6.sin6_addr, 16);
    }
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

/* Whoever closes a socket takes the owner's name along: what is left of it has no inode, and is said to be root's. So
 * without an inode the owner is not known; else another user who writes a request and leaves before it is accepted
 * passes for root. */
static bool
has_owner(uint64_t inode)
{
    return inode != 0;
}

/* The kernel answers within the call, so the socket need not wait. */
static bool
ask_netlink(int netlink, const union address *peer, const union address *own, uid_t *uid)
{
    struct question q = {.header  = {.nlmsg_len   = sizeof q,
                                     .nlmsg_type  = SOCK_DIAG_BY_FAMILY,
                                     .nlmsg_flags = NLM_F_REQUEST,
                                     .nlmsg_seq   = 1},
                         .request = {.sdiag_family   = (uint8_t)peer->any.sa_family,
                                     .sdiag_protocol = IPPROTO_TCP,
                                     .idiag_states   = UINT32_MAX}};
    union {
        struct nlmsghdr header;
        char            bytes[1024];
    } answer;

    ssize_t put, got;

    put_ends(&q.request.id, peer, own);
    do
        put = send(netlink, &q, sizeof q, 0);
    while (put < 0 && errno == EINTR);
    if (put != (ssize_t)sizeof q)
        return false;
    do
        got = recv(netlink, &answer, sizeof answer, 0);
    while (got < 0 && errno == EINTR);
    if (got < (ssize_t)(NLMSG_LENGTH(sizeof(struct inet_diag_msg))) || answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    struct inet_diag_msg message;
    memcpy(&message, NLMSG_DATA(&answer.header), sizeof message);
    *uid = message.idiag_uid;
    return has_owner(message.idiag_inode);
}

/* An end as /proc/net/tcp writes it: the address as words in the machine's order, then the port. */
static void
format_end(char out[64], const union address *a)
{
    if (a->any.sa_family == AF_INET) {
        snprintf(out, 64, "%08X:%04X", a->v4.sin_addr.s_addr, ntohs(a->v4.sin_port));
        return;
    }
    uint32_t words[4];
    memcpy(words, &a->v6.sin6_addr, sizeof words);
    snprintf(out, 64, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3], ntohs(a->v6.sin6_port));
}

/* Behind its two ends: state, queues, timer, retransmits, uid, time-out, inode. */
static bool
read_row(struct str row, uid_t *uid)
{
    enum { UID = 5, INODE = 7 };
    struct str word;
    uint64_t   number = 0;

    for (int words = 0; str_cut(&row, ' ', &word);) {
        if (word.len == 0)
            continue;
        words++;
        if ((words == UID || words == INODE) && !str_to_u64(word, &number))
            return false;
        if (words == UID)
            *uid = (uid_t)number;
        if (words == INODE)
            return has_owner(number);
    }
    return false;
}

static bool
read_proc(const union address *peer, const union address *own, uid_t *uid)
{
    char          ends[140], from[64], to[64];
    struct buffer table = {.max = MIB(16)};
    int           fd = open(peer->any.sa_family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", O_RDONLY | O_CLOEXEC);
    bool          found = false;
    ssize_t       got   = fd < 0 ? 0 : 1;

    while (got > 0 && buffer_reserve(&table, KIB(16)) && (got = read(fd, buffer_space(&table), KIB(16))) > 0)
        buffer_added(&table, (size_t)got);
    if (fd >= 0)
        close(fd);
    format_end(from, peer);
    format_end(to, own);
    snprintf(ends, sizeof ends, "%s %s ", from, to);
    ptrdiff_t at = str_find(buffer_str(&table), str_from(ends));
    if (at >= 0)
        found = read_row(str_skip(buffer_str(&table), (size_t)at + strlen(ends)), uid);
    buffer_clear(&table);
    return found;
}

bool
peer_uid(const struct peer_check *p, int fd, uid_t *uid)
{
    union address peer = {0}, own = {0};
    socklen_t     peer_len = sizeof peer, own_len = sizeof own;

    if (getpeername(fd, &peer.any, &peer_len) != 0 || getsockname(fd, &own.any, &own_len) != 0 ||
        (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
        return false;
    if (p->netlink >= 0)
        return ask_netlink(p->netlink, &peer, &own, uid);
    return read_proc(&peer, &own, uid);
}

bool
peer_is_ours(const struct peer_check *p, int fd)
{
    uid_t uid;

    return peer_uid(p, fd, &uid) && (uid == 0 || uid == geteuid());
}
