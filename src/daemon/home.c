#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* Others may not read what we keep: tokens, keys, what was said. */
static void
tighten_files(int directory, const char *home)
{
    int            copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *list = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    struct stat    info;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        if (fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode) ||
            (info.st_mode & 077) == 0 || info.st_uid != geteuid())
            continue;
        if (fchmodat(directory, entry->d_name, info.st_mode & 0700, 0) == 0)
            log_line(LOG_WARN, "%s/%s could be read by others: closed to them", home, entry->d_name);
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
        tighten_files(fd, home);
        close(fd);
        return true;
    }
    if (fd >= 0)
        close(fd);
    return false;
}
