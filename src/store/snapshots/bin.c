/* What is deleted lies in the bin: its row keeps all, its words stay (a search of the bin finds them), its tags go. */
#include "store/snapshots/parts.h"

enum { DAY_SECONDS = 24 * 60 * 60, MERGE_PAGES = 500 };

/* Into the bin at `when`, or out of it with 0. */
static bool
move(struct snapshot_db *db, int64_t id, wall_time when, struct error *err)
{
    struct growth  growth = {.count = when == 0 ? 1 : -1, .in_bin = when == 0 ? -1 : 1};
    struct old_row old;
    bool           ok = old_row_find(db, id, &old, err);

    if (ok && (old.is.deleted != 0) == (when != 0))
        ok = error_set(err, ERROR_NOT_FOUND,
                       when == 0 ? "snapshot %lld is not in the bin" : "snapshot %lld is in the bin", (long long)id);
    sqlite3_stmt *s = ok ? handle_statement(db, SET_DELETED, err) : NULL;
    if (s != NULL) {
        sqlite3_bind_int64(s, 1, id);
        if (when != 0)
            sqlite3_bind_int64(s, 2, when);
    }
    ok = s != NULL && handle_run(db, s, err) && total_add(db, &growth, err) &&
         tags_each(db, when == 0 ? ADD_TAG : REMOVE_TAG, &old.is, buffer_str(&old.tags), err);
    old_row_clear(&old);
    return ok;
}

bool
snapshot_delete(struct snapshot_db *db, int64_t id, wall_time now, struct error *err)
{
    struct change change;

    return change_begin(&change, db, err) && change_end(&change, move(db, id, now == 0 ? 1 : now, err), err);
}

bool
snapshot_restore(struct snapshot_db *db, int64_t id, struct error *err)
{
    struct change change;

    return change_begin(&change, db, err) && change_end(&change, move(db, id, 0, err), err);
}

/* 1: one is gone, 0: none was overdue. */
static int
remove_overdue(struct snapshot_db *db, wall_time until, struct error *err)
{
    sqlite3_stmt *s      = handle_statement(db, OVERDUE, err);
    struct growth growth = {.in_bin = -1};
    int           got;

    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, until);
    if ((got = handle_row(db, s, err)) <= 0)
        return got;
    int64_t id   = sqlite3_column_int64(s, 0);
    growth.bytes = -sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    if ((s = handle_statement(db, VERSIONS_TOTAL, err)) == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, id);
    if (handle_row(db, s, err) <= 0)
        return -1;
    growth.versions = -sqlite3_column_int64(s, 0);
    growth.bytes -= sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    return do_id(db, REMOVE_WORDS, id, err) && do_id(db, REMOVE_VERSIONS, id, err) && do_id(db, REMOVE, id, err) &&
                   total_add(db, &growth, err)
               ? 1
               : -1;
}

/* The index of words holds what was taken out of it until its parts are merged. So after something went for good all of
 * it is merged, a few milliseconds' worth at a time: what is left to do is done by the calls that follow. */
static bool
merge_words(struct snapshot_db *db, bool is_gone, struct error *err)
{
    return do_id(db, MERGE_WORDS, is_gone ? -MERGE_PAGES : MERGE_PAGES, err);
}

bool
snapshot_empty_bin(struct snapshot_db *db, wall_time now, unsigned most, unsigned *gone, struct error *err)
{
    struct change change;
    wall_time     until = now - SNAPSHOT_BIN_DAYS * SECONDS(DAY_SECONDS);
    unsigned      count = 0;
    int           got   = 1;

    *gone = 0;
    if (!change_begin(&change, db, err))
        return false;
    while (count < most && (got = remove_overdue(db, until, err)) > 0)
        count++;
    if (!change_end(&change, got >= 0 && merge_words(db, count > 0, err), err))
        return false;
    *gone = count;
    return true;
}
