#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshots/backup.h"
#include "store/snapshots/care.h"
#include "store/snapshots/clean.h"
#include "store/snapshots/place.h"
#include "store/snapshots/schema.h"

enum { LOCK_WAIT_MS = 5000 };

/* All of it as it stands at one moment, in a file that only SQLite knows: it can be asked for hours, and be written to,
 * as the index of words must be to be checked. */
static sqlite3 *
private_copy(sqlite3 *from, struct error *err)
{
    sqlite3        *copy = NULL;
    sqlite3_backup *b    = NULL;

    if (sqlite3_open_v2("", &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        b = sqlite3_backup_init(copy, "main", from, "main");
    int step = b == NULL ? SQLITE_ERROR : sqlite3_backup_step(b, -1);
    int end  = b == NULL ? SQLITE_ERROR : sqlite3_backup_finish(b);
    if (step == SQLITE_DONE && end == SQLITE_OK)
        return copy;
    if (copy == NULL)
        error_set(err, ERROR_MEMORY, "no memory to check it");
    else if (step == SQLITE_BUSY || step == SQLITE_LOCKED)
        error_set(err, ERROR_BUSY, "another process holds it");
    else
        db_failed(copy, err, "reading it");
    sqlite3_close(copy);
    return NULL;
}

static bool
check_words(sqlite3 *db, struct error *err)
{
    static const char sql[] = "INSERT INTO words(words, rank) VALUES('integrity-check', 1)"; /* 1: against the rows */

    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           error_set(err, ERROR_INVALID, "the index of words does not agree with the texts: %s", sqlite3_errmsg(db));
}

static bool
check_row(sqlite3_stmt *s, const char *table, struct error *err)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_BLOB || type == SQLITE_FLOAT || (type == SQLITE_TEXT && !text_is_clean(db_str(s, i))))
            return error_set(err, ERROR_INVALID, "the %s of %s %lld is not what was saved", sqlite3_column_name(s, i),
                             table, (long long)sqlite3_column_int64(s, 0));
    }
    return true;
}

static bool
check_texts(sqlite3 *db, const char *table, struct error *err)
{
    char sql[64];
    int  got;
    bool ok = true;

    snprintf(sql, sizeof sql, "SELECT * FROM %s NOT INDEXED", table);
    sqlite3_stmt *s = db_prepare(db, sql, err);
    if (s == NULL)
        return false;
    while (ok && (got = db_row(s, err)) != 0)
        ok = got > 0 && check_row(s, table, err);
    sqlite3_finalize(s);
    return ok;
}

/* What it adds up to, and what the counters say. */
static bool
check_total(sqlite3 *db, struct snapshot_figures *figures, struct error *err)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM snapshot WHERE deleted IS NULL), (SELECT count(*) FROM snapshot WHERE deleted IS "
        "NOT"
        " NULL), (SELECT count(*) FROM version), (SELECT total(bytes) FROM snapshot) + (SELECT total(bytes) FROM "
        "version),"
        " (SELECT max(changed) FROM snapshot WHERE deleted IS NULL), count, in_bin, versions, bytes FROM total";
    sqlite3_stmt *s  = db_prepare(db, sql, err);
    bool          ok = s != NULL && db_row(s, err) == 1;

    if (ok) {
        *figures = (struct snapshot_figures){
            .count    = (uint64_t)sqlite3_column_int64(s, 0),
            .in_bin   = (uint64_t)sqlite3_column_int64(s, 1),
            .versions = (uint64_t)sqlite3_column_int64(s, 2),
            .bytes    = (uint64_t)sqlite3_column_int64(s, 3),
            .newest   = sqlite3_column_int64(s, 4),
        };
        for (int i = 0; ok && i < 4; i++)
            ok = sqlite3_column_int64(s, i) == sqlite3_column_int64(s, 5 + i) ||
                 error_set(err, ERROR_INVALID, "it holds %lld %s and says %lld", (long long)sqlite3_column_int64(s, i),
                           sqlite3_column_name(s, 5 + i), (long long)sqlite3_column_int64(s, 5 + i));
    }
    sqlite3_finalize(s);
    return ok;
}

static bool
check(sqlite3 *db, const char *path, struct snapshot_figures *figures, struct error *err)
{
    int64_t version = 0;
    bool    has_bad_words; /* check_words looks closer */

    if (!database_check(db, true, &has_bad_words, err) || !migrate_version(db, path, &snapshot_schema, &version, err))
        return false;
    if (version == 0)
        return error_set(err, ERROR_INVALID, "it holds no snapshots");
    if (version < snapshot_schema.count) /* another Gatehouse's: what its tables are its migration knows */
        return true;
    return check_words(db, err) && check_texts(db, "snapshot", err) && check_texts(db, "version", err) &&
           check_total(db, figures, err);
}

/* One that is in use has its lock beside it. Nobody puts another there while it is copied. */
static sqlite3 *
copy_of(const char *path, struct error *err)
{
    struct place place = {.lock = -1};
    char         lock[PATH_MAX], directory[64] = "";
    bool     is_live = (size_t)snprintf(lock, sizeof lock, "%s-lock", path) < sizeof lock && access(lock, F_OK) == 0;
    sqlite3 *db = NULL, *copy = NULL;

    if (!is_live)
        db = database_open_foreign(path, false, directory, err);
    else if (place_init(&place, path, err) && place_hold(&place, LOCK_WAIT_MS, err))
        db = db_open(path, DB_READ, err);
    if (db != NULL)
        copy = private_copy(db, err);
    database_close_foreign(db, directory);
    place_clear(&place);
    return copy;
}

bool
snapshot_verify(const char *path, struct snapshot_figures *figures, struct error *err)
{
    struct snapshot_figures found = {0};
    sqlite3                *db    = copy_of(path, err);
    bool                    ok    = db != NULL && check(db, path, &found, err);

    db_close(db);
    if (!ok)
        error_wrap(err, "%s", path);
    if (figures != NULL)
        *figures = found;
    return ok;
}
