#include "store/writer.h"

#include <stdatomic.h>

#include "store/capture.h"
#include "store/names.h"

static const struct {
    size_t      at; /* of struct writer */
    const char *sql;
} statements[] = {
    {offsetof(struct writer, begin), "BEGIN IMMEDIATE"},
    {offsetof(struct writer, commit), "COMMIT"},
    {offsetof(struct writer, rollback), "ROLLBACK"},
    {offsetof(struct writer, read_epoch),
     "SELECT value, (SELECT value FROM meta WHERE key = 'cleared') FROM meta WHERE key = 'epoch'"},
    {offsetof(struct writer, find_name), "SELECT id FROM name WHERE text = ?1"},
    {offsetof(struct writer, add_name), "INSERT INTO name(text) VALUES(?1)"},
    {offsetof(struct writer, find_label),
     "SELECT id, server, session, principal, client, client_version, server_name, server_version, revision, transport,"
     " address, user_agent FROM label WHERE hash = ?1"},
    {offsetof(struct writer, add_label),
     "INSERT INTO label(hash, server, session, principal, client, client_version, server_name, server_version, "
     "revision,"
     " transport, address, user_agent) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
    {offsetof(struct writer, add_row),
     "INSERT INTO exchange_row VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"},
    {offsetof(struct writer, update_row),
     "UPDATE exchange_row SET label = ?2, method = coalesce(?3, method), target = coalesce(?4, target),"
     " jsonrpc_id = coalesce(?5, jsonrpc_id), kind = ?6, outcome = ?7, error_code = ?8,"
     " http_status = coalesce(?9, http_status), duration_us = coalesce(?10, duration_us),"
     " first_byte_us = coalesce(?11, first_byte_us), bytes_in = bytes_in + ?12, bytes_out = bytes_out + ?13,"
     " tokens_in = ?14, tokens_out = ?15 WHERE id = ?1"},
    {offsetof(struct writer, add_more), "INSERT OR REPLACE INTO more VALUES(?1, ?2, ?3)"},
    {offsetof(struct writer, add_open), "INSERT OR IGNORE INTO open VALUES(?1)"},
    {offsetof(struct writer, drop_open), "DELETE FROM open WHERE id = ?1"},
    {offsetof(struct writer, add_gap), "INSERT INTO gap(from_us, to_us, lost) VALUES(?1, ?2, ?3)"},
};

/* What is in the log goes to the database at 4 MiB; at 12 we wait for readers to let us begin the log anew. */
enum { WAL_PAGES_PASSIVE = 1024, WAL_PAGES_RESTART = 3072 };
/* What is written lies at the ends of the tables, and the tail: of 200,000 calls, 189 pages were read again with a
 * cache of 2 MB, 120 with 4. */
static const char pragmas[] = "PRAGMA cache_size = -2000; PRAGMA journal_size_limit = 16777216";

static int
note_wal_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct writer *w = arg;

    if (pages < w->wal_pages)
        w->wal_next = WAL_PAGES_PASSIVE; /* it began anew */
    w->wal_pages = pages;
    return SQLITE_OK;
}

/* What we remember of the database counts no more. */
static void
forget(struct writer *w)
{
    static _Atomic uint64_t epochs = 1;

    w->epoch = atomic_fetch_add(&epochs, 1);
    names_forget(w);
    streams_forget(&w->streams);
}

bool
writer_open(struct writer *w, const char *path, unsigned slot, struct error *err)
{
    *w = (struct writer){
        .slot     = slot,
        .wal_next = WAL_PAGES_PASSIVE,
        .names    = MAP_OF(int64_t, NAMES_MAX + 1),
        .open     = MAP_OF(struct open_exchange, OPEN_EXCHANGES_MAX),
    };
    w->db = db_open(path, DB_WRITE, err);
    if (w->db == NULL || !db_migrate(w->db, path, err) || !db_exec(w->db, pragmas, err))
        return false;
    sqlite3_wal_hook(w->db, note_wal_pages, w);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        sqlite3_stmt *s = db_prepare(w->db, statements[i].sql, err);
        if (s == NULL)
            return false;
        memcpy((char *)w + statements[i].at, &s, sizeof s);
    }
    if (!streams_init(&w->streams, w->db, slot, err) ||
        !db_number(w->db, "SELECT value FROM meta WHERE key = 'cleared'", 0, &w->clear_seen, err))
        return false;
    forget(w);
    return true;
}

void
writer_close(struct writer *w)
{
    streams_clear(&w->streams);
    names_forget(w);
    map_clear(&w->open);
    if (w->db != NULL)
        sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    db_close(w->db);
    w->db = NULL;
}

/* The clock is the machine's since it started: only a clear that we see happen says something to us. One ahead of now
 * is of another clock (a container's), and costs no more than what waits. */
static void
note_clear(struct writer *w, int64_t clear)
{
    mono_time now = clock_mono();

    if (clear == w->clear_seen)
        return;
    w->clear_seen = clear;
    w->cleared    = clear < now ? clear : now;
}

bool
writer_begin(struct writer *w, struct error *err)
{
    if (!db_run(w->begin, err))
        return false;
    int got = db_row(w->read_epoch, err);
    if (got <= 0)
        return got < 0 ? false : error_set(err, ERROR_INVALID, "the traffic database has no epoch");
    int64_t epoch = sqlite3_column_int64(w->read_epoch, 0);
    note_clear(w, sqlite3_column_int64(w->read_epoch, 1));
    sqlite3_reset(w->read_epoch);
    if (epoch != w->database_epoch)
        forget(w);
    w->database_epoch = epoch;
    return true;
}

void
writer_rollback(struct writer *w)
{
    if (sqlite3_get_autocommit(w->db) == 0)
        db_run(w->rollback, NULL);
    forget(w);
}

/* A reader that holds on to the log must not hold us: we wait briefly, and ask again some megabytes later. */
static void
checkpoint(struct writer *w)
{
    enum { WAIT_MS = 100 };
    int mode = w->wal_pages < WAL_PAGES_RESTART ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;

    if (w->wal_pages < w->wal_next)
        return;
    sqlite3_busy_timeout(w->db, WAIT_MS);
    int got        = sqlite3_wal_checkpoint_v2(w->db, NULL, mode, NULL, NULL);
    w->wal_failure = (struct error){0};
    if (got != SQLITE_OK && (got & 0xff) != SQLITE_BUSY)
        db_failed(w->db, &w->wal_failure, "writing back the log of the traffic database");
    sqlite3_busy_timeout(w->db, DB_BUSY_MS);
    w->wal_next = w->wal_pages + WAL_PAGES_PASSIVE;
}

bool
writer_commit(struct writer *w, struct error *err)
{
    if (!writer_cut_rows(w, err) || !streams_flush(&w->streams, err) || !db_run(w->commit, err))
        return false;
    checkpoint(w);
    return true;
}

bool
writer_try(struct writer *w, struct error *err)
{
    if (w->wal_failure.code != ERROR_NONE)
        w->wal_next = 0; /* behind the commit */
    return db_exec(w->db, "UPDATE meta SET value = value WHERE key = 'epoch'", err);
}

bool
writer_add(struct writer *w, const struct record *r, struct error *err)
{
    if (r->put_at <= w->cleared) {
        capture_skip(w, r);
        return true;
    }
    return labels_resolve(w, r->labels, err) && capture_record(w, r, err);
}

bool
writer_add_gap(struct writer *w, wall_time from, wall_time to, uint64_t lost, struct error *err)
{
    sqlite3_bind_int64(w->add_gap, 1, from);
    sqlite3_bind_int64(w->add_gap, 2, to);
    sqlite3_bind_int64(w->add_gap, 3, (int64_t)lost);
    return db_run(w->add_gap, err);
}

static bool
close_rows(struct writer *w, unsigned slot, struct error *err)
{
    char sql[400];

    snprintf(sql, sizeof sql,
             "UPDATE exchange_row SET outcome = %d WHERE outcome IS NULL AND id IN"
             " (SELECT id FROM open WHERE id & 1023 = %u); DELETE FROM open WHERE id & 1023 = %u",
             (int)OUTCOME_CUT, slot, slot);
    return db_exec(w->db, sql, err);
}

bool
writer_adopt(struct writer *w, unsigned slot, struct error *err)
{
    if (!writer_begin(w, err))
        return false;
    if (close_rows(w, slot, err) && (slot == w->slot || streams_adopt(&w->streams, slot, err)) && writer_commit(w, err))
        return true;
    writer_rollback(w);
    return false;
}

bool
writer_orphans(struct writer *w, void (*each)(unsigned slot, void *arg), void *arg, struct error *err)
{
    static const char sql[] = "SELECT slot FROM stream s WHERE EXISTS(SELECT 1 FROM tail WHERE id >= s.id << 40 AND"
                              " id < (s.id + 1) << 40) UNION SELECT id & 1023 FROM open";
    bool              seen[TRAFFIC_SLOTS] = {false};
    sqlite3_stmt     *s                   = db_prepare(w->db, sql, err);
    int               got                 = -1;

    while (s != NULL && (got = db_row(s, err)) > 0)
        seen[sqlite3_column_int64(s, 0) & (TRAFFIC_SLOTS - 1)] = true;
    sqlite3_finalize(s);
    for (unsigned slot = 0; got == 0 && slot < TRAFFIC_SLOTS; slot++) {
        if (seen[slot])
            each(slot, arg);
    }
    return got == 0;
}

bool
writer_newest_ahead(struct writer *w, wall_time now, uint64_t *id, struct error *err)
{
    char    sql[160];
    int64_t newest;

    snprintf(sql, sizeof sql, "SELECT max(id) FROM exchange_row WHERE id > %lld AND id & 1023 = %u",
             (long long)now << 10, w->slot);
    bool ok = db_number(w->db, sql, 0, &newest, err);
    *id     = (uint64_t)newest;
    return ok;
}
