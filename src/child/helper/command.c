#include "child/helper/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Landlock (Linux 5.13), whose signal scope is newer than Debian's header: ABI 6, Linux 6.12. */
enum {
    LANDLOCK_CREATE   = 444,
    LANDLOCK_RESTRICT = 446,
};
struct landlock_rules {
    uint64_t files;
    uint64_t net;
    uint64_t scoped;
};
#define LANDLOCK_SCOPED_SIGNAL ((uint64_t)1 << 1)

/* Keeps the command and all it starts from signalling anything else: Gatehouse, the helpers, the user's programs. An
 * older kernel does not know how; then they may, and `doctor` says so. */
static void
scope_signals(void)
{
    struct landlock_rules rules = {.scoped = LANDLOCK_SCOPED_SIGNAL};

    int fd = (int)syscall(LANDLOCK_CREATE, &rules, sizeof rules, 0);
    if (fd < 0)
        return;
    if (syscall(LANDLOCK_RESTRICT, fd, 0) != 0 && errno == EPERM) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* what Landlock asks of those who are not root */
        syscall(LANDLOCK_RESTRICT, fd, 0);
    }
    close(fd);
}

/* Whether exec found the file, so that ENOENT means the interpreter of its first line. */
static bool
is_there(const char *name)
{
    char        path[4096];
    const char *search = getenv("PATH");

    if (strchr(name, '/') != NULL)
        return access(name, F_OK) == 0;
    while (search != NULL && *search != '\0') {
        size_t len = strcspn(search, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)len, search, name);
        if (len > 0 && name[0] != '\0' && access(path, F_OK) == 0)
            return true;
        search += len + (search[len] == ':');
    }
    return false;
}

static void
fail(int outcome, enum start_step step, int error)
{
    struct start_failure failure = {(int32_t)step, error};

    (void)!write(outcome, &failure, sizeof failure);
    _exit(127);
}

/* Gatehouse raises its own soft limit of descriptors; in a program that uses select(), one of FD_SETSIZE or more writes
 * behind the set. A program that can do with more raises its own, for the hard limit stays. systemd does the same. */
static void
lower_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= FD_SETSIZE)
        return;
    limit.rlim_cur = FD_SETSIZE;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void
become(char *const *argv, const char *cwd, bool scoped, pid_t helper, int outcome)
{
    sigset_t none;

    setsid();
    if (cwd[0] != '\0' && chdir(cwd) != 0)
        fail(outcome, STEP_CWD, errno);
    if (scoped)
        scope_signals();
    lower_descriptor_limit();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != helper) /* it died before the death signal was set */
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    int error = errno;
    fail(outcome, error == ENOENT && is_there(argv[0]) ? STEP_INTERPRETER : STEP_EXEC, error);
}

pid_t
command_start(char *const *argv, const char *cwd, bool scoped, int *outcome)
{
    int   ends[2];
    pid_t helper = getpid();

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, cwd, scoped, helper, ends[1]);
    int error = errno;
    close(ends[1]);
    if (pid < 0)
        close(ends[0]);
    else
        *outcome = ends[0];
    errno = error;
    return pid;
}
