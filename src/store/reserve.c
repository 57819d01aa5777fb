#include "store/reserve.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
path_of(const char *database, char path[PATH_MAX])
{
    return (size_t)snprintf(path, PATH_MAX, "%s-reserve", database) < PATH_MAX;
}

void
reserve_make(const char *database)
{
    char        path[PATH_MAX];
    struct stat info;

    if (!path_of(database, path))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return; /* the next look tries again */
    if (fstat(fd, &info) == 0 && info.st_size < RESERVE_BYTES && posix_fallocate(fd, 0, RESERVE_BYTES) != 0 &&
        (info.st_size == 0 || ftruncate(fd, info.st_size) != 0))
        unlink(path);
    close(fd);
}

bool
reserve_release(const char *database)
{
    char        path[PATH_MAX];
    struct stat info;

    if (!path_of(database, path) || stat(path, &info) != 0)
        return false;
    return info.st_size > RESERVE_FOR_PURGE ? truncate(path, RESERVE_FOR_PURGE) == 0 : unlink(path) == 0;
}
