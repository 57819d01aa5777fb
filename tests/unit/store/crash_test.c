#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/purge.h"

static const char answer[] = "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}";

/* Captures one call each millisecond and tells how many over the pipe, until it is killed. */
static void
work_until_killed(const char *path, int pipe)
{
    struct fixture f = {0};

    snprintf(f.path, sizeof f.path, "%s", path);
    f.labels = labels_for("s", "x", "c");
    if (!traffic_open(&f.traffic, path, NULL, &f.err))
        _exit(1);
    for (;;) {
        wall_time at = clock_wall();
        capture(&f, "{\"some\":\"request\"}", answer);
        traffic_turn(f.traffic);
        if (write(pipe, &at, sizeof at) != sizeof at)
            _exit(1);
        usleep(1000);
    }
}

TEST(a_killed_process_leaves_a_clean_file_with_all_that_is_older_than_a_second)
{
    struct fixture f = {0};
    int            ends[2];
    int64_t        old = 0;
    wall_time      at, killed;
    char           sql[100], wanted[24];
    fixture_open(&f);
    traffic_close(f.traffic);

    for (int round = 0; round < 3; round++) {
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            work_until_killed(f.path, ends[1]);
        close(ends[1]);
        usleep(1300000 + (unsigned)round * 77000);
        killed = clock_wall();
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &at, sizeof at) == sizeof at)
            old += at < killed - SECONDS(1);
        close(ends[0]);
    }
    assert_true(old > 0);
    fixture_open(&f);
    assert_sql(&f, "PRAGMA integrity_check", "ok");
    snprintf(sql, sizeof sql, "SELECT count(*) >= %lld FROM exchange WHERE outcome = 'ok'", (long long)old);
    snprintf(wanted, sizeof wanted, "1");
    assert_sql(&f, sql, wanted);
    fixture_close(&f);
}

enum { WRITERS = 2, CALLS = 3000 };

TEST(two_processes_write_one_file_and_a_third_reads_it)
{
    struct fixture f = {0};
    int            status;
    fixture_open(&f);
    traffic_close(f.traffic);
    f.traffic = NULL;

    for (int w = 0; w < WRITERS; w++) {
        if (fork() != 0)
            continue;
        struct error err = {0};
        if (!traffic_open(&f.traffic, f.path, NULL, &err))
            _exit(2);
        for (int i = 0; i < CALLS; i++) {
            capture(&f, "{\"some\":\"request\"}", answer);
            if (i % 100 == 0)
                traffic_flush(f.traffic);
        }
        traffic_close(f.traffic);
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        struct reader *r = reader_open(f.path, &f.err);
        struct totals  totals;
        assert_true(r != NULL && reader_totals(r, &totals, &f.err));
        reader_close(r);
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_sql(&f, "SELECT count(*) || ' ' || count(DISTINCT id & 1023) FROM exchange", "6000 2");
    assert_sql(&f, "SELECT count(*) FROM label", "1");
    assert_sql(&f, "PRAGMA integrity_check", "ok");
    fixture_close(&f);
}

TEST(a_write_that_fails_loses_its_group_says_so_and_goes_on_later)
{
    struct fixture       f = {0};
    struct rlimit        before, tight;
    struct traffic_stats stats;
    struct error         why;
    static char          big[300000];
    fixture_open(&f);

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    tight          = before;
    tight.rlim_cur = 200000;
    for (size_t i = 0; i < sizeof big - 1; i++)
        big[i] = (char)('a' + (i * i * 31 + i / 7) % 26);
    setrlimit(RLIMIT_FSIZE, &tight);
    capture(&f, big, answer);
    for (int i = 0; i < 20; i++) {
        capture(&f, big, answer);
        traffic_flush(f.traffic);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    traffic_stats(f.traffic, &stats);
    assert_true(stats.lost > 0 && stats.failing);
    assert_true(traffic_failure(f.traffic, &why));
    usleep(1100000); /* the disk is looked at each second */
    capture(&f, "{\"after\":1}", answer);
    traffic_flush(f.traffic);
    traffic_stats(f.traffic, &stats);
    assert_false(stats.failing);
    assert_false(traffic_failure(f.traffic, &why));
    assert_sql(&f, "SELECT sum(lost) > 0 FROM gap", "1");
    assert_sql(&f, "PRAGMA integrity_check", "ok");
    fixture_close(&f);
}

static size_t
log_size(struct fixture *f)
{
    char        path[128];
    struct stat file;

    snprintf(path, sizeof path, "%s-wal", f->path);
    return stat(path, &file) == 0 ? (size_t)file.st_size : 0;
}

TEST(somebody_who_reads_on_and_on_does_not_stop_the_writer)
{
    struct fixture       f = {0};
    struct traffic_stats stats;
    sqlite3             *db;
    static char          text[60000];
    fixture_open(&f);

    capture(&f, "{}", answer);
    traffic_flush(f.traffic);
    assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM exchange", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 600; i++) {
        unsigned seed = (unsigned)i;
        for (size_t k = 0; k < sizeof text - 1; k++)
            text[k] = (char)('!' + ((seed = seed * 1103515245 + 12345) >> 16) % 90);
        capture(&f, text, answer);
        if (i % 20 == 19)
            traffic_flush(f.traffic);
        if (i == 500) {
            assert_true(log_size(&f) > 16 << 20); /* it cannot begin anew while he reads */
            sqlite3_close(db);
        }
    }
    traffic_stats(f.traffic, &stats);
    assert_int_equal(stats.lost, 0);
    assert_true(log_size(&f) <= 16 << 20);
    fixture_close(&f);
}

TEST(a_purge_of_all_empties_and_shrinks_the_file_beside_a_running_writer)
{
    struct fixture      f = {0};
    struct purge_result result;
    char                text[4000];
    fixture_open(&f);

    for (int i = 0; i < 3000; i++) {
        for (size_t k = 0; k < sizeof text - 1; k++)
            text[k] = (char)('a' + (k * (size_t)(i + 7) * 31 + k / 3) % 26);
        text[sizeof text - 1] = '\0';
        capture(&f, text, answer);
    }
    traffic_flush(f.traffic);
    assert_true(traffic_purge(f.path, &(struct purge){0}, &result, &f.err));
    assert_int_equal(result.exchanges, 3000);
    assert_true(result.blocks > 0 && result.bytes_freed > 0);
    assert_sql(&f,
               "SELECT (SELECT count(*) FROM exchange_row) + (SELECT count(*) FROM block) + (SELECT count(*) FROM"
               " block_body) + (SELECT count(*) FROM block_words) + (SELECT count(*) FROM tail) + (SELECT count(*)"
               " FROM label) + (SELECT count(*) FROM name)",
               "0");
    assert_sql(&f, "SELECT freelist_count FROM pragma_freelist_count", "0");
    capture(&f, "{\"after\":1}", answer); /* names that it remembered are made again */
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT server || method || target FROM exchange", "weathertools/callforecast");
    struct reader *r = reader_open(f.path, &f.err);
    assert_true(r != NULL);
    reader_close(r);
    fixture_close(&f);
}

static bool
count_message(const struct message_view *m, void *arg)
{
    (void)m;
    ++*(int *)arg;
    return true;
}

TEST(a_purge_by_age_and_by_principal_leaves_the_rest)
{
    struct fixture      f = {0};
    struct purge_result result;
    struct error        err;
    int                 messages = 0;
    fixture_open(&f);
    struct labels *eve = labels_new(&(struct label_texts){.server = STR("weather"), .principal = STR("eve")});

    uint64_t first = capture(&f, "{\"n\":1}", answer);
    capture_as(&f, eve, "t", "{\"n\":2}", answer);
    usleep(2000);
    uint64_t third = capture(&f, "{\"n\":3}", answer);
    traffic_flush(f.traffic);
    assert_true(traffic_purge(f.path, &(struct purge){.principal = STR("eve")}, &result, &err));
    assert_int_equal(result.exchanges, 1);
    assert_sql(&f,
               "SELECT count(*) || (SELECT count(*) FROM label WHERE principal = 'eve') || (SELECT count(*) FROM"
               " stream WHERE principal = 'eve') FROM exchange",
               "200");
    assert_true(traffic_purge(f.path, &(struct purge){.before = traffic_id_time(third)}, &result, &err));
    assert_int_equal(result.exchanges, 1);
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");
    struct reader *r = reader_open(f.path, &err);
    assert_true(reader_messages(r, third, count_message, &messages, &err));
    assert_int_equal(messages, 2);
    assert_true(reader_messages(r, first, count_message, &messages, &err));
    assert_int_equal(messages, 2);
    reader_close(r);
    capture_as(&f, eve, "t", "{\"n\":4}", answer); /* she comes back */
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT principal FROM exchange ORDER BY id DESC", "eve");
    labels_unref(eve);
    fixture_close(&f);
}

TEST(retention_drops_the_oldest_by_age_and_by_size)
{
    struct fixture         f       = {0};
    struct traffic_options options = traffic_defaults;
    char                   text[8000];
    fixture_open(&f);

    for (int i = 0; i < 1000; i++) {
        unsigned seed = (unsigned)i;
        for (size_t k = 0; k < sizeof text - 1; k++)
            text[k] = (char)('a' + ((seed = seed * 1103515245 + 12345) >> 16) % 26);
        text[sizeof text - 1] = '\0';
        capture(&f, text, answer);
    }
    traffic_close(f.traffic);
    options.retention_bytes = 2 << 20;
    fixture_open_with(&f, &options); /* the limit was lowered: the file shrinks too */
    for (int i = 0;
         i < 100 && strcmp(sql_text(&f, "SELECT page_count * 4096 < 2400000 FROM pragma_page_count"), "1") != 0; i++)
        usleep(50000);
    assert_sql(&f, "SELECT page_count * 4096 < 2400000 FROM pragma_page_count", "1");
    assert_sql(&f, "SELECT count(*) BETWEEN 100 AND 900 FROM exchange", "1");
    traffic_close(f.traffic);

    options.retention_age_us = 1;
    fixture_open_with(&f, &options);
    for (int i = 0; i < 100 && strcmp(sql_text(&f, "SELECT count(*) FROM exchange"), "0") != 0; i++)
        usleep(50000);
    assert_sql(&f, "SELECT count(*) FROM exchange", "0");
    fixture_close(&f);
}
