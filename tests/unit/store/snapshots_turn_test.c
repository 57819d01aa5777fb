/* Turns: several changes in one commit, two handles and two processes at once, and files that are not ours to open. */
#include <sys/wait.h>

#include "snapshots_fixture.h"
#include "store/snapshots/care.h"

TEST(a_turn_holds_as_one)
{
    struct memory       m;
    struct snapshot_db *other;
    struct snapshot     out;

    memory_open(&m);
    other = snapshot_db_open(m.path, &usual_limits, NULL, &m.err);
    assert_non_null(other);
    assert_true(snapshot_db_begin(m.db, &m.err));
    memory_save(&m, "a", "one", 1);
    memory_save(&m, "b", "two", 2);
    assert_int_equal(memory_find(&m, (struct snapshot_which){0}), 2); /* a turn sees its own */
    assert_false(snapshot_load(other, &(struct snapshot_which){0}, m.arena, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_NOT_FOUND);
    assert_true(snapshot_db_commit(m.db, &m.err));
    assert_true(snapshot_load(other, &(struct snapshot_which){0}, m.arena, &out, &m.err));
    assert_int_equal(out.id, 2);
    assert_true(snapshot_db_begin(m.db, &m.err));
    memory_save(&m, "c", "three", 3);
    snapshot_db_rollback(m.db);
    assert_int_equal(memory_find(&m, (struct snapshot_which){0}), 2);
    snapshot_db_close(other);
    memory_close(&m);
}

TEST(a_change_that_fails_leaves_the_others_of_its_turn)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of(NULL, "too large for it");

    memory_open_with(&m, &(struct snapshot_limits){.size = 40, .quota = 1000});
    text.context = STR("0123456789012345678901234567890123456789");
    assert_true(snapshot_db_begin(m.db, &m.err));
    memory_save(&m, "a", "one", 1);
    assert_false(snapshot_save(m.db, &text, &from_ada, 2, &out, &m.err));
    assert_false(snapshot_update(m.db, 9, &text, &from_ada, 2, &out, &m.err));
    assert_false(snapshot_delete(m.db, 9, 2, &m.err));
    memory_save(&m, "b", "two", 3);
    assert_true(snapshot_db_commit(m.db, &m.err));
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "2 1");
    assert_string_equal(memory_sql(&m, "SELECT count || ' ' || bytes FROM total"), "2 60");
    memory_close(&m);
}

/* With no other to lose, it is taken back with its turn, which goes on. */
TEST(a_first_change_that_fails_half_way_leaves_those_behind_it)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text   = text_of(NULL, "three");
    const struct str     tags[] = {STR("good"), STR("bad")};

    memory_open(&m);
    memory_save(&m, "a", "one", 1);
    memory_sql(
        &m,
        "CREATE INDEX hurdle ON tag(abs(CASE tag WHEN 'bad' THEN -9223372036854775807 - 1 END))"); /* no such number */
    text.tags      = tags;
    text.tag_count = 2;
    assert_true(snapshot_db_begin(m.db, &m.err));
    for (int i = 0; i < 2; i++) /* the second is the first again */
        assert_false(snapshot_save(m.db, &text, &from_ada, 2, &out, &m.err));
    memory_save(&m, "b", "two", 3);
    assert_false(snapshot_save(m.db, &text, &from_ada, 4, &out, &m.err));
    assert_true(snapshot_db_commit(m.db, &m.err));
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "2 1");
    assert_string_equal(memory_search(&m, "three"), "");
    assert_string_equal(memory_sql(&m, "SELECT count FROM total"), "2");
    memory_close(&m);
}

TEST(the_stamp_changes_with_every_commit_of_others)
{
    struct memory       m;
    struct snapshot_db *other;
    int64_t             first, second, third, fourth;

    memory_open(&m);
    other = snapshot_db_open(m.path, &usual_limits, NULL, &m.err);
    assert_non_null(other);
    assert_true(snapshot_db_stamp(other, &first, &m.err));
    assert_true(snapshot_db_stamp(other, &second, &m.err));
    assert_true(first == second);
    memory_save(&m, "a", "one", 1);
    assert_true(snapshot_db_stamp(other, &second, &m.err));
    assert_true(first != second);
    assert_true(snapshot_delete(other, 1, 2, &m.err)); /* its own is no news */
    assert_true(snapshot_db_stamp(other, &third, &m.err));
    assert_true(second == third);
    assert_true(snapshot_restore(m.db, 1, &m.err));
    assert_true(snapshot_db_begin(other, &m.err)); /* in a turn, too */
    assert_true(snapshot_db_stamp(other, &fourth, &m.err));
    snapshot_db_rollback(other);
    assert_true(third != fourth);
    snapshot_db_close(other);
    memory_close(&m);
}

enum { PROCESSES = 4, SAVES = 50 };

static void
save_many(const char *path, int who, int saves)
{
    struct error         err  = {0};
    struct snapshot_db  *db   = snapshot_db_open(path, &usual_limits, NULL, &err);
    struct snapshot_text text = text_of(who % 2 == 0 ? "even" : "odd", "by a process of its own");
    struct snapshot      out;
    bool                 ok = db != NULL;

    for (int i = 0; ok && i < saves; i++)
        ok = snapshot_save(db, &text, &from_ada, 7, &out, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    snapshot_db_close(db);
    _exit(ok ? 0 : 1);
}

TEST(several_processes_save_at_once)
{
    struct memory           m;
    struct snapshot_figures figures;
    pid_t                   children[PROCESSES];
    int                     status;

    memory_open(&m);
    snapshot_db_close(m.db);
    for (int i = 0; i < PROCESSES; i++)
        if ((children[i] = fork()) == 0)
            save_many(m.path, i, SAVES);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    memory_open_again(&m, &usual_limits);
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.count, PROCESSES * SAVES);
    assert_string_equal(memory_sql(&m, "SELECT count(DISTINCT id) || ' ' || max(id) FROM snapshot"), "200 200");
    assert_string_equal(memory_search_with(&m, "process", (struct snapshot_filter){.limit = 2}), "200 199");
    memory_close(&m);
}

TEST(several_processes_make_the_file_at_once)
{
    struct memory           m;
    struct snapshot_figures figures;
    pid_t                   children[PROCESSES];
    int                     status, gate[2];
    char                    byte;

    memory_open(&m);
    snapshot_db_close(m.db);
    for (int round = 0; round < 5; round++) {
        snprintf(m.path, sizeof m.path, "%s/%d/snapshots.db", m.directory, round);
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < PROCESSES; i++)
            if ((children[i] = fork()) == 0) {
                close(gate[1]);
                assert_int_equal(read(gate[0], &byte, 1), 0); /* until it is closed: all at once */
                save_many(m.path, i, 2);
            }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < PROCESSES; i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
    }
    memory_open_again(&m, &usual_limits);
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.count, PROCESSES * 2);
    memory_close(&m);
}

TEST(a_file_that_another_put_in_its_place_is_opened)
{
    struct memory        m, other;
    struct snapshot      out;
    int64_t              before, after;
    char                 kept[PATH_MAX];
    struct snapshot_text text = text_of(NULL, "into the new one");

    memory_open(&m);
    memory_save(&m, NULL, "in the old file", 1);
    memory_open(&other);
    memory_save(&other, NULL, "in the new file", 1);
    assert_true(snapshot_db_stamp(m.db, &before, &m.err));
    assert_true(snapshot_restore_from(m.path, other.path, kept, &m.err));
    assert_true(snapshot_db_stamp(m.db, &after, &m.err));
    assert_true(before != after);
    assert_true(snapshot_save(m.db, &text, &from_ada, 2, &out, &m.err));
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 1}, m.arena, &out, &m.err));
    assert_str(out.text.summary, "in the new file");
    memory_close(&other);
    memory_close(&m);
}

TEST(the_schema_of_a_newer_gatehouse_is_refused)
{
    struct memory m;

    memory_open(&m);
    memory_save(&m, NULL, "one", 1);
    snapshot_db_close(m.db);
    memory_sql(&m, "CREATE TABLE from_the_future(x)"); /* with the number alone it would be a damaged header */
    memory_sql(&m, "PRAGMA user_version = 99");
    m.db = snapshot_db_open(m.path, &usual_limits, NULL, &m.err);
    assert_null(m.db);
    assert_int_equal(m.err.code, ERROR_INVALID);
    assert_non_null(strstr(m.err.text, "newer Gatehouse (schema 99"));
    assert_string_equal(memory_sql(&m, "SELECT summary FROM snapshot"), "one");
    memory_close(&m);
}

TEST(the_database_of_another_program_is_left_alone)
{
    struct memory m;

    memory_open(&m);
    snapshot_db_close(m.db);
    m.db = NULL;
    assert_int_equal(truncate(m.path, 0), 0);
    memory_sql(&m, "CREATE TABLE recipe(cake TEXT)");
    m.db = snapshot_db_open(m.path, &usual_limits, NULL, &m.err);
    assert_null(m.db);
    assert_int_equal(m.err.code, ERROR_INVALID);
    assert_non_null(strstr(m.err.text, "another program's database"));
    assert_string_equal(memory_sql(&m, "SELECT count(*) FROM recipe"), "0");
    memory_close(&m);
}

TEST(what_was_mended_on_the_way_is_no_error)
{
    struct memory           m;
    struct snapshot_opening opening;
    struct error            err = {0};
    FILE                   *file;

    memory_open(&m);
    snapshot_db_close(m.db);
    assert_non_null(file = fopen(m.path, "w"));
    assert_true(fputs("this is no database, though it is as long as the header of one would be: a hundred bytes,"
                      " and some more",
                      file) >= 0);
    fclose(file);
    m.db = snapshot_db_open(m.path, &usual_limits, &opening, &err);
    assert_non_null(m.db);
    assert_string_not_equal(opening.damaged, "");
    assert_int_equal(err.code, ERROR_NONE);
    memory_close(&m);
}

TEST(anybody_can_read_the_texts_with_sqlite3)
{
    struct memory m;

    memory_open(&m);
    memory_save(&m, "plain", "for everybody", 1);
    assert_string_equal(memory_sql(&m, "SELECT name || ': ' || summary FROM snapshot"), "plain: for everybody");
    memory_close(&m);
}
