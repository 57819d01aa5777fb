/* tests/fault/power.h: a disk whose power may go: what was written to it, in order, and what may be left of it.
 *
 * At any point there is left: what was synced, whole; of every other write all, nothing or some of its sectors; other
 * truncations or not; of the names made, changed and removed since the directory was synced the first few. That is
 * what POSIX leaves open, but for names, which journals keep in order. One directory; all functions are thread-safe. */
#ifndef GATEHOUSE_TESTS_FAULT_POWER_H
#define GATEHOUSE_TESTS_FAULT_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

struct disk *disk_new(void);
void         disk_free(struct disk *d);

/* The file that has this name now, made when there is none. The name is what follows the last slash. */
int  disk_open(struct disk *d, const char *path);
void disk_write(struct disk *d, int file, uint64_t at, const void *bytes, size_t len);
void disk_truncate(struct disk *d, int file, uint64_t size);
void disk_sync(struct disk *d, int file);
void disk_rename(struct disk *d, const char *from, const char *to);
void disk_remove(struct disk *d, const char *path);
void disk_sync_directory(struct disk *d);

/* So many steps so far. */
size_t disk_position(struct disk *d);
/* The last sync of the file that had this name, among the first `before` steps, as a position; 0: none. */
size_t disk_last_sync(struct disk *d, const char *name, size_t before);
/* The nearest sync, truncation or change of a name at or after `position`; the end when there is none. */
size_t disk_next_turn(struct disk *d, size_t position);
/* Fills `directory` with what is left when the power goes after `position` steps; `*random` decides and goes on. */
bool disk_leave(struct disk *d, size_t position, uint64_t *random, const char *directory);

/* A small generator: the same numbers for the same seed. */
uint64_t next_random(uint64_t *state);
/* From the environment (TEST_SEED), else anew; printed. */
uint64_t seed_for(const char *what);
/* With the files in it. */
void remove_directory(const char *path);

#endif
