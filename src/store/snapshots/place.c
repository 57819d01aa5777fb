#include "store/snapshots/place.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* Bytes of the lock's file. Who wants the place alone locks ASKED first, and no new holder comes then. */
enum { HELD, ASKED };

/* What belongs to a database file. */
static const char *const parts[] = {"-wal", "-shm", "-journal", ""};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* Path and end fit: see struct place. */
static const char *
beside(const struct place *p, const char *end, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s%s", p->path, end);
    return path;
}

bool
place_init(struct place *p, const char *path, struct error *err)
{
    char lock[PATH_MAX];

    *p = (struct place){.lock = -1};
    if ((size_t)snprintf(p->path, sizeof p->path, "%s", path) >= sizeof p->path)
        return error_set(err, ERROR_INVALID, "the path %.60s… is too long", path);
    p->lock = open(beside(p, "-lock", lock), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return p->lock >= 0 || error_set_errno(err, errno, "opening %s", lock);
}

void
place_clear(struct place *p)
{
    if (p->path[0] != '\0' && p->lock >= 0)
        close(p->lock);
    *p = (struct place){.lock = -1};
}

static bool
lock_bytes(const struct place *p, short type, off_t at, off_t count)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = count};
    int          got;

    do
        got = fcntl(p->lock, F_OFD_SETLK, &lock);
    while (got != 0 && errno == EINTR);
    return got == 0;
}

static bool
is_asked_for(const struct place *p)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = ASKED, .l_len = 1};

    return fcntl(p->lock, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool
try_to_hold(struct place *p, bool alone)
{
    if (!alone)
        p->is_held = !is_asked_for(p) && lock_bytes(p, F_RDLCK, HELD, 1);
    else if (lock_bytes(p, F_WRLCK, ASKED, 1))
        p->is_held = lock_bytes(p, F_WRLCK, HELD, 1);
    return p->is_held;
}

static bool
hold(struct place *p, bool alone, int wait_ms, struct error *err)
{
    enum { STEP_MS = 5 };

    for (int waited = 0; !try_to_hold(p, alone); waited += STEP_MS) {
        if (waited >= wait_ms) {
            place_leave(p);
            return error_set(err, ERROR_BUSY, "another process holds %s", p->path);
        }
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000}, NULL);
    }
    return true;
}

void
place_leave(struct place *p)
{
    if (p->lock < 0)
        return;
    lock_bytes(p, F_UNLCK, HELD, 2);
    p->is_held = false;
}

static bool
is_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

/* A name that is not there, or is not any more. */
static bool
move(const char *from, const char *to, struct error *err)
{
    return rename(from, to) == 0 || errno == ENOENT || error_set_errno(err, errno, "renaming %s", from);
}

/* What lies beside goes first: without its log a file might look whole. An empty log says nothing, and what handles
 * share of it is theirs. */
static bool
set_aside(const struct place *p, const char *kept, struct error *err)
{
    static const char *const logs[] = {"-wal", "-journal"};
    char                     from[PATH_MAX], to[PATH_MAX];
    struct stat              info;

    unlink(beside(p, "-shm", from));
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        if (stat(beside(p, logs[i], from), &info) != 0)
            continue;
        snprintf(to, sizeof to, "%s%s", kept, logs[i]);
        if (info.st_size == 0)
            unlink(from);
        else if (!move(from, to, err))
            return false;
    }
    return move(p->path, kept, err) && place_sync_directory(p->path, err);
}

/* From when <path>-next is there until it is gone; each step may have been done before. It holds the end of the name
 * that the old file gets. */
static bool
finish(const struct place *p, struct error *err)
{
    char          fresh[PATH_MAX], next[PATH_MAX], kept[PATH_MAX];
    struct buffer end = {.max = 64};
    bool          ok  = file_read(beside(p, "-next", next), &end, err);

    snprintf(kept, sizeof kept, "%s%.*s", p->path, STR_ARG(buffer_str(&end)));
    if (ok && (!str_starts(buffer_str(&end), STR(".")) || str_index(buffer_str(&end), '/') >= 0))
        ok = error_set(err, ERROR_INVALID, "%s says nothing that makes sense: remove it", next);
    buffer_clear(&end);
    if (ok && is_there(beside(p, "-new", fresh)))
        ok = set_aside(p, kept, err) && move(fresh, p->path, err) && place_sync_directory(p->path, err);
    if (ok && unlink(next) != 0 && errno != ENOENT)
        ok = error_set_errno(err, errno, "removing %s", next);
    return ok && place_sync_directory(p->path, err);
}

static bool
is_unfinished(const struct place *p)
{
    char next[PATH_MAX];

    return access(beside(p, "-next", next), F_OK) == 0;
}

bool
place_hold_alone(struct place *p, int wait_ms, struct error *err)
{
    if (!hold(p, true, wait_ms, err))
        return false;
    if (!is_unfinished(p) || finish(p, err))
        return true;
    place_leave(p);
    return false;
}

bool
place_hold(struct place *p, int wait_ms, struct error *err)
{
    for (;;) {
        if (!hold(p, false, wait_ms, err))
            return false;
        if (!is_unfinished(p))
            return true;
        place_leave(p);
        if (!place_hold_alone(p, wait_ms, err))
            return false;
        place_leave(p);
    }
}

void
place_mark(struct place *p)
{
    struct stat info = {0};

    stat(p->path, &info); /* zeroed: none is there */
    p->device = info.st_dev;
    p->inode  = info.st_ino;
}

bool
place_is_marked(const struct place *p)
{
    struct stat info = {0};

    stat(p->path, &info);
    return info.st_ino == p->inode && info.st_dev == p->device;
}

/* The time of the lock's file says when; its only byte, that it says so. */
void
place_checked(const struct place *p)
{
    ssize_t ignored = pwrite(p->lock, "\n", 1, 0); /* then it is checked once more */

    (void)ignored;
}

wall_time
place_last_check(const struct place *p)
{
    struct stat info;

    return fstat(p->lock, &info) == 0 && info.st_size > 0 ? SECONDS(info.st_mtim.tv_sec) : 0;
}

bool
place_new(struct place *p, char path[PATH_MAX], struct error *err)
{
    char old[PATH_MAX];

    beside(p, "-new", path);
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(old, sizeof old, "%s%s", path, parts[i]);
        if (unlink(old) != 0 && errno != ENOENT)
            return error_set_errno(err, errno, "removing %s", old);
    }
    return true;
}

/* <path>.damaged-20261121T140211Z, and with a number when that is there already. */
static void
name_for(const struct place *p, const char *word, char kept[PATH_MAX])
{
    char   time[TIME_ISO_SIZE], compact[TIME_ISO_SIZE] = "";
    size_t len = 0;

    time_format_iso(clock_wall(), time);
    for (size_t i = 0; i < 19; i++)
        if (time[i] != '-' && time[i] != ':')
            compact[len++] = time[i];
    snprintf(kept, PATH_MAX, "%s.%s-%.*sZ", p->path, word, (int)len, compact);
    for (unsigned i = 2; is_there(kept) && i < 1000; i++)
        snprintf(kept, PATH_MAX, "%s.%s-%.*sZ-%u", p->path, word, (int)len, compact, i);
}

bool
place_exchange(struct place *p, const char *word, char kept[PATH_MAX], struct error *err)
{
    char next[PATH_MAX], fresh[PATH_MAX];
    bool was_there = is_there(p->path);

    name_for(p, word, kept);
    if (!place_sync(beside(p, "-new", fresh), err) ||
        !file_replace(beside(p, "-next", next), str_from(kept + strlen(p->path)), 0600, err))
        return false;
    if (!was_there)
        kept[0] = '\0';
    return finish(p, err);
}

bool
is_same_file(const char *a, const char *b)
{
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

static bool
sync_path(const char *path, int flags, struct error *err)
{
    int  fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        error_set_errno(err, errno, "syncing %s", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool
place_sync_directory(const char *path, struct error *err)
{
    char        directory[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    return sync_path(directory, O_DIRECTORY, err);
}

bool
place_sync(const char *path, struct error *err)
{
    return sync_path(path, 0, err) && place_sync_directory(path, err);
}
