/* src/store/snapshots/backup.h: what copying, restoring and mending share: a database as one file, copied whole. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_BACKUP_H
#define GATEHOUSE_STORE_SNAPSHOTS_BACKUP_H

#include "store/db.h"

/* What the database says at this moment, as a file without a log, found whole by SQLite's quick check and synced; its
 * name is not. `to` is made, and is not there when it fails. */
bool database_copy(sqlite3 *from, const char *to, struct error *err);
/* Opened to be read and nothing else: nothing is made or changed beside it, and what its schema says is not trusted.
 * One that has a log, or may be written by others now (`is_in_use`), is copied first, to be read from the copy: `copy`
 * is its directory then, for database_close_foreign, else "". */
sqlite3 *database_open_foreign(const char *path, bool is_in_use, char copy[64], struct error *err);
void     database_close_foreign(sqlite3 *db, const char copy[64]);

/* The bytes, mode 0600; what was there is overwritten. */
bool file_copy(const char *from, const char *to, struct error *err);

/* From now on `path`, closed, gives ids above `last`: those of the file that it replaces may be known to somebody. */
bool database_raise_ids(const char *path, int64_t last, struct error *err);

/* SQLite's own check; thorough: also the indexes against the rows. ERROR_INVALID and what is wrong first, or why it
 * could not be done. Of the index of words, which can be made anew, `has_bad_words` tells, where SQLite looks at it
 * (from 3.44 on). */
bool database_check(sqlite3 *db, bool thorough, bool *has_bad_words, struct error *err);

#endif
