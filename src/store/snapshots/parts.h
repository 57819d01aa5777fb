/* src/store/snapshots/parts.h: what changes are made of: beside the row of a snapshot its words, its tags and the
 * totals change with it. Inside a change only. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_PARTS_H
#define GATEHOUSE_STORE_SNAPSHOTS_PARTS_H

#include "base/buffer.h"
#include "store/snapshots/handle.h"

/* What the totals grow by. What grows in bytes must find room in the quota: ERROR_FULL. */
struct growth {
    int64_t count, in_bin, versions, bytes;
};
bool total_add(struct snapshot_db *db, const struct growth *growth, struct error *err);

/* A row as it is before it changes. */
struct old_row {
    struct snapshot is;   /* its numbers; no texts */
    struct buffer   tags; /* a line each */
};
bool old_row_find(struct snapshot_db *db, int64_t id, struct old_row *out, struct error *err);
void old_row_clear(struct old_row *old);

/* `which` is ADD_TAG or REMOVE_TAG; `tags` a line each. */
bool tags_each(struct snapshot_db *db, enum statement which, const struct snapshot *snapshot, struct str tags,
               struct error *err);
/* A statement whose only parameter is a number, of a snapshot as a rule. */
bool do_id(struct snapshot_db *db, enum statement which, int64_t id, struct error *err);

#endif
