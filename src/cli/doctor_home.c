#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/format.h"
#include "gateway/registry.h"
#include "store/db.h"

enum { OTHERS = 077 };
#define LITTLE_SPACE ((uint64_t)1 << 30)
#define NO_SPACE     ((uint64_t)64 << 20) /* below this nothing is recorded */

static const char fix[] = "gatehouse doctor --fix";

/* What others may read of the home's files: each is said, or closed to them. */
static size_t
check_files(struct doctor *d, int home)
{
    DIR           *list      = fdopendir(home);
    int            directory = list == NULL ? -1 : dirfd(list);
    struct dirent *entry;
    struct stat    info;
    size_t         open = 0;

    while (directory >= 0 && (entry = readdir(list)) != NULL) {
        if (fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode) ||
            (info.st_mode & OTHERS) == 0)
            continue;
        open++;
        if (d->fixes && fchmodat(directory, entry->d_name, info.st_mode & 0700, 0) == 0)
            doctor_say(d, FINDING_GOOD, NULL, "%s could be read by others: closed to them", entry->d_name);
        else
            doctor_say(d, FINDING_BAD, fix, "%s may be read by your group or others", entry->d_name);
    }
    if (list != NULL)
        closedir(list);
    return open;
}

void
check_home(struct doctor *d)
{
    struct stat info;
    int         fd = open(d->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0) {
        int saved = errno;
        doctor_say(d, saved == ENOENT ? FINDING_ODD : FINDING_BAD, saved == ENOENT ? "gatehouse serve" : NULL,
                   "home %s: %s", d->home, saved == ENOENT ? "not there yet" : strerror(saved));
    } else if (info.st_uid != geteuid()) {
        doctor_say(d, FINDING_BAD, "gatehouse serve --home DIR", "home %s belongs to another user (uid %u)", d->home,
                   info.st_uid);
    } else if ((info.st_mode & OTHERS) != 0 && !(d->fixes && fchmod(fd, 0700) == 0)) {
        doctor_say(d, FINDING_BAD, fix, "home %s may be entered by others", d->home);
    } else {
        size_t open = check_files(d, fd);
        if (open == 0)
            doctor_say(d, FINDING_GOOD, NULL, "home %s is yours alone%s", d->home,
                       (info.st_mode & OTHERS) != 0 ? ", now" : "");
        return; /* check_files closed it */
    }
    if (fd >= 0)
        close(fd);
}

/* ---- the registry ---- */

static bool
is_program(const char *directory, size_t len, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%.*s/%s", (int)len, directory, name);
    return access(path, X_OK) == 0;
}

static bool
is_found(struct doctor *d, const char *command)
{
    char *const *environment = d->cli->environment;
    const char  *path        = "/usr/local/bin:/usr/bin:/bin";

    if (strchr(command, '/') != NULL)
        return access(command, X_OK) == 0;
    for (; environment != NULL && *environment != NULL; environment++)
        if (str_starts(str_from(*environment), STR("PATH=")))
            path = *environment + 5;
    for (struct str rest = str_from(path), part; str_cut(&rest, ':', &part);)
        if (part.len > 0 && is_program(part.data, part.len, command))
            return true;
    return false;
}

static void
check_entry(struct doctor *d, const struct server_entry *entry)
{
    if (entry->kind == SERVER_WRONG) {
        doctor_say(d, FINDING_BAD, NULL, "%s", entry->error);
        return;
    }
    if (entry->note[0] != '\0')
        doctor_say(d, FINDING_ODD, NULL, "%.*s: %s", STR_ARG(entry->name), entry->note);
    if (entry->kind != SERVER_STDIO || !entry->enabled || entry->argv[0] == NULL || is_found(d, entry->argv[0]))
        return;
    bool is_node = strcmp(entry->argv[0], "npx") == 0 || strcmp(entry->argv[0], "node") == 0;
    doctor_say(d, FINDING_BAD, is_node ? "install Node.js (apt install nodejs npm)" : NULL,
               "%.*s needs %s, which is not found in PATH", STR_ARG(entry->name), entry->argv[0]);
}

void
check_registry(struct doctor *d)
{
    struct registry_source source = {.path = cli_home_file(d->cli, "mcp.json"), .environment = d->cli->environment};
    struct registry       *r      = source.path == NULL ? NULL : registry_load(&source, NULL);
    size_t                 bad    = d->counts[FINDING_BAD];

    if (r == NULL)
        return;
    if (r->file_error.code != ERROR_NONE)
        doctor_say(d, FINDING_BAD, NULL, "%s", r->file_error.text);
    for (size_t i = 0; i < r->count; i++)
        check_entry(d, &r->entries[i]);
    if (bad == d->counts[FINDING_BAD])
        doctor_say(d, FINDING_GOOD, NULL, "mcp.json: %zu server%s, nothing wrong", r->count, r->count == 1 ? "" : "s");
    registry_unref(r);
}

/* ---- the database ---- */

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

void
check_disk(struct doctor *d)
{
    struct statvfs info;
    struct buffer  text = {.max = KIB(1)};

    if (statvfs(d->home, &info) != 0)
        return;
    uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    format_bytes(&text, free_bytes);
    doctor_say(d,
               free_bytes < NO_SPACE       ? FINDING_BAD
               : free_bytes < LITTLE_SPACE ? FINDING_ODD
                                           : FINDING_GOOD,
               free_bytes < LITTLE_SPACE ? "free some, or lower retention.size" : NULL, "disk: %.*s free%s",
               STR_ARG(buffer_str(&text)), free_bytes < NO_SPACE ? ", too little to record calls" : "");
    buffer_clear(&text);
}
