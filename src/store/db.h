/* src/store/db.h: a SQLite handle, opened the way we open all of them, and its errors as ours. */
#ifndef GATEHOUSE_STORE_DB_H
#define GATEHOUSE_STORE_DB_H

#include <sqlite3.h>

#include "base/error.h"
#include "base/str.h"

enum db_mode {
    DB_WRITE, /* made when missing, mode 0600 */
    DB_READ   /* read-only; a schema that lies can do no harm */
};

enum { DB_BUSY_MS = 5000 }; /* how long a handle waits for another process */

/* ERROR_INVALID: for what is in the file, and for nothing else. */
sqlite3 *db_open(const char *path, enum db_mode mode, struct error *err);
/* Finalizes what is not; but where one reads a virtual table, its owner must have done so. NULL is nothing. */
void db_close(sqlite3 *db);

/* Brings the schema of traffic.db up to date. A newer one than we know is refused. */
bool db_migrate(sqlite3 *db, const char *path, struct error *err);
bool db_is_current(sqlite3 *db, const char *path, struct error *err);

/* Fills `err` from the handle's last failure. Always false. Those below say the name of the file for `doing`. */
bool db_failed(sqlite3 *db, struct error *err, const char *doing);
bool db_exec(sqlite3 *db, const char *sql, struct error *err);
/* Kept until finalized; NULL and `err` when it does not compile. */
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, struct error *err);

/* Steps a statement that gives no row, or whose rows are not wanted, and resets it. */
bool db_run(sqlite3_stmt *s, struct error *err);
/* One step: SQLITE_ROW gives 1, the end 0 and a reset, a failure -1, a reset and `err`. */
int db_row(sqlite3_stmt *s, struct error *err);
/* The first column of the first row, `none` when there is no row. */
bool db_number(sqlite3 *db, const char *sql, int64_t none, int64_t *out, struct error *err);

/* Borrowed until the statement is reset. */
void       db_bind_str(sqlite3_stmt *s, int at, struct str text); /* empty: NULL */
void       db_bind_blob(sqlite3_stmt *s, int at, struct str bytes);
struct str db_str(sqlite3_stmt *s, int column);
struct str db_blob(sqlite3_stmt *s, int column);

#endif
