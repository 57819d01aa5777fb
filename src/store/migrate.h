/* src/store/migrate.h: a schema as the list of its steps, and a file brought up to the newest of them.
 *
 * A file says by user_version how many steps it has had, by application_id whose it is. All steps that it lacks are
 * taken in one transaction; a file that has had more than we know is refused. */
#ifndef GATEHOUSE_STORE_MIGRATE_H
#define GATEHOUSE_STORE_MIGRATE_H

#include "store/db.h"

struct db_schema {
    const char *const *steps; /* SQL; the first makes all of it in an empty file */
    int                count;
    int                application; /* application_id, written with the first step; 0: none */
    /* Before a file that holds something is changed, with the lock of writing: whoever reads sees what is changed
     * next. False, and `err`: it stays as it is. NULL: nothing. */
    bool (*before)(void *arg, const char *path, int version, struct error *err);
    void *arg;
};

/* 0: an empty file. False: it is another program's, or a newer Gatehouse's. */
bool migrate_version(sqlite3 *db, const char *path, const struct db_schema *schema, int64_t *version,
                     struct error *err);
bool migrate(sqlite3 *db, const char *path, const struct db_schema *schema, struct error *err);

#endif
