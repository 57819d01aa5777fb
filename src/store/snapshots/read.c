#include "store/snapshots/row.h"

static const char *
not_found(const struct snapshot_which *which)
{
    return which->name.len > 0      ? "there is no snapshot of that name"
           : which->project.len > 0 ? "there is no snapshot of that project"
                                    : "there is no snapshot";
}

/* What `which` asks for, with its parameters. */
static sqlite3_stmt *
statement_for(struct snapshot_db *db, const struct snapshot_which *which, struct error *err)
{
    enum statement kind = which->id != 0           ? LOAD_ID
                          : which->name.len > 0    ? LOAD_NAME
                          : which->project.len > 0 ? LOAD_PROJECT
                                                   : LOAD_NEWEST;
    sqlite3_stmt  *s    = handle_statement(db, kind, err);

    if (s == NULL || kind == LOAD_NEWEST)
        return s;
    if (kind == LOAD_ID) {
        sqlite3_bind_int64(s, 1, which->id);
        return s;
    }
    if (kind == LOAD_NAME)
        db_bind_str(s, 1, which->name);
    db_bind_str(s, 2, which->project);
    return s;
}

/* The row of `out`, which is the newest version, is read again as it was in an older one. */
static bool
read_version(struct snapshot_db *db, uint32_t version, struct arena *a, struct snapshot *out, struct error *err)
{
    wall_time     deleted = out->deleted;
    int64_t       id      = out->id;
    sqlite3_stmt *s       = handle_statement(db, LOAD_VERSION, err);

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, version);
    int got = handle_row(db, s, err);
    if (got == 0)
        return error_set(err, ERROR_NOT_FOUND, "snapshot %lld has no version %u", (long long)id, version);
    bool ok      = got > 0 && row_read(s, a, out, err) && row_read_long(db, a, out, true, err);
    out->deleted = deleted;
    if (got > 0)
        sqlite3_reset(s);
    return ok;
}

/* While the first statement stands at its row, all that is read is of the same moment. */
static bool
read_whole(struct snapshot_db *db, sqlite3_stmt *s, const struct snapshot_which *which, struct arena *a,
           struct snapshot *out, struct error *err)
{
    if (!row_read(s, a, out, err))
        return false;
    if (which->id != 0 && out->deleted != 0 && !which->from_bin)
        return error_set(err, ERROR_NOT_FOUND, "snapshot %lld is in the bin", (long long)which->id);
    if (which->id != 0 && which->version != 0 && which->version != out->version)
        return read_version(db, which->version, a, out, err);
    return row_read_long(db, a, out, false, err);
}

bool
snapshot_load(struct snapshot_db *db, const struct snapshot_which *which, struct arena *a, struct snapshot *out,
              struct error *err)
{
    sqlite3_stmt *s;

    if (!handle_look(db, err) || (s = statement_for(db, which, err)) == NULL)
        return false;
    int got = handle_row(db, s, err);
    if (got == 0 && which->id != 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no snapshot %lld", (long long)which->id);
    if (got == 0)
        return error_set(err, ERROR_NOT_FOUND, "%s", not_found(which));
    bool ok = got > 0 && read_whole(db, s, which, a, out, err);
    sqlite3_reset(s);
    return ok;
}

bool
snapshot_figures(struct snapshot_db *db, struct snapshot_figures *out, struct error *err)
{
    sqlite3_stmt *s;

    *out = (struct snapshot_figures){0};
    if (!handle_look(db, err) || (s = handle_statement(db, FIGURES, err)) == NULL)
        return false;
    int got = handle_row(db, s, err);
    if (got <= 0)
        return got < 0 ? false : error_set(err, ERROR_INVALID, "the snapshots do not say what they hold");
    wall_time created = sqlite3_column_int64(s, 4), updated = sqlite3_column_int64(s, 5);
    *out = (struct snapshot_figures){
        .count    = (uint64_t)sqlite3_column_int64(s, 0),
        .in_bin   = (uint64_t)sqlite3_column_int64(s, 1),
        .versions = (uint64_t)sqlite3_column_int64(s, 2),
        .bytes    = (uint64_t)sqlite3_column_int64(s, 3),
        .newest   = created > updated ? created : updated,
    };
    sqlite3_reset(s);
    return true;
}
