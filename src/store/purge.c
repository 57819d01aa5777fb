#include "store/purge.h"

#include <unistd.h>

#include "store/forget.h"
#include "store/reserve.h"

/* When there is no room for a step: what is set aside is given up, part by part, and the steps get small. */
static bool
make_room(const char *path, struct forget *f, const struct error *err)
{
    bool was_tight = f->is_tight;

    if (err->code != ERROR_FULL)
        return false;
    f->is_tight = true;
    return reserve_release(path) || !was_tight;
}

/* The step, and behind each small one the log begins anew: it does not grow. */
static bool
step(sqlite3 *db, const char *path, struct forget *f, struct error *err)
{
    struct error failed = {0};

    if (!forget_step(db, f, &failed) && !make_room(path, f, &failed)) {
        if (err != NULL)
            *err = failed;
        return false;
    }
    if (f->is_tight)
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return true;
}

static sqlite3 *
open_even_if_full(const char *path, struct error *err)
{
    sqlite3     *db = NULL;
    struct error failed;

    for (int i = 0; i < 2; i++) {
        failed = (struct error){0};
        db     = db_open(path, DB_WRITE, &failed);
        /* what is erased stays so, whatever happens to the machine */
        if (db != NULL && db_is_current(db, path, &failed) && db_exec(db, "PRAGMA synchronous = FULL", &failed))
            return db;
        db_close(db);
        if (failed.code != ERROR_FULL || !reserve_release(path))
            break;
    }
    if (err != NULL)
        *err = failed;
    return NULL;
}

bool
traffic_purge(const char *path, const struct purge *what, struct purge_result *out, struct error *err)
{
    struct forget f = {
        .before_id = what->before == 0 ? INT64_MAX : what->before << 10,
        .principal = what->principal,
        .clears    = what->before == 0 && what->principal.len == 0,
        .names     = true,
        .shrink    = true,
    };
    sqlite3 *db;
    bool     ok = true;

    if (access(path, F_OK) != 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no database %s", path);
    db = open_even_if_full(path, err);
    if (db == NULL)
        return false;
    while (ok && f.phase != FORGET_DONE) {
        ok = step(db, path, &f, err);
        usleep(1000); /* others' commits come first */
    }
    sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL); /* the file itself shrinks by this */
    db_close(db);
    if (out != NULL)
        *out = f.result;
    if (!ok)
        error_wrap(err, "purging %s", path);
    return ok;
}
