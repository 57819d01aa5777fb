/* src/store/snapshots/header.h: the first page of a file, without which SQLite reads none of the others. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_HEADER_H
#define GATEHOUSE_STORE_SNAPSHOTS_HEADER_H

#include "store/db.h"

/* The tables are those of today to the letter, and yet the header says that they are another's, or newer: then it is
 * the header that is damaged. */
bool header_lies(sqlite3 *db);

/* A copy of `damaged` (and its log) at `to`, with the first page, or its header alone, of `model`: a sound file of the
 * same family, whose tables begin at the same pages. */
bool header_graft(const char *damaged, const char *model, bool whole_page, const char *to, struct error *err);

#endif
