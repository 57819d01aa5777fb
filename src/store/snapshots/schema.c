#include "store/snapshots/schema.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/snapshots/care.h"

enum { STEP_MS = 5 };

/* What each table is for:
 *
 *   snapshot   one each, as it is now. created, changed, deleted: microseconds since 1970; deleted: when it went into
 *              the bin, NULL: it is not there. tags: a line each. bytes: what counts for size and quota. The long
 *              texts stand last, so that a list need not read them
 *   version    what each update replaced
 *   tag        those of what is not in the bin
 *   words      the full text of all of snapshot; it keeps no text itself. Whoever changes a row takes its words out
 *              before and puts them in after (no triggers: handles of ours have them off)
 *   total      one row: what snapshot and version add up to
 *   imported   the source of each that came from the old server: it does not come again, though it be deleted here
 *
 * snapshot_updated is for NEWEST of statements.c; snapshot_card holds what a search asks of each row it may show. */
#define COLUMNS                                                                                                        \
    "version INTEGER NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL, deleted INTEGER,"                   \
    " importance INTEGER NOT NULL, bytes INTEGER NOT NULL, name TEXT, project TEXT, tags TEXT, client TEXT,"           \
    " client_version TEXT, server TEXT, source TEXT, summary TEXT, next_steps TEXT, context TEXT, structured TEXT,"    \
    " prompt TEXT"

static const char first_schema[] =
    "CREATE TABLE snapshot(id INTEGER PRIMARY KEY AUTOINCREMENT, " COLUMNS ");"
    "CREATE TABLE version(id INTEGER NOT NULL, " COLUMNS ", PRIMARY KEY(id, version));"
    "CREATE TABLE tag(tag TEXT NOT NULL, created INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(tag, created, id))"
    " WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE words USING fts5(name, project, tags, summary, context, next_steps, content = 'snapshot',"
    " content_rowid = 'id', columnsize = 0, tokenize = 'gatehouse');"
    "CREATE TABLE total(count INTEGER NOT NULL, in_bin INTEGER NOT NULL, versions INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL);"
    "INSERT INTO total VALUES(0, 0, 0, 0);"
    "CREATE TABLE imported(source TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE INDEX snapshot_created ON snapshot(created, id, changed) WHERE deleted IS NULL;"
    "CREATE INDEX snapshot_name ON snapshot(name, created) WHERE deleted IS NULL AND name IS NOT NULL;"
    "CREATE INDEX snapshot_project ON snapshot(project, created) WHERE deleted IS NULL AND project IS NOT NULL;"
    "CREATE INDEX snapshot_updated ON snapshot(changed) WHERE deleted IS NULL AND changed <> created;"
    "CREATE INDEX snapshot_deleted ON snapshot(deleted) WHERE deleted IS NOT NULL;"
    "CREATE INDEX snapshot_source ON snapshot(source) WHERE source IS NOT NULL;"
    "CREATE INDEX snapshot_card ON snapshot(id, deleted, importance, changed);";

static const char *const steps[] = {first_schema};

const struct db_schema snapshot_schema = {
    .steps = steps, .count = sizeof steps / sizeof steps[0], .application = 0x47487331, /* "GHs1" */
};

/* Beside it: snapshots.db.schema-1, with the time when that is taken. Whoever reads sees the file as it was: we have
 * the lock of writing. */
static bool
copy_first(void *arg, const char *path, int version, struct error *err)
{
    char     *copy = arg;
    struct tm tm   = {0};
    time_t    now  = (time_t)(clock_wall() / SECONDS(1));
    char      when[32];

    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H%M%SZ", &tm);
    snprintf(copy, PATH_MAX, "%s.schema-%d-%s", path, version, when);
    if (snapshot_backup(path, copy, err))
        return true;
    copy[0] = '\0';
    error_wrap(err, "a copy is made before the schema is brought up to date");
    return false;
}

/* Of several that make the file at once each has what the others want, and SQLite lets none of them wait. */
static bool
use_log(sqlite3 *db, struct error *err)
{
    struct error why = {0};

    for (int waited = 0; !db_exec(db, "PRAGMA journal_mode = WAL", &why); waited += STEP_MS) {
        if (why.code != ERROR_BUSY || waited >= DB_BUSY_MS)
            return error_set(err, why.code, "%s", why.text);
        usleep(STEP_MS * 1000);
    }
    return true;
}

bool
snapshot_schema_bring_up(sqlite3 *db, const char *path, char *copy, struct error *err)
{
    struct db_schema schema = snapshot_schema;

    copy[0]       = '\0';
    schema.before = copy_first;
    schema.arg    = copy;
    if (!use_log(db, err)) {
        error_wrap(err, "opening %s", path);
        return false;
    }
    return migrate(db, path, &schema, err);
}
