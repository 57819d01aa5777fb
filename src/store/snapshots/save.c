#include "store/snapshots/parts.h"
#include "store/snapshots/row.h"

/* An id that comes from elsewhere: one near the end of all numbers would leave none for those to come. */
static const int64_t foreign_id_most = (int64_t)1 << 40;

static bool
check_size(struct snapshot_db *db, const struct snapshot_text *text, struct error *err)
{
    uint64_t bytes = row_bytes(text);

    return db->limits.size == 0 || bytes <= db->limits.size ||
           error_set(err, ERROR_TOO_LARGE, "the snapshot has %llu bytes; one may have %llu", (unsigned long long)bytes,
                     (unsigned long long)db->limits.size);
}

static bool
write_row(struct snapshot_db *db, enum statement which, const struct snapshot *snapshot, struct str tags,
          struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, which, err);

    if (s == NULL)
        return false;
    row_bind(s, snapshot, tags);
    return handle_run(db, s, err);
}

/* With snapshot->id 0 it gets one. */
static bool
add(struct snapshot_db *db, struct snapshot *snapshot, struct error *err)
{
    bool          is_in_bin = snapshot->deleted != 0;
    struct growth growth    = {.count = !is_in_bin, .in_bin = is_in_bin, .bytes = (int64_t)row_bytes(&snapshot->text)};
    struct buffer tags      = {.max = MIB(64)};
    bool          ok        = check_size(db, &snapshot->text, err) && row_tags(&snapshot->text, &tags, err) &&
              total_add(db, &growth, err) && write_row(db, ADD, snapshot, buffer_str(&tags), err);

    if (ok) {
        snapshot->id = sqlite3_last_insert_rowid(db->sql);
        ok           = do_id(db, ADD_WORDS, snapshot->id, err) &&
             (is_in_bin || tags_each(db, ADD_TAG, snapshot, buffer_str(&tags), err));
    }
    buffer_clear(&tags);
    return ok;
}

bool
snapshot_save(struct snapshot_db *db, const struct snapshot_text *text, const struct snapshot_origin *origin,
              wall_time now, struct snapshot *out, struct error *err)
{
    struct snapshot snapshot = {.version = 1, .created = now, .changed = now, .text = *text, .origin = *origin};
    struct change   change;

    if (!change_begin(&change, db, err) || !change_end(&change, add(db, &snapshot, err), err))
        return false;
    *out = snapshot;
    return true;
}

/* The row becomes an older version, and `fresh` takes its place. A clock that was set back makes no version older than
 * the one before it. */
static bool
replace(struct snapshot_db *db, struct snapshot *fresh, wall_time now, struct error *err)
{
    struct growth  growth = {.versions = 1, .bytes = (int64_t)row_bytes(&fresh->text)};
    struct buffer  tags   = {.max = MIB(64)};
    struct old_row old    = {0};
    bool           ok     = check_size(db, &fresh->text, err) && row_tags(&fresh->text, &tags, err) &&
              old_row_find(db, fresh->id, &old, err);

    if (ok && old.is.deleted != 0)
        ok = error_set(err, ERROR_NOT_FOUND, "snapshot %lld is in the bin", (long long)fresh->id);
    if (ok) {
        fresh->version = old.is.version + 1;
        fresh->created = old.is.created;
        fresh->changed = now > old.is.changed ? now : old.is.changed;
        ok             = total_add(db, &growth, err) && do_id(db, KEEP, fresh->id, err) &&
             do_id(db, REMOVE_WORDS, fresh->id, err) && write_row(db, CHANGE, fresh, buffer_str(&tags), err) &&
             do_id(db, ADD_WORDS, fresh->id, err) && tags_each(db, REMOVE_TAG, fresh, buffer_str(&old.tags), err) &&
             tags_each(db, ADD_TAG, fresh, buffer_str(&tags), err);
    }
    old_row_clear(&old);
    buffer_clear(&tags);
    return ok;
}

bool
snapshot_update(struct snapshot_db *db, int64_t id, const struct snapshot_text *text,
                const struct snapshot_origin *origin, wall_time now, struct snapshot *out, struct error *err)
{
    struct snapshot snapshot = {.id = id, .text = *text, .origin = *origin};
    struct change   change;

    if (!change_begin(&change, db, err) || !change_end(&change, replace(db, &snapshot, now, err), err))
        return false;
    *out = snapshot;
    return true;
}

/* The one of that id, if it has that time, to the millisecond that JSON holds, and that summary; `is_taken`: another
 * has the id. */
static bool
find_same(struct snapshot_db *db, const struct snapshot *snapshot, bool *is_there, bool *is_taken, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, LOAD_ID, err);

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, snapshot->id);
    int got   = handle_row(db, s, err);
    *is_taken = got > 0;
    *is_there = got > 0 && sqlite3_column_int64(s, COLUMN_CREATED) / 1000 == snapshot->created / 1000 &&
                str_eq(db_str(s, COLUMN_SUMMARY), snapshot->text.summary);
    if (got > 0)
        sqlite3_reset(s);
    return got >= 0;
}

static bool
find_source(struct snapshot_db *db, struct str source, bool *is_there, struct error *err)
{
    sqlite3_stmt *s = source.len == 0 ? NULL : handle_statement(db, FIND_SOURCE, err);

    *is_there = false;
    if (s == NULL)
        return source.len == 0;
    db_bind_str(s, 1, source);
    int got   = handle_row(db, s, err);
    *is_there = got > 0;
    if (got > 0)
        sqlite3_reset(s);
    return got >= 0;
}

enum { SOURCE_SIZE = 80 };

/* What gets another id is known by the one it had when it comes again, unless it says itself where it came from. */
static bool
find_renamed(struct snapshot_db *db, struct snapshot *snapshot, char source[SOURCE_SIZE], bool *is_there,
             struct error *err)
{
    char changed[TIME_ISO_SIZE];

    if (snapshot->origin.source.len > 0 || snapshot->id < 1)
        return true;
    time_format_iso(snapshot->changed, changed);
    snprintf(source, SOURCE_SIZE, "#%lld of %s", (long long)snapshot->id, changed);
    snapshot->origin.source = str_from(source);
    return find_source(db, snapshot->origin.source, is_there, err);
}

static bool
put(struct snapshot_db *db, struct snapshot *snapshot, char source[SOURCE_SIZE], bool *is_there, struct error *err)
{
    bool is_taken = snapshot->id < 1 || snapshot->id > foreign_id_most;

    if (!find_source(db, snapshot->origin.source, is_there, err))
        return false;
    if (!*is_there && !is_taken && !find_same(db, snapshot, is_there, &is_taken, err))
        return false;
    if (!*is_there && is_taken && !find_renamed(db, snapshot, source, is_there, err))
        return false;
    if (*is_there)
        return true;
    if (is_taken)
        snapshot->id = 0;
    snapshot->version += snapshot->version == 0;
    if (snapshot->changed < snapshot->created)
        snapshot->changed = snapshot->created;
    return add(db, snapshot, err);
}

bool
snapshot_put(struct snapshot_db *db, const struct snapshot *snapshot, int64_t *id, struct error *err)
{
    struct snapshot mine = *snapshot;
    char            source[SOURCE_SIZE]; /* of `mine`, when it is known by nothing else */
    struct change   change;
    bool            is_there = false;

    if (!change_begin(&change, db, err) || !change_end(&change, put(db, &mine, source, &is_there, err), err))
        return false;
    *id = is_there ? 0 : mine.id;
    return true;
}
