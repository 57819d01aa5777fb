/* tests/unit/child/peer.c: a command that behaves in one way.
 *
 *   peer MODE [ARGUMENT]...      the last argument may be a token by which a test finds all its processes
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
say(const char *text)
{
    (void)!write(1, text, strlen(text));
}

static void
wait_for_ever(void)
{
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

/* A session of its own, a child with one of its own, and a grandchild with a third whose parent has left when `done` is
 * told. */
static void
hide_one(int done)
{
    setsid();
    pid_t middle = fork();
    if (middle == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            wait_for_ever();
        }
        _exit(0);
    }
    waitpid(middle, NULL, 0);
    (void)!write(done, "x", 1);
    wait_for_ever();
}

static void
hide(void)
{
    int  done[2];
    char byte;

    if (pipe(done) != 0)
        _exit(1);
    for (int i = 0; i < 5; i++)
        if (fork() == 0)
            hide_one(done[1]);
    for (int i = 0; i < 5; i++)
        (void)!read(done[0], &byte, 1);
    say("hidden\n");
    wait_for_ever();
}

static void
be_deaf(void)
{
    if (fork() == 0)
        wait_for_ever();
    signal(SIGTERM, SIG_IGN);
    say("deaf\n");
    wait_for_ever();
}

/* Leaves when its stdin ends, after a line. */
static void
be_polite(void)
{
    char text[256];

    say("ready\n");
    while (read(0, text, sizeof text) > 0)
        continue;
    say("bye\n");
    _exit(0);
}

static void
on_term(int signal_number)
{
    (void)signal_number;
    say("terminated\n");
    _exit(7);
}

static void
leave_on_term(void)
{
    signal(SIGTERM, on_term);
    say("ready\n");
    for (;;)
        pause();
}

static void
flood(long bytes)
{
    static char piece[4096];

    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = i % 64 == 63 ? '\n' : 'x';
    for (; bytes > 0; bytes -= (long)sizeof piece)
        (void)!write(1, piece, sizeof piece);
}

/* Each forks and leaves, as fast as it can, for ten seconds at most. */
static void
run_away(int strands)
{
    for (int i = 0; i < strands; i++) {
        if (fork() != 0)
            continue;
        time_t end = time(NULL) + 10;
        while (time(NULL) < end)
            if (fork() > 0)
                _exit(0);
        _exit(0);
    }
    say("running\n");
    for (;;)
        pause();
}

static void
list_descriptors(void)
{
    char           line[64];
    DIR           *open_ones = opendir("/proc/self/fd");
    struct dirent *entry;

    while (open_ones != NULL && (entry = readdir(open_ones)) != NULL) {
        if (entry->d_name[0] == '.' || (int)strtol(entry->d_name, NULL, 10) == dirfd(open_ones))
            continue;
        snprintf(line, sizeof line, "%.8s ", entry->d_name);
        say(line);
    }
    say("\n");
}

/* "mask 0 ignored 0 leader 1", and whether descriptor 0 blocks. */
static void
tell_signals(void)
{
    char             line[128];
    sigset_t         mask;
    struct sigaction set;
    int              blocked = 0, ignored = 0;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int i = 1; i < NSIG; i++) {
        blocked += sigismember(&mask, i) == 1;
        ignored += sigaction(i, NULL, &set) == 0 && set.sa_handler == SIG_IGN;
    }
    snprintf(line, sizeof line, "mask %d ignored %d leader %d blocking %d\n", blocked, ignored, getsid(0) == getpid(),
             (fcntl(0, F_GETFL) & O_NONBLOCK) == 0);
    say(line);
}

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    const char *with = argc > 2 ? argv[2] : "";

    if (strcmp(mode, "hide") == 0)
        hide();
    else if (strcmp(mode, "deaf") == 0)
        be_deaf();
    else if (strcmp(mode, "polite") == 0)
        be_polite();
    else if (strcmp(mode, "term") == 0)
        leave_on_term();
    else if (strcmp(mode, "flood") == 0)
        flood(strtol(with, NULL, 10));
    else if (strcmp(mode, "run-away") == 0)
        run_away((int)strtol(with, NULL, 10));
    else if (strcmp(mode, "fds") == 0)
        list_descriptors();
    else if (strcmp(mode, "signals") == 0)
        tell_signals();
    else if (strcmp(mode, "kill") == 0)
        return kill((pid_t)strtol(with, NULL, 10), 0) == 0 ? 0 : 1;
    else
        return 2;
    return 0;
}
