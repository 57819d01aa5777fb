#include "snapshots_house.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/snapshots/place.h"

#define DAY SECONDS(86400)
static const wall_time noon = SECONDS(1795262400); /* 2026-11-21 12:00 UTC */

TEST(a_backup_is_one_whole_file_that_opens)
{
    struct house            h = {0};
    char                    to[128], log[136];
    struct snapshot_figures figures;

    house_open(&h);
    house_fill(&h, 1, 20);
    snprintf(to, sizeof to, "%s/copy.db", h.directory);
    if (!snapshot_backup(h.path, to, &h.err))
        fail_msg("%s", h.err.text);
    if (!snapshot_verify(to, &figures, &h.err))
        fail_msg("%s", h.err.text);
    assert_int_equal(figures.count, 20);
    snprintf(log, sizeof log, "%s-wal", to);
    assert_false(is_file(log));
    assert_int_equal(names_with(h.directory, "copy.db", NULL), 1);
    assert_false(snapshot_backup(h.path, to, &h.err));
    assert_int_equal(h.err.code, ERROR_EXISTS);
    house_clear(&h);
}

TEST(a_backup_of_nothing_is_refused_and_leaves_nothing)
{
    struct house h = {0};
    char         to[128], from[128];

    house_open(&h);
    snprintf(to, sizeof to, "%s/copy.db", h.directory);
    snprintf(from, sizeof from, "%s/none.db", h.directory);
    assert_false(snapshot_backup(from, to, &h.err));
    assert_int_equal(h.err.code, ERROR_NOT_FOUND);
    assert_int_equal(names_with(h.directory, "none.db", NULL), 0);
    assert_int_equal(names_with(h.directory, "copy.db", NULL), 0);
    house_clear(&h);
}

TEST(each_day_has_one_backup_and_seven_days_are_kept)
{
    struct house                 h = {0};
    struct snapshot_backup_file *files;
    char                         made[PATH_MAX];
    size_t                       count;

    house_open(&h);
    house_save(&h, "one", "text");
    for (int day = 0; day < 12; day++) {
        if (!snapshot_backup_daily(h.path, noon + day * DAY, false, made, &h.err))
            fail_msg("%s", h.err.text);
        assert_true(is_file(made));
        assert_true(snapshot_backup_daily(h.path, noon + day * DAY + SECONDS(5), false, made, &h.err));
        assert_string_equal(made, "");
    }
    assert_true(snapshot_backups(h.path, h.a, &files, &count, &h.err));
    assert_int_equal(count, 8); /* today's and those of the seven days before */
    assert_non_null(strstr(files[0].path, "snapshots-2026-12-02.db"));
    assert_non_null(strstr(files[7].path, "snapshots-2026-11-25.db"));
    assert_true(files[0].bytes > 0);
    house_clear(&h);
}

TEST(the_newest_backup_stays_however_old_it_is)
{
    struct house                 h = {0};
    struct snapshot_backup_file *files;
    char                         made[PATH_MAX], other[PATH_MAX];
    size_t                       count;

    house_open(&h);
    house_save(&h, "one", "text");
    assert_true(snapshot_backup_daily(h.path, noon, false, made, &h.err));
    snprintf(other, sizeof other, "%s/backups/mine.db", h.directory);
    assert_int_equal(link(made, other), 0);
    house_close(&h);
    overwrite(h.path, 0, "no database at all", 18);
    assert_false(snapshot_backup_daily(h.path, noon + 100 * DAY, true, made, &h.err));
    assert_true(snapshot_backups(h.path, h.a, &files, &count, &h.err));
    assert_int_equal(count, 1);
    assert_true(is_file(other));
    house_clear(&h);
}

TEST(a_backup_made_anyway_replaces_that_of_the_day_when_it_is_whole)
{
    struct house            h = {0};
    char                    made[PATH_MAX];
    struct snapshot_figures figures;

    house_open(&h);
    house_fill(&h, 1, 30);
    assert_true(snapshot_backup_daily(h.path, noon, false, made, &h.err));
    house_fill(&h, 31, 10);
    assert_true(snapshot_backup_daily(h.path, noon, true, made, &h.err));
    assert_true(snapshot_verify(made, &figures, &h.err));
    assert_int_equal(figures.count, 40);
    house_close(&h);
    for (size_t at = 8192; at + 64 < file_size(h.path); at += 4096)
        overwrite(h.path, at, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_false(snapshot_backup_daily(h.path, noon, true, NULL, &h.err));
    assert_true(snapshot_verify(made, &figures, &h.err));
    assert_int_equal(figures.count, 40);
    house_clear(&h);
}

TEST(verify_finds_what_is_wrong)
{
    struct house            h = {0};
    struct snapshot_figures figures;
    char                    other[128];

    house_open(&h);
    house_fill(&h, 1, 10);
    if (!snapshot_verify(h.path, &figures, &h.err))
        fail_msg("%s", h.err.text);
    assert_int_equal(figures.count, 10);
    assert_true(figures.newest > 0);
    house_close(&h);
    run_sql(h.path, "UPDATE snapshot SET summary = 'another' || char(27) WHERE id = 3");
    assert_false(snapshot_verify(h.path, NULL, &h.err));
    assert_int_equal(h.err.code, ERROR_INVALID);
    run_sql(h.path, "UPDATE snapshot SET summary = 'snapshot 3' WHERE id = 3; UPDATE total SET count = 11");
    assert_false(snapshot_verify(h.path, NULL, &h.err));
    assert_non_null(strstr(h.err.text, "10 count and says 11"));
    snprintf(other, sizeof other, "%s/other.db", h.directory);
    run_sql(other, "CREATE TABLE t(a)");
    assert_false(snapshot_verify(other, NULL, &h.err));
    snprintf(other, sizeof other, "%s/none.db", h.directory);
    assert_false(snapshot_verify(other, NULL, &h.err));
    assert_int_equal(h.err.code, ERROR_NOT_FOUND);
    snprintf(other, sizeof other, "%s", h.directory);
    assert_false(snapshot_verify(other, NULL, &h.err));
    house_clear(&h);
}

TEST(words_that_do_not_agree_with_the_texts_are_found)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 10);
    house_close(&h);
    run_sql(h.path, "UPDATE snapshot SET summary = 'never indexed' WHERE id = 3");
    assert_false(snapshot_verify(h.path, NULL, &h.err));
    assert_non_null(strstr(h.err.text, "the index of words"));
    house_clear(&h);
}

TEST(a_restored_backup_is_used_by_who_has_the_file_open)
{
    struct house h = {0};
    char         made[PATH_MAX], kept[PATH_MAX];

    house_open(&h);
    house_fill(&h, 1, 5);
    assert_true(snapshot_backup_daily(h.path, noon, false, made, &h.err));
    house_fill(&h, 6, 5);
    if (!snapshot_restore_from(h.path, made, kept, &h.err))
        fail_msg("%s", h.err.text);
    assert_true(is_file(kept));
    assert_non_null(strstr(kept, "snapshots.db.before-"));
    int64_t id = house_save(&h, "after", "text");
    assert_int_equal(id, 11); /* never given twice */
    assert_int_equal(house_count(&h), 6);
    assert_string_equal(house_summary(&h, 6), "");
    house_close(&h);
    house_open(&h);
    assert_int_equal(house_count(&h), 6);
    assert_true(snapshot_verify(h.path, NULL, &h.err));

    struct snapshot_figures figures; /* and back again */
    assert_true(snapshot_verify(kept, &figures, &h.err));
    assert_int_equal(figures.count, 10);
    assert_true(snapshot_restore_from(h.path, kept, made, &h.err));
    assert_int_equal(house_save(&h, "once more", "text"), 12);
    assert_int_equal(house_count(&h), 11);
    house_clear(&h);
}

TEST(what_is_not_whole_is_not_restored)
{
    struct house h = {0};
    char         made[PATH_MAX], kept[PATH_MAX];

    house_open(&h);
    house_fill(&h, 1, 20);
    assert_true(snapshot_backup_daily(h.path, noon, false, made, &h.err));
    overwrite(made, 8192, "rubbish rubbish", 15);
    assert_false(snapshot_restore_from(h.path, made, kept, &h.err));
    assert_string_equal(kept, "");
    assert_false(snapshot_restore_from(h.path, h.path, kept, &h.err));
    assert_int_equal(house_count(&h), 20);
    assert_int_equal(names_with(h.directory, "before", NULL), 0);
    assert_int_equal(names_with(h.directory, "-new", NULL), 0);
    house_clear(&h);
}

TEST(a_restore_waits_for_nobody_who_only_has_it_open_and_loses_nothing_of_who_writes)
{
    struct house h = {0};
    char         made[PATH_MAX], kept[PATH_MAX];
    int          ends[2], status;

    house_open(&h);
    house_fill(&h, 1, 5);
    assert_true(snapshot_backup_daily(h.path, noon, false, made, &h.err));
    assert_int_equal(pipe(ends), 0);
    house_close(&h);
    pid_t child = fork();
    if (child == 0) { /* saves without end, and says each id */
        struct house mine = h;
        mine.db           = NULL;
        house_open(&mine);
        for (;;) {
            int64_t id = house_save(&mine, "of the child", "text");
            if (write(ends[1], &id, sizeof id) != sizeof id)
                _exit(1);
        }
    }
    close(ends[1]);
    int64_t said, last = 0, acknowledged = 0;
    assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
    for (int i = 0; i < 5; i++) {
        if (!snapshot_restore_from(h.path, made, kept, &h.err))
            fail_msg("%s", h.err.text);
        usleep(20000);
    }
    house_open(&h);
    int64_t mine = house_save(&h, "mine", "text"); /* the child's are in this file from here on */
    house_close(&h);
    for (last = said; last < mine; last = said)
        assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    for (last = said, acknowledged = 1; read(ends[0], &said, sizeof said) == sizeof said; acknowledged++) {
        assert_true(said > last); /* though the file was another meanwhile */
        last = said;
    }
    close(ends[0]);
    house_open(&h);
    assert_string_equal(house_summary(&h, last), "of the child");
    assert_int_equal(names_with(h.directory, "before", NULL) >= 5, true);
    house_clear(&h);
}

TEST(an_exchange_that_was_begun_is_finished_by_the_next)
{
    struct house h = {0};
    char         fresh[PATH_MAX], next[PATH_MAX];

    house_open(&h);
    house_fill(&h, 1, 3);
    snprintf(fresh, sizeof fresh, "%s-new", h.path);
    snprintf(next, sizeof next, "%s-next", h.path);
    assert_true(snapshot_backup(h.path, fresh, &h.err));
    house_fill(&h, 4, 3);
    house_close(&h);
    int fd = open(next, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, ".before-now", 11), 11);
    close(fd);
    house_open(&h);
    assert_int_equal(house_count(&h), 3);
    assert_false(is_file(fresh));
    assert_false(is_file(next));
    assert_int_equal(names_with(h.directory, "before-now", NULL), 1);
    house_clear(&h);
}

TEST(who_wants_the_place_alone_gets_it_and_others_are_told_after_a_while)
{
    struct house h   = {0};
    struct place one = {.lock = -1}, other = {.lock = -1};

    house_open(&h);
    assert_true(place_init(&one, h.path, &h.err));
    assert_true(place_init(&other, h.path, &h.err));
    assert_true(place_hold(&one, 0, &h.err));
    assert_true(place_hold(&other, 0, &h.err));
    place_leave(&other);
    assert_false(place_hold_alone(&other, 0, &h.err));
    assert_int_equal(h.err.code, ERROR_BUSY);
    place_leave(&one);
    assert_true(place_hold_alone(&one, 0, &h.err));
    assert_false(place_hold(&other, 0, &h.err));
    assert_int_equal(h.err.code, ERROR_BUSY);
    place_leave(&one);
    assert_true(place_hold(&other, 0, &h.err));
    place_clear(&one);
    place_clear(&other);
    house_clear(&h);
}
