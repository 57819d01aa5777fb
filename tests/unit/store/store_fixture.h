/* tests/unit/store/store_fixture.h: a traffic database in a directory of its own, and short ways to fill it. */
#ifndef GATEHOUSE_TESTS_STORE_FIXTURE_H
#define GATEHOUSE_TESTS_STORE_FIXTURE_H

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/capture.h"
#include "store/query.h"
#include "test.h"

struct fixture {
    char            directory[64];
    char            path[96];
    struct traffic *traffic;
    struct labels  *labels;
    struct error    err;
};

static inline void
fixture_open_with(struct fixture *f, const struct traffic_options *options)
{
    if (f->directory[0] == '\0') {
        snprintf(f->directory, sizeof f->directory, "/tmp/store-XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        snprintf(f->path, sizeof f->path, "%s/traffic.db", f->directory);
        f->labels = labels_for("weather", "s-1", "ada");
    }
    if (!traffic_open(&f->traffic, f->path, options, &f->err))
        fail_msg("%s", f->err.text);
}

static inline void
fixture_open(struct fixture *f)
{
    fixture_open_with(f, NULL);
}

static inline void
fixture_close(struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-slots", "-reserve"};
    char                     path[128];

    traffic_close(f->traffic);
    labels_unref(f->labels);
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
        unlink(path);
    }
    rmdir(f->directory);
    *f = (struct fixture){0};
}

/* A whole tools/call; returns its id. */
static inline uint64_t
capture_as(struct fixture *f, struct labels *l, const char *tool, const char *request, const char *answer)
{
    return capture_call(f->traffic, l, tool, request, answer, 900);
}

static inline uint64_t
capture(struct fixture *f, const char *request, const char *answer)
{
    return capture_as(f, f->labels, "forecast", request, answer);
}

/* The first column of the first row, as anybody's sqlite3 would see it; good until the next call. */
static inline const char *
sql_text(struct fixture *f, const char *sql)
{
    static char   text[4096];
    sqlite3      *db;
    sqlite3_stmt *s;

    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    snprintf(text, sizeof text, "-");
    if (sqlite3_step(s) == SQLITE_ROW)
        snprintf(text, sizeof text, "%s",
                 sqlite3_column_text(s, 0) == NULL ? "NULL" : (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return text;
}

#define assert_sql(f, sql, wanted) assert_string_equal(sql_text((f), (sql)), (wanted))

#endif
