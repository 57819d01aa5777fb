/* src/store/snapshots/row.h: a snapshot as a row of the database, and back. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_ROW_H
#define GATEHOUSE_STORE_SNAPSHOTS_ROW_H

#include "store/snapshots/handle.h"

/* Writing: what is bound is borrowed until the statement ends. `tags` is the tags a line each. */
bool row_tags(const struct snapshot_text *text, struct buffer *tags, struct error *err);
/* What counts for size and quota: what was given. The prompt is made of it; of context and structured, which say the
 * same, the longer. */
uint64_t row_bytes(const struct snapshot_text *text);
void     row_bind(sqlite3_stmt *s, const struct snapshot *snapshot, struct str tags);

/* Reading: into the arena. False: no memory. */
bool row_read(sqlite3_stmt *s, struct arena *a, struct snapshot *out, struct error *err);
/* Context, structured and prompt of a row that was read, of the statement that is still at it. */
bool row_read_long(struct snapshot_db *db, struct arena *a, struct snapshot *out, bool is_old, struct error *err);

#endif
