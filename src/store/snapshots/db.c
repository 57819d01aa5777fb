#include <stdlib.h>

#include "base/file.h"
#include "store/snapshots/handle.h"
#include "store/snapshots/recover.h"
#include "store/snapshots/schema.h"
#include "store/snapshots/search.h"
#include "store/snapshots/tokens.h"

/* Before its handle is closed: see db_close. */
static void
forget_prepared(struct snapshot_db *db)
{
    tokens_free(db->tokens);
    db->tokens = NULL;
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(db->kept[i]);
        db->kept[i] = NULL;
    }
}

static bool
prepare(void *owner, sqlite3 *sql, struct error *err)
{
    struct snapshot_db *db = owner;
    char                copy[PATH_MAX];
    fts5_api           *api;
    int64_t             rows;

    forget_prepared(db);
    if (!db_exec(sql, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -8192",
                 err) ||
        (api = tokens_register(sql, err)) == NULL || !search_register(api, err) ||
        (db->tokens = tokens_new(api, err)) == NULL || !snapshot_schema_bring_up(sql, db->place.path, copy, err) ||
        !db_number(sql, "SELECT count(*) FROM total", 0, &rows, err))
        return false;
    if (copy[0] != '\0' && db->opening != NULL)
        snprintf(db->opening->migrated, sizeof db->opening->migrated,
                 "the snapshots were brought up to date; as they were before they are kept as %.180s", copy);
    return rows == 1 || error_set(err, ERROR_INVALID, "%s does not say what it holds: it is damaged", db->place.path);
}

static bool
open_file(struct snapshot_db *db, struct error *err)
{
    bool         was_held = db->place.is_held;
    struct error why      = {0}; /* one that was mended is none: who asks may decide by the code */

    db->sql        = snapshot_file_open(&db->place, &db->limits, prepare, db, db->opening, &why);
    db->is_suspect = db->sql == NULL;
    db->openings++;
    if (db->sql == NULL) {
        forget_prepared(db);
        if (err != NULL)
            *err = why;
    }
    if (!was_held)
        place_leave(&db->place);
    return db->sql != NULL;
}

static bool
make_directory_of(const char *path, struct error *err)
{
    char  directory[PATH_MAX];
    char *slash;

    snprintf(directory, sizeof directory, "%s", path);
    slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory)
        return true;
    *slash = '\0';
    return file_make_directory(directory, err);
}

struct snapshot_db *
snapshot_db_open(const char *path, const struct snapshot_limits *limits, struct snapshot_opening *opening,
                 struct error *err)
{
    struct snapshot_db *db = calloc(1, sizeof *db);

    if (opening != NULL)
        *opening = (struct snapshot_opening){0};
    if (db == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for %s", path);
        return NULL;
    }
    db->limits  = *limits;
    db->opening = opening;
    bool ok     = make_directory_of(path, err) && place_init(&db->place, path, err) && open_file(db, err);
    db->opening = NULL;
    if (!ok) {
        snapshot_db_close(db);
        return NULL;
    }
    return db;
}

struct snapshot_db *
snapshot_db_peek(const char *path, struct error *err)
{
    struct snapshot_db *db = calloc(1, sizeof *db);

    if (db == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for %s", path);
        return NULL;
    }
    db->is_peek = true;
    if ((db->sql = db_open(path, DB_READ, err)) == NULL) {
        free(db);
        return NULL;
    }
    return db;
}

void
snapshot_db_close(struct snapshot_db *db)
{
    if (db == NULL)
        return;
    snapshot_db_rollback(db);
    forget_prepared(db);
    if (db->is_peek) {
        db_close(db->sql);
    } else {
        snapshot_file_close(&db->place, db->sql);
        place_clear(&db->place);
    }
    free(db);
}

bool
handle_look(struct snapshot_db *db, struct error *err)
{
    if (db->in_turn || db->is_peek || (!db->is_suspect && place_is_marked(&db->place)))
        return true;
    forget_prepared(db);
    snapshot_file_close(&db->place, db->sql);
    db->sql = NULL;
    db->place.is_doubted |= db->is_suspect;
    return open_file(db, err);
}

sqlite3_stmt *
handle_statement(struct snapshot_db *db, enum statement which, struct error *err)
{
    if (db->kept[which] == NULL)
        db->kept[which] = db_prepare(db->sql, snapshot_statements[which], err);
    else
        sqlite3_clear_bindings(db->kept[which]);
    return db->kept[which];
}

int
handle_row(struct snapshot_db *db, sqlite3_stmt *s, struct error *err)
{
    int got = db_row(s, err);

    if (got < 0)
        db->is_suspect |= db_says_damaged(db->sql);
    return got;
}

bool
handle_run(struct snapshot_db *db, sqlite3_stmt *s, struct error *err)
{
    int got = handle_row(db, s, err);

    if (got > 0)
        sqlite3_reset(s);
    return got >= 0;
}

bool
handle_do(struct snapshot_db *db, enum statement which, struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, which, err);

    return s != NULL && handle_run(db, s, err);
}

/* The greatest id there ever was: sqlite_sequence keeps it. */
bool
snapshot_db_last_id(struct snapshot_db *db, int64_t *id, struct error *err)
{
    return handle_look(db, err) &&
           db_number(db->sql, "SELECT seq FROM sqlite_sequence WHERE name = 'snapshot'", 0, id, err);
}
