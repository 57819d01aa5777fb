/* src/store/snapshots/schema.h: what a file of snapshots looks like inside. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_SCHEMA_H
#define GATEHOUSE_STORE_SNAPSHOTS_SCHEMA_H

#include "store/migrate.h"

/* To ask for the version of a file, or whether it is ours. */
extern const struct db_schema snapshot_schema;

/* WAL, and the schema of today; the tokenizer is registered. `copy` (of PATH_MAX): where an older file was copied to
 * before it was changed, or "". */
bool snapshot_schema_bring_up(sqlite3 *db, const char *path, char *copy, struct error *err);

#endif
