#include "store/snapshots/header.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshots/backup.h"
#include "store/snapshots/recover.h"
#include "store/snapshots/schema.h"
#include "store/snapshots/tokens.h"

enum {
    HEADER       = 100,
    PAGE_SIZE_AT = 16,
    PAGES_AT     = 28,
    NEWER_MOST   = 32
}; /* https://sqlite.org/fileformat.html section 1.3 */

/* What today's tables are made by, in memory. */
static sqlite3 *
model_new(void)
{
    sqlite3 *model = NULL;

    if (sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        tokens_register(model, NULL) != NULL && migrate(model, "", &snapshot_schema, NULL))
        return model;
    sqlite3_close(model);
    return NULL;
}

/* Each of the model's is in `db`, to the letter. What somebody added of their own is none of our business. False: it
 * could not be read, for a reason that is not in the file. */
static bool
has_all(sqlite3 *db, sqlite3 *model, bool *has)
{
    sqlite3_stmt *wanted = db_prepare(model, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", NULL);
    sqlite3_stmt *find   = db_prepare(db, "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql = ?2", NULL);
    int           got    = find == NULL ? SQLITE_ERROR : SQLITE_ROW;

    while (got == SQLITE_ROW && sqlite3_step(wanted) == SQLITE_ROW) {
        db_bind_str(find, 1, db_str(wanted, 0));
        db_bind_str(find, 2, db_str(wanted, 1));
        got = sqlite3_step(find);
        sqlite3_reset(find);
    }
    *has         = got == SQLITE_ROW;
    bool is_read = got == SQLITE_ROW || got == SQLITE_DONE || db_says_damaged(db);
    sqlite3_finalize(wanted);
    sqlite3_finalize(find);
    return wanted != NULL && is_read;
}

/* A newer Gatehouse may have left our tables as they are: what may be one's is not called damaged. */
static bool
is_newer_perhaps(int64_t version)
{
    return version > snapshot_schema.count && version <= snapshot_schema.count + NEWER_MOST;
}

bool
header_lies(sqlite3 *db)
{
    static const char how_many[] = "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL";
    sqlite3          *model      = model_new();
    int64_t           version = 0, application = 0, tables = 0, wanted = 0;
    bool              has = false;

    bool is_read = model != NULL && db_number(db, "PRAGMA user_version", 0, &version, NULL) &&
                   db_number(db, "PRAGMA application_id", 0, &application, NULL) &&
                   db_number(db, how_many, 0, &tables, NULL) && db_number(model, how_many, 0, &wanted, NULL) &&
                   has_all(db, model, &has);
    bool says_so = version == snapshot_schema.count && application == snapshot_schema.application;
    sqlite3_close(model);
    if (says_so)
        return is_read && !has;
    return is_read && has && tables == wanted && !is_newer_perhaps(version);
}

/* Big-endian, as all numbers there. */
static void
set_pages(unsigned char *header, uint64_t pages)
{
    for (int i = 0; i < 4; i++)
        header[PAGES_AT + i] = (unsigned char)(pages >> (24 - 8 * i));
}

static bool
write_first(const char *model, bool whole_page, const char *to, struct error *err)
{
    unsigned char page[65536];
    struct stat   info;
    int           from = open(model, O_RDONLY | O_CLOEXEC), target = open(to, O_WRONLY | O_CLOEXEC);
    ssize_t       got  = from < 0 ? -1 : pread(from, page, sizeof page, 0);
    size_t        size = got < HEADER ? 0 : (size_t)page[PAGE_SIZE_AT] << 8 | page[PAGE_SIZE_AT + 1];
    bool          ok   = false;

    size = size == 1 ? 65536 : size;
    if (target >= 0 && size >= 512 && (size_t)got >= size && fstat(target, &info) == 0) {
        set_pages(page, (uint64_t)info.st_size / size);
        size_t len = whole_page ? size : HEADER;
        ok         = pwrite(target, page, len, 0) == (ssize_t)len;
    }
    if (!ok)
        error_set_errno(err, errno, "writing %s", to);
    if (from >= 0)
        close(from);
    if (target >= 0)
        close(target);
    return ok;
}

/* What the tables are and where they begin, as the model has it. */
static bool
write_tables(const char *to, const char *model, struct error *err)
{
    static const char sql[] =
        "UPDATE main.sqlite_schema AS s SET (type, name, tbl_name, rootpage, sql) = (SELECT type, name,"
        " tbl_name, rootpage, sql FROM model.sqlite_schema m WHERE m.rowid = s.rowid)"
        " WHERE s.rowid IN (SELECT rowid FROM model.sqlite_schema)";
    sqlite3      *db = NULL;
    sqlite3_stmt *s  = NULL;
    bool          ok = sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
              sqlite3_exec(db, "PRAGMA writable_schema = ON", NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "ATTACH ?1 AS model", -1, &s, NULL) == SQLITE_OK;

    if (ok) {
        db_bind_str(s, 1, str_from(model));
        ok = sqlite3_step(s) == SQLITE_DONE;
    }
    sqlite3_finalize(s);
    ok = ok && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!ok && db != NULL)
        db_failed(db, err, "writing the tables of the model");
    sqlite3_close(db);
    return ok;
}

bool
header_graft(const char *damaged, const char *model, bool whole_page, const char *to, struct error *err)
{
    char        log[PATH_MAX], log_to[PATH_MAX];
    struct stat info;

    snprintf(log, sizeof log, "%s-wal", damaged);
    snprintf(log_to, sizeof log_to, "%s-wal", to);
    return file_copy(damaged, to, err) && (stat(log, &info) != 0 || file_copy(log, log_to, err)) &&
           write_first(model, whole_page, to, err) && write_tables(to, model, err);
}
