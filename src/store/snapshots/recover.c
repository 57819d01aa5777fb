#include "store/snapshots/recover.h"

#include <unistd.h>

#include "store/snapshots/backup.h"
#include "store/snapshots/care.h"
#include "store/snapshots/handle.h"
#include "store/snapshots/header.h"
#include "store/snapshots/salvage.h"

enum { TRIES = 3 };
/* A larger file takes long to check: that is done once a day, and when something was wrong. */
enum { SMALL_BYTES = 32 << 20, DAY_SECONDS = 24 * 60 * 60 };

/* Who opens it. */
struct opener {
    snapshot_prepare         prepare;
    void                    *owner;
    struct snapshot_opening *opening;
};

/* What mending found. */
struct mended {
    char     backup[16]; /* its date; "": there was none */
    bool     is_read;    /* the damaged one, as far as it goes */
    uint64_t taken, changed;
};

bool
db_says_damaged(sqlite3 *db)
{
    int code = sqlite3_errcode(db) & 0xff;

    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR; /* the last: a schema that lies */
}

/* --- opening --- */

static bool
has_backups(const char *path)
{
    struct snapshot_backup_file *items;
    struct arena                *a     = arena_new(KIB(64), MIB(1));
    size_t                       count = 0;

    if (a == NULL || !snapshot_backups(path, a, &items, &count, NULL))
        count = 0;
    arena_free(a);
    return count > 0;
}

/* A file of no bytes is a new one, and SQLite would throw away the log that it finds beside it. */
static bool
is_emptied(const struct place *p)
{
    char        log[PATH_MAX];
    struct stat file, wal;

    snprintf(log, sizeof log, "%s-wal", p->path);
    if (stat(p->path, &file) != 0 || file.st_size > 0)
        return false;
    return (stat(log, &wal) == 0 && wal.st_size > 0) || has_backups(p->path);
}

/* A header that says that nobody may write makes all of it read-only, whatever the file's mode is. */
static bool
is_read_only(const struct place *p, sqlite3 *db)
{
    return sqlite3_db_readonly(db, "main") != 0 && access(p->path, W_OK) == 0;
}

static bool
is_check_due(const struct place *p)
{
    wall_time   now = clock_wall(), last = place_last_check(p);
    struct stat info;

    return p->is_doubted || stat(p->path, &info) != 0 || info.st_size <= SMALL_BYTES || last > now ||
           now - last > SECONDS(DAY_SECONDS);
}

static bool
check(struct place *p, sqlite3 *db, bool *is_damaged, struct error *err)
{
    bool has_bad_words = false;
    bool ok            = !is_check_due(p) || database_check(db, false, &has_bad_words, err);

    p->is_doubted |= has_bad_words;
    *is_damaged = !ok && (err->code == ERROR_INVALID || db_says_damaged(db));
    if (ok && is_read_only(p, db)) {
        *is_damaged = true;
        ok          = error_set(err, ERROR_INVALID, "its header says that it is read-only");
    }
    return ok;
}

/* The index of words can be made anew out of the texts; SQLite's check looks into it from 3.44 on only. */
static bool
mend_words(struct place *p, sqlite3 *db, struct snapshot_opening *opening, struct error *err)
{
    if (!p->is_doubted ||
        sqlite3_exec(db, "INSERT INTO words(words) VALUES('integrity-check')", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    if (!db_says_damaged(db)) /* no more than busy */
        return db_failed(db, err, "checking the index of words");
    if (!db_exec(db, "INSERT INTO words(words) VALUES('rebuild')", err))
        return false;
    if (opening != NULL)
        snprintf(opening->damaged, sizeof opening->damaged, "the index of words was damaged and has been made anew");
    return true;
}

static sqlite3 *
try_to_open(struct place *p, const struct opener *o, bool *is_damaged, struct error *err)
{
    *is_damaged = is_emptied(p);
    if (*is_damaged) {
        error_set(err, ERROR_INVALID, "it is empty");
        return NULL;
    }
    sqlite3 *db = db_open(p->path, DB_WRITE, err);
    if (db == NULL) {
        *is_damaged = err->code == ERROR_INVALID;
        return NULL;
    }
    bool ok = check(p, db, is_damaged, err);
    if (ok && !(o->prepare(o->owner, db, err) && mend_words(p, db, o->opening, err))) {
        ok          = false;
        *is_damaged = db_says_damaged(db) || (err->code == ERROR_INVALID && header_lies(db));
    } else if (ok && header_lies(db)) {
        *is_damaged = true;
        ok          = error_set(err, ERROR_INVALID, "its tables are not what they were made as");
    }
    if (ok)
        return db;
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* what is set aside stays as it was found */
    db_close(db);
    return NULL;
}

/* --- the file that takes its place --- */

static bool
copy_backup(const char *from, const char *fresh, struct error *err)
{
    char     copy[64];
    sqlite3 *db = database_open_foreign(from, false, copy, err);
    bool     ok = db != NULL && database_copy(db, fresh, err);

    database_close_foreign(db, copy);
    return ok;
}

/* The newest backup that is whole, as `fresh`; `of` gets its date, or "". */
static bool
take_backup(const struct place *p, const char *fresh, char of[16], struct error *err)
{
    struct snapshot_backup_file *items;
    struct arena                *a     = arena_new(KIB(64), MIB(1));
    size_t                       count = 0;
    struct error                 why   = {0};
    bool                         ok    = a != NULL && snapshot_backups(p->path, a, &items, &count, err);

    if (a == NULL)
        error_set(err, ERROR_MEMORY, "no memory for the list of backups");
    for (size_t i = 0; ok && i < count && of[0] == '\0'; i++) {
        if (!snapshot_verify(items[i].path, NULL, &why))
            continue;
        ok = copy_backup(items[i].path, fresh, err);
        snprintf(of, 16, "%.10s", strrchr(items[i].path, '/') + sizeof "snapshots-");
    }
    arena_free(a);
    return ok;
}

static void
remove_beside(const char *path, const char *end)
{
    char name[PATH_MAX];

    snprintf(name, sizeof name, "%s%s", path, end);
    unlink(name);
}

/* Closed, it must be a single file: its log would stay under a name that belongs to nobody. */
static bool
is_single(const char *path, struct error *err)
{
    char        log[PATH_MAX];
    struct stat info;

    remove_beside(path, "-lock");
    remove_beside(path, "-shm");
    snprintf(log, sizeof log, "%s-wal", path);
    if (stat(log, &info) != 0)
        return true;
    return info.st_size == 0 ? unlink(log) == 0 : error_set(err, ERROR_INTERNAL, "%s could not be closed", path);
}

/* SQLite finds its way to our tables. */
static bool
leads_somewhere(struct snapshot_db *db)
{
    struct error why = {0};

    return db != NULL && handle_statement(db, LOAD_ID, &why) != NULL && handle_statement(db, LOAD_LONG, &why) != NULL &&
           handle_statement(db, LOAD_LONG_VERSION, &why) != NULL;
}

static void
forget_copy(const struct place *p)
{
    static const char *const ends[] = {"-read", "-read-wal", "-read-shm"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        remove_beside(p->path, ends[i]);
}

/* The damaged file; or a copy with a header, or a first page, that leads somewhere. */
static struct snapshot_db *
peek(const struct place *p, const char *fresh)
{
    char                copy[PATH_MAX];
    struct error        why = {0};
    struct snapshot_db *db  = snapshot_db_peek(p->path, &why);

    snprintf(copy, sizeof copy, "%s-read", p->path);
    for (int whole = 0; whole < 2 && !leads_somewhere(db); whole++) {
        snapshot_db_close(db);
        forget_copy(p);
        db = header_graft(p->path, fresh, whole == 1, copy, &why) ? snapshot_db_peek(copy, &why) : NULL;
    }
    return db;
}

/* Opened and closed once before: then it is up to date, and its first page, which may serve as a model, in the file. */
static bool
make_fresh(struct place *p, const char *fresh, struct mended *m, struct error *err)
{
    static const struct snapshot_limits none = {.size = INT64_MAX, .quota = INT64_MAX};
    struct snapshot_db                 *to   = snapshot_db_open(fresh, &none, NULL, err);
    int64_t                             last = 0;

    if (to == NULL)
        return false;
    snapshot_db_close(to);
    struct snapshot_db *from = peek(p, fresh);
    to                       = snapshot_db_open(fresh, &none, NULL, err);
    bool ok                  = to != NULL;
    m->is_read               = leads_somewhere(from);
    if (m->is_read && !snapshot_salvage_last(from, &last))
        last = 0;
    if (ok && m->is_read)
        ok = snapshot_salvage(from, to, &m->taken, &m->changed, err);
    snapshot_db_close(from);
    snapshot_db_close(to);
    forget_copy(p);
    return ok && is_single(fresh, err) && (last == 0 || database_raise_ids(fresh, last, err));
}

static const char *
base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* "3 snapshots and 1 change were". */
static void
count_what_was_read(const struct mended *m, char out[96])
{
    int len = snprintf(out, 96, "%llu snapshot%s", (unsigned long long)m->taken, m->taken == 1 ? "" : "s");

    if (m->changed > 0)
        len += snprintf(out + len, 96 - (size_t)len, " and %llu change%s", (unsigned long long)m->changed,
                        m->changed == 1 ? "" : "s");
    snprintf(out + len, 96 - (size_t)len, m->taken + m->changed == 1 ? " was" : " were");
}

static void
say(struct snapshot_opening *opening, const struct place *p, const char *kept, const struct mended *m)
{
    char in_place[64], read[96] = "nothing could be";

    if (opening == NULL)
        return;
    snprintf(in_place, sizeof in_place,
             m->backup[0] == '\0' ? "there is no backup" : "the backup of %s is in its place", m->backup);
    if (m->is_read)
        count_what_was_read(m, read);
    snprintf(opening->damaged, sizeof opening->damaged, "%s was damaged and is kept as %s: %s, and %s read out of it",
             base_of(p->path), base_of(kept), in_place, read);
}

static bool
is_new_one(const char *path)
{
    return str_ends(str_from(path), STR("-new"));
}

/* The file that is marked is damaged, or was: another process may have been here first. */
static bool
recover(struct place *p, struct snapshot_opening *opening, struct error *err)
{
    char          fresh[PATH_MAX], kept[PATH_MAX];
    struct mended m = {0};

    if (!place_hold_alone(p, PLACE_OPEN_WAIT_MS, err))
        return false;
    bool is_ours = place_is_marked(p);
    bool ok      = !is_ours || (place_new(p, fresh, err) && take_backup(p, fresh, m.backup, err) &&
                           make_fresh(p, fresh, &m, err) && place_exchange(p, "damaged", kept, err));
    if (ok && is_ours)
        say(opening, p, kept, &m);
    place_leave(p);
    return ok;
}

sqlite3 *
snapshot_file_open(struct place *p, const struct snapshot_limits *limits, snapshot_prepare prepare, void *owner,
                   struct snapshot_opening *opening, struct error *err)
{
    const struct opener opener = {prepare, owner, opening};

    (void)limits; /* what was saved once stays, however large it is */
    for (int try = 0; try < TRIES; try++) {
        struct error why        = {0};
        bool         is_damaged = false;
        if (!p->is_held && !place_hold(p, PLACE_OPEN_WAIT_MS, err))
            return NULL;
        place_mark(p);
        sqlite3 *db = try_to_open(p, &opener, &is_damaged, &why);
        if (db != NULL) {
            place_mark(p); /* it may just have been made */
            if (is_check_due(p))
                place_checked(p);
            p->is_doubted = false;
            return db;
        }
        place_leave(p);
        *err          = why;
        p->is_doubted = true; /* if it is another's that lies there now */
        if (!is_damaged || is_new_one(p->path))
            return NULL;
        if (!recover(p, opening, err)) {
            error_wrap(err, "%s is damaged (%s) and could not be mended", p->path, why.text);
            return NULL;
        }
    }
    return NULL;
}

void
snapshot_file_close(struct place *p, sqlite3 *db)
{
    bool was_held = p->is_held;

    if (db == NULL)
        return;
    /* Else it would delete a log that belongs to another file by now. */
    if ((!was_held && !place_hold(p, DB_BUSY_MS, NULL)) || !place_is_marked(p))
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db_close(db);
    if (!was_held)
        place_leave(p);
}
