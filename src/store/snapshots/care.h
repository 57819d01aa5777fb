/* src/store/snapshots/care.h: copies of a person's snapshots, the proof that they are whole, and what comes from
 * elsewhere. All of it blocks, and works while other processes use the file.
 *
 * Backups lie beside the database in backups/, named snapshots-2026-11-21.db (UTC; of the same day: replaced, when the
 * newer is whole). A backup is on the disk under its name whole or not at all. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_CARE_H
#define GATEHOUSE_STORE_SNAPSHOTS_CARE_H

#include "base/arena.h"
#include "store/snapshots/snapshots.h"

enum { SNAPSHOT_BACKUP_DAYS = 7 };

/* A copy at `to`, which must not exist; a whole, single file (no WAL). */
bool snapshot_backup(const char *path, const char *to, struct error *err);
/* Today's copy, unless there is one (`anyway`: even then), and those older than SNAPSHOT_BACKUP_DAYS deleted, but for
 * the newest. `made` (of PATH_MAX, may be NULL): its path, or "". */
bool snapshot_backup_daily(const char *path, wall_time now, bool anyway, char *made, struct error *err);

struct snapshot_backup_file {
    const char *path; /* in the arena */
    wall_time   made; /* of the file */
    uint64_t    bytes;
};
/* Newest first. */
bool snapshot_backups(const char *path, struct arena *a, struct snapshot_backup_file **out, size_t *count,
                      struct error *err);

/* Whether that file is a database of ours and whole: SQLite's own check, the index of words, and each row's texts.
 * `figures` may be NULL. False: `err` says what is wrong first. */
bool snapshot_verify(const char *path, struct snapshot_figures *figures, struct error *err);
/* Puts a copy of `from` in the place of the database; what was there is kept beside it (snapshots.db.before-TIME, in
 * `kept`, of PATH_MAX). Refused when `from` is not whole. Other processes go on with the new one at their next turn. */
bool snapshot_restore_from(const char *path, const char *from, char *kept, struct error *err);

/* What the server of WhenMoon-afk left: its databases of 1.0 (without continuation_prompt) and 1.1. Read as a
 * stranger's file, never written to. What came from there before is left out, so that it can be asked at each start:
 * rows that are new since are taken. */
struct snapshot_import {
    uint64_t taken, had; /* now; before */
    uint64_t refused;    /* over a limit, or not text: `why` is of the first */
    char     why[256];
};
bool snapshot_import_old(struct snapshot_db *db, const char *from, struct snapshot_import *out, struct error *err);
/* Where it may lie: SNAPSHOT_DB_PATH, ~/.claude-snapshots/snapshots.db, $XDG_DATA_HOME (or ~/.local/share)
 * /claude-snapshots/snapshots.db: those that are there, each once. `environment` as environ. */
bool snapshot_old_places(char *const *environment, struct arena *a, const char ***out, size_t *count);

#endif
