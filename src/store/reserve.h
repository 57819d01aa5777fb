/* src/store/reserve.h: some megabytes set aside beside the database, for the day the disk is full.
 *
 * Deleting writes before it frees: into the log, and from there into pages that the file may not have yet. Who purges
 * or opens on a full disk gives the reserve up first; the store thread makes it again when there is room. */
#ifndef GATEHOUSE_STORE_RESERVE_H
#define GATEHOUSE_STORE_RESERVE_H

#include <stdbool.h>

/* The log is written back at 4 MiB (writer.c); a step of a purge adds less than one. */
enum { RESERVE_BYTES = 8 * 1024 * 1024 };

/* Makes `<database>-reserve` when it is not there, mode 0600. */
void reserve_make(const char *database);
/* False: there was none. */
bool reserve_release(const char *database);

#endif
