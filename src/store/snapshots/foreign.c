/* Files that are not ours to change. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshots/backup.h"

enum { TRIES = 5, LONGEST_VALUE = 64 << 20 };

/* What decides a file's content beside it: a log, and what an interrupted change left to undo it. */
static const char *const parts[] = {"", "-wal", "-journal"};
enum { PARTS = sizeof parts / sizeof parts[0] };

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Zeroed for a part that is not there. */
static void
look(const char *path, struct stat found[PARTS])
{
    char part[PATH_MAX];

    for (size_t i = 0; i < PARTS; i++) {
        snprintf(part, sizeof part, "%s%s", path, parts[i]);
        if (stat(part, &found[i]) != 0)
            found[i] = (struct stat){0};
    }
}

static bool
write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno != EINTR)
            return false;
        bytes += put < 0 ? 0 : put;
        len -= put < 0 ? 0 : (size_t)put;
    }
    return true;
}

static bool
copy_bytes(int from, int to)
{
    static _Thread_local char bytes[1 << 16];
    ssize_t                   got;

    while ((got = read(from, bytes, sizeof bytes)) != 0) {
        if ((got < 0 && errno != EINTR) || (got > 0 && !write_all(to, bytes, (size_t)got)))
            return false;
    }
    return true;
}

bool
file_copy(const char *from, const char *to, struct error *err)
{
    int  source = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int  target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok     = target >= 0 && copy_bytes(source, target);

    if (!ok)
        error_set_errno(err, errno, "copying %s", from);
    if (source >= 0)
        close(source);
    if (target >= 0)
        close(target);
    return ok;
}

static void
forget_copy(const char *copy)
{
    static const char *const all[] = {"", "-wal", "-journal", "-shm"};
    char                     path[PATH_MAX];

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(path, sizeof path, "%s/copy.db%s", copy, all[i]);
        unlink(path);
    }
    rmdir(copy);
}

/* All parts as they stood at one moment: copied until nothing changed meanwhile. */
static bool
copy_parts(const char *path, const char *copy, struct error *err)
{
    struct stat before[PARTS], after[PARTS];
    char        from[PATH_MAX], to[PATH_MAX];
    bool        ok = true, is_still = false;

    for (int try = 0; ok && !is_still && try < TRIES; try++) {
        look(path, before);
        for (size_t i = 0; ok && i < PARTS; i++) {
            snprintf(from, sizeof from, "%s%s", path, parts[i]);
            snprintf(to, sizeof to, "%s/copy.db%s", copy, parts[i]);
            unlink(to);
            ok = (i > 0 && before[i].st_size == 0) || file_copy(from, to, err);
        }
        look(path, after);
        is_still = true;
        for (size_t i = 0; i < PARTS; i++)
            is_still = is_still && is_same(&before[i], &after[i]);
    }
    return ok && (is_still || error_set(err, ERROR_BUSY, "%s is being written all the time", path));
}

/* As a URI; each byte that might mean something there is escaped. */
static bool
uri_of(const char *path, const char *end, char uri[3 * PATH_MAX + 64])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~";
    size_t            len     = (size_t)snprintf(uri, 8, "file:");

    if (strlen(path) >= PATH_MAX)
        return false;
    for (; *path != '\0'; path++) {
        if (strchr(plain, *path) != NULL)
            uri[len++] = *path;
        else
            len += (size_t)snprintf(uri + len, 4, "%%%02X", (unsigned char)*path);
    }
    snprintf(uri + len, 32, "%s", end);
    return true;
}

static sqlite3 *
open_uri(const char *path, const char *end, int flags, struct error *err)
{
    char     uri[3 * PATH_MAX + 64];
    sqlite3 *db = NULL;

    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (!uri_of(path, end, uri)) {
        error_set(err, ERROR_INVALID, "the path %.60s… is too long", path);
        return NULL;
    }
    if (sqlite3_open_v2(uri, &db, flags, NULL) != SQLITE_OK) {
        error_set(err, db == NULL ? ERROR_MEMORY : ERROR_DENIED, "opening %s: %s", path,
                  db == NULL ? "no memory" : sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, DB_BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LONGEST_VALUE);
    sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL, NULL);
    return db;
}

static bool
make_copy(const char *path, char copy[64], struct error *err)
{
    const char *directory = getenv("TMPDIR");

    if (directory == NULL || directory[0] != '/' || strlen(directory) > 40)
        directory = "/tmp";
    snprintf(copy, 64, "%s/gatehouse-XXXXXX", directory);
    if (mkdtemp(copy) == NULL) {
        error_set_errno(err, errno, "making a directory in %s", directory);
        copy[0] = '\0';
        return false;
    }
    return copy_parts(path, copy, err);
}

sqlite3 *
database_open_foreign(const char *path, bool is_in_use, char copy[64], struct error *err)
{
    struct stat found[PARTS];
    char        file[80];
    sqlite3    *db = NULL;

    copy[0] = '\0';
    look(path, found);
    if (found[0].st_ino == 0) {
        error_set(err, ERROR_NOT_FOUND, "there is no database %s", path);
        return NULL;
    }
    if (!S_ISREG(found[0].st_mode)) {
        error_set(err, ERROR_INVALID, "%s is not a file", path);
        return NULL;
    }
    if (!is_in_use && found[1].st_size == 0 && found[2].st_size == 0)
        return open_uri(path, "?immutable=1", SQLITE_OPEN_READONLY, err);
    if (make_copy(path, copy, err)) {
        snprintf(file, sizeof file, "%s/copy.db", copy);
        db = open_uri(file, "", SQLITE_OPEN_READWRITE, err); /* it may have to undo a change */
    }
    if (db == NULL) {
        database_close_foreign(NULL, copy);
        copy[0] = '\0';
    }
    return db;
}

void
database_close_foreign(sqlite3 *db, const char copy[64])
{
    db_close(db);
    if (copy[0] != '\0')
        forget_copy(copy);
}
