#include "store/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "store/traffic.h"

/* Behind the slots' bytes: who holds this one is opening the database. */
enum { OPENING = TRAFFIC_SLOTS };

/* Locks of the open file (OFD), not of the process: closing another descriptor of the file does not drop them. */
static bool
lock_byte(const struct slots *s, int command, short type, off_t at)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int          got;

    do
        got = fcntl(s->fd, command, &lock);
    while (got != 0 && errno == EINTR);
    return got == 0;
}

bool
slots_open(struct slots *s, const char *database, struct error *err)
{
    char path[PATH_MAX];

    s->fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s-slots", database) >= sizeof path)
        return error_set(err, ERROR_INVALID, "the path %.60s… is too long", database);
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return s->fd >= 0 || error_set_errno(err, errno, "opening %s", path);
}

void
slots_close(struct slots *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

bool
slot_try(struct slots *s, unsigned slot)
{
    return lock_byte(s, F_OFD_SETLK, F_WRLCK, (off_t)slot);
}

void
slot_release(struct slots *s, unsigned slot)
{
    lock_byte(s, F_OFD_SETLK, F_UNLCK, (off_t)slot);
}

bool
slot_lease(struct slots *s, unsigned *slot, struct error *err)
{
    for (*slot = 0; *slot < TRAFFIC_SLOTS; ++*slot) {
        if (slot_try(s, *slot))
            return true;
    }
    return error_set(err, ERROR_BUSY, "%d processes write this database already, or its file system has no locks",
                     (int)TRAFFIC_SLOTS);
}

bool
slots_lock(struct slots *s, bool lock)
{
    return lock_byte(s, F_OFD_SETLKW, lock ? F_WRLCK : F_UNLCK, OPENING);
}
