/* tasks.db: what a service is told is kept is there for the next process. */
#include "store/task_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/task_db.h"
#include "test.h"

static struct {
    char               directory[64], path[96];
    struct loop        loop;
    struct task_store *store;
    size_t             kept, not_kept, taken;
    char               last[400]; /* of what was taken */
} is;

static void
on_told(void *owner, struct str id, bool is_kept)
{
    (void)owner;
    assert_int_equal(id.len, 1);
    is.kept += is_kept;
    is.not_kept += !is_kept;
}

static bool
on_taken(void *owner, const struct task_row *row)
{
    (void)owner;
    is.taken++;
    snprintf(is.last, sizeof is.last, "%.*s %.*s %.*s %.*s %.*s", STR_ARG(row->id), STR_ARG(row->principal),
             STR_ARG(row->status), STR_ARG(row->outcome), STR_ARG(row->questions));
    return true;
}

static void
open_again(void)
{
    struct error err = {0};

    assert_true(loop_init(&is.loop, &err));
    is.store = task_file_open(&is.loop, is.path, &err);
    if (is.store == NULL)
        fail_msg("%s", err.text);
}

static void
shut(void)
{
    task_file_close(is.store);
    loop_clear(&is.loop);
}

static void
begin(void)
{
    memset(&is, 0, sizeof is);
    snprintf(is.directory, sizeof is.directory, "/tmp/tasks-XXXXXX");
    assert_non_null(mkdtemp(is.directory));
    snprintf(is.path, sizeof is.path, "%s/tasks.db", is.directory);
    open_again();
}

static void
finish(void)
{
    char log[128];

    shut();
    unlink(is.path);
    snprintf(log, sizeof log, "%s-wal", is.path);
    unlink(log);
    assert_int_equal(rmdir(is.directory), 0);
}

static struct task_row
row(const char *id, const char *status, const char *outcome)
{
    return (struct task_row){.id        = str_from(id),
                             .principal = STR("ada"),
                             .service   = STR("a"),
                             .made      = clock_wall(),
                             .life      = SECONDS(100),
                             .status    = str_from(status),
                             .outcome   = str_from(outcome)};
}

static void
put(const struct task_row *r, bool is_new)
{
    assert_true(is.store->ops->put(is.store, r, is_new, on_told, &is));
}

static void
wait_for(const size_t *count, size_t most)
{
    for (int i = 0; *count < most && i < 1000; i++)
        loop_turn(&is.loop, MILLISECONDS(10));
    assert_int_equal(*count, most);
}

static size_t
load(const char *service, size_t most)
{
    struct error err = {0};

    is.taken = 0;
    assert_true(is.store->ops->load(is.store, str_from(service), most, on_taken, &is, &err));
    return is.taken;
}

TEST(what_was_put_is_there_again_with_its_last_change)
{
    begin();
    struct task_row one = row("1", "working", NULL), two = row("2", "working", NULL);
    two.made++;
    put(&one, true);
    put(&two, true);
    assert_int_equal(is.kept, 0); /* never within the call */
    one.status    = STR("input_required");
    one.questions = STR("[\"sure\"]");
    put(&one, false);
    wait_for(&is.kept, 3);
    two.status  = STR("completed");
    two.outcome = STR("{\"content\":[]}");
    put(&two, false);
    shut(); /* writes what waits */
    assert_int_equal(is.kept, 4);
    open_again();
    assert_int_equal(load("b", 10), 0);
    assert_int_equal(load("a", 10), 2);
    assert_string_equal(is.last, "2 ada completed {\"content\":[]} ");
    assert_int_equal(load("a", 1), 1); /* the newest */
    assert_string_equal(is.last, "2 ada completed {\"content\":[]} ");
    is.store->ops->remove(is.store, STR("2"));
    shut();
    open_again();
    assert_int_equal(load("a", 10), 1);
    assert_string_equal(is.last, "1 ada input_required  [\"sure\"]");
    finish();
}

TEST(a_task_whose_time_is_over_is_deleted_and_no_change_brings_one_back)
{
    begin();
    struct task_row old = row("1", "completed", "{}"), none = row("2", "completed", "{}");
    old.made -= SECONDS(101);
    put(&old, true);
    put(&none, false);
    wait_for(&is.kept, 2);
    assert_int_equal(load("a", 10), 0);
    shut();
    open_again();
    old.made += SECONDS(101);
    put(&old, true); /* its id is free again */
    wait_for(&is.kept, 3);
    finish();
}

TEST(a_file_has_one_process_and_is_its_users_alone)
{
    struct error err = {0};
    struct stat  file;
    sqlite3     *db = NULL;

    begin();
    assert_int_equal(stat(is.path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(sqlite3_open(is.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM task", NULL, NULL, NULL), SQLITE_BUSY);
    sqlite3_close(db);
    shut();
    assert_int_equal(sqlite3_open(is.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(task_db_open(is.path, 0, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_null(task_db_open("/dev/null/tasks.db", 0, &err));
    assert_true(loop_init(&is.loop, &err));
    is.store = NULL;
    finish();
}

TEST(who_has_left_hears_of_nothing)
{
    begin();
    struct task_row one = row("1", "working", NULL);
    put(&one, true);
    one.id = STR("2");
    put(&one, true);
    is.store->ops->leave(is.store, &is);
    shut();
    assert_int_equal(is.kept + is.not_kept, 0);
    open_again();
    assert_int_equal(load("a", 10), 2);
    finish();
}

/* As anybody would, between two processes. */
static void
sql(const char *text)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(is.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

TEST(a_new_task_that_cannot_be_written_is_told_so_and_a_change_waits_until_it_can)
{
    begin();
    struct task_row one = row("1", "working", NULL);
    put(&one, true);
    wait_for(&is.kept, 1);
    shut();
    sql("ALTER TABLE task RENAME TO elsewhere; CREATE TABLE task(id TEXT PRIMARY KEY CHECK(id <> '3'), principal, "
        "service,"
        " made_us, changed_us, life_us, status, outcome, questions); INSERT INTO task SELECT * FROM elsewhere;"
        "DROP TABLE elsewhere");
    open_again();
    one.status          = STR("completed");
    one.outcome         = STR("{}");
    struct task_row two = row("3", "working", NULL);
    put(&two, true);
    put(&one, false); /* waits for the worker that fails with the one before */
    wait_for(&is.not_kept, 1);
    two.id = STR("2");
    put(&two, true);
    wait_for(&is.kept, 3);
    shut();
    open_again();
    assert_int_equal(load("a", 10), 2);
    finish();
}
