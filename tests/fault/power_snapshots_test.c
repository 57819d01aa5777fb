/* The power goes, at any moment, while snapshots are saved, changed, deleted, copied, restored and mended: what was
 * acknowledged is there, what was not is there whole or not at all, and a backup is whole or not there.
 *
 * SQLite's way to the disk is noted by vfs.c, ours by wrappers (--wrap, see meson.build). */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "power.h"
#include "snapshots_life.h"
#include "test.h"
#include "vfs.h"

enum { SHORT_RUN = 50, LONG_RUN = 200, ACTS_MAX = 512 };

static struct disk *disk;       /* NULL: not noted */
static size_t       moves[256]; /* where the disk stood when a file got another's place or name */
static size_t       move_count;

int     __real_mkostemp64(char *pattern, int flags);
int     __wrap_mkostemp64(char *pattern, int flags);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int     __real_fsync(int fd);
int     __wrap_fsync(int fd);
int     __real_rename(const char *from, const char *to);
int     __wrap_rename(const char *from, const char *to);
int     __real_unlink(const char *path);
int     __wrap_unlink(const char *path);

/* The number that the disk has for an open file, -1 for what is no file of it. */
static int
file_of(int fd)
{
    char        link[64], path[256];
    struct stat info;

    if (disk == NULL || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0)
        return -1;
    path[len] = '\0';
    return strstr(path, "/snapshots") == NULL ? -1 : disk_open(disk, path);
}

int
__wrap_mkostemp64(char *pattern, int flags)
{
    int fd = __real_mkostemp64(pattern, flags);

    file_of(fd);
    return fd;
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
    int     file = file_of(fd);
    off_t   at   = file < 0 ? 0 : lseek(fd, 0, SEEK_CUR);
    ssize_t put  = __real_write(fd, bytes, len);

    if (file >= 0 && put > 0)
        disk_write(disk, file, (uint64_t)at, bytes, (size_t)put);
    return put;
}

int
__wrap_fsync(int fd)
{
    int         file = file_of(fd);
    struct stat info;

    if (file >= 0)
        disk_sync(disk, file);
    else if (disk != NULL && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        disk_sync_directory(disk);
    return 0; /* nothing is really synced: tests are in a hurry */
}

int
__wrap_rename(const char *from, const char *to)
{
    int got = __real_rename(from, to);

    if (disk != NULL && got == 0) {
        disk_rename(disk, from, to);
        if (move_count < sizeof moves / sizeof moves[0] && strstr(to, "/backups/") == NULL)
            moves[move_count++] = disk_position(disk);
    }
    return got;
}

int
__wrap_unlink(const char *path)
{
    int got = __real_unlink(path);

    if (disk != NULL && got == 0)
        disk_remove(disk, path);
    return got;
}

/* --- a life --- */

enum act { OPEN, SAVE, UPDATE, DELETE, UNDELETE, TURN, BACKUP, RESTORE, MEND, ACTS };

static const char *const act_names[ACTS] = {"open", "save",   "update",  "delete", "undelete",
                                            "turn", "backup", "restore", "mend"};

struct life {
    char                directory[64], path[96];
    struct snapshot_db *db;
    struct arena       *a;
    struct error        err;
    uint64_t            random;
    int64_t             ids[ACTS_MAX * 4];
    size_t              id_count;
    wall_time           now;
    struct {
        enum act kind;
        uint64_t world;      /* what is there when it is done */
        size_t   position;   /* of the disk, when it was acknowledged */
        char     backup[32]; /* the name it made */
    } acts[ACTS_MAX];
    size_t count;
};

static void
must(struct life *l, bool ok, enum act kind)
{
    if (!ok)
        fail_msg("%s: %s", act_names[kind], l->err.text);
}

static void
save(struct life *l)
{
    struct snapshot_text text;
    struct snapshot      out;

    life_text(next_random(&l->random), l->a, &text);
    must(l, snapshot_save(l->db, &text, &(struct snapshot_origin){0}, l->now, &out, &l->err), SAVE);
    l->ids[l->id_count++] = out.id;
}

static void
update(struct life *l, int64_t id)
{
    struct snapshot_text text;
    struct snapshot      out;

    life_text(next_random(&l->random), l->a, &text);
    if (!snapshot_update(l->db, id, &text, &(struct snapshot_origin){0}, l->now, &out, &l->err))
        assert_int_equal(l->err.code, ERROR_NOT_FOUND);
}

static void
take_a_turn(struct life *l)
{
    must(l, snapshot_db_begin(l->db, &l->err), TURN);
    for (int i = 0; i < 5; i++)
        save(l);
    must(l, snapshot_db_commit(l->db, &l->err), TURN);
}

/* Bytes of it go bad; opening mends it. */
static void
damage_and_mend(struct life *l)
{
    struct snapshot_opening opening;
    char                    rubbish[64];

    snapshot_db_close(l->db);
    memset(rubbish, 0x5a, sizeof rubbish);
    int fd = open(l->path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, 0), sizeof rubbish);
    close(fd);
    int file = disk_open(disk, l->path);
    disk_write(disk, file, 0, rubbish, sizeof rubbish);
    disk_sync(disk, file);
    l->db = snapshot_db_open(l->path, &life_limits, &opening, &l->err);
    must(l, l->db != NULL, MEND);
    if (opening.damaged[0] == '\0')
        fail_msg("damaged, and nothing was said");
}

static void
back_up(struct life *l)
{
    char made[PATH_MAX];

    must(l, snapshot_backup_daily(l->path, l->now, true, made, &l->err), BACKUP);
    snprintf(l->acts[l->count].backup, sizeof l->acts[0].backup, "%.31s", strrchr(made, '/') + 1);
}

static void
restore(struct life *l)
{
    struct snapshot_backup_file *files;
    size_t                       count;
    char                         kept[PATH_MAX];

    must(l, snapshot_backups(l->path, l->a, &files, &count, &l->err), RESTORE);
    if (count > 0)
        must(l, snapshot_restore_from(l->path, files[count / 2].path, kept, &l->err), RESTORE);
}

static enum act
next_act(struct life *l)
{
    static const enum act deck[] = {SAVE, SAVE, SAVE, SAVE, UPDATE, UPDATE, DELETE, UNDELETE, TURN, BACKUP};
    uint64_t              dice   = next_random(&l->random);

    if (l->count == 0)
        return OPEN;
    if (l->count % 40 == 25)
        return RESTORE;
    if (l->count % 40 == 38)
        return MEND;
    return deck[dice % (sizeof deck / sizeof deck[0])];
}

static void
act(struct life *l, enum act kind)
{
    int64_t id = l->id_count == 0 ? 1 : l->ids[next_random(&l->random) % l->id_count];

    arena_reset(l->a);
    l->now += SECONDS(3 * 3600);
    if (kind == OPEN)
        must(l, (l->db = snapshot_db_open(l->path, &life_limits, NULL, &l->err)) != NULL, OPEN);
    else if (kind == SAVE)
        save(l);
    else if (kind == UPDATE)
        update(l, id);
    else if (kind == DELETE)
        snapshot_delete(l->db, id, l->now, &l->err);
    else if (kind == UNDELETE)
        snapshot_restore(l->db, id, &l->err);
    else if (kind == TURN)
        take_a_turn(l);
    else if (kind == BACKUP)
        back_up(l);
    else if (kind == RESTORE)
        restore(l);
    else
        damage_and_mend(l);
    l->acts[l->count].kind     = kind;
    l->acts[l->count].position = disk_position(disk);
    struct snapshot_figures figures;
    must(l, snapshot_figures(l->db, &figures, &l->err), kind); /* opens another file that lies there now */
    vfs_note(NULL);
    struct disk *noted      = disk;
    disk                    = NULL;
    l->acts[l->count].world = life_digest(l->db, "while it is written");
    disk                    = noted;
    vfs_note(disk);
    l->count++;
}

/* --- and what is left of it --- */

/* The disk knows one directory: the backups go where they belong. */
static void
sort_files(const char *directory)
{
    char           from[256], to[256];
    DIR           *d;
    struct dirent *e;

    snprintf(to, sizeof to, "%s/backups", directory);
    assert_int_equal(mkdir(to, 0700), 0);
    assert_non_null(d = opendir(directory));
    while ((e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, "snapshots-", 10) != 0)
            continue;
        snprintf(from, sizeof from, "%s/%.100s", directory, e->d_name);
        snprintf(to, sizeof to, "%s/backups/%.100s", directory, e->d_name);
        assert_int_equal(rename(from, to), 0);
    }
    closedir(d);
}

/* Of those acknowledged, the newest three are there; each that has the name of one is whole. */
static void
check_backups(const struct life *l, const char *path, size_t acknowledged, const char *where)
{
    struct arena                *a     = arena_new(KIB(64), MIB(4));
    struct error                 err   = {0};
    const char                  *last  = "";
    bool                         found = false;
    struct snapshot_backup_file *files;
    size_t                       count;

    for (size_t i = 0; i < acknowledged; i++)
        if (l->acts[i].kind == BACKUP)
            last = l->acts[i].backup;
    assert_true(snapshot_backups(path, a, &files, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (!snapshot_verify(files[i].path, NULL, &err))
            fail_msg("%s: a backup that is not whole: %s", where, err.text);
        found |= last[0] != '\0' && strstr(files[i].path, last) != NULL;
    }
    if (last[0] != '\0' && !found)
        fail_msg("%s: the backup %s was made and is not there", where, last);
    arena_free(a);
}

static void
remove_left(const char *directory)
{
    char backups[96];

    snprintf(backups, sizeof backups, "%s/backups", directory);
    remove_directory(backups);
    remove_directory(directory);
}

static void
look_at_what_is_left(const struct life *l, size_t position, uint64_t *random, const char *where)
{
    char                    left[] = "/tmp/fault-XXXXXX", path[64];
    struct error            err    = {0};
    struct snapshot_opening opening;
    size_t                  acknowledged = 0;
    struct snapshot_text    text;
    struct snapshot         out;
    struct arena           *a = arena_new(KIB(64), MIB(4));

    while (acknowledged < l->count && l->acts[acknowledged].position <= position)
        acknowledged++;
    assert_non_null(mkdtemp(left));
    snprintf(path, sizeof path, "%s/snapshots.db", left);
    struct disk *noted = disk;
    disk               = NULL; /* what is written here is no part of it */
    assert_true(disk_leave(noted, position, random, left));
    sort_files(left);
    enum act            now = l->acts[acknowledged < l->count ? acknowledged : l->count - 1].kind;
    struct snapshot_db *db  = snapshot_db_open(path, &life_limits, &opening, &err);
    if (db == NULL)
        fail_msg("%s, during %s: %s", where, act_names[now], err.text);
    if (opening.damaged[0] != '\0' && now != MEND)
        fail_msg("%s, during %s: %s", where, act_names[now], opening.damaged);
    uint64_t world  = life_digest(db, where);
    bool     is_old = acknowledged == 0 ? world == 0 : world == l->acts[acknowledged - 1].world;
    bool     is_new = acknowledged < l->count && world == l->acts[acknowledged].world;
    if (!is_old && !is_new)
        fail_msg("%s, during %s: neither what was acknowledged nor what came next (%s)", where, act_names[now],
                 opening.damaged);
    life_text(position, a, &text);
    if (!snapshot_save(db, &text, &(struct snapshot_origin){0}, clock_wall(), &out, &err))
        fail_msg("%s: it does not go on: %s", where, err.text);
    snapshot_db_close(db);
    if (!snapshot_verify(path, NULL, &err))
        fail_msg("%s, during %s: %s", where, act_names[now], err.text);
    check_backups(l, path, acknowledged, where);
    arena_free(a);
    remove_left(left);
    disk = noted;
}

/* A third anywhere, a third while something rare is under way, a third about the moment when files change places. */
static size_t
choose(const struct life *l, uint64_t *random, int i)
{
    size_t at = next_random(random) % l->count, end = disk_position(disk), position;

    for (size_t k = 0; i % 3 == 1 && k < l->count; k++, at = (at + 1) % l->count)
        if (l->acts[at].kind >= BACKUP || l->acts[at].kind == OPEN)
            break;
    size_t from = at == 0 ? 0 : l->acts[at - 1].position, to = l->acts[at].position;
    if (i % 3 == 2 && move_count > 0)
        position = moves[next_random(random) % move_count] - 2 + next_random(random) % 5;
    else
        position = from + next_random(random) % (to - from + 1);
    if (i % 6 == 0)
        position = disk_next_turn(disk, position) + next_random(random) % 3;
    return position < end ? position : end;
}

TEST(after_power_loss_what_was_acknowledged_is_there_and_backups_are_whole)
{
    struct life *l    = calloc(1, sizeof *l);
    uint64_t     seed = seed_for("snapshots"), random = seed;
    const char  *is_long = getenv("TEST_LONG");
    int          points  = is_long != NULL && is_long[0] != '\0' ? LONG_RUN : SHORT_RUN;
    char         where[96], backups[96];

    assert_true(l != NULL && (l->a = arena_new(MIB(1), MIB(64))) != NULL);
    l->random = seed;
    l->now    = SECONDS(1795262400); /* 2026-11-21 12:00 UTC */
    snprintf(l->directory, sizeof l->directory, "/tmp/fault-XXXXXX");
    assert_non_null(mkdtemp(l->directory));
    snprintf(l->path, sizeof l->path, "%s/snapshots.db", l->directory);
    disk = disk_new();
    vfs_install();
    vfs_note(disk);
    while (l->count < 120)
        act(l, next_act(l));
    vfs_note(NULL);
    struct disk *noted = disk;
    disk               = NULL;
    snapshot_db_close(l->db);
    disk = noted;
    for (int i = 0; i < points; i++) {
        size_t position = choose(l, &random, i);
        snprintf(where, sizeof where, "seed %llu, point %d, after %zu of %zu steps", (unsigned long long)seed, i,
                 position, disk_position(disk));
        look_at_what_is_left(l, position, &random, where);
    }
    printf("%d crash points in %zu writes, syncs and names\n", points, disk_position(disk));
    noted = disk;
    disk  = NULL;
    snprintf(backups, sizeof backups, "%s/backups", l->directory);
    remove_directory(backups);
    remove_directory(l->directory);
    disk_free(noted);
    arena_free(l->a);
    free(l);
}
