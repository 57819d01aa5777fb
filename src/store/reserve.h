/* src/store/reserve.h: some megabytes set aside beside the database, for the day the disk is full.
 *
 * Deleting writes before it frees: into the log, and from there into pages that the file may not have yet. Who purges
 * or opens on a full disk gives the reserve up first; the store thread makes it again when there is room. */
#ifndef GATEHOUSE_STORE_RESERVE_H
#define GATEHOUSE_STORE_RESERVE_H

#include <stdbool.h>

/* First a third for a start, which writes little; then the rest for a purge: the log is written back at 4 MiB
 * (writer.c), and a step adds less than one. */
enum { RESERVE_BYTES = 12 * 1024 * 1024, RESERVE_FOR_PURGE = 8 * 1024 * 1024 };

/* Makes `<database>-reserve`, mode 0600, when it is not there or not whole. */
void reserve_make(const char *database);
/* Gives up the next part. False: there is none any more. */
bool reserve_release(const char *database);

#endif
