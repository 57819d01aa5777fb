/* src/store/snapshots/recover.h: opening a file that may be damaged: what lies between snapshot_db_open and SQLite.
 *
 *   snapshot_db_open    place_init, then snapshot_file_open; `prepare` sets pragmas, migrates and compiles; place_leave
 *   snapshot_db_begin   place_hold(p, DB_BUSY_MS); !place_is_marked: snapshot_file_close and _open anew; then BEGIN
 *   ..._commit, ..._rollback   and then place_leave
 *   snapshot_db_stamp   !place_is_marked: as if another had committed
 *   snapshot_db_close   snapshot_file_close, place_clear
 */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_RECOVER_H
#define GATEHOUSE_STORE_SNAPSHOTS_RECOVER_H

#include "store/db.h"
#include "store/snapshots/place.h"
#include "store/snapshots/snapshots.h"

enum { PLACE_OPEN_WAIT_MS = 60000 }; /* another process may be mending a large file */

/* Makes the handle fit for use. What it has compiled is finalized for it when it fails or the file is damaged: it may
 * be called again then, with another handle. */
typedef bool (*snapshot_prepare)(void *owner, sqlite3 *db, struct error *err);

/* Opens the file in the place, made when missing, checks it (quick_check; a large one once a day) and lets `prepare`
 * have it. When it is damaged, or so damaged that `prepare` fails, it is set aside, a file made of the newest good
 * backup and of what can still be read is put in its place, `opening` (may be NULL) says so, and that one is opened. Of
 * several processes one does it. The place is held when it returns a handle (also when it was before), and the file is
 * marked. */
sqlite3 *snapshot_file_open(struct place *p, const struct snapshot_limits *limits, snapshot_prepare prepare,
                            void *owner, struct snapshot_opening *opening, struct error *err);
/* Held or not: it holds the place for it, and leaves it as it was. NULL is nothing. */
void snapshot_file_close(struct place *p, sqlite3 *db);

/* SQLite's last failure says that what it reads makes no sense: not that it could not read or write. */
bool db_says_damaged(sqlite3 *db);

/* What recovery needs of db.c: a handle that only reads, on a file that may be damaged in any way: no check, no
 * migration, no place. snapshot_load by id and version work, for each that can still be read; snapshot_figures may
 * fail. NULL: not even that. */
struct snapshot_db *snapshot_db_peek(const char *path, struct error *err);
/* The greatest id there ever was, for who looks at one after the other. */
bool snapshot_db_last_id(struct snapshot_db *db, int64_t *id, struct error *err);

#endif
