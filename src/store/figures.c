/* How many calls there were and how long they took, in one pass over the rows without looking up a name.
 *
 * Durations are counted in buckets whose width is 1/128 of their value: 32 KiB, however many there are. */
#include "store/reader.h"

enum { STEPS = 128, BUCKETS = 57 * STEPS };

struct figures {
    struct call_figures *out;
    struct buffer        bridges; /* of int64_t: labels of rows that are not counted, in order */
    uint64_t             answered;
    uint32_t             buckets[BUCKETS];
};

static size_t
bucket_of(uint64_t us)
{
    if (us < 2 * STEPS)
        return (size_t)us;
    int shift = 63 - __builtin_clzll(us) - 7; /* eight bits are left */

    return (size_t)(shift + 1) * STEPS + (size_t)(us >> shift) - STEPS;
}

/* The largest value of a bucket. */
static int64_t
top_of(size_t bucket)
{
    if (bucket < 2 * STEPS)
        return (int64_t)bucket;
    size_t shift = bucket / STEPS - 1;

    return (int64_t)(((uint64_t)(bucket % STEPS + STEPS + 1) << shift) - 1);
}

static int64_t
percentile(const struct figures *f, unsigned percent)
{
    uint64_t wanted = (f->answered * percent + 99) / 100, seen = 0;

    for (size_t i = 0; f->answered > 0 && i < BUCKETS; i++) {
        seen += f->buckets[i];
        if (seen >= wanted)
            return top_of(i);
    }
    return -1;
}

static bool
load_bridges(struct reader *r, struct figures *f, struct error *err)
{
    sqlite3_stmt *s   = db_prepare(r->db, "SELECT id FROM label WHERE " LABEL_OF_BRIDGE " ORDER BY id", err);
    int           got = -1;

    while (s != NULL && (got = db_row(s, err)) > 0) {
        int64_t id = sqlite3_column_int64(s, 0);
        if (!buffer_append(&f->bridges, str_of((const char *)&id, sizeof id))) {
            got = error_set(err, ERROR_MEMORY, "no memory") ? 0 : -1;
            break;
        }
    }
    sqlite3_finalize(s);
    return got == 0;
}

static int
compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool
is_of_bridge(const struct figures *f, int64_t label)
{
    struct str ids = buffer_str(&f->bridges);

    return ids.len > 0 && bsearch(&label, ids.data, ids.len / sizeof label, sizeof label, compare_ids) != NULL;
}

static bool
count_slice(struct reader *r, int64_t after, int64_t before, bool *stop, void *arg, struct error *err)
{
    static const char sql[] = "SELECT kind, outcome, duration_us, label FROM exchange_row WHERE id > ?1 AND id < ?2";
    struct figures   *f     = arg;
    sqlite3_stmt     *s     = db_prepare(r->db, sql, err);
    int               got   = -1;

    (void)stop;
    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, after);
    sqlite3_bind_int64(s, 2, before);
    while ((got = db_row(s, err)) > 0) {
        if (sqlite3_column_int(s, 0) != KIND_REQUEST || is_of_bridge(f, sqlite3_column_int64(s, 3)))
            continue;
        int64_t us = sqlite3_column_int64(s, 2);
        f->out->count++;
        f->out->failed += sqlite3_column_int(s, 1) > OUTCOME_OK;
        if (sqlite3_column_type(s, 2) == SQLITE_NULL || us < 0)
            continue;
        f->answered++;
        f->buckets[bucket_of((uint64_t)us)]++;
    }
    sqlite3_finalize(s);
    return got == 0;
}

bool
reader_call_figures(struct reader *r, wall_time after, struct call_figures *out, struct error *err)
{
    struct query    q = {.after = after};
    struct figures *f = calloc(1, sizeof *f);
    int64_t         from, to;

    *out = (struct call_figures){.p50_us = -1, .p95_us = -1};
    if (f == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    f->out         = out;
    f->bridges.max = MIB(64);
    query_bounds(&q, &from, &to);
    bool ok = load_bridges(r, f, err) && reader_slices(r, from, to, false, count_slice, f, err);
    if (ok) {
        out->p50_us = percentile(f, 50);
        out->p95_us = percentile(f, 95);
    }
    buffer_clear(&f->bridges);
    free(f);
    return ok;
}
