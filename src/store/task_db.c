#include "store/task_db.h"

#include <stdlib.h>

enum { VERSION = 1 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS task(id TEXT PRIMARY KEY, principal TEXT NOT NULL, service TEXT NOT NULL,"
    " made_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, life_us INTEGER NOT NULL, status TEXT NOT NULL,"
    " outcome TEXT, questions TEXT);"
    "PRAGMA user_version = 1;";

enum statement { BEGIN, ADD, CHANGE, REMOVE, COMMIT, ROLLBACK, LOAD, EXPIRE, STATEMENTS };

/* clang-format off */
static const char *const statements[STATEMENTS] = {
    [BEGIN]    = "BEGIN IMMEDIATE",
    [ADD]      = "INSERT INTO task(id, principal, service, made_us, changed_us, life_us, status, outcome, questions)"
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [CHANGE]   = "UPDATE task SET changed_us = ?5, status = ?7, outcome = ?8, questions = ?9 WHERE id = ?1",
    [REMOVE]   = "DELETE FROM task WHERE id = ?1",
    [COMMIT]   = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [LOAD]     = "SELECT * FROM (SELECT id, principal, service, made_us, changed_us, life_us, status, outcome, questions"
                 " FROM task WHERE service = ?1 AND made_us + life_us > ?2 ORDER BY made_us DESC LIMIT ?3)"
                 " ORDER BY made_us",
    [EXPIRE]   = "DELETE FROM task WHERE made_us + life_us <= ?1",
};
/* clang-format on */

struct task_db {
    sqlite3      *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static bool
failed(struct task_db *t, struct error *err)
{
    return db_failed(t->db, err, "the tasks' database");
}

/* Steps to its end, whatever rows come. */
static bool
run(struct task_db *t, enum statement which, struct error *err)
{
    sqlite3_stmt *s = t->statements[which];
    int           code;

    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        ;
    bool ok = code == SQLITE_DONE || failed(t, err);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return ok;
}

static bool
read_version(struct task_db *t, int *version, struct error *err)
{
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(t->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
        failed(t, err);
        sqlite3_finalize(s);
        return false;
    }
    *version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return true;
}

/* Exclusive before WAL, so that there is no memory to share and the lock stays. */
static bool
prepare(struct task_db *t, wall_time now, struct error *err)
{
    static const char manners[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT";
    int               version;

    if (sqlite3_exec(t->db, manners, NULL, NULL, NULL) != SQLITE_OK)
        return failed(t, err);
    if (!read_version(t, &version, err))
        return false;
    if (version > VERSION)
        return error_set(err, ERROR_INVALID, "it is of a newer Gatehouse (version %d): use that one", version);
    if (sqlite3_exec(t->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return failed(t, err);
    for (size_t i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(t->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &t->statements[i], NULL) !=
            SQLITE_OK)
            return failed(t, err);
    sqlite3_bind_int64(t->statements[EXPIRE], 1, now);
    return run(t, EXPIRE, err);
}

struct task_db *
task_db_open(const char *path, wall_time now, struct error *err)
{
    struct task_db *t = calloc(1, sizeof *t);

    if (t == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for %s", path);
        return NULL;
    }
    t->db = db_open(path, DB_WRITE, err);
    if (t->db == NULL || !prepare(t, now, err)) {
        if (err->code == ERROR_BUSY)
            error_set(err, ERROR_BUSY, "another process has it");
        error_wrap(err, "opening %s", path);
        task_db_close(t);
        return NULL;
    }
    return t;
}

void
task_db_close(struct task_db *t)
{
    if (t == NULL)
        return;
    db_close(t->db);
    free(t);
}

bool
task_db_load(struct task_db *t, struct str service, wall_time now, size_t most, task_taken take, void *owner,
             struct error *err)
{
    sqlite3_stmt *s  = t->statements[LOAD];
    bool          ok = true;
    int           code;

    db_bind_str(s, 1, service);
    sqlite3_bind_int64(s, 2, now);
    sqlite3_bind_int64(s, 3, (int64_t)most);
    while (ok && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct task_row row = {.id        = db_str(s, 0),
                               .principal = db_str(s, 1),
                               .service   = db_str(s, 2),
                               .made      = sqlite3_column_int64(s, 3),
                               .changed   = sqlite3_column_int64(s, 4),
                               .life      = sqlite3_column_int64(s, 5),
                               .status    = db_str(s, 6),
                               .outcome   = db_str(s, 7),
                               .questions = db_str(s, 8)};
        ok = take(owner, &row) || error_set(err, ERROR_MEMORY, "no memory for the tasks that were kept");
    }
    if (ok && code != SQLITE_DONE)
        ok = failed(t, err);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return ok;
}

static void
bind(sqlite3_stmt *s, const struct task_row *row)
{
    db_bind_str(s, 1, row->id);
    if (sqlite3_bind_parameter_count(s) == 1)
        return;
    db_bind_str(s, 2, row->principal);
    db_bind_str(s, 3, row->service);
    sqlite3_bind_int64(s, 4, row->made);
    sqlite3_bind_int64(s, 5, row->changed);
    sqlite3_bind_int64(s, 6, row->life);
    db_bind_str(s, 7, row->status);
    db_bind_str(s, 8, row->outcome);
    db_bind_str(s, 9, row->questions);
}

bool
task_db_begin(struct task_db *t, struct error *err)
{
    return run(t, BEGIN, err);
}

bool
task_db_add(struct task_db *t, const struct task_row *row, struct error *err)
{
    bind(t->statements[ADD], row);
    return run(t, ADD, err);
}

bool
task_db_change(struct task_db *t, const struct task_row *row, struct error *err)
{
    bind(t->statements[CHANGE], row);
    return run(t, CHANGE, err);
}

bool
task_db_remove(struct task_db *t, struct str id, struct error *err)
{
    bind(t->statements[REMOVE], &(struct task_row){.id = id});
    return run(t, REMOVE, err);
}

bool
task_db_commit(struct task_db *t, struct error *err)
{
    return run(t, COMMIT, err);
}

void
task_db_rollback(struct task_db *t)
{
    struct error ignored = {0};

    if (sqlite3_get_autocommit(t->db) == 0) /* some failures have rolled back already */
        run(t, ROLLBACK, &ignored);
}
