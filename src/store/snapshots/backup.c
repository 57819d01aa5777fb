#include "store/snapshots/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/snapshots/care.h"
#include "store/snapshots/place.h"
#include "store/snapshots/tokens.h"

enum { LOCK_WAIT_MS = 5000, BACKUPS_MOST = 1024 };

#define DAY_US ((wall_time)SECONDS(86400))

/* --- one copy --- */

/* What SQLite from 3.44 on finds wrong in a table of words; earlier ones do not look. */
static bool
is_about_words(const char *said)
{
    return strstr(said, "FTS5 table") != NULL;
}

bool
database_check(sqlite3 *db, bool thorough, bool *has_bad_words, struct error *err)
{
    const char *sql = thorough ? "PRAGMA integrity_check(8)" : "PRAGMA quick_check(8)";

    *has_bad_words = false;
    if (tokens_register(db, err) == NULL)
        return false;
    sqlite3_stmt *s   = db_prepare(db, sql, err);
    int           got = -1;
    while (s != NULL && (got = db_row(s, err)) > 0) {
        const char *said = (const char *)sqlite3_column_text(s, 0);
        if (said == NULL || strcmp(said, "ok") == 0)
            continue;
        *has_bad_words = is_about_words(said);
        if (*has_bad_words)
            continue;
        error_set(err, ERROR_INVALID, "it is damaged: %.200s", said);
        got = -1;
        break;
    }
    sqlite3_finalize(s);
    return got == 0;
}

static bool
copy_pages(sqlite3 *from, sqlite3 *to, struct error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

    if (b == NULL)
        return db_failed(to, err, "copying it");
    int step = sqlite3_backup_step(b, -1); /* all at one moment: writers in WAL go on meanwhile */
    int end  = sqlite3_backup_finish(b);
    if (step == SQLITE_DONE && end == SQLITE_OK)
        return true;
    if (step == SQLITE_BUSY || step == SQLITE_LOCKED)
        return error_set(err, ERROR_BUSY, "copying it: another process holds it");
    return db_failed(to, err, "copying it");
}

/* It would be said to have a log, as its original has one, and each who reads it would make one beside it. */
static bool
end_log(sqlite3 *copy, struct error *err)
{
    sqlite3_stmt *s    = NULL;
    int           code = sqlite3_prepare_v2(copy, "PRAGMA journal_mode = DELETE", -1, &s, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    bool        ok   = mode != NULL && strcmp(mode, "delete") == 0;
    if (!ok)
        db_failed(copy, err, "copying it");
    sqlite3_finalize(s);
    return ok;
}

/* Checked before its log is ended: that reads what the header says. */
bool
database_copy(sqlite3 *from, const char *to, struct error *err)
{
    sqlite3 *copy = db_open(to, DB_WRITE, err);
    bool     has_bad_words; /* which can be made anew */
    bool     ok = copy != NULL && copy_pages(from, copy, err) && database_check(copy, false, &has_bad_words, err) &&
              end_log(copy, err);

    db_close(copy);
    ok = ok && place_sync(to, err);
    if (!ok)
        unlink(to);
    return ok;
}

bool
database_raise_ids(const char *path, int64_t last, struct error *err)
{
    static const char sql[] = "INSERT INTO sqlite_sequence(name, seq) SELECT 'snapshot', 0 WHERE NOT EXISTS"
                              " (SELECT 1 FROM sqlite_sequence WHERE name = 'snapshot');"
                              "UPDATE sqlite_sequence SET seq = max(seq, %lld) WHERE name = 'snapshot'";
    char              text[sizeof sql + 32];
    sqlite3          *db = db_open(path, DB_WRITE, err);

    snprintf(text, sizeof text, sql, (long long)last);
    bool ok = db != NULL && db_exec(db, text, err);
    db_close(db);
    return ok;
}

static bool
copy_live(const char *path, const char *to, struct error *err)
{
    struct place place = {.lock = -1};
    struct stat  info;
    sqlite3     *db = NULL;

    if (stat(path, &info) != 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_DENIED, "there is no database %s", path);
    bool ok = place_init(&place, path, err) && place_hold(&place, LOCK_WAIT_MS, err);
    if (ok) {
        db = db_open(path, DB_WRITE, err); /* who only reads would leave its log behind */
        ok = db != NULL && database_copy(db, to, err);
        db_close(db);
    }
    place_clear(&place);
    return ok;
}

static bool
write_backup(const char *path, const char *to, struct error *err)
{
    char part[PATH_MAX];
    bool ok = (size_t)snprintf(part, sizeof part, "%s.part", to) < sizeof part ||
              error_set(err, ERROR_INVALID, "the path %.60s… is too long", to);

    if (ok)
        unlink(part); /* of one that was killed */
    ok = ok && copy_live(path, part, err);
    if (ok && rename(part, to) != 0) {
        ok = error_set_errno(err, errno, "writing %s", to);
        unlink(part);
    }
    ok = ok && place_sync_directory(to, err);
    if (!ok)
        error_wrap(err, "copying %s", path);
    return ok;
}

bool
snapshot_backup(const char *path, const char *to, struct error *err)
{
    struct stat info;

    if (lstat(to, &info) == 0)
        return error_set(err, ERROR_EXISTS, "%s exists", to);
    return write_backup(path, to, err);
}

/* --- those beside the database --- */

static bool
directory_of(const char *path, char directory[PATH_MAX], struct error *err)
{
    const char *slash = strrchr(path, '/');
    int         len   = slash == NULL ? 0 : (int)(slash - path + 1);

    return snprintf(directory, PATH_MAX, "%.*sbackups", len, path) < PATH_MAX - 64 ||
           error_set(err, ERROR_INVALID, "the path %.60s… is too long", path);
}

/* snapshots-2026-11-21.db, and nothing else. */
static bool
is_backup_name(const char *name)
{
    static const char form[] = "snapshots-0000-00-00.db";

    if (strlen(name) != sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
            return false;
    return true;
}

static int
newest_first(const void *a, const void *b)
{
    return strcmp(((const struct snapshot_backup_file *)b)->path, ((const struct snapshot_backup_file *)a)->path);
}

static bool
add_backup(const char *directory, const char *name, struct arena *a, struct snapshot_backup_file *items, size_t *count)
{
    struct str  path = arena_printf(a, "%s/%s", directory, name);
    struct stat info;

    if (path.data == NULL)
        return false;
    items[*count].path = arena_cstr(a, path);
    if (items[*count].path == NULL)
        return false;
    if (lstat(items[*count].path, &info) != 0 || !S_ISREG(info.st_mode))
        return true;
    items[*count].made  = SECONDS(info.st_mtim.tv_sec) + info.st_mtim.tv_nsec / 1000;
    items[*count].bytes = (uint64_t)info.st_size;
    ++*count;
    return true;
}

bool
snapshot_backups(const char *path, struct arena *a, struct snapshot_backup_file **out, size_t *count, struct error *err)
{
    char           directory[PATH_MAX];
    struct dirent *e;
    bool           ok = true;

    *count = 0;
    *out   = arena_alloc(a, BACKUPS_MOST * sizeof **out);
    if (*out == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the list of backups");
    if (!directory_of(path, directory, err))
        return false;
    DIR *d = opendir(directory);
    if (d == NULL)
        return errno == ENOENT || error_set_errno(err, errno, "reading %s", directory);
    while (ok && *count < BACKUPS_MOST && (e = readdir(d)) != NULL)
        ok = !is_backup_name(e->d_name) || add_backup(directory, e->d_name, a, *out, count);
    closedir(d);
    if (!ok)
        return error_set(err, ERROR_MEMORY, "no memory for the list of backups");
    qsort(*out, *count, sizeof **out, newest_first);
    return true;
}

/* The newest stays, however old: who comes back after a month finds it. */
static bool
forget_old(const char *path, wall_time now, struct error *err)
{
    struct snapshot_backup_file *items;
    struct arena                *a = arena_new(KIB(64), MIB(1));
    char                         oldest[TIME_ISO_SIZE];
    size_t                       count;

    if (a == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for the list of backups");
    time_format_iso(now - SNAPSHOT_BACKUP_DAYS * DAY_US, oldest);
    bool ok = snapshot_backups(path, a, &items, &count, err);
    for (size_t i = 1; ok && i < count; i++) {
        const char *date = strrchr(items[i].path, '/') + sizeof "snapshots-";
        if (strncmp(date, oldest, 10) < 0 && unlink(items[i].path) != 0 && errno != ENOENT)
            ok = error_set_errno(err, errno, "removing %s", items[i].path);
    }
    arena_free(a);
    return ok;
}

bool
snapshot_backup_daily(const char *path, wall_time now, bool anyway, char *made, struct error *err)
{
    char        directory[PATH_MAX], name[PATH_MAX], date[TIME_ISO_SIZE];
    struct stat info;

    if (made != NULL)
        made[0] = '\0';
    if (!directory_of(path, directory, err) || !file_make_directory(directory, err))
        return false;
    snprintf(name, sizeof name, "%s/lock", directory);
    int lock = file_lock(name, anyway ? LOCK_WAIT_MS : 0, err);
    if (lock < 0)
        return !anyway && err->code == ERROR_BUSY; /* another process is making it */
    time_format_iso(now, date);
    snprintf(name, sizeof name, "%s/snapshots-%.10s.db", directory, date);
    bool is_due = anyway || lstat(name, &info) != 0;
    bool ok     = !is_due || write_backup(path, name, err);
    if (ok && is_due && made != NULL)
        snprintf(made, PATH_MAX, "%s", name);
    ok = ok && forget_old(path, now, err);
    close(lock);
    return ok;
}
