#include "store/reserve.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static bool
path_of(const char *database, char path[PATH_MAX])
{
    return (size_t)snprintf(path, PATH_MAX, "%s-reserve", database) < PATH_MAX;
}

void
reserve_make(const char *database)
{
    char path[PATH_MAX];

    if (!path_of(database, path))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return; /* it is there, or cannot be: the next look tries again */
    if (posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
        unlink(path);
    close(fd);
}

bool
reserve_release(const char *database)
{
    char path[PATH_MAX];

    return path_of(database, path) && unlink(path) == 0;
}
