#include "store/snapshots/header.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshots/backup.h"
#include "store/snapshots/schema.h"
#include "store/snapshots/tokens.h"

enum { HEADER = 100, PAGE_SIZE_AT = 16, PAGES_AT = 28 }; /* https://sqlite.org/fileformat.html section 1.3 */

static sqlite3_stmt *
tables_of(sqlite3 *db)
{
    sqlite3_stmt *s =
        db_prepare(db, "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)", NULL);

    if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
        return s;
    sqlite3_finalize(s);
    return NULL;
}

bool
header_lies(sqlite3 *db)
{
    sqlite3      *model  = NULL;
    sqlite3_stmt *theirs = NULL, *ours = NULL;
    int64_t       version = 0, application = 0;

    if (sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        tokens_register(model, NULL) != NULL && migrate(model, "", &snapshot_schema, NULL)) {
        theirs = tables_of(db);
        ours   = tables_of(model);
    }
    bool is_same = theirs != NULL && ours != NULL && str_eq(db_str(theirs, 0), db_str(ours, 0));
    sqlite3_finalize(theirs);
    sqlite3_finalize(ours);
    sqlite3_close(model);
    return is_same && db_number(db, "PRAGMA user_version", 0, &version, NULL) &&
           db_number(db, "PRAGMA application_id", 0, &application, NULL) &&
           (version != snapshot_schema.count || application != snapshot_schema.application);
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

bool
header_graft(const char *damaged, const char *model, bool whole_page, const char *to, struct error *err)
{
    char        log[PATH_MAX], log_to[PATH_MAX];
    struct stat info;

    snprintf(log, sizeof log, "%s-wal", damaged);
    snprintf(log_to, sizeof log_to, "%s-wal", to);
    return file_copy(damaged, to, err) && (stat(log, &info) != 0 || file_copy(log, log_to, err)) &&
           write_first(model, whole_page, to, err);
}
