#include "store/purge.h"

#include <unistd.h>

#include "store/forget.h"

bool
traffic_purge(const char *path, const struct purge *what, struct purge_result *out, struct error *err)
{
    struct forget f = {
        .before_id = what->before == 0 ? INT64_MAX : what->before << 10,
        .principal = what->principal,
        .names     = true,
        .shrink    = true,
    };
    sqlite3 *db;
    bool     ok = true;

    if (access(path, F_OK) != 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no database %s", path);
    db = db_open(path, DB_WRITE, err);
    if (db == NULL || !db_is_current(db, path, err)) {
        db_close(db);
        return false;
    }
    while (ok && f.phase != FORGET_DONE) {
        ok = forget_step(db, &f, err);
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
