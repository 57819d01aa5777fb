#include "guard/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { NOBODY = 65534 };

/* A listening socket on a free port of the loopback. */
static int
listen_on(int family, struct sockaddr_storage *address, socklen_t *len)
{
    int fd = socket(family, SOCK_STREAM, 0);

    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    *len               = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (family == AF_INET)
        ((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
    if (bind(fd, (struct sockaddr *)address, *len) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)address, len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
expect_uid(int family, uid_t uid, bool through_proc)
{
    struct sockaddr_storage address;
    socklen_t               len;
    struct peer_check       check    = {.netlink = -1};
    int                     listener = listen_on(family, &address, &len);
    uid_t                   found    = 12345;

    if (listener < 0)
        return; /* a machine without IPv6 */
    pid_t child = fork();
    if (child == 0) {
        if (uid != geteuid() && (setgid(uid) != 0 || setuid(uid) != 0))
            _exit(1);
        int fd = socket(family, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, len) != 0)
            _exit(1);
        pause();
    }
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    if (!through_proc)
        assert_true(peer_check_open(&check, NULL));
    assert_true(peer_uid(&check, fd, &found));
    assert_int_equal(found, uid);
    assert_int_equal(peer_is_ours(&check, fd), uid == 0 || uid == geteuid());
    peer_check_close(&check);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fd);
    close(listener);
}

TEST(our_own_process_is_ours_by_either_way)
{
    for (int through_proc = 0; through_proc < 2; through_proc++) {
        expect_uid(AF_INET, geteuid(), through_proc);
        expect_uid(AF_INET6, geteuid(), through_proc);
    }
}

TEST(another_users_process_is_not)
{
    if (geteuid() != 0)
        skip(); /* only root can play another user */
    for (int through_proc = 0; through_proc < 2; through_proc++) {
        expect_uid(AF_INET, NOBODY, through_proc);
        expect_uid(AF_INET6, NOBODY, through_proc);
    }
}

/* The kernel forgets the owner of a socket that is closed, and calls it root's. */
static void
expect_stranger_who_left(int family, bool through_proc)
{
    struct sockaddr_storage address;
    socklen_t               len;
    struct peer_check       check    = {.netlink = -1};
    int                     listener = listen_on(family, &address, &len), status = 0;

    if (listener < 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        int fd = socket(family, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, len) != 0 || send(fd, "POST", 4, 0) != 4 ||
            shutdown(fd, SHUT_WR) != 0)
            _exit(1);
        struct tcp_info info = {0};
        for (socklen_t size = sizeof info; info.tcpi_state != TCP_FIN_WAIT2; size = sizeof info)
            if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
                _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    if (!through_proc)
        assert_true(peer_check_open(&check, NULL));
    assert_false(peer_is_ours(&check, fd));
    peer_check_close(&check);
    close(fd);
    close(listener);
}

TEST(another_users_process_that_wrote_and_left_is_not_taken_for_root)
{
    if (geteuid() != 0)
        skip();
    for (int through_proc = 0; through_proc < 2; through_proc++) {
        expect_stranger_who_left(AF_INET, through_proc);
        expect_stranger_who_left(AF_INET6, through_proc);
    }
}
