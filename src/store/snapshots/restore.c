/* A backup, or what a person kept elsewhere, takes the place of the database. */
#include <unistd.h>

#include "store/snapshots/backup.h"
#include "store/snapshots/care.h"
#include "store/snapshots/place.h"
#include "store/snapshots/recover.h"
#include "store/snapshots/salvage.h"

/* 0: what lies there says nothing that makes sense, or nothing lies there. */
static int64_t
last_id(const char *path)
{
    struct error        why  = {0};
    struct snapshot_db *db   = snapshot_db_peek(path, &why);
    int64_t             last = 0;

    if (db == NULL || !snapshot_salvage_last(db, &last))
        last = 0;
    snapshot_db_close(db);
    return last;
}

static bool
copy(const char *from, const char *to, struct error *err)
{
    char     place[64];
    sqlite3 *db = database_open_foreign(from, false, place, err);
    bool     ok = db != NULL && database_copy(db, to, err);

    database_close_foreign(db, place);
    return ok;
}

bool
snapshot_restore_from(const char *path, const char *from, char *kept, struct error *err)
{
    struct place place = {.lock = -1};
    char         fresh[PATH_MAX];

    kept[0] = '\0';
    if (is_same_file(path, from))
        return error_set(err, ERROR_INVALID, "%s is the database itself", from);
    if (!snapshot_verify(from, NULL, err)) {
        error_wrap(err, "%s is not put in its place", from);
        return false;
    }
    bool ok = place_init(&place, path, err) && place_hold_alone(&place, DB_BUSY_MS, err);
    if (ok) {
        int64_t last = last_id(path);
        ok           = place_new(&place, fresh, err) && copy(from, fresh, err) &&
             (last == 0 || database_raise_ids(fresh, last, err)) && place_exchange(&place, "before", kept, err);
    }
    place_clear(&place);
    return ok;
}
