/* src/store/snapshots/header.h: the first page of a file, without which SQLite reads none of the others. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_HEADER_H
#define GATEHOUSE_STORE_SNAPSHOTS_HEADER_H

#include "store/db.h"

/* What the header says of the file (whose it is, which schema) and the tables in it do not agree: those are of today to
 * the letter while it says otherwise, or it says so and they are not. Then one of both is damaged. */
bool header_lies(sqlite3 *db);

/* A copy of `damaged` (and its log) at `to`, with the first page, or its header alone, of `model`, and with its tables:
 * a sound file of the same family, closed, whose tables begin at the same pages. */
bool header_graft(const char *damaged, const char *model, bool whole_page, const char *to, struct error *err);

#endif
