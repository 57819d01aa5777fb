/* tests/fault/early.c: a machine whose clock starts in 1970, as one without a battery does. Preloaded. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    long failed = syscall(SYS_clock_gettime, clock, now);

    if (failed == 0 && clock == CLOCK_REALTIME)
        now->tv_sec %= 3600;
    return (int)failed;
}
