#include "child/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "child/wire.h"

enum { ENDS = WIRE_SOCKET + 1 }; /* stdin, stdout, stderr, the socket */

/* Above all the numbers that they are moved to, so that moving one does not overwrite another. */
enum { LOWEST_FD = 10 };

struct ends {
    int ours[ENDS];
    int theirs[ENDS]; /* by the number that it gets there */
};

static void
close_all(int *fds)
{
    for (int i = 0; i < ENDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static bool
lift(int *fd)
{
    if (*fd >= LOWEST_FD)
        return true;
    int higher = fcntl(*fd, F_DUPFD_CLOEXEC, LOWEST_FD);
    if (higher < 0)
        return false;
    close(*fd);
    *fd = higher;
    return true;
}

static bool
open_end(struct ends *e, int number)
{
    int  pair[2];
    bool down = number == STDIN_FILENO;

    if (number == WIRE_SOCKET ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0
                              : pipe2(pair, O_CLOEXEC) != 0)
        return false;
    e->ours[number]   = pair[down ? 1 : 0];
    e->theirs[number] = pair[down ? 0 : 1];
    return lift(&e->theirs[number]) && fd_set_nonblocking(e->ours[number]);
}

static bool
open_ends(struct ends *e)
{
    for (int i = 0; i < ENDS; i++)
        e->ours[i] = e->theirs[i] = -1;
    for (int i = 0; i < ENDS; i++) {
        if (!open_end(e, i)) {
            int saved = errno;
            close_all(e->ours);
            close_all(e->theirs);
            errno = saved;
            return false;
        }
    }
    return true;
}

/* The helper's arguments (wire.h), borrowing those of the command. NULL: no memory. */
static char **
build_arguments(const struct child_spec *spec, const char *helper)
{
    const char *fixed[] = {helper, spec->unconfined ? "free" : "scoped", spec->cwd == NULL ? "" : spec->cwd};
    size_t      count   = 0;

    while (spec->argv[count] != NULL)
        count++;
    char **arguments = calloc(count + 4, sizeof *arguments);
    if (arguments == NULL)
        return NULL;
    memcpy(arguments, fixed, sizeof fixed);
    memcpy(arguments + 3, spec->argv, count * sizeof *arguments);
    return arguments;
}

/* In a session of its own, all signals blocked until it is ready for them, none ignored. 0 or an errno value. */
static int
start(const char *helper, char *const *arguments, char *const *env, const int *theirs, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attributes;
    sigset_t                   all;

    sigfillset(&all);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    for (int i = 0; i < ENDS && failed == 0; i++)
        failed = posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawnattr_setsigmask(&attributes, &all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    if (failed == 0)
        failed = posix_spawn(pid, helper, &actions, &attributes, arguments, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

bool
spawn_helper(const char *helper, const struct child_spec *spec, struct spawned *s, struct error *err)
{
    struct ends e;

    if (!open_ends(&e))
        return error_set_errno(err, errno, "opening pipes for %s", spec->argv[0]);
    char **arguments = build_arguments(spec, helper);
    int    failed    = arguments == NULL ? ENOMEM : start(helper, arguments, spec->env, e.theirs, &s->helper);
    free(arguments);
    close_all(e.theirs);
    if (failed != 0) {
        close_all(e.ours);
        return error_set_errno(err, failed, "starting %s for %s", helper, spec->argv[0]);
    }
    s->pidfd = pidfd_open(s->helper, 0);
    if (s->pidfd < 0) {
        failed = errno;
        close_all(e.ours); /* it ends by itself: its socket is closed */
        waitpid(s->helper, NULL, 0);
        return error_set_errno(err, failed, "watching the helper of %s", spec->argv[0]);
    }
    s->in     = e.ours[STDIN_FILENO];
    s->out    = e.ours[STDOUT_FILENO];
    s->err    = e.ours[STDERR_FILENO];
    s->socket = e.ours[WIRE_SOCKET];
    return true;
}
