#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool
fd_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool
file_read(const char *path, struct buffer *into, struct error *err)
{
    bool ok = false;
    int  fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return error_set_errno(err, errno, "reading %s", path);
    for (;;) {
        if (!buffer_reserve(into, buffer_len(into) + 1 > into->max ? 0 : 1)) {
            error_set(err, ERROR_MEMORY, "reading %s: no memory", path);
            break;
        }
        if (buffer_len(into) == into->max) {
            error_set(err, ERROR_TOO_LARGE, "%s is larger than %zu bytes", path, into->max);
            break;
        }
        ssize_t got = read(fd, buffer_space(into), buffer_room(into));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set_errno(err, errno, "reading %s", path);
            break;
        }
        if (got == 0) {
            ok = true;
            break;
        }
        buffer_added(into, (size_t)got);
    }
    close(fd);
    return ok;
}

static bool
write_all(int fd, struct str content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.data, content.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content = str_skip(content, (size_t)put);
    }
    return true;
}

/* So that the rename itself survives a power cut. */
static void
sync_directory_of(const char *path)
{
    char        directory[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

bool
file_replace(const char *path, struct str content, mode_t mode, struct error *err)
{
    return file_replace_if(path, content, mode, NULL, NULL, err);
}

bool
file_replace_if(const char *path, struct str content, mode_t mode, bool (*still)(void *arg), void *arg,
                struct error *err)
{
    char target[PATH_MAX];
    char fresh[PATH_MAX + 8];

    if (realpath(path, target) == NULL)
        snprintf(target, sizeof target, "%s", path);
    snprintf(fresh, sizeof fresh, "%s.XXXXXX", target);
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "writing beside %s", path);
    bool ok    = write_all(fd, content) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int  saved = errno;
    close(fd);
    if (ok && still != NULL && !still(arg)) {
        unlink(fresh);
        return error_set(err, ERROR_BUSY, "%s changed meanwhile", path);
    }
    if (ok && rename(fresh, target) != 0) {
        ok    = false;
        saved = errno;
    }
    if (!ok) {
        unlink(fresh);
        return error_set_errno(err, saved, "writing %s", path);
    }
    sync_directory_of(target);
    return true;
}

bool
file_make_directory(const char *path, struct error *err)
{
    char part[PATH_MAX];

    if (strlen(path) >= sizeof part)
        return error_set(err, ERROR_INVALID, "the path %.60s… is too long", path);
    for (size_t i = 1;; i++) {
        if (path[i - 1] != '\0' && path[i] != '/' && path[i] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST && errno != EISDIR)
            return error_set_errno(err, errno, "making the directory %s", part);
        if (path[i - 1] == '\0' || path[i] == '\0')
            return true;
    }
}

int
file_lock(const char *path, int wait_ms, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        error_set_errno(err, errno, "opening the lock %s", path);
        return -1;
    }
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += 10) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= wait_ms) {
            error_set(err, ERROR_BUSY, "another process holds the lock %s", path);
            close(fd);
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return fd;
}
