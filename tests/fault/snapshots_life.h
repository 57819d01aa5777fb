/* tests/fault/snapshots_life.h: snapshots that can be told apart and compared byte by byte, and a number for all that a
 * database of them holds. */
#ifndef GATEHOUSE_TESTS_FAULT_SNAPSHOTS_LIFE_H
#define GATEHOUSE_TESTS_FAULT_SNAPSHOTS_LIFE_H

#include "store/snapshots/care.h"

extern const struct snapshot_limits life_limits;

/* Text of a snapshot that comes from its seed alone: 100 bytes to 20 KB, more of the small ones. In the arena. */
void life_text(uint64_t seed, struct arena *a, struct snapshot_text *out);
bool life_is_text(uint64_t seed, struct arena *a, const struct snapshot_text *text);

/* Of every snapshot, in the bin or not, every version with every text. Fails the test when something cannot be read. */
uint64_t life_digest(struct snapshot_db *db, const char *where);

#endif
