#include "store/store_thread.h"

/* How often we look, and how often names that nobody uses are looked for (which reads all rows once). */
#define LOOK_EVERY  SECONDS(30)
#define NAMES_EVERY MINUTES(24 * 60)
#define SIZE_LOW(n) ((n) / 100 * 95)

/* The newest exchange of the oldest blocks that hold `share` (of 1,000) of what is stored. */
static bool
oldest_share(sqlite3 *db, int64_t share, int64_t *id, struct error *err)
{
    int64_t blocks;
    char    sql[200];

    if (!db_number(db, "SELECT count(*) FROM block", 0, &blocks, err))
        return false;
    if (blocks > 0)
        snprintf(sql, sizeof sql, "SELECT last_id FROM block ORDER BY last_id LIMIT 1 OFFSET %lld",
                 (long long)(blocks * share / 1000));
    else
        snprintf(sql, sizeof sql,
                 "SELECT id FROM exchange_row ORDER BY id LIMIT 1 OFFSET"
                 " (SELECT count(*) * %lld / 1000 FROM exchange_row)",
                 (long long)share);
    return db_number(db, sql, 0, id, err);
}

/* Ids below `*before` are too many for the space they may take; 0: none are. */
static bool
too_large(sqlite3 *db, uint64_t bytes_max, int64_t *before, bool *shrink, struct error *err)
{
    int64_t pages, unused, id = 0;

    *before = 0;
    if (bytes_max == 0)
        return true;
    if (!db_number(db, "PRAGMA page_count", 0, &pages, err) || !db_number(db, "PRAGMA freelist_count", 0, &unused, err))
        return false;
    int64_t used = (pages - unused) * 4096, low = (int64_t)SIZE_LOW(bytes_max);
    *shrink = (uint64_t)pages * 4096 > bytes_max + bytes_max / 10; /* the limit was lowered */
    if ((uint64_t)used <= bytes_max)
        return true;
    if (!oldest_share(db, (used - low) * 1000 / used + 1, &id, err))
        return false;
    *before = id + 1;
    return true;
}

static bool
look(struct store_thread *st, mono_time now, struct error *err)
{
    sqlite3 *db     = st->writer.db;
    int64_t  age    = atomic_load(&st->retention_age);
    int64_t  old    = age == 0 ? 0 : (clock_wall_of(now) - age) << 10;
    bool     shrink = false;
    int64_t  before, oldest;

    if (!too_large(db, atomic_load(&st->retention_bytes), &before, &shrink, err) ||
        !db_number(db, "SELECT min(id) FROM exchange_row", INT64_MAX, &oldest, err))
        return false;
    if (before < old)
        before = old;
    st->forgetting = oldest < before || shrink;
    st->forget     = (struct forget){
            .before_id = before,
            .phase     = oldest < before ? FORGET_ROWS : FORGET_SHRINK,
            .shrink    = shrink,
            .names     = now - st->names_cleaned > NAMES_EVERY,
    };
    if (st->forgetting && st->forget.names)
        st->names_cleaned = now;
    return true;
}

bool
retention_step(struct store_thread *st, mono_time now, struct error *err)
{
    if (!st->forgetting && now - st->retention_checked >= LOOK_EVERY) {
        st->retention_checked = now;
        if (!look(st, now, err))
            return false;
    }
    if (!st->forgetting)
        return true;
    bool ok        = forget_step(st->writer.db, &st->forget, err);
    st->forgetting = ok && st->forget.phase != FORGET_DONE; /* a failed step is tried when we look again */
    return ok;
}
