/* The n-th write, sync or truncation fails, once or until it is mended, wherever in a typical life: nothing is ever
 * corrupt, what is lost is said and counted, and when the disk works again all goes on by itself.
 *
 * The clock is ours (--wrap, see meson.build): what the store does each second need not be waited for. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "power_life.h"
#include "store/db.h"
#include "test.h"
#include "vfs.h"

enum { SHORT_RUN = 30, LONG_RUN = 400 }; /* lives of each kind, at most; which calls fail differs from run to run */

static _Atomic mono_time ahead;

mono_time __real_clock_mono(void);
mono_time __wrap_clock_mono(void);

mono_time
__wrap_clock_mono(void)
{
    return __real_clock_mono() + atomic_load(&ahead);
}

static void
pass_time(struct life *l, mono_time time)
{
    atomic_fetch_add(&ahead, time);
    traffic_flush(l->traffic); /* wakes the store thread */
}

/* With nobody calling, it finds out by itself that the disk works again. */
static void
recover(struct life *l)
{
    struct traffic_stats stats;
    struct error         why = {0};

    traffic_stats(l->traffic, &stats);
    if (stats.failing && (!traffic_failure(l->traffic, &why) || why.text[0] == '\0'))
        fail_msg("%s: it fails and does not say why", l->where);
    if (stats.lost > 0 && stats.lost_since == 0)
        fail_msg("%s: calls were lost, and not said since when", l->where);
    if (stats.failing && why.code == ERROR_FULL && !stats.full)
        fail_msg("%s: there is no room and it does not say that it is full", l->where);
    if (stats.failing && !traffic_refuses(l->traffic))
        fail_msg("%s: it fails and takes calls that it was told to refuse", l->where);
    vfs_fail(NULL);
    for (int i = 0; i < 2000; i++) {
        pass_time(l, SECONDS(1));
        traffic_stats(l->traffic, &stats);
        if (!stats.failing && !stats.full)
            return;
        usleep(1000);
    }
    fail_msg("%s: it did not recover (failing %d, full %d)", l->where, stats.failing, stats.full);
}

static void
said(const struct life *l, const struct error *err)
{
    if (err->code == ERROR_NONE || err->text[0] == '\0')
        fail_msg("%s: a failure without a word", l->where);
    if (vfs_failures() == 0)
        fail_msg("%s: it failed without a cause: %s", l->where, err->text);
    vfs_fail(NULL);
}

static void
open_in_the_end(struct life *l, const struct traffic_options *options)
{
    struct error err = {0};

    if (life_open(l, options, &err))
        return;
    said(l, &err);
    if (!life_open(l, options, &err))
        fail_msg("%s: it does not open again: %s", l->where, err.text);
}

static void
work(struct life *l, int rounds)
{
    life_work(l, rounds);
    life_call(l, 0, 120000);
    life_commit(l);
    if (vfs_failures() > 0)
        recover(l);
}

static void
purge_in_the_end(struct life *l)
{
    struct error err = {0};

    if (life_purge(l, 1, &err))
        return;
    said(l, &err);
    if (!life_purge(l, 1, &err))
        fail_msg("%s: it does not purge again: %s", l->where, err.text);
}

static int64_t
number(const struct life *l, const char *sql)
{
    struct error err    = {0};
    sqlite3     *db     = db_open(l->path, DB_READ, &err);
    int64_t      number = -1;

    if (db == NULL || !db_number(db, sql, 0, &number, &err))
        fail_msg("%s: %s", l->where, err.text);
    db_close(db);
    return number;
}

static void
forget_in_the_end(struct life *l)
{
    for (int i = 0; i < 300; i++) {
        if (i % 100 == 0)
            pass_time(l, MINUTES(1));
        if (vfs_failures() > 0)
            recover(l);
        if (number(l, "SELECT count(*) FROM exchange_row") < (int64_t)l->count / 2)
            return;
        usleep(2000);
    }
    fail_msg("%s: the retention does nothing", l->where);
}

/* Opened, filled, purged, rolled, closed, opened again, cut down by the retention, closed: whatever fails. */
static void
live(struct life *l)
{
    struct traffic_options usual = traffic_defaults, tight;

    usual.refuse_when_full = true;
    tight                  = usual;
    tight.retention_bytes  = 300000;
    open_in_the_end(l, &usual);
    work(l, 8);
    purge_in_the_end(l);
    work(l, 6);
    work(l, 0);
    life_close(l);
    open_in_the_end(l, &usual);
    work(l, 2);
    life_check(l, l->path, 2, 2);
    life_close(l);
    life_lets_go(l);
    open_in_the_end(l, &tight);
    forget_in_the_end(l);
    work(l, 1);
    life_lets_go(l); /* time passes when something fails: the retention may have come again */
    life_close(l);
}

/* Returns how many calls the plan counted. */
static uint64_t
live_with(const struct vfs_plan *plan, const char *what)
{
    struct life *l = calloc(1, sizeof *l);

    assert_non_null(l);
    life_begin(l, NULL, 7);
    snprintf(l->where, sizeof l->where, "%s %llu%s", what, (unsigned long long)plan->nth,
             plan->lasting ? " and on" : "");
    vfs_fail(plan);
    live(l);
    uint64_t counted = vfs_counted();
    vfs_fail(NULL);
    open_in_the_end(l, NULL);
    life_check(l, l->path, 2, 2);
    assert_int_equal(number(l, "SELECT sum(lost) FROM gap"), l->lost);
    life_end(l);
    free(l);
    return counted;
}

/* All of a kind of call, one after the other, or as many as a short run has time for. */
static void
fail_each(unsigned calls, int error, const char *what)
{
    struct vfs_plan plan = {.calls = calls, .nth = UINT64_MAX, .error = error};

    vfs_install();
    const char *is_long = getenv("TEST_LONG");
    uint64_t    all = live_with(&plan, what), seed = seed_for(what);
    uint64_t    step = 1 + all / (is_long != NULL && is_long[0] != '\0' ? LONG_RUN : SHORT_RUN);
    for (plan.nth = 1 + seed % step; plan.nth <= all; plan.nth += step) {
        plan.lasting = plan.nth / step % 2 == 1;
        live_with(&plan, what);
    }
    printf("%s: %llu calls, each %lluth failed\n", what, (unsigned long long)all, (unsigned long long)step);
}

TEST(a_write_that_finds_no_room)
{
    fail_each(VFS_WRITE, SQLITE_FULL, "no room at write");
}

TEST(a_write_that_fails)
{
    fail_each(VFS_WRITE, SQLITE_IOERR_WRITE, "failed write");
}

TEST(a_sync_that_fails)
{
    fail_each(VFS_SYNC, SQLITE_IOERR_FSYNC, "failed sync");
}

TEST(a_truncation_or_removal_that_fails)
{
    fail_each(VFS_TRUNCATE | VFS_DELETE, SQLITE_IOERR_TRUNCATE, "failed truncation");
}
