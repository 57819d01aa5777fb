#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/format.h"
#include "cli/doctor/doctor.h"

enum { OTHERS = 077 };
#define LITTLE_SPACE ((uint64_t)1 << 30)
#define NO_SPACE     ((uint64_t)64 << 20) /* below this nothing is recorded */

static const char fix[] = "gatehouse doctor --fix";

/* What a link leads to is not ours to close. */
static void
check_link(struct doctor *d, int directory, const char *name)
{
    char        path[PATH_MAX], target[PATH_MAX], mend[PATH_MAX + 16];
    struct stat info;

    snprintf(path, sizeof path, "%s/%.255s", d->home, name);
    if (fstatat(directory, name, &info, 0) != 0 || !S_ISREG(info.st_mode) || realpath(path, target) == NULL)
        return;
    bool is_weak = path_weak_part(target, path);
    if ((info.st_mode & OTHERS) == 0 && !is_weak)
        return;
    snprintf(mend, sizeof mend, is_weak ? "chmod go-w %s" : "chmod 600 %s", is_weak ? path : target);
    doctor_say(d, FINDING_BAD, mend, "%s is a link to %s, which others may %s", name, target,
               is_weak ? "change" : "read");
}

static void
check_file(struct doctor *d, int directory, const char *name, const struct stat *info)
{
    char mend[PATH_MAX + 32];

    if (info->st_uid != geteuid()) {
        snprintf(mend, sizeof mend, "chown %u %s/%.255s", geteuid(), d->home, name);
        doctor_say(d, FINDING_BAD, mend, "%s belongs to another user (uid %u)", name, info->st_uid);
    } else if ((info->st_mode & OTHERS) == 0) {
        return;
    } else if (d->fixes && fchmodat(directory, name, info->st_mode & 0700, 0) == 0) {
        doctor_say(d, FINDING_GOOD, NULL, "%s could be read by others: closed to them", name);
    } else {
        doctor_say(d, FINDING_BAD, fix, "%s may be read by your group or others", name);
    }
}

/* Takes `home`. */
static void
check_files(struct doctor *d, int home)
{
    DIR           *list      = fdopendir(home);
    int            directory = list == NULL ? -1 : dirfd(list);
    struct dirent *entry;
    struct stat    info;

    while (directory >= 0 && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
            check_file(d, directory, entry->d_name, &info);
        else if (S_ISLNK(info.st_mode))
            check_link(d, directory, entry->d_name);
    }
    if (list != NULL)
        closedir(list);
    else
        close(home);
}

/* Who may write above the home could put one of theirs in its place. */
static void
check_above(struct doctor *d)
{
    char real[PATH_MAX], part[PATH_MAX], mend[PATH_MAX + 16];

    if (realpath(d->home, real) == NULL || !path_weak_part(real, part))
        return;
    snprintf(mend, sizeof mend, "chmod go-w %s", part);
    doctor_say(d, FINDING_BAD, mend, "others may write to %s, above the home: they could put theirs in its place",
               part);
}

void
check_home(struct doctor *d)
{
    struct stat info;
    size_t      before = d->counts[FINDING_BAD] + d->counts[FINDING_GOOD];
    int         fd     = open(d->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0) {
        int saved = errno;
        doctor_say(d, saved == ENOENT ? FINDING_ODD : FINDING_BAD, saved == ENOENT ? "gatehouse serve" : NULL,
                   "home %s: %s", d->home, saved == ENOENT ? "not there yet" : strerror(saved));
    } else if (info.st_uid != geteuid()) {
        doctor_say(d, FINDING_BAD, "gatehouse serve --home DIR", "home %s belongs to another user (uid %u)", d->home,
                   info.st_uid);
    } else if ((info.st_mode & OTHERS) != 0 && !(d->fixes && fchmod(fd, 0700) == 0)) {
        doctor_say(d, FINDING_BAD, fix, "home %s may be entered by others", d->home);
    } else {
        check_files(d, fd);
        check_above(d);
        if (d->counts[FINDING_BAD] + d->counts[FINDING_GOOD] == before)
            doctor_say(d, FINDING_GOOD, NULL, "home %s is yours alone%s", d->home,
                       (info.st_mode & OTHERS) != 0 ? ", now" : "");
        return; /* check_files closed it */
    }
    if (fd >= 0)
        close(fd);
}

/* ---- what it lies on ---- */

/* clang-format off */
static const struct {
    unsigned     magic; /* statfs(2) */
    enum finding finding;
    const char  *text;
} file_systems[] = {
    {NFS_SUPER_MAGIC,       FINDING_BAD, "on NFS: locks and the database's shared memory do not hold there"},
    {CIFS_SUPER_MAGIC,      FINDING_BAD, "on a Windows share: locks and the database's shared memory do not hold there"},
    {SMB2_SUPER_MAGIC,      FINDING_BAD, "on a Windows share: locks and the database's shared memory do not hold there"},
    {SMB_SUPER_MAGIC,       FINDING_BAD, "on a Windows share: locks and the database's shared memory do not hold there"},
    {V9FS_MAGIC,            FINDING_BAD, "on a file system shared by 9p: locks and the database's shared memory do not hold there"},
    {AFS_SUPER_MAGIC,       FINDING_BAD, "on AFS: locks and the database's shared memory do not hold there"},
    {CEPH_SUPER_MAGIC,      FINDING_ODD, "on Ceph: only one machine may use it"},
    {FUSE_SUPER_MAGIC,      FINDING_ODD, "on a FUSE file system: whether locks and syncs hold depends on its program"},
    {TMPFS_MAGIC,           FINDING_ODD, "in memory (tmpfs): all of it is gone with the next boot"},
    {RAMFS_MAGIC,           FINDING_ODD, "in memory (ramfs): all of it is gone with the next boot"},
    {OVERLAYFS_SUPER_MAGIC, FINDING_ODD, "on an overlay, as in a container: all of it is gone when that is removed"},
};
/* clang-format on */

void
check_file_system(struct doctor *d)
{
    struct statfs info;

    if (statfs(d->home, &info) != 0)
        return;
    for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
        if ((unsigned)info.f_type == file_systems[i].magic)
            doctor_say(d, file_systems[i].finding, "gatehouse serve --home DIR, on a disk of this machine",
                       "the home is %s", file_systems[i].text);
    if ((info.f_flags & ST_RDONLY) != 0)
        doctor_say(d, FINDING_BAD, "gatehouse serve --home DIR, where you may write",
                   "the home is on a file system that is read-only");
}

/* What may be recorded until retention.size holds must fit beside what is to stay free. */
static bool
is_less_than_kept(struct doctor *d, uint64_t free_bytes)
{
    struct stat info;
    const char *path = cli_home_file(d->cli, "traffic.db");
    uint64_t    used = path != NULL && stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;

    return free_bytes + used < d->cli->settings.retention.size + NO_SPACE;
}

void
check_disk(struct doctor *d)
{
    struct statvfs info;
    struct buffer  text = {.max = KIB(1)}, kept = {.max = KIB(1)};

    if (statvfs(d->home, &info) != 0)
        return;
    uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    format_bytes(&text, free_bytes);
    size_print(&kept, d->cli->settings.retention.size);
    if (free_bytes < NO_SPACE)
        doctor_say(d, FINDING_BAD, "free some, or lower retention.size", "disk: %.*s free, too little to record calls",
                   STR_ARG(buffer_str(&text)));
    else if (is_less_than_kept(d, free_bytes))
        doctor_say(d, FINDING_ODD, "free some, or lower retention.size",
                   "disk: %.*s free, but retention.size lets %.*s be kept: it is full before the oldest calls go",
                   STR_ARG(buffer_str(&text)), STR_ARG(buffer_str(&kept)));
    else
        doctor_say(d, free_bytes < LITTLE_SPACE ? FINDING_ODD : FINDING_GOOD,
                   free_bytes < LITTLE_SPACE ? "free some, or lower retention.size" : NULL, "disk: %.*s free",
                   STR_ARG(buffer_str(&text)));
    buffer_clear(&text);
    buffer_clear(&kept);
}
