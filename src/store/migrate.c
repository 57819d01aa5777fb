#include "store/migrate.h"

/* Only an empty file, or one with our mark, is ours. */
static bool
is_ours(sqlite3 *db, const char *path, const struct db_schema *schema, struct error *err)
{
    int64_t application, tables;

    /* The tables first: who makes the file now commits them and the mark as one. */
    if (!db_number(db, "SELECT count(*) FROM sqlite_schema", 0, &tables, err) ||
        !db_number(db, "PRAGMA application_id", 0, &application, err)) {
        error_wrap(err, "reading %s", path);
        return false;
    }
    return application == schema->application || (application == 0 && tables == 0) ||
           error_set(err, ERROR_INVALID, "%s is another program's database: name another path, or put it elsewhere",
                     path);
}

bool
migrate_version(sqlite3 *db, const char *path, const struct db_schema *schema, int64_t *version, struct error *err)
{
    if (schema->application != 0 && !is_ours(db, path, schema, err))
        return false;
    if (!db_number(db, "PRAGMA user_version", 0, version, err)) {
        error_wrap(err, "reading %s", path);
        return false;
    }
    if (*version > schema->count)
        return error_set(err, ERROR_INVALID, "%s was written by a newer Gatehouse (schema %d, this one knows %d)", path,
                         (int)*version, schema->count);
    return true;
}

static bool
take_step(sqlite3 *db, const struct db_schema *schema, int64_t version, struct error *err)
{
    char marks[128];

    snprintf(marks, sizeof marks, "PRAGMA user_version = %d; PRAGMA application_id = %d", (int)version + 1,
             schema->application);
    return db_exec(db, schema->steps[version], err) && db_exec(db, marks, err);
}

bool
migrate(sqlite3 *db, const char *path, const struct db_schema *schema, struct error *err)
{
    int64_t version;

    if (!migrate_version(db, path, schema, &version, err))
        return false;
    if (version == schema->count)
        return true;
    if (!db_exec(db, "BEGIN IMMEDIATE", err))
        return false;
    bool ok = migrate_version(db, path, schema, &version, err); /* another process may have been here */
    if (ok && version > 0 && version < schema->count && schema->before != NULL)
        ok = schema->before(schema->arg, path, (int)version, err);
    for (; ok && version < schema->count; version++)
        ok = take_step(db, schema, version, err);
    ok = ok && db_exec(db, "COMMIT", err);
    if (!ok) {
        db_exec(db, "ROLLBACK", NULL);
        error_wrap(err, "bringing %s up to date", path);
    }
    return ok;
}
