/* The disk is full, or fails, at any write of a life of snapshots: who saves is told, what was acknowledged stays, and
 * when there is room again it goes on. */
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "power.h"
#include "snapshots_life.h"
#include "test.h"
#include "vfs.h"

enum { SHORT_RUN = 40, LONG_RUN = 600, SAVES = 25 };

struct life {
    char                directory[64], path[96], where[80];
    struct snapshot_db *db;
    struct arena       *a;
    struct error        err;
    uint64_t            seeds[SAVES];
    int64_t             ids[SAVES]; /* 0: not acknowledged */
};

/* What failed said why; a cause there was. */
static void
told(struct life *l, enum error_code wanted)
{
    if (vfs_failures() == 0)
        fail_msg("%s: failed without a cause: %s", l->where, l->err.text);
    if (l->err.text[0] == '\0' || (wanted != ERROR_NONE && l->err.code != wanted))
        fail_msg("%s: said \"%s\" (%s)", l->where, l->err.text, error_code_name(l->err.code));
    l->err = (struct error){0};
}

static void
open_in_the_end(struct life *l, enum error_code wanted)
{
    l->db = snapshot_db_open(l->path, &life_limits, NULL, &l->err);
    if (l->db != NULL)
        return;
    told(l, wanted);
    vfs_fail(NULL);
    l->db = snapshot_db_open(l->path, &life_limits, NULL, &l->err);
    if (l->db == NULL)
        fail_msg("%s: it does not open again: %s", l->where, l->err.text);
}

static void
save(struct life *l, int i, enum error_code wanted)
{
    struct snapshot_text text;
    struct snapshot      out;

    arena_reset(l->a);
    life_text(l->seeds[i], l->a, &text);
    if (snapshot_save(l->db, &text, &(struct snapshot_origin){0}, clock_wall(), &out, &l->err))
        l->ids[i] = out.id;
    else
        told(l, wanted);
}

static void
check(struct life *l)
{
    struct snapshot_figures figures;
    size_t                  due = 0;

    for (int i = 0; i < SAVES; i++) {
        struct snapshot_which which = {.id = l->ids[i]};
        struct snapshot       found;
        if (l->ids[i] == 0)
            continue;
        due++;
        arena_reset(l->a);
        if (!snapshot_load(l->db, &which, l->a, &found, &l->err) || !life_is_text(l->seeds[i], l->a, &found.text))
            fail_msg("%s: snapshot %lld is lost: %s", l->where, (long long)l->ids[i], l->err.text);
    }
    snapshot_db_close(l->db);
    l->db = NULL;
    if (!snapshot_verify(l->path, &figures, &l->err))
        fail_msg("%s: %s", l->where, l->err.text);
    assert_true(figures.count >= due);
}

/* Opened, saved to, backed up, saved to, restored, closed, opened again. Returns how many calls the plan counted. */
static uint64_t
live(const struct vfs_plan *plan, enum error_code wanted, const char *what)
{
    struct life l      = {.a = arena_new(KIB(64), MIB(16))};
    uint64_t    random = 7;
    char        backups[96], kept[PATH_MAX];

    snprintf(l.where, sizeof l.where, "%s %llu%s", what, (unsigned long long)plan->nth, plan->lasting ? " and on" : "");
    snprintf(l.directory, sizeof l.directory, "/tmp/fault-XXXXXX");
    assert_true(l.a != NULL && mkdtemp(l.directory) != NULL);
    snprintf(l.path, sizeof l.path, "%s/snapshots.db", l.directory);
    for (int i = 0; i < SAVES; i++)
        l.seeds[i] = next_random(&random);
    vfs_fail(plan);
    open_in_the_end(&l, wanted);
    for (int i = 0; i < SAVES / 2; i++)
        save(&l, i, wanted);
    char made[PATH_MAX] = "";
    if (!snapshot_backup_daily(l.path, SECONDS(1795262400), true, made, &l.err))
        told(&l, wanted);
    uint64_t counted = vfs_counted();
    if (plan->lasting && counted >= plan->nth)
        vfs_fail(NULL); /* there is room again */
    for (int i = SAVES / 2; i < SAVES - 1; i++)
        save(&l, i, wanted);
    snapshot_db_close(l.db);
    open_in_the_end(&l, wanted);
    if (!plan->lasting)
        counted = vfs_counted();
    vfs_fail(NULL);
    save(&l, SAVES - 1, ERROR_NONE);
    assert_true(l.ids[SAVES - 1] > 0);
    check(&l);
    if (made[0] != '\0' && !snapshot_restore_from(l.path, made, kept, &l.err))
        fail_msg("%s: a backup was made and is not whole: %s", l.where, l.err.text);
    snprintf(backups, sizeof backups, "%s/backups", l.directory);
    remove_directory(backups);
    remove_directory(l.directory);
    arena_free(l.a);
    return counted;
}

static void
fail_each(unsigned calls, int error, enum error_code wanted, const char *what)
{
    struct vfs_plan plan = {.calls = calls, .nth = UINT64_MAX, .error = error};

    vfs_install();
    const char *is_long = getenv("TEST_LONG");
    uint64_t    all = live(&plan, wanted, what), seed = seed_for(what);
    uint64_t    step = 1 + all / (is_long != NULL && is_long[0] != '\0' ? LONG_RUN : SHORT_RUN);
    for (plan.nth = 1 + seed % step; plan.nth <= all; plan.nth += step) {
        plan.lasting = plan.nth / step % 2 == 1;
        live(&plan, wanted, what);
    }
    printf("%s: %llu calls, each %lluth failed\n", what, (unsigned long long)all, (unsigned long long)step);
}

TEST(a_write_that_finds_no_room_is_told_and_loses_nothing)
{
    fail_each(VFS_WRITE, SQLITE_FULL, ERROR_FULL, "no room at write");
}

TEST(a_write_that_fails_is_told_and_loses_nothing)
{
    fail_each(VFS_WRITE, SQLITE_IOERR_WRITE, ERROR_NONE, "failed write");
}

TEST(a_sync_that_fails_is_told_and_loses_nothing)
{
    fail_each(VFS_SYNC, SQLITE_IOERR_FSYNC, ERROR_NONE, "failed sync");
}
