/* A file is brought from any of its schemas to the newest, in one transaction, with what must be done before. */
#include "store/migrate.h"

#include <unistd.h>

#include "test.h"

static const char *const steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1);", "CREATE TABLE b(x);",
                                    "CREATE TABLE c(x); CREATE TABLE a(x);"};

static char directory[32], path[64], seen[64];

static sqlite3 *
begin(void)
{
    struct error err = {0};

    snprintf(directory, sizeof directory, "/tmp/migrate-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.db", directory);
    seen[0] = '\0';
    return db_open(path, DB_WRITE, &err);
}

static void
end(sqlite3 *db)
{
    db_close(db);
    unlink(path);
    rmdir(directory);
}

static bool
before(void *arg, const char *of, int version, struct error *err)
{
    snprintf(seen, sizeof seen, "%s %d", strcmp(of, path) == 0 ? "it" : "?", version);
    return arg == NULL || error_set(err, ERROR_FULL, "no room for a copy");
}

static int64_t
number(sqlite3 *db, const char *sql)
{
    int64_t      out;
    struct error err = {0};

    assert_true(db_number(db, sql, -1, &out, &err));
    return out;
}

TEST(a_file_takes_the_steps_it_lacks)
{
    struct db_schema schema = {.steps = steps, .count = 1, .application = 77, .before = before};
    struct error     err    = {0};
    sqlite3         *db     = begin();

    assert_true(migrate(db, path, &schema, &err));
    assert_string_equal(seen, ""); /* there was nothing in it */
    assert_int_equal(number(db, "PRAGMA application_id"), 77);
    schema.count = 2;
    assert_true(migrate(db, path, &schema, &err));
    assert_string_equal(seen, "it 1");
    assert_int_equal(number(db, "PRAGMA user_version"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM b"), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);
    end(db);
}

TEST(a_step_that_fails_leaves_the_file_as_it_was)
{
    struct db_schema schema = {.steps = steps, .count = 1, .application = 77, .before = before};
    struct error     err    = {0};
    sqlite3         *db     = begin();

    assert_true(migrate(db, path, &schema, &err));
    schema.count = 3;
    assert_false(migrate(db, path, &schema, &err));
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema"), 1);
    schema.count = 2;
    schema.arg   = &schema; /* what is to be done before fails */
    assert_false(migrate(db, path, &schema, &err));
    assert_int_equal(err.code, ERROR_FULL);
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    end(db);
}

TEST(what_is_newer_or_of_another_is_refused)
{
    struct db_schema schema = {.steps = steps, .count = 2, .application = 77};
    struct error     err    = {0};
    sqlite3         *db     = begin();

    assert_true(migrate(db, path, &schema, &err));
    schema.count = 1;
    assert_false(migrate(db, path, &schema, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    schema.application = 78;
    assert_false(migrate(db, path, &schema, &err));
    assert_non_null(strstr(err.text, "another program's database"));
    end(db);
}
