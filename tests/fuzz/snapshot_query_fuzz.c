/* What is searched in snapshots: whatever is asked, it is answered or refused in words, never a syntax error of FTS5.
 * The first byte chooses filters. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/snapshots/snapshots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void
remove_database(void)
{
    char name[96];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, (const char *[]){"", "-wal", "-shm", "-lock"}[i]);
        unlink(name);
    }
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static struct snapshot_db *
make_database(void)
{
    const struct str             tags[]      = {STR("review"), STR("two words")};
    static const char *const     texts[]     = {"The guard waits for a worker", "会话的快照永远不会丢失",
                                                "Η Αθήνα \xf0\x9f\x9a\x80", "OR AND NOT NEAR name"};
    const struct snapshot_limits limits      = {0};
    const struct snapshot_origin origin      = {.client = STR("fuzz")};
    char                         directory[] = "/tmp/snapshot-fuzz-XXXXXX";
    struct snapshot              out;
    struct error                 err = {0};
    struct snapshot_db          *db;

    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/snapshots.db", directory);
    if ((db = snapshot_db_open(path, &limits, NULL, &err)) == NULL)
        abort();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct snapshot_text text = {
            .name = STR("a name"), .summary = str_from(texts[i]), .tags = tags, .tag_count = 2};
        if (!snapshot_save(db, &text, &origin, (wall_time)i + 1, &out, &err))
            abort();
    }
    atexit(remove_database);
    return db;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snapshot_db *db;
    static struct arena       *arena;
    struct snapshot_filter     filter = {.limit = 3};
    struct str                 query  = str_of((const char *)data + 1, size - 1);
    struct snapshot_hit       *hits;
    struct error               err = {0};
    size_t                     count;

    if (size == 0)
        return 0;
    if (db == NULL && ((db = make_database()) == NULL || (arena = arena_new(KIB(64), MIB(16))) == NULL))
        abort();
    if ((data[0] & 1) != 0)
        filter.name = query;
    if ((data[0] & 2) != 0)
        filter.tag = STR("two words");
    if ((data[0] & 4) != 0)
        filter.name_begins = query;
    if (!snapshot_search(db, query, &filter, arena, &hits, &count, &err))
        assert(err.code == ERROR_INVALID);
    assert(count <= filter.limit);
    arena_reset(arena);
    return 0;
}
