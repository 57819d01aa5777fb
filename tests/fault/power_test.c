/* The power goes, at any moment: the traffic database opens clean, and what was synced is there. */
#include <stdlib.h>
#include <unistd.h>

#include "power_life.h"
#include "store/db.h"
#include "test.h"
#include "vfs.h"

enum { SHORT_RUN = 50, LONG_RUN = 200 }; /* crash points */

static void
open_or_fail(struct life *l, const struct traffic_options *options)
{
    struct error err = {0};

    if (!life_open(l, options, &err))
        fail_msg("%s: %s", l->where, err.text);
}

/* Somebody who reads holds on to the log: what is erased is in there alone, and yet stays erased. */
static void
purge_beside_a_reader(struct life *l)
{
    struct error  err = {0};
    sqlite3      *db  = db_open(l->path, DB_WRITE, &err);
    sqlite3_stmt *s   = NULL;

    if (db != NULL && db_exec(db, "PRAGMA wal_checkpoint", &err)) /* or the purge would find something to write back */
        s = db_prepare(db, "SELECT id FROM exchange_row", &err);
    if (s == NULL || db_row(s, &err) != 1 || !life_purge(l, 1, &err))
        fail_msg("%s", err.text);
    l->erased = disk_position(l->disk);
    db_close(db);
}

/* Opened, filled, half of it purged, closed, opened again, cut down by the retention, closed. */
static void
live(struct life *l)
{
    struct traffic_options tight = traffic_defaults;
    struct error           err   = {0};

    open_or_fail(l, NULL);
    life_work(l, 70);
    if (!life_purge(l, 1, &err))
        fail_msg("%s", err.text);
    life_work(l, 50);
    purge_beside_a_reader(l);
    life_work(l, 10);
    life_close(l);
    open_or_fail(l, NULL);
    life_work(l, 40);
    life_close(l);
    life_lets_go(l);
    tight.retention_bytes = 1 << 20;
    open_or_fail(l, &tight);
    life_work(l, 40);
    life_close(l);
}

/* After a start, as the gateway makes it: all is as it was promised, and it goes on. */
static void
look_at_what_is_left(struct life *l, size_t position, uint64_t *random)
{
    size_t       synced = disk_last_sync(l->disk, "traffic.db-wal", position);
    struct life *next   = calloc(1, sizeof *next);

    assert_non_null(next);
    life_begin(next, NULL, next_random(random));
    snprintf(next->where, sizeof next->where, "%s", l->where);
    assert_true(disk_leave(l->disk, position, random, next->directory));
    open_or_fail(next, NULL);
    life_call(next, 0, 200);
    assert_true(life_commit(next));
    life_close(next);
    life_check(l, next->path, synced, position);
    assert_int_equal(life_check(next, next->path, 2, 0), 1);
    life_end(next);
    free(next);
}

TEST(after_power_loss_what_was_synced_is_there_and_the_rest_is_whole_or_absent)
{
    struct life *l    = calloc(1, sizeof *l);
    uint64_t     seed = seed_for("power"), random = seed;
    struct disk *disk = disk_new();

    assert_non_null(l);
    vfs_install();
    vfs_note(disk);
    life_begin(l, disk, seed);
    live(l);
    vfs_note(NULL);
    size_t      end     = disk_position(disk);
    const char *is_long = getenv("TEST_LONG");
    int         points  = is_long != NULL && is_long[0] != '\0' ? LONG_RUN : SHORT_RUN;
    for (int i = 0; i < points; i++) {
        size_t position = next_random(&random) % (end + 1);
        if (i < 3)
            position = l->erased + (size_t)i * 5;
        else if (i % 2 == 1) /* before, at and after a sync */
            position = disk_next_turn(disk, position) + (size_t)(next_random(&random) % 3);
        position = position < end ? position : end;
        snprintf(l->where, sizeof l->where, "seed %llu, point %d, after %zu of %zu steps", (unsigned long long)seed, i,
                 position, end);
        look_at_what_is_left(l, position, &random);
    }
    printf("%d crash points in %zu writes, syncs and names\n", points, end);
    life_end(l);
    free(l);
    disk_free(disk);
}
