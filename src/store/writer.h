/* src/store/writer.h: the writing connection: turns records into rows and entries, a group at a time. The store
 * thread's.
 *
 *   writer_begin, writer_add for each record of the group, writer_commit, writer_written; after any failure
 *   writer_rollback and writer_lose for each: nothing of the group is in the database then, the next begins afresh. */
#ifndef GATEHOUSE_STORE_WRITER_H
#define GATEHOUSE_STORE_WRITER_H

#include "base/clock.h"
#include "base/map.h"
#include "store/pool.h"
#include "store/streams.h"

enum { OPEN_EXCHANGES_MAX = 65536, NAMES_MAX = 8192, NAME_TEXT_MAX = 2048, CUT_AT_ONCE = 64 };
enum { NAMES_BYTES_MAX = 512 * 1024 }; /* texts of up to NAME_TEXT_MAX would be 16 MiB */

struct writer {
    sqlite3       *db;
    unsigned       slot;
    int64_t        database_epoch; /* of the file: changes when somebody deletes names */
    uint64_t       epoch;          /* of what we remember: of no other writer in this process, ever */
    int64_t        clear_seen;     /* of the file: when somebody last cleared it */
    mono_time      cleared;        /* what was put up to then is forgotten: purge.h; 0: never while we had it open */
    struct streams streams;
    struct map     names;                /* text -> int64_t id in the table name; emptied when it is full */
    size_t         name_bytes;           /* of their texts */
    struct map     open;                 /* id -> struct open_exchange: those of which not all records came yet */
    size_t         cut_count;            /* of those in `open`: lost and over, their rows not yet closed */
    uint64_t       cutting[CUT_AT_ONCE]; /* by this commit */
    size_t         cutting_count;
    int            wal_pages;   /* in the log */
    int            wal_next;    /* from how many on we write it back again */
    struct error   wal_failure; /* why the last writing back failed; ERROR_NONE: it did not */
    sqlite3_stmt  *begin, *commit, *rollback, *read_epoch, *find_name, *add_name, *find_label, *add_label, *add_row,
        *update_row, *add_more, *add_open, *drop_open, *add_gap;
};

/* Opens, brings the schema up to date. */
bool writer_open(struct writer *w, const char *path, unsigned slot, struct error *err);
/* Writes back the log. */
void writer_close(struct writer *w);
/* A process that wrote as `slot` is dead: its rows that are open were cut, its tail becomes blocks (our own stays). */
bool writer_adopt(struct writer *w, unsigned slot, struct error *err);
/* Calls `each` for the slots that left something to adopt. */
bool writer_orphans(struct writer *w, void (*each)(unsigned slot, void *arg), void *arg, struct error *err);
/* The newest id this slot wrote, or 0, as far as it lies ahead of `now`: the clock may have been set back. */
bool writer_newest_ahead(struct writer *w, wall_time now, uint64_t *id, struct error *err);

bool writer_begin(struct writer *w, struct error *err);
bool writer_add(struct writer *w, const struct record *r, struct error *err);
/* `lost` exchanges could not be recorded since `from`, up to now. */
bool writer_add_gap(struct writer *w, wall_time from, wall_time to, uint64_t lost, struct error *err);
bool writer_commit(struct writer *w, struct error *err);
void writer_rollback(struct writer *w);
/* Writes something, though there is nothing to say: whether it can be done. */
bool writer_try(struct writer *w, struct error *err);

/* loss.c. Whether `r` may not be added, being torn or because an earlier record of its exchange is lost. */
bool writer_is_lost(const struct writer *w, const struct record *r);
void writer_lose(struct writer *w, const struct record *r);
/* Closes rows of exchanges that are lost; behind writer_commit. */
bool writer_cut_rows(struct writer *w, struct error *err);
/* The commit has worked. */
void writer_written(struct writer *w, const struct record *group);

#endif
