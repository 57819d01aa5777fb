/* Damaged databases: opening one never fails for it, and says what became of it. */
#include "snapshots_house.h"

#include <signal.h>
#include <sys/wait.h>

static const wall_time noon = SECONDS(1795262400); /* 2026-11-21 12:00 UTC */

static void
backup(struct house *h)
{
    if (!snapshot_backup_daily(h->path, noon, true, NULL, &h->err))
        fail_msg("%s", h->err.text);
}

static void
said(struct house *h, const char *words)
{
    if (strstr(h->opening.damaged, words) == NULL)
        fail_msg("said \"%s\", not \"%s\"", h->opening.damaged, words);
}

TEST(a_sound_database_opens_without_a_word)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 10);
    house_close(&h);
    house_open(&h);
    assert_string_equal(h.opening.damaged, "");
    assert_int_equal(house_count(&h), 10);
    assert_int_equal(names_with(h.directory, "damaged", NULL), 0);
    house_clear(&h);
}

TEST(a_file_that_is_no_database_is_set_aside_and_the_backup_opened)
{
    struct house h = {0};
    char         kept[PATH_MAX];

    house_open(&h);
    house_fill(&h, 1, 10);
    backup(&h);
    house_close(&h);
    overwrite(h.path, 0, "this is no database at all, it never was", 40);
    house_open(&h);
    said(&h, "snapshots.db was damaged and is kept as snapshots.db.damaged-");
    said(&h, "the backup of 2026-11-21 is in its place");
    assert_int_equal(house_count(&h), 10);
    assert_int_equal(names_with(h.directory, "snapshots.db.damaged-", kept), 1);
    assert_true(file_size(kept) > 8192);
    assert_int_equal(names_with(h.directory, "-new", NULL) + names_with(h.directory, "-next", NULL), 0);
    house_close(&h);
    house_open(&h);
    assert_string_equal(h.opening.damaged, "");
    house_clear(&h);
}

/* A page in the middle of the table. */
static size_t
a_page_of(struct house *h, const char *table)
{
    sqlite3      *db;
    sqlite3_stmt *s;
    char          sql[160];
    int           count = 0, pages[64];

    snprintf(sql, sizeof sql, "SELECT pageno FROM dbstat WHERE name = '%s' AND pagetype = 'leaf'", table);
    assert_int_equal(sqlite3_open(h->path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    while (sqlite3_step(s) == SQLITE_ROW && count < 64)
        pages[count++] = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    assert_true(count > 2);
    return (size_t)pages[count / 2];
}

static void
damage_page(struct house *h, size_t page)
{
    char rubbish[4096];

    memset(rubbish, 0xee, sizeof rubbish);
    overwrite(h->path, (page - 1) * sizeof rubbish, rubbish, sizeof rubbish);
}

TEST(what_can_still_be_read_is_added_to_the_backup)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 60);
    backup(&h);
    house_fill(&h, 61, 60);
    assert_true(snapshot_delete(h.db, 7, clock_wall(), &h.err));
    struct snapshot_text text = {.summary = STR("nine, changed"), .context = STR("x"), .importance = 5};
    struct snapshot      out;
    assert_true(snapshot_update(h.db, 9, &text, &(struct snapshot_origin){0}, clock_wall(), &out, &h.err));
    house_close(&h);
    damage_page(&h, a_page_of(&h, "snapshot"));
    house_open(&h);
    said(&h, "were read out of it");
    uint64_t there = house_count(&h);
    if (there < 60 - 1 + 50)
        fail_msg("%zu are there: %s", (size_t)there, h.opening.damaged);
    assert_string_equal(house_summary(&h, 60), "snapshot 60");
    assert_string_equal(house_summary(&h, 120), "snapshot 120");
    assert_string_equal(house_summary(&h, 9), "nine, changed");
    struct snapshot_which bin = {.id = 7};
    assert_false(snapshot_load(h.db, &bin, h.a, &out, &h.err));
    assert_int_equal(house_save(&h, "next", "text"), 121);
    house_close(&h);
    if (!snapshot_verify(h.path, NULL, &h.err))
        fail_msg("%s", h.err.text);
    house_clear(&h);
}

TEST(without_a_backup_what_can_be_read_is_kept)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 100);
    house_close(&h);
    damage_page(&h, a_page_of(&h, "snapshot"));
    house_open(&h);
    said(&h, "there is no backup");
    assert_true(house_count(&h) >= 80);
    assert_int_equal(house_save(&h, "next", "text"), 101);
    house_clear(&h);
}

TEST(damaged_words_are_made_anew_and_no_snapshot_is_lost)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 100);
    house_close(&h);
    damage_page(&h, a_page_of(&h, "words_data"));
    house_open(&h);
    said(&h, "100 snapshots");
    assert_int_equal(house_count(&h), 100);
    house_close(&h);
    assert_true(snapshot_verify(h.path, NULL, &h.err));
    house_clear(&h);
}

TEST(words_that_make_no_sense_while_it_is_open_are_made_anew)
{
    struct house           h      = {0};
    struct snapshot_filter filter = {.limit = 10};
    struct snapshot_hit   *hits;
    size_t                 count;

    house_open(&h);
    house_fill(&h, 1, 30);
    house_save(&h, "find the needle", "text");
    assert_true(snapshot_search(h.db, STR("needle"), &filter, h.a, &hits, &count, &h.err));
    house_close(&h);
    run_sql(h.path, "UPDATE words_data SET block = x'ffffffffff' WHERE id > 10");
    house_open(&h);
    if (sqlite3_libversion_number() >= 3044000) { /* from then on SQLite's check looks into it */
        said(&h, "the index of words was damaged and has been made anew");
    } else {
        assert_string_equal(h.opening.damaged, "");
        assert_false(snapshot_search(h.db, STR("needle"), &filter, h.a, &hits, &count, &h.err));
        assert_int_equal(h.err.code, ERROR_INVALID);
    }
    if (!snapshot_search(h.db, STR("needle"), &filter, h.a, &hits, &count, &h.err))
        fail_msg("%s", h.err.text);
    assert_int_equal(count, 1);
    house_close(&h);
    if (!snapshot_verify(h.path, NULL, &h.err))
        fail_msg("%s", h.err.text);
    house_clear(&h);
}

TEST(an_emptied_file_is_not_taken_for_a_new_one)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 10);
    backup(&h);
    house_close(&h);
    assert_int_equal(truncate(h.path, 0), 0);
    house_open(&h);
    said(&h, "damaged");
    assert_int_equal(house_count(&h), 10);
    house_clear(&h);
}

TEST(a_damaged_backup_is_passed_over)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 10);
    backup(&h);
    house_fill(&h, 11, 10);
    char newer[PATH_MAX];
    assert_true(snapshot_backup_daily(h.path, noon + SECONDS(86400), true, newer, &h.err));
    overwrite(newer, 8192, "rubbish, rubbish", 16);
    house_close(&h);
    overwrite(h.path, 0, "rubbish", 7);
    house_open(&h);
    said(&h, "the backup of 2026-11-21");
    said(&h, "10 snapshots were read out of it"); /* with another header */
    assert_int_equal(house_count(&h), 20);
    house_clear(&h);
}

TEST(the_log_of_a_damaged_file_is_read_and_goes_with_it)
{
    struct house h = {0};
    int          ends[2];
    char         byte, log[PATH_MAX];

    house_open(&h);
    house_fill(&h, 1, 40);
    backup(&h);
    house_close(&h);
    size_t page = a_page_of(&h, "snapshot");
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) { /* dies with a log that is not written back */
        struct house mine = h;
        house_open(&mine);
        house_save(&mine, "in the log", "text");
        if (write(ends[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(names_with(h.directory, "snapshots.db-wal", NULL), 1);
    damage_page(&h, page);
    house_open(&h);
    said(&h, "1 snapshot was read out of it");
    assert_string_equal(house_summary(&h, 41), "in the log");
    assert_int_equal(house_count(&h), 41);
    assert_int_equal(names_with(h.directory, "Z-wal", log), 1);
    assert_true(file_size(log) > 0);
    assert_int_equal(house_save(&h, "next", "text"), 42);
    house_clear(&h);
}

TEST(of_several_processes_one_mends)
{
    enum { PROCESSES = 6 };
    struct house h = {0};
    int          status;

    house_open(&h);
    house_fill(&h, 1, 40);
    backup(&h);
    house_close(&h);
    overwrite(h.path, 100, "rubbish rubbish rubbish", 23);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() != 0)
            continue;
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure here ends this process, and not in the next test */
        struct house mine = h;
        house_open(&mine);
        for (int k = 0; k < 10; k++)
            house_save(&mine, "after", "text");
        house_close(&mine);
        _exit(mine.opening.damaged[0] != '\0');
    }
    int told = 0;
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 2);
        told += WEXITSTATUS(status);
    }
    assert_int_equal(told, 1);
    assert_int_equal(names_with(h.directory, "snapshots.db.damaged-", NULL), 1);
    house_open(&h);
    assert_int_equal(house_count(&h), 40 + 10 * PROCESSES);
    house_close(&h);
    assert_true(snapshot_verify(h.path, NULL, &h.err));
    house_clear(&h);
}

/* Its texts are in pages of their own, which a check of the whole file would read all. */
static void
fill_large(struct house *h)
{
    static char            json[900000];
    struct snapshot_text   text   = {.summary = STR("large"), .context = STR("x"), .structured = {json, sizeof json}};
    struct snapshot_origin origin = {0};
    struct snapshot        out;

    memset(json, 'j', sizeof json);
    text.importance = 3;
    for (int i = 0; i < 42; i++)
        if (!snapshot_save(h->db, &text, &origin, clock_wall(), &out, &h->err))
            fail_msg("%s", h->err.text);
}

TEST(a_large_file_is_checked_once_a_day_and_when_something_was_wrong)
{
    struct house          h     = {0};
    struct snapshot_which which = {.id = 20};
    struct snapshot       found;
    char                  lock[128];

    house_open(&h);
    fill_large(&h);
    house_fill(&h, 43, 10);
    house_close(&h);
    assert_true(file_size(h.path) > 33 << 20);
    size_t page = a_page_of(&h, "snapshot");
    house_open(&h); /* it was small when it was checked today */
    house_close(&h);
    damage_page(&h, page);
    house_open(&h);
    assert_string_equal(h.opening.damaged, "");
    for (which.id = 1; snapshot_load(h.db, &which, h.a, &found, &h.err); which.id++)
        arena_reset(h.a);
    assert_int_equal(h.err.code, ERROR_INVALID);
    assert_int_equal(names_with(h.directory, "damaged", NULL), 0);
    assert_true(house_count(&h) >= 40); /* the next who asks has it mended */
    assert_int_equal(names_with(h.directory, "damaged", NULL), 1);
    house_close(&h);

    page = a_page_of(&h, "snapshot");
    damage_page(&h, page);
    snprintf(lock, sizeof lock, "%s-lock", h.path);
    struct timespec old[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
    house_open(&h);
    said(&h, "damaged");
    house_clear(&h);
}

TEST(a_database_of_a_newer_gatehouse_is_refused_and_left)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 5);
    backup(&h);
    house_close(&h);
    run_sql(h.path, "PRAGMA user_version = 2");
    h.db = snapshot_db_open(h.path, &house_limits, &h.opening, &h.err);
    assert_null(h.db);
    assert_non_null(strstr(h.err.text, "newer Gatehouse"));
    run_sql(h.path, "CREATE TABLE more(a)");
    assert_null(snapshot_db_open(h.path, &house_limits, &h.opening, &h.err));
    assert_int_equal(names_with(h.directory, "damaged", NULL), 0);
    run_sql(h.path, "PRAGMA user_version = 1"); /* what a person added of their own does no harm */
    house_open(&h);
    assert_string_equal(h.opening.damaged, "");
    assert_int_equal(house_count(&h), 5);
    house_clear(&h);
}

TEST(another_programs_database_is_refused_and_left)
{
    struct house h = {0};

    house_open(&h);
    house_close(&h);
    unlink(h.path);
    run_sql(h.path, "CREATE TABLE theirs(a); INSERT INTO theirs VALUES('precious')");
    h.db = snapshot_db_open(h.path, &house_limits, &h.opening, &h.err);
    assert_null(h.db);
    assert_non_null(strstr(h.err.text, "another program's"));
    assert_int_equal(names_with(h.directory, "damaged", NULL), 0);
    run_sql(h.path, "UPDATE theirs SET a = 'still there'");
    house_clear(&h);
}

TEST(a_header_that_says_read_only_is_mended)
{
    struct house h = {0};

    house_open(&h);
    house_fill(&h, 1, 5);
    house_close(&h);
    overwrite(h.path, 18, "\x09", 1);
    house_open(&h);
    said(&h, "damaged");
    assert_int_equal(house_count(&h), 5);
    house_clear(&h);
}

struct places {
    size_t from, step;
    size_t len; /* of what is overwritten; 0: the file ends there */
};

/* Each damage starts from the same file; whatever it does, the house is usable, and what is wrong was said. */
static void
damage_everywhere(const struct places *p, const char *what)
{
    struct house  h     = {0}, each;
    struct buffer whole = {.max = MIB(8)};
    char          copy[160], rubbish[600];
    int           told = 0, tried = 0;

    house_open(&h);
    house_fill(&h, 1, 40);
    backup(&h);
    house_fill(&h, 41, 10);
    house_close(&h);
    assert_true(file_read(h.path, &whole, &h.err));
    snprintf(copy, sizeof copy, "%s/backups/snapshots-2026-11-21.db", h.directory);
    struct buffer saved = {.max = MIB(8)};
    assert_true(file_read(copy, &saved, &h.err));
    for (size_t at = p->from; at < buffer_len(&whole); at += p->step) {
        each = (struct house){0};
        house_open(&each);
        house_close(&each);
        snprintf(copy, sizeof copy, "%s/backups", each.directory);
        assert_int_equal(mkdir(copy, 0700), 0);
        snprintf(copy, sizeof copy, "%s/backups/snapshots-2026-11-21.db", each.directory);
        assert_true(file_replace(copy, buffer_str(&saved), 0600, &each.err));
        assert_true(file_replace(each.path, buffer_str(&whole), 0600, &each.err));
        for (size_t i = 0; i < p->len; i++)
            rubbish[i] =
                (char)(whole.data[whole.from + at + i * (at + i < buffer_len(&whole))] ^ (char)(1 << (at + i) % 8));
        if (p->len == 0)
            assert_int_equal(truncate(each.path, (off_t)at), 0);
        else
            overwrite(each.path, at, rubbish, at + p->len <= buffer_len(&whole) ? p->len : buffer_len(&whole) - at);
        house_open(&each);
        told += each.opening.damaged[0] != '\0';
        uint64_t count = house_count(&each);
        if (count < 40 || count > 50)
            fail_msg("%s at %zu: %zu snapshots (%s)", what, at, (size_t)count, each.opening.damaged);
        if (count < 50 && each.opening.damaged[0] == '\0')
            fail_msg("%s at %zu: %zu snapshots and not a word", what, at, (size_t)count);
        if (house_save(&each, "after", "text") <= (int64_t)count)
            fail_msg("%s at %zu: an id given twice", what, at);
        house_close(&each);
        house_open(&each);
        if (each.opening.damaged[0] != '\0')
            fail_msg("%s at %zu: damaged again: %s", what, at, each.opening.damaged);
        assert_int_equal(house_count(&each), count + 1);
        house_clear(&each);
        tried++;
    }
    printf("%s: %d places, said %d times\n", what, tried, told);
    assert_true(told > 0);
    buffer_clear(&whole);
    buffer_clear(&saved);
    house_clear(&h);
}

static size_t
each_step(size_t quick, size_t thorough)
{
    const char *is_long = getenv("TEST_LONG");

    return is_long != NULL && is_long[0] != '\0' ? thorough : quick;
}

TEST(a_flipped_byte_anywhere)
{
    damage_everywhere(&(struct places){.from = 101, .step = each_step(17919, 397), .len = 1}, "a flipped byte");
}

TEST(a_lost_sector_anywhere)
{
    damage_everywhere(&(struct places){.from = 0, .step = each_step(512 * 49, 512 * 3), .len = 512}, "a lost sector");
}

TEST(a_file_cut_short_anywhere)
{
    damage_everywhere(&(struct places){.from = 0, .step = each_step(23973, 1511)}, "a file cut short");
}

TEST(a_flipped_byte_in_the_header)
{
    struct house  h     = {0};
    struct buffer whole = {.max = MIB(8)};

    house_open(&h);
    house_fill(&h, 1, 20);
    house_close(&h);
    assert_true(file_read(h.path, &whole, &h.err));
    for (size_t at = 0; at < 100; at += each_step(3, 1)) {
        char         byte = (char)(whole.data[whole.from + at] ^ 0x41);
        struct error err  = {0};
        assert_true(file_replace(h.path, buffer_str(&whole), 0600, &h.err));
        overwrite(h.path, at, &byte, 1);
        h.db = snapshot_db_open(h.path, &house_limits, &h.opening, &err);
        if (h.db == NULL)
            fail_msg("byte %zu of the header: %s", at, err.text);
        if (house_count(&h) < 20)
            fail_msg("byte %zu of the header: %zu snapshots are there: %s", at, (size_t)house_count(&h),
                     h.opening.damaged);
        house_close(&h);
    }
    buffer_clear(&whole);
    house_clear(&h);
}
