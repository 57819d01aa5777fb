/* Values that occur. Each is asked for as the next in an index after the one before, so that a name which thousands
 * have costs as much as one that one has. */
#include "store/snapshots/handle.h"

/* The least text there can be after `text`: no text of ours holds a control character less than a tab. */
static bool
after(struct buffer *next, struct str text)
{
    buffer_reset(next);
    return buffer_append(next, text) && buffer_append_char(next, '\x01');
}

static bool
next_value(struct snapshot_db *db, enum statement which, struct buffer *next, struct str begin, struct arena *a,
           struct str *out, bool *is_found, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, which, err);

    *is_found = false;
    if (s == NULL)
        return false;
    sqlite3_bind_text64(s, 1, buffer_len(next) == 0 ? "" : buffer_str(next).data, buffer_len(next), SQLITE_STATIC,
                        SQLITE_UTF8);
    int got = handle_row(db, s, err);
    if (got <= 0)
        return got == 0;
    *out      = arena_str(a, db_str(s, 0));
    *is_found = out->len > 0 && str_starts(*out, begin);
    sqlite3_reset(s);
    return (out->len > 0 && after(next, *out)) || error_set(err, ERROR_MEMORY, "no memory for what there is");
}

bool
snapshot_words(struct snapshot_db *db, enum snapshot_word kind, struct str begin, size_t most, struct arena *a,
               struct str **out, size_t *count, struct error *err)
{
    static const enum statement statements[] = {
        [SNAPSHOT_NAMES] = NEXT_NAME, [SNAPSHOT_PROJECTS] = NEXT_PROJECT, [SNAPSHOT_TAGS] = NEXT_TAG};
    struct buffer next     = {.max = MIB(64)};
    bool          is_found = true, ok = handle_look(db, err);

    *count = 0;
    *out   = arena_alloc(a, (most == 0 ? 1 : most) * sizeof **out);
    if (ok && (*out == NULL || !buffer_append(&next, begin)))
        ok = error_set(err, ERROR_MEMORY, "no memory for what there is");
    while (ok && is_found && *count < most) {
        ok = next_value(db, statements[kind], &next, begin, a, &(*out)[*count], &is_found, err);
        *count += ok && is_found;
    }
    buffer_clear(&next);
    return ok;
}
