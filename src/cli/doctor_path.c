#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"

/* A group is taken for ours alone when it is our primary one, as most systems make it, or root's. */
static bool
may_be_written_by_others(const struct stat *info)
{
    return (info->st_mode & S_IWOTH) != 0 ||
           ((info->st_mode & S_IWGRP) != 0 && info->st_gid != 0 && info->st_gid != getegid());
}

static bool
is_weak(const struct stat *info, bool is_above)
{
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return true;
    if (is_above && (info->st_mode & S_ISVTX) != 0) /* as in /tmp: nobody moves what is another's */
        return false;
    return may_be_written_by_others(info);
}

bool
path_weak_part(const char *path, char part[4096])
{
    char        at[PATH_MAX];
    struct stat info;

    if ((size_t)snprintf(at, sizeof at, "%s", path) >= sizeof at || at[0] != '/')
        return false;
    for (bool is_above = false;; is_above = true) {
        if (stat(at, &info) == 0 && is_weak(&info, is_above)) {
            snprintf(part, 4096, "%s", at);
            return true;
        }
        char *slash = strrchr(at, '/');
        if (slash == NULL || strcmp(at, "/") == 0)
            return false;
        slash[slash == at ? 1 : 0] = '\0';
    }
}

bool
directory_is_open(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 &&
           (may_be_written_by_others(&info) || (info.st_uid != 0 && info.st_uid != geteuid()));
}
