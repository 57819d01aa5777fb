#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"

bool
home_path(char *out, size_t size, const struct settings *settings, const char *name)
{
    int len = snprintf(out, size, "%.*s/%s", STR_ARG(settings->home), name);

    return len > 0 && (size_t)len < size;
}

enum { DEPTH_MAX = 4 }; /* keys/, users/<principal>/ */

/* Others may not read what we keep: tokens, keys, what was said. Directories of the home are as the home itself. */
static void
tighten_files(int directory, const char *path, unsigned depth)
{
    int            copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *list = copy < 0 ? NULL : fdopendir(copy);
    char           inside[PATH_MAX];
    struct dirent *entry;
    struct stat    info;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_uid != geteuid() ||
            !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) ||
            (size_t)snprintf(inside, sizeof inside, "%s/%s", path, name) >= sizeof inside)
            continue;
        if ((info.st_mode & 077) != 0 && fchmodat(directory, name, info.st_mode & 0700, 0) == 0)
            log_line(LOG_WARN, "%s could be read by others: closed to them", inside);
        int below = S_ISDIR(info.st_mode) && depth > 0
                        ? openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
        if (below >= 0) {
            tighten_files(below, inside, depth - 1);
            close(below);
        }
    }
    if (list != NULL)
        closedir(list);
}

bool
home_prepare(const char *home, struct error *err)
{
    struct stat info;

    if (!file_make_directory(home, err))
        return false;
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        error_set_errno(err, errno, "opening the home %s", home);
    } else if (info.st_uid != geteuid()) {
        error_set(err, ERROR_DENIED, "the home %s belongs to another user: give one of your own with --home", home);
    } else if ((info.st_mode & 077) != 0) {
        error_set(err, ERROR_DENIED,
                  "others may enter the home %s: close it with `gatehouse doctor --fix` or `chmod 700 %s`", home, home);
    } else {
        tighten_files(fd, home, DEPTH_MAX);
        close(fd);
        return true;
    }
    if (fd >= 0)
        close(fd);
    return false;
}
