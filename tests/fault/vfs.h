/* tests/fault/vfs.h: SQLite's way to the disk, with a hand on it: fails the calls it is told to, and notes what was
 * written for a disk that loses its power (power.h).
 *
 * vfs_install makes it SQLite's default: who opens a database in this process uses it and need not know. Nothing is
 * really synced, tests are in a hurry. */
#ifndef GATEHOUSE_TESTS_FAULT_VFS_H
#define GATEHOUSE_TESTS_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "power.h"

enum vfs_call { VFS_READ = 1, VFS_WRITE = 2, VFS_SYNC = 4, VFS_TRUNCATE = 8, VFS_OPEN = 16, VFS_DELETE = 32 };

struct vfs_plan {
    unsigned calls;   /* of enum vfs_call: which are counted */
    uint64_t nth;     /* from 1: this one fails; a write that fails has written half */
    bool     lasting; /* and all that follow */
    int      error;   /* what SQLite is told: SQLITE_FULL, SQLITE_IOERR_FSYNC, ... */
};

void vfs_install(void);
/* Counts anew. NULL: all goes well from now on. */
void vfs_fail(const struct vfs_plan *plan);
/* How many have failed since vfs_fail, and how many were counted. */
uint64_t vfs_failures(void);
uint64_t vfs_counted(void);
/* NULL: nothing is noted. */
void vfs_note(struct disk *disk);

#endif
