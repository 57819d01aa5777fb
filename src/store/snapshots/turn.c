/* A turn of writing is a transaction, a change in it a savepoint; the first needs none, for nothing but itself is lost
 * when all is taken back: most turns are one change, and a savepoint keeps every page it touches, and has the index of
 * words written in the middle. Some failures (a full disk, no memory) make SQLite take the whole transaction back: then
 * the turn is lost, what follows in it fails, and so does its commit. */
#include "store/snapshots/handle.h"

bool
snapshot_db_begin(struct snapshot_db *db, struct error *err)
{
    if (!place_hold(&db->place, DB_BUSY_MS, err))
        return false;
    if (!handle_look(db, err) || !handle_do(db, BEGIN, err)) {
        place_leave(&db->place);
        return false;
    }
    db->in_turn = true;
    db->is_lost = false;
    db->rows    = sqlite3_total_changes64(db->sql);
    return true;
}

bool
snapshot_db_commit(struct snapshot_db *db, struct error *err)
{
    bool ok = db->is_lost ? error_set(err, ERROR_FULL,
                                      "an earlier change of this turn could not be written, and took"
                                      " all of it back")
                          : handle_do(db, COMMIT, err);

    if (!ok) {
        snapshot_db_rollback(db);
        return false;
    }
    db->in_turn = false;
    place_leave(&db->place);
    return true;
}

void
snapshot_db_rollback(struct snapshot_db *db)
{
    if (!db->in_turn)
        return;
    if (sqlite3_get_autocommit(db->sql) == 0)
        handle_do(db, ROLLBACK, NULL);
    db->in_turn = false;
    place_leave(&db->place);
}

bool
snapshot_db_stamp(struct snapshot_db *db, int64_t *stamp, struct error *err)
{
    sqlite3_stmt *s;

    if (!handle_look(db, err) || (s = handle_statement(db, STAMP, err)) == NULL)
        return false;
    int got = handle_row(db, s, err);
    if (got > 0)
        *stamp = (int64_t)((uint64_t)sqlite3_column_int64(s, 0) << 32 ^ db->openings);
    if (got > 0)
        sqlite3_reset(s);
    return got >= 0;
}

bool
change_begin(struct change *c, struct snapshot_db *db, struct error *err)
{
    *c = (struct change){.db = db, .is_turn = !db->in_turn};
    if (c->is_turn)
        return snapshot_db_begin(db, err);
    if (db->is_lost)
        return error_set(err, ERROR_FULL, "an earlier change of this turn could not be written");
    c->is_first = db->rows == sqlite3_total_changes64(db->sql);
    return c->is_first || handle_do(db, SAVEPOINT, err);
}

/* The turn goes on as if it began now. */
static bool
begin_again(struct snapshot_db *db)
{
    bool ok  = (sqlite3_get_autocommit(db->sql) != 0 || handle_do(db, ROLLBACK, NULL)) && handle_do(db, BEGIN, NULL);
    db->rows = sqlite3_total_changes64(db->sql);
    return ok;
}

bool
change_end(struct change *c, bool ok, struct error *err)
{
    struct snapshot_db *db = c->db;

    if (c->is_turn && ok)
        return snapshot_db_commit(db, err);
    if (c->is_turn) {
        snapshot_db_rollback(db);
        return false;
    }
    if (ok && (c->is_first || handle_do(db, RELEASE, err)))
        return true;
    if (c->is_first)
        db->is_lost = !begin_again(db);
    else
        db->is_lost =
            sqlite3_get_autocommit(db->sql) != 0 || !handle_do(db, ROLLBACK_TO, NULL) || !handle_do(db, RELEASE, NULL);
    return false;
}
