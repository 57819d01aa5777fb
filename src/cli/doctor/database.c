#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/format.h"
#include "cli/doctor/doctor.h"
#include "store/db.h"
#include "store/snapshots/care.h"
#include "store/traffic.h"

/* Rows carry the time of their call; one of tomorrow was written, or is read, under a wrong clock. */
static void
check_newest(struct doctor *d, sqlite3 *db)
{
    struct error err = {0};
    int64_t      id  = 0;
    char         at[TIME_ISO_SIZE];

    if (!db_number(db, "SELECT max(id) FROM exchange_row", 0, &id, &err) || (id >> 10) < clock_wall() + SECONDS(86400))
        return;
    time_format_iso(id >> 10, at);
    doctor_say(d, FINDING_ODD, "set the clock: timedatectl",
               "the newest call on record is of %s, in the future: the clock is wrong, or was", at);
}

static void
check_rows(struct doctor *d, sqlite3 *db)
{
    struct error  err   = {0};
    mono_time     began = clock_mono();
    int64_t       rows  = 0;
    struct buffer text  = {.max = KIB(1)};
    sqlite3_stmt *s     = db_prepare(db, "PRAGMA quick_check(1)", &err);

    if (s == NULL || db_row(s, &err) != 1) {
        doctor_say(d, FINDING_BAD, NULL, "database: %s", err.text);
    } else if (!str_eq(db_str(s, 0), STR("ok"))) {
        struct str said = db_str(s, 0);
        doctor_say(d, FINDING_BAD, "stop Gatehouse and move traffic.db away; a new one is made",
                   "database damaged: %.*s", STR_ARG(said));
    } else if (!db_number(db, "SELECT count(*) FROM exchange_row", 0, &rows, &err)) {
        doctor_say(d, FINDING_BAD, NULL, "database: %s", err.text);
    } else {
        format_count(&text, (uint64_t)rows);
        buffer_append(&text, rows == 1 ? STR(" call, checked in ") : STR(" calls, checked in "));
        format_took(&text, clock_mono() - began);
        doctor_say(d, FINDING_GOOD, NULL, "database whole (%.*s)", STR_ARG(buffer_str(&text)));
        check_newest(d, db);
    }
    sqlite3_finalize(s);
    buffer_clear(&text);
}

void
check_database(struct doctor *d)
{
    struct error err  = {0};
    const char  *path = cli_home_file(d->cli, "traffic.db");

    if (path == NULL || access(path, F_OK) != 0) {
        doctor_say(d, FINDING_GOOD, NULL, "database: none yet, it comes with the first start");
        return;
    }
    sqlite3 *db = db_open(path, DB_READ, &err);
    if (db == NULL)
        doctor_say(d, FINDING_BAD, NULL, "database: %s", err.text);
    else
        check_rows(d, db);
    db_close(db);
}

/* What a person saved, beside what passed. */
void
check_snapshots(struct doctor *d)
{
    const char             *path    = cli_home_file(d->cli, "users/local/snapshots.db");
    struct snapshot_figures figures = {0};
    struct error            err     = {0};

    if (path == NULL || access(path, F_OK) != 0)
        return;
    if (snapshot_verify(path, &figures, &err))
        doctor_say(d, FINDING_GOOD, NULL, "snapshots whole (%llu saved)", (unsigned long long)figures.count);
    else
        doctor_say(d, FINDING_BAD, NULL,
                   "snapshots: %s; a damaged file is set aside when it is next opened, and a copy put in its place",
                   err.text);
}

/* ---- who writes it ---- */

/* Each holds a lock on a byte of the file of slots (store/slot.h); looking takes none. */
static unsigned
count_writers(const char *path)
{
    unsigned     count = 0;
    int          fd    = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct flock lock  = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = TRAFFIC_SLOTS};

    while (fd >= 0 && lock.l_start < TRAFFIC_SLOTS && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        count++;
        off_t next = lock.l_start + 1;
        lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = next, .l_len = TRAFFIC_SLOTS - next};
    }
    if (fd >= 0)
        close(fd);
    return count;
}

/* https://www.sqlite.org/wal.html#walresetbug: two that write at once may, very rarely, damage the file. */
static bool
has_wal_reset_bug(int version)
{
    bool is_mended =
        version >= 3051003 || (version >= 3050007 && version < 3051000) || (version >= 3044006 && version < 3045000);

    return !is_mended;
}

void
check_gateways(struct doctor *d)
{
    const char *path  = cli_home_file(d->cli, "traffic.db-slots");
    unsigned    count = path == NULL ? 0 : count_writers(path);

    if (count < 2)
        return;
    if (d->runs)
        doctor_say(d, FINDING_ODD, "stop the others, or give each a --home of its own",
                   "%u gateways run on this home; the command line asks the one on port %u", count, d->gateway.port);
    else
        doctor_say(d, FINDING_ODD, "give each a --home of its own",
                   "%u gateways run on this home, none of which the command line finds", count);
    if (has_wal_reset_bug(sqlite3_libversion_number()))
        doctor_say(d, FINDING_ODD, "stop the others, or bring SQLite up to 3.51.3",
                   "SQLite %s may, very rarely, damage a database that two gateways write", sqlite3_libversion());
}
