/* src/child/helper/main.c: the parent of one command, which ends all that the command started.
 *
 * A process may hide from its process group, its session and its parent by forking twice, but not from the subreaper
 * above it: orphans become the helper's own children. It is a program of its own, small and static, because Gatehouse
 * is too large to fork, and because it must outlive it: Gatehouse may be killed at any moment, and the tree must go
 * then. It has no death signal itself; its socket is how it learns. Nothing can be told to anyone from here but over
 * that. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/helper/command.h"
#include "child/tree.h"
#include "child/wire.h"

/* Between two rounds of killing, in milliseconds: what is in an uninterruptible call dies when that returns. */
enum { AGAIN_FIRST = 2, AGAIN_LAST = 200 };

struct helper {
    pid_t command;
    int   outcome; /* of exec; -1 once told */
    int   signals; /* signalfd of SIGCHLD */
    bool  ending;
    int   again; /* milliseconds until the next round of killing */
};

static struct tree tree;

static void
report(enum report_kind kind, int value, int step)
{
    struct report r = {.kind = kind, .value = value, .step = step};

    send(WIRE_SOCKET, &r, sizeof r, MSG_NOSIGNAL);
}

/* Tells whether exec succeeded, once that is known. */
static void
tell_outcome(struct helper *h)
{
    struct start_failure failure;

    if (h->outcome < 0)
        return;
    ssize_t got = read(h->outcome, &failure, sizeof failure);
    if (got < 0)
        return;
    close(h->outcome);
    h->outcome = -1;
    if (got == sizeof failure) {
        report(REPORT_FAILED, failure.error, failure.step);
        h->command = 0; /* its exit is no news */
    } else {
        report(REPORT_STARTED, h->command, 0);
    }
}

/* False: no child is left. */
static bool
reap(struct helper *h)
{
    int status;

    for (;;) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0)
            return true;
        if (pid < 0)
            return false; /* ECHILD */
        if (pid == h->command) {
            tell_outcome(h);
            if (h->command != 0)
                report(REPORT_EXITED, status, 0);
            h->command = 0;
        }
    }
}

static void
obey(struct helper *h)
{
    struct order order;
    ssize_t      got = recv(WIRE_SOCKET, &order, sizeof order, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == sizeof order && order.kind == ORDER_TERMINATE) {
        tree_walk(&tree, NULL, 0);
        tree_signal(&tree, SIGTERM);
        return;
    }
    h->ending = true; /* told to, or Gatehouse is gone */
    h->again  = AGAIN_FIRST;
}

static void
drain_signals(struct helper *h)
{
    struct signalfd_siginfo info[16];

    while (read(h->signals, info, sizeof info) > 0)
        continue;
}

static void
serve(struct helper *h)
{
    while (reap(h)) {
        if (h->ending) {
            tree_kill(&tree, NULL, 0);
            if (!reap(h))
                break;
        }
        /* While ending, the socket is not asked: closed, it would be ready for ever. */
        struct pollfd fds[] = {
            {.fd = h->signals, .events = POLLIN},
            {.fd = h->outcome, .events = POLLIN},
            {.fd = h->ending ? -1 : WIRE_SOCKET, .events = POLLIN},
        };
        int ready = poll(fds, 3, h->ending ? h->again : -1);
        if (h->ending && ready == 0 && h->again < AGAIN_LAST)
            h->again *= 2;
        if (fds[0].revents != 0)
            drain_signals(h);
        if (fds[1].revents != 0)
            tell_outcome(h);
        if (fds[2].revents != 0)
            obey(h);
    }
}

/* The command has the pipes now; holding them here would hide that it closed them. */
static void
let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= 2; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            close(fd);
    if (null > 2)
        close(null);
    (void)!chdir("/");
}

static void
close_inherited(void)
{
    if (syscall(SYS_close_range, WIRE_SOCKET + 1, ~0U, 0) == 0)
        return;
    for (int fd = WIRE_SOCKET + 1; fd < 4096; fd++) /* Linux before 5.9 */
        close(fd);
}

int
main(int argc, char **argv)
{
    struct helper h = {.outcome = -1};
    sigset_t      all, child;

    if (argc < 4 || fcntl(WIRE_SOCKET, F_SETFD, FD_CLOEXEC) != 0) {
        fputs("gatehouse-helper is started by gatehouse, for each command that it runs; not by hand.\n", stderr);
        return 2;
    }
    close_inherited();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    h.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    h.command = h.signals < 0 ? -1 : command_start(argv + 3, argv[2], strcmp(argv[1], "scoped") == 0, &h.outcome);
    if (h.command < 0)
        report(REPORT_FAILED, errno, STEP_FORK);
    let_go();
    serve(&h);
    report(REPORT_ENDED, 0, 0);
    return 0;
}
