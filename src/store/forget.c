#include "store/forget.h"

#include "base/clock.h"

enum { ROWS_A_STEP = 2000, ROWS_LOOKED_AT = 20000, BLOCKS_A_STEP = 64, TAILS_A_STEP = 64, PAGES_A_STEP = 256 };
enum { ROUNDS_MAX = 8 };
enum { TIGHT = 64 }; /* so many times less on a full disk */
#define STEP_LASTS MILLISECONDS(15)

/* A statement used once; ?1 is the principal when the text has it. */
static sqlite3_stmt *
prepare_for(sqlite3 *db, const struct forget *f, const char *sql, struct error *err)
{
    sqlite3_stmt *s = db_prepare(db, sql, err);

    if (s != NULL && f->principal.len > 0)
        db_bind_str(s, 1, f->principal);
    return s;
}

static bool
run_once(sqlite3_stmt *s, struct error *err)
{
    bool ok = s != NULL && db_run(s, err);

    sqlite3_finalize(s);
    return ok;
}

#define OF_PRINCIPAL_ROW   " AND label IN (SELECT id FROM label WHERE principal = ?1)"
#define OF_PRINCIPAL_BLOCK " AND id >> 40 IN (SELECT id FROM stream WHERE principal = ?1)"

static int
step_of(const struct forget *f, int most)
{
    return f->is_tight ? (most + TIGHT - 1) / TIGHT : most;
}

static bool
forget_rows(sqlite3 *db, struct forget *f, struct error *err)
{
    bool    one = f->principal.len > 0;
    char    sql[400];
    int64_t end;

    snprintf(sql, sizeof sql, "SELECT id FROM exchange_row WHERE id > %lld AND id < %lld ORDER BY id LIMIT 1 OFFSET %d",
             (long long)f->cursor, (long long)f->before_id, step_of(f, one ? ROWS_LOOKED_AT : ROWS_A_STEP));
    if (!db_number(db, sql, f->before_id, &end, err))
        return false;
    snprintf(sql, sizeof sql, "DELETE FROM exchange_row WHERE id > %lld AND id < %lld%s", (long long)f->cursor,
             (long long)end, one ? OF_PRINCIPAL_ROW : "");
    if (!run_once(prepare_for(db, f, sql, err), err))
        return false;
    f->result.exchanges += (uint64_t)sqlite3_changes64(db);
    static const char *const tables[][2] = {{"more", "exchange"}, {"open", "id"}};
    for (size_t i = 0; i < 2; i++) {
        snprintf(
            sql, sizeof sql,
            "DELETE FROM %s WHERE %s > %lld AND %s < %lld AND NOT EXISTS(SELECT 1 FROM exchange_row e WHERE e.id = "
            "%s.%s)",
            tables[i][0], tables[i][1], (long long)f->cursor, tables[i][1], (long long)end, tables[i][0], tables[i][1]);
        if (!db_exec(db, sql, err))
            return false;
    }
    f->cursor = end - 1;
    if (end >= f->before_id) {
        f->phase  = FORGET_BLOCKS;
        f->cursor = 0;
    }
    return true;
}

static bool
drop_block(sqlite3 *db, int64_t id, int64_t last, struct error *err)
{
    static const char *const all[] = {
        "UPDATE stream SET floor = max(floor, ?2 + 1) WHERE id = ?1 >> 40",
        "DELETE FROM block_words WHERE id = ?1",
        "DELETE FROM block_body WHERE id = ?1",
        "DELETE FROM block WHERE id = ?1",
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sqlite3_stmt *s = db_prepare(db, all[i], err);
        if (s == NULL)
            return false;
        sqlite3_bind_int64(s, 1, id);
        if (i == 0)
            sqlite3_bind_int64(s, 2, last);
        if (!run_once(s, err))
            return false;
    }
    return true;
}

static bool
forget_blocks(sqlite3 *db, struct forget *f, struct error *err)
{
    mono_time     until = clock_mono() + STEP_LASTS;
    char          sql[300];
    int           got = 1, seen = 0;
    sqlite3_stmt *s;

    snprintf(sql, sizeof sql, "SELECT id, last FROM block WHERE id > %lld AND last_id < %lld%s ORDER BY id LIMIT %d",
             (long long)f->cursor, (long long)f->before_id, f->principal.len > 0 ? OF_PRINCIPAL_BLOCK : "",
             step_of(f, BLOCKS_A_STEP));
    s = prepare_for(db, f, sql, err);
    for (; s != NULL && clock_mono() < until && (got = db_row(s, err)) > 0; seen++) {
        f->cursor = sqlite3_column_int64(s, 0);
        if (!drop_block(db, f->cursor, sqlite3_column_int64(s, 1), err))
            got = -1;
        f->result.blocks += got > 0;
        if (got < 0)
            break;
    }
    sqlite3_finalize(s);
    if (s == NULL || got < 0)
        return false;
    if (got == 0 && seen == 0) {
        f->phase  = FORGET_TAIL;
        f->cursor = 0;
    }
    return true;
}

#define BUMP_EPOCH "UPDATE meta SET value = value + 1 WHERE key = 'epoch'"

static enum forget_phase
behind_rows(const struct forget *f)
{
    return f->names ? FORGET_NAMES : f->shrink ? FORGET_SHRINK : FORGET_DONE;
}

/* The rest of a clear is one step, so it must be small. */
static enum forget_phase
after_tail(struct forget *f)
{
    uint64_t gone = f->result.exchanges - f->were_gone;

    if (!f->clears)
        return behind_rows(f);
    f->were_gone = f->result.exchanges;
    f->cursor    = 0;
    return gone > (uint64_t)step_of(f, ROWS_A_STEP) && ++f->rounds < ROUNDS_MAX ? FORGET_ROWS : FORGET_REST;
}

static bool
forget_tail(sqlite3 *db, struct forget *f, struct error *err)
{
    char        sql[500];
    const char *whose = f->principal.len > 0 ? OF_PRINCIPAL_BLOCK : "";

    snprintf(sql, sizeof sql,
             "UPDATE stream SET floor = max(floor, coalesce((SELECT max(last) + 1 FROM tail WHERE id >= stream.id << 40"
             " AND id < (stream.id + 1) << 40 AND last_id < %lld), 0))",
             (long long)f->before_id);
    if (!db_exec(db, sql, err))
        return false;
    snprintf(sql, sizeof sql,
             "DELETE FROM tail WHERE id IN (SELECT id FROM tail WHERE last_id < %lld%s ORDER BY id LIMIT %d)",
             (long long)f->before_id, whose, step_of(f, TAILS_A_STEP));
    if (!run_once(prepare_for(db, f, sql, err), err))
        return false;
    uint64_t gone = (uint64_t)sqlite3_changes64(db);
    f->result.blocks += gone;
    if (gone > 0)
        return db_exec(db, BUMP_EPOCH, err);
    f->phase = after_tail(f);
    return db_exec(db, BUMP_EPOCH, err);
}

/* What came in since the last look, and the mark. */
static bool
forget_rest(sqlite3 *db, struct forget *f, struct error *err)
{
    static const char rest[] =
        "DELETE FROM more; DELETE FROM open;"
        "UPDATE stream SET floor = max(floor,"
        " coalesce((SELECT max(last) + 1 FROM block WHERE id >= stream.id << 40 AND id < (stream.id + 1) << 40), 0),"
        " coalesce((SELECT max(last) + 1 FROM tail WHERE id >= stream.id << 40 AND id < (stream.id + 1) << 40), 0));"
        "DELETE FROM block_words; DELETE FROM block_body; DELETE FROM block; DELETE FROM tail;" BUMP_EPOCH;
    char mark[100];

    if (!db_exec(db, "DELETE FROM exchange_row", err))
        return false;
    f->result.exchanges += (uint64_t)sqlite3_changes64(db);
    f->phase = behind_rows(f);
    snprintf(mark, sizeof mark, "INSERT OR REPLACE INTO meta VALUES('cleared', %lld)", (long long)clock_mono());
    return db_exec(db, rest, err) && db_exec(db, mark, err);
}

/* The writers learn from the epoch that what they remember of names is void. */
static bool
forget_names(sqlite3 *db, struct forget *f, struct error *err)
{
    static const char sql[] =
        "DELETE FROM label WHERE id NOT IN (SELECT label FROM exchange_row WHERE label IS NOT NULL);"
        "DELETE FROM name WHERE id NOT IN (SELECT method FROM exchange_row WHERE method IS NOT NULL UNION"
        " SELECT target FROM exchange_row WHERE target IS NOT NULL);"
        "DELETE FROM stream WHERE principal NOT IN (SELECT principal FROM label) AND NOT EXISTS(SELECT 1 FROM block"
        " WHERE id >= stream.id << 40 AND id < (stream.id + 1) << 40) AND NOT EXISTS(SELECT 1 FROM tail"
        " WHERE id >= stream.id << 40 AND id < (stream.id + 1) << 40);" BUMP_EPOCH;

    f->phase = f->shrink ? FORGET_SHRINK : FORGET_DONE;
    return db_exec(db, sql, err);
}

static bool
shrink(sqlite3 *db, struct forget *f, struct error *err)
{
    int64_t before, after, left;
    char    sql[64];

    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", step_of(f, PAGES_A_STEP));
    if (!db_number(db, "PRAGMA page_count", 0, &before, err) || !db_exec(db, sql, err) ||
        !db_number(db, "PRAGMA page_count", 0, &after, err) || !db_number(db, "PRAGMA freelist_count", 0, &left, err))
        return false;
    f->result.bytes_freed += (uint64_t)(before - after) * 4096;
    if (left == 0 || before == after)
        f->phase = FORGET_DONE;
    return true;
}

bool
forget_step(sqlite3 *db, struct forget *f, struct error *err)
{
    static bool (*const steps[])(sqlite3 *, struct forget *, struct error *) = {
        [FORGET_ROWS] = forget_rows, [FORGET_BLOCKS] = forget_blocks, [FORGET_TAIL] = forget_tail,
        [FORGET_REST] = forget_rest, [FORGET_NAMES] = forget_names,   [FORGET_SHRINK] = shrink,
    };

    const struct forget before = *f;

    if (f->phase == FORGET_DONE)
        return true;
    if (!db_exec(db, "BEGIN IMMEDIATE", err))
        return false;
    if (steps[f->phase](db, f, err) && db_exec(db, "COMMIT", err))
        return true;
    db_exec(db, "ROLLBACK", NULL);
    *f = before; /* nothing of it happened: it is tried again from where it began */
    return false;
}
