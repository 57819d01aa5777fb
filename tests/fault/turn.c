/* Preloaded: says on stderr each turn of a program's loop that took its first thread over TURN_SAID_MS of CPU: the time
 * between two waits, in which nobody else is served. The machine's other work does not count, so that a bound may be
 * tight. */
#include <dlfcn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { TURN_SAID_MS = 4 };

static double began; /* ms of CPU when the turn did; 0: it has not waited yet */

static double
cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
end_turn(void)
{
    double took = cpu() - began;

    if (began == 0)
        dprintf(2, "turns are watched\n");
    else if (took > TURN_SAID_MS)
        dprintf(2, "turn: %.1f ms\n", took);
}

int
epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
    static int (*next)(int, struct epoll_event *, int, int, const sigset_t *);

    if (next == NULL)
        next = (int (*)(int, struct epoll_event *, int, int, const sigset_t *))dlsym(RTLD_NEXT, "epoll_pwait");
    if (gettid() != getpid())
        return next(epoll, events, count, timeout, mask);
    end_turn();
    int ready = next(epoll, events, count, timeout, mask);
    began     = cpu();
    return ready;
}

/* libuv takes the one or the other. */
int
epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
    return epoll_pwait(epoll, events, count, timeout, NULL);
}
