#include "store/snapshots/parts.h"

bool
do_id(struct snapshot_db *db, enum statement which, int64_t id, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, which, err);

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, id);
    return handle_run(db, s, err);
}

bool
total_add(struct snapshot_db *db, const struct growth *growth, struct error *err)
{
    uint64_t      quota = db->limits.quota;
    sqlite3_stmt *s     = handle_statement(db, ADD_TOTAL, err);

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, growth->count);
    sqlite3_bind_int64(s, 2, growth->in_bin);
    sqlite3_bind_int64(s, 3, growth->versions);
    sqlite3_bind_int64(s, 4, growth->bytes);
    sqlite3_bind_int64(s, 5, quota > INT64_MAX ? 0 : (int64_t)quota);
    if (!handle_run(db, s, err))
        return false;
    return sqlite3_changes(db->sql) > 0 ||
           error_set(err, ERROR_FULL,
                     "all snapshots together, with their older versions and those in the bin, may have %llu bytes, and"
                     " this one has no room",
                     (unsigned long long)quota);
}

bool
old_row_find(struct snapshot_db *db, int64_t id, struct old_row *out, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, LOAD_ID, err);

    *out = (struct old_row){.tags.max = MIB(64)};
    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, id);
    int got = handle_row(db, s, err);
    if (got == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no snapshot %lld", (long long)id);
    if (got < 0)
        return false;
    out->is = (struct snapshot){
        .id      = id,
        .version = (uint32_t)sqlite3_column_int64(s, COLUMN_VERSION),
        .created = sqlite3_column_int64(s, COLUMN_CREATED),
        .changed = sqlite3_column_int64(s, COLUMN_CHANGED),
        .deleted = sqlite3_column_int64(s, COLUMN_DELETED),
    };
    bool ok = buffer_append(&out->tags, db_str(s, COLUMN_TAGS));
    sqlite3_reset(s);
    return ok || error_set(err, ERROR_MEMORY, "no memory for the tags");
}

void
old_row_clear(struct old_row *old)
{
    buffer_clear(&old->tags);
}

bool
tags_each(struct snapshot_db *db, enum statement which, const struct snapshot *snapshot, struct str tags,
          struct error *err)
{
    struct str tag;

    while (str_cut(&tags, '\n', &tag)) {
        sqlite3_stmt *s = handle_statement(db, which, err);
        if (s == NULL)
            return false;
        db_bind_str(s, 1, tag);
        sqlite3_bind_int64(s, 2, snapshot->created);
        sqlite3_bind_int64(s, 3, snapshot->id);
        if (!handle_run(db, s, err))
            return false;
    }
    return true;
}
