/* src/store/snapshots/handle.h: the open database, as the files of this folder see it. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_HANDLE_H
#define GATEHOUSE_STORE_SNAPSHOTS_HANDLE_H

#include "store/db.h"
#include "store/snapshots/place.h"
#include "store/snapshots/snapshots.h"
#include "store/snapshots/statements.h"

struct tokens;

struct snapshot_db {
    sqlite3                 *sql; /* NULL: it could not be opened again; the next who uses it tries */
    sqlite3_stmt            *kept[STATEMENTS];
    struct tokens           *tokens; /* for what is searched, and for excerpts */
    struct place             place;
    struct snapshot_limits   limits;
    struct snapshot_opening *opening;  /* while it opens; may be NULL */
    uint64_t                 openings; /* of files */
    int64_t                  rows;     /* that SQLite had changed when the turn began */
    bool                     in_turn;
    bool                     is_lost;    /* the turn: SQLite has taken it all back */
    bool                     is_suspect; /* what it read made no sense: opened anew before the next use */
    bool                     is_peek;    /* opened to recover: reads, no place */
};

/* Before anything is read: another file may lie in the place. In a turn it may not. */
bool handle_look(struct snapshot_db *db, struct error *err);
/* Compiled, reset, without parameters. NULL: `err`. */
sqlite3_stmt *handle_statement(struct snapshot_db *db, enum statement which, struct error *err);
/* db_row and db_run of db.h; what fails because of the file makes it suspect. */
int  handle_row(struct snapshot_db *db, sqlite3_stmt *s, struct error *err);
bool handle_run(struct snapshot_db *db, sqlite3_stmt *s, struct error *err);
/* One that takes no parameters. */
bool handle_do(struct snapshot_db *db, enum statement which, struct error *err);

/* A change: in a turn a part of it that can fail alone, else a turn. end: `ok` says whether it is to hold; whether it
 * does comes back. Between them it returns only by way of end. */
struct change {
    struct snapshot_db *db;
    bool                is_turn;  /* of its own */
    bool                is_first; /* of its turn */
};
bool change_begin(struct change *c, struct snapshot_db *db, struct error *err);
bool change_end(struct change *c, bool ok, struct error *err);

#endif
