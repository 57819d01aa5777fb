/* src/store/snapshots/place.h: the place of a database, where one file may take another's: a mended one that of a
 * damaged one, or a backup that of what a person no longer wants.
 *
 * SQLite finds a file's log by its name: who writes would acknowledge into a file that was moved away, and who closes
 * would delete the log of the file that lies there now. So whoever uses the file holds its place, shared with all
 * others who do: while it opens, for each turn of writing, while it closes. Who puts another file there holds it alone.
 * The lock is a byte of <path>-lock, given back by the kernel however we die.
 *
 * An exchange survives a crash at any point: the other file is made whole and synced as <path>-new; then a small file,
 * <path>-next, says under which name the old one is kept, and from that moment the exchange is made by whoever holds
 * the place next. The old file takes its log along. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_PLACE_H
#define GATEHOUSE_STORE_SNAPSHOTS_PLACE_H

#include <limits.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"

struct place {
    char  path[PATH_MAX - 64]; /* of the database; what lies beside it has a longer name */
    int   lock;
    bool  is_held;
    bool  is_doubted; /* what was read of the file made no sense: it is looked at closely when it is opened next */
    dev_t device;     /* of the file that was there at place_mark */
    ino_t inode;
};

/* Its directory is there. The lock's file is made when missing, mode 0600. */
bool place_init(struct place *p, const char *path, struct error *err);
/* Lets go. A zeroed one is nothing. */
void place_clear(struct place *p);

/* Shared, or alone: not both, each once. What an exchange left undone is finished first. Waits up to `wait_ms`:
 * ERROR_BUSY. Not fair among those who share, but who wants it alone gets it. */
bool place_hold(struct place *p, int wait_ms, struct error *err);
bool place_hold_alone(struct place *p, int wait_ms, struct error *err);
/* Nothing when it is not held. */
void place_leave(struct place *p);

/* Which file lies there now; and whether it still does. While it is held that does not change. */
void place_mark(struct place *p);
bool place_is_marked(const struct place *p);

/* When the file was last found whole, by any process: "checked" says that it is now. 0: nobody knows. */
void      place_checked(const struct place *p);
wall_time place_last_check(const struct place *p);

/* <path>-new, for who makes it; what an unfinished one left there is removed. Held alone. */
bool place_new(struct place *p, char path[PATH_MAX], struct error *err);
/* Puts <path>-new, whole, closed and without a log, into the place. What lay there is kept as <path>.<word>-TIME, in
 * `kept`; "" when nothing did. Held alone. False: either nothing has changed, or the next who holds it finishes. */
bool place_exchange(struct place *p, const char *word, char kept[PATH_MAX], struct error *err);

/* Whether both paths lead to one file. */
bool is_same_file(const char *a, const char *b);
/* Syncs a file, and the directory that it is in. */
bool place_sync(const char *path, struct error *err);
bool place_sync_directory(const char *path, struct error *err);

#endif
