#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool
db_failed(sqlite3 *db, struct error *err, const char *doing)
{
    static const struct {
        int             sqlite;
        enum error_code ours;
    } codes[] = {
        {SQLITE_BUSY, ERROR_BUSY},       {SQLITE_LOCKED, ERROR_BUSY},    {SQLITE_FULL, ERROR_FULL},
        {SQLITE_NOMEM, ERROR_MEMORY},    {SQLITE_PERM, ERROR_DENIED},    {SQLITE_READONLY, ERROR_DENIED},
        {SQLITE_CORRUPT, ERROR_INVALID}, {SQLITE_NOTADB, ERROR_INVALID}, {SQLITE_TOOBIG, ERROR_TOO_LARGE},
    };
    int             code = sqlite3_errcode(db), system = sqlite3_system_errno(db);
    enum error_code ours = ERROR_INTERNAL;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if ((code & 0xff) == codes[i].sqlite)
            ours = codes[i].ours;
    }
    /* Of a quota, or of what it keeps beside the file, SQLite says only that it failed. */
    if (((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) && (system == ENOSPC || system == EDQUOT))
        return error_set_errno(err, system, "%s: %s", doing, sqlite3_errmsg(db));
    return error_set(err, ours, "%s: %s", doing, sqlite3_errmsg(db));
}

/* "traffic.db": what failed is called by its file, without the path: answers may show it. */
static const char *
name_of(sqlite3 *db)
{
    const char *path  = sqlite3_db_filename(db, "main");
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    return path == NULL || path[0] == '\0' ? "the database" : slash == NULL ? path : slash + 1;
}

/* SQLite itself would make it with the umask's mode; its log takes the mode of the database. A file that is there is
 * not opened: closing it would drop the locks that other handles of this process have on it (fcntl(2), "advisory
 * locks"). */
static bool
make_file(const char *path, struct error *err)
{
    struct stat info;
    int         fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST || lstat(path, &info) != 0)
        return error_set_errno(err, errno, "opening %s", path);
    else if (S_ISLNK(info.st_mode))
        return error_set_errno(err, ELOOP, "opening %s", path);
    return true;
}

sqlite3 *
db_open(const char *path, enum db_mode mode, struct error *err)
{
    sqlite3    *db    = NULL;
    int         flags = mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    struct stat file;

    if (mode == DB_WRITE && !make_file(path, err))
        return NULL;
    if (mode == DB_READ && stat(path, &file) != 0) {
        error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_DENIED, "there is no database %s", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK) {
        error_set(err, db == NULL ? ERROR_MEMORY : ERROR_DENIED, "opening %s: %s", path,
                  db == NULL ? "no memory" : sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, DB_BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    if (!db_exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", err) ||
        (mode == DB_WRITE && !db_exec(db, "PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL", err))) {
        if (err != NULL && (sqlite3_errcode(db) & 0xff) == SQLITE_ERROR)
            err->code = ERROR_INVALID; /* these statements are sound: it is the schema that they were read with */
        error_wrap(err, "opening %s", path);
        db_close(db);
        return NULL;
    }
    return db;
}

/* The statements of a virtual table stand among ours, and are its own: it finalizes them when it is disconnected, which
 * closing does before it finds that ours are still there. */
void
db_close(sqlite3 *db)
{
    sqlite3_stmt *s;

    if (db == NULL || sqlite3_close(db) == SQLITE_OK)
        return;
    while ((s = sqlite3_next_stmt(db, NULL)) != NULL)
        sqlite3_finalize(s);
    sqlite3_close(db);
}

bool
db_exec(sqlite3 *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || db_failed(db, err, name_of(db));
}

sqlite3_stmt *
db_prepare(sqlite3 *db, const char *sql, struct error *err)
{
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        db_failed(db, err, name_of(db));
    return s;
}

int
db_row(sqlite3_stmt *s, struct error *err)
{
    int code = sqlite3_step(s);

    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        db_failed(sqlite3_db_handle(s), err, name_of(sqlite3_db_handle(s)));
    sqlite3_reset(s);
    return code == SQLITE_DONE ? 0 : -1;
}

bool
db_run(sqlite3_stmt *s, struct error *err)
{
    int code = db_row(s, err);

    if (code > 0)
        sqlite3_reset(s);
    return code >= 0;
}

bool
db_number(sqlite3 *db, const char *sql, int64_t none, int64_t *out, struct error *err)
{
    sqlite3_stmt *s   = db_prepare(db, sql, err);
    int           got = s == NULL ? -1 : db_row(s, err);

    *out = got > 0 && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0) : none;
    sqlite3_finalize(s);
    return got >= 0;
}

void
db_bind_str(sqlite3_stmt *s, int at, struct str text)
{
    if (text.len == 0)
        sqlite3_bind_null(s, at);
    else
        sqlite3_bind_text64(s, at, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void
db_bind_blob(sqlite3_stmt *s, int at, struct str bytes)
{
    sqlite3_bind_blob64(s, at, bytes.len == 0 ? "" : bytes.data, bytes.len, SQLITE_STATIC);
}

struct str
db_str(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    return text == NULL ? STR_NONE : str_of(text, (size_t)sqlite3_column_bytes(s, column));
}

struct str
db_blob(sqlite3_stmt *s, int column)
{
    const char *bytes = sqlite3_column_blob(s, column);

    return bytes == NULL ? STR_NONE : str_of(bytes, (size_t)sqlite3_column_bytes(s, column));
}
