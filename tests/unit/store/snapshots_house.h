/* tests/unit/store/snapshots_house.h: a database of snapshots in a directory of its own, and files to damage. */
#ifndef GATEHOUSE_TESTS_STORE_SNAPSHOTS_HOUSE_H
#define GATEHOUSE_TESTS_STORE_SNAPSHOTS_HOUSE_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/snapshots/care.h"
#include "test.h"

struct house {
    char                    directory[64], path[96];
    struct snapshot_db     *db;
    struct arena           *a;
    struct snapshot_opening opening;
    struct error            err;
};

static const struct snapshot_limits house_limits = {.size = 1 << 20, .quota = 64 << 20};

static inline void
house_open(struct house *h)
{
    if (h->directory[0] == '\0') {
        /* In memory where there is such a place: these tests sync a lot. */
        snprintf(h->directory, sizeof h->directory, "%s/snapshots-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(h->directory));
        snprintf(h->path, sizeof h->path, "%s/snapshots.db", h->directory);
        assert_non_null(h->a = arena_new(KIB(64), MIB(64)));
    }
    h->db = snapshot_db_open(h->path, &house_limits, &h->opening, &h->err);
    if (h->db == NULL)
        fail_msg("%s", h->err.text);
}

static inline void
house_close(struct house *h)
{
    snapshot_db_close(h->db);
    h->db = NULL;
}

static inline void
remove_tree(const char *path)
{
    DIR           *d = opendir(path);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char each[PATH_MAX];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(each, sizeof each, "%s/%s", path, e->d_name);
        if (unlink(each) != 0)
            remove_tree(each);
    }
    if (d != NULL)
        closedir(d);
    rmdir(path);
}

static inline void
house_clear(struct house *h)
{
    house_close(h);
    arena_free(h->a);
    remove_tree(h->directory);
    *h = (struct house){0};
}

static inline int64_t
house_save(struct house *h, const char *summary, const char *context)
{
    struct snapshot_text   text   = {.summary = str_from(summary), .context = str_from(context), .importance = 3};
    struct snapshot_origin origin = {.client = STR("test"), .server = STR("snapshots 0.1.0")};
    struct snapshot        out;

    if (!snapshot_save(h->db, &text, &origin, clock_wall(), &out, &h->err))
        fail_msg("%s", h->err.text);
    return out.id;
}

/* So many, with contexts of some pages; their summaries are "snapshot N". */
static inline void
house_fill(struct house *h, int from, int count)
{
    char summary[32], context[6000];

    for (int i = from; i < from + count; i++) {
        size_t len = 100 + (size_t)i * 997 % 5000;
        snprintf(summary, sizeof summary, "snapshot %d", i);
        for (size_t k = 0; k < len; k++)
            context[k] = k % 7 == 6 ? ' ' : (char)('a' + (k * 31 + (size_t)i * 17 + k / 7) % 26);
        context[len] = '\0';
        house_save(h, summary, context);
    }
}

static inline uint64_t
house_count(struct house *h)
{
    struct snapshot_figures figures;

    if (!snapshot_figures(h->db, &figures, &h->err))
        fail_msg("%s", h->err.text);
    return figures.count;
}

/* The summary of one, or "". */
static inline const char *
house_summary(struct house *h, int64_t id)
{
    static char           text[128];
    struct snapshot_which which = {.id = id, .from_bin = true};
    struct snapshot       found;

    arena_reset(h->a);
    if (!snapshot_load(h->db, &which, h->a, &found, &h->err))
        return "";
    snprintf(text, sizeof text, "%.*s", STR_ARG(found.text.summary));
    return text;
}

static inline bool
is_file(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static inline size_t
file_size(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

/* How many names in the directory hold this word; the last of them, whole, in `path` (of PATH_MAX, may be NULL). */
static inline int
names_with(const char *directory, const char *word, char *path)
{
    DIR           *d = opendir(directory);
    struct dirent *e;
    int            count = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strstr(e->d_name, word) == NULL)
            continue;
        count++;
        if (path != NULL)
            snprintf(path, PATH_MAX, "%s/%s", directory, e->d_name);
    }
    if (d != NULL)
        closedir(d);
    return count;
}

static inline void
overwrite(const char *path, size_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0 && pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len);
    close(fd);
}

/* SQL as anybody's sqlite3 would run it. */
static inline void
run_sql(const char *path, const char *sql)
{
    sqlite3 *db  = NULL;
    char    *why = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

#endif
