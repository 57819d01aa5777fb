/* src/store/snapshots/salvage.h: what can still be read of a damaged database. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_SALVAGE_H
#define GATEHOUSE_STORE_SNAPSHOTS_SALVAGE_H

#include "store/snapshots/snapshots.h"

/* All that `from`, a handle that peeks, has and `to` has not: one id after the other, each version of it, and whether
 * it lies in the bin. What cannot be read, or makes no sense, is passed over. `taken`: snapshots; `changed`: later
 * versions, and what went into the bin or came back. False: `to` could not take it (full, busy). */
bool snapshot_salvage(struct snapshot_db *from, struct snapshot_db *to, uint64_t *taken, uint64_t *changed,
                      struct error *err);

/* The last id that it gave, when that can be read and makes sense. */
bool snapshot_salvage_last(struct snapshot_db *from, int64_t *last);

#endif
