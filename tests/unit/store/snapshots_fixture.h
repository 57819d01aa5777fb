/* tests/unit/store/snapshots_fixture.h: a database of snapshots in a directory of its own, and short ways to fill it.
 */
#ifndef GATEHOUSE_TESTS_SNAPSHOTS_FIXTURE_H
#define GATEHOUSE_TESTS_SNAPSHOTS_FIXTURE_H

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshots/snapshots.h"
#include "test.h"

struct memory { /* a person's, for a test */
    char                directory[64];
    char                path[96];
    struct snapshot_db *db;
    struct arena       *arena;
    struct error        err;
};

static const struct snapshot_limits usual_limits = {.size = 1 << 20, .quota = 64 << 20};

static inline void
memory_open_again(struct memory *m, const struct snapshot_limits *limits)
{
    m->db = snapshot_db_open(m->path, limits, NULL, &m->err);
    if (m->db == NULL)
        fail_msg("%s", m->err.text);
}

static inline void
memory_open_with(struct memory *m, const struct snapshot_limits *limits)
{
    *m = (struct memory){.directory = "/tmp/snapshots-XXXXXX", .arena = arena_new(KIB(64), MIB(64))};
    assert_non_null(mkdtemp(m->directory));
    snprintf(m->path, sizeof m->path, "%s/local/snapshots.db", m->directory);
    memory_open_again(m, limits);
}

static inline void
memory_open(struct memory *m)
{
    memory_open_with(m, &usual_limits);
}

static inline void
remove_all_in(const char *directory)
{
    char           path[PATH_MAX];
    DIR           *d = opendir(directory);
    struct dirent *entry;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_all_in(path);
        else
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(directory);
}

static inline void
memory_close(struct memory *m)
{
    snapshot_db_close(m->db);
    arena_free(m->arena);
    remove_all_in(m->directory);
}

static inline struct snapshot_text
text_of(const char *name, const char *summary)
{
    return (struct snapshot_text){.name       = str_from(name),
                                  .summary    = str_from(summary),
                                  .context    = STR("what must not be forgotten"),
                                  .prompt     = STR("Resuming"),
                                  .importance = SNAPSHOT_IMPORTANCE};
}

static const struct snapshot_origin from_ada = {
    .client = {"ada", 3}, .client_version = {"1.2", 3}, .server = {"snapshots 0.1.0", 15}};

static inline int64_t
memory_save_text(struct memory *m, const struct snapshot_text *text, wall_time now)
{
    struct snapshot out;

    if (!snapshot_save(m->db, text, &from_ada, now, &out, &m->err))
        fail_msg("%s", m->err.text);
    return out.id;
}

static inline int64_t
memory_save(struct memory *m, const char *name, const char *summary, wall_time now)
{
    struct snapshot_text text = text_of(name, summary);

    return memory_save_text(m, &text, now);
}

/* The id that `which` finds, or 0. */
static inline int64_t
memory_find(struct memory *m, struct snapshot_which which)
{
    struct snapshot out;

    m->err = (struct error){0};
    if (snapshot_load(m->db, &which, m->arena, &out, &m->err))
        return out.id;
    assert_int_equal(m->err.code, ERROR_NOT_FOUND);
    return 0;
}

/* "7 5 2": the ids that a list gives. */
static inline const char *
memory_list(struct memory *m, struct snapshot_filter filter)
{
    static char          ids[512];
    struct snapshot_page page;
    size_t               len = 0;

    filter.limit = filter.limit == 0 ? 100 : filter.limit;
    ids[0]       = '\0';
    if (!snapshot_list(m->db, &filter, m->arena, &page, &m->err))
        fail_msg("%s", m->err.text);
    for (size_t i = 0; i < page.count; i++)
        len += (size_t)snprintf(ids + len, sizeof ids - len, i == 0 ? "%lld" : " %lld", (long long)page.items[i].id);
    return ids;
}

/* The same of a search, the best first; what is wrong with a query when it is refused. */
static inline const char *
memory_search_with(struct memory *m, const char *query, struct snapshot_filter filter)
{
    static char          ids[512];
    struct snapshot_hit *hits;
    size_t               count, len = 0;

    filter.limit = filter.limit == 0 ? 20 : filter.limit;
    ids[0]       = '\0';
    m->err       = (struct error){0};
    if (!snapshot_search(m->db, str_from(query), &filter, m->arena, &hits, &count, &m->err))
        return m->err.text;
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(ids + len, sizeof ids - len, i == 0 ? "%lld" : " %lld", (long long)hits[i].snapshot.id);
    return ids;
}

static inline const char *
memory_search(struct memory *m, const char *query)
{
    return memory_search_with(m, query, (struct snapshot_filter){0});
}

/* The first column of the first row, as anybody's sqlite3 would see it; good until the next call. */
static inline const char *
memory_sql(struct memory *m, const char *sql)
{
    static char   text[512];
    sqlite3      *db;
    sqlite3_stmt *s;

    assert_int_equal(sqlite3_open_v2(m->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
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

#endif
