#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/doctor/doctor.h"

/* user_namespaces(7): who is not mapped into ours, root outside of it too, is shown as this one. */
enum { NOBODY_KNOWN = 65534 };

static bool
owners_are_hidden(void)
{
    struct buffer map   = {.max = KIB(64)};
    struct str    from  = STR_NONE, rest, word;
    size_t        whole = 0; /* words of "0 0 4294967295", which maps all to themselves */

    if (file_read("/proc/self/uid_map", &map, NULL)) {
        rest = buffer_str(&map);
        str_cut(&rest, '\n', &from);
        while (str_cut(&from, ' ', &word))
            whole += str_eq(word, STR("0")) || str_eq(word, STR("4294967295"));
    }
    buffer_clear(&map);
    return whole != 3;
}

/* Root, us, or who cannot be known. */
static bool
is_trusted(uid_t owner)
{
    return owner == 0 || owner == geteuid() || (owner == NOBODY_KNOWN && owners_are_hidden());
}

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
    if (!is_trusted(info->st_uid))
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

    return stat(path, &info) == 0 && (may_be_written_by_others(&info) || !is_trusted(info.st_uid));
}
